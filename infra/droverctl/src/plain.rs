//! Text of others made harmless: nothing of it moves the cursor, colours the terminal or turns what follows around.

use std::borrow::Cow;

/// Marks that change the direction of what follows, so that a name reads as another: U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069, U+061C.
const fn turns(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a character does something to a terminal rather than stand in it.
fn is_active(c: char) -> bool {
    c.is_control() || turns(c) || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Text on one line, with a space for each character that would do something.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if is_active(c) { ' ' } else { c }).collect()
}

/// JSON in which each such character is escaped that `serde_json` leaves: it means the same, and does nothing.
pub(crate) fn escaped(json: &str) -> Cow<'_, str> {
    if !json.chars().any(is_active) {
        return Cow::Borrowed(json);
    }
    let escape = |c: char| if is_active(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
    Cow::Owned(json.chars().map(escape).collect())
}

/// The first `width` characters of a text; where that is not all, the last of them says so.
pub(crate) fn clipped(text: &str, width: usize) -> Cow<'_, str> {
    if text.chars().count() <= width {
        return Cow::Borrowed(text);
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    Cow::Owned(if width == 0 { kept } else { kept + "…" })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    #[test]
    fn nothing_that_acts_on_a_terminal_is_left() {
        for (hostile, harmless) in [
            ("name", "name"),
            ("a\u{1b}[2Jb\nc\r", "a [2Jb c "),
            ("\u{9b}31mred", " 31mred"),
            ("\u{1b}]0;title\u{7}", " ]0;title "),
            ("exe.\u{202e}fdp", "exe. fdp"),
            ("a\u{2066}b\u{2069}", "a b "),
            ("Zoë 日本", "Zoë 日本"),
        ] {
            assert_eq!(plain(hostile), harmless);
            let value = json!({"name": hostile});
            let text = escaped(&value.to_string()).into_owned();
            assert!(!text.chars().any(is_active), "{text:?}");
            assert_eq!(serde_json::from_str::<Json>(&text).unwrap(), value, "it means something else");
        }
    }

    #[test]
    fn what_is_too_long_says_so() {
        for (text, width, shown) in
            [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("äöüß", 2, "ä…"), ("ab", 1, "…"), ("a", 0, "")]
        {
            assert_eq!(clipped(text, width), shown);
        }
    }
}

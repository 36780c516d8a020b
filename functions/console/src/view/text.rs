//! Text from outside: what it holds is shown, and does nothing. Markup is escaped by `maud`; here goes what a browser would obey or hide, control
//! characters and those that turn the direction of writing.

use std::fmt::Write as _;

use maud::{Render, html};

/// A text that may hold anything, made so that it can be looked at.
pub(crate) struct Shown<'text>(&'text str);

/// Shows a text from outside.
pub(crate) const fn shown(text: &str) -> Shown<'_> {
    Shown(text)
}

/// Shows the beginning of a text, at most so many characters, and that there is more.
pub(crate) fn clipped(text: &str, most: usize) -> maud::Markup {
    match text.char_indices().nth(most) {
        Some((end, _)) => html! { span title=(Shown(text)) { (Shown(&text[..end])) "…" } },
        None => html! { (Shown(text)) },
    }
}

impl Render for Shown<'_> {
    fn render_to(&self, buffer: &mut String) {
        let mut plain = self.0;
        while let Some((place, hidden)) = plain.char_indices().find(|(_, letter)| is_hidden(*letter)) {
            plain[..place].render_to(buffer);
            // Writing to a string cannot fail.
            let _ = match hidden {
                '\0'..='\x1f' => write!(buffer, "{}", char::from_u32(0x2400 + u32::from(hidden)).unwrap_or('␀')),
                '\x7f' => write!(buffer, "␡"),
                _ => write!(buffer, "\\u{{{:x}}}", u32::from(hidden)),
            };
            plain = &plain[place + hidden.len_utf8()..];
        }
        plain.render_to(buffer);
    }
}

/// Whether a character shows nothing of itself, and does something: all but the breaks of lines and tabulators.
fn is_hidden(letter: char) -> bool {
    match letter {
        '\n' | '\t' => false,
        '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => true,
        _ => letter.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn whatever_a_text_holds_is_shown() {
        for (text, written) in [
            ("plain", "plain"),
            ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
            ("a\" onload=\"b", "a&quot; onload=&quot;b"),
            ("a & b", "a &amp; b"),
            ("red \x1b[31mtext\x07", "red ␛[31mtext␇"),
            ("a\0b\x7f", "a␀b␡"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("invoice\u{202e}fdp.exe", "invoice\\u{202e}fdp.exe"),
            ("a\u{200b}b\u{feff}", "a\\u{200b}b\\u{feff}"),
            ("two\nlines\tof it\r", "two\nlines\tof it␍"),
            ("Grüße, 世界 🎉", "Grüße, 世界 🎉"),
        ] {
            assert_eq!(html! { (shown(text)) }.into_string(), written, "{text:?}");
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(clipped("ééé", 3).into_string(), "ééé");
        assert_eq!(clipped("éé<é", 3).into_string(), "<span title=\"éé&lt;é\">éé&lt;…</span>");
    }

    proptest! {
        #[test]
        fn nothing_that_is_shown_is_markup(text in "\\PC*|[\\x00-\\x7f]*") {
            let written = html! { (shown(&text)) }.into_string();
            prop_assert!(!written.contains(['<', '>', '"']), "{}", written);
            prop_assert!(written.chars().all(|letter| !is_hidden(letter)), "{:?}", written);
        }
    }
}

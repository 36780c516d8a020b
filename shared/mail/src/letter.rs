//! A letter: what every one is bounded by, whatever its texts are made of.

/// The longest subject, in characters.
const LONGEST_SUBJECT: usize = 150;
/// The longest text, in bytes.
const LONGEST_TEXT: usize = 100_000;

/// An e-mail: plain text to one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    to: String,
    subject: String,
    text: String,
}

impl Letter {
    /// A letter. The subject is one line, the text has no control characters but its line ends; either is cut where it is too long.
    #[must_use]
    pub fn new(to: &str, subject: &str, text: &str) -> Self {
        let text: String = text.chars().filter(|c| *c == '\n' || !is_unseen(*c)).collect();
        let end = text.floor_char_boundary(LONGEST_TEXT);
        Self { to: to.to_owned(), subject: one_line(subject, LONGEST_SUBJECT), text: text[..end].to_owned() }
    }

    /// Whom it is to.
    #[must_use]
    pub fn to(&self) -> &str {
        &self.to
    }

    /// What it is about: one line of up to 150 characters.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// What it says: up to 100,000 bytes.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Some text of somebody's as a part of a line: its white space, line ends among it, is single spaces, and it has at most `longest`
    /// characters.
    #[must_use]
    pub fn quoted(text: &str, longest: usize) -> String {
        one_line(text, longest)
    }
}

fn one_line(text: &str, longest: usize) -> String {
    let words: Vec<_> = text.split(|c: char| c.is_whitespace() || c.is_control()).collect();
    let seen = words.into_iter().map(|word| word.replace(is_unseen, "")).filter(|word| !word.is_empty());
    let line = seen.collect::<Vec<_>>().join(" ");
    if line.chars().count() <= longest {
        return line;
    }
    line.chars().take(longest - 1).chain(['…']).collect()
}

/// What is no part of a text: control characters, and those that turn or hide what stands beside them.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_one_line_whatever_it_is_made_of() {
        for (subject, line) in [
            ("A price", "A price"),
            ("  A \t price\n", "A price"),
            ("A\r\nBcc: all@example.com", "A Bcc: all@example.com"),
            ("A\u{2028}B\u{0}C\u{85}D", "A B C D"),
            ("\u{202e}live\u{202c}", "live"),
            ("Preis für Äpfel: 1 €", "Preis für Äpfel: 1 €"),
            ("", ""),
        ] {
            assert_eq!(Letter::new("a@example.com", subject, "").subject(), line, "{subject:?}");
        }
        let long = Letter::new("a@example.com", &"ä".repeat(500), "");
        assert_eq!((long.subject().chars().count(), long.subject().ends_with('…')), (150, true));
    }

    #[test]
    fn a_text_keeps_its_lines_and_ends_somewhere() {
        let letter = Letter::new("a@example.com", "", "one\r\ntwo\u{0}\u{1b}[31m\n\n.\n");
        assert_eq!(letter.text(), "one\ntwo[31m\n\n.\n");
        let long = Letter::new("a@example.com", "", &"€".repeat(LONGEST_TEXT));
        assert_eq!(long.text().len(), LONGEST_TEXT / 3 * 3);
    }
}

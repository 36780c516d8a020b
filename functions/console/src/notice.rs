//! What a page tells of what was just done: by a word in its address, of a fixed set, so that no address can make a page say anything else.

use api::query::Parameters;
use maud::{Markup, html};

/// Something that was done. What has a number says how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    word: &'static str,
    number: Option<u64>,
}

/// The words, and what they say; `#` stands for the number.
const WORDS: [(&str, &str); 19] = [
    ("cancelled", "The job was cancelled."),
    ("retried", "The job waits for its turn again."),
    ("reset", "The credential is available again."),
    ("disabled", "The credential is disabled: nobody gets it."),
    ("enabled", "The credential is enabled."),
    ("released", "The credential was taken from its holder and is available."),
    ("imported", "Imported: #."),
    ("task-released", "The task was taken from its worker and can be locked again."),
    ("task-cancelled", "The task was cancelled."),
    ("task-retried", "The task can be locked again."),
    ("started", "A run was started."),
    ("paused", "The schedule is paused: it starts nothing until it is resumed."),
    ("resumed", "The schedule is resumed."),
    ("taken-up", "What the message was for is taken up again."),
    ("sent-again", "The message was sent again."),
    ("redriven-before", "It was redriven before. Nothing was done."),
    ("purged", "Deleted: #."),
    ("proxy-off", "The proxy is switched off: nobody gets it."),
    ("proxy-on", "The proxy is switched on, and its failures are forgotten."),
];

impl Notice {
    /// One of the words; anything else says nothing.
    pub(crate) fn of(word: &'static str) -> Self {
        Self { word, number: None }
    }

    /// One with a number.
    pub(crate) fn counted(word: &'static str, number: u64) -> Self {
        Self { word, number: Some(number) }
    }

    /// What the query string of a page's address tells.
    pub(crate) fn told_by(query: &str) -> Option<Self> {
        let parameters = Parameters::of_form(query);
        let told = parameters.text("done", 40).ok()??;
        let (word, _) = WORDS.into_iter().find(|(word, _)| *word == told)?;
        let number = parameters.number("count", 0, 1_000_000).ok().flatten();
        Some(Self { word, number })
    }

    /// What an address tells it by.
    pub(crate) fn query(self) -> String {
        match self.number {
            Some(number) => format!("done={}&count={number}", self.word),
            None => format!("done={}", self.word),
        }
    }

    /// What it says.
    pub(crate) fn said(self) -> String {
        let said = WORDS.into_iter().find(|(word, _)| *word == self.word).map_or("", |(_, said)| said);
        said.replace('#', &self.number.map_or_else(|| "nothing".to_owned(), |number| number.to_string()))
    }

    /// It as a part of its page, on which the page's script stands whoever has loaded it: of a status that is there from the beginning nobody is told.
    pub(crate) fn shown(self) -> Markup {
        html! { p.notice role="status" tabindex="-1" { (self.said()) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_what_was_done_and_nothing_else() {
        for (query, said) in [
            ("done=cancelled", Some("The job was cancelled.")),
            ("kind=video&done=imported&count=7", Some("Imported: 7.")),
            ("done=imported&count=<b>", Some("Imported: nothing.")),
            ("done=%3Cscript%3E", None),
            ("done=", None),
            ("", None),
        ] {
            let told = Notice::told_by(query).map(|notice| notice.shown().into_string());
            assert_eq!(
                told,
                said.map(|said| format!("<p class=\"notice\" role=\"status\" tabindex=\"-1\">{said}</p>")),
                "{query}"
            );
        }
        let notice = Notice::counted("purged", 3);
        assert_eq!(Notice::told_by(&notice.query()), Some(notice));
    }
}

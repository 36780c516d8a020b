//! How far a page is, as the browser tells. Pure.

use tokio::time::Instant;
use url::Url;

/// How far a page is.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    /// The document that was asked for last.
    pub(crate) place: Url,
    /// The head of its answer, once it is one of a page.
    pub(crate) head: Option<Head>,
    /// When it had loaded.
    pub(crate) loaded_at: Option<Instant>,
    /// Whether it asks for nothing at the moment.
    pub(crate) is_idle: bool,
}

/// The head of a document's answer.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) content_type: Option<String>,
}

impl Progress {
    pub(crate) fn new(url: &Url) -> Self {
        Self { place: url.clone(), head: None, loaded_at: None, is_idle: false }
    }

    /// Notes a moment in a page's life; whether somebody may have waited for it.
    pub(crate) fn note(&mut self, moment: &str) -> bool {
        match moment {
            // A new document.
            "init" => {
                (self.loaded_at, self.is_idle) = (None, false);
                false
            }
            // Not of the empty document that a tab begins with.
            "load" if self.head.is_some() => {
                self.loaded_at = Some(Instant::now());
                true
            }
            "networkIdle" if self.head.is_some() => {
                self.is_idle = true;
                true
            }
            _ => false,
        }
    }

    /// Notes where the page goes. To another program's address (of mail, of an app) there is no request, and no end to the page's loading.
    pub(crate) fn leave(&mut self, to: &str) -> bool {
        let is_of_the_browser = |scheme| matches!(scheme, "http" | "https" | "about" | "blob" | "data");
        let goes_elsewhere = to.split_once(':').is_some_and(|(scheme, _)| !is_of_the_browser(scheme));
        let ends = goes_elsewhere && self.head.is_some() && self.loaded_at.is_none();
        if ends {
            self.loaded_at = Some(Instant::now());
        }
        ends
    }

    /// The page, which may not load any further.
    pub(crate) fn ended(mut self) -> Self {
        self.loaded_at.get_or_insert_with(Instant::now);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_loaded_when_it_says_so_or_goes_to_another_program() {
        let page = |has_head: bool| {
            let head = has_head.then_some(Head { status: 200, content_type: None });
            Progress { head, ..Progress::new(&"https://a.example/".parse().unwrap()) }
        };
        for (has_head, goes_to, has_ended) in [
            (true, "mailto:a@b.example", true),
            (true, "app://open", true),
            (true, "https://b.example/", false),
            (true, "blob:https://a.example/1", false),
            (false, "mailto:a@b.example", false),
        ] {
            let mut page = page(has_head);
            assert_eq!((page.leave(goes_to), page.loaded_at.is_some()), (has_ended, has_ended), "{goes_to}");
        }
        let mut empty = page(false);
        assert!(!empty.note("load") && empty.loaded_at.is_none());
        let mut loaded = page(true);
        assert!(loaded.note("load") && loaded.note("networkIdle") && loaded.loaded_at.is_some() && loaded.is_idle);
        assert!(!loaded.leave("mailto:a@b.example"));
        assert!(!loaded.note("init") && loaded.loaded_at.is_none() && !loaded.is_idle);
        assert!(loaded.ended().loaded_at.is_some());
    }
}

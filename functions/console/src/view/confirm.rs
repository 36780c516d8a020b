//! The question before something is done that cannot be undone, on a page of its own.

use maud::{Markup, html};

use crate::frame::Frame;

/// What is about to be done.
pub(crate) struct Question<'text> {
    /// What is asked: `Cancel this job?`.
    pub(crate) asks: &'text str,
    /// To what, and what comes of it.
    pub(crate) about: Markup,
    /// Where it is done, below the console.
    pub(crate) path: &'text str,
    /// What the button says: `Cancel the job`.
    pub(crate) does: &'text str,
    /// Where one goes who does not want it, below the console.
    pub(crate) back: &'text str,
}

impl Question<'_> {
    pub(crate) fn shown(&self, frame: &Frame) -> Markup {
        self.shown_with(frame, &[])
    }

    /// With what is meant, by fields that nobody sees: what has come in its place meanwhile is left alone.
    pub(crate) fn shown_with(&self, frame: &Frame, meant: &[(&str, &str)]) -> Markup {
        let fields = html! {
            @for (name, value) in meant { input type="hidden" name=(name) value=(value); }
            div.actions {
                button.danger { (self.does) }
                a.button href=(frame.to(self.back)) { "Leave it as it is" }
            }
        };
        html! {
            h1 { (self.asks) }
            (self.about)
            (frame.form(self.path, &fields))
        }
    }
}

//! States, as a word with a colour: the word says it, the colour finds it.

use maud::{Markup, html};

use crate::view::text::shown;

/// What a state means to whoever looks after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Nothing to do.
    Good,
    /// Under way.
    Busy,
    /// It waits.
    Calm,
    /// To be looked at some time.
    Warning,
    /// To be looked at.
    Bad,
}

impl Tone {
    const fn class(self) -> &'static str {
        match self {
            Self::Good => "badge good",
            Self::Busy => "badge busy",
            Self::Calm => "badge calm",
            Self::Warning => "badge warning",
            Self::Bad => "badge bad",
        }
    }

    /// Of a state of a job, a credential, a schedule, by the word that its API has for it.
    pub(crate) fn of_state(word: &str) -> Self {
        match word {
            "completed" | "available" | "active" | "success" => Self::Good,
            "running" | "processing" | "in_use" | "in use" | "claimed" | "leased" => Self::Busy,
            "cooling" | "cooldown" | "cancelling" | "partial" | "paused" | "resting" | "skipped" => Self::Warning,
            "failed" | "error" | "expired" | "unhealthy" | "refused" => Self::Bad,
            _ => Self::Calm,
        }
    }
}

/// A state.
pub(crate) fn badge(word: &str, tone: Tone) -> Markup {
    html! { span class=(tone.class()) { (shown(&word.replace('_', " "))) } }
}

/// A state by the word that its API has for it.
pub(crate) fn state(word: &str) -> Markup {
    badge(word, Tone::of_state(word))
}

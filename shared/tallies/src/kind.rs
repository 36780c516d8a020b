//! What is counted.

use serde::Serialize;

/// What is counted, told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The extraction cloud's tasks.
    Extract,
    /// Portal jobs.
    Portal,
    /// Video jobs.
    Video,
    /// The videos of video jobs: each is claimed and ends by itself.
    Videos,
    /// Credentials of the credential queue. Of them there are rates, and a [`crate::PoolTally`] for each platform.
    Credentials,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Extract, Self::Portal, Self::Video, Self::Videos, Self::Credentials];
    /// Those of which there is a [`crate::JobTally`].
    pub const JOBS: [Self; 4] = [Self::Extract, Self::Portal, Self::Video, Self::Videos];

    /// What it is called, in keys and in JSON: of jobs, as their queue is.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Extract => "extract",
            Self::Portal => "portal",
            Self::Video => "video",
            Self::Videos => "videos",
            Self::Credentials => "credentials",
        }
    }

    /// The kind that is called so.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

//! The kinds of jobs.

use serde::Serialize;
use table::Key;

/// A kind of jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The extraction cloud's tasks.
    Extract,
    /// Portal jobs.
    Portal,
    /// Video jobs.
    Video,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Extract, Self::Portal, Self::Video];

    /// What it is called: as its queue is.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Extract => extract::QUEUE_KIND,
            Self::Portal => portals::QUEUE_KIND,
            Self::Video => videos::QUEUE_KIND,
        }
    }

    /// Whether an item of its table is a job, by its key.
    pub(crate) fn has(self, key: &Key) -> bool {
        key.sk.starts_with(match self {
            Self::Extract => extract::TASK_PREFIX,
            Self::Portal => portals::JOB,
            Self::Video => videos::JOB,
        })
    }
}

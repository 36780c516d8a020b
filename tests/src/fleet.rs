//! What a worker of the fleet (`src/bin/fleet-worker.rs`, a process of its own) tells of what it does: a line of JSON each, written before
//! it goes on, so that one that is killed has told all.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// How a worker comes by its tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Way {
    /// It asks what is pending, and locks one of these.
    PendingLock,
    /// It claims one.
    Claim,
}

impl Way {
    /// As it stands on the worker's command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PendingLock => "pending-lock",
            Self::Claim => "claim",
        }
    }
}

/// Something that a worker did. Times are milliseconds since the epoch, by this machine's clock.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Told {
    /// When it called.
    pub called: u64,
    /// When it had the answer.
    pub answered: u64,
    /// What it asked, and was told.
    pub what: Did,
}

/// What a worker asked, and was told.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Did {
    /// It looked for tasks, and saw so many.
    Looked(usize),
    /// It wanted to lock a task that another had locked.
    Missed,
    /// It locked a task: the lock's fencing token, and when the lock ends.
    Locked {
        /// The task's number.
        task: u64,
        /// The fencing token.
        token: u64,
        /// When the lock ends, in milliseconds since the epoch.
        until: u64,
    },
    /// It is about to report that it has done the task.
    Reporting {
        /// The task's number.
        task: u64,
        /// The fencing token.
        token: u64,
    },
    /// It has reported, and this was the answer.
    Reported {
        /// The task's number.
        task: u64,
        /// The fencing token.
        token: u64,
        /// Whether the report was taken.
        accepted: bool,
    },
    /// It got no answer, or one that it cannot use, and tries again.
    Troubled(String),
}

//! What is counted of a tenant, in the transactions that change it.

use serde::{Deserialize, Serialize};
use table::Update;

use crate::video::Video;

/// What is counted of a tenant beside its account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Videos there are.
    pub videos: i64,
    /// Videos that were stored: what their ends report.
    #[serde(rename = "ended_completed")]
    pub videos_uploaded: i64,
    /// Videos that failed: what their ends report.
    #[serde(rename = "ended_failed")]
    pub videos_failed: i64,
    /// Videos that failed after they were downloaded.
    pub videos_not_stored: i64,
    /// The size of what was stored, in bytes.
    pub bytes_stored: i64,
    /// Schedules there are.
    pub schedules: i64,
    /// Schedules that are enabled.
    pub schedules_enabled: i64,
}

impl Counts {
    /// What one video adds, as it stands.
    pub(crate) fn of(video: &Video) -> Self {
        Self {
            videos: 1,
            videos_uploaded: i64::from(video.is_uploaded()),
            videos_failed: i64::from(video.is_failed()),
            videos_not_stored: i64::from(video.not_stored),
            bytes_stored: video.bytes_counted,
            ..Self::default()
        }
    }

    /// Both together.
    pub(crate) const fn plus(self, more: Self) -> Self {
        Self {
            videos: self.videos + more.videos,
            videos_uploaded: self.videos_uploaded + more.videos_uploaded,
            videos_failed: self.videos_failed + more.videos_failed,
            videos_not_stored: self.videos_not_stored + more.videos_not_stored,
            bytes_stored: self.bytes_stored + more.bytes_stored,
            schedules: self.schedules + more.schedules,
            schedules_enabled: self.schedules_enabled + more.schedules_enabled,
        }
    }

    /// The change that adds this.
    pub(crate) fn add(self) -> Update {
        self.change(1)
    }

    /// The change that takes this away.
    pub(crate) fn subtract(self) -> Update {
        self.change(-1)
    }

    fn change(self, sign: i64) -> Update {
        [
            ("videos", self.videos),
            ("ended_completed", self.videos_uploaded),
            ("ended_failed", self.videos_failed),
            ("videos_not_stored", self.videos_not_stored),
            ("bytes_stored", self.bytes_stored),
            ("schedules", self.schedules),
            ("schedules_enabled", self.schedules_enabled),
        ]
        .into_iter()
        .filter(|(_, amount)| *amount != 0)
        .fold(Update::new(), |update, (name, amount)| update.add(name, sign * amount))
    }
}

//! The types of tasks.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What kind of work a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskType {
    /// Pages fetched as they are.
    SimpleScraping,
    /// Pages rendered in a browser.
    AdvancedScraping,
    /// Many pages, in batches.
    BulkScraping,
    /// Pages looked at again and again.
    Monitoring,
}

impl TaskType {
    /// Every type.
    pub const ALL: [Self; 4] = [Self::SimpleScraping, Self::AdvancedScraping, Self::BulkScraping, Self::Monitoring];

    /// The type as it is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SimpleScraping => "simple_scraping",
            Self::AdvancedScraping => "advanced_scraping",
            Self::BulkScraping => "bulk_scraping",
            Self::Monitoring => "monitoring",
        }
    }
}

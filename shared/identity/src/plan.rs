//! What users pay for.

use serde::{Deserialize, Serialize};

/// A plan of the extraction cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Plan {
    /// 1,000 compute units, `simple_scraping` only.
    Free,
    /// 10,000 compute units.
    Professional,
    /// 100,000 compute units.
    Enterprise,
}

impl Plan {
    /// The compute units that a new account of this plan is granted.
    #[must_use]
    pub const fn compute_units(self) -> i64 {
        match self {
            Self::Free => 1_000,
            Self::Professional => 10_000,
            Self::Enterprise => 100_000,
        }
    }

    /// Whether tasks other than `simple_scraping` are part of it (RULINGS.md, "extract-cloud").
    #[must_use]
    pub const fn has_advanced_tasks(self) -> bool {
        !matches!(self, Self::Free)
    }
}

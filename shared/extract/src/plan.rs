//! The plans of the extraction cloud: what each grants a month.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::kind::TaskType;

/// A plan (contracts/extract-cloud.md, "Get Available Plans"; RULINGS.md, "extract-cloud").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Plan {
    /// 1,000 compute units, 2 tasks at once, `simple_scraping` only.
    Free,
    /// 10,000 compute units, 5 tasks at once.
    Professional,
    /// 100,000 compute units, 20 tasks at once.
    Enterprise,
}

impl Plan {
    /// Every plan, the smallest first.
    pub const ALL: [Self; 3] = [Self::Free, Self::Professional, Self::Enterprise];

    /// The plan as it is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Professional => "professional",
            Self::Enterprise => "enterprise",
        }
    }

    /// The compute units of a month.
    #[must_use]
    pub const fn compute_units(self) -> u64 {
        match self {
            Self::Free => 1_000,
            Self::Professional => 10_000,
            Self::Enterprise => 100_000,
        }
    }

    /// How many tasks run at once; the others wait.
    #[must_use]
    pub const fn concurrent_tasks(self) -> u32 {
        match self {
            Self::Free => 2,
            Self::Professional => 5,
            Self::Enterprise => 20,
        }
    }

    /// Whether tasks of this type are part of it.
    #[must_use]
    pub const fn runs(self, task_type: TaskType) -> bool {
        matches!(task_type, TaskType::SimpleScraping) || !matches!(self, Self::Free)
    }
}

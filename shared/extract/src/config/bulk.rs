//! What is `bulk_scraping`'s own.

use garde::Validate;
use serde::{Deserialize, Serialize};

/// What is `bulk_scraping`'s own: how its pages are shared out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Validate)]
pub struct BulkConfig {
    /// How many pages one function does: 1 to 100.
    #[serde(default = "ten")]
    #[garde(range(min = 1, max = 100))]
    pub batch_size: u32,
    /// How many pages are asked for at once, by all functions together: 1 to 20.
    #[serde(default = "three")]
    #[garde(range(min = 1, max = 20))]
    pub parallel_requests: u32,
    /// How often a page that could not be had is asked for again: 0 to 10.
    #[serde(default = "three")]
    #[garde(range(max = 10))]
    pub retry_attempts: u32,
    /// Whether each page has a file of its own, in a ZIP, rather than its rows in one file of all.
    #[serde(default)]
    #[garde(skip)]
    pub export_individual_files: bool,
}

const fn ten() -> u32 {
    10
}

const fn three() -> u32 {
    3
}

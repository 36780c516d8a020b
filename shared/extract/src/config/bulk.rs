//! What is `bulk_scraping`'s own.

use garde::Validate;
use serde::{Deserialize, Serialize};

/// The most pages of a batch.
pub(crate) const LARGEST_BATCH: u32 = 100;
/// The most pages that are asked for at once.
pub(crate) const MOST_PARALLEL: u32 = 20;
/// The most times that a page is asked for again.
pub(crate) const MOST_RETRIES: u32 = 10;

/// What is `bulk_scraping`'s own: how its pages are shared out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Validate)]
pub struct BulkConfig {
    /// How many pages one function does: 1 to 100.
    #[serde(default = "ten")]
    #[garde(range(min = 1, max = LARGEST_BATCH))]
    pub batch_size: u32,
    /// How many pages are asked for at once, by all functions together: 1 to 20.
    #[serde(default = "three")]
    #[garde(range(min = 1, max = MOST_PARALLEL))]
    pub parallel_requests: u32,
    /// How often a page that could not be had is asked for again: 0 to 10.
    #[serde(default = "three")]
    #[garde(range(max = MOST_RETRIES))]
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

/// How the pages of a bulk task are shared out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sharing {
    /// How many batches may be done at once.
    pub slots: u32,
    /// How many pages of a batch are asked for at once.
    pub at_once: usize,
}

impl BulkConfig {
    /// How many pages a batch has, but for the last.
    #[must_use]
    pub const fn pages_a_batch(&self) -> usize {
        // At least one, as it is checked when it is read.
        if self.batch_size == 0 { 1 } else { self.batch_size as usize }
    }

    /// Shares `parallel_requests` out among the batches of so many pages: never more at once than that, and where there are fewer batches each of them
    /// asks for several pages at once.
    #[must_use]
    pub fn sharing(&self, pages: usize) -> Sharing {
        let batches = u32::try_from(pages.div_ceil(self.pages_a_batch())).unwrap_or(u32::MAX);
        let slots = self.parallel_requests.min(batches).max(1);
        Sharing { slots, at_once: (self.parallel_requests / slots).max(1) as usize }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_shared_out_and_never_more_than_asked_for() {
        for (batch_size, parallel_requests, pages, slots, at_once) in [
            (10, 3, 100, 3, 1),
            (10, 3, 10, 1, 3),
            (10, 20, 30, 3, 6),
            (100, 20, 100, 1, 20),
            (1, 20, 2_000, 20, 1),
            (10, 5, 21, 3, 1),
            (10, 1, 2_000, 1, 1),
            (1, 1, 1, 1, 1),
        ] {
            let bulk = BulkConfig { batch_size, parallel_requests, retry_attempts: 0, export_individual_files: false };
            let sharing = bulk.sharing(pages);
            assert_eq!(sharing, Sharing { slots, at_once }, "{bulk:?} of {pages}");
            assert!(sharing.slots as usize * sharing.at_once <= parallel_requests as usize);
        }
    }
}

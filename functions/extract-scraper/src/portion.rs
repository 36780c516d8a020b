//! What one attempt is at: a whole task, or a batch of one.

use extract::{Batch, OwnConfig, Task, TaskConfig};
use jobs::{Job, PartOf};
use table::Key;

/// How many pages of a task are fetched at once; those of one host still wait for its turn.
pub(crate) const AT_ONCE: usize = 4;

/// The work of one attempt.
pub(crate) struct Portion {
    pub(crate) key: Key,
    pub(crate) job: Job,
    /// Of a batch: its task's, with its own pages.
    pub(crate) config: TaskConfig,
    /// How many pages are fetched at once.
    pub(crate) at_once: usize,
    /// What the keys of its files begin with. No two portions write one file.
    pub(crate) files: String,
    pub(crate) batch: Option<OfTask>,
}

/// What makes a portion a batch.
pub(crate) struct OfTask {
    pub(crate) part_of: PartOf,
    /// The first of its pages, by its place in the task, from 0.
    pub(crate) first_page: usize,
}

impl Portion {
    pub(crate) fn whole(task: Task) -> Self {
        let files = task.results_prefix();
        Self { key: task.key, job: task.job, config: task.config, at_once: AT_ONCE, files, batch: None }
    }

    /// A batch of this task.
    pub(crate) fn batch(batch: Batch, task: Task) -> Self {
        let (pages, files) = (batch.pages(), format!("{}batch-{}-", task.results_prefix(), batch.first_page));
        let mut config = task.config;
        let at_once = match &config.own {
            OwnConfig::Bulk(bulk) => bulk.sharing(config.pages.urls.len()).at_once,
            _ => 1,
        };
        let urls = &mut config.pages.urls;
        urls.truncate(pages.end);
        urls.drain(..pages.start.min(urls.len()));
        let of_task = OfTask { part_of: batch.part_of, first_page: batch.first_page };
        Self { key: batch.key, job: batch.job, config, at_once, files, batch: Some(of_task) }
    }

    pub(crate) fn page_count(&self) -> usize {
        self.config.pages.urls.len()
    }

    /// What it is called in its task's log: `12 pages`, or `pages 11 to 20`.
    pub(crate) fn name(&self) -> String {
        let count = self.page_count();
        match &self.batch {
            Some(OfTask { first_page, .. }) => format!("pages {} to {}", first_page + 1, first_page + count),
            None => format!("{count} pages"),
        }
    }
}

//! A batch: some of the pages of a bulk task, a job of its own that any worker may do.

use std::ops::Range;

use jobs::{Job, Jobs, PartOf, place};
use serde::{Deserialize, Serialize};
use table::Key;
use uuid::Uuid;

use crate::config::BulkConfig;
use crate::task::Task;

/// The priority that all batches of a task have: they go in their order.
const PRIORITY: u8 = 5;

/// A batch as it is stored. It says which pages of its task it has and not what they are: each change of it would cost as many write units as their
/// addresses are long, where reading the task once costs a tenth of that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// Its key.
    #[serde(flatten)]
    pub key: Key,
    /// What makes it a job.
    #[serde(flatten)]
    pub job: Job,
    /// Whose part it is.
    pub part_of: PartOf,
    /// The task's id.
    pub task_id: Uuid,
    /// The first of its pages, by its place in the task, from 0.
    pub first_page: usize,
    /// How many pages it has.
    pub page_count: usize,
}

impl Batch {
    /// The batches of a task's pages, in their order, as children of the attempt that `part_of` names.
    #[must_use]
    pub fn all_of(task: &Task, bulk: &BulkConfig, part_of: &PartOf, jobs: &Jobs) -> Vec<Self> {
        let (now, pages, size) = (jobs.clock.now(), task.config.pages.urls.len(), bulk.pages_a_batch());
        let batches = (0..pages).step_by(size).enumerate();
        batches
            .map(|(number, first_page)| Self {
                key: part_of.child(number),
                job: Job::submitted(jobs.kind, now, 0, place(PRIORITY, number as u64), &jobs.policy),
                part_of: part_of.clone(),
                task_id: task.id,
                first_page,
                page_count: size.min(pages - first_page),
            })
            .collect()
    }

    /// Its pages, by their places in the task.
    #[must_use]
    pub const fn pages(&self) -> Range<usize> {
        self.first_page..self.first_page + self.page_count
    }
}

//! A task: a job that extracts data from pages.

use garde::Validate;
use indexmap::IndexMap;
use input::rules;
use jobs::Job;
use scraping::{Format, SelectorSpec};
use serde::{Deserialize, Serialize};
use table::Key;
use uuid::Uuid;

use crate::input::check_selector_count;

/// What kind of work a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// What a `simple_scraping` task does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate)]
pub struct SimpleConfig {
    /// The pages: 1 to 100, each an absolute http(s) address of up to 2,048 characters.
    #[garde(length(min = 1, max = 100), inner(custom(rules::page_address)))]
    pub urls: Vec<String>,
    /// What to take from each page: a name and a selector for each field, 1 to 50.
    #[garde(custom(check_selector_count))]
    pub selectors: IndexMap<String, SelectorSpec>,
    /// The form of the result.
    #[serde(default)]
    #[garde(skip)]
    pub output_format: Format,
    /// Whether each row says which page it is from.
    #[serde(default)]
    #[garde(skip)]
    pub include_metadata: bool,
    /// Whether redirects are followed.
    #[serde(default = "yes")]
    #[garde(skip)]
    pub follow_redirects: bool,
    /// How long one page may take, in seconds: 1 to 60.
    #[serde(default = "half_a_minute")]
    #[garde(range(min = 1, max = 60))]
    pub timeout: u32,
}

const fn yes() -> bool {
    true
}

const fn half_a_minute() -> u32 {
    30
}

impl SimpleConfig {
    /// What the task will cost at most, in compute units: one for each page.
    #[must_use]
    pub fn estimate(&self) -> u64 {
        self.urls.len() as u64
    }
}

/// A task as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Its key.
    #[serde(flatten)]
    pub key: Key,
    /// What makes it a job.
    #[serde(flatten)]
    pub job: Job,
    /// The account it is charged to.
    pub account: Key,
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub user_id: String,
    /// What its owner calls it.
    pub name: String,
    /// The name in lower case: what names are sorted and searched by.
    pub name_key: String,
    /// What its owner says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What kind of work it is.
    pub task_type: TaskType,
    /// What it does.
    #[serde(with = "crate::as_json")]
    pub config: SimpleConfig,
    /// 1 to 10; a higher one is more urgent.
    pub priority: u8,
}

impl Task {
    /// Where its result files are: every attempt's name begins so.
    #[must_use]
    pub fn results_prefix(&self) -> String {
        format!("results/{}/{}/", self.user_id, self.id)
    }

    /// The name of the file that an owner saves its result as.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}.{}", self.id, self.config.output_format.extension())
    }
}

//! A task: a job that extracts data from pages.

use jobs::Job;
use serde::{Deserialize, Serialize};
use table::Key;
use uuid::Uuid;

use crate::config::TaskConfig;
use crate::keys::results_prefix;

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
    /// What it does, and with that its type.
    #[serde(flatten)]
    pub config: TaskConfig,
    /// 1 to 10; a higher one is more urgent.
    pub priority: u8,
}

impl Task {
    /// Where its result files are: every attempt's name begins so.
    #[must_use]
    pub fn results_prefix(&self) -> String {
        results_prefix(&self.user_id, self.id)
    }

    /// The file that tells what has changed, of a monitoring task whose values are in the file of this key.
    #[must_use]
    pub fn changes_key(result_key: &str) -> String {
        match result_key.rsplit_once('.') {
            Some((name, extension)) => format!("{name}-changes.{extension}"),
            None => format!("{result_key}-changes"),
        }
    }

    /// The name of the file that an owner saves its result as.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}.{}", self.id, self.config.result_form().extension())
    }
}

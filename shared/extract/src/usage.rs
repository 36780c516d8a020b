//! What a user did on a day, as it is counted with each task (`jobs::usage`).

use jobs::usage::Counts;
use serde::Deserialize;

use crate::kind::TaskType;

/// What a user did on a day of UTC.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct DayUsage {
    sk: String,
    /// What was counted.
    #[serde(flatten)]
    pub counts: Counts,
    #[serde(default)]
    simple_scraping: u64,
    #[serde(default)]
    advanced_scraping: u64,
    #[serde(default)]
    bulk_scraping: u64,
    #[serde(default)]
    monitoring: u64,
}

impl DayUsage {
    /// The day, as `2024-01-15`.
    #[must_use]
    pub fn day(&self) -> &str {
        self.sk.split_once('#').map_or("", |(_, day)| day)
    }

    /// How many tasks of a type were submitted.
    #[must_use]
    pub const fn submitted_of(&self, task_type: TaskType) -> u64 {
        match task_type {
            TaskType::SimpleScraping => self.simple_scraping,
            TaskType::AdvancedScraping => self.advanced_scraping,
            TaskType::BulkScraping => self.bulk_scraping,
            TaskType::Monitoring => self.monitoring,
        }
    }
}

#[cfg(test)]
mod tests {
    use table::{AttributeValue, Item, decode};

    use super::*;

    #[test]
    fn each_type_is_counted_under_its_name() {
        for task_type in TaskType::ALL {
            let item = Item::from([
                ("sk".to_owned(), AttributeValue::S("USAGE#2024-01-15".to_owned())),
                (task_type.as_str().to_owned(), AttributeValue::N("2".to_owned())),
            ]);
            let day: DayUsage = decode(item).unwrap();
            assert_eq!((day.day(), day.submitted_of(task_type)), ("2024-01-15", 2));
            assert_eq!(TaskType::ALL.map(|any| day.submitted_of(any)).iter().sum::<u64>(), 2);
        }
    }
}

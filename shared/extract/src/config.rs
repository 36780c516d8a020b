//! What a task is to do: what every type has, and what is a type's own. Read, bounded and checked here, with all faults told at once.

#![expect(clippy::trivially_copy_pass_by_ref, reason = "the signature of the validator's rules")]

pub(crate) mod advanced;
pub(crate) mod bulk;
pub(crate) mod monitoring;
pub(crate) mod schedule;

use garde::Validate;
use indexmap::IndexMap;
use input::{Fault, form, rules};
use scraping::{Format, SelectorSpec, Selectors};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use thiserror::Error;

pub use self::advanced::AdvancedConfig;
pub use self::bulk::{BulkConfig, Sharing};
pub use self::monitoring::MonitoringConfig;
pub use self::schedule::{Crontab, Schedule, ScheduleError};
use crate::kind::TaskType;

/// The most bytes of a configuration, as JSON: with all else, an item of DynamoDB (400 KB) holds it.
const MOST_BYTES: usize = 300_000;
/// The most bytes of what is not the pages' addresses.
const MOST_OTHER_BYTES: usize = 24_000;
/// How many bytes of addresses a list of tasks shows of each: so a page of 100 tasks fits the answer of a function, which has 6 MB.
const LISTED_URL_BYTES: usize = 8_000;
/// The most pages of a task.
pub(crate) const MOST_URLS: usize = 100;
/// The most pages of a task that is done in batches.
pub(crate) const MOST_BULK_URLS: usize = 2_000;
/// The most fields of a row.
pub(crate) const MOST_SELECTORS: usize = 50;
/// The longest time that one page may take, in seconds.
pub(crate) const LONGEST_TIMEOUT: u32 = 60;

/// What a task is to do.
///
/// Stored as two attributes: `task_type`, and `config` as a text of JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct TaskConfig {
    /// What every type has.
    pub pages: PagesConfig,
    /// What is its type's own.
    pub own: OwnConfig,
}

/// Which pages, and what to take from them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Validate)]
pub struct PagesConfig {
    /// The pages: 1 to 100, or 2,000 in bulk; each an absolute http(s) address of up to 2,048 characters.
    #[serde(default)]
    #[garde(custom(at_least_one), inner(custom(rules::page_address)))]
    pub urls: Vec<String>,
    /// What to take from each page: a name and a selector for each field, 1 to 50.
    #[serde(default)]
    #[garde(custom(has_fields))]
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
    #[garde(range(min = 1, max = LONGEST_TIMEOUT))]
    pub timeout: u32,
}

/// What is one type's own.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum OwnConfig {
    /// Of `simple_scraping`: nothing.
    Simple {},
    /// Of `advanced_scraping`.
    Advanced(AdvancedConfig),
    /// Of `bulk_scraping`.
    Bulk(BulkConfig),
    /// Of `monitoring`.
    Monitoring(MonitoringConfig),
}

/// The form of a task's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultForm {
    /// One file of all rows.
    Rows(Format),
    /// A ZIP of a file for each page, of this form.
    PageFiles(Format),
}

impl ResultForm {
    /// The media type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Rows(format) => format.content_type(),
            Self::PageFiles(_) => "application/zip",
        }
    }

    /// Whether the file is text.
    #[must_use]
    pub const fn is_text(self) -> bool {
        match self {
            Self::Rows(format) => format.is_text(),
            Self::PageFiles(_) => false,
        }
    }

    /// The extension of the file's name, without the dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Rows(format) => format.extension(),
            Self::PageFiles(_) => "zip",
        }
    }
}

/// How the pages of a task are had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageSource {
    /// By one request each.
    Fetch,
    /// Rendered in a browser.
    Browser,
}

impl PageSource {
    /// What a page costs, in compute units (RULINGS.md, "extract-cloud").
    #[must_use]
    pub const fn units(self) -> u64 {
        match self {
            Self::Fetch => 1,
            Self::Browser => 5,
        }
    }
}

pub(crate) const fn yes() -> bool {
    true
}

const fn half_a_minute() -> u32 {
    30
}

impl TaskConfig {
    /// Reads the configuration of a task of this type; or gives all that is wrong with it.
    pub fn read(kind: TaskType, json: &Json) -> Result<Self, Vec<Fault>> {
        let faults = too_many(kind, json);
        if !faults.is_empty() {
            // Each of so many would have faults of its own: more than an answer holds.
            return Err(faults);
        }
        let (pages, own) = (form::<PagesConfig>(json), OwnConfig::read(kind, json));
        let broken = broken_selectors(&json["selectors"]);
        match (pages, own) {
            (Ok(pages), Ok(own)) if broken.is_empty() => {
                let config = Self { pages, own };
                config.check_size().map(|()| config)
            }
            (pages, own) => {
                let mut faults = pages.err().unwrap_or_default();
                faults.extend(broken.into_iter().chain(own.err().into_iter().flatten()));
                // What is no object at all is so for both.
                faults.dedup();
                Err(faults)
            }
        }
    }

    /// The type of task that this is.
    #[must_use]
    pub const fn task_type(&self) -> TaskType {
        match self.own {
            OwnConfig::Simple {} => TaskType::SimpleScraping,
            OwnConfig::Advanced(_) => TaskType::AdvancedScraping,
            OwnConfig::Bulk(_) => TaskType::BulkScraping,
            OwnConfig::Monitoring(_) => TaskType::Monitoring,
        }
    }

    /// How its pages are had: the one place where that is decided.
    #[must_use]
    pub const fn source(&self) -> PageSource {
        match self.own {
            OwnConfig::Advanced(_) => PageSource::Browser,
            OwnConfig::Simple {} | OwnConfig::Bulk(_) | OwnConfig::Monitoring(_) => PageSource::Fetch,
        }
    }

    /// The form of its result.
    #[must_use]
    pub const fn result_form(&self) -> ResultForm {
        match &self.own {
            OwnConfig::Bulk(BulkConfig { export_individual_files: true, .. }) => {
                ResultForm::PageFiles(self.pages.output_format)
            }
            _ => ResultForm::Rows(self.pages.output_format),
        }
    }

    /// What the task will cost at most, in compute units; a monitoring task: each of its runs.
    #[must_use]
    pub fn estimate(&self) -> u64 {
        self.pages.urls.len() as u64 * self.source().units()
    }

    /// The configuration as its owner wrote it, defaults filled in.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let object = |part: Result<Json, _>| match part {
            Ok(Json::Object(object)) => object,
            // Of these types none fails, and none is anything but an object.
            Ok(_) | Err::<_, serde_json::Error>(_) => Map::new(),
        };
        let mut all = object(serde_json::to_value(&self.pages));
        all.extend(object(serde_json::to_value(&self.own)));
        Json::Object(all)
    }

    /// The configuration for a list of tasks: of many addresses, only the first, and how many there are as `urls_count`.
    #[must_use]
    pub fn to_listed_json(&self) -> Json {
        let mut room = LISTED_URL_BYTES;
        let fits = |url: &&String| {
            let taken = room.checked_sub(url.len() + "\"\",".len());
            room = taken.unwrap_or_default();
            taken.is_some()
        };
        let listed: Vec<_> = self.pages.urls.iter().take_while(fits).collect();
        let mut json = self.to_json();
        if listed.len() < self.pages.urls.len() {
            json["urls"] = listed.into_iter().map(String::as_str).collect();
            json["urls_count"] = self.pages.urls.len().into();
        }
        json
    }

    fn check_size(&self) -> Result<(), Vec<Fault>> {
        let json = self.to_json();
        let (all, urls) = (json.to_string().len(), json["urls"].to_string().len());
        let fault = if all > MOST_BYTES {
            format!("must have at most {MOST_BYTES} bytes as JSON, all in all")
        } else if all - urls > MOST_OTHER_BYTES {
            format!("must have at most {MOST_OTHER_BYTES} bytes as JSON besides its urls")
        } else {
            return Ok(());
        };
        Err(vec![Fault::new("", fault)])
    }
}

impl OwnConfig {
    fn read(kind: TaskType, json: &Json) -> Result<Self, Vec<Fault>> {
        match kind {
            TaskType::SimpleScraping => Ok(Self::Simple {}),
            TaskType::AdvancedScraping => form(json).map(Self::Advanced),
            TaskType::BulkScraping => form(json).map(Self::Bulk),
            TaskType::Monitoring => form(json).map(Self::Monitoring),
        }
    }
}

/// The collections that have more entries than may be.
fn too_many(kind: TaskType, json: &Json) -> Vec<Fault> {
    let most_urls = if kind == TaskType::BulkScraping { MOST_BULK_URLS } else { MOST_URLS };
    let advanced = kind == TaskType::AdvancedScraping;
    [
        ("urls", true, most_urls),
        ("selectors", true, MOST_SELECTORS),
        ("custom_headers", advanced, advanced::MOST_HEADERS),
        ("cookies", advanced, advanced::MOST_COOKIES),
    ]
    .into_iter()
    .filter(|(name, is_read, most)| *is_read && size(&json[name]) > *most)
    .map(|(name, _, most)| Fault::new(name, format!("must have at most {most} entries")))
    .collect()
}

fn size(json: &Json) -> usize {
    match json {
        Json::Array(list) => list.len(),
        Json::Object(object) => object.len(),
        _ => 0,
    }
}

/// What is wrong with selectors that have their type; of others their type is told.
fn broken_selectors(json: &Json) -> Vec<Fault> {
    let Ok(selectors) = IndexMap::<String, SelectorSpec>::deserialize(json) else { return Vec::new() };
    let faults = Selectors::compile(&selectors).err().into_iter().flatten();
    faults.map(|(name, why)| Fault::new(format!("selectors.{name}"), why)).collect()
}

fn at_least_one(urls: &[String], (): &()) -> garde::Result {
    if urls.is_empty() { Err(garde::Error::new("must have at least one address")) } else { Ok(()) }
}

fn has_fields(selectors: &IndexMap<String, SelectorSpec>, (): &()) -> garde::Result {
    if selectors.is_empty() { Err(garde::Error::new("must have at least one field")) } else { Ok(()) }
}

/// The attributes of a task's item that hold its configuration. A text of JSON, since a DynamoDB map would forget the order of its
/// entries, and with it the order of columns.
#[derive(Serialize, Deserialize)]
struct Stored {
    task_type: TaskType,
    config: String,
}

/// A stored configuration that cannot be read.
#[derive(Debug, Error)]
#[error("the stored configuration is damaged: {0}")]
struct Damaged(#[from] serde_json::Error);

impl From<TaskConfig> for Stored {
    fn from(config: TaskConfig) -> Self {
        Self { task_type: config.task_type(), config: config.to_json().to_string() }
    }
}

impl TryFrom<Stored> for TaskConfig {
    type Error = Damaged;

    fn try_from(Stored { task_type, config }: Stored) -> Result<Self, Damaged> {
        fn part<T: DeserializeOwned>(config: &str) -> serde_json::Result<T> {
            serde_json::from_str(config)
        }
        let own = match task_type {
            TaskType::SimpleScraping => OwnConfig::Simple {},
            TaskType::AdvancedScraping => OwnConfig::Advanced(part(&config)?),
            TaskType::BulkScraping => OwnConfig::Bulk(part(&config)?),
            TaskType::Monitoring => OwnConfig::Monitoring(part(&config)?),
        };
        Ok(Self { pages: part(&config)?, own })
    }
}

#[cfg(test)]
mod tests;

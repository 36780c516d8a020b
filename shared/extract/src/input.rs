//! What a caller may ask for: every bound and type of a task, checked, with all faults told at once.

use garde::Validate;
pub use input::Fault;
use utoipa::ToSchema;

use input::{broken_rules, rules, schema, typed};
use serde::Deserialize;
use serde_json::Value as Json;

use crate::config::TaskConfig;
use crate::kind::TaskType;

/// The longest description of a task, in characters.
pub const LONGEST_DESCRIPTION: usize = 2_000;
/// The highest priority.
pub const HIGHEST_PRIORITY: u8 = 10;

/// A valid request for a new task.
#[derive(Clone, Debug, PartialEq)]
pub struct NewTask {
    /// What its owner calls it.
    pub name: String,
    /// What its owner says of it.
    pub description: Option<String>,
    /// 1 to 10, 5 unless said otherwise.
    pub priority: u8,
    /// What it does, and with that its type.
    pub config: TaskConfig,
}

/// A valid change of a task; what is none stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Validate, ToSchema)]
pub struct TaskChange {
    /// A new name.
    #[garde(inner(custom(rules::name)))]
    #[schema(schema_with = schema::name)]
    pub name: Option<String>,
    /// A new description.
    #[garde(inner(length(chars, max = LONGEST_DESCRIPTION), custom(rules::text)))]
    #[schema(schema_with = schema::text::<0, LONGEST_DESCRIPTION>)]
    pub description: Option<String>,
    /// A new priority.
    #[garde(inner(range(min = 1, max = HIGHEST_PRIORITY)))]
    #[schema(schema_with = schema::whole::<1, { HIGHEST_PRIORITY as u64 }>)]
    pub priority: Option<u8>,
}

#[derive(Deserialize, Validate)]
struct Head {
    #[garde(custom(rules::name))]
    name: String,
    #[garde(inner(length(chars, max = LONGEST_DESCRIPTION), custom(rules::text)))]
    description: Option<String>,
    #[garde(skip)]
    task_type: TaskType,
    #[garde(range(min = 1, max = HIGHEST_PRIORITY))]
    #[serde(default = "medium")]
    priority: u8,
    #[garde(skip)]
    config: Json,
}

const fn medium() -> u8 {
    5
}

impl NewTask {
    /// Reads a request's body.
    pub fn read(body: &Json) -> Result<Self, Vec<Fault>> {
        let head: Head = typed(body, "")?;
        let mut faults = broken_rules(&head, "");
        match TaskConfig::read(head.task_type, &head.config) {
            Ok(config) if faults.is_empty() => {
                Ok(Self { name: head.name, description: head.description, priority: head.priority, config })
            }
            config => {
                faults.extend(config.err().into_iter().flatten().map(|fault| fault.within("config")));
                Err(faults)
            }
        }
    }
}

impl TaskChange {
    /// Reads a request's body.
    pub fn read(body: &Json) -> Result<Self, Vec<Fault>> {
        let change: Self = typed(body, "")?;
        let faults = broken_rules(&change, "");
        if faults.is_empty() { Ok(change) } else { Err(faults) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn valid() -> Json {
        json!({
            "name": "Extract product data",
            "task_type": "simple_scraping",
            "config": {"urls": ["https://example.com/products"], "selectors": {"title": "h1", "price": ".price"}}
        })
    }

    /// The valid body with one value changed.
    fn with(pointer: &str, value: Json) -> Json {
        let mut body = valid();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[name] = value;
        body
    }

    #[test]
    fn the_least_that_a_task_needs_gets_the_documented_defaults() {
        let task = NewTask::read(&valid()).unwrap();
        assert_eq!((task.priority, task.description), (5, None));
        assert_eq!(
            (task.config.pages.timeout, task.config.pages.follow_redirects, task.config.pages.include_metadata),
            (30, true, false)
        );
        assert_eq!(
            task.config.pages.selectors.keys().collect::<Vec<_>>(),
            ["title", "price"],
            "fields keep their order"
        );
    }

    #[test]
    fn each_fault_names_its_field() {
        for (body, field) in [
            (json!([]), ""),
            (json!("text"), ""),
            (json!({}), ""),
            (with("/name", json!("")), "name"),
            (with("/name", json!(" ")), "name"),
            (with("/name", json!("a\u{0}b")), "name"),
            (with("/name", json!("x".repeat(201))), "name"),
            (with("/name", json!(5)), "name"),
            (with("/description", json!("x".repeat(2_001))), "description"),
            (with("/priority", json!(0)), "priority"),
            (with("/priority", json!(11)), "priority"),
            (with("/priority", json!(-1)), "priority"),
            (with("/priority", json!(1e300)), "priority"),
            (with("/priority", json!("5")), "priority"),
            (with("/task_type", json!("quantum")), "task_type"),
            (with("/config", json!(null)), "config"),
            (with("/config/urls", json!([])), "config.urls"),
            (with("/config/urls", json!("https://example.com")), "config.urls"),
            (with("/config/urls", json!(vec!["https://example.com"; 101])), "config.urls"),
            (with("/config/urls", json!([5])), "config.urls[0]"),
            (with("/config/urls", json!(["https://example.com", "products.html"])), "config.urls[1]"),
            (with("/config/urls", json!(["file:///etc/passwd"])), "config.urls[0]"),
            (with("/config/urls", json!(["gopher://example.com"])), "config.urls[0]"),
            (with("/config/urls", json!(["https://user:word@example.com/"])), "config.urls[0]"),
            (with("/config/urls", json!([format!("https://example.com/{}", "x".repeat(2_048))])), "config.urls[0]"),
            (with("/config/selectors", json!({})), "config.selectors"),
            (with("/config/selectors", json!({"title": "h1[["})), "config.selectors.title"),
            (with("/config/output_format", json!("parquet")), "config.output_format"),
            (with("/config/timeout", json!(0)), "config.timeout"),
            (with("/config/timeout", json!(61)), "config.timeout"),
            (with("/config/include_metadata", json!("yes")), "config.include_metadata"),
        ] {
            let faults = NewTask::read(&body).unwrap_err();
            assert_eq!(faults[0].field, field, "{body}: {faults:?}");
            assert!(!faults[0].message.is_empty());
        }
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let mut body = with("/priority", json!(99));
        body["config"]["urls"] = json!(["ftp://example.com"]);
        body["config"]["selectors"] = json!({"a": "[[", "b": "]]"});
        let faults = NewTask::read(&body).unwrap_err();
        let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["priority", "config.urls[0]", "config.selectors.a", "config.selectors.b"]);
    }

    #[test]
    fn unknown_fields_are_ignored() {
        assert!(NewTask::read(&with("/config/future", json!({"a": 1}))).is_ok());
        assert_eq!(TaskChange::read(&json!({"status": "completed"})), Ok(TaskChange::default()));
    }
}

//! `/tasks` and all below it.

mod advanced;
mod bulk;
mod create;
mod delete;
mod download;
mod due_checks;
mod list;
mod logs;
mod monitoring;
mod rotation;
mod show;
mod update;

use serde_json::{Value as Json, json};

/// A task's configuration for one page.
fn titles_of(url: &str) -> Json {
    json!({"urls": [url], "selectors": {"title": "h1"}})
}

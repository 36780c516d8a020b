//! What a new task consists of, as the document of the APIs tells it. Selectors are a language of their own: of them only the form is told.

use input::schema::schema::{
    AdditionalProperties, ArrayBuilder, Object, ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type,
};
use input::schema::{self, PartialSchema, ToSchema, email, flag, line, name, one_of, text, told, web_address, whole};
use scraping::selectors::{MAX_NAME_CHARS, MAX_SELECTOR_CHARS};
use serde_json::{Value as Json, json};
use utoipa::openapi::RefOr;

use crate::config::advanced::{HIGHEST_RATE, LONGEST_COOKIE, LONGEST_HEADER, MOST_COOKIES, MOST_HEADERS};
use crate::config::bulk::{LARGEST_BATCH, MOST_PARALLEL, MOST_RETRIES};
use crate::config::monitoring::LONGEST_EMAIL;
use crate::config::{LONGEST_TIMEOUT, MOST_BULK_URLS, MOST_SELECTORS, MOST_URLS, schedule};
use crate::input::{HIGHEST_PRIORITY, LONGEST_DESCRIPTION};
use crate::kind::TaskType;

/// A task that is to be made: what it may be depends on its type.
pub enum NewTaskBody {}

impl PartialSchema for NewTaskBody {
    fn schema() -> RefOr<Schema> {
        let either = TaskType::ALL.into_iter().fold(OneOfBuilder::new(), |either, kind| either.item(of(kind)));
        RefOr::T(either.description(Some("A task that is to be made: what it may be depends on its type.")).into())
    }
}

impl ToSchema for NewTaskBody {}

fn of(kind: TaskType) -> Object {
    ObjectBuilder::new()
        .title(Some(kind.as_str()))
        .property("name", told(name(), "What it is called."))
        .property("description", schema::or_null(told(text::<0, LONGEST_DESCRIPTION>(), "What its owner says of it.")))
        .property("task_type", told(one_of([kind.as_str()]), "What it does."))
        .property("priority", told(whole::<1, { HIGHEST_PRIORITY as u64 }>(), "5 unless given."))
        .property("config", config(kind))
        .required("name")
        .required("task_type")
        .required("config")
        .examples([example(kind)])
        .build()
}

fn config(kind: TaskType) -> Object {
    let most = if kind == TaskType::BulkScraping { MOST_BULK_URLS } else { MOST_URLS };
    let urls = ArrayBuilder::new().items(web_address()).min_items(Some(1)).max_items(Some(most));
    let selectors = map(selector(), 1, MOST_SELECTORS);
    let pages = ObjectBuilder::new()
        .property("urls", told(urls.build(), "The pages."))
        .property(
            "selectors",
            told(selectors, "What to take from each page: a name and a CSS selector for each field."),
        )
        .property(
            "output_format",
            told(one_of(["json", "csv", "xlsx"]), "The form of the result; `json` unless given."),
        )
        .property("include_metadata", told(flag(), "Whether each row says which page it is from."))
        .property("follow_redirects", told(flag(), "Whether redirects are followed; they are unless given."))
        .property(
            "timeout",
            told(whole::<1, { LONGEST_TIMEOUT as u64 }>(), "How long one page may take, in seconds; 30 unless given."),
        )
        .required("urls")
        .required("selectors");
    match kind {
        TaskType::SimpleScraping => pages,
        TaskType::AdvancedScraping => pages
            .property("javascript_enabled", told(flag(), "Whether the pages' scripts run; they do unless given."))
            .property("wait_for_selector", schema::or_null(told(css(), "What must be on a page before it is read.")))
            .property(
                "custom_headers",
                told(
                    map(written(LONGEST_HEADER, "^[ -~]*$"), 0, MOST_HEADERS),
                    "Headers of the requests for the pages.",
                ),
            )
            .property(
                "cookies",
                told(map(written(LONGEST_COOKIE, "^[ -:<-~]*$"), 0, MOST_COOKIES), "Cookies for the pages' hosts."),
            )
            .property("proxy_rotation", told(flag(), "Whether each page is asked for through another proxy."))
            .property("rate_limit", schema::or_null(told(rate(), "The most pages a second."))),
        TaskType::BulkScraping => pages
            .property(
                "batch_size",
                told(whole::<1, { LARGEST_BATCH as u64 }>(), "How many pages one function does; 10 unless given."),
            )
            .property(
                "parallel_requests",
                told(whole::<1, { MOST_PARALLEL as u64 }>(), "How many pages are asked for at once; 3 unless given."),
            )
            .property(
                "retry_attempts",
                told(whole::<0, { MOST_RETRIES as u64 }>(), "How often a page is asked for again; 3 unless given."),
            )
            .property("export_individual_files", told(flag(), "Whether each page has a file of its own, in a ZIP.")),
        TaskType::Monitoring => pages
            .property(
                "schedule",
                told(
                    line::<{ schedule::LONGEST }>(),
                    "`hourly`, `daily`, `weekly`, or the five fields of a crontab, in UTC.",
                ),
            )
            .property("notification_email", schema::or_null(told(email::<LONGEST_EMAIL>(), "Who is told of a change.")))
            .property("change_threshold", told(share(), "How much a value must have changed for that.")),
    }
    .build()
}

fn map(values: Schema, least: usize, most: usize) -> Object {
    let values = AdditionalProperties::RefOr(RefOr::T(values));
    let map = ObjectBuilder::new().schema_type(Type::Object).additional_properties(Some(values));
    let mut map = map.max_properties(Some(most)).build();
    map.min_properties = (least > 0).then_some(least);
    map
}

fn selector() -> Schema {
    let field = ObjectBuilder::new()
        .property("selector", told(css(), "The CSS selector."))
        .property("attr", schema::or_null(told(attribute(), "The attribute to read, instead of the text.")))
        .property(
            "type",
            told(one_of(["string", "number", "integer", "boolean", "url", "html"]), "What the text becomes."),
        )
        .property("multiple", told(flag(), "Whether to take the list of all matches."))
        .required("selector");
    OneOfBuilder::new().item(css()).item(field.build()).build().into()
}

fn css() -> Object {
    text::<1, MAX_SELECTOR_CHARS>()
}

fn attribute() -> Object {
    schema::pattern(1, MAX_NAME_CHARS, r"^[^\s\x00-\x1f\x7f-\x9f]+$")
}

fn written(most: usize, pattern: &str) -> Schema {
    schema::pattern(0, most, pattern).into()
}

fn rate() -> Object {
    let rate = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Number));
    rate.exclusive_minimum(Some(0.0)).maximum(Some(HIGHEST_RATE)).build()
}

fn share() -> Object {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::Number)).minimum(Some(0.0)).maximum(Some(1.0)).build()
}

/// The contract's own.
fn example(kind: TaskType) -> Json {
    let mut config = json!({
        "urls": ["https://example.com/products"],
        "selectors": {"title": "h1.product-title", "price": ".price"},
        "output_format": "json",
        "include_metadata": true,
        "follow_redirects": true,
        "timeout": 30,
    });
    let own = match kind {
        TaskType::SimpleScraping => json!({}),
        TaskType::AdvancedScraping => json!({
            "javascript_enabled": true,
            "wait_for_selector": ".content-loaded",
            "custom_headers": {"Accept-Language": "en-US,en;q=0.9"},
            "cookies": {"session_id": "abc123"},
            "proxy_rotation": false,
            "rate_limit": 1.0,
        }),
        TaskType::BulkScraping => {
            json!({"batch_size": 10, "parallel_requests": 3, "retry_attempts": 3, "export_individual_files": false})
        }
        TaskType::Monitoring => {
            json!({"schedule": "daily", "notification_email": "user@example.com", "change_threshold": 0.1})
        }
    };
    if let (Json::Object(config), Json::Object(own)) = (&mut config, own) {
        config.extend(own);
    }
    json!({
        "name": "Extract product data",
        "description": "Extract product information from an online shop",
        "task_type": kind.as_str(),
        "priority": 5,
        "config": config,
    })
}

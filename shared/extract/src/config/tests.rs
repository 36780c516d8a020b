//! Every bound of every type, by table.

use serde_json::json;

use super::*;

fn valid() -> Json {
    json!({"urls": ["https://example.com/products"], "selectors": {"title": "h1", "price": ".price"}})
}

/// The valid configuration with one field changed.
fn with(field: &str, value: Json) -> Json {
    let mut config = valid();
    config[field] = value;
    config
}

fn fields(kind: TaskType, config: &Json) -> Vec<String> {
    let faults = TaskConfig::read(kind, config).err().unwrap_or_default();
    assert!(faults.iter().all(|fault| !fault.message.is_empty()));
    faults.into_iter().map(|fault| fault.field).collect()
}

/// Pages whose addresses have so many bytes each.
fn pages(count: usize, bytes: usize) -> Json {
    (0..count).map(|page| format!("https://example.com/{page:0>width$}", width = bytes - 20)).collect()
}

fn entries(count: usize) -> Json {
    Json::Object((0..count).map(|entry| (format!("x-{entry}"), json!("1"))).collect())
}

#[test]
fn every_type_has_the_documented_defaults() {
    let shared = json!({
        "urls": ["https://example.com/products"],
        "selectors": {"title": "h1", "price": ".price"},
        "output_format": "json",
        "include_metadata": false,
        "follow_redirects": true,
        "timeout": 30,
    });
    for (kind, own) in [
        (TaskType::SimpleScraping, json!({})),
        (
            TaskType::AdvancedScraping,
            json!({"javascript_enabled": true, "custom_headers": {}, "cookies": {}, "proxy_rotation": false}),
        ),
        (
            TaskType::BulkScraping,
            json!({"batch_size": 10, "parallel_requests": 3, "retry_attempts": 3, "export_individual_files": false}),
        ),
        (TaskType::Monitoring, json!({"schedule": "daily", "change_threshold": 0.0})),
    ] {
        let config = TaskConfig::read(kind, &valid()).unwrap();
        let mut expected = shared.clone();
        expected.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        assert_eq!((config.task_type(), config.to_json()), (kind, expected));
    }
}

#[test]
fn the_contracts_examples_are_valid() {
    for (kind, config) in [
        (
            TaskType::AdvancedScraping,
            json!({
                "urls": ["https://spa-example.com"],
                "selectors": {"dynamic_content": ".ajax-loaded"},
                "javascript_enabled": true,
                "wait_for_selector": ".content-loaded",
                "custom_headers": {"User-Agent": "Custom Bot 1.0"},
                "cookies": {"session": "abc123"},
                "proxy_rotation": true,
                "rate_limit": 2
            }),
        ),
        (
            TaskType::BulkScraping,
            json!({
                "urls": ["https://example.com/page1"],
                "selectors": {"data": ".item"},
                "batch_size": 10,
                "parallel_requests": 3,
                "retry_attempts": 3,
                "export_individual_files": false
            }),
        ),
        (
            TaskType::Monitoring,
            json!({
                "urls": ["https://example.com/price-page"],
                "selectors": {"price": ".current-price"},
                "schedule": "daily",
                "notification_email": "alerts@company.com",
                "change_threshold": 0.05
            }),
        ),
    ] {
        assert_eq!(fields(kind, &config), [""; 0], "{config}");
    }
}

#[test]
fn what_is_stored_is_read_again() {
    for (kind, own) in [
        (TaskType::SimpleScraping, json!({})),
        (
            TaskType::AdvancedScraping,
            json!({
                "javascript_enabled": false,
                "wait_for_selector": "#b",
                "custom_headers": {"b": "1", "a": "2"},
                "cookies": {"z": "1", "y": ""},
                "rate_limit": 0.5,
            }),
        ),
        (TaskType::BulkScraping, json!({"batch_size": 100, "export_individual_files": true})),
        (TaskType::Monitoring, json!({"schedule": "*/5 * * * *", "notification_email": "a@example.com"})),
    ] {
        let mut config = valid();
        config.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        let config = TaskConfig::read(kind, &config).unwrap();
        let stored = serde_json::to_value(&config).unwrap();
        assert_eq!((&stored["task_type"], stored["config"].is_string()), (&json!(kind.as_str()), true));
        let again: TaskConfig = serde_json::from_value(stored).unwrap();
        assert_eq!(again, config);
        assert_eq!(again.to_json().to_string(), config.to_json().to_string(), "the order of all entries is kept");
    }
}

#[test]
fn a_page_costs_1_and_with_a_browser_5() {
    for (kind, units) in [
        (TaskType::SimpleScraping, 3),
        (TaskType::AdvancedScraping, 15),
        (TaskType::BulkScraping, 3),
        (TaskType::Monitoring, 3),
    ] {
        let config = TaskConfig::read(kind, &with("urls", pages(3, 60))).unwrap();
        assert_eq!(config.estimate(), units, "{kind:?}");
    }
}

#[test]
fn each_fault_of_what_is_shared_names_its_field() {
    for kind in TaskType::ALL {
        for (config, field) in [
            (json!(null), ""),
            (json!([]), ""),
            (json!("{}"), ""),
            (with("urls", json!([])), "urls"),
            (with("urls", json!("https://example.com")), "urls"),
            (with("urls", pages(2_001, 60)), "urls"),
            (with("urls", json!([5])), "urls[0]"),
            (with("urls", json!(["https://example.com", "products.html"])), "urls[1]"),
            (with("urls", json!(["file:///etc/passwd"])), "urls[0]"),
            (with("urls", json!(["https://user:word@example.com/"])), "urls[0]"),
            (with("urls", pages(1, 2_049)), "urls[0]"),
            (with("selectors", json!({})), "selectors"),
            (with("selectors", json!({"title": "h1[["})), "selectors.title"),
            (with("selectors", Json::Object((0..51).map(|n| (format!("f{n}"), json!("a"))).collect())), "selectors"),
            (with("output_format", json!("parquet")), "output_format"),
            (with("timeout", json!(0)), "timeout"),
            (with("timeout", json!(61)), "timeout"),
            (with("include_metadata", json!("yes")), "include_metadata"),
            (with("follow_redirects", json!(null)), "follow_redirects"),
        ] {
            assert_eq!(fields(kind, &config), [field], "{kind:?} {config}");
        }
    }
}

#[test]
fn each_fault_of_a_types_own_names_its_field() {
    use TaskType::{AdvancedScraping as Advanced, BulkScraping as Bulk, Monitoring};
    let header = |name: &str, value: &str| Json::Object(Map::from_iter([(name.to_owned(), value.into())]));
    for (kind, field, values) in [
        (Advanced, "javascript_enabled", vec![json!(1), json!(null), json!("true")]),
        (Advanced, "wait_for_selector", vec![json!(""), json!("a[["), json!(5), json!("a".repeat(513))]),
        (
            Advanced,
            "custom_headers",
            vec![
                json!([]),
                json!(null),
                entries(31),
                header("", "1"),
                header("a b", "1"),
                header("a:", "1"),
                header("\u{e9}", "1"),
                header(&"a".repeat(129), "1"),
                header("a", "1\r\nb: 2"),
                header("a", "1\n"),
                header("a", "\u{e9}"),
                header("a", "\0"),
                header("a", &"x".repeat(2_049)),
                header("Host", "example.com"),
                header("content-length", "5"),
                header("COOKIE", "a=1"),
                header("Transfer-Encoding", "chunked"),
                header("Connection", "close"),
                header("Proxy-Authorization", "Basic eA=="),
                json!({"A": "1", "a": "2"}),
            ],
        ),
        (
            Advanced,
            "cookies",
            vec![
                json!("a=1"),
                entries(51),
                header("", "1"),
                header("a=b", "1"),
                header("a", "1; Domain=example.com"),
                header("a", "1\r\n"),
                header("a", &"x".repeat(4_097)),
            ],
        ),
        (Advanced, "proxy_rotation", vec![json!("yes")]),
        (Advanced, "rate_limit", vec![json!(0), json!(-1), json!(10.1), json!(1e300), json!("2"), json!([])]),
        (Bulk, "batch_size", vec![json!(0), json!(101), json!(-1), json!(1.5), json!("10"), json!(null)]),
        (Bulk, "parallel_requests", vec![json!(0), json!(21), json!(1e9)]),
        (Bulk, "retry_attempts", vec![json!(11), json!(-1), json!("3")]),
        (Bulk, "export_individual_files", vec![json!(1)]),
        (Monitoring, "schedule", vec![json!("often"), json!("* * * * *"), json!("0 0 30 2 *"), json!(5), json!(null)]),
        (
            Monitoring,
            "notification_email",
            vec![
                json!("nobody"),
                json!("a@b@c"),
                json!("a@example.com\r\nBcc: b@example.com"),
                json!(["a@example.com"]),
            ],
        ),
        (Monitoring, "change_threshold", vec![json!(-0.1), json!(1.1), json!("5%"), json!(null)]),
    ] {
        for value in values {
            assert_eq!(fields(kind, &with(field, value.clone())), [field], "{value}");
        }
    }
    for (field, wrong) in [("custom_headers", json!({"a": 5, "b": "1"})), ("cookies", json!({"a": null}))] {
        assert_eq!(fields(Advanced, &with(field, wrong)), [format!("{field}.a")]);
    }
}

#[test]
fn the_faults_of_all_fields_are_told_at_once() {
    let config = json!({
        "urls": "https://example.com",
        "selectors": {"a": "[[", "b": "b"},
        "timeout": 0,
        "batch_size": "many",
        "retry_attempts": 11,
    });
    let mut told = fields(TaskType::BulkScraping, &config);
    told.sort();
    assert_eq!(told, ["batch_size", "retry_attempts", "selectors.a", "timeout", "urls"]);
    assert_eq!(fields(TaskType::BulkScraping, &with("selectors", json!({"a": "[[", "b": "]]"}))).len(), 2);
}

#[test]
fn another_types_fields_are_ignored() {
    let config = with("custom_headers", json!({"Host": 5}));
    assert_eq!(fields(TaskType::SimpleScraping, &config), [""; 0]);
    assert_eq!(fields(TaskType::SimpleScraping, &with("batch_size", json!("x"))), [""; 0]);
}

#[test]
fn a_configuration_fits_an_item() {
    assert_eq!(fields(TaskType::BulkScraping, &with("urls", pages(2_000, 140))), [""; 0]);
    assert_eq!(fields(TaskType::BulkScraping, &with("urls", pages(2_000, 160))), [""]);
    assert_eq!(fields(TaskType::SimpleScraping, &with("urls", pages(101, 60))), ["urls"]);
    let selectors = |length: usize| (0..50).map(|n| (format!("f{n}"), json!("a".repeat(length)))).collect();
    assert_eq!(fields(TaskType::SimpleScraping, &with("selectors", Json::Object(selectors(400)))), [""; 0]);
    assert_eq!(fields(TaskType::SimpleScraping, &with("selectors", Json::Object(selectors(500)))), [""]);
}

#[test]
fn a_list_shows_the_first_addresses_of_many() {
    let listed = |count: usize| {
        let config = TaskConfig::read(TaskType::BulkScraping, &with("urls", pages(count, 77))).unwrap();
        (config.to_listed_json(), config.to_json())
    };
    let (shown, whole) = listed(100);
    assert_eq!(shown, whole);
    let (shown, whole) = listed(101);
    assert_eq!((shown["urls"].as_array().unwrap().len(), &shown["urls_count"]), (100, &json!(101)));
    assert_eq!(shown["urls"][99], whole["urls"][99]);
    assert_eq!(shown["selectors"], whole["selectors"]);
}

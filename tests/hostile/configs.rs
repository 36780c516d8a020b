//! Configurations of every type of task: what each field must not hold.

use drover_tests::Stack;
use futures::future::try_join_all;
use serde_json::{Map, Value as Json, json};

use super::{Case, Victim, by};

/// Fewer than a key may create in a minute.
const TASKS_PER_KEY: usize = 25;

/// A task of this type with one field of its configuration changed.
fn task(kind: &str, field: &str, value: Json) -> (String, Json) {
    let mut config = json!({"urls": ["https://example.com/products"], "selectors": {"title": "h1"}});
    config[field] = value;
    let name: String = format!("{kind} {field} {}", config[field]).chars().take(160).collect();
    (name, json!({"name": "Extract", "task_type": kind, "config": config}))
}

fn one(name: &str, value: &str) -> Json {
    Json::Object(Map::from_iter([(name.to_owned(), value.into())]))
}

fn many(count: usize) -> Json {
    Json::Object((0..count).map(|n| (format!("x-{n}"), "1".into())).collect())
}

/// Values that are of none of the types wanted.
fn no_switch() -> Vec<Json> {
    vec![json!("true"), json!(1), json!(null), json!([true]), json!({})]
}

fn no_number(least: i64, most: i64) -> Vec<Json> {
    vec![json!(least - 1), json!(most + 1), json!(1.5), json!("3"), json!(null), json!([]), json!(1e300)]
}

/// Headers that are not a caller's to set, or no headers at all.
fn wrong_headers() -> Vec<Json> {
    let ours = [
        "Host",
        "hOST",
        "Content-Length",
        "Cookie",
        "Connection",
        "Keep-Alive",
        "Proxy-Authorization",
        "Proxy-Connection",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
        "Expect",
    ];
    let names = ["", " ", "a b", "a:", "a\r\n", "a\0", "(a)", "\u{e9}", "a\tb", ":authority"];
    let values = ["1\r\nX-Injected: 1", "1\n", "1\r", "\0", "\u{7f}", "\u{e9}", "\u{2028}"];
    let mut wrong = vec![json!(null), json!([]), json!("a: 1"), json!(5), many(31), many(20_000)];
    wrong.extend([json!({"a": 5}), json!({"a": null}), json!({"a": ["1"]}), json!({"Aa": "1", "aA": "2"})]);
    wrong.extend([one(&"x".repeat(129), "1"), one("a", &"x".repeat(2_049))]);
    wrong.extend(ours.map(|name| one(name, "1")));
    wrong.extend(names.map(|name| one(name, "1")));
    wrong.extend(values.map(|value| one("a", value)));
    wrong
}

fn wrong_cookies() -> Vec<Json> {
    let names = ["", "a=b", "a;b", "a b", "a\r\n", "\u{e9}"];
    let values = ["1; Domain=example.com", "1;", "1\r\nSet-Cookie: b=1", "\0", "\u{e9}"];
    let mut wrong = vec![json!(null), json!([]), json!("a=1"), many(51), json!({"a": 1}), json!({"a": {"value": "1"}})];
    wrong.extend([one(&"x".repeat(129), "1"), one("a", &"x".repeat(4_097))]);
    wrong.extend(names.map(|name| one(name, "1")));
    wrong.extend(values.map(|value| one("a", value)));
    wrong
}

fn wrong_schedules() -> Vec<Json> {
    let texts = [
        "",
        " ",
        "often",
        "DAILY",
        "@daily",
        "@reboot",
        "* * * * *",
        "*/4 * * * *",
        "0,1 * * * *",
        "59,0 23,0 * * *",
        "60 * * * *",
        "0 24 * * *",
        "0 0 32 * *",
        "0 0 30 2 *",
        "0 0 0 * *",
        "0 0 * 13 *",
        "0 0 * * 8",
        "0 0 * *",
        "0 0 0 * * *",
        "0 0 * * * 2030",
        "*/0 * * * *",
        "5-1 * * * *",
        "-1 * * * *",
        "a b c d e",
        "0 0 * * *\n",
        "0\u{a0}0 * * *",
        "\u{661} 0 * * *",
        "0 0 * * *; rm",
        "99999999999999999999 * * * *",
    ];
    let mut wrong: Vec<_> = texts.map(Json::from).to_vec();
    wrong.extend([json!(null), json!(5), json!(["daily"]), json!({"cron": "0 0 * * *"}), json!("0 ".repeat(100_000))]);
    wrong
}

fn wrong_addresses() -> Vec<Json> {
    let texts = [
        "",
        "nobody",
        "@",
        "a@",
        "@example.com",
        "a@b@example.com",
        "a@example.com\r\nBcc: b@example.com",
        "ä@example.com",
        "a@example.com, b@example.com",
        "a@[127.0.0.1]",
        "a b@example.com",
        "a@exa\u{0}mple.com",
        "somebody-else@example.org",
    ];
    let mut wrong: Vec<_> = texts.map(Json::from).to_vec();
    wrong.extend([json!(5), json!(["a@example.com"]), json!(format!("{}@example.com", "a".repeat(300)))]);
    wrong
}

fn wrong_configs() -> Vec<(String, Json)> {
    let pages = |count: usize, bytes: usize| -> Json {
        (0..count).map(|page| format!("https://example.com/{page}/{}", "x".repeat(bytes))).collect()
    };
    let (advanced, bulk, monitoring) = ("advanced_scraping", "bulk_scraping", "monitoring");
    [
        (advanced, "javascript_enabled", no_switch()),
        (advanced, "proxy_rotation", no_switch()),
        (advanced, "wait_for_selector", vec![json!(""), json!(" "), json!("a[["), json!(5), json!("(".repeat(600))]),
        (advanced, "custom_headers", wrong_headers()),
        (advanced, "cookies", wrong_cookies()),
        (
            advanced,
            "rate_limit",
            vec![json!(0), json!(-1), json!(10.5), json!(1e300), json!("2"), json!([]), json!({})],
        ),
        (advanced, "urls", vec![pages(101, 1)]),
        (bulk, "batch_size", no_number(1, 100)),
        (bulk, "parallel_requests", no_number(1, 20)),
        (bulk, "retry_attempts", no_number(0, 10)),
        (bulk, "export_individual_files", no_switch()),
        (bulk, "urls", vec![json!([]), json!(null), pages(2_001, 1), pages(1_000, 400), json!(vec![""; 100_000])]),
        (monitoring, "schedule", wrong_schedules()),
        (monitoring, "notification_email", wrong_addresses()),
        (
            monitoring,
            "change_threshold",
            vec![json!(-0.1), json!(1.01), json!(1e300), json!("5%"), json!(null), json!([])],
        ),
        (monitoring, "urls", vec![pages(101, 1)]),
    ]
    .into_iter()
    .flat_map(|(kind, field, values)| values.into_iter().map(move |value| task(kind, field, value)))
    .collect()
}

#[tokio::test]
async fn no_configuration_that_breaks_a_rule_makes_a_task() -> anyhow::Result<()> {
    let victim = Victim::new().await?;
    let bodies = wrong_configs();
    assert!(bodies.len() >= 150, "{}", bodies.len());
    let stack = Stack::from_environment()?;
    let attackers = try_join_all(bodies.chunks(TASKS_PER_KEY).map(|_| stack.user())).await?;
    let cases = bodies.into_iter().enumerate().map(|(at, (name, body))| {
        let attacker = &attackers[at / TASKS_PER_KEY];
        let request = by(attacker, "POST", "/tasks").header("Content-Type", "application/json");
        Case::new(format!("POST {name}"), request.body(body.to_string().into_bytes()), 400)
    });
    victim.withstands(cases.collect(), &attackers).await?;
    for attacker in attackers {
        assert_eq!(attacker.get("/tasks").await?, json!([]));
    }
    Ok(())
}

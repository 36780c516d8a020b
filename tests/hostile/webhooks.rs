//! Webhooks: bodies, paths, queries, methods, keys.

use drover_tests::raw::RawRequest;
use drover_tests::user::id_of;
use futures::future::try_join_all;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::{Case, Victim, by};

/// Fewer than a key may make in a minute, with what else it asks.
const PER_KEY: usize = 80;

/// A victim's webhook.
async fn webhook_of(victim: &Victim) -> anyhow::Result<String> {
    // Of nothing that the victim does: it would be delivered sooner or later, and change what is theirs.
    let body = json!({"url": "https://example.com/hook", "events": ["task.cancelled"]});
    let webhook = victim.user.send(Method::POST, "/webhooks", &body).await?.success(201)?;
    Ok(id_of(&webhook)?.to_owned())
}

/// Values that the fields of a webhook must not have.
fn wrong_values() -> Vec<(&'static str, Vec<Json>)> {
    let long = format!("https://example.com/{}", "x".repeat(2_048));
    vec![
        (
            "url",
            vec![
                json!(5),
                json!(true),
                json!([]),
                json!({}),
                json!(""),
                json!(" "),
                json!("example.com"),
                json!("//example.com/hook"),
                json!("https://"),
                json!("https://exa mple.com/"),
                json!("https://[::1"),
                json!("https://example.com:99999/"),
                json!("https://user:word@example.com/"),
                json!("https://user@example.com/"),
                json!("http://example.com/"),
                json!("HTTP://EXAMPLE.COM/"),
                json!("ftp://example.com/"),
                json!("file:///etc/passwd"),
                json!("gopher://example.com:70/_x"),
                json!("javascript:alert(1)"),
                json!("data:text/html,x"),
                json!("ws://example.com/"),
                json!("https://example.com/\r\nX-Injected: 1"),
                json!("https://example.com/\u{0}"),
                json!("https://exa\tmple.com/"),
                json!("https://127.0.0.1/"),
                json!("https://127.78.0.1/"),
                json!("https://10.0.0.1/"),
                json!("https://169.254.169.254/latest/meta-data/"),
                json!("https://[::ffff:169.254.169.254]/"),
                json!("https://0x7f.1/"),
                json!(long),
                json!("x".repeat(100_000)),
            ],
        ),
        (
            "description",
            vec![json!(5), json!(["x"]), json!({"a": 1}), json!("a\nb"), json!("a\u{0}"), json!("x".repeat(201))],
        ),
        (
            "events",
            vec![
                json!("task.completed"),
                json!([]),
                json!({}),
                json!(7),
                json!([null]),
                json!([5]),
                json!([["task.completed"]]),
                json!([""]),
                json!(["*"]),
                json!(["task.created"]),
                json!(["TASK.COMPLETED"]),
                json!(["webhook.test"]),
                json!(["task.completed", "task.nothing"]),
                json!(vec!["task.completed"; 4]),
                json!(vec!["task.completed"; 10_000]),
            ],
        ),
        ("is_active", vec![json!("true"), json!(1), json!([]), json!({})]),
    ]
}

#[tokio::test]
async fn no_body_that_is_no_webhook_makes_or_changes_one() -> anyhow::Result<()> {
    let victim = Victim::new().await?;
    let path = format!("/webhooks/{}", webhook_of(&victim).await?);
    let mut new: Vec<Json> = vec![json!(null), json!([]), json!("text"), json!(5), json!({}), json!({"url": null})];
    let mut changes: Vec<Json> = vec![json!(null), json!([]), json!("text"), json!(5)];
    for (field, values) in wrong_values() {
        for value in values {
            let mut body = json!({"url": "https://example.com/other"});
            body[field] = value.clone();
            new.push(body);
            changes.push(json!({field: value}));
        }
    }
    let texts = [
        "",
        "{",
        "{\"url\":",
        "{'url': 'https://example.com'}",
        "url=https://example.com",
        "\u{feff}{}",
        "NaN",
        "<a/>",
    ];
    let new = new.into_iter().map(|body| body.to_string()).chain(texts.map(str::to_owned));
    let changes = changes.into_iter().map(|body| body.to_string()).chain(texts.map(str::to_owned));
    let bodies: Vec<_> = new
        .map(|body| ("POST", "/webhooks".to_owned(), body))
        .chain(changes.map(|body| ("PUT", path.clone(), body)))
        .collect();
    assert!(bodies.len() >= 120, "{}", bodies.len());
    let attackers = try_join_all(bodies.chunks(PER_KEY).map(|_| victim.stack.user())).await?;
    let cases = bodies.into_iter().enumerate().map(|(at, (method, path, body))| {
        // What is refused of the victim's webhook is the body: the key is the victim's own.
        let caller = if method == "PUT" { &victim.user } else { &attackers[at / PER_KEY] };
        let name = format!("{method} {}", body.chars().take(160).collect::<String>());
        let request = by(caller, method, &path).header("Content-Type", "application/json").body(body);
        Case::new(name, request, 400)
    });
    victim.withstands(cases.collect(), &attackers).await
}

#[tokio::test]
async fn no_path_query_method_or_key_leads_astray() -> anyhow::Result<()> {
    let victim = Victim::new().await?;
    let id = webhook_of(&victim).await?;
    let stranger = victim.stack.user().await?;
    let mut cases = Vec::new();
    let mut add = |method: &str, path: String, status: u16| {
        let name = format!("{method} {}", path.chars().take(100).collect::<String>());
        cases.push(Case::new(name, by(&victim.user, method, &path), status));
    };
    for path in [
        "/webhooks/%2e%2e".to_owned(),
        "/webhooks/..%2ftasks".to_owned(),
        "/webhooks/%00".to_owned(),
        "/webhooks/ENDPOINTS".to_owned(),
        "/webhooks/*".to_owned(),
        "/webhooks/%7Bwebhook_id%7D".to_owned(),
        "/webhooks/-1".to_owned(),
        format!("/webhooks/{id}%00"),
        format!("/webhooks/{id}%20"),
        format!("/webhooks/{id}.json"),
        format!("/webhooks/{id}/"),
        format!("/webhooks//{id}"),
        format!("/webhooks/{id}/secret"),
        format!("/webhooks/{id}/deliveries"),
        format!("/webhooks/{id}%2fattempts"),
        format!("/webhooks/{}", id.to_uppercase()),
        format!("/webhooks/{}", id.replace('-', "")),
        format!("/webhooks/urn:uuid:{id}"),
        format!("/webhooks/ENDPOINT%23{id}"),
        format!("/webhooks/{}", "x".repeat(4_000)),
        format!("/v1/webhooks/{id}"),
    ] {
        add("GET", path, 404);
    }
    for query in [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=1.5",
        "limit=NaN",
        "limit=1e1",
        "limit=99999999999999999999",
        "cursor=x",
        "cursor=%00",
        "cursor=e30",
        "cursor=bnVsbA",
        "cursor=NQ",
        "cursor=In4i",
        "cursor=IiI",
        "cursor=IlwidTAwMDAi",
        "cursor=%ff",
        "cursor=1&cursor=2",
    ] {
        add("GET", format!("/webhooks/{id}/attempts?{query}"), 400);
    }
    add("GET", format!("/webhooks/{id}/attempts?cursor={}", "A".repeat(3_000)), 400);
    for (method, path) in [
        ("DELETE", "/webhooks".to_owned()),
        ("PUT", "/webhooks".to_owned()),
        ("PATCH", format!("/webhooks/{id}")),
        ("POST", format!("/webhooks/{id}")),
        ("GET", format!("/webhooks/{id}/test")),
        ("GET", format!("/webhooks/{id}/rotate-secret")),
        ("PUT", format!("/webhooks/{id}/rotate-secret")),
        ("DELETE", format!("/webhooks/{id}/attempts")),
        ("POST", format!("/webhooks/{id}/attempts")),
    ] {
        add(method, path, 405);
    }
    let endpoints = [
        ("GET", "/webhooks".to_owned()),
        ("POST", "/webhooks".to_owned()),
        ("GET", format!("/webhooks/{id}")),
        ("PUT", format!("/webhooks/{id}")),
        ("DELETE", format!("/webhooks/{id}")),
        ("POST", format!("/webhooks/{id}/test")),
        ("POST", format!("/webhooks/{id}/rotate-secret")),
        ("GET", format!("/webhooks/{id}/attempts")),
    ];
    for (method, path) in &endpoints {
        let (name, body) = (format!("{method} {path}"), "{\"is_active\": false}");
        cases.push(Case::new(format!("{name} without a key"), RawRequest::new(method, path).body(body), 401));
        let guessed =
            RawRequest::new(method, path).header("Authorization", format!("Bearer sk_live_{:064x}", 7)).body(body);
        cases.push(Case::new(format!("{name} with another key"), guessed, 401));
        if path.len() > "/webhooks".len() {
            cases.push(Case::new(format!("{name} by a stranger"), by(&stranger, method, path).body(body), 404));
        }
    }
    assert!(cases.len() >= 60, "{}", cases.len());
    victim.withstands(cases, &[stranger]).await
}

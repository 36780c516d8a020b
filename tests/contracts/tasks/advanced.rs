//! `POST /tasks` of the type `advanced_scraping`: pages rendered in a browser.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Context;
use axum::http::HeaderMap;
use axum::response::Html;
use axum::{Router, routing::get};
use drover_tests::site::Site;
use drover_tests::{Stack, User, id_of};
use reqwest::Method;
use serde_json::{Value as Json, json};

/// What a page of today sends: nothing to read, and a script that fetches it.
const BUILT_BY_SCRIPT: &str = "<h1>Shop</h1><div id=root></div><script>
setTimeout(async () => {
    const names = await (await fetch('/names')).json();
    root.innerHTML = names.map((name) => `<p class=ajax-loaded>${name}</p>`).join('') + '<hr class=content-loaded>';
}, 200)
</script>";

async fn shop() -> anyhow::Result<Site> {
    let pages = Router::new()
        .route("/", get(|| async { Html(BUILT_BY_SCRIPT) }))
        .route("/names", get(|| async { r#"["One", "Two"]"# }));
    Site::serve(pages).await
}

/// A task of this type, ended.
async fn ended(user: &User, task_type: &str, config: &Json) -> anyhow::Result<Json> {
    let body = json!({"name": "Shop", "task_type": task_type, "config": config});
    let task = user.send(Method::POST, "/tasks", &body).await?.success(201)?;
    user.ended(&task).await
}

async fn rows(user: &User, task: &Json) -> anyhow::Result<Json> {
    user.get(&format!("/tasks/{}/download", id_of(task)?)).await
}

#[tokio::test]
async fn a_page_that_scripts_build_is_scraped_by_a_browser_and_not_without_one() -> anyhow::Result<()> {
    let (user, site) = (Stack::from_environment()?.user().await?, shop().await?);
    let config = json!({
        "urls": [site.url("/")], "selectors": {"dynamic_content": ".ajax-loaded"}, "wait_for_selector": ".content-loaded",
    });
    let task = ended(&user, "advanced_scraping", &config).await?;
    assert_eq!((&task["status"], &task["error_message"]), (&json!("completed"), &Json::Null), "{task}");
    assert_eq!((&task["estimated_compute_units"], &task["compute_units_consumed"]), (&json!(5), &json!(5)), "{task}");
    assert_eq!(rows(&user, &task).await?, json!([{"dynamic_content": "One"}, {"dynamic_content": "Two"}]));

    let simple = json!({"urls": [site.url("/")], "selectors": {"dynamic_content": ".ajax-loaded"}});
    let task = ended(&user, "simple_scraping", &simple).await?;
    assert_eq!((&task["status"], &task["compute_units_consumed"]), (&json!("completed"), &json!(1)), "{task}");
    let found = rows(&user, &task).await?;
    assert!(!found.to_string().contains("One"), "{found}");

    let without_scripts = json!({
        "urls": [site.url("/")], "selectors": {"title": "h1", "dynamic_content": ".ajax-loaded"}, "javascript_enabled": false,
    });
    let task = ended(&user, "advanced_scraping", &without_scripts).await?;
    assert_eq!(task["status"], "completed", "{task}");
    let found = rows(&user, &task).await?.to_string();
    assert!(found.contains("Shop") && !found.contains("One"), "{found}");
    Ok(())
}

#[tokio::test]
async fn what_is_waited_for_and_does_not_come_fails_the_page_and_costs_nothing() -> anyhow::Result<()> {
    let (user, site) = (Stack::from_environment()?.user().await?, shop().await?);
    let config = json!({
        "urls": [site.url("/")], "selectors": {"title": "h1"}, "wait_for_selector": ".never", "timeout": 3,
    });
    let task = ended(&user, "advanced_scraping", &config).await?;
    assert_eq!((&task["status"], &task["compute_units_consumed"]), (&json!("failed"), &json!(0)), "{task}");
    let message = format!("{} was rendered, but nothing matched .never within 3 seconds", site.url("/"));
    assert_eq!(task["error_message"], json!(message));
    Ok(())
}

#[tokio::test]
async fn the_site_gets_the_headers_and_cookies_and_still_learns_who_asks() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let seen: Arc<Mutex<Vec<HeaderMap>>> = Arc::default();
    let requests = Arc::clone(&seen);
    let page = get(move |headers: HeaderMap| {
        requests.lock().expect("no test fails holding it").push(headers);
        async { Html("<h1>Shop</h1>") }
    });
    let site = Site::serve(Router::new().route("/", page)).await?;
    // The contract's own example, but for the proxies and the rate, which have tests of their own.
    let config = json!({
        "urls": [site.url("/")],
        "selectors": {"title": "h1"},
        "javascript_enabled": true,
        "custom_headers": {"User-Agent": "Custom Bot 1.0", "X-Key": "k"},
        "cookies": {"session": "abc123"},
    });
    let task = ended(&user, "advanced_scraping", &config).await?;
    assert_eq!(task["status"], "completed", "{task}");
    let seen = seen.lock().expect("no test fails holding it");
    let agent = seen[0]["user-agent"].to_str()?;
    assert!(agent.starts_with("Custom Bot 1.0 Drover/"), "{agent}");
    assert_eq!((&seen[0]["x-key"], &seen[0]["cookie"]), (&"k".parse()?, &"session=abc123".parse()?));
    Ok(())
}

#[tokio::test]
async fn pages_come_no_faster_than_the_task_wants() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let last: Arc<Mutex<Option<Instant>>> = Arc::default();
    let visited = Arc::clone(&last);
    let page = get(move || {
        *visited.lock().expect("no test fails holding it") = Some(Instant::now());
        async { Html("<h1>Shop</h1>") }
    });
    let site = Site::serve(Router::new().route("/{page}", page)).await?;
    let urls = [site.url("/1"), site.url("/2"), site.url("/3")];
    // Half a page a second: the third comes four seconds after the first at the earliest, whatever else has to be waited for.
    let config = json!({"urls": urls, "selectors": {"title": "h1"}, "rate_limit": 0.5});
    let began = Instant::now();
    let task = ended(&user, "advanced_scraping", &config).await?;
    assert_eq!(task["status"], "completed", "{task}");
    let last = last.lock().expect("no test fails holding it").context("nobody came")?;
    assert!(last.duration_since(began) >= Duration::from_secs(4), "{:?}", last.duration_since(began));
    Ok(())
}

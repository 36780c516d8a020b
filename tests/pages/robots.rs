//! robots.txt is obeyed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse};
use axum::{Router, routing::get};
use drover_tests::Stack;
use drover_tests::site::Site;
use serde_json::{Value as Json, json};

#[tokio::test]
async fn what_robots_txt_disallows_is_not_fetched() -> anyhow::Result<()> {
    const ROBOTS: &str = "User-agent: *\nDisallow: /\n\nUser-agent: Drover\nDisallow: /private\nAllow: /private/open\n";
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let private = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&private);
    let pages = Router::new()
        .route("/robots.txt", get(async || ROBOTS))
        .route("/public", get(async || Html("<h1>Public</h1>")))
        .route("/private/open", get(async || Html("<h1>Open</h1>")))
        .route(
            "/private/{page}",
            get(async move || {
                seen.fetch_add(1, Ordering::SeqCst);
                Html("<h1>Private</h1>")
            }),
        );
    let site = Site::serve(pages).await?;
    let urls = ["/public", "/private/letters", "/private/open", "/private/diary"].map(|path| site.url(path));
    let task = user.create_task(json!({"urls": urls, "selectors": {"title": "h1"}})).await?;
    let task = user.ended(&task).await?;
    assert_eq!((&task["status"], &task["compute_units_consumed"]), (&json!("completed"), &json!(2)), "{task}");
    let message =
        format!("2 of 4 pages failed; the first: {} was not fetched: the site's robots.txt disallows it", urls[1]);
    assert_eq!(task["error_message"], message);
    let rows: Json = user.download(&task).await?.json().await?;
    assert_eq!(rows, json!([{"title": "Public"}, {"title": "Open"}]));
    assert_eq!(private.load(Ordering::SeqCst), 0);
    assert_eq!(stack.account(&user).await?.units_available, 9_998);
    Ok(())
}

#[tokio::test]
async fn a_site_whose_robots_txt_is_out_of_order_is_left_alone() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let pages = Router::new()
        .route("/robots.txt", get(async || StatusCode::INTERNAL_SERVER_ERROR))
        .route("/", get(async || Html("<h1>Page</h1>")));
    let site = Site::serve(pages).await?;
    let task = user.create_task(json!({"urls": [site.url("/")], "selectors": {"title": "h1"}})).await?;
    let task = user.ended(&task).await?;
    let message = task["error_message"].as_str().unwrap_or_default();
    assert_eq!((&task["status"], &task["compute_units_consumed"]), (&json!("failed"), &json!(0)), "{task}");
    assert!(message.contains("it is not known whether the site allows it"), "{message}");
    Ok(())
}

#[tokio::test]
async fn the_user_agent_names_the_product() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let echo = async |headers: HeaderMap| {
        let agent = headers.get("user-agent").and_then(|agent| agent.to_str().ok()).unwrap_or_default().to_owned();
        Html(format!("<h1>{agent}</h1>")).into_response()
    };
    let site = Site::serve(Router::new().route("/", get(echo))).await?;
    let task = user.create_task(json!({"urls": [site.url("/")], "selectors": {"agent": "h1"}})).await?;
    let task = user.ended(&task).await?;
    let rows: Json = user.download(&task).await?.json().await?;
    let agent = rows[0]["agent"].as_str().unwrap_or_default();
    assert!(agent.starts_with(&format!("Drover/{}", env!("CARGO_PKG_VERSION"))), "{agent}");
    Ok(())
}

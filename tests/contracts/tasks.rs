//! `/tasks`.

use axum::response::Html;
use axum::{Router, routing::get};
use drover_tests::Stack;
use drover_tests::site::Site;
use serde_json::json;

const PAGE: &str = "<h1>Shop</h1><p class=t>One</p><p class=p>£1.50</p><p class=t>Two</p><p class=p>£2</p>";

#[tokio::test]
async fn a_task_is_created_done_and_downloaded() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let site = Site::serve(Router::new().route("/shop", get(|| async { Html(PAGE) }))).await?;
    let task = user
        .create_task(json!({"urls": [site.url("/shop")], "selectors": {"title": ".t", "price": {"selector": ".p", "type": "number"}}}))
        .await?;
    assert_eq!(task["status"], "pending");

    let task = user.ended(&task).await?;
    assert_eq!(task["status"], "completed", "{task}");
    assert_eq!((&task["progress"], &task["compute_units_consumed"]), (&json!(100), &json!(1)));
    let rows: serde_json::Value = user.download(&task).await?.json().await?;
    assert_eq!(rows, json!([{"title": "One", "price": 1.5}, {"title": "Two", "price": 2.0}]));
    Ok(())
}

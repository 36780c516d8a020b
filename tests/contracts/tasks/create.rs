//! `POST /tasks`.

use drover_tests::answer::is_timestamp;
use drover_tests::quiet::QuietTasks;
use drover_tests::site::Site;
use drover_tests::{Stack, id_of};
use extract::TaskType;
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::Clock;

const SHOP: &str = "<h1>Shop</h1><p class=t>One</p><p class=p>£1.50</p><p class=t>Two</p><p class=p>£2</p>";

#[tokio::test]
async fn a_new_task_is_the_documented_object() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let site = Site::of([("/shop", SHOP.to_owned())]).await?;
    let config = json!({
        "urls": [site.url("/shop")],
        "selectors": {
            "title": "h1.product-title",
            "price": {"selector": ".price", "type": "number", "multiple": true},
            "link": {"selector": "a", "attr": "href", "type": "url", "multiple": false},
        },
        "output_format": "csv",
        "include_metadata": true,
        "follow_redirects": false,
        "timeout": 20,
    });
    let body = json!({
        "name": "Extract product data",
        "description": "Scrape product information from e-commerce site",
        "task_type": "simple_scraping",
        "priority": 7,
        "config": config,
        "colour": "unknown fields are ignored",
    });
    let answer = user.send(Method::POST, "/tasks", &body).await?;
    let task = answer.json()?;
    assert_eq!(answer.status, 201, "{task}");
    assert!(is_timestamp(task["created_at"].as_str().unwrap_or_default()), "{task}");
    assert!(uuid::Uuid::try_parse(id_of(&task)?).is_ok(), "{task}");
    let expected = json!({
        "id": task["id"],
        "name": "Extract product data",
        "description": "Scrape product information from e-commerce site",
        "task_type": "simple_scraping",
        "status": "pending",
        "config": config,
        "priority": 7,
        "compute_units_consumed": 0,
        "estimated_compute_units": 1,
        "result_url": null,
        "error_message": null,
        "progress": 0,
        "created_at": task["created_at"],
        "updated_at": task["created_at"],
        "started_at": null,
        "completed_at": null,
        "next_run_at": null,
        "user_id": user.id,
    });
    assert_eq!(task, expected);
    Ok(())
}

#[tokio::test]
async fn what_is_left_out_has_the_documented_defaults() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let site = Site::of([("/shop", SHOP.to_owned())]).await?;
    let task = user.create_task(super::titles_of(&site.url("/shop"))).await?;
    assert_eq!((&task["description"], &task["priority"]), (&Json::Null, &json!(5)));
    let config = json!({
        "urls": [site.url("/shop")],
        "selectors": {"title": "h1"},
        "output_format": "json",
        "include_metadata": false,
        "follow_redirects": true,
        "timeout": 30,
    });
    assert_eq!(task["config"], config);
    Ok(())
}

#[tokio::test]
async fn a_task_is_created_done_and_downloaded() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let site = Site::of([("/shop", SHOP.to_owned())]).await?;
    let selectors = json!({"title": ".t", "price": {"selector": ".p", "type": "number"}});
    let task = user.create_task(json!({"urls": [site.url("/shop")], "selectors": selectors})).await?;
    assert_eq!(task["status"], "pending");

    let task = user.ended(&task).await?;
    assert_eq!(task["status"], "completed", "{task}");
    assert_eq!((&task["progress"], &task["compute_units_consumed"]), (&json!(100), &json!(1)));
    assert_eq!(task["result_url"], format!("/tasks/{}/download", id_of(&task)?));
    let times = ["created_at", "started_at", "completed_at"].map(|time| task[time].as_str().unwrap_or_default());
    assert!(times.iter().all(|time| is_timestamp(time)) && times.is_sorted(), "{task}");
    assert_eq!(task["updated_at"], task["completed_at"]);

    let rows: Json = user.download(&task).await?.json().await?;
    assert_eq!(rows, json!([{"title": "One", "price": 1.5}, {"title": "Two", "price": 2.0}]));
    let account = stack.account(&user).await?;
    assert_eq!((account.units_available, account.units_reserved, account.units_used), (9_999, 0, 1));
    assert_eq!((account.jobs_open, account.jobs_completed), (0, 1));
    Ok(())
}

#[tokio::test]
async fn the_estimate_is_reserved_at_once() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    QuietTasks::new(&stack, Clock::system()).await?.pending(&user, "quiet", TaskType::SimpleScraping).await?;
    let account = stack.account(&user).await?;
    assert_eq!((account.units_available, account.units_reserved, account.jobs_open), (9_999, 1, 1));
    Ok(())
}

#[tokio::test]
async fn every_fault_is_told_with_its_field() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let body = json!({
        "name": "",
        "task_type": "simple_scraping",
        "priority": 11,
        "config": {"urls": ["https://example.com", "gopher://example.com"], "selectors": {"a": "[["}, "timeout": 61},
    });
    let mut fields = user.send(Method::POST, "/tasks", &body).await?.invalid_fields()?;
    fields.sort();
    assert_eq!(fields, ["config.selectors.a", "config.timeout", "config.urls[1]", "name", "priority"]);
    assert_eq!(user.get("/tasks").await?, json!([]), "nothing was created");
    Ok(())
}

//! `GET /tasks/{task_id}/logs`.

use drover_tests::answer::is_timestamp;
use drover_tests::quiet::QuietTasks;
use drover_tests::site::Site;
use drover_tests::{Stack, id_of};
use extract::TaskType;
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::Clock;

#[tokio::test]
async fn the_log_tells_of_each_page_in_order() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let site = Site::of([("/good", "<h1>Page</h1>".to_owned()), ("/empty", "<p>Nothing</p>".to_owned())]).await?;
    let urls = [site.url("/good"), site.url("/missing"), site.url("/empty")];
    let task = user.create_task(json!({"urls": urls, "selectors": {"title": "h1"}})).await?;
    user.ended(&task).await?;
    let id = id_of(&task)?;

    let page = user.get(&format!("/tasks/{id}/logs")).await?;
    let fields: Vec<_> = page.as_object().into_iter().flatten().map(|(field, _)| field.as_str()).collect();
    assert_eq!(fields, ["task_id", "logs", "total_count", "page", "page_size"]);
    assert_eq!((&page["task_id"], &page["page"], &page["page_size"]), (&json!(id), &json!(1), &json!(50)));
    let lines = page["logs"].as_array().cloned().unwrap_or_default();
    assert_eq!(page["total_count"], lines.len());
    let mut times = Vec::new();
    for line in &lines {
        let fields: Vec<_> = line.as_object().into_iter().flatten().map(|(field, _)| field.as_str()).collect();
        assert_eq!(fields, ["id", "task_id", "level", "message", "timestamp", "metadata"]);
        assert!(uuid::Uuid::try_parse(id_of(line)?).is_ok() && line["task_id"] == id, "{line}");
        assert!(line["metadata"]["step"].is_string(), "{line}");
        times.push(line["timestamp"].as_str().unwrap_or_default());
    }
    assert!(times.iter().all(|time| is_timestamp(time)) && times.is_sorted(), "{times:?}");

    let told: Vec<_> = lines
        .iter()
        .map(|line| {
            format!("{} {}", line["level"].as_str().unwrap_or_default(), line["message"].as_str().unwrap_or_default())
        })
        .collect();
    let expected = [
        "INFO Started attempt 1: 3 of 3 pages to fetch".to_owned(),
        format!("INFO Fetched {}: 1 rows", site.url("/good")),
        format!("ERROR {} answered with status 404", site.url("/missing")),
        format!("INFO Fetched {}: 0 rows", site.url("/empty")),
        format!("WARNING {}: no selector matched anything on the page", site.url("/empty")),
        "INFO Completed: 1 rows from 2 pages".to_owned(),
    ];
    assert_eq!(told, expected);
    Ok(())
}

#[tokio::test]
async fn pages_of_a_log_join_without_gap_or_overlap() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let site = Site::of([("/", "<h1>Page</h1>".to_owned())]).await?;
    let urls: Vec<_> = (0..12).map(|page| site.url(&format!("/?{page}"))).collect();
    let task = user.create_task(json!({"urls": urls, "selectors": {"title": "h1"}})).await?;
    user.ended(&task).await?;
    let logs = format!("/tasks/{}/logs", id_of(&task)?);

    let whole = user.get(&format!("{logs}?page_size=500")).await?;
    let count = whole["total_count"].as_u64().unwrap_or_default();
    assert_eq!(count, 14, "{whole}");
    for page_size in [1, 5, 7, 13, 14, 50] {
        let mut joined: Vec<Json> = Vec::new();
        for page in 1..=count.div_ceil(page_size) + 1 {
            let part = user.get(&format!("{logs}?page={page}&page_size={page_size}")).await?;
            assert_eq!(
                (&part["total_count"], &part["page"], &part["page_size"]),
                (&json!(count), &json!(page), &json!(page_size))
            );
            joined.extend(part["logs"].as_array().cloned().unwrap_or_default());
        }
        assert_eq!(json!(joined), whole["logs"], "by {page_size}");
    }
    Ok(())
}

#[tokio::test]
async fn a_task_that_nobody_has_begun_has_an_empty_log() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let task =
        QuietTasks::new(&stack, Clock::system()).await?.pending(&user, "Waits", TaskType::SimpleScraping).await?;
    let logs = format!("/tasks/{}/logs", task.id);
    let expected = json!({"task_id": task.id, "logs": [], "total_count": 0, "page": 2, "page_size": 10});
    assert_eq!(user.get(&format!("{logs}?page=2&page_size=10")).await?, expected);
    for (query, field) in
        [("page=0", "page"), ("page=x", "page"), ("page_size=501", "page_size"), ("page_size=-1", "page_size")]
    {
        assert_eq!(user.call(Method::GET, &format!("{logs}?{query}")).await?.invalid_fields()?, [field], "{query}");
    }
    Ok(())
}

//! `GET /tasks/{task_id}`.

use axum::{response::Html, routing::get};
use drover_tests::held::HeldPage;
use drover_tests::site::Site;
use drover_tests::{Stack, eventually, id_of};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_task_is_shown_to_its_owner_alone() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (owner, stranger) = (stack.user().await?, stack.user().await?);
    let site = Site::of([("/", "<h1>Page</h1>".to_owned())]).await?;
    let task = owner.create_task(super::titles_of(&site.url("/"))).await?;
    let path = format!("/tasks/{}", id_of(&task)?);

    let ended = owner.ended(&task).await?;
    for field in ["id", "name", "config", "priority", "created_at", "user_id", "estimated_compute_units"] {
        assert_eq!(ended[field], task[field], "{field}");
    }
    for (method, path) in [
        (Method::GET, path.clone()),
        (Method::PUT, path.clone()),
        (Method::DELETE, path.clone()),
        (Method::GET, format!("{path}/logs")),
        (Method::GET, format!("{path}/download")),
    ] {
        let answer = stranger.send(method.clone(), &path, &json!({"name": "Mine"})).await?;
        assert_eq!(answer.error(404, "resource_not_found")?, "Task not found", "{method} {path}");
    }
    assert_eq!(owner.get(&path).await?, ended);
    Ok(())
}

#[tokio::test]
async fn what_is_no_id_is_a_404() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    for id in ["00000000-0000-0000-0000-000000000000", "1", "task_uuid", "%20", "null"] {
        user.call(Method::GET, &format!("/tasks/{id}")).await?.error(404, "resource_not_found")?;
    }
    Ok(())
}

#[tokio::test]
async fn a_task_runs_and_tells_how_far_it_is() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let late = HeldPage::default();
    let pages = late.alone("<h1>Late</h1>").route("/", get(async || Html("<h1>Page</h1>")));
    let site = Site::serve(pages).await?;
    let urls = [site.url("/"), site.url("/"), site.url("/"), site.url("/held")];
    let task = user.create_task(json!({"urls": urls, "selectors": {"title": "h1"}, "timeout": 60})).await?;

    late.visitor(1).await?;
    let path = format!("/tasks/{}", id_of(&task)?);
    let running = eventually("the task tells of three pages", async || {
        let task = user.get(&path).await?;
        Ok((task["progress"] == 75).then_some(task))
    })
    .await?;
    assert_eq!((&running["status"], &running["compute_units_consumed"]), (&json!("running"), &json!(3)));
    assert!(running["started_at"].is_string() && running["completed_at"].is_null(), "{running}");
    assert!(running["result_url"].is_null(), "{running}");

    late.let_go();
    let ended = user.ended(&task).await?;
    assert_eq!((&ended["status"], &ended["compute_units_consumed"]), (&json!("completed"), &json!(4)));
    assert_eq!(ended["started_at"], running["started_at"]);
    Ok(())
}

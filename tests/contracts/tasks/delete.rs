//! `DELETE /tasks/{task_id}`: cancels what has not ended, deletes what has.

use drover_tests::held::HeldPage;
use drover_tests::quiet::QuietTasks;
use drover_tests::site::Site;
use drover_tests::{Stack, id_of};
use extract::TaskType;
use reqwest::Method;
use serde_json::json;
use table::Clock;

#[tokio::test]
async fn a_pending_task_is_cancelled_and_its_units_come_back() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let task =
        QuietTasks::new(&stack, Clock::system()).await?.pending(&user, "Waits", TaskType::SimpleScraping).await?;
    let path = format!("/tasks/{}", task.id);

    let answer = user.call(Method::DELETE, &path).await?;
    let expected = json!({"message": "Task deleted successfully", "status": "cancelled"});
    assert_eq!((answer.status, answer.json()?), (200, expected));
    let cancelled = user.get(&path).await?;
    assert_eq!((&cancelled["status"], &cancelled["compute_units_consumed"]), (&json!("cancelled"), &json!(0)));
    assert!(cancelled["completed_at"].is_string() && cancelled["started_at"].is_null(), "{cancelled}");
    let account = stack.account(&user).await?;
    assert_eq!((account.units_available, account.units_reserved, account.units_used), (10_000, 0, 0));
    assert_eq!((account.jobs_open, account.jobs_cancelled), (0, 1));
    Ok(())
}

#[tokio::test]
async fn a_running_task_is_cancelled_at_once_and_stays_so() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let late = HeldPage::default();
    let site = Site::serve(late.alone("<h1>Late</h1>")).await?;
    let urls = [site.url("/held"), site.url("/held?again")];
    let task = user.create_task(json!({"urls": urls, "selectors": {"title": "h1"}, "timeout": 60})).await?;
    let path = format!("/tasks/{}", id_of(&task)?);
    late.visitor(2).await?;
    assert_eq!(user.get(&path).await?["status"], "running");

    assert_eq!(user.call(Method::DELETE, &path).await?.json()?["status"], "cancelled");
    let cancelled = user.get(&path).await?;
    assert_eq!((&cancelled["status"], &cancelled["compute_units_consumed"]), (&json!("cancelled"), &json!(0)));
    let account = stack.account(&user).await?;
    assert_eq!((account.units_available, account.units_reserved, account.jobs_open), (10_000, 0, 0));

    // The worker learns of it at its next step, and waits for its pages no longer.
    late.abandoned_by(2).await?;
    late.let_go();
    let other = user.create_task(super::titles_of(&site.url("/held"))).await?;
    user.ended(&other).await?;
    assert_eq!(user.get(&path).await?, cancelled);
    user.call(Method::GET, &format!("{path}/download")).await?.error(404, "resource_not_found")?;
    let account = stack.account(&user).await?;
    assert_eq!((account.units_available, account.units_used), (9_999, 1), "the other task's");
    Ok(())
}

#[tokio::test]
async fn an_ended_task_is_deleted_with_its_result() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let site = Site::of([("/", "<h1>Page</h1>".to_owned())]).await?;
    let task = user.create_task(super::titles_of(&site.url("/"))).await?;
    let task = user.ended(&task).await?;
    let path = format!("/tasks/{}", id_of(&task)?);
    user.download(&task).await?;

    let answer = user.call(Method::DELETE, &path).await?;
    let expected = json!({"message": "Task deleted successfully", "status": "deleted"});
    assert_eq!((answer.status, answer.json()?), (200, expected));
    for (method, path) in [
        (Method::GET, path.clone()),
        (Method::DELETE, path.clone()),
        (Method::GET, format!("{path}/logs")),
        (Method::GET, format!("{path}/download")),
    ] {
        user.call(method, &path).await?.error(404, "resource_not_found")?;
    }
    assert_eq!(user.get("/tasks").await?, json!([]));
    let account = stack.account(&user).await?;
    assert_eq!((account.units_available, account.units_used), (9_999, 1), "what was used stays used");
    Ok(())
}

#[tokio::test]
async fn a_cancelled_task_is_deleted_by_the_second_call() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let task =
        QuietTasks::new(&stack, Clock::system()).await?.pending(&user, "Waits", TaskType::SimpleScraping).await?;
    let path = format!("/tasks/{}", task.id);
    for expected in ["cancelled", "deleted"] {
        assert_eq!(user.call(Method::DELETE, &path).await?.json()?["status"], expected);
    }
    user.call(Method::DELETE, &path).await?.error(404, "resource_not_found")?;
    let account = stack.account(&user).await?;
    assert_eq!((account.units_available, account.jobs_cancelled), (10_000, 1));
    Ok(())
}

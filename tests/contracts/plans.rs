//! What a plan has: task types and compute units.

use api::identity::Permission;
use drover_tests::Stack;
use drover_tests::site::Site;
use extract::Plan;
use reqwest::Method;
use serde_json::json;

const ALL: [Permission; 2] = [Permission::TasksRead, Permission::TasksCreate];

#[tokio::test]
async fn the_free_plan_runs_simple_scraping_only() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (free, paid) =
        (stack.user_with(Plan::Free, 1_000, &ALL).await?, stack.user_with(Plan::Professional, 10, &ALL).await?);
    let config = json!({"urls": ["https://example.com"], "selectors": {"title": "h1"}});
    for task_type in ["advanced_scraping", "bulk_scraping", "monitoring"] {
        let body = json!({"name": "More", "task_type": task_type, "config": config});
        let message = free.send(Method::POST, "/tasks", &body).await?.error(403, "authorization_error")?;
        assert!(message.contains("free plan"), "{message}");
        assert_ne!(paid.send(Method::POST, "/tasks", &body).await?.status, 403, "{task_type}");
    }
    // Whatever else is wrong with it, an unknown type is a fault of the field.
    let body = json!({"name": "More", "task_type": "quantum", "config": config});
    assert_eq!(free.send(Method::POST, "/tasks", &body).await?.invalid_fields()?, ["task_type"]);

    let site = Site::of([("/", "<h1>Page</h1>".to_owned())]).await?;
    let task = free.create_task(json!({"urls": [site.url("/")], "selectors": {"title": "h1"}})).await?;
    assert_eq!(free.ended(&task).await?["status"], "completed");
    Ok(())
}

#[tokio::test]
async fn a_task_that_cannot_be_paid_is_not_created() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user_with(Plan::Professional, 3, &ALL).await?;
    let site = Site::of([("/", "<h1>Page</h1>".to_owned())]).await?;
    let config = |pages: usize| json!({"urls": vec![site.url("/"); pages], "selectors": {"title": "h1"}});
    let body = json!({"name": "Dear", "task_type": "simple_scraping", "config": config(4)});
    let message = user.send(Method::POST, "/tasks", &body).await?.error(402, "insufficient_credits")?;
    assert!(message.contains("4 needed, 3 available"), "{message}");
    assert_eq!(user.get("/tasks").await?, json!([]));
    assert_eq!(stack.account(&user).await?.units_available, 3);

    let task = user.create_task(config(3)).await?;
    user.ended(&task).await?;
    let account = stack.account(&user).await?;
    assert_eq!((account.units_available, account.units_reserved, account.units_used), (0, 0, 3));
    let body = json!({"name": "Dear", "task_type": "simple_scraping", "config": config(1)});
    user.send(Method::POST, "/tasks", &body).await?.error(402, "insufficient_credits")?;
    Ok(())
}

#[tokio::test]
async fn units_that_are_left_once_are_spent_once() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user_with(Plan::Professional, 5, &ALL).await?;
    let site = Site::of([("/", "<h1>Page</h1>".to_owned())]).await?;
    let config = json!({"urls": [site.url("/"), site.url("/")], "selectors": {"title": "h1"}});
    let body = json!({"name": "Race", "task_type": "simple_scraping", "config": config});
    let answers = futures::future::try_join_all((0..8).map(|_| user.send(Method::POST, "/tasks", &body))).await?;
    let created: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert_eq!(created.len(), 2, "{answers:?}");
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        refused.error(402, "insufficient_credits")?;
    }
    for task in created {
        user.ended(&task.json()?).await?;
    }
    let account = stack.account(&user).await?;
    assert_eq!((account.units_available, account.units_reserved, account.units_used), (1, 0, 4));
    Ok(())
}

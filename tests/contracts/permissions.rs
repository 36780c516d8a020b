//! What a key may do: every permission that tasks know.

use api::identity::Permission;
use drover_tests::Stack;
use extract::{Plan, TaskType};
use reqwest::Method;
use serde_json::json;
use table::Clock;

#[tokio::test]
async fn each_endpoint_wants_its_permission_and_no_other() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let endpoints = [
        (Method::GET, "", Permission::TasksRead),
        (Method::POST, "", Permission::TasksCreate),
        (Method::GET, "/{id}", Permission::TasksRead),
        (Method::PUT, "/{id}", Permission::TasksUpdate),
        (Method::DELETE, "/{id}", Permission::TasksDelete),
        (Method::GET, "/{id}/logs", Permission::TasksRead),
        (Method::GET, "/{id}/download", Permission::ResultsRead),
    ];
    let quiet = drover_tests::quiet::QuietTasks::new(&stack, Clock::system()).await?;
    for (method, path, needed) in endpoints {
        let others: Vec<_> =
            Permission::ALL.into_iter().map(|(_, known)| known).filter(|known| *known != needed).collect();
        let without = stack.user_with(Plan::Professional, 10, &others).await?;
        let task = quiet.pending(&without, "Mine", TaskType::SimpleScraping).await?;
        let before = (stack.account(&without).await?, stack.table("extract").get::<extract::Task>(&task.key).await?);
        let path = format!("/tasks{}", path.replace("{id}", &task.id.to_string()));
        let answer = without.send(method.clone(), &path, &json!({"name": "Other"})).await?;
        let message = answer.error(403, "authorization_error")?;
        assert!(message.contains(needed.as_str()), "{method} {path}: {message}");
        let after = (stack.account(&without).await?, stack.table("extract").get::<extract::Task>(&task.key).await?);
        assert_eq!(before, after, "{method} {path}");

        let with = stack.user_with(Plan::Professional, 10, &[needed]).await?;
        let answer = with.send(method.clone(), &path, &json!({"name": "Other"})).await?;
        assert!(answer.status != 401 && answer.status != 403, "{method} {path}: {answer:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_key_without_permissions_learns_nothing_of_what_there_is() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user_with(Plan::Professional, 10, &[]).await?;
    let id = "00000000-0000-0000-0000-000000000000";
    for path in ["/tasks".to_owned(), "/tasks?page=x".to_owned(), format!("/tasks/{id}"), format!("/tasks/{id}/logs")] {
        user.call(Method::GET, &path).await?.error(403, "authorization_error")?;
    }
    Ok(())
}

//! `PUT /tasks/{task_id}`.

use drover_tests::quiet::QuietTasks;
use drover_tests::{Stack, id_of};
use extract::TaskType;
use reqwest::Method;
use serde_json::json;
use table::Clock;

#[tokio::test]
async fn an_open_task_takes_a_name_a_description_and_a_priority() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let task =
        QuietTasks::new(&stack, Clock::system()).await?.pending(&user, "Before", TaskType::SimpleScraping).await?;
    let path = format!("/tasks/{}", task.id);
    let before = user.get(&path).await?;

    let change = json!({"name": "Updated task name", "description": "Updated description", "priority": 8});
    let answer = user.send(Method::PUT, &path, &change).await?;
    assert_eq!(answer.status, 200);
    let mut expected = before.clone();
    for (field, value) in change.as_object().into_iter().flatten() {
        expected[field] = value.clone();
    }
    let after = answer.json()?;
    expected["updated_at"] = after["updated_at"].clone();
    assert_eq!(after, expected);
    assert_eq!(user.get(&path).await?, after);

    // What is not named stays, and what cannot be changed is not.
    let answer = user
        .send(Method::PUT, &path, &json!({"priority": 1, "status": "completed", "config": {}, "user_id": "x"}))
        .await?;
    expected["priority"] = json!(1);
    let after = answer.json()?;
    expected["updated_at"] = after["updated_at"].clone();
    assert_eq!(after, expected);
    Ok(())
}

#[tokio::test]
async fn a_task_that_has_ended_stays_as_it_is() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let quiet = QuietTasks::new(&stack, Clock::system()).await?;
    let tasks = [
        quiet.pending(&user, "completed", TaskType::SimpleScraping).await?,
        quiet.pending(&user, "failed", TaskType::SimpleScraping).await?,
        quiet.pending(&user, "cancelled", TaskType::SimpleScraping).await?,
    ];
    quiet.complete(&tasks[0]).await?;
    quiet.fail(&tasks[1]).await?;
    assert_eq!(user.call(Method::DELETE, &format!("/tasks/{}", tasks[2].id)).await?.status, 200);
    for task in tasks {
        let path = format!("/tasks/{}", task.id);
        let before = user.get(&path).await?;
        assert_eq!(before["status"], task.name, "{before}");
        let answer = user.send(Method::PUT, &path, &json!({"name": "Another"})).await?;
        assert_eq!(answer.invalid_fields()?, ["status"]);
        assert_eq!(user.get(&path).await?, before);
    }
    Ok(())
}

#[tokio::test]
async fn faults_are_told_and_change_nothing() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let task =
        QuietTasks::new(&stack, Clock::system()).await?.pending(&user, "Before", TaskType::SimpleScraping).await?;
    let path = format!("/tasks/{}", task.id);
    let before = user.get(&path).await?;
    for (change, field) in [
        (json!({"name": ""}), "name"),
        (json!({"name": "x".repeat(201)}), "name"),
        (json!({"name": 5}), "name"),
        (json!({"description": "x".repeat(2_001)}), "description"),
        (json!({"priority": 0}), "priority"),
        (json!({"priority": 10.5}), "priority"),
        (json!([]), ""),
    ] {
        assert_eq!(user.send(Method::PUT, &path, &change).await?.invalid_fields()?, [field], "{change}");
    }
    assert_eq!(user.get(&path).await?, before);
    assert_eq!(id_of(&before)?, task.id.to_string());
    Ok(())
}

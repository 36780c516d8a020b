//! `/api/tasks` for workers: pending, lock, claim, heartbeat, unlock, status.

use anyhow::Context;
use drover_tests::answer::is_timestamp;
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::Millis;

use super::Campaign;

#[tokio::test]
async fn a_pending_task_is_shown_as_documented() -> anyhow::Result<()> {
    let campaign = Campaign::with_tasks(0).await?;
    let payload =
        json!({"target_url": "https://example.com/article", "keywords": ["seo", "backlinks"], "": {"a": null}});
    let new = json!({"campaign_id": campaign.id, "type": "comment", "payload": payload, "max_retries": 5});
    let id = campaign.admin.task(&new).await?;
    let path = format!("/tasks/pending?campaign_id={}", campaign.id);
    let told = campaign.worker.call(Method::GET, &path).await?.success(200)?;
    let task = &told["tasks"][0];
    let created_at = task["created_at"].as_str().context("no time")?;
    assert!(is_timestamp(created_at));
    let documented = json!({"tasks": [{
        "id": id, "campaign_id": campaign.id, "type": "comment", "status": "pending", "payload": payload,
        "max_retries": 5, "retry_count": 0, "created_at": created_at,
    }]});
    assert_eq!(told, documented);
    Ok(())
}

#[tokio::test]
async fn pending_is_filtered_bounded_and_oldest_first() -> anyhow::Result<()> {
    let campaign = Campaign::with_tasks(4).await?;
    let kind = format!("kind-{}", campaign.id);
    let other = campaign.admin.task(&json!({"campaign_id": campaign.id, "type": kind})).await?;
    let [first, second, third, fourth] = campaign.tasks[..] else { anyhow::bail!("not four tasks") };
    assert_eq!(campaign.pending().await?, [first, second, third, fourth, other]);
    for (query, expected) in [
        (format!("campaign_id={}&limit=2", campaign.id), vec![first, second]),
        (format!("campaign_id={}&type={kind}", campaign.id), vec![other]),
        (format!("campaign_id={}&type=other", campaign.id), vec![]),
        (format!("type={kind}"), vec![other]),
        (format!("campaign_id={}", u64::MAX), vec![]),
    ] {
        assert_eq!(campaign.worker.pending(&query).await?, expected, "{query}");
    }
    // Neither what is locked, nor what rests, nor what has ended.
    campaign.worker.lock(first).await?;
    for (id, status) in [(second, "failed"), (third, "error")] {
        campaign.worker.lock(id).await?;
        campaign.worker.report(id, &json!({"status": status})).await?.success(200)?;
    }
    assert_eq!(campaign.pending().await?, [fourth, other]);
    for wrong in ["limit=0", "limit=101", "limit=x", "campaign_id=x", "campaign_id=-1"] {
        let field = wrong.split('=').next().context("no name")?;
        let answer = campaign.worker.call(Method::GET, &format!("/tasks/pending?{wrong}")).await?;
        assert_eq!(answer.worker_faults()?, [field], "{wrong}");
    }
    Ok(())
}

#[tokio::test]
async fn a_lock_is_its_workers_and_can_be_extended_by_it_alone() -> anyhow::Result<()> {
    let campaign = Campaign::with_tasks(1).await?;
    let (worker, other, id) = (&campaign.worker, campaign.stack.worker().await?, campaign.tasks[0]);
    let path = format!("/tasks/{id}/lock");
    // The worker is the body's, or else the header's; neither is a fault.
    let unnamed = worker.unnamed(Method::POST, &path).send().await?;
    assert_eq!(drover_tests::answer::Answer::of(unnamed).await?.worker_faults()?, ["worker_id"]);
    let told = worker.send(Method::POST, &path, &json!({"worker_id": "python-worker-01"})).await?.success(200)?;
    assert_eq!(told["message"], "Task locked successfully");
    let task = &told["task"];
    assert_eq!(json!([task["id"], task["status"], task["locked_by"]]), json!([id, "running", "python-worker-01"]));
    let locked_at = task["locked_at"].as_str().filter(|text| is_timestamp(text)).context("no time")?;

    let refused = other.call(Method::POST, &path).await?;
    assert_eq!(refused.worker_error(400)?, "Task already locked");
    let again =
        worker.send(Method::POST, &path, &json!({"worker_id": "python-worker-01", "lease_seconds": 7_200})).await?;
    let again = again.success(200)?["task"].clone();
    assert_eq!(again["locked_at"], locked_at, "it is still the same lock");
    let [usual, longer] = [task, &again].map(|task| {
        let end = task["lock_expires_at"].as_str().and_then(Millis::parse).unwrap_or_default();
        end.0 - Millis::parse(locked_at).unwrap_or_default().0
    });
    assert!((1_799_000..=1_801_000).contains(&usual) && (7_199_000..7_230_000).contains(&longer), "{usual} {longer}");
    assert_eq!(campaign.admin.shown_task(id).await?["locked_by"], "python-worker-01");
    Ok(())
}

#[tokio::test]
async fn a_task_whose_lock_has_expired_comes_back_by_itself() -> anyhow::Result<()> {
    let campaign = Campaign::with_tasks(1).await?;
    let (crashed, other, id) = (&campaign.worker, campaign.stack.worker().await?, campaign.tasks[0]);
    let first = crashed.lock(id).await?;
    assert!(campaign.pending().await?.is_empty());
    campaign.stack.end_task_wait(id).await?;
    assert_eq!(campaign.pending().await?, [id]);
    assert_eq!(campaign.admin.shown_task(id).await?["status"], "pending");
    let second = other.lock(id).await?;
    assert!(second["lease_token"].as_u64() > first["lease_token"].as_u64());
    // The one that crashed comes too late, and changes nothing.
    let late = crashed.report(id, &json!({"status": "success"})).await?;
    assert_eq!(late.worker_error(400)?, "Task already locked");
    assert_eq!(crashed.call(Method::POST, &format!("/tasks/{id}/unlock")).await?.status, 400);
    assert_eq!(crashed.call(Method::POST, &format!("/tasks/{id}/heartbeat")).await?.status, 400);
    assert_eq!(campaign.admin.shown_task(id).await?["locked_by"], other.name.as_str());
    other.report(id, &json!({"status": "success"})).await?.success(200)?;
    Ok(())
}

#[tokio::test]
async fn a_late_report_is_taken_while_nobody_else_has_locked_the_task() -> anyhow::Result<()> {
    let campaign = Campaign::with_tasks(1).await?;
    let id = campaign.tasks[0];
    campaign.worker.lock(id).await?;
    campaign.stack.end_task_wait(id).await?;
    campaign.worker.report(id, &json!({"status": "success"})).await?.success(200)?;
    assert_eq!(campaign.admin.shown_task(id).await?["status"], "success");
    Ok(())
}

#[tokio::test]
async fn claim_gives_each_due_task_once_and_then_none() -> anyhow::Result<()> {
    let campaign = Campaign::with_tasks(3).await?;
    let path = format!("/tasks/claim?campaign_id={}", campaign.id);
    let mut claimed = Vec::new();
    for _ in 0..3 {
        let told = campaign.worker.call(Method::POST, &path).await?.success(200)?;
        assert_eq!(
            json!([told["task"]["status"], told["task"]["locked_by"]]),
            json!(["running", campaign.worker.name])
        );
        assert_eq!(json!([told["task"]["type"], told["task"]["payload"]]), json!(["comment", {}]));
        claimed.push(told["task"]["id"].as_u64().context("no id")?);
    }
    claimed.sort_unstable();
    assert_eq!(claimed, campaign.tasks);
    let told = campaign.worker.call(Method::POST, &path).await?.success(200)?;
    assert_eq!(told, json!({"message": "No task is due", "task": null}));
    let filtered = format!("{path}&type=other");
    assert_eq!(campaign.worker.call(Method::POST, &filtered).await?.success(200)?["task"], Json::Null);
    let unnamed = campaign.worker.unnamed(Method::POST, &path).send().await?;
    assert_eq!(unnamed.status(), 400);
    Ok(())
}

#[tokio::test]
async fn a_heartbeat_keeps_a_lock_and_never_shortens_it() -> anyhow::Result<()> {
    let campaign = Campaign::with_tasks(1).await?;
    let (worker, id) = (&campaign.worker, campaign.tasks[0]);
    let path = format!("/tasks/{id}/heartbeat");
    assert_eq!(worker.call(Method::POST, &path).await?.worker_error(400)?, "Task is not running: lock it first");
    let lock = worker.lock(id).await?;
    let beat =
        async |body: Json| anyhow::Ok(worker.send(Method::POST, &path, &body).await?.success(200)?["task"].clone());
    assert_eq!(beat(json!({"lease_seconds": 60})).await?["lock_expires_at"], lock["lock_expires_at"]);
    let longer = beat(json!({"lease_seconds": 7_200})).await?;
    assert!(longer["lock_expires_at"].as_str() > lock["lock_expires_at"].as_str());
    // One that ran out can be kept, as long as nobody else has it.
    campaign.stack.end_task_wait(id).await?;
    beat(json!({})).await?;
    assert!(campaign.pending().await?.is_empty());
    for wrong in [json!({"lease_seconds": 29}), json!({"lease_seconds": 43_201}), json!({"lease_seconds": "60"})] {
        assert_eq!(worker.send(Method::POST, &path, &wrong).await?.worker_faults()?, ["lease_seconds"], "{wrong}");
    }
    let unnamed = worker.unnamed(Method::POST, &path).send().await?;
    assert_eq!(unnamed.status(), 400, "whose heart is it?");
    Ok(())
}

#[tokio::test]
async fn unlock_gives_a_task_back_at_once_and_twice_is_no_fault() -> anyhow::Result<()> {
    let campaign = Campaign::with_tasks(1).await?;
    let (worker, other, id) = (&campaign.worker, campaign.stack.worker().await?, campaign.tasks[0]);
    let path = format!("/tasks/{id}/unlock");
    worker.lock(id).await?;
    assert_eq!(other.call(Method::POST, &path).await?.worker_error(400)?, "Task already locked");
    let told = json!({"message": "Task unlocked successfully"});
    assert_eq!(worker.call(Method::POST, &path).await?.success(200)?, told);
    assert_eq!(other.call(Method::POST, &path).await?.success(200)?, told, "it is unlocked");
    assert_eq!(campaign.pending().await?, [id]);
    // Without a name it unlocks whoever holds it.
    other.lock(id).await?;
    let unnamed = worker.unnamed(Method::POST, &path).send().await?;
    assert_eq!(unnamed.status(), 200);
    let shown = campaign.admin.shown_task(id).await?;
    assert_eq!(json!([shown["status"], shown["locked_by"], shown["retry_count"]]), json!(["pending", null, 0]));
    Ok(())
}

#[tokio::test]
async fn success_and_error_are_final_and_told_twice_they_are_told_once() -> anyhow::Result<()> {
    for (report, other) in [
        (
            json!({"status": "success", "result": {"url": "https://example.com/#c", "backlink_id": 42}, "error": null}),
            "error",
        ),
        (json!({"status": "error", "error": "Comments are closed"}), "success"),
    ] {
        let campaign = Campaign::with_tasks(1).await?;
        let (worker, id) = (&campaign.worker, campaign.tasks[0]);
        let before = worker.report(id, &report).await?;
        assert_eq!(before.worker_error(400)?, "Task is not running: lock it first");
        worker.lock(id).await?;
        let told = json!({"message": "Task status updated successfully"});
        for _ in 0..2 {
            assert_eq!(worker.report(id, &report).await?.success(200)?, told, "{report}");
        }
        let different = worker.report(id, &json!({"status": other})).await?;
        assert_eq!(different.worker_error(400)?, "Task has ended");
        let shown = campaign.admin.shown_task(id).await?;
        assert_eq!(shown["status"], report["status"]);
        assert_eq!(json!([shown["result"], shown["last_error"]]), json!([report["result"], report["error"]]));
        assert!(shown["finished_at"].as_str().is_some_and(is_timestamp));
        assert_eq!(worker.call(Method::POST, &format!("/tasks/{id}/lock")).await?.worker_error(400)?, "Task has ended");
        assert!(campaign.pending().await?.is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn a_failed_task_rests_longer_each_time_and_fails_when_its_retries_are_used_up() -> anyhow::Result<()> {
    let campaign = Campaign::with(1, 2).await?;
    let (worker, id) = (&campaign.worker, campaign.tasks[0]);
    for (retry, longest) in [(1, 30), (2, 60)] {
        worker.lock(id).await?;
        let report = json!({"status": "failed", "error": format!("Attempt {retry}")});
        for _ in 0..2 {
            worker.report(id, &report).await?.success(200)?;
        }
        let shown = campaign.admin.shown_task(id).await?;
        let told = json!([shown["status"], shown["retry_count"], shown["last_error"]]);
        assert_eq!(told, json!(["pending", retry, format!("Attempt {retry}")]));
        let moment = |name: &str| shown[name].as_str().and_then(Millis::parse).map_or(0, |moment| moment.0);
        let rest = moment("due_at").saturating_sub(moment("updated_at"));
        assert!(rest <= longest * 1_000, "{rest} ms after failure {retry}");
        campaign.stack.end_task_wait(id).await?;
    }
    worker.lock(id).await?;
    worker.report(id, &json!({"status": "failed", "error": "The last one"})).await?.success(200)?;
    let shown = campaign.admin.shown_task(id).await?;
    let told = json!([shown["status"], shown["retry_count"], shown["last_error"]]);
    assert_eq!(told, json!(["failed", 2, "The last one"]));
    assert!(campaign.pending().await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_resting_task_cannot_be_locked() -> anyhow::Result<()> {
    let campaign = Campaign::with_tasks(1).await?;
    let (worker, id) = (&campaign.worker, campaign.tasks[0]);
    // The pause is random, and may be over at once: it is put off for as long as this test needs.
    worker.lock(id).await?;
    worker.report(id, &json!({"status": "failed"})).await?.success(200)?;
    let later = table::Clock::system().now().after(std::time::Duration::from_mins(1));
    let key = table::Key::new(format!("TASK#{id}"), "RECORD");
    campaign.stack.table("worker").update(&key, table::Update::new().set("claimable_at", later)).await?;
    let refused = worker.call(Method::POST, &format!("/tasks/{id}/lock")).await?;
    assert_eq!(refused.worker_error(400)?, "Task is waiting for its next try");
    Ok(())
}

#[tokio::test]
async fn a_fencing_token_stands_for_its_lock_alone() -> anyhow::Result<()> {
    let campaign = Campaign::with_tasks(1).await?;
    let (worker, id) = (&campaign.worker, campaign.tasks[0]);
    let report = async |token: &str| {
        let request = worker.unnamed(Method::PUT, &format!("/tasks/{id}/status")).header("X-Lease-Token", token);
        let answer = request.json(&json!({"status": "success"})).send().await?;
        drover_tests::answer::Answer::of(answer).await
    };
    let first = worker.lock(id).await?["lease_token"].to_string();
    campaign.stack.end_task_wait(id).await?;
    let second = worker.lock(id).await?["lease_token"].to_string();
    // The same worker, but another lock.
    assert_eq!(report(&first).await?.status, 400);
    assert!(report("x").await?.worker_error(400)?.contains("X-Lease-Token"));
    report(&second).await?.success(200)?;
    report(&second).await?.success(200)?;
    Ok(())
}

//! The audit log where requests and answers are lost: what an entry says of what was done is true of what has become of it.

use anyhow::{Context, ensure};
use credentials::Status as Standing;
use drover_tests::Stack;
use drover_tests::chaos::{Fault, Rule};
use drover_tests::quiet::QuietTasks;
use extract::{Task, TaskType};
use jobs::{DeadLetters, Status};
use operations::{CredentialAct, JobName, Kind, Operations, Operator, Outcome, ScheduleKind, ScheduleName};
use serde_json::json;
use table::Clock;
use worker::TaskStatus;

use super::console::{entries_of, somebody};

const TRANSACT: &str = "DynamoDB_20120810.TransactWriteItems";
const UPDATE: &str = "DynamoDB_20120810.UpdateItem";
const DELETE: &str = "DynamoDB_20120810.DeleteItem";
/// How often an SDK client tries a call in all (shared/table/src/aws.rs): a fault that strikes so often is not mended by it.
const TRIES: u32 = 4;

/// What is lost, and how often.
const FAULTS: [(u32, Fault); 3] = [(1, Fault::LoseAnswer), (TRIES, Fault::LoseAnswer), (TRIES, Fault::LoseRequest)];

/// An operator whose requests may be lost, and one whose are not.
struct Scene {
    stack: Stack,
    faulty: Stack,
    operations: Operations,
}

impl Scene {
    async fn new() -> anyhow::Result<Self> {
        let stack = Stack::from_environment()?;
        Ok(Self { faulty: stack.through_chaos()?, operations: stack.operations().await?, stack })
    }

    /// Has somebody do something whose writes of an operation about something are lost so, and compares what the log says of it with what has become of it.
    /// Only where the entry is a part of what is written does it say that all was done although no answer came.
    async fn compare(
        &self,
        (operation, about): (&str, &str),
        (times, fault): &(u32, Fault),
        act: impl AsyncFnOnce(&Operator),
        is_done: impl AsyncFnOnce() -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        let by = somebody();
        let rule = self.stack.chaos(&Rule::new(operation, about, *times, fault.clone())).await?;
        act(&by).await;
        let struck = rule.end().await?;
        let (is_done, entries) = (is_done().await?, entries_of(&self.operations, &by).await?);
        let [entry] = entries.as_slice() else { anyhow::bail!("one act, and {entries:?}") };
        let told = format!("{operation} {about}, {times} times {fault:?}: {is_done}, {entry:?}");
        ensure!(struck == u64::from(*times), "struck {struck} times: {told}");
        ensure!(is_done == !matches!(fault, Fault::LoseRequest), "{told}");
        let expected = match (is_done, *times) {
            (true, 1) => Outcome::Done,
            (true, _) if operation == TRANSACT => Outcome::Done,
            _ => Outcome::Asked,
        };
        ensure!(entry.outcome == expected, "{told}");
        ensure!(entry.outcome == Outcome::Done || entry.detail.is_some(), "{told}");
        Ok(())
    }
}

fn name_of(task: &Task) -> anyhow::Result<JobName> {
    JobName::new(Kind::Extract, &task.user_id, task.id).context("no name")
}

#[tokio::test]
async fn what_the_log_says_of_jobs_is_true_whatever_is_lost() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let (user, quiet) = (scene.stack.user().await?, QuietTasks::new(&scene.stack, Clock::system()).await?);
    let operations = scene.faulty.operations().await?;
    let status = async |name: &JobName| -> anyhow::Result<Status> {
        Ok(scene.operations.job(name).await?.context("it is gone")?.row.status)
    };
    for fault in &FAULTS {
        let task = quiet.pending(&user, "To be cancelled", TaskType::SimpleScraping).await?;
        let name = name_of(&task)?;
        let cancel = async |by: &Operator| drop(operations.cancel(by, &name).await);
        let is_done = async || Ok(status(&name).await? == Status::Cancelled);
        scene.compare((TRANSACT, &task.id.to_string()), fault, cancel, is_done).await?;

        let task = quiet.pending(&user, "To be taken up again", TaskType::SimpleScraping).await?;
        quiet.fail(&task).await?;
        let name = name_of(&task)?;
        let retry = async |by: &Operator| drop(operations.retry(by, &name).await);
        let is_done = async || Ok(status(&name).await? == Status::Pending);
        scene.compare((TRANSACT, &task.id.to_string()), fault, retry, is_done).await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_the_log_says_of_schedules_is_true_whatever_is_lost() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let client = scene.stack.unheard_client().await?;
    let operations = scene.faulty.operations().await?;
    for (number, fault) in FAULTS.iter().enumerate() {
        let schedule = client.schedule(&format!("Daily {number}"), 5).await?;
        let id = schedule["id"].as_str().context("no id")?;
        let name = ScheduleName::new(ScheduleKind::Video, &client.tenant, id.parse()?).context("no name")?;
        let is_paused = async || Ok(scene.operations.schedule(&name).await?.context("it is gone")?.paused);
        let pause = async |by: &Operator| drop(operations.pause_schedule(by, &name).await);
        scene.compare((TRANSACT, id), fault, pause, is_paused).await?;

        scene.operations.pause_schedule(&somebody(), &name).await?;
        let resume = async |by: &Operator| drop(operations.resume_schedule(by, &name).await);
        scene.compare((TRANSACT, id), fault, resume, async || Ok(!is_paused().await?)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_the_log_says_of_credentials_is_true_whatever_is_lost() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let pool = scene.stack.pool(FAULTS.len()).await?;
    let (pools, faulty) = (scene.stack.pools(), scene.faulty.pools());
    for (id, fault) in pool.ids.iter().zip(&FAULTS) {
        let about = format!("CRED#{id}\"");
        for (act, after) in [(CredentialAct::Disable, Standing::Disabled), (CredentialAct::Enable, Standing::Available)]
        {
            let change = async |by: &Operator| drop(faulty.act(by, act, *id, None).await);
            let is_done = async || Ok(pools.credential(*id).await?.context("it is gone")?.status == after);
            scene.compare((UPDATE, &about), fault, change, is_done).await?;
            // What was lost is done after all, for what comes next.
            pools.act(&somebody(), act, *id, None).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_the_log_says_of_worker_tasks_is_true_whatever_is_lost() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let (fleet, faulty, administrator) =
        (scene.stack.worker_fleet(), scene.faulty.worker_fleet(), scene.stack.worker_administrator()?);
    let campaign = administrator.campaign().await?;
    for fault in &FAULTS {
        let id = administrator.task(&json!({"campaign_id": campaign, "type": "comment"})).await?;
        let about = format!("TASK#{id}\"");
        let stands = async |status| anyhow::Ok(fleet.task(id).await?.context("it is gone")?.status == status);
        let cancel = async |by: &Operator| drop(faulty.cancel_task(by, id).await);
        scene.compare((UPDATE, &about), fault, cancel, async || stands(TaskStatus::Error).await).await?;
        // What was lost is done after all, for what comes next.
        fleet.cancel_task(&somebody(), id).await?;
        let retry = async |by: &Operator| drop(faulty.retry_task(by, id).await);
        scene.compare((UPDATE, &about), fault, retry, async || stands(TaskStatus::Pending).await).await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_the_log_says_of_letters_is_true_whatever_is_lost() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let (operations, letters) = (scene.faulty.operations().await?, DeadLetters::new(scene.stack.table("events")));
    for fault in &FAULTS {
        let letter = scene.stack.letter("webhooks", "no JSON").await?;
        let purge = async |by: &Operator| drop(operations.purge(by, &letter.id()).await);
        let is_gone = async || Ok(letters.get(&letter.id()).await?.is_none());
        scene.compare((DELETE, &letter.message_id), fault, purge, is_gone).await?;
        letters.delete_one(&letter.id()).await?;
    }
    Ok(())
}

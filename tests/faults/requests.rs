//! Every request that a task's life is made of, with every fault that a network and a loaded service make.

use anyhow::{Context, ensure};
use drover_tests::answer::Answer;
use drover_tests::chaos::{Active, Fault, Rule};
use drover_tests::held::HeldPage;
use drover_tests::site::Site;
use drover_tests::{Stack, User, eventually, id_of};
use reqwest::{Method, StatusCode};
use serde_json::json;
use table::Key;
use tokio::task::JoinSet;

use super::{
    Ends, PAGE, SEND, STORE, TRANSACT, TRIES, UPDATE, assert_account, assert_completed_once, assert_log_complete,
    config_of, create_unannounced, site, user,
};

/// Longer than one try of a DynamoDB or SQS call may take: the request arrives, but after its answer is given up.
const TOO_SLOW: Fault = Fault::Delay { milliseconds: 3_500 };

/// A step of a task's life: one request of one function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Create,
    Announce,
    Claim,
    Record,
    Store,
    Finish,
    Log,
}

impl Step {
    const ALL: [Self; 7] =
        [Self::Create, Self::Announce, Self::Claim, Self::Record, Self::Store, Self::Finish, Self::Log];

    const fn operation(self) -> &'static str {
        match self {
            Self::Create | Self::Claim | Self::Finish => TRANSACT,
            Self::Announce => SEND,
            Self::Record => UPDATE,
            Self::Store => STORE,
            Self::Log => "DynamoDB_20120810.BatchWriteItem",
        }
    }

    /// How many of the function's requests of this kind go before it.
    fn before(self) -> u32 {
        u32::from(self == Self::Finish)
    }

    /// Whether the API makes the request; else the scraper does.
    const fn is_of_the_api(self) -> bool {
        matches!(self, Self::Create | Self::Announce)
    }
}

/// Creates a task with a fault in one step of its life: gives the API's answer, the task's key, and the rule.
async fn create_with_fault(
    stack: &Stack,
    user: &User,
    site: &Site,
    step: Step,
    times: u32,
    fault: Fault,
) -> anyhow::Result<(StatusCode, Key, Active)> {
    let config = config_of([site.url("/held")]);
    let rule = |about: &str| Rule::new(step.operation(), about, times, fault).after(step.before());
    if !step.is_of_the_api() {
        // Not announced before the rule is in force: it is about the task's id, which only the answer tells.
        let (task, key) = create_unannounced(stack, user, config).await?;
        let rule = stack.chaos(&rule(id_of(&task)?)).await?;
        stack.send_hint(&key).await?;
        return Ok((StatusCode::CREATED, key, rule));
    }
    let rule = stack.chaos(&rule(&user.id)).await?;
    let body = json!({"name": "A task", "task_type": "simple_scraping", "config": config});
    let answer = user.request(Method::POST, "/tasks").json(&body).send().await?;
    let keys = stack.task_keys(user).await?;
    ensure!(keys.len() == 1, "answered {}, and there are the tasks {keys:?}", answer.status());
    Ok((answer.status(), keys[0].clone(), rule))
}

/// Faults that the SDK's retries mend.
fn mild_faults(step: Step) -> Vec<(u32, Fault)> {
    let mut faults = vec![(1, Fault::LoseRequest), (1, Fault::LoseAnswer), (TRIES - 1, Fault::LoseAnswer)];
    match step.operation() {
        // Only once, so that its time limit over all tries is kept.
        SEND => faults.push((1, TOO_SLOW)),
        // A file may take 20 s: nothing is too slow that a test would wait for.
        STORE => faults.push((TRIES - 1, Fault::internal_error())),
        _ => faults.extend([(1, TOO_SLOW), (TRIES - 1, Fault::throttled())]),
    }
    faults
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_sdk_mends_leaves_no_trace() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let mut cases = JoinSet::new();
    for step in Step::ALL {
        for (times, fault) in mild_faults(step) {
            let stack = stack.clone();
            cases.spawn(async move {
                let name = format!("{} × {times} of {step:?}", name_of(&fault));
                mended(&stack, step, times, fault).await.with_context(|| name.clone())
            });
        }
    }
    all_hold(cases).await
}

/// Shows the page at once, or where the fault is in the recording of steps, when that has been struck.
async fn let_go_in_time(page: &HeldPage, step: Step, times: u32, rule: &Active) -> anyhow::Result<()> {
    if step == Step::Record {
        eventually("steps are recorded", async || Ok((rule.struck().await? >= u64::from(times)).then_some(()))).await?;
    }
    page.let_go();
    Ok(())
}

/// Waits until the rule has struck as often as it may: log lines are written after a task's end.
async fn struck_out(rule: Active, times: u32) -> anyhow::Result<()> {
    eventually("the fault has struck", async || Ok((rule.struck().await? == u64::from(times)).then_some(()))).await?;
    rule.end().await?;
    Ok(())
}

async fn mended(stack: &Stack, step: Step, times: u32, fault: Fault) -> anyhow::Result<()> {
    let (user, page) = (user(stack).await?, HeldPage::default());
    let site = Site::serve(page.alone(PAGE)).await?;
    let (status, key, rule) = create_with_fault(stack, &user, &site, step, times, fault).await?;
    ensure!(status == StatusCode::CREATED, "answered {status}");
    let_go_in_time(&page, step, times, &rule).await?;
    let task = stack.ended(&key).await?;
    struck_out(rule, times).await?;
    assert_completed_once(stack, &user, &task, 1).await?;
    assert_log_complete(&user, &task).await
}

/// What becomes of a task if every try of a step's request meets the fault: what the creator is told, and how many attempts it takes.
#[derive(Clone, Copy, Debug)]
struct Outcome {
    created: bool,
    attempts: u64,
}

/// Faults that outlast the SDK's retries, and what becomes of the task.
fn severe_faults(step: Step) -> Vec<(Fault, Outcome)> {
    let outcome = |created, attempts| Outcome { created, attempts };
    match step {
        // It was created all the same: the answer is an apology, and the task is found by recovery.
        Step::Create => vec![(Fault::LoseAnswer, outcome(false, 1))],
        Step::Announce => vec![(Fault::LoseRequest, outcome(true, 1)), (Fault::LoseAnswer, outcome(true, 1))],
        // The claim stands, and its lease has to run out.
        Step::Claim => vec![(Fault::LoseAnswer, outcome(true, 2)), (Fault::throttled(), outcome(true, 1))],
        Step::Record => vec![(Fault::LoseAnswer, outcome(true, 2)), (Fault::throttled(), outcome(true, 2))],
        // A log is no reason to do the work again.
        Step::Log => vec![(Fault::throttled(), outcome(true, 1))],
        Step::Store => vec![(Fault::internal_error(), outcome(true, 2)), (Fault::LoseAnswer, outcome(true, 2))],
        Step::Finish => vec![(Fault::LoseAnswer, outcome(true, 1)), (Fault::throttled(), outcome(true, 2))],
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_outlasts_the_sdk_is_mended_by_another_attempt() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let mut cases = JoinSet::new();
    for step in Step::ALL {
        for (fault, outcome) in severe_faults(step) {
            let stack = stack.clone();
            cases.spawn(async move {
                let name = format!("{} × {TRIES} of {step:?}", name_of(&fault));
                outlasted(&stack, step, fault, outcome).await.with_context(|| name.clone())
            });
        }
    }
    all_hold(cases).await
}

async fn outlasted(stack: &Stack, step: Step, fault: Fault, outcome: Outcome) -> anyhow::Result<()> {
    let (user, page) = (user(stack).await?, HeldPage::default());
    let site = Site::serve(page.alone(PAGE)).await?;
    let (status, key, rule) = create_with_fault(stack, &user, &site, step, TRIES, fault).await?;
    ensure!(
        status == if outcome.created { StatusCode::CREATED } else { StatusCode::INTERNAL_SERVER_ERROR },
        "answered {status}"
    );
    let_go_in_time(&page, step, TRIES, &rule).await?;
    // Before recovery is run: it writes to the task too, and would take strikes that are meant for others.
    struck_out(rule, TRIES).await?;
    let task = stack.ended_by_recovery(&key).await?;
    assert_completed_once(stack, &user, &task, outcome.attempts).await
}

#[tokio::test]
async fn a_creation_that_never_arrived_is_told_and_leaves_nothing() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    for fault in [Fault::LoseRequest, Fault::throttled()] {
        let (user, site) = (user(&stack).await?, site().await?);
        let name = name_of(&fault);
        let rule = stack.chaos(&Rule::new(TRANSACT, &user.id, TRIES, fault)).await?;
        let body = json!({"name": "A task", "task_type": "simple_scraping", "config": config_of([site.url("/page")])});
        let answer = user.request(Method::POST, "/tasks").json(&body).send().await?;
        let answer = Answer::of(answer).await?;
        answer.error(500, "internal_server_error").with_context(|| name.to_owned())?;
        ensure!(answer.number("x-ratelimit-limit")? == 30, "{name}: {answer:?}");
        ensure!(rule.end().await? == u64::from(TRIES), "{name}: the rule did not strike as often as it should");
        ensure!(stack.task_keys(&user).await?.is_empty(), "{name}: there is a task");
        assert_account(&stack, &user, 0, Ends::default()).await?;
    }
    Ok(())
}

fn name_of(fault: &Fault) -> &'static str {
    match fault {
        Fault::LoseRequest => "request lost",
        Fault::LoseAnswer => "answer lost",
        Fault::Twice => "twice",
        Fault::Delay { .. } | Fault::DelayAnswer { .. } => "slow",
        Fault::Answer { status: 400, .. } => "throttled",
        Fault::Answer { .. } => "refused",
    }
}

/// Waits for all cases, and fails with every one that failed.
async fn all_hold(mut cases: JoinSet<anyhow::Result<()>>) -> anyhow::Result<()> {
    let mut failed = Vec::new();
    while let Some(case) = cases.join_next().await {
        if let Err(error) = case? {
            failed.push(format!("{error:#}"));
        }
    }
    ensure!(failed.is_empty(), "{} cases failed:\n{}", failed.len(), failed.join("\n"));
    Ok(())
}

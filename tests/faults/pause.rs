//! Tasks that are longer than a function may run.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, ensure};
use aws_sdk_lambda::client::Waiters;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{Environment, FunctionCode, InvocationType, Runtime};
use aws_sdk_sqs::types::QueueAttributeName;
use axum::extract::Path;
use axum::response::Html;
use axum::routing::get;
use drover_tests::held::HeldPage;
use drover_tests::monitor::Monitor;
use drover_tests::site::Site;
use drover_tests::{Stack, eventually, id_of};
use extract::account_key;
use jobs::{Account, Claimed, Job, Jobs, Logs, NewJob, Policy, Progress, Queue, Run, Status, place};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use table::{Clock, Key, new_id};

use super::{
    Ends, GRANTED, PAGE, assert_account, assert_at_rest, config_of, create_unannounced, create_unannounced_of, user,
};

/// The time limit of the hasty scraper, in seconds: it puts its work down a quarter before.
const HASTY: i32 = 6;
const PAGES: usize = 6;
/// How long the download of a function's code may take, and how long its deployment.
const PATIENCE: Duration = Duration::from_mins(1);

/// A scraper like the stack's own, but with a short time limit. It has no queue: it is invoked.
struct HastyScraper {
    client: aws_sdk_lambda::Client,
    name: String,
}

impl HastyScraper {
    async fn deploy(stack: &Stack) -> anyhow::Result<Self> {
        let client = aws_sdk_lambda::Client::new(&stack.config);
        let own = client.get_function().function_name(format!("{}-extract-scraper", stack.name)).send().await?;
        let (code, settings) = (own.code.context("no code")?, own.configuration.context("no settings")?);
        let zip =
            reqwest::Client::builder().timeout(PATIENCE).build()?.get(code.location.context("no code")?).send().await?;
        let variables = settings.environment.and_then(|environment| environment.variables);
        let name = format!("{}-hasty-{}", stack.name, new_id(Clock::system().now()));
        client
            .create_function()
            .function_name(&name)
            .runtime(Runtime::Providedal2023)
            .handler("bootstrap")
            .role(settings.role.context("no role")?)
            .code(FunctionCode::builder().zip_file(Blob::new(zip.error_for_status()?.bytes().await?)).build())
            .environment(Environment::builder().set_variables(variables).build())
            .timeout(HASTY)
            .send()
            .await?;
        client.wait_until_function_active_v2().function_name(&name).wait(PATIENCE).await?;
        Ok(Self { client, name })
    }

    /// Gives it a message, and does not wait.
    async fn hint(&self, key: &Key) -> anyhow::Result<()> {
        let record = json!({
            "messageId": "1", "receiptHandle": "1", "body": serde_json::to_string(key)?, "md5OfBody": "", "attributes": {},
            "messageAttributes": {}, "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-west-1:0:test", "awsRegion": "eu-west-1",
        });
        let event = Blob::new(json!({"Records": [record]}).to_string());
        self.client
            .invoke()
            .function_name(&self.name)
            .invocation_type(InvocationType::Event)
            .payload(event)
            .send()
            .await?;
        Ok(())
    }

    async fn remove(self) -> anyhow::Result<()> {
        self.client.delete_function().function_name(self.name).send().await?;
        Ok(())
    }
}

/// A site of which two pages are done when a hasty scraper's time is up, and the third keeps the rest waiting.
struct SlowSite {
    site: Site,
    held: HeldPage,
    fetched: Arc<Mutex<HashMap<usize, usize>>>,
}

impl SlowSite {
    async fn serve() -> anyhow::Result<Self> {
        let (held, fetched) = (HeldPage::default(), Arc::new(Mutex::new(HashMap::<usize, usize>::new())));
        let counted = {
            let fetched = Arc::clone(&fetched);
            get(async move |Path(number): Path<usize>| {
                *fetched.lock().unwrap_or_else(PoisonError::into_inner).entry(number).or_default() += 1;
                Html(format!("<p class=t>{number}</p>"))
            })
        };
        Ok(Self { site: Site::serve(held.alone(PAGE).route("/page/{number}", counted)).await?, held, fetched })
    }

    /// What fetches all of its pages.
    fn config(&self) -> Json {
        let page = |number| if number == 3 { "/held".to_owned() } else { format!("/page/{number}") };
        config_of((1..=PAGES).map(|number| self.site.url(&page(number))))
    }

    /// Lets a hasty scraper do what it can of a task, until it has put it down.
    async fn put_down_by(&self, hasty: &HastyScraper, key: &Key) -> anyhow::Result<()> {
        hasty.hint(key).await?;
        self.held.visitor(1).await?;
        self.held.abandoned_by(1).await?;
        self.held.let_go();
        Ok(())
    }

    /// How often the first two pages were fetched.
    fn fetched(&self) -> (usize, usize) {
        let fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        (fetched[&1], fetched[&2])
    }
}

#[tokio::test]
async fn a_task_that_is_out_of_time_is_gone_on_with_where_it_was_put_down() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let hasty = HastyScraper::deploy(&stack).await?;
    let outcome = put_down_and_taken_up(&stack, &hasty).await;
    hasty.remove().await?;
    outcome
}

#[tokio::test]
async fn a_check_that_is_out_of_time_is_gone_on_with_where_it_was_put_down() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let hasty = HastyScraper::deploy(&stack).await?;
    let outcome = check_put_down_and_taken_up(&stack, &hasty).await;
    hasty.remove().await?;
    outcome
}

async fn check_put_down_and_taken_up(stack: &Stack, hasty: &HastyScraper) -> anyhow::Result<()> {
    let (user, slow) = (user(stack).await?, SlowSite::serve().await?);
    let (task, key) = create_unannounced_of("monitoring", stack, &user, slow.config()).await?;
    let path = format!("/tasks/{}", id_of(&task)?);
    slow.put_down_by(hasty, &key).await?;

    let monitor = Monitor { stack: stack.clone(), user, key, path };
    let task = monitor.rested(1).await?;
    ensure!((task.job.attempts, task.job.lease.lease_token) == (0, 2), "a pause is no failed attempt: {task:?}");
    ensure!(slow.fetched() == (1, 1), "what was done is not done again: {:?}", slow.fetched());
    let pages = i64::try_from(PAGES)?;
    ensure!(monitor.charged().await? == (pages, pages), "the check once: {:?}", monitor.charged().await?);
    let rows = monitor.download("").await?;
    ensure!(rows == json!(["1", "2", "One", "4", "5", "6"].map(|title| json!({"title": title}))), "{rows}");
    ensure!(monitor.download("?content=changes").await? == json!([]));
    let log = monitor.log().await?;
    for line in ["Check 1: 6 of 6 pages to fetch", "Check 1: 4 of 6 pages to fetch", "Check 1 has found no change"] {
        ensure!(log.matches(line).count() == 1, "{line} is not once in {log}");
    }
    // Of what was kept meanwhile nothing is left: what is known, the values, and the changes.
    let files = stack.result_files(&monitor.user, task.id).await?;
    ensure!(files.len() == 3, "{files:?}");
    Ok(())
}

async fn put_down_and_taken_up(stack: &Stack, hasty: &HastyScraper) -> anyhow::Result<()> {
    let (user, slow) = (user(stack).await?, SlowSite::serve().await?);
    let (_, key) = create_unannounced(stack, &user, slow.config()).await?;
    slow.put_down_by(hasty, &key).await?;

    // It announced the rest by itself, and the stack's own scraper goes on.
    let task = stack.ended(&key).await?;
    assert_at_rest(&task)?;
    ensure!((task.job.status, task.job.units_used) == (Status::Completed, PAGES as u64), "{task:?}");
    ensure!((task.job.attempts, task.job.lease.lease_token) == (1, 2), "a pause is no failed attempt: {task:?}");
    ensure!(task.job.checkpoint.is_none(), "{task:?}");
    ensure!(slow.fetched() == (1, 1), "what was done is not done again: {:?}", slow.fetched());

    let shown = json!({"id": task.id});
    let rows: Json = user.download(&shown).await?.json().await?;
    ensure!(rows == json!(["1", "2", "One", "4", "5", "6"].map(|title| json!({"title": title}))), "{rows}");
    let log = user.log(&shown).await?;
    for line in [
        "INFO Paused after 2 pages",
        "INFO Started attempt 1: 4 of 6 pages to fetch",
        "INFO Completed: 6 rows from 6 pages",
    ] {
        ensure!(log.iter().filter(|found| found.starts_with(line)).count() == 1, "{line} is not once in {log:?}");
    }
    assert_account(stack, &user, i64::try_from(PAGES)?, Ends { completed: 1, ..Ends::default() }).await
}

/// A job of nobody's kind.
#[derive(Serialize, Deserialize)]
struct TestJob {
    #[serde(flatten)]
    key: Key,
    #[serde(flatten)]
    job: Job,
    account: Key,
}

#[tokio::test]
async fn a_job_may_be_put_down_more_often_than_it_may_fail() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = user(&stack).await?;
    // A queue and a kind of its own: no function of the stack looks at either.
    let name = format!("{}-pauses-{}", stack.name, new_id(Clock::system().now()));
    let sqs = stack.sqs();
    let url = sqs.create_queue().queue_name(&name).send().await?.queue_url.context("no queue")?;
    let jobs = Jobs {
        kind: "pauses",
        table: stack.table("extract"),
        queue: Queue::new(&stack.config, url.clone()),
        logs: Logs::new(stack.table("events")),
        clock: Clock::system(),
        policy: Policy { attempts: 3, ..Policy::with_lease(Duration::from_mins(1)) },
    };
    let (key, account) = (Key::new(format!("PAUSES#{}", user.id), "JOB"), account_key(&user.id));
    let now = jobs.clock.now();
    let job = Job::submitted(jobs.kind, now, 20, place(5, now.0), &jobs.policy);
    let item = TestJob { key: key.clone(), job: job.clone(), account: account.clone() };
    jobs.submit(NewJob { key: &key, item: &item, job: &job, account: &account, sort: "pauses", only_if: &[] }).await?;

    for part in 1..=10_u64 {
        let (run, found) = claim(&jobs, &key).await?;
        let before = (part > 1).then(|| format!("part {}", part - 1));
        ensure!((found.job.attempts, found.job.checkpoint) == (1, before), "at part {part}");
        let progress = Progress { percent: u8::try_from(part * 9)?, units_used: part };
        run.pause(&format!("part {part}"), progress, Vec::new()).await?;
    }
    let (run, found) = claim(&jobs, &key).await?;
    ensure!((found.job.units_used, found.job.lease.lease_token) == (10, 11), "{:?}", found.job);
    run.complete("nowhere", 0, None, 11, Vec::new()).await?;

    let ended: TestJob = jobs.table.get(&key).await?.context("the job is gone")?;
    ensure!((ended.job.status, ended.job.checkpoint, ended.job.units_used) == (Status::Completed, None, 11));
    let account: Account = stack.account(&user).await?;
    ensure!(account.units_available == GRANTED - 11, "{account:?}");
    assert_account(&stack, &user, 11, Ends { completed: 1, ..Ends::default() }).await?;
    eventually("the submission and each pause sent one message", async || {
        let waiting = QueueAttributeName::ApproximateNumberOfMessages;
        let answer = sqs.get_queue_attributes().queue_url(&url).attribute_names(waiting.clone()).send().await?;
        Ok(answer.attributes().and_then(|all| all.get(&waiting)).filter(|count| *count == "11").map(|_| ()))
    })
    .await?;
    jobs.table.delete(&key).await?;
    sqs.delete_queue().queue_url(url).send().await?;
    Ok(())
}

async fn claim(jobs: &Jobs, key: &Key) -> anyhow::Result<(Run, TestJob)> {
    match jobs.claim::<TestJob>(key, "test").await? {
        Claimed::Run(run, job) => Ok((*run, *job)),
        Claimed::Nothing(why) => anyhow::bail!("not claimed: {why}"),
    }
}

//! Does scraping tasks, from their queue: claims the best of its group by its lease, fetches its pages, writes its result, ends it, or lets it rest until
//! it is to be looked at again.

mod browser_settings;
mod bulk;
mod ending;
mod files;
mod harvest;
mod monitor;
mod pace;
mod pages;
mod piece;
mod portion;
mod renderer;
mod together;
mod work;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use batch::{Message, work_off};
use extract::{Accounts, Batch, OwnConfig, PageSource, Task, TaskType};
use jobs::{Claimed, Hint, Jobs, Lost, Queue, Results, Run};
use lambda_runtime::LambdaEvent;
use mail::{Mailer, mails_a_day};
use scraping::{Fetcher, Settings};
use serde::Deserialize;
use table::Table;
use table::aws::{configure, dynamodb, setting};
use tokio::time::Instant;

use crate::portion::Portion;
use crate::renderer::Renderer;

/// What every task needs, made once per process.
pub struct App {
    jobs: Jobs,
    accounts: Accounts,
    results: Results,
    fetcher: Fetcher,
    /// None in a function that has no browser.
    renderer: Option<Renderer>,
    /// The queue of the function that has one.
    browser_queue: Option<Queue>,
    mailer: Mailer,
    /// How many e-mails a day the tasks of one user send at most.
    mails_a_day: u64,
}

/// What a job is: known from its item, which is the truth, and not from its message.
#[derive(Deserialize)]
#[serde(untagged)]
enum Work {
    /// A part of a task: it says of which.
    Batch(Box<Batch>),
    Task(Box<Task>),
}

impl App {
    /// What the environment names: `EXTRACT_TABLE`, `EVENTS_TABLE`, `LIMITS_TABLE`, `EXTRACT_QUEUE_URL`, `RESULTS_BUCKET`,
    /// `JOB_LEASE_SECONDS`, and the operator's rules of fetching (`scraping::Settings`) and of the browser (`browser_settings.rs`);
    /// `BROWSER_QUEUE_URL`, where this is not the function that has a browser; `MAIL_FROM` and `MAILS_A_DAY`, where e-mail is sent.
    pub fn from_environment() -> anyhow::Result<Self> {
        let config = configure()?;
        let jobs = extract::open(&config)?;
        let limits = Table::new(dynamodb(&config), &setting("LIMITS_TABLE")?);
        let fetcher = Fetcher::new(Settings::from_environment()?, limits, jobs.clock.clone())?;
        let renderer = Renderer::from_environment(&config, jobs.clock.clone())?;
        let browser_queue = setting("BROWSER_QUEUE_URL").ok().map(|url| Queue::new(&config, url));
        let results = Results::new(&config, setting("RESULTS_BUCKET")?);
        let accounts = Accounts::new(jobs.table.clone(), jobs.clock.clone());
        let mailer = Mailer::from_environment(&config);
        let mails_a_day = mails_a_day()?;
        Ok(Self { jobs, accounts, results, fetcher, renderer, browser_queue, mailer, mails_a_day })
    }

    /// Does what a batch of messages hints at. Those that failed are named, to be delivered again.
    pub async fn handle(&self, event: LambdaEvent<SqsEvent>) -> SqsBatchResponse {
        work_off(event, async |message| self.take(message).await).await
    }

    async fn take(&self, message: Message<'_>) -> anyhow::Result<()> {
        let hint: Hint = message.read("job")?;
        let (run, work) = match self.jobs.take::<Work>(&hint, message.request_id).await? {
            Claimed::Run(run, work) => (*run, *work),
            Claimed::Nothing(why) => {
                tracing::info!(job = hint.job.sk, why, "nothing to do");
                return Ok(());
            }
        };
        let until = Instant::now() + message.time_left(&self.jobs.clock);
        match work {
            Work::Task(task) => Box::pin(self.do_task(run, *task, until)).await,
            Work::Batch(batch) => Box::pin(self.do_batch(run, *batch, until)).await,
        }
    }

    async fn do_task(&self, run: Run, task: Task, until: Instant) -> anyhow::Result<()> {
        tracing::info!(task_id = %task.id, attempt = task.job.attempts, "claimed");
        if task.config.source() == PageSource::Browser && self.renderer.is_none() {
            return self.hand_on(run).await;
        }
        if task.config.task_type() == TaskType::Monitoring && self.renderer.is_some() {
            // Met by chance, in the line of its owner's tasks: only one of the two functions sends e-mail.
            return handed_on(run.hand_on(&self.jobs.queue).await);
        }
        match (&task.config.own, &task.job.children) {
            (OwnConfig::Bulk(bulk), None) => bulk::hand_out(self, run, &task, bulk).await,
            (OwnConfig::Bulk(_), Some(join)) => bulk::put_together(self, run, &task, join, until).await,
            (OwnConfig::Monitoring(monitoring), _) => monitor::perform(self, run, &task, monitoring, until).await,
            _ => work::perform(self, run, &Portion::whole(task), until).await,
        }
    }

    async fn do_batch(&self, run: Run, batch: Batch, until: Instant) -> anyhow::Result<()> {
        tracing::info!(task_id = %batch.task_id, first_page = batch.first_page, attempt = batch.job.attempts, "claimed");
        let Some(task) = self.jobs.table.get::<Task>(&batch.part_of.parent).await? else {
            // Its next hint finds that it is not wanted, and deletes it.
            tracing::info!("stopped: the task is gone");
            return Ok(());
        };
        work::perform(self, run, &Portion::batch(batch, task), until).await
    }

    /// Gives a task to the function that has a browser.
    async fn hand_on(&self, run: Run) -> anyhow::Result<()> {
        handed_on(match &self.browser_queue {
            Some(queue) => run.hand_on(queue).await,
            None => run.fail("This deployment has no browser", 0, Vec::new()).await,
        })
    }
}

fn handed_on(told: Result<(), Lost>) -> anyhow::Result<()> {
    match told {
        // Cancelled, or another's: as good as handed on.
        Ok(()) | Err(Lost::Superseded(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

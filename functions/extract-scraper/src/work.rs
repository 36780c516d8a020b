//! One attempt at a task: its pages, one after the other by their hosts' patience, into one file.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use extract::{OwnConfig, Task};
use futures::{StreamExt, stream};
use jobs::{Level, Lost, Progress, Run, Status, StoreError};
use scraping::Selectors;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use crate::App;
use crate::files::{self, Stored};
use crate::harvest::{Harvest, LARGEST_RESULT};
use crate::lines::Lines;
use crate::monitor;
use crate::pace::Pace;
use crate::pages;

/// How many pages are fetched at once; those of one host still wait for its turn.
pub(crate) const AT_ONCE: usize = 4;
/// Steps are recorded at most so often.
const STEP: Duration = Duration::from_secs(2);
/// What a killed worker has done since its last checkpoint is done again: there is one at least so often.
pub(crate) const CHECKPOINT: Duration = Duration::from_secs(30);

/// One attempt at a task.
struct Attempt<'a> {
    app: &'a App,
    task: &'a Task,
    selectors: Arc<Selectors>,
    run: Run,
    harvest: Harvest,
    lines: Lines,
    step: Interval,
    out_of_time: Instant,
}

/// How the gathering ended.
enum Ending {
    /// Every page is done.
    Done,
    /// The time is up.
    OutOfTime,
    /// More was found than a result may hold.
    TooLarge,
}

/// Why an attempt was broken off.
pub(crate) enum Interruption {
    /// The task is not ours any more.
    Lost(Lost),
    /// Something of our own failed.
    Fault(anyhow::Error),
}

impl From<Lost> for Interruption {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::Table(error) => Self::Fault(error.into()),
            lost @ Lost::Superseded(_) => Self::Lost(lost),
        }
    }
}

/// Does the task, for as long as there is time. An error means that it was not possible to record how it went.
pub(crate) async fn perform(app: &App, run: Run, task: &Task, time: Duration) -> anyhow::Result<()> {
    let lines = Lines::new(app.jobs.clock.clone());
    let selectors = match Selectors::compile(&task.config.pages.selectors) {
        Ok(selectors) => Arc::new(selectors),
        Err(faults) => {
            let failed = run.fail(&format!("The selectors cannot be used: {faults:?}"), 0, Vec::new()).await;
            return recorded(app, task, &[], failed).await;
        }
    };
    if let OwnConfig::Monitoring(own) = &task.config.own {
        return Box::pin(monitor::perform(app, run, task, own, selectors, time)).await;
    }
    let harvest = Harvest::from_checkpoint(&task.config, task.job.checkpoint.as_deref());
    let step = steps();
    let out_of_time = Instant::now() + time;
    let mut attempt = Attempt { app, task, selectors, run, harvest, lines, step, out_of_time };
    let ended = attempt.gather().await;
    let parts = files::part_keys(task, attempt.harvest.parts());
    let written = match ended {
        Ok(Ending::Done) => Box::pin(attempt.conclude()).await,
        Ok(Ending::OutOfTime) => attempt.put_down("No page could be fetched in the time that one attempt has").await,
        Ok(Ending::TooLarge) => {
            let most = LARGEST_RESULT >> 20;
            attempt.fail(&format!("The result is larger than {most} MiB: take fewer pages or fields")).await
        }
        Err(Interruption::Lost(lost)) => Err(lost),
        Err(Interruption::Fault(error)) => {
            tracing::error!(error = format!("{error:#}"), "the attempt was broken off");
            attempt.try_again("fault", "Interrupted by a fault on our side").await
        }
    };
    recorded(app, task, &parts, written).await
}

/// When steps are to be recorded.
pub(crate) fn steps() -> Interval {
    let mut step = interval_at(Instant::now() + STEP, STEP);
    step.set_missed_tick_behavior(MissedTickBehavior::Delay);
    step
}

/// What to make of the answer to the write that ended an attempt, which has stored these files.
pub(crate) async fn recorded(
    app: &App,
    task: &Task,
    files: &[String],
    written: Result<(), Lost>,
) -> anyhow::Result<()> {
    let Err(Lost::Superseded(item)) = written else { return written.context("the task's end was not recorded") };
    tracing::info!("stopped: the task was cancelled, or is another worker's");
    // Another worker may go on from the files; without one nobody asks for them. Not every refusal tells the task as it is.
    let item = match item {
        Some(item) => Some(item),
        None => app.jobs.table.get_item(&task.key, true).await?,
    };
    if item.is_none_or(|item| !Status::is_open().holds(&item)) {
        files::discard(&app.results, files).await;
    }
    Ok(())
}

impl Attempt<'_> {
    /// Fetches the pages that are left, recording steps as it goes.
    async fn gather(&mut self) -> Result<Ending, Interruption> {
        let (app, config) = (self.app, &self.task.config);
        let total = config.pages.urls.len();
        let left = total - self.harvest.pages().min(total);
        let attempts = self.task.job.attempts;
        self.lines.say(Level::Info, "start", format!("Started attempt {attempts}: {left} of {total} pages to fetch"));

        let (selectors, rate) = (Arc::clone(&self.selectors), Pace::of(config));
        let pages = config.pages.urls.iter().skip(self.harvest.pages());
        let mut pages =
            stream::iter(pages).map(|url| pages::take(app, url, config, &selectors, &rate)).buffered(AT_ONCE);
        let mut checkpointed = Instant::now();
        loop {
            tokio::select! {
                page = pages.next() => match page {
                    Some((url, outcome)) => self.harvest.add(url, outcome, &mut self.lines),
                    None => return Ok(Ending::Done),
                },
                _ = self.step.tick() => self.run.record(self.harvest.progress(total), self.lines.take()).await?,
                () = tokio::time::sleep_until(self.out_of_time) => return Ok(Ending::OutOfTime),
            }
            if self.harvest.is_too_large() {
                return Ok(Ending::TooLarge);
            }
            let is_due = checkpointed.elapsed() >= CHECKPOINT && self.harvest.has_news();
            if self.harvest.is_full() || is_due {
                self.checkpoint().await?;
                checkpointed = Instant::now();
            }
        }
    }

    /// Makes sure that what is done is not done again, whatever becomes of this worker.
    async fn checkpoint(&mut self) -> Result<(), Interruption> {
        let stored = files::store_part(&self.app.results, self.task, self.run.token(), &mut self.harvest).await;
        stored.context("the work so far could not be stored").map_err(Interruption::Fault)?;
        let progress = self.progress();
        self.run.checkpoint(&self.harvest.checkpoint(), progress, self.lines.take()).await?;
        self.harvest.recorded();
        Ok(())
    }

    /// Writes the result and ends the task.
    async fn conclude(mut self) -> Result<(), Lost> {
        let complaint = self.harvest.complaint();
        if self.harvest.had() == 0 {
            return self.fail(&complaint.unwrap_or_else(|| "there was nothing to fetch".to_owned())).await;
        }
        let (results, token, progress) = (&self.app.results, self.run.token(), self.progress());
        let storing = Box::pin(files::store_result(results, self.task, token, &self.selectors, &self.harvest));
        let kept = keeping(&mut self.run, &mut self.step, progress, self.out_of_time, storing).await?;
        let stored = match kept {
            Some(Ok(stored)) => stored,
            Some(Err(StoreError::Written(error))) if error.kind() == io::ErrorKind::FileTooLarge => {
                return self.fail(&error.to_string()).await;
            }
            Some(Err(error)) => {
                tracing::error!(%error, "the result was not stored");
                return self.try_again("result", "The result could not be stored").await;
            }
            None => return self.put_down("The result could not be written in the time that one attempt has").await,
        };
        self.complete(stored, complaint).await
    }

    async fn complete(mut self, stored: Stored, complaint: Option<String>) -> Result<(), Lost> {
        stored.tell(&mut self.lines);
        let completed = format!("Completed: {} rows from {} pages", self.harvest.rows(), self.harvest.had());
        let lines = self.lines.with(Level::Info, "end", completed);
        let units = self.harvest.units();
        let ended = self.run.complete(&stored.key, stored.bytes, complaint.as_deref(), units, lines).await;
        match &ended {
            Ok(()) => {
                telemetry::counter!("TasksCompleted").increment(1);
                files::discard(&self.app.results, &files::part_keys(self.task, self.harvest.parts())).await;
            }
            // Nobody else knows of this file: the task may even be gone.
            Err(Lost::Superseded(_)) => files::discard(&self.app.results, &[stored.key]).await,
            Err(Lost::Table(_)) => {}
        }
        ended
    }

    /// Ends the task badly. It costs nothing.
    async fn fail(self, reason: &str) -> Result<(), Lost> {
        let lines = self.lines.with(Level::Error, "end", format!("Failed: {reason}"));
        self.run.fail(reason, 0, lines).await?;
        telemetry::counter!("TasksFailed").increment(1);
        files::discard(&self.app.results, &files::part_keys(self.task, self.harvest.parts())).await;
        Ok(())
    }

    /// Puts the work down when the time is up, for the next message to go on with. An attempt that got nowhere counts as a failed one;
    /// `stuck` says at what.
    async fn put_down(mut self, stuck: &str) -> Result<(), Lost> {
        if !self.harvest.has_advanced() {
            return self.run.retry(stuck, self.lines.with(Level::Error, "pause", stuck)).await;
        }
        let stored = files::store_part(&self.app.results, self.task, self.run.token(), &mut self.harvest).await;
        if let Err(error) = stored {
            tracing::error!(error = format!("{error:#}"), "a part was not stored");
            return self.try_again("pause", "The work so far could not be stored").await;
        }
        let (checkpoint, progress) = (self.harvest.checkpoint(), self.progress());
        let paused = format!("Paused after {} pages: the rest follows at once", self.harvest.pages());
        self.run.pause(&checkpoint, progress, self.lines.with(Level::Info, "pause", paused)).await
    }

    /// Gives the task back after a fault of our own, which is logged and not told.
    async fn try_again(self, step: &str, reason: &str) -> Result<(), Lost> {
        let lines = self.lines.with(Level::Error, step, format!("{reason}; it will be tried again"));
        self.run.retry(reason, lines).await
    }

    fn progress(&self) -> Progress {
        self.harvest.progress(self.task.config.pages.urls.len())
    }
}

/// Waits for some work, keeping the task meanwhile. None: the time is up.
pub(crate) async fn keeping<T>(
    run: &mut Run,
    step: &mut Interval,
    progress: Progress,
    out_of_time: Instant,
    work: impl Future<Output = T>,
) -> Result<Option<T>, Lost> {
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return Ok(Some(done)),
            _ = step.tick() => run.record(progress, Vec::new()).await?,
            () = tokio::time::sleep_until(out_of_time) => return Ok(None),
        }
    }
}

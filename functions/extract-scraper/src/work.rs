//! One attempt at a task, or at a batch of one: its pages, one after the other by their hosts' patience, into one file.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use extract::TaskConfig;
use futures::{StreamExt, stream};
use jobs::{Jobs, Kept, Level, Lines, Lost, Progress, Run, Status};
use scraping::Selectors;
use spool::{Stored, Unstored, discard, stored};
use table::Key;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use crate::App;
use crate::ending::{self, Done};
use crate::files;
use crate::harvest::Harvest;
use crate::pace::Pace;
use crate::pages;
use crate::portion::{OfTask, Portion};

/// Steps are recorded at most so often.
pub(crate) const STEP: Duration = Duration::from_secs(2);
/// What a killed worker has done since its last checkpoint is done again: there is one at least so often.
pub(crate) const CHECKPOINT: Duration = Duration::from_secs(30);

/// One attempt at a portion.
struct Attempt<'a> {
    app: &'a App,
    portion: &'a Portion,
    selectors: Arc<Selectors>,
    run: Kept,
    harvest: Harvest,
    lines: Lines,
    until: Instant,
}

/// How the gathering ended.
enum Gathered {
    /// Every page is done.
    All,
    /// The time is up.
    OutOfTime,
    /// More was found than a result may hold.
    TooMuch,
}

/// Why an attempt was broken off.
pub(crate) enum Interruption {
    /// The portion is not ours any more.
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

/// Does the portion, `until` the time is up. An error means that it was not possible to record how it went.
pub(crate) async fn perform(app: &App, run: Run, portion: &Portion, until: Instant) -> anyhow::Result<()> {
    let lines = Lines::new(app.jobs.clock.clone());
    let batch = portion.batch.as_ref();
    let selectors = match selectors(&portion.config) {
        Ok(selectors) => selectors,
        Err(reason) => {
            let failed = run.fail(&reason, 0, Vec::new()).await;
            return recorded(app, &portion.key, batch, &[], failed).await;
        }
    };
    let mut harvest = Harvest::from_checkpoint(&portion.config, portion.job.checkpoint.as_deref());
    if let Some(batch) = &portion.batch {
        harvest = harvest.in_pieces(batch.first_page);
    }
    let mut attempt = Attempt { app, portion, selectors, run: Kept::new(run), harvest, lines, until };
    let ended = attempt.gather().await;
    let parts = files::part_keys(portion, attempt.harvest.parts());
    let written = match ended {
        Ok(Gathered::All) => Box::pin(attempt.conclude()).await,
        Ok(Gathered::OutOfTime) => attempt.put_down("No page could be fetched in the time that one attempt has").await,
        Ok(Gathered::TooMuch) => attempt.fail(&ending::too_large()).await,
        Err(Interruption::Lost(lost)) => Err(lost),
        Err(Interruption::Fault(error)) => {
            tracing::error!(error = format!("{error:#}"), "the attempt was broken off");
            attempt.try_again("fault", "Interrupted by a fault on our side").await
        }
    };
    recorded(app, &portion.key, batch, &parts, written).await
}

/// The selectors of a task, which were checked when it was submitted.
pub(crate) fn selectors(config: &TaskConfig) -> Result<Arc<Selectors>, String> {
    let compiled = Selectors::compile(&config.pages.selectors);
    compiled.map(Arc::new).map_err(|faults| format!("The selectors cannot be used: {faults:?}"))
}

/// What to make of the answer to the write that ended an attempt at the job of this key, a batch or none, which has stored these files.
pub(crate) async fn recorded(
    app: &App,
    key: &Key,
    batch: Option<&OfTask>,
    files: &[String],
    written: Result<(), Lost>,
) -> anyhow::Result<()> {
    let Err(Lost::Superseded(item)) = written else { return written.context("the end was not recorded") };
    tracing::info!("stopped: it was cancelled, or is another worker's");
    // Another worker may go on from the files; without one nobody asks for them. Not every refusal tells the item as it is.
    let item = match item {
        Some(item) => Some(item),
        None => app.jobs.table.get_item(key, true).await?,
    };
    let goes_on = item.is_some_and(|item| Status::is_open().holds(&item)) && is_wanted(&app.jobs, batch).await?;
    if !goes_on {
        discard(&app.results, files).await;
    }
    Ok(())
}

/// Whether anybody waits for the end: of a batch, its task.
async fn is_wanted(jobs: &Jobs, batch: Option<&OfTask>) -> anyhow::Result<bool> {
    let Some(batch) = batch else { return Ok(true) };
    Ok(jobs.join(&batch.part_of.join).await?.is_some_and(|join| join.is_open))
}

/// When steps are recorded.
pub(crate) fn steps() -> Interval {
    let mut steps = interval_at(Instant::now() + STEP, STEP);
    steps.set_missed_tick_behavior(MissedTickBehavior::Delay);
    steps
}

impl Attempt<'_> {
    /// Fetches the pages that are left, recording steps as it goes.
    async fn gather(&mut self) -> Result<Gathered, Interruption> {
        let (app, config) = (self.app, &self.portion.config);
        let (total, name) = (self.portion.page_count(), self.portion.name());
        let left = total - self.harvest.pages().min(total);
        let attempts = self.portion.job.attempts;
        self.lines.say(Level::Info, "start", format!("Started attempt {attempts}: {left} of {name} to fetch"));

        let (selectors, rate) = (Arc::clone(&self.selectors), Pace::of(config));
        let pages = config.pages.urls.iter().skip(self.harvest.pages());
        let mut pages = stream::iter(pages)
            .map(|url| pages::take(app, url, config, &selectors, &rate))
            .buffered(self.portion.at_once);
        let (mut step, mut checkpointed) = (steps(), Instant::now());
        loop {
            tokio::select! {
                page = pages.next() => match page {
                    Some((url, outcome)) => self.harvest.add(url, outcome, &mut self.lines),
                    None => return Ok(Gathered::All),
                },
                _ = step.tick() => self.run.hold().await.record(self.harvest.progress(total), self.lines.take()).await?,
                () = tokio::time::sleep_until(self.until) => return Ok(Gathered::OutOfTime),
            }
            if self.harvest.is_too_large() {
                return Ok(Gathered::TooMuch);
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
        let stored = files::store_part(&self.app.results, self.portion, self.run.token(), &mut self.harvest).await;
        stored.context("the work so far could not be stored").map_err(Interruption::Fault)?;
        let progress = self.progress();
        self.run.hold().await.checkpoint(&self.harvest.checkpoint(), progress, self.lines.take()).await?;
        self.harvest.recorded();
        Ok(())
    }

    /// Writes what was taken and ends the portion.
    async fn conclude(self) -> Result<(), Lost> {
        let complaint = self.harvest.complaint();
        if self.harvest.had() == 0 && self.portion.batch.is_none() {
            return self.fail(&complaint.unwrap_or_else(|| "there was nothing to fetch".to_owned())).await;
        }
        let (results, token, progress) = (&self.app.results, self.run.token(), self.progress());
        let storing = Box::pin(files::store(results, self.portion, token, &self.selectors, &self.harvest));
        match stored(self.run.during(progress, STEP, self.until, storing).await?) {
            Ok(stored) => self.complete(stored, complaint).await,
            Err(why @ Unstored::TooLarge(_)) => self.fail(&why.to_string()).await,
            Err(why @ Unstored::Fault) => self.try_again("result", &why.to_string()).await,
            Err(why @ Unstored::OutOfTime) => self.put_down(&why.to_string()).await,
        }
    }

    async fn complete(self, stored: Stored, complaint: Option<String>) -> Result<(), Lost> {
        let (rows, had) = (self.harvest.rows(), self.harvest.had());
        let told = match &self.portion.batch {
            Some(_) => format!("Done with {}: {rows} rows from {had} of them", self.portion.name()),
            None => format!("Completed: {rows} rows from {had} pages"),
        };
        let done = Done { stored, complaint, units: self.harvest.units(), told };
        ending::complete(self.app, self.run.into_inner(), done, self.lines).await?;
        if self.portion.batch.is_none() {
            telemetry::counter!("TasksCompleted").increment(1);
        }
        discard(&self.app.results, &files::part_keys(self.portion, self.harvest.parts())).await;
        Ok(())
    }

    /// Ends the portion badly. It costs nothing.
    async fn fail(self, reason: &str) -> Result<(), Lost> {
        ending::fail(self.run.into_inner(), reason, 0, self.lines).await?;
        if self.portion.batch.is_none() {
            telemetry::counter!("TasksFailed").increment(1);
        }
        discard(&self.app.results, &files::part_keys(self.portion, self.harvest.parts())).await;
        Ok(())
    }

    /// Puts the work down when the time is up, for the next message to go on with. An attempt that got nowhere counts as a failed one;
    /// `stuck` says at what.
    async fn put_down(mut self, stuck: &str) -> Result<(), Lost> {
        if !self.harvest.has_advanced() {
            return self.run.into_inner().retry(stuck, self.lines.with(Level::Error, "pause", stuck)).await;
        }
        let stored = files::store_part(&self.app.results, self.portion, self.run.token(), &mut self.harvest).await;
        if let Err(error) = stored {
            tracing::error!(error = format!("{error:#}"), "a part was not stored");
            return self.try_again("pause", "The work so far could not be stored").await;
        }
        let (checkpoint, progress) = (self.harvest.checkpoint(), self.progress());
        let paused = format!("Paused after {} pages: the rest follows at once", self.harvest.pages());
        self.run.into_inner().pause(&checkpoint, progress, self.lines.with(Level::Info, "pause", paused)).await
    }

    /// Gives the portion back after a fault of our own, which is logged and not told.
    async fn try_again(self, step: &str, reason: &str) -> Result<(), Lost> {
        let lines = self.lines.with(Level::Error, step, format!("{reason}; it will be tried again"));
        self.run.into_inner().retry(reason, lines).await
    }

    fn progress(&self) -> Progress {
        self.harvest.progress(self.portion.page_count())
    }
}

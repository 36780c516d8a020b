//! One attempt at a task: its pages, one after the other by their hosts' patience, into one file.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use extract::{PagesConfig, Task};
use futures::{StreamExt, stream};
use jobs::{Level, Line, Lost, Progress, Run};
use scraping::export::{Row, columns};
use scraping::{FetchError, FetchOptions, PageMetadata, RowWriter, Selectors};
use serde::{Deserialize, Serialize};
use table::Clock;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::App;

/// How many pages are fetched at once; those of one host still wait for its turn.
const AT_ONCE: usize = 4;
/// Steps are recorded at most so often.
const STEP: Duration = Duration::from_secs(2);
/// The largest result, in bytes of JSON: what fits a function's memory with ease.
const LARGEST_RESULT: usize = 64 * 1024 * 1024;
/// How many warnings of one page go to the log.
const WARNINGS: usize = 10;

/// What has been done of a task; stored when an attempt runs out of time.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Harvest {
    /// How many of the pages are done, from the first on.
    pages: usize,
    /// The rows taken.
    rows: Vec<Row>,
    /// Their size in bytes of JSON.
    bytes: usize,
    /// Why pages could not be taken, in order.
    failures: Vec<String>,
    /// How many of the pages earlier attempts have done.
    #[serde(skip)]
    pages_before: usize,
}

/// A page that was fetched, and what was taken from it.
struct Taken {
    metadata: PageMetadata,
    rows: Vec<Row>,
    warnings: Vec<String>,
}

/// How the work ended.
enum Ending {
    /// Every page is done.
    Done,
    /// The time is up.
    OutOfTime,
    /// More was found than a result may hold.
    TooLarge,
}

/// Does the task, for as long as there is time. An error means that it was not possible to record how it went.
pub(crate) async fn perform(app: &App, mut run: Run, task: &Task, time: Duration) -> anyhow::Result<()> {
    let mut lines = Lines { clock: app.jobs.clock.clone(), lines: Vec::new() };
    let selectors = match Selectors::compile(&task.config.pages.selectors) {
        Ok(selectors) => Arc::new(selectors),
        Err(faults) => {
            return Ok(run.fail(&format!("The selectors cannot be used: {faults:?}"), 0, Vec::new()).await?);
        }
    };
    let ended = attempt(app, &mut run, task, &selectors, time, &mut lines).await;
    let written = match ended {
        Ok((Ending::Done, harvest)) => conclude(app, run, task, &selectors, harvest, lines).await,
        Ok((Ending::OutOfTime, harvest)) => put_down(app, run, task, harvest, lines).await,
        Ok((Ending::TooLarge, harvest)) => {
            let reason = format!("The result is larger than {} MiB: take fewer pages or fields", LARGEST_RESULT >> 20);
            run.fail(&reason, harvest.units(), lines.with(Level::Error, "result", &reason)).await.map_err(Lost::from)
        }
        Err(Interruption::Lost(lost)) => Err(lost),
        Err(Interruption::Fault(error)) => return try_again(run, error, lines).await,
    };
    match written {
        Err(Lost::Superseded(_)) => {
            tracing::info!("stopped: the task was cancelled, or is another worker's");
            Ok(())
        }
        other => other.context("the task's end was not recorded"),
    }
}

/// Why an attempt was broken off.
enum Interruption {
    /// The task is not ours any more, or the table failed.
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

/// Fetches the pages that are left, recording steps as it goes.
async fn attempt(
    app: &App,
    run: &mut Run,
    task: &Task,
    selectors: &Arc<Selectors>,
    time: Duration,
    lines: &mut Lines,
) -> Result<(Ending, Harvest), Interruption> {
    let out_of_time = Instant::now() + time;
    let mut harvest = match &task.job.checkpoint {
        Some(file) => take_up(app, file).await.map_err(Interruption::Fault)?,
        None => Harvest::default(),
    };
    let total = task.config.pages.urls.len();
    let left = total - harvest.pages.min(total);
    lines.say(Level::Info, "start", format!("Started attempt {}: {left} of {total} pages to fetch", task.job.attempts));

    let pages = task.config.pages.urls.iter().skip(harvest.pages);
    let mut pages = stream::iter(pages).map(|url| take_page(app, url, &task.config.pages, selectors)).buffered(AT_ONCE);
    let mut step = interval_at(Instant::now() + STEP, STEP);
    step.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            page = pages.next() => match page {
                Some((url, outcome)) => harvest.add(url, outcome, &task.config.pages, lines),
                None => return Ok((Ending::Done, harvest)),
            },
            _ = step.tick() => run.record(harvest.progress(total), lines.take()).await?,
            () = tokio::time::sleep_until(out_of_time) => return Ok((Ending::OutOfTime, harvest)),
        }
        if harvest.bytes > LARGEST_RESULT {
            return Ok((Ending::TooLarge, harvest));
        }
    }
}

/// Fetches one page and takes its rows.
async fn take_page<'url>(
    app: &App,
    url: &'url str,
    config: &PagesConfig,
    selectors: &Arc<Selectors>,
) -> (&'url str, Result<Taken, FetchError>) {
    let options =
        FetchOptions { timeout: Duration::from_secs(config.timeout.into()), follow_redirects: config.follow_redirects };
    let page = match app.fetcher.fetch(url, options).await {
        Ok(page) => page,
        Err(error) => return (url, Err(error)),
    };
    let metadata = PageMetadata::from(&page);
    let selectors = Arc::clone(selectors);
    // Parsing works on the processor: elsewhere, so that the lease is renewed meanwhile.
    let extraction = tokio::task::spawn_blocking(move || selectors.extract(&page.text, &page.final_url)).await;
    let taken = match extraction {
        Ok(extraction) => Taken { metadata, rows: extraction.rows, warnings: extraction.warnings },
        Err(_) => Taken { metadata, rows: Vec::new(), warnings: vec!["the page could not be read".to_owned()] },
    };
    (url, Ok(taken))
}

impl Harvest {
    fn add(&mut self, url: &str, outcome: Result<Taken, FetchError>, config: &PagesConfig, lines: &mut Lines) {
        self.pages += 1;
        let taken = match outcome {
            Ok(taken) => taken,
            Err(error) => {
                let message = error.to_string();
                lines.add(Line::new(lines.now(), Level::Error, "fetch", message.clone()).with("url", url));
                self.failures.push(message);
                return;
            }
        };
        let found = format!("Fetched {url}: {} rows", taken.rows.len());
        let line = Line::new(lines.now(), Level::Info, "fetch", found);
        lines.add(line.with("url", url).with("status", taken.metadata.status).with("rows", taken.rows.len()));
        for warning in taken.warnings.into_iter().take(WARNINGS) {
            lines.add(Line::new(lines.now(), Level::Warning, "extract", format!("{url}: {warning}")).with("url", url));
        }
        let rows = taken.rows.into_iter();
        let rows: Vec<_> = if config.include_metadata {
            rows.map(|row| taken.metadata.prepend_to(row)).collect()
        } else {
            rows.collect()
        };
        self.bytes += serde_json::to_vec(&rows).map_or(0, |json| json.len());
        self.rows.extend(rows);
    }

    /// What the pages cost: 1 each, but for those that could not be had (RULINGS.md, "extract-cloud").
    fn units(&self) -> u64 {
        self.pages.saturating_sub(self.failures.len()) as u64
    }

    /// Never quite all: the rest is the writing of the result.
    fn progress(&self, total: usize) -> Progress {
        let percent = (self.pages * 100 / total.max(1)).min(99);
        Progress { percent: u8::try_from(percent).unwrap_or(99), units_used: self.units() }
    }

    /// What to say of pages that could not be had.
    fn complaint(&self) -> Option<String> {
        match (self.failures.as_slice(), self.pages) {
            ([], _) => None,
            ([only], 1) => Some(only.clone()),
            ([first, ..], pages) => {
                Some(format!("{} of {pages} pages failed; the first: {first}", self.failures.len()))
            }
        }
    }
}

/// Writes the result and ends the task.
async fn conclude(
    app: &App,
    run: Run,
    task: &Task,
    selectors: &Selectors,
    harvest: Harvest,
    mut lines: Lines,
) -> Result<(), Lost> {
    let complaint = harvest.complaint();
    if harvest.failures.len() == harvest.pages {
        let reason = complaint.unwrap_or_else(|| "there was nothing to fetch".to_owned());
        telemetry::counter!("TasksFailed").increment(1);
        return Ok(run.fail(&reason, 0, lines.with(Level::Error, "end", format!("Failed: {reason}"))).await?);
    }
    let stored = store(app, &run, task, selectors, &harvest).await;
    let (key, bytes) = match stored {
        Ok(stored) => stored,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "the result was not stored");
            let note = lines.with(Level::Error, "result", "The result could not be stored; it will be tried again");
            return run.retry("The result could not be stored", note).await;
        }
    };
    lines.say(Level::Info, "end", format!("Completed: {} rows from {} pages", harvest.rows.len(), harvest.units()));
    let ended = run.complete(&key, bytes, complaint.as_deref(), harvest.units(), lines.take()).await;
    match &ended {
        Ok(()) => {
            telemetry::counter!("TasksCompleted").increment(1);
            discard(app, task.job.checkpoint.as_deref()).await;
        }
        // Nobody else knows of this file: the task may even be gone.
        Err(Lost::Superseded(_)) => discard(app, Some(&key)).await,
        Err(Lost::Table(_)) => {}
    }
    ended
}

/// Deletes a file that nobody will ask for. If that fails it goes with its task.
async fn discard(app: &App, file: Option<&str>) {
    if let Some(file) = file
        && let Err(error) = app.results.delete(file).await
    {
        tracing::warn!(%error, file, "a file was not deleted");
    }
}

/// Stores the rows as the file that was asked for. Its name carries the attempt's token: no two attempts write one file.
async fn store(
    app: &App,
    run: &Run,
    task: &Task,
    selectors: &Selectors,
    harvest: &Harvest,
) -> anyhow::Result<(String, u64)> {
    let format = task.config.pages.output_format;
    let columns = columns(selectors.fields(), task.config.pages.include_metadata);
    let mut file = RowWriter::new(format, columns, Vec::new())?;
    for row in &harvest.rows {
        file.write(row)?;
    }
    let file = file.finish()?;
    let (key, bytes) = (format!("{}{}.{}", task.results_prefix(), run.token(), format.extension()), file.len() as u64);
    app.results.store(&key, file, format.content_type()).await?;
    Ok((key, bytes))
}

/// Puts the work down when the time is up, for the next message to go on with. An attempt that got nowhere counts as a failed one.
async fn put_down(app: &App, run: Run, task: &Task, harvest: Harvest, mut lines: Lines) -> Result<(), Lost> {
    if harvest.pages == harvest.pages_before {
        let reason = "No page could be fetched in the time that one attempt has";
        return run.retry(reason, lines.with(Level::Error, "pause", reason)).await;
    }
    let (key, progress) =
        (format!("{}{}.part", task.results_prefix(), run.token()), harvest.progress(task.config.pages.urls.len()));
    let part = serde_json::to_vec(&harvest).unwrap_or_default();
    if let Err(error) = app.results.store(&key, part, "application/json").await {
        tracing::error!(%error, "the part was not stored");
        return run.retry("The work so far could not be stored", lines.take()).await;
    }
    lines.say(Level::Info, "pause", format!("Paused after {} pages: the rest follows at once", harvest.pages));
    run.pause(&key, progress, lines.take()).await
}

/// Takes up work that was put down.
async fn take_up(app: &App, file: &str) -> anyhow::Result<Harvest> {
    let part = app.results.read(file).await.context("the work so far could not be read")?;
    let harvest: Harvest = serde_json::from_slice(&part).context("the work so far is damaged")?;
    Ok(Harvest { pages_before: harvest.pages, ..harvest })
}

/// Gives the task back after a fault of our own, which is logged and not told.
async fn try_again(run: Run, error: anyhow::Error, mut lines: Lines) -> anyhow::Result<()> {
    tracing::error!(error = format!("{error:#}"), "the attempt was broken off");
    lines.say(Level::Error, "fault", "Interrupted by a fault on our side; it will be tried again");
    match run.retry("Interrupted by a fault on our side", lines.take()).await {
        Ok(()) | Err(Lost::Superseded(_)) => Ok(()),
        Err(Lost::Table(failed)) => Err(error.context(format!("and the task could not be given back: {failed}"))),
    }
}

/// Log lines that are not written yet.
struct Lines {
    clock: Clock,
    lines: Vec<Line>,
}

impl Lines {
    fn now(&self) -> table::Millis {
        self.clock.now()
    }

    fn add(&mut self, line: Line) {
        self.lines.push(line);
    }

    fn say(&mut self, level: Level, step: &str, message: impl Into<String>) {
        self.add(Line::new(self.clock.now(), level, step, message));
    }

    /// All lines, with this one last.
    fn with(mut self, level: Level, step: &str, message: impl Into<String>) -> Vec<Line> {
        self.say(level, step, message);
        self.lines
    }

    fn take(&mut self) -> Vec<Line> {
        std::mem::take(&mut self.lines)
    }
}

//! One attempt at a check of a monitoring task: its pages are looked at, their values compared with the last ones, its owner told, and the task
//! put to rest until its schedule's next moment (docs/decisions/0022-monitoring.md).

mod compare;
mod files;
mod letter;
mod memory;
mod post;
mod visit;
mod watched;

use std::sync::Arc;

use anyhow::Context;
use extract::{MonitoringConfig, Task, TaskType};
use jobs::{Kept, Level, Lines, Lost, Progress, Rest, Rested, Run};
use scraping::Selectors;
use spool::discard;
use table::Millis;
use tokio::time::Instant;

use self::files::Files;
use self::memory::{Done, Memory};
use self::watched::{Change, Seen, Terms, Watched};
use crate::App;
use crate::ending;
use crate::work::{Interruption, STEP, recorded, selectors};

/// How many changes the log tells of one by one.
const LOGGED: usize = 20;

/// One attempt at a check.
struct Check<'a> {
    app: &'a App,
    task: &'a Task,
    own: &'a MonitoringConfig,
    selectors: Arc<Selectors>,
    run: Kept,
    memory: Memory,
    lines: Lines,
    until: Instant,
    progress: Progress,
    /// What this check has found, unless an attempt before has.
    found: Vec<Change>,
    /// What this attempt has written, and no checkpoint names.
    unnamed: Vec<String>,
    /// What nobody asks for any more once the task rests.
    obsolete: Vec<String>,
}

/// Does what is to be done of a monitoring task now, `until` the time is up. An error means that it was not possible to record how it went.
pub(crate) async fn perform(
    app: &App,
    run: Run,
    task: &Task,
    own: &MonitoringConfig,
    until: Instant,
) -> anyhow::Result<()> {
    let selectors = match selectors(&task.config) {
        Ok(selectors) => selectors,
        Err(reason) => return recorded(app, &task.key, None, &[], run.fail(&reason, 0, Vec::new()).await).await,
    };
    let memory = Memory::read(task.job.checkpoint.as_deref());
    let mut check = Check {
        app,
        task,
        own,
        selectors,
        run: Kept::new(run),
        memory,
        lines: Lines::new(app.jobs.clock.clone()),
        until,
        progress: Progress { percent: task.job.progress, units_used: task.job.units_used },
        found: Vec::new(),
        unnamed: Vec::new(),
        obsolete: Vec::new(),
    };
    let checked = check.check().await;
    let unnamed = check.unnamed.clone();
    let written = match checked {
        Ok(Some(done)) => Box::pin(check.conclude(done)).await,
        Ok(None) => Box::pin(check.put_down()).await,
        Err(Interruption::Lost(lost)) => Err(lost),
        Err(Interruption::Fault(error)) => {
            tracing::error!(error = format!("{error:#}"), "the check was broken off");
            Box::pin(check.try_again("fault", "Interrupted by a fault on our side")).await
        }
    };
    recorded(app, &task.key, None, &unnamed, written).await
}

impl Check<'_> {
    /// Makes the check, unless an attempt before has; none if the time is up. What its owner is to be told is recorded first, so that whoever goes on
    /// tells it.
    async fn check(&mut self) -> Result<Option<Done>, Interruption> {
        if let Some(done) = self.memory.done.clone() {
            return Ok(Some(done));
        }
        let Some(seen) = self.visit().await? else { return Ok(None) };
        let done = self.compare(seen).await?;
        if done.reported > 0 && self.own.notification_email.is_some() {
            self.memory.done = Some(done.clone());
            self.run.hold().await.checkpoint(&self.memory.checkpoint(), self.progress, self.lines.take()).await?;
            self.unnamed.clear();
        }
        Ok(Some(done))
    }

    /// Compares what was seen with what is known, and stores it where that is news.
    async fn compare(&mut self, seen: Vec<Seen>) -> Result<Done, Interruption> {
        let files = Files { results: &self.app.results, task: self.task };
        let known = files.watched(self.memory.files).await.context("what is known cannot be read");
        let known = known.map_err(Interruption::Fault)?;
        let (note, had) = (complaint(&seen), seen.iter().filter(|seen| seen.is_ok()).count());
        let (watched, found) = self.looked(known.clone(), seen);
        let reported = found.iter().filter(|change| change.reported).count();
        self.tell_log(&found, reported, had);
        self.found = found;
        let mut done = Done { units: self.progress.units_used, reported, result_bytes: None, note };
        if watched != known && watched.pages.iter().any(Option::is_some) {
            done.result_bytes = Some(self.store(&watched).await?);
        }
        Ok(done)
    }

    fn looked(&self, mut watched: Watched, seen: Vec<Seen>) -> (Watched, Vec<Change>) {
        let fields: Vec<_> = self.selectors.fields().map(str::to_owned).collect();
        let terms = Terms {
            urls: &self.task.config.pages.urls,
            fields: &fields,
            threshold: self.own.change_threshold,
            check: self.memory.checks + 1,
            checked_at: self.lines.now(),
        };
        let found = watched.look(terms, seen);
        (watched, found)
    }

    fn tell_log(&mut self, found: &[Change], reported: usize, had: usize) {
        for change in found.iter().take(LOGGED) {
            let difference = &change.difference;
            let line = format!("{}: {} (row {}) has changed", change.url, difference.field, difference.row);
            let line = jobs::Line::new(self.lines.now(), Level::Info, "compare", line);
            let line = line.with("old", difference.old.clone()).with("new", difference.new.clone());
            self.lines.add(line.with("change", difference.by).with("reported", change.reported));
        }
        let (check, threshold) = (self.memory.checks + 1, self.own.change_threshold);
        let said = match found.len() {
            0 => format!("Check {check} has found no change on {had} pages"),
            found => {
                format!("Check {check} has found {found} changes on {had} pages, {reported} of at least {threshold}")
            }
        };
        self.lines.say(Level::Info, "compare", said);
    }

    /// Stores what is known now, as the next generation of files; gives the size of the result.
    async fn store(&mut self, watched: &Watched) -> Result<u64, Interruption> {
        let files = Files { results: &self.app.results, task: self.task };
        let token = self.run.token();
        self.unnamed.extend(files.keys(token));
        let storing = Box::pin(files.store(token, watched, &self.selectors));
        let stored = self.run.during(self.progress, STEP, self.until, storing).await?;
        let stored = stored.context("there was no time to store the values").map_err(Interruption::Fault)?;
        let stored = stored.context("the values were not stored").map_err(Interruption::Fault)?;
        stored.tell(&mut self.lines);
        self.obsolete.extend(self.memory.turn(token).into_iter().flat_map(|files_before| files.keys(files_before)));
        Ok(stored.bytes)
    }

    /// Tells the owner, and lets the task rest.
    async fn conclude(mut self, done: Done) -> Result<(), Lost> {
        if done.reported > 0 && !self.tell_owner(&done).await? {
            return self.try_again_with(done, "mail", "The e-mail about the last check could not be sent").await;
        }
        self.rest(done).await
    }

    /// Gives the task back after a fault that may pass. Where all attempts are used up the check is left out, and the task goes on with the next.
    async fn try_again(mut self, step: &str, reason: &str) -> Result<(), Lost> {
        // What this attempt has made of it counts for nothing: the next check compares with the same values.
        self.memory = Memory::read(self.task.job.checkpoint.as_deref());
        let left_out = Done { units: 0, note: Some(reason.to_owned()), ..Done::default() };
        self.try_again_with(left_out, step, reason).await
    }

    async fn try_again_with(mut self, done: Done, step: &str, reason: &str) -> Result<(), Lost> {
        if self.task.job.attempts < self.app.jobs.policy.attempts {
            let lines = self.lines.with(Level::Error, step, format!("{reason}; it will be tried again"));
            return self.run.into_inner().retry(reason, lines).await;
        }
        self.lines.say(Level::Error, step, format!("{reason}, and it is not tried any more"));
        self.rest(done).await
    }

    /// Puts the check down when the time is up, for the next message to go on with. An attempt that got nowhere counts as a failed one.
    async fn put_down(mut self) -> Result<(), Lost> {
        let (checkpoint, progress) = (self.memory.checkpoint(), self.progress);
        if self.memory.under_way != Some(self.run.token()) {
            let why = "No page could be fetched in the time that one attempt has";
            return Box::pin(self.try_again("pause", why)).await;
        }
        let lines = self.lines.take();
        self.run.into_inner().pause(&checkpoint, progress, lines).await
    }

    /// Charges the check, and lets the task rest until the next; it ends where its owner's account does not carry it any more.
    async fn rest(self, done: Done) -> Result<(), Lost> {
        let Self { app, task, own, run, memory, mut lines, obsolete, .. } = self;
        let (run, now, files) = (run.into_inner(), lines.now(), Files { results: &app.results, task });
        let plan = app.accounts.renew(&task.user_id).await?;
        if !plan.is_some_and(|plan| plan.runs(TaskType::Monitoring)) {
            let reason = "The plan does not run monitoring tasks any more";
            telemetry::counter!("TasksFailed").increment(1);
            return ending::fail(run, reason, done.units, lines).await;
        }
        let Some(next) = own.schedule.next_run(due_at(&memory, task, now), now) else {
            return run.fail("The schedule has no further moment", done.units, lines.take()).await;
        };
        let result =
            memory.files.zip(done.result_bytes).map(|(generation, bytes)| (files.values_key(generation), bytes));
        let checkpoint = memory.at_rest(next).checkpoint();
        let rest = Rest {
            until: next,
            units_used: done.units,
            checkpoint: &checkpoint,
            result: result.as_ref().map(|(key, bytes)| (key.as_str(), *bytes)),
            note: done.note.as_deref(),
        };
        match run.rest_until(rest, lines.take()).await? {
            Rested::Rests => telemetry::counter!("ChecksDone").increment(1),
            Rested::OutOfUnits => telemetry::counter!("TasksFailed").increment(1),
        }
        if !obsolete.is_empty() {
            discard(&app.results, &obsolete).await;
        }
        Ok(())
    }
}

/// When the check was due. The first is when it begins.
fn due_at(memory: &Memory, task: &Task, now: Millis) -> Millis {
    memory.due_at.or(task.job.started_at).unwrap_or(now)
}

/// What to say of pages that could not be had.
fn complaint(seen: &[Seen]) -> Option<String> {
    let failed: Vec<_> = seen.iter().filter_map(|seen| seen.as_ref().err()).collect();
    match (failed.as_slice(), seen.len()) {
        ([], _) => None,
        ([only], 1) => Some((*only).clone()),
        ([first, ..], pages) => {
            Some(format!("{} of {pages} pages failed at the last check; the first: {first}", failed.len()))
        }
    }
}

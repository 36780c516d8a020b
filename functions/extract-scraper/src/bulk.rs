//! A task in bulk: its pages handed out in batches, which any workers do, and what the batches leave put together to one result.
//!
//! The task itself takes two short attempts: the first hands out, the second, once the last batch has ended, puts together. A batch is a [`Portion`] as any
//! other, and leaves its pieces in a file. What a batch has to log is in its task's log, as it happens.
//!
//! Whatever happens twice does no harm: batches that were handed out by an attempt which lost its lease are inert, and go when somebody is hinted at them;
//! a result that was written by such an attempt has its own name; and what is cleared away is so after the end is recorded, or else goes with the task.

use std::io;

use anyhow::Context;
use extract::{Batch, BulkConfig, Task, TaskConfig};
use jobs::{Join, Kept, Level, Lines, Lost, Progress, Results, Run, StoreError};
use scraping::export::columns;
use spool::{Stored, ToWriter, Unstored, discard, feed_file, stored};
use table::Key;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::App;
use crate::ending::{self, Done};
use crate::harvest::{LARGEST_RESULT, complaint};
use crate::piece::Piece;
use crate::together::Together;
use crate::work::STEP;

/// Hands the pages out in batches.
pub(crate) async fn hand_out(app: &App, run: Run, task: &Task, bulk: &BulkConfig) -> anyhow::Result<()> {
    let (part_of, pages) = (run.part_of(), task.config.pages.urls.len());
    let (batches, sharing) = (Batch::all_of(task, bulk, &part_of, &app.jobs), bulk.sharing(pages));
    let (count, slots) = (batches.len(), sharing.slots);
    let at_once = slots as usize * sharing.at_once;
    let told = format!("Handed out {pages} pages in {count} batches, {at_once} pages at once");
    let lines = Lines::new(app.jobs.clock.clone()).with(Level::Info, "start", told);
    match run.fan_out(&batches, slots, "handed out", lines).await {
        Err(Lost::Superseded(_)) => {
            tracing::info!("stopped: the task was cancelled, or is another worker's");
            Ok(app.jobs.drop_children(&part_of.join).await?)
        }
        handed_out => handed_out.context("the batches were not handed out"),
    }
}

/// The attempt that puts a task together.
struct Finish<'a> {
    app: &'a App,
    task: &'a Task,
    run: Kept,
    join: Join,
    batches: Vec<Batch>,
    lines: Lines,
    until: Instant,
}

/// Puts together what the batches have left, and ends the task. An error means that it was not possible to record how it went.
pub(crate) async fn put_together(
    app: &App,
    mut run: Run,
    task: &Task,
    join: &Key,
    until: Instant,
) -> anyhow::Result<()> {
    let (join, batches) = tokio::try_join!(app.jobs.join(join), app.jobs.children(join))?;
    let Some(join) = join else {
        // If it is lost otherwise than by a cancellation, the task is given up when its attempts are used up.
        tracing::warn!("stopped: the batches are gone");
        return Ok(());
    };
    run.go_on_after(&join);
    let lines = Lines::new(app.jobs.clock.clone());
    let finish = Finish { app, task, run: Kept::new(run), join, batches, lines, until };
    match Box::pin(finish.conclude()).await {
        Err(Lost::Superseded(_)) => {
            tracing::info!("stopped: the task was cancelled, or is another worker's");
            Ok(())
        }
        ended => ended.context("the task's end was not recorded"),
    }
}

impl Finish<'_> {
    async fn conclude(mut self) -> Result<(), Lost> {
        let (pages, had) =
            (self.task.config.pages.urls.len(), usize::try_from(self.join.units_used).unwrap_or(usize::MAX));
        let first_failure = self.batches.iter().find_map(|batch| batch.job.error_message.as_deref());
        let complaint = first_failure.map(|first| complaint(pages.saturating_sub(had), pages, first));
        for batch in self.batches.iter().filter(|batch| batch.job.result_key.is_none()) {
            let (pages, why) = (batch.pages(), batch.job.error_message.as_deref().unwrap_or_default());
            let lost = format!("Pages {} to {} failed together: {why}", pages.start + 1, pages.end);
            self.lines.say(Level::Error, "batch", lost);
        }
        if had == 0 {
            return self.fail(&complaint.unwrap_or_else(|| "there was nothing to fetch".to_owned())).await;
        }
        if self.batches.iter().filter_map(|batch| batch.job.result_bytes).sum::<u64>() > LARGEST_RESULT {
            return self.fail(&ending::too_large()).await;
        }
        // What was used is known by the join: whoever cancels the task now adds the two.
        let progress = Progress { percent: 99, units_used: 0 };
        let storing = Box::pin(store(&self.app.results, self.task, self.run.token(), &self.batches));
        match stored(self.run.during(progress, STEP, self.until, storing).await?) {
            Ok((stored, rows)) => self.complete(stored, rows, complaint).await,
            Err(why @ Unstored::TooLarge(_)) => self.fail(&why.to_string()).await,
            Err(why @ (Unstored::Fault | Unstored::OutOfTime)) => self.try_again(&why.to_string()).await,
        }
    }

    async fn complete(self, stored: Stored, rows: u64, complaint: Option<String>) -> Result<(), Lost> {
        let units = self.join.units_used;
        let done = Done { stored, complaint, units, told: format!("Completed: {rows} rows from {units} pages") };
        ending::complete(self.app, self.run.into_inner(), done, self.lines).await?;
        telemetry::counter!("TasksCompleted").increment(1);
        clear_away(self.app, &self.join.key, &self.batches).await;
        Ok(())
    }

    /// Ends the task badly. It costs nothing.
    async fn fail(self, reason: &str) -> Result<(), Lost> {
        ending::fail(self.run.into_inner(), reason, 0, self.lines).await?;
        telemetry::counter!("TasksFailed").increment(1);
        clear_away(self.app, &self.join.key, &self.batches).await;
        Ok(())
    }

    /// Gives the task back, to be put together by another attempt.
    async fn try_again(self, reason: &str) -> Result<(), Lost> {
        let lines = self.lines.with(Level::Error, "result", format!("{reason}; it will be tried again"));
        self.run.into_inner().retry(reason, lines).await
    }
}

/// Writes what the batches have left, in the order of the pages, and says how many rows that is.
async fn store(results: &Results, task: &Task, token: u64, batches: &[Batch]) -> Result<(Stored, u64), StoreError> {
    let form = task.config.result_form();
    let key = format!("{}{token}.{}", task.results_prefix(), form.extension());
    let (columns, urls) = (columns_of(&task.config), task.config.pages.urls.clone());
    let (sender, mut pieces) = mpsc::channel::<io::Result<Vec<Piece>>>(1);
    let storing = results.store_written(&key, form.content_type(), move |file| {
        let mut together = Together::new(form, columns, file)?;
        while let Some(some) = pieces.blocking_recv() {
            some?.into_iter().try_for_each(|piece| together.write(piece))?;
        }
        together.finish(&urls)
    });
    let ((), stored) = tokio::join!(feed(results, batches, sender), storing);
    let (written, bytes) = stored?;
    Ok((Stored { key, bytes, notes: written.notes }, written.rows))
}

/// Sends all pieces to the writer, or why they cannot be had. Of a batch that was given up, all pages have failed.
async fn feed(results: &Results, batches: &[Batch], writer: ToWriter<Piece>) {
    for batch in batches {
        let sent = if let Some(key) = &batch.job.result_key {
            feed_file(results, key, &writer).await
        } else {
            let why = batch.job.error_message.as_deref().unwrap_or_default();
            let failures = batch.pages().map(|page| Piece::failure(page, why.to_owned())).collect();
            writer.send(Ok(failures)).await.is_ok()
        };
        if !sent {
            // The writer has given up, and says why itself.
            return;
        }
    }
}

fn columns_of(config: &TaskConfig) -> Vec<String> {
    columns(config.pages.selectors.keys().map(String::as_str), config.pages.include_metadata)
}

/// Deletes what the batches have left, and them. If that fails it goes with the task.
async fn clear_away(app: &App, join: &Key, batches: &[Batch]) {
    let keys: Vec<_> = batches.iter().filter_map(|batch| batch.job.result_key.clone()).collect();
    let ((), dropped) = tokio::join!(discard(&app.results, &keys), app.jobs.drop_children(join));
    if let Err(error) = dropped {
        tracing::warn!(%error, join = join.pk, "batches were not deleted");
    }
}

//! A check's look at its pages, one after the other by their hosts' patience.

use std::sync::Arc;

use anyhow::Context;
use futures::{StreamExt, stream};
use jobs::{Level, Line, Progress};
use tokio::time::Instant;

use super::Check;
use super::files::Files;
use super::watched::{Seen, bounded};
use crate::pace::Pace;
use crate::pages;
use crate::portion::AT_ONCE;
use crate::work::{CHECKPOINT, Interruption, steps};

/// How many warnings of one page go to the log.
const WARNINGS: usize = 5;

impl Check<'_> {
    /// Looks at the pages that are left, recording steps as it goes; none if the time is up, with what is done in a file.
    pub(super) async fn visit(&mut self) -> Result<Option<Vec<Seen>>, Interruption> {
        let (app, config) = (self.app, &self.task.config);
        let files = Files { results: &app.results, task: self.task };
        let begun = files.seen(self.memory.under_way).await.context("the pages so far cannot be read");
        let mut seen = begun.map_err(Interruption::Fault)?;
        self.obsolete.extend(self.memory.under_way.map(|token| files.seen_key(token)));
        let (total, before) = (config.pages.urls.len(), seen.len());
        let check = self.memory.checks + 1;
        self.lines.say(
            Level::Info,
            "start",
            format!("Check {check}: {} of {total} pages to fetch", total - before.min(total)),
        );

        let (selectors, rate) = (Arc::clone(&self.selectors), Pace::of(config));
        let left = config.pages.urls.iter().skip(before);
        let mut left = stream::iter(left).map(|url| pages::take(app, url, config, &selectors, &rate)).buffered(AT_ONCE);
        let (mut step, mut stored, mut stored_at) = (steps(), before, Instant::now());
        loop {
            tokio::select! {
                page = left.next() => match page {
                    Some((url, outcome)) => seen.push(self.see(url, outcome.map_err(|error| error.to_string()))),
                    None => return Ok(Some(seen)),
                },
                _ = step.tick() => self.run.hold().await.record(self.progress, self.lines.take()).await?,
                () = tokio::time::sleep_until(self.until) => {
                    if seen.len() > before {
                        self.store_seen(&seen).await?;
                    }
                    return Ok(None);
                }
            }
            let had = seen.iter().filter(|page| page.is_ok()).count();
            let percent = u8::try_from(seen.len() * 100 / total.max(1)).unwrap_or(99).min(99);
            self.progress = Progress { percent, units_used: had as u64 * config.source().units() };
            if seen.len() > stored && stored_at.elapsed() >= CHECKPOINT {
                self.store_seen(&seen).await?;
                self.run.hold().await.checkpoint(&self.memory.checkpoint(), self.progress, self.lines.take()).await?;
                (stored, stored_at) = (seen.len(), Instant::now());
            }
        }
    }

    /// Stores the pages so far: what is done is not done again, whatever becomes of this worker.
    async fn store_seen(&mut self, seen: &[Seen]) -> Result<(), Interruption> {
        let token = self.run.token();
        let files = Files { results: &self.app.results, task: self.task };
        let stored = files.store_seen(token, seen).await.context("the pages so far could not be stored");
        stored.map_err(Interruption::Fault)?;
        self.memory.under_way = Some(token);
        self.obsolete.push(files.seen_key(token));
        Ok(())
    }

    /// A page as it is watched.
    fn see(&mut self, url: &str, taken: Result<pages::Taken, String>) -> Seen {
        let seen = taken.and_then(|taken| {
            for warning in taken.warnings.into_iter().take(WARNINGS) {
                let line = Line::new(self.lines.now(), Level::Warning, "extract", format!("{url}: {warning}"));
                self.lines.add(line.with("url", url));
            }
            bounded(taken.rows).map_err(|why| format!("{url}: {why}"))
        });
        if let Err(why) = &seen {
            let line = Line::new(self.lines.now(), Level::Error, "fetch", format!("{why}; its last values stay"));
            self.lines.add(line.with("url", url));
        }
        seen
    }
}

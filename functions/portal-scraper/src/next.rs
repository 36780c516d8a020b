//! What becomes of a job when an attempt leaves it: decided first, then recorded by one write.

use std::time::Duration;

use jobs::{Level, Lost};
use portals::{PortalJobs, Report};
use recipes::ScrapeError;
use spool::discard;
use table::Update;
use tokio::time::Instant;

use crate::attempt::{Attempt, STEP};
use crate::ending::{self, End, Told};
use crate::files;
use crate::memory::Memory;

/// How long an e-mail may take to be sent.
const MAIL: Duration = Duration::from_secs(10);

/// What becomes of a job when an attempt leaves it.
pub(crate) enum Next {
    /// It ends.
    End(End),
    /// It is gone on with at once: the time of this attempt is up.
    Pause,
    /// It is gone on with after a pause that grows with the attempts made, for this reason.
    Retry(String),
    /// It waits for its account.
    Wait,
}

impl Attempt<'_> {
    /// The job is put down, since the time is up. An attempt that got nowhere counts as a failed one; `stuck` says at what.
    pub(crate) fn put_down(&self, stuck: &str) -> Next {
        if self.memory.has_advanced() { Next::Pause } else { self.again(stuck.to_owned()) }
    }

    /// It is tried again later, unless this was the last attempt: then it fails here, where its account's owner is told.
    pub(crate) fn again(&self, reason: String) -> Next {
        if self.memory.has_advanced() || self.has_attempts_left() {
            return Next::Retry(reason);
        }
        self.given_up(&reason)
    }

    fn has_attempts_left(&self) -> bool {
        self.attempts < self.app.jobs.jobs.policy.attempts
    }

    fn given_up(&self, reason: &str) -> Next {
        Next::End(End::failed(format!("Given up after {} attempts: {reason}", self.attempts)))
    }

    /// A fault of our own is logged, and not told.
    pub(crate) fn interrupted(&self, error: &anyhow::Error) -> Next {
        tracing::error!(error = format!("{error:#}"), "the attempt was broken off");
        self.again("Interrupted by a fault on our side".to_owned())
    }

    /// It is begun anew some time later, unless that was done too often, or this was the last attempt: what was had, and what there is now, are not of one
    /// piece.
    pub(crate) fn anew(&mut self, error: &ScrapeError) -> Next {
        if !self.has_attempts_left() {
            return self.given_up(&error.to_string());
        }
        let Some(parts) = self.memory.begin_anew() else { return Next::End(End::failed(error.to_string())) };
        self.unnamed.extend(files::part_keys(self.job, &parts));
        Next::Retry(format!("{error}; it is begun anew"))
    }

    /// Tells the account's owner how the job ends, which is recorded before: so whoever goes on tells it.
    pub(crate) async fn tell(&mut self, end: End) -> Result<Next, Lost> {
        if !self.app.mailer.is_on() {
            return Ok(Next::End(end));
        }
        if !self.is_decided {
            self.memory.decide(end.clone());
            self.checkpoint().await?;
            self.is_decided = true;
            self.unnamed.clear();
        }
        let (progress, is_counted) = (self.memory.progress(), self.memory.is_mail_counted());
        let telling = Box::pin(ending::tell(self.app, self.job, &end, is_counted, &mut self.lines));
        let told = self.run.during(progress, STEP, Instant::now() + MAIL, telling).await?.transpose()?;
        if told.is_none_or(|told| matches!(told, Told::Later)) {
            let reason = "The e-mail about the end could not be sent";
            if self.has_attempts_left() {
                return Ok(Next::Retry(reason.to_owned()));
            }
            self.lines.say(Level::Error, "mail", format!("{reason}, and is not tried any more"));
        }
        Ok(Next::End(end))
    }

    /// The files that nobody asks for if the job is gone, or somebody else has ended it.
    pub(crate) fn own_files(&self) -> Vec<String> {
        if self.is_decided {
            // Whoever goes on ends it with them.
            return Vec::new();
        }
        [files::part_keys(self.job, self.memory.parts()), self.unnamed.clone()].concat()
    }

    /// Records what becomes of the job, and deletes what nobody asks for any more.
    pub(crate) async fn finish(self, next: Next) -> Result<(), Lost> {
        let (app, unnamed) = (self.app, self.unnamed.clone());
        let parts = files::part_keys(self.job, self.memory.parts());
        let obsolete = match &next {
            Next::End(End::Completed { .. }) => parts,
            Next::End(End::Failed { .. }) => [parts, unnamed].concat(),
            Next::Retry(_) => unnamed,
            Next::Pause | Next::Wait => Vec::new(),
        };
        Box::pin(self.record(next)).await?;
        if !obsolete.is_empty() {
            discard(&app.results, &obsolete).await;
        }
        Ok(())
    }

    async fn record(self, next: Next) -> Result<(), Lost> {
        let Self { app, worker, run, memory, lines, .. } = self;
        let (run, message) = (run.into_inner(), next.message(&memory));
        let report = Report { worker: worker.name, entity_name: memory.entity(), message: &message };
        match next {
            Next::End(End::Completed { files, .. }) => {
                PortalJobs::complete(run, &files, report, lines.with(Level::Info, "end", &*message)).await?;
                telemetry::counter!("PortalJobsCompleted").increment(1);
            }
            Next::End(End::Failed { .. }) => {
                PortalJobs::fail(run, report, lines.with(Level::Error, "end", &*message)).await?;
                telemetry::counter!("PortalJobsFailed").increment(1);
            }
            Next::Pause => {
                let lines = lines.with(Level::Info, "pause", &*message);
                run.pause(&memory.checkpoint(), memory.progress(), lines).await?;
            }
            Next::Retry(reason) => {
                let percent = u64::from(memory.progress().percent);
                let mut more = report.update().set("checkpoint", memory.checkpoint()).set("progress", percent);
                if memory.has_advanced() {
                    // What failed before is behind it.
                    more = more.set("attempts", 0_u64);
                }
                run.retry_with(&reason, more, lines.with(Level::Error, "retry", &*message)).await?;
            }
            Next::Wait => {
                // Who has the account and gives no sign of life is found out after a lease.
                let pause = app.jobs.jobs.policy.lease.mul_f64(0.5 + fastrand::f64());
                run.put_off(pause, Update::new().set("message", message)).await?;
            }
        }
        Ok(())
    }

    /// What is so of the job's item besides how far it is.
    pub(crate) fn report<'r>(&'r self, message: &'r str) -> Report<'r> {
        Report { worker: self.worker.name, entity_name: self.memory.entity(), message }
    }
}

impl Next {
    /// What callers are told.
    fn message(&self, memory: &Memory) -> String {
        match self {
            Self::End(end) => end.message(),
            Self::Pause => format!("{}; the rest follows at once", memory.told()),
            Self::Retry(reason) => format!("{reason}; it will be tried again"),
            Self::Wait => "Waits for another job with this account".to_owned(),
        }
    }
}

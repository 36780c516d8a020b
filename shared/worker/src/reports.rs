//! What a report does to a task: pure.

use std::time::Duration;

use lease::{Available, Holder, backoff, rules};
use serde::Deserialize;
use serde_json::Value as Json;
use table::{Millis, Update, new_nonce};

use crate::task::{Task, TaskStatus};

/// The longest pause before the first retry; it doubles with each (RULINGS.md, "worker-api").
const RETRY_BASE: Duration = Duration::from_secs(30);
/// The longest pause before any.
const RETRY_CAP: Duration = Duration::from_hours(1);

/// How a task ended, in the words of its worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It is done.
    Success,
    /// It is not, and may be tried again.
    Failed,
    /// It is not, and trying again would not help.
    Error,
}

impl Outcome {
    /// Every outcome, by its name.
    pub const ALL: [(&'static str, Self); 3] =
        [("success", Self::Success), ("failed", Self::Failed), ("error", Self::Error)];
}

/// What a worker says of the task that it has locked.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// What came of it.
    pub result: Option<Json>,
    /// What went wrong.
    pub error: Option<String>,
}

/// Why something was not done to a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Another worker has locked it.
    LockedByAnother,
    /// Nobody has locked it.
    NotLocked,
    /// It has ended.
    Ended,
    /// It rests until its next try.
    Resting,
}

impl Refusal {
    /// The refusal as a sentence.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::LockedByAnother => "Task already locked",
            Self::NotLocked => "Task is not running: lock it first",
            Self::Ended => "Task has ended",
            Self::Resting => "Task is waiting for its next try",
        }
    }
}

/// What becomes of a report.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// It was taken before.
    Taken,
    /// It is not to be taken.
    Refused(Refusal),
    /// This write takes it, if the task is still as it was.
    Write(Update),
}

impl Report {
    /// What becomes of this report of `holder` (whoever holds the task, if none) on `task`. `random` is from 0 to 1.
    pub(crate) fn on(&self, task: &Task, holder: Option<Holder<'_>>, now: Millis, random: f64) -> Verdict {
        let is_repeated = task.lease.lease_owner.is_none()
            && task.last_report == Some(self.word_for_word())
            && holder.is_none_or(|holder| match holder {
                Holder::Token(token) => token == task.lease.lease_token,
                Holder::Owner(name) => task.last_holder.as_deref() == Some(name),
            });
        if is_repeated {
            return Verdict::Taken;
        }
        if let Err(refusal) = task.held_by(holder) {
            return Verdict::Refused(refusal);
        }
        let retry = (self.outcome == Outcome::Failed && task.retry_count < task.max_retries).then(|| {
            let pause = backoff::jittered(RETRY_BASE, task.retry_count, RETRY_CAP, random);
            Retry { number: task.retry_count + 1, at: now.after(pause) }
        });
        Verdict::Write(self.ending(Holder::Token(task.lease.lease_token), retry, now))
    }

    /// The write that ends the lock of `holder` with this report; none for a failure, of which the task has to be known.
    pub(crate) fn at_once(&self, holder: Holder<'_>, now: Millis) -> Option<Update> {
        (self.outcome != Outcome::Failed).then(|| self.ending(holder, None, now))
    }

    fn ending(&self, holder: Holder<'_>, retry: Option<Retry>, now: Millis) -> Update {
        let (status, available) = match (self.outcome, &retry) {
            (Outcome::Success, _) => (TaskStatus::Success, Available::Never),
            (Outcome::Error, _) => (TaskStatus::Error, Available::Never),
            (Outcome::Failed, Some(retry)) => (TaskStatus::Pending, Available::From(retry.at)),
            (Outcome::Failed, None) => (TaskStatus::Failed, Available::Never),
        };
        let ending = rules::release(holder, available, &new_nonce())
            .copy("last_holder", "lease_owner")
            .set("last_report", self.word_for_word())
            .set("status", status.as_str())
            .set("updated_at", now)
            .remove("locked_at")
            .set_or_remove("result", self.result.as_ref().map(Json::to_string))
            .set_or_remove("last_error", self.error.as_deref());
        match retry {
            Some(retry) => ending.set("retry_count", retry.number),
            None => ending.set("finished_at", now),
        }
    }

    /// The report as a text: equal texts are equal reports.
    fn word_for_word(&self) -> String {
        let name = Outcome::ALL.iter().find(|(_, outcome)| *outcome == self.outcome).map_or("", |(name, _)| name);
        let result = self.result.as_ref().map(Json::to_string).unwrap_or_default();
        format!("{name} {result} {}", self.error.as_deref().unwrap_or_default())
    }
}

impl Task {
    /// Goes on only if `holder` (anyone, if none) has locked the task, be it that the lock has run out and nobody has locked it since.
    pub(crate) fn held_by(&self, holder: Option<Holder<'_>>) -> Result<(), Refusal> {
        let Some(owner) = self.lease.lease_owner.as_deref() else {
            return Err(if self.status.is_final() { Refusal::Ended } else { Refusal::NotLocked });
        };
        let is_holder = holder.is_none_or(|holder| match holder {
            Holder::Token(token) => token == self.lease.lease_token,
            Holder::Owner(name) => name == owner,
        });
        if is_holder { Ok(()) } else { Err(Refusal::LockedByAnother) }
    }
}

struct Retry {
    number: u64,
    at: Millis,
}

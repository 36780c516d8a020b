//! What a report does to a task: pure.

use std::time::Duration;
use utoipa::ToSchema;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
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
    /// It has not ended badly.
    NotFailed,
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
            Self::NotFailed => "Task has not failed",
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
            None if self.outcome == Outcome::Success => ending.set("finished_at", now),
            None => ending.set("finished_at", now).set("failed_at", now),
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

#[cfg(test)]
mod tests {
    use serde_json::json;
    use table::{Item, decode};

    use super::*;
    use crate::task::NewTask;

    const NOW: Millis = Millis(1_000_000);

    /// A task with two retries that `w` has locked, as it is stored.
    fn locked() -> Item {
        let new: NewTask = input::form(&json!({"campaign_id": 1, "type": "comment", "max_retries": 2})).unwrap();
        let mut item = serde_dynamo::to_item(new.at(7, Millis(0), Millis(0))).unwrap();
        lock(&mut item);
        item
    }

    fn lock(item: &mut Item) {
        let claim = rules::claim(Millis(u64::MAX / 2), "w", Duration::ZERO, "nonce").set("status", "running");
        assert!(claim.remove("last_report").apply(item));
    }

    fn report(outcome: Outcome) -> Report {
        Report { outcome, result: Some(json!({"url": "u"})), error: Some("e".to_owned()) }
    }

    fn judged(item: &Item, report: &Report, holder: Option<Holder<'_>>) -> Verdict {
        report.on(&decode(item.clone()).unwrap(), holder, NOW, 1.0)
    }

    /// Takes a report of whoever holds the task, and gives the task as it is then.
    fn taken(item: &mut Item, outcome: Outcome) -> Task {
        let Verdict::Write(ending) = judged(item, &report(outcome), None) else { panic!("it was not taken") };
        assert!(ending.apply(item));
        decode(item.clone()).unwrap()
    }

    #[test]
    fn success_and_error_end_a_task_and_failures_do_when_the_retries_are_used_up() {
        for (outcome, status) in [(Outcome::Success, TaskStatus::Success), (Outcome::Error, TaskStatus::Error)] {
            let task = taken(&mut locked(), outcome);
            assert_eq!((task.status, task.lease.claimable_at, task.finished_at), (status, None, Some(NOW)));
            assert_eq!((task.last_error.as_deref(), task.last_holder.as_deref()), (Some("e"), Some("w")));
        }
        let mut item = locked();
        for (retry, pause) in [(1, 30_000), (2, 60_000)] {
            let task = taken(&mut item, Outcome::Failed);
            assert_eq!((task.status, task.retry_count, task.finished_at), (TaskStatus::Pending, retry, None));
            assert_eq!(task.lease.claimable_at, Some(Millis(NOW.0 + pause)));
            lock(&mut item);
        }
        let task = taken(&mut item, Outcome::Failed);
        assert_eq!((task.status, task.retry_count, task.lease.claimable_at), (TaskStatus::Failed, 2, None));
    }

    #[test]
    fn only_the_holder_of_a_lock_is_heard_and_only_once() {
        let (item, success) = (locked(), report(Outcome::Success));
        for (holder, heard) in [
            (None, true),
            (Some(Holder::Owner("w")), true),
            (Some(Holder::Token(1)), true),
            (Some(Holder::Owner("v")), false),
            (Some(Holder::Token(2)), false),
        ] {
            let verdict = judged(&item, &success, holder);
            assert_eq!(matches!(verdict, Verdict::Write(_)), heard, "{holder:?}");
            assert!(heard || verdict == Verdict::Refused(Refusal::LockedByAnother), "{holder:?}: {verdict:?}");
        }
        let mut ended = item.clone();
        taken(&mut ended, Outcome::Success);
        for (holder, verdict) in [
            (None, Verdict::Taken),
            (Some(Holder::Owner("w")), Verdict::Taken),
            (Some(Holder::Token(1)), Verdict::Taken),
            (Some(Holder::Owner("v")), Verdict::Refused(Refusal::Ended)),
        ] {
            assert_eq!(judged(&ended, &success, holder), verdict, "{holder:?}");
        }
        assert_eq!(judged(&ended, &report(Outcome::Error), None), Verdict::Refused(Refusal::Ended));
        let mut resting = item;
        taken(&mut resting, Outcome::Failed);
        assert_eq!(judged(&resting, &report(Outcome::Failed), None), Verdict::Taken);
        assert_eq!(judged(&resting, &success, None), Verdict::Refused(Refusal::NotLocked));
        // Locked again by the same worker: the report of the lock before is not that of this one.
        lock(&mut resting);
        assert!(matches!(judged(&resting, &report(Outcome::Failed), None), Verdict::Write(_)));
    }

    #[test]
    fn what_ends_a_task_at_once_is_what_ends_it_after_a_look() {
        for outcome in [Outcome::Success, Outcome::Error] {
            let (mut at_once, mut looked) = (locked(), locked());
            assert!(report(outcome).at_once(Holder::Owner("w"), NOW).unwrap().apply(&mut at_once));
            taken(&mut looked, outcome);
            for item in [&mut at_once, &mut looked] {
                item.remove("lease_nonce");
            }
            assert_eq!(at_once, looked);
        }
        assert_eq!(report(Outcome::Failed).at_once(Holder::Owner("w"), NOW), None);
    }
}

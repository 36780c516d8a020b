//! A job in a list.

use jobs::{Join, Status};
use serde::Serialize;
use table::Millis;

use super::name::JobName;
use super::record::Record;
use crate::{redacted, shown};

/// A job in a list, of whatever kind. Texts of its owner's (`title`, `error`) may hold anything.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JobRow {
    /// What it is called.
    #[serde(flatten)]
    pub name: JobName,
    /// What it is of its kind: `simple_scraping`, `pwmr`, `profile`, ….
    pub sort: &'static str,
    /// What its owner would know it by: a task's name, the account of a portal job, what a video job's videos are of.
    pub title: String,
    /// Where it stands.
    pub status: Status,
    /// Whether it rests until the next part of its work, which is at `due_at`: so a monitor does between its checks.
    pub rests: bool,
    /// Whether an operator has put it aside.
    pub paused: bool,
    /// How much of it is done, in percent, with what its parts have done.
    pub progress: u8,
    /// What it was split into; none if it was not.
    pub parts: Option<Parts>,
    /// Who has it now.
    pub held: Option<Hold>,
    /// How often a worker has begun, since the last checkpoint.
    pub attempts: u64,
    /// How often it was taken up again after it had failed.
    pub redrives: u64,
    /// The compute units that it has used.
    pub units_used: u64,
    /// When its message counts as lost, its lease as abandoned, or the next part of its work is due; none if it has ended, or waits for its parts.
    #[serde(serialize_with = "shown::maybe_moment")]
    pub due_at: Option<Millis>,
    /// When it was submitted.
    #[serde(serialize_with = "shown::moment")]
    pub created_at: Millis,
    /// When a worker first began.
    #[serde(serialize_with = "shown::maybe_moment")]
    pub started_at: Option<Millis>,
    /// When anything of it last changed.
    #[serde(serialize_with = "shown::moment")]
    pub updated_at: Millis,
    /// When it ended.
    #[serde(serialize_with = "shown::maybe_moment")]
    pub completed_at: Option<Millis>,
    /// Why it failed; also of the last attempt, while there will be another.
    pub error: Option<String>,
}

/// What a job was split into: the batches of a task, the videos of a video job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Parts {
    /// How many there are.
    pub total: u64,
    /// How many have not ended.
    pub open: u64,
    /// How many have failed.
    pub failed: u64,
}

/// Who has something, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// Who: a worker, or the id of an API key.
    pub by: String,
    /// When the lease ends unless it is renewed.
    #[serde(serialize_with = "shown::moment")]
    pub until: Millis,
    /// The fencing token: how often it was claimed.
    pub token: u64,
}

impl Hold {
    /// Who has it at `now`.
    pub(crate) fn of(lease: &lease::LeaseState, now: Millis) -> Option<Self> {
        let by = lease.lease_owner.clone().filter(|_| lease.is_held(now))?;
        Some(Self { by, until: lease.claimable_at?, token: lease.lease_token })
    }
}

impl Parts {
    fn of(join: &Join) -> Self {
        Self { total: join.children, open: join.children_open, failed: join.children_failed }
    }
}

impl JobRow {
    /// A job as it is shown at `now`, with what its parts have in common.
    pub(crate) fn of(record: &Record, join: Option<&Join>, now: Millis) -> Self {
        let job = record.job();
        let is_of = |part: &str| job.job_kind.ends_with(part);
        Self {
            name: record.name(),
            sort: record.sort(),
            title: record.title(),
            status: job.status,
            rests: job.status == Status::Pending && is_of("-resting"),
            paused: job.status == Status::Pending && is_of("-paused"),
            progress: record.progress(join),
            parts: join.map(Parts::of),
            held: Hold::of(&job.lease, now).filter(|_| job.status == Status::Running),
            attempts: job.attempts,
            redrives: job.redrives,
            units_used: job.units_charged + job.units_used.max(join.map_or(0, |join| join.units_used)),
            due_at: job.redeliver_at.filter(|_| !job.status.is_final()),
            created_at: job.created_at,
            started_at: job.started_at,
            updated_at: job.updated_at,
            completed_at: job.completed_at,
            error: job.error_message.as_deref().map(redacted::text),
        }
    }
}

#[cfg(test)]
mod tests {
    use extract::TaskType;
    use jobs::{PartOf, Slots};
    use lease::LeaseState;
    use serde_json::json;

    use super::*;
    use crate::jobs::record::tests::task;

    /// A task that stands so, in this part of the index `due`, held by a worker until 100.
    fn record(status: Status, job_kind: &str) -> Record {
        let mut task =
            task(TaskType::SimpleScraping, &json!({"urls": ["https://example.com/"], "selectors": {"t": ".t"}}));
        task.job.status = status;
        job_kind.clone_into(&mut task.job.job_kind);
        task.job.progress = 20;
        task.job.redeliver_at = Some(Millis(101));
        if status == Status::Running {
            task.job.lease = LeaseState {
                claimable_at: Some(Millis(100)),
                lease_owner: Some("worker-1".to_owned()),
                lease_token: 3,
                lease_nonce: None,
            };
        }
        Record::Task(Box::new(task))
    }

    #[test]
    fn a_row_says_where_a_job_stands() {
        //                                                    rests, paused, due, progress
        for (status, kind, expected) in [
            (Status::Pending, "extract", (false, false, true, 20)),
            (Status::Pending, "extract-resting", (true, false, true, 20)),
            (Status::Pending, "extract-paused", (false, true, true, 20)),
            (Status::Running, "extract", (false, false, true, 20)),
            (Status::Failed, "extract-failed", (false, false, false, 20)),
            (Status::Completed, "extract", (false, false, false, 100)),
        ] {
            let row = JobRow::of(&record(status, kind), None, Millis(50));
            let stands = (row.rests, row.paused, row.due_at.is_some(), row.progress);
            assert_eq!(stands, expected, "{status:?} {kind}");
            assert_eq!(row.held.is_some(), status == Status::Running);
        }
    }

    #[test]
    fn a_lease_that_is_over_is_nobodys() {
        let record = record(Status::Running, "extract");
        let hold = Hold { by: "worker-1".to_owned(), until: Millis(100), token: 3 };
        assert_eq!(JobRow::of(&record, None, Millis(99)).held, Some(hold));
        assert_eq!(JobRow::of(&record, None, Millis(100)).held, None);
    }

    #[test]
    fn a_row_tells_what_its_parts_have_done() {
        let record = record(Status::Running, "extract");
        let part_of = PartOf::new(record.key(), 3);
        let join = Join {
            key: part_of.join,
            parent: part_of.parent,
            is_open: true,
            children: 4,
            children_open: 1,
            children_failed: 2,
            units_used: 9,
            log_lines: 0,
            slots: Slots::of(2),
        };
        let row = JobRow::of(&record, Some(&join), Millis(50));
        assert_eq!(row.parts, Some(Parts { total: 4, open: 1, failed: 2 }));
        assert_eq!((row.progress, row.units_used), (75, 9));
    }
}

//! The one job that a stream follows.

use std::time::Duration;

use jobs::{FeedLine, Job};
use table::{Key, Millis, Table, TableError};

/// After how long nothing of a job comes any more that has ended: a worker writes its last lines after the end, and no call takes longer than ten seconds.
const LATE: Duration = Duration::from_secs(12);

/// A job that is followed.
#[derive(Clone, Debug)]
pub(crate) struct Followed {
    key: Key,
    /// The largest number of its lines that was seen.
    seen: u64,
}

impl Followed {
    /// The job at a key, with what is known of it; none if there is none.
    pub(crate) async fn find(table: &Table, key: Key) -> Result<Option<(Self, Job)>, TableError> {
        let job = table.get(&key).await?;
        Ok(job.map(|job| (Self { key, seen: 0 }, job)))
    }

    /// Whether a line is the job's.
    pub(crate) fn admits(&mut self, line: &FeedLine) -> bool {
        let is_its = line.job == self.key.sk;
        if is_its {
            self.seen = self.seen.max(line.line.number);
        }
        is_its
    }

    /// Whether nothing more comes of it. A job that is gone says nothing any more.
    pub(crate) async fn is_over(&self, table: &Table, now: Millis) -> Result<bool, TableError> {
        Ok(table.get(&self.key).await?.is_none_or(|job: Job| self.has_all(&job, now)))
    }

    /// Whether all lines were seen of a job that has ended, or none can come any more.
    pub(crate) fn has_all(&self, job: &Job, now: Millis) -> bool {
        let ended = job.completed_at.filter(|_| job.status.is_final());
        ended.is_some_and(|at| self.seen >= job.log_lines.max(1) || at.after(LATE) <= now)
    }
}

#[cfg(test)]
mod tests {
    use jobs::{Policy, Status, place};

    use super::*;

    #[test]
    fn a_stream_is_over_when_all_lines_were_seen_or_a_while_after_the_end() {
        let ended = |status, log_lines| {
            let job = Job::submitted("portal", Millis(0), 0, place(5, 0), &Policy::with_lease(LATE));
            let completed_at = Some(Millis(1_000)).filter(|_| status != Status::Running);
            Job { status, log_lines, completed_at, ..job }
        };
        for (status, lines, seen, now, over) in [
            (Status::Running, 3, 3, 99_000, false),
            (Status::Pending, 0, 0, 99_000, false),
            (Status::Completed, 3, 3, 1_000, true),
            (Status::Completed, 3, 2, 1_000, false),
            (Status::Completed, 3, 2, 12_999, false),
            (Status::Failed, 3, 2, 13_000, true),
            (Status::Cancelled, 0, 0, 1_500, false),
            (Status::Cancelled, 0, 0, 13_000, true),
        ] {
            let followed = Followed { key: Key::new("TENANT#t", "JOB#1"), seen };
            assert_eq!(
                followed.has_all(&ended(status, lines), Millis(now)),
                over,
                "{status:?} {seen} of {lines} at {now}"
            );
        }
    }
}

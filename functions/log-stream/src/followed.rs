//! The one job that a stream follows.

use std::time::Duration;

use jobs::{FeedLine, Job, Place};
use table::{Key, Millis, Table, TableError};

/// After how long nothing of a job comes any more that has ended: a worker writes its last lines after the end, and no call takes longer than ten seconds.
const LATE: Duration = Duration::from_secs(12);

/// How often it is looked whether the job has ended.
const ASKED: Duration = Duration::from_secs(10);

/// A job that is followed.
#[derive(Clone, Debug)]
pub(crate) struct Followed {
    key: Key,
    /// The largest number of its lines that was seen.
    seen: u64,
    /// The job as it was at a moment; none if it was gone.
    job: Option<Job>,
    read_at: Millis,
}

impl Followed {
    /// The job at a key, with what is known of it; none if there is none.
    pub(crate) async fn find(table: &Table, key: Key, now: Millis) -> Result<Option<Self>, TableError> {
        let job: Option<Job> = table.get(&key).await?;
        Ok(job.map(|job| Self { key, seen: 0, job: Some(job), read_at: now }))
    }

    /// When the job was made.
    pub(crate) fn created_at(&self) -> Millis {
        self.job.as_ref().map_or(Millis(0), |job| job.created_at)
    }

    /// Whether a line is the job's.
    pub(crate) fn admits(&mut self, line: &FeedLine) -> bool {
        let is_its = line.job == self.key.sk;
        if is_its {
            self.seen = self.seen.max(line.line.number);
        }
        is_its
    }

    /// Whether nothing more comes of it, for a reader at this place. A job that is gone says nothing any more.
    pub(crate) async fn is_over(&mut self, table: &Table, at: At, now: Millis) -> Result<bool, TableError> {
        if self.read_at.after(ASKED) <= now {
            (self.job, self.read_at) = (table.get(&self.key).await?, now);
        }
        Ok(self.job.as_ref().is_none_or(|job| self.has_all(job, at, now)))
    }

    /// Whether all lines were seen of a job that has ended, or none can come any more: whatever others have said since.
    fn has_all(&self, job: &Job, at: At, now: Millis) -> bool {
        let Some(ended) = job.completed_at.filter(|_| job.status.is_final()) else { return false };
        let last = ended.after(LATE);
        self.seen >= job.log_lines.max(1) || at.place.is_behind(last) || (!at.more && last <= now)
    }
}

/// Where a reader is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    pub(crate) place: Place,
    /// Whether there may be more already.
    pub(crate) more: bool,
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
        for (status, lines, seen, segment, more, now, over) in [
            (Status::Running, 3, 3, 500, false, 99_000, false),
            (Status::Pending, 0, 0, 500, false, 99_000, false),
            (Status::Completed, 3, 3, 500, false, 1_000, true),
            (Status::Completed, 3, 3, 500, true, 1_000, true),
            (Status::Completed, 3, 2, 500, false, 1_000, false),
            (Status::Completed, 3, 2, 500, false, 12_999, false),
            (Status::Failed, 3, 2, 500, false, 13_000, true),
            (Status::Cancelled, 0, 0, 500, false, 1_500, false),
            (Status::Cancelled, 0, 0, 500, false, 13_000, true),
            // Others have said much since: what is left of it may be among that, up to a minute after the end by whoever's clock.
            (Status::Completed, 3, 2, 500, true, 999_000, false),
            (Status::Completed, 3, 2, 73_000, true, 999_000, false),
            (Status::Completed, 3, 2, 73_001, true, 999_000, true),
            (Status::Running, 3, 2, 73_001, true, 999_000, false),
        ] {
            let job = ended(status, lines);
            let followed = Followed { key: Key::new("TENANT#t", "JOB#1"), seen, job: None, read_at: Millis(0) };
            let place = Place::read(&format!("{segment}-0")).unwrap();
            assert_eq!(
                followed.has_all(&job, At { place, more }, Millis(now)),
                over,
                "{status:?} {seen} of {lines} at {segment}, {more}, at {now}"
            );
        }
    }
}

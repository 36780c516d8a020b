//! One job: all that is known of it, its log, its parts.

use std::time::Duration;

use jobs::{Join, LoggedLine, Status};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use table::{Condition, Key, Millis, Query, TableError, cursor};

use super::name::JobName;
use super::record::Record;
use super::row::{Hold, JobRow};
use crate::Operations;
use crate::page::{ListError, Listing, Paging};
use crate::{redacted, shown};

/// The most lines of a log that are read at once.
pub const MOST_LINES: u32 = 200;
/// What the sort keys of parts begin with.
const PART: &str = "CHILD#";
/// The longest number of a part, in digits.
const DIGITS: usize = 6;
/// How long lines are waited for whose numbers lie before those of others: a part claims the numbers of its lines before it writes them, and its siblings
/// write theirs meanwhile. After that they were lost with their worker.
const PATIENCE: Duration = Duration::from_mins(1);

/// A job, with all that an operator may know of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JobDetail {
    /// What a list shows of it.
    #[serde(flatten)]
    pub row: JobRow,
    /// What it is to do, without what may be secret: the values of headers and cookies, and of such parameters of addresses as may let somebody in.
    pub config: Json,
    /// The compute units set aside for it.
    pub units_reserved: u64,
    /// How often in a row its message was sent again.
    pub redeliveries: u64,
    /// How often it was handed on to another queue.
    pub handed_on: u64,
    /// Where an attempt that ran out of time left off, in the words of the worker.
    pub checkpoint: Option<String>,
    /// Whether it holds one of its tenant's slots.
    pub holds_slot: bool,
    /// How many lines its log has.
    pub log_lines: u64,
    /// Its results: their names, and their sizes in bytes.
    pub results: Vec<ResultFile>,
    /// What can be done with it now.
    pub can: Can,
}

/// A file that a job has made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResultFile {
    /// Its name.
    pub name: String,
    /// Its size in bytes, where that is known.
    pub bytes: Option<u64>,
}

/// What can be done with a job, as far as it tells by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Can {
    /// It has not ended.
    pub cancel: bool,
    /// It has failed, and is not settled with its parts; or it is a video job that has ended, of whose videos some have failed.
    pub retry: bool,
}

/// A stretch of a log.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LogTail {
    /// The lines, in order.
    pub lines: Vec<LoggedLine>,
    /// After which number to go on: the last, or the one before a gap that may yet be filled. Who goes on there is told the lines beyond the gap again.
    pub after: u64,
}

/// A part of a job: a batch of a task, a video of a video job.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PartRow {
    /// Its number, from 0.
    pub number: u64,
    /// What it is of: the id of a video, or the pages of a batch.
    pub title: String,
    /// Where it stands.
    pub status: Status,
    /// How much of it is done, in percent.
    pub progress: u8,
    /// How often a worker has begun.
    pub attempts: u64,
    /// Who has it now.
    pub held: Option<Hold>,
    /// When it ended.
    #[serde(serialize_with = "shown::maybe_moment")]
    pub completed_at: Option<Millis>,
    /// Why it failed; also of the last attempt, while there will be another.
    pub error: Option<String>,
}

/// A part as it is stored.
#[derive(Deserialize)]
struct StoredPart {
    sk: String,
    #[serde(flatten)]
    job: jobs::Job,
    #[serde(default)]
    video_id: Option<String>,
    #[serde(default)]
    first_page: Option<u64>,
    #[serde(default)]
    page_count: Option<u64>,
}

impl Operations {
    /// A job; none if there is none. Two requests.
    pub async fn job(&self, name: &JobName) -> Result<Option<JobDetail>, TableError> {
        let Some(record) = self.record(name).await? else { return Ok(None) };
        let join = self.join_of(&record).await?;
        Ok(Some(JobDetail::of(&record, join.as_ref(), self.clock.now())))
    }

    /// The lines of a job's log after this number, up to 200, in order; without a number the last of them. None if there is no such job. A request, and two
    /// before it where no number is given. A log is kept for 30 days.
    pub async fn log(&self, name: &JobName, after: Option<u64>, limit: u32) -> Result<Option<LogTail>, TableError> {
        let limit = u64::from(limit.clamp(1, MOST_LINES));
        let after = if let Some(after) = after {
            after
        } else {
            let Some(record) = self.record(name).await? else { return Ok(None) };
            let join = self.join_of(&record).await?;
            record.job().log_lines.max(join.map_or(0, |join| join.log_lines)).saturating_sub(limit)
        };
        let (first, last) = (after.saturating_add(1), after.saturating_add(limit));
        let mut lines = self.jobs_of(name.kind).logs.read(&name.key().sk, first, last).await?;
        lines.iter_mut().for_each(without_secrets);
        Ok(Some(LogTail { after: settled(after, &lines, self.clock.now()), lines }))
    }

    /// A page of a job's parts, in their order; an empty one if it has none, or there is no such job. Two requests.
    pub async fn parts(&self, name: &JobName, paging: Paging<'_>) -> Result<Listing<PartRow>, ListError> {
        let after: Option<u64> = paging.position()?;
        let nothing = Listing { items: Vec::new(), next: None };
        let Some(record) = self.record(name).await? else { return Ok(nothing) };
        let Some(join) = record.job().children.as_ref() else { return Ok(nothing) };
        let parts = Condition::Between("sk", PART.into(), format!("{PART}~").into());
        let query = Query::new(Condition::All(vec![Condition::equal("pk", join.pk.as_str()), parts]));
        let start = after.map(|number| part_key(join, number).into_item());
        let page = self.jobs_of(name.kind).table.query::<StoredPart>(query.limit(paging.limit()).start(start)).await?;
        let now = self.clock.now();
        let items: Vec<_> = page.items.into_iter().map(|part| part.shown(now)).collect();
        let next = page.next.and_then(|_| cursor::write(&items.last()?.number));
        Ok(Listing { items, next })
    }

    /// A job as it is stored; none if there is none.
    pub(crate) async fn record(&self, name: &JobName) -> Result<Option<Record>, TableError> {
        let item = self.jobs_of(name.kind).table.get_item(&name.key(), true).await?;
        let record = item.map(|item| Record::read(name.kind, item)).transpose()?;
        Ok(record.filter(Record::is_there))
    }

    async fn join_of(&self, record: &Record) -> Result<Option<Join>, TableError> {
        match &record.job().children {
            Some(children) => self.jobs_of(record.name().kind).join(children).await,
            None => Ok(None),
        }
    }
}

impl JobDetail {
    fn of(record: &Record, join: Option<&Join>, now: Millis) -> Self {
        let job = record.job();
        Self {
            row: JobRow::of(record, join, now),
            config: record.config(),
            units_reserved: job.units_reserved,
            redeliveries: job.redeliveries,
            handed_on: job.handed_on,
            checkpoint: job.checkpoint.as_deref().map(redacted::text),
            holds_slot: job.holds_slot,
            log_lines: job.log_lines.max(join.map_or(0, |join| join.log_lines)),
            results: results(record),
            can: Can::of(record, join),
        }
    }
}

impl Can {
    fn of(record: &Record, join: Option<&Join>) -> Self {
        let job = record.job();
        let has_failed_videos = matches!(record, Record::Video(_)) && join.is_some_and(|join| join.children_failed > 0);
        let retry = match job.status {
            Status::Failed => job.children.is_none() || has_failed_videos,
            Status::Completed => has_failed_videos,
            Status::Pending | Status::Running | Status::Cancelled => false,
        };
        Self { cancel: !job.status.is_final(), retry }
    }
}

impl StoredPart {
    fn shown(self, now: Millis) -> PartRow {
        let Self { sk, job, video_id, first_page, page_count } = self;
        let pages = || Some(format!("pages {} to {}", first_page? + 1, first_page? + page_count?));
        PartRow {
            number: sk.strip_prefix(PART).and_then(|number| number.parse().ok()).unwrap_or(0),
            title: video_id.or_else(pages).unwrap_or_default(),
            status: job.status,
            progress: if job.status == Status::Completed { 100 } else { job.progress },
            attempts: job.attempts,
            held: Hold::of(&job.lease, now).filter(|_| job.status == Status::Running),
            completed_at: job.completed_at,
            error: job.error_message.as_deref().map(redacted::text),
        }
    }
}

/// Hides what of the addresses in a line may let somebody in.
fn without_secrets(line: &mut LoggedLine) {
    line.message = redacted::text(&line.message);
    line.metadata.values_mut().for_each(redacted::texts);
}

/// The key of a part of the job whose parts have this in common.
pub(crate) fn part_key(join: &Key, number: u64) -> Key {
    Key::new(join.pk.as_str(), format!("{PART}{number:0DIGITS$}"))
}

fn results(record: &Record) -> Vec<ResultFile> {
    if let Record::Portal(job) = record {
        let file = |file: &portals::JobFile| ResultFile { name: file.name.clone(), bytes: Some(file.bytes) };
        return job.files.iter().map(file).collect();
    }
    let name = |key: &String| key.rsplit('/').next().unwrap_or(key).to_owned();
    let file = record.job().result_key.as_ref();
    file.map(|key| ResultFile { name: name(key), bytes: record.job().result_bytes }).into_iter().collect()
}

/// Up to which number nothing is missing, or will come any more.
fn settled(after: u64, lines: &[LoggedLine], now: Millis) -> u64 {
    let mut settled = after;
    for line in lines {
        if line.number > settled + 1 && line.at.until(now) < PATIENCE {
            break;
        }
        settled = line.number;
    }
    settled
}

#[cfg(test)]
mod tests {
    use jobs::Level;

    use super::*;

    #[test]
    fn a_log_is_gone_on_with_before_a_gap_that_may_yet_be_filled() {
        let now = Millis(1_705_314_600_000);
        for (what, lines, after) in [
            ("nothing", &[][..], 3),
            ("all", &[(4, 0), (5, 0)], 5),
            ("a gap at the beginning", &[(6, 1)], 3),
            ("a gap between", &[(4, 0), (7, 59), (8, 0)], 4),
            ("one that is old", &[(4, 90), (7, 60), (8, 0)], 8),
            ("two, an old and a young one", &[(6, 70), (7, 0), (9, 0)], 7),
        ] {
            let line = |(number, seconds): &(u64, u64)| LoggedLine {
                number: *number,
                at: now.before(Duration::from_secs(*seconds)),
                level: Level::Info,
                message: String::new(),
                metadata: serde_json::Map::new(),
            };
            assert_eq!(settled(3, &lines.iter().map(line).collect::<Vec<_>>(), now), after, "{what}");
        }
    }
}

//! The log of a job: numbered lines, in order, kept for a month.
//!
//! | pattern | key condition |
//! |---|---|
//! | lines `a` to `b` of a job | `pk = LOG#job` and `sk` between the two numbers, ten digits each |
//!
//! Where somebody follows the lines of all jobs of a group as they come, they are in the group's feed as well ([`Feeds`]).
//!
//! Only the holder of the job's lease writes lines, under numbers that its last fenced write of the job has claimed: so a page is found
//! by its numbers, whatever the length of the log, and a worker that has lost its lease writes over nobody's lines. Lines of a job's children are its own
//! too: as long as they are at work their join counts the numbers, so that the log tells of all of them as it happens.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use table::{Condition, Millis, Query, Table, TableError};
use utoipa::ToSchema;

use crate::feed::Feeds;

/// For how many seconds a line is kept: 30 days.
const KEPT_SECONDS: u64 = 30 * 24 * 3_600;
/// The longest message, in bytes.
const LONGEST_MESSAGE: usize = 2_000;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = LogLevel)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// What went on.
    Info,
    /// What the owner should look at.
    Warning,
    /// What went wrong.
    Error,
}

/// A line that is to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// When it happened.
    pub at: Millis,
    /// How much it matters.
    pub level: Level,
    /// What happened, for the job's owner.
    pub message: String,
    /// More, for programs.
    pub metadata: Map<String, Json>,
}

/// A line that was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoggedLine {
    /// Its number in the job's log, from 1.
    pub number: u64,
    /// When it happened.
    pub at: Millis,
    /// How much it matters.
    pub level: Level,
    /// What happened.
    pub message: String,
    /// More, for programs.
    #[serde(default)]
    pub metadata: Map<String, Json>,
}

#[derive(Serialize)]
struct StoredLine<'line> {
    pk: String,
    sk: String,
    expires_at: u64,
    #[serde(flatten)]
    line: &'line LoggedLine,
}

/// The logs of all jobs.
#[derive(Clone, Debug)]
pub struct Logs {
    table: Table,
    feeds: Option<Feeds>,
}

impl Line {
    /// A line of a step of the work.
    pub fn new(at: Millis, level: Level, step: &str, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if message.len() > LONGEST_MESSAGE {
            let end = (0..=LONGEST_MESSAGE).rev().find(|&at| message.is_char_boundary(at)).unwrap_or(0);
            message.truncate(end);
        }
        let metadata = Map::from_iter([("step".to_owned(), Json::from(step))]);
        Self { at, level, message, metadata }
    }

    fn numbered(self, number: u64) -> LoggedLine {
        let Self { at, level, message, metadata } = self;
        LoggedLine { number, at, level, message, metadata }
    }

    /// The line with one more thing for programs.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.metadata.insert(name.to_owned(), value.into());
        self
    }
}

impl Logs {
    /// The logs kept in `table`.
    #[must_use]
    pub const fn new(table: Table) -> Self {
        Self { table, feeds: None }
    }

    /// The same, with each line in the feed of its job's group as well: one request more for each write.
    #[must_use]
    pub fn with_feeds(self, feeds: Feeds) -> Self {
        Self { feeds: Some(feeds), ..self }
    }

    /// Writes lines of the job, which lies in the partition `group`, under the numbers from `first` on.
    pub(crate) async fn write(&self, group: &str, job: &str, first: u64, lines: Vec<Line>) -> Result<(), TableError> {
        let lines: Vec<_> = (first..).zip(lines).map(|(number, line)| line.numbered(number)).collect();
        let stored: Vec<_> = lines
            .iter()
            .map(|line| StoredLine {
                pk: partition(job),
                sk: sort_key(line.number),
                expires_at: line.at.epoch_seconds() + KEPT_SECONDS,
                line,
            })
            .collect();
        let Some(feeds) = self.feeds.as_ref().filter(|_| !lines.is_empty()) else {
            return self.table.put_many(&stored).await;
        };
        let (kept, told) =
            tokio::join!(self.table.put_many(&stored), Box::pin(feeds.append(group, job, lines.clone())));
        kept.and(told)
    }

    /// The lines of the job from number `first` to `last`, in order.
    pub async fn read(&self, job: &str, first: u64, last: u64) -> Result<Vec<LoggedLine>, TableError> {
        let range = Condition::Between("sk", sort_key(first).into(), sort_key(last).into());
        let mut query = Query::new(Condition::All(vec![Condition::equal("pk", partition(job)), range])).consistent();
        let mut lines = Vec::new();
        loop {
            let page = self.table.query(query.clone()).await?;
            lines.extend(page.items);
            match page.next {
                Some(next) => query = query.start(Some(next)),
                None => return Ok(lines),
            }
        }
    }
}

fn partition(job: &str) -> String {
    format!("LOG#{job}")
}

fn sort_key(number: u64) -> String {
    format!("{number:010}")
}

//! Feeds: the log lines of all jobs of one group in one order, for whoever follows them as they come. A feed is a chain of segments, items that
//! hold some lines each.
//!
//! | pattern | key condition |
//! |---|---|
//! | the segments of a feed from one on | `pk = FEED#kind#group` and `sk` between its thirteen digits and `9999999999999` |
//! | the segment that a moment lies in | the same `pk`, the last `sk` up to the moment |
//! | where a feed begins that has no segments | the same `pk`, `sk = ROOT` |
//!
//! A write is one `UpdateItem` that appends its lines to the last segment: so lines have their place from the moment that they can be seen, and none
//! appears before one that was seen, whoever writes at once, however late, or dies. A full segment is closed by naming the next one in it, under the
//! moment it is closed at; all who find it closed go on there, or at the last there is. A write that is repeated finds its mark in the segment, and
//! does nothing twice.
//!
//! A reader goes from segment to segment by their names for each other, and keeps its place as segment and line ([`Place`]): a poll is one query,
//! and of an idle feed it reads the last segment, some 4 KB.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use table::{AttributeValue, Clock, Condition, Item, Key, Millis, Query, Table, TableError, Update, decode, encode};

use crate::log::LoggedLine;

/// How long a segment is kept after its last line: as long as the lines of a job.
const KEPT: Duration = Duration::from_hours(30 * 24);
/// How many bytes of lines fill a segment. Each append costs as many units as the segment has kilobytes then: this makes that two or three.
const FULL: u64 = 4_000;
/// How many bytes of lines one append writes at most: an item has a limit of 400 KB.
const LARGEST_APPEND: usize = 64_000;
/// How many segments one poll reads at most.
const SEGMENTS: u32 = 64;
/// How often an append is tried while others close segments.
const ROUNDS: u32 = 20;
/// By how much clocks may differ.
const SKEW: Duration = Duration::from_mins(1);
/// A segment that is kept for less than this takes no more lines: it may be gone when they come.
const LEAST_KEPT: Duration = Duration::from_hours(1);
/// How many feeds a warm function remembers the last segments of.
const REMEMBERED: usize = 1_000;
/// The sort key of what says where a feed begins.
const ROOT: &str = "ROOT";

/// A place in a feed, behind a line: what comes after it is to be read. It sorts as the lines do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The segment: the moment from which it was filled, in milliseconds.
    segment: u64,
    /// How many of its lines lie before.
    line: usize,
}

/// A line of a feed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeedLine {
    /// The job that it is of: the sort key of the job's item.
    pub job: String,
    /// The line, as it stands in the job's own log.
    #[serde(flatten)]
    pub line: LoggedLine,
}

/// Some lines of a feed, in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch {
    /// The lines, each with the place behind it.
    pub lines: Vec<(Place, FeedLine)>,
    /// Where to go on.
    pub end: Place,
    /// Whether there may be more already.
    pub more: bool,
}

/// The feeds of one kind of jobs.
#[derive(Clone, Debug)]
pub struct Feeds {
    kind: &'static str,
    table: Table,
    clock: Clock,
    /// The last segment of each feed, as this process knows it: a hint, which a closed segment corrects.
    last: Arc<Mutex<HashMap<String, u64>>>,
}

/// A segment, as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
struct Segment {
    sk: String,
    #[serde(default)]
    lines: Vec<FeedLine>,
    #[serde(default)]
    bytes: u64,
    /// The segment after this one; set, nothing is appended to this one any more.
    #[serde(default)]
    next: Option<u64>,
    #[serde(default)]
    expires_at: u64,
}

/// `segment-line`.
impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.segment, self.line)
    }
}

impl Place {
    /// Whether all lies before it that was appended up to a moment, by whoever's clock.
    #[must_use]
    pub fn is_behind(self, moment: Millis) -> bool {
        self.segment > moment.after(SKEW).0
    }

    /// Reads what `to_string` has written; none if it is something else.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let digits = |part: &str, most: usize| {
            let plain = (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| part.parse::<u64>().ok()).flatten()
        };
        let (segment, line) = text.split_once('-')?;
        Some(Self { segment: digits(segment, 13)?, line: usize::try_from(digits(line, 6)?).ok()? })
    }
}

impl Feeds {
    /// The feeds of jobs of `kind`, kept in `table`.
    #[must_use]
    pub fn new(kind: &'static str, table: Table, clock: Clock) -> Self {
        Self { kind, table, clock, last: Arc::default() }
    }

    /// Appends lines of a job to the feed of its group.
    pub async fn append(&self, group: &str, job: &str, lines: Vec<LoggedLine>) -> Result<(), TableError> {
        let pk = self.partition(group);
        let lines: Vec<_> = lines.into_iter().map(|line| FeedLine { job: job.to_owned(), line }).collect();
        for part in in_parts(lines)? {
            self.append_part(&pk, &part).await?;
        }
        Ok(())
    }

    async fn append_part(&self, pk: &str, part: &Part) -> Result<(), TableError> {
        let mut segment = match self.remembered(pk) {
            Some(segment) => segment,
            None => self.find_last(pk).await?,
        };
        for round in 0..ROUNDS {
            match self.append_to(pk, segment, part).await {
                Ok(None) => return Ok(()),
                Ok(Some(next)) => segment = next,
                Err(error) => {
                    self.forget(pk);
                    return Err(error);
                }
            }
            // Closed twice: others are far ahead, and following them link by link might never come to an end.
            if round % 2 == 1 {
                segment = self.find_last(pk).await?.max(segment);
            }
        }
        self.forget(pk);
        Err(TableError::Unavailable("segments are closed faster than one can be written to".to_owned()))
    }

    /// Appends to a segment; if that is closed, gives the one to go on at.
    async fn append_to(&self, pk: &str, segment: u64, part: &Part) -> Result<Option<u64>, TableError> {
        let key = Key::new(pk, sort_key(segment));
        match self.table.update(&key, part.append(self.clock.now())).await {
            Ok(stored) => {
                self.remember(pk, segment);
                if decode::<Segment>(stored)?.bytes >= FULL {
                    // One that stays open is closed by the next append.
                    match self.close(&key, segment).await {
                        Ok(next) => self.remember(pk, next),
                        Err(error) => tracing::warn!(%error, "a full segment was not closed"),
                    }
                }
                Ok(None)
            }
            Err(TableError::ConditionFailed(told)) => match self.table.refused(&key, told).await? {
                Some(stored) if part.is_in(&stored) => Ok(None),
                Some(stored) => Ok(Some(decode::<Segment>(stored)?.next.unwrap_or(segment))),
                None => Ok(Some(segment)),
            },
            Err(error) => Err(error),
        }
    }

    /// Closes a segment, and gives the one after it: whoever closes it first says which that is.
    async fn close(&self, key: &Key, segment: u64) -> Result<u64, TableError> {
        let next = self.clock.now().0.max(segment + 1);
        let closed = self.table.update(key, Update::new().set_if_absent("next", next)).await?;
        decode::<Segment>(closed)?.next.ok_or_else(|| TableError::Broken("a closed segment names no next".to_owned()))
    }

    /// The last segment of a feed. One that is hardly kept any more is closed, and kept anew for those that are to find the next by it; where there is
    /// none, the first writer says which is.
    async fn find_last(&self, pk: &str) -> Result<u64, TableError> {
        let now = self.clock.now();
        match self.last_up_to(pk, u64::MAX).await? {
            Some(last) if last.expires_at > now.after(LEAST_KEPT).epoch_seconds() => {
                last.next.map_or_else(|| last.id(), Ok)
            }
            Some(last) => match self.close_old(pk, last.id()?, now).await? {
                Some(next) => Ok(next),
                None => self.begin_anew(pk, now).await,
            },
            None => self.begin_anew(pk, now).await,
        }
    }

    /// Closes a segment that may be gone any moment, and keeps it anew; gives the one after it, or none if it is gone.
    async fn close_old(&self, pk: &str, segment: u64, now: Millis) -> Result<Option<u64>, TableError> {
        let kept = Update::new()
            .set_if_absent("next", now.0.max(segment + 1))
            .set("expires_at", now.after(KEPT).epoch_seconds())
            .when(Condition::Exists("pk"));
        match self.table.update(&Key::new(pk, sort_key(segment)), kept).await {
            Ok(closed) => Ok(decode::<Segment>(closed)?.next),
            Err(TableError::ConditionFailed(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The first segment of a feed that has none: the first writer says which it is.
    async fn begin_anew(&self, pk: &str, now: Millis) -> Result<u64, TableError> {
        let (root, forgotten) = (Key::new(pk, ROOT), now.before(KEPT).after(SKEW).0);
        let begun: Segment = decode(self.table.update(&root, Update::new().set_if_absent("next", now)).await?)?;
        let first = begun.next.unwrap_or(now.0);
        if first > forgotten {
            return Ok(first);
        }
        let anew = Update::new().set("next", now).when(Condition::equal("next", first));
        let begun = match self.table.update(&root, anew).await {
            Ok(root) => root,
            Err(TableError::ConditionFailed(told)) => self.table.refused(&root, told).await?.unwrap_or_default(),
            Err(error) => return Err(error),
        };
        Ok(decode::<Segment>(begun)?.next.unwrap_or(now.0))
    }

    async fn last_up_to(&self, pk: &str, bound: u64) -> Result<Option<Segment>, TableError> {
        let query = Query::new(segments(pk, 0, bound)).descending(true).limit(1).consistent();
        Ok(self.table.query(query).await?.items.pop())
    }

    /// The place from which on everything lies that was appended since a moment, by whoever's clock, and some before it.
    pub async fn place_at(&self, group: &str, moment: Millis) -> Result<Place, TableError> {
        let found = self.last_up_to(&self.partition(group), moment.before(SKEW).0).await?;
        Ok(Place { segment: found.map_or(Ok(0), |segment| segment.id())?, line: 0 })
    }

    /// What lies behind a place. One request.
    pub async fn read(&self, group: &str, from: Place) -> Result<Stretch, TableError> {
        let query = Query::new(segments(&self.partition(group), from.segment, u64::MAX)).limit(SEGMENTS).consistent();
        let page = self.table.query::<Segment>(query).await?;
        stretch(page.items, from, page.next.is_some())
    }

    fn partition(&self, group: &str) -> String {
        format!("FEED#{}#{group}", self.kind)
    }

    fn remembered(&self, pk: &str) -> Option<u64> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).get(pk).copied()
    }

    fn remember(&self, pk: &str, segment: u64) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() >= REMEMBERED && !last.contains_key(pk) {
            last.clear();
        }
        last.insert(pk.to_owned(), segment);
    }

    fn forget(&self, pk: &str) {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).remove(pk);
    }
}

/// What one append writes.
#[derive(Debug)]
struct Part {
    lines: Vec<AttributeValue>,
    bytes: usize,
    /// What the append is known by.
    mark: String,
}

impl Part {
    /// The change of the segment: not if it is closed, and not twice.
    fn append(&self, now: Millis) -> Update {
        Update::new()
            .append("lines", self.lines.clone())
            .add("bytes", i64::try_from(self.bytes).unwrap_or(i64::MAX))
            .set("expires_at", now.after(KEPT).epoch_seconds())
            .include("marks", self.mark.as_str())
            .when(Condition::Absent("next"))
            .when(Condition::Lacks("marks", self.mark.clone()))
    }

    /// Whether a segment has it already.
    fn is_in(&self, segment: &Item) -> bool {
        !Condition::Lacks("marks", self.mark.clone()).holds(segment)
    }
}

impl Segment {
    fn id(&self) -> Result<u64, TableError> {
        self.sk.parse().map_err(|_| TableError::Broken(format!("{} is no segment", self.sk)))
    }
}

/// The lines, in as many parts as need be for each to fit.
fn in_parts(lines: Vec<FeedLine>) -> Result<Vec<Part>, TableError> {
    let mut parts: Vec<Part> = Vec::new();
    for line in lines {
        // A bound of what the item takes: names and types are some bytes more, and so is their JSON.
        let bytes = serde_json::to_vec(&line).map_or(0, |json| json.len());
        let value = AttributeValue::M(encode(&line)?);
        match parts.last_mut() {
            Some(part) if part.bytes + bytes <= LARGEST_APPEND => {
                part.bytes += bytes;
                part.lines.push(value);
            }
            _ => parts.push(Part { lines: vec![value], bytes, mark: format!("{:012x}", fastrand::u64(..1 << 48)) }),
        }
    }
    Ok(parts)
}

/// What of these segments lies behind a place. A segment that was still open when it was read is the last that counts: one after it may have been
/// read later, when both were longer.
fn stretch(segments: Vec<Segment>, from: Place, more: bool) -> Result<Stretch, TableError> {
    let (mut lines, mut end) = (Vec::new(), from);
    for (n, segment) in segments.into_iter().enumerate() {
        let id = segment.id()?;
        if id != end.segment {
            if n > 0 {
                return Ok(Stretch { lines, end, more: true });
            }
            // What lay there is kept no more, or it is the beginning that is asked for.
            end = Place { segment: id, line: 0 };
        }
        for (n, line) in segment.lines.into_iter().enumerate().skip(end.line) {
            end.line = n + 1;
            lines.push((end, line));
        }
        match segment.next {
            Some(next) => end = Place { segment: next, line: 0 },
            None => return Ok(Stretch { lines, end, more: false }),
        }
    }
    Ok(Stretch { lines, end, more })
}

fn segments(pk: &str, from: u64, to: u64) -> Condition {
    let range = Condition::Between("sk", sort_key(from).into(), sort_key(to).into());
    Condition::All(vec![Condition::equal("pk", pk), range])
}

fn sort_key(segment: u64) -> String {
    format!("{:013}", segment.min(9_999_999_999_999))
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;
    use crate::log::Level;

    fn line(number: u64) -> FeedLine {
        let (level, message) = (Level::Info, format!("line {number}"));
        FeedLine {
            job: "JOB#1".to_owned(),
            line: LoggedLine { number, at: Millis(number), level, message, metadata: Map::new() },
        }
    }

    fn segment(id: u64, lines: std::ops::Range<u64>, next: Option<u64>) -> Segment {
        Segment { sk: sort_key(id), lines: lines.map(line).collect(), next, ..Segment::default() }
    }

    fn at(segment: u64, line: usize) -> Place {
        Place { segment, line }
    }

    #[test]
    fn a_place_is_read_as_it_is_written_and_nothing_else_is_one() {
        let place = at(1_705_314_600_000, 12);
        assert_eq!(place.to_string(), "1705314600000-12");
        assert_eq!(Place::read("1705314600000-12"), Some(place));
        assert_eq!(Place::read("0-0"), Some(Place::default()));
        for wrong in
            ["", "-", "1", "1-", "-1", "+1-1", "1-+1", "1-1-1", " 1-1", "1-1 ", "12345678901234-0", "1-1234567", "a-b"]
        {
            assert_eq!(Place::read(wrong), None, "{wrong}");
        }
        assert!(at(1, 9) < at(2, 0) && at(2, 0) < at(2, 1));
    }

    #[test]
    fn a_reader_goes_from_segment_to_segment_and_stops_at_an_open_one() {
        let three = || vec![segment(10, 0..3, Some(20)), segment(20, 3..4, Some(30)), segment(30, 4..6, None)];
        for (segments, from, read, end, more) in [
            (vec![], Place::default(), 0..0, Place::default(), false),
            (three(), Place::default(), 0..6, at(30, 2), false),
            (three(), at(10, 2), 2..6, at(30, 2), false),
            (three(), at(10, 3), 3..6, at(30, 2), false),
            (vec![segment(30, 4..6, None)], at(30, 2), 6..6, at(30, 2), false),
            // Closed, and nothing written to the next: the place is there already.
            (vec![segment(10, 0..3, Some(20))], at(10, 3), 3..3, at(20, 0), false),
            (vec![], at(20, 0), 0..0, at(20, 0), false),
            // The first was read before it was closed, the second after it was begun.
            (vec![segment(10, 0..2, None), segment(20, 3..4, None)], at(10, 0), 0..2, at(10, 2), false),
            // What the reader knew is kept no more.
            (vec![segment(20, 3..4, None)], at(10, 1), 3..4, at(20, 1), false),
        ] {
            let found = stretch(segments, from, false).unwrap();
            assert_eq!(
                found.lines.iter().map(|(_, line)| line.clone()).collect::<Vec<_>>(),
                read.map(line).collect::<Vec<_>>()
            );
            assert_eq!((found.end, found.more), (end, more), "from {from}");
            assert!(found.lines.is_sorted_by(|a, b| a.0 < b.0));
        }
    }

    #[test]
    fn a_place_behind_any_line_gives_what_comes_after_it() {
        let all = vec![segment(10, 0..3, Some(20)), segment(20, 3..4, Some(30)), segment(30, 4..6, None)];
        let whole = stretch(all.clone(), Place::default(), false).unwrap().lines;
        for (n, (place, _)) in whole.iter().enumerate() {
            let from = all.iter().filter(|segment| segment.id().unwrap() >= place.segment).cloned().collect();
            assert_eq!(stretch(from, *place, false).unwrap().lines, whole[n + 1..]);
        }
    }

    /// As DynamoDB would do it: an append whose answer was lost and that is tried again, also after the segment was closed, is there once.
    #[test]
    fn an_append_is_there_once_and_none_in_a_closed_segment() {
        let part = in_parts(vec![line(1), line(2)]).unwrap().remove(0);
        let (mut open, now) = (Item::new(), Millis(5_000));
        assert!(part.append(now).apply(&mut open) && part.is_in(&open));
        assert!(!part.append(now).apply(&mut open));
        assert!(Update::new().set_if_absent("next", 7_u64).apply(&mut open));
        let other = in_parts(vec![line(3)]).unwrap().remove(0);
        assert!(!other.append(now).apply(&mut open) && !other.is_in(&open) && part.is_in(&open));
        open.insert("sk".to_owned(), AttributeValue::S(sort_key(5)));
        let stored: Segment = decode(open).unwrap();
        assert_eq!((stored.lines, stored.next), (vec![line(1), line(2)], Some(7)));
    }

    /// A feed in memory, as DynamoDB would have it.
    #[derive(Default)]
    struct Stored(std::collections::BTreeMap<u64, Item>);

    impl Stored {
        fn append(&mut self, segment: u64, part: &Part) -> bool {
            let mut item = self.0.get(&segment).cloned().unwrap_or_default();
            item.insert("sk".to_owned(), AttributeValue::S(sort_key(segment)));
            let taken = part.append(Millis(segment)).apply(&mut item);
            if taken {
                self.0.insert(segment, item);
            }
            taken
        }

        fn close(&mut self, segment: u64, next: u64) {
            if let Some(item) = self.0.get_mut(&segment) {
                Update::new().set_if_absent("next", next).apply(item);
            }
        }

        fn read(&self, segment: u64) -> Segment {
            decode(self.0[&segment].clone()).unwrap()
        }
    }

    /// One of several writers, or the reader, does the next thing.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        /// A writer appends, perhaps not for the first time; where it finds the segment closed it goes on to the next.
        Append { writer: usize, again: bool },
        /// A writer closes its segment if that is full; one that dies before leaves it open.
        Close { writer: usize },
        /// The reader's query reads one segment more.
        Read,
        /// The query is answered, and the reader may lose the answer.
        Answer { lost: bool },
    }

    const WRITERS: usize = 3;

    fn steps() -> impl proptest::strategy::Strategy<Value = Vec<Step>> {
        use proptest::prelude::*;
        let step = prop_oneof![
            4 => (0..WRITERS, any::<bool>()).prop_map(|(writer, again)| Step::Append { writer, again }),
            2 => (0..WRITERS).prop_map(|writer| Step::Close { writer }),
            4 => Just(Step::Read),
            2 => any::<bool>().prop_map(|lost| Step::Answer { lost }),
        ];
        prop::collection::vec(step, 0..200)
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(500))]

        /// Whatever happens between, also between what one query reads: each line that was appended is seen once, in the order of all.
        #[test]
        fn a_reader_sees_each_line_once_and_in_order(steps in steps()) {
            let mut feed = Stored::default();
            let (mut at, mut parts) = ([1_000_u64; WRITERS], std::array::from_fn::<Option<Part>, WRITERS, _>(|_| None));
            let mut number = 0;
            let (mut place, mut query, mut seen) = (Place::default(), Vec::new(), Vec::new());
            let answer = |query: &mut Vec<Segment>, place: &mut Place, seen: &mut Vec<u64>| {
                let found = stretch(std::mem::take(query), *place, false).unwrap();
                seen.extend(found.lines.iter().map(|(_, line)| line.line.number));
                *place = found.end;
            };
            for step in steps {
                match step {
                    Step::Append { writer, again } => {
                        let is_repeated = again && parts[writer].is_some();
                        if !is_repeated {
                            number += 1;
                            let long = LoggedLine { message: "x".repeat(1_500), ..line(number).line };
                            parts[writer] = in_parts(vec![FeedLine { line: long, ..line(number) }]).unwrap().pop();
                        }
                        let part = parts[writer].as_ref().unwrap();
                        while !feed.append(at[writer], part) {
                            let refused = &feed.0[&at[writer]];
                            if part.is_in(refused) {
                                break;
                            }
                            at[writer] = decode::<Segment>(refused.clone()).unwrap().next.unwrap();
                        }
                    }
                    Step::Close { writer } => {
                        let is_full = feed.0.contains_key(&at[writer]) && feed.read(at[writer]).bytes >= FULL;
                        if is_full {
                            feed.close(at[writer], at[writer] + 1 + writer as u64);
                        }
                    }
                    Step::Read => {
                        let after = query.last().map_or(place.segment, |last: &Segment| last.id().unwrap() + 1);
                        if let Some(next) = feed.0.range(after..).next().map(|(id, _)| *id) {
                            query.push(feed.read(next));
                        }
                    }
                    Step::Answer { lost: true } => query.clear(),
                    Step::Answer { lost: false } => answer(&mut query, &mut place, &mut seen),
                }
            }
            query.clear();
            query.extend(feed.0.keys().filter(|id| **id >= place.segment).map(|id| feed.read(*id)));
            answer(&mut query, &mut place, &mut seen);
            let all: Vec<_> = feed.0.keys().flat_map(|id| feed.read(*id).lines).map(|line| line.line.number).collect();
            proptest::prop_assert_eq!(&seen, &all, "in the order of all");
            let mut sorted = all.clone();
            sorted.sort_unstable();
            proptest::prop_assert!(sorted.iter().copied().eq(1..=number), "each once: {:?}", all);
        }
    }

    /// What the rules above promise, kept by a real table: processes that know nothing of each other write, and a reader comes again and again from where
    /// it was, at a place in the middle of what it was given.
    #[tokio::test]
    #[ignore = "needs a table: tests/run runs it"]
    async fn feeds_of_many_writers_are_read_once_and_in_order() {
        const EACH: u64 = 100;
        let table = table::testing::fresh_table("feeds").await.unwrap();
        let feeds = || Feeds::new("test", table.clone(), Clock::system());
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..5_u64 {
            let feeds = feeds();
            writers.spawn(async move {
                let mut next = 1;
                while next <= EACH {
                    let count = fastrand::u64(1..=5).min(EACH - next + 1);
                    let lines = (next..next + count).map(|number| line(number).line).collect();
                    feeds.append("group", &format!("JOB#{writer}"), lines).await.unwrap();
                    next += count;
                }
            });
        }
        let (reader, mut place, mut seen) = (feeds(), Place::default(), Vec::new());
        while seen.len() < 5 * usize::try_from(EACH).unwrap() {
            let stretch = reader.read("group", place).await.unwrap();
            let kept = if fastrand::bool() { stretch.lines.len() } else { fastrand::usize(0..=stretch.lines.len()) };
            let is_whole = kept == stretch.lines.len();
            seen.extend(stretch.lines.into_iter().take(kept));
            place = if is_whole { stretch.end } else { seen.last().map_or(place, |(place, _)| *place) };
        }
        assert!(writers.join_all().await.len() == 5 && seen.is_sorted_by(|a, b| a.0 < b.0));
        for writer in 0..5 {
            let of_one = seen.iter().filter(|(_, line)| line.job == format!("JOB#{writer}"));
            assert!(of_one.map(|(_, line)| line.line.number).eq(1..=EACH), "{writer}");
        }
        assert!(reader.read("group", place).await.unwrap().lines.is_empty());
    }

    fn feeds_at(table: &Table, clock: &Clock) -> Feeds {
        Feeds::new("test", table.clone(), clock.clone())
    }

    async fn all(feeds: &Feeds) -> Vec<u64> {
        let (mut place, mut seen) = (Place::default(), Vec::new());
        loop {
            let stretch = feeds.read("group", place).await.unwrap();
            seen.extend(stretch.lines.into_iter().map(|(_, line)| line.line.number));
            place = stretch.end;
            if !stretch.more {
                return seen;
            }
        }
    }

    /// However many segments others have filled since a process wrote last, it finds the end of the feed.
    #[tokio::test]
    #[ignore = "needs a table: tests/run runs it"]
    async fn feeds_that_went_far_ahead_are_caught_up_with() {
        let table = table::testing::fresh_table("feeds").await.unwrap();
        let (slow, busy) = (feeds_at(&table, &Clock::system()), feeds_at(&table, &Clock::system()));
        slow.append("group", "JOB#1", vec![line(1).line]).await.unwrap();
        for number in 2..52 {
            let long = LoggedLine { message: "x".repeat(4_000), ..line(number).line };
            busy.append("group", "JOB#2", vec![long]).await.unwrap();
        }
        for (number, most) in [(52, 4), (53, 1)] {
            let append = slow.append("group", "JOB#1", vec![line(number).line]);
            let (appended, cost) = Box::pin(table::cost::metered(append)).await;
            appended.unwrap();
            // An engine that does not tell the item that refused a write is asked for it: one request more for each of the two.
            assert!(cost.dynamodb_requests <= most + 2, "{number}: {cost:?}");
        }
        assert!(all(&busy).await.into_iter().eq(1..=53));
    }

    /// A feed that nobody wrote to for so long that its end may be gone any moment, or is: whoever comes then goes on at one place, and so do readers.
    #[tokio::test]
    #[ignore = "needs a table: tests/run runs it"]
    async fn feeds_that_rested_for_long_go_on_at_one_place() {
        const MINUTE: Duration = Duration::from_mins(1);
        for (rest, is_deleted) in [
            (Duration::ZERO, false),
            (KEPT.saturating_sub(LEAST_KEPT + MINUTE), false),
            (KEPT.saturating_sub(MINUTE), false),
            (KEPT + MINUTE, false),
            (KEPT + MINUTE, true),
            (KEPT * 3, false),
            (KEPT * 3, true),
        ] {
            let table = table::testing::fresh_table("feeds").await.unwrap();
            let clock = Clock::fake(Millis(1_705_314_600_000));
            let first = feeds_at(&table, &clock);
            first.append("group", "JOB#1", vec![line(1).line]).await.unwrap();
            let place = first.read("group", Place::default()).await.unwrap().end;
            clock.advance(rest);
            // Processes that have just begun.
            let (one, other) = (feeds_at(&table, &clock), feeds_at(&table, &clock));
            let pk = one.partition("group");
            if is_deleted {
                table.delete(&Key::new(&pk, sort_key(place.segment))).await.unwrap();
            }
            one.append("group", "JOB#1", vec![line(2).line]).await.unwrap();
            clock.advance(MINUTE);
            other.append("group", "JOB#1", vec![line(3).line]).await.unwrap();
            assert_eq!(one.remembered(&pk), other.remembered(&pk), "{rest:?} {is_deleted}");
            one.append("group", "JOB#1", vec![line(4).line]).await.unwrap();
            let told = first.read("group", place).await.unwrap();
            let numbers: Vec<_> = told.lines.iter().map(|(_, line)| line.line.number).collect();
            assert_eq!(numbers, [2, 3, 4], "{rest:?} {is_deleted}");
            assert_eq!(all(&one).await.last(), Some(&4), "{rest:?} {is_deleted}");
        }
    }

    #[test]
    fn many_lines_are_appended_in_parts_that_fit() {
        let long = FeedLine { line: LoggedLine { message: "x".repeat(2_000), ..line(1).line }, ..line(1) };
        let parts = in_parts(vec![long; 100]).unwrap();
        assert_eq!(parts.iter().map(|part| part.lines.len()).sum::<usize>(), 100);
        assert!(parts.len() > 1 && parts.iter().all(|part| part.bytes <= LARGEST_APPEND));
        assert!(in_parts(Vec::new()).unwrap().is_empty());
    }
}

//! Counting a table anew, item by item: what was there before anything was counted, and what was lost while nobody could count.
//!
//! The table is read from end to end, which takes as long, and costs as much, as it is large. What is found is compared with what is counted, and that is
//! looked at before and after: only if nothing was counted between is the difference one of the counts, and not of the time. It is added, as a
//! change is, so that what is counted meanwhile stays counted; of two who do so at the same time one does.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;
use table::{Condition, Item, Key, Millis, Query, Table, TableError, Transaction, Update};
use tokio::time::sleep;

use crate::change::{Change, Source};
use crate::delta::{Delta, begin_of, minute};
use crate::kind::Kind;
use crate::standing::{Group, JOB_STATES, number};
use crate::store::Tallies;
use crate::writes::{COUNTS, WAITING, since, time_of};

/// How many items one transaction corrects; the tenth is the mark. DynamoDB takes 100, its local edition of 2020 only ten.
const MOST_WRITES: usize = 9;

/// What came of counting a table anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recount {
    /// How many items were read.
    pub items: u64,
    /// Whether nothing was counted meanwhile. If something was, the differences may be the time's.
    pub quiet: bool,
    /// What is counted otherwise than it was found.
    pub differences: Vec<Difference>,
    #[serde(skip)]
    source: Source,
    #[serde(skip)]
    missing: Delta,
    /// How often the table was counted anew before.
    #[serde(skip)]
    corrections: i64,
}

/// A count that is not what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The kind of jobs, or the platform.
    pub of: String,
    /// The state, or since when they wait.
    pub state: String,
    /// What is counted.
    pub counted: i64,
    /// What was found.
    pub found: i64,
}

impl Tallies {
    /// Counts the items of a table anew, and waits for `pause` before and after: longer than it takes until a change is counted.
    pub async fn recount(&self, source: Source, table: &Table, pause: Duration) -> Result<Recount, TableError> {
        let corrections = self.corrections(source).await?;
        sleep(pause).await;
        let before = self.counted(source).await?;
        let (mut found, mut items, mut start) = (Delta::default(), 0, None);
        loop {
            let page = table.sweep(None, start).await?;
            items += page.items.len() as u64;
            found = page.items.into_iter().fold(found, |found, item| found.plus(&count_one(source, item)));
            start = page.next;
            if start.is_none() {
                break;
            }
        }
        sleep(pause).await;
        let quiet = self.counted(source).await? == before;
        let counted = added_up(&before);
        let missing = found.clone().plus(&counted.negative());
        let (counted, found) = (counted.told(), found.told());
        let differences = missing.told().into_keys().map(|named| {
            let of = |counts: &BTreeMap<_, i64>| counts.get(&named).copied().unwrap_or(0);
            let (counted, found) = (of(&counted), of(&found));
            Difference { of: named.0, state: named.1, counted, found }
        });
        Ok(Recount { items, quiet, differences: differences.collect(), source, missing, corrections })
    }

    /// Adds what a recount has found missing. False if it was not quiet, or another has corrected the counts since: then nothing more is done.
    pub async fn correct(&self, recount: &Recount) -> Result<bool, TableError> {
        if !recount.quiet {
            return Ok(false);
        }
        let writes = recount.missing.writes(self.lane);
        for (number, writes) in (recount.corrections..).zip(writes.chunks(MOST_WRITES)) {
            let before = if number == 0 { Condition::Absent("pk") } else { Condition::equal("corrections", number) };
            let mark = Update::new().add("corrections", 1).when(before);
            let mut transaction = Transaction::new().update(&self.table, &mark_of(recount.source), mark)?;
            for (key, update) in writes {
                transaction = transaction.update(&self.table, key, update.clone())?;
            }
            match transaction.commit(&self.table).await {
                Ok(()) => {}
                Err(TableError::ConditionFailed(_)) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    async fn corrections(&self, source: Source) -> Result<i64, TableError> {
        let mark = self.table.get_item(&mark_of(source), true).await?;
        Ok(mark.and_then(|mark| number(&mark, "corrections")).unwrap_or(0))
    }

    /// The items that count what is of a source, as they are.
    async fn counted(&self, source: Source) -> Result<Vec<Item>, TableError> {
        let partition = |pk: &str| self.all(Query::new(Condition::equal("pk", pk)).consistent());
        let (counts, waiting) = tokio::try_join!(partition(COUNTS), partition(WAITING))?;
        let of_source = |kind: Kind| source.kinds().contains(&kind);
        let counts = counts.into_iter().filter(|item| Group::of_counts(item).is_some_and(|of| of_source(of.kind())));
        let waiting = waiting.into_iter().filter(|item| time_of(item).is_some_and(|(_, kind)| of_source(kind)));
        Ok(counts.chain(waiting).collect())
    }
}

impl Source {
    /// What is counted of it.
    const fn kinds(self) -> &'static [Kind] {
        match self {
            Self::Extract => &[Kind::Extract],
            Self::Portal => &[Kind::Portal],
            Self::Video => &[Kind::Video, Kind::Videos],
            Self::Credentials => &[Kind::Credentials],
        }
    }
}

impl Delta {
    /// What takes it away.
    fn negative(&self) -> Self {
        let mut negative = self.clone();
        negative.states.values_mut().chain(negative.waiting.values_mut()).for_each(|amount| *amount = -*amount);
        negative
    }

    /// Its counts by what they are of, in words.
    fn told(&self) -> BTreeMap<(String, String), i64> {
        let states = self.states.iter().map(|((group, state), amount)| {
            let of = match group {
                Group::Jobs(kind) => kind.as_str(),
                Group::Pool(platform) => platform.as_str(),
            };
            ((of.to_owned(), (*state).to_owned()), *amount)
        });
        let waiting = self.waiting.iter().map(|((kind, minute), amount)| {
            ((kind.as_str().to_owned(), format!("waiting since {}", begin_of(*minute))), *amount)
        });
        states.chain(waiting).collect()
    }
}

/// What an item adds to the counts: nothing has happened to it.
fn count_one(source: Source, item: Item) -> Delta {
    let made = Change { source, sequence: String::new(), at: Millis::default(), before: Item::new(), after: item };
    Delta { events: BTreeMap::new(), ..Delta::of(&made) }
}

/// What the items that count tell.
fn added_up(items: &[Item]) -> Delta {
    let mut sum = Delta::default();
    let credentials = credentials::Status::ALL.map(|(name, _)| name);
    for item in items {
        if let Some((hour, kind)) = time_of(item) {
            let waiting = (minute(hour)..).zip(since(item)).filter(|(_, amount)| *amount != 0);
            let waiting = waiting.map(|(minute, amount)| ((kind, minute), amount)).collect();
            sum = sum.plus(&Delta { waiting, ..Delta::default() });
        } else if let Some(group) = Group::of_counts(item) {
            let states = JOB_STATES.into_iter().chain(credentials).collect::<BTreeSet<_>>();
            let states = states.into_iter().filter_map(|state| {
                number(item, state).filter(|amount| *amount != 0).map(|amount| ((group.clone(), state), amount))
            });
            sum = sum.plus(&Delta { states: states.collect(), ..Delta::default() });
        }
    }
    sum
}

fn mark_of(source: Source) -> Key {
    Key::new("RECOUNTS", source.as_str())
}

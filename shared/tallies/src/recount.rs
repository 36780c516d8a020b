//! Counting a table anew, item by item: what was there before anything was counted, and what was lost while nobody could count.
//!
//! The table is read from end to end, which takes as long, and costs as much, as it is large. What is found is compared with what is counted, and that is
//! looked at before and after: only if nothing was counted between is the difference one of the counts, and not of the time. That nothing was counted may
//! also be because the function that counts is behind, or fails, or is not told: so before anything is corrected it is made to prove that it has counted
//! all that was changed until after the table was read ([`crate::proof`]). The difference is added, as a change is, so that what is counted meanwhile
//! stays counted; of two who do so at the same time one does.

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
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recount {
    /// How many items were read.
    pub items: u64,
    /// Whether nothing was counted meanwhile. If something was, the differences may be the time's; if nothing was, they may still be what the function that
    /// counts is behind by: [`Tallies::correct`] makes sure.
    pub quiet: bool,
    /// What is counted otherwise than it was found.
    pub differences: Vec<Difference>,
    #[serde(skip)]
    source: Source,
    /// The items that counted it, as they were before the table was read.
    #[serde(skip)]
    before: Vec<Item>,
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

/// What came of correcting the counts of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Correction {
    /// They are what was found.
    Done,
    /// Something was counted meanwhile: nothing is corrected.
    Busy,
    /// The function that counts did not show in time that it has counted everything: nothing is corrected.
    Behind,
    /// Another has corrected them since: of so many items that count some were written, and some were not. Counting anew finds what is still missing.
    Overtaken {
        /// How many were written.
        written: usize,
        /// How many were to be.
        of: usize,
    },
}

impl Tallies {
    /// Counts the items of a table anew, half a read unit for each 4 KB of it, and waits for `pause` before and after: longer than it takes until a
    /// change is counted. Nothing is written.
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
        let missing = found.clone().plus(&counted.negative()).net();
        let (counted, found) = (counted.told(), found.told());
        let differences = missing.told().into_keys().map(|named| {
            let of = |counts: &BTreeMap<_, i64>| counts.get(&named).copied().unwrap_or(0);
            let (counted, found) = (of(&counted), of(&found));
            Difference { of: named.0, state: named.1, counted, found }
        });
        Ok(Recount { items, quiet, differences: differences.collect(), source, before, missing, corrections })
    }

    /// Adds what a recount of `table` has found missing, if the function that counts proves within `patience` that it had counted all that was changed until
    /// the table was read. Where that fails in the middle, doing all of it again finds what is still missing.
    pub async fn correct(
        &self,
        recount: &Recount,
        table: &Table,
        patience: Duration,
    ) -> Result<Correction, TableError> {
        if recount.missing.is_empty() {
            return Ok(Correction::Done);
        }
        if !recount.quiet {
            return Ok(Correction::Busy);
        }
        if !self.has_caught_up(recount.source, table, patience).await? {
            return Ok(Correction::Behind);
        }
        // All that was changed before the probes is counted by now: and so it was before the table was read, if nothing was counted since.
        if self.counted(recount.source).await? != recount.before {
            return Ok(Correction::Busy);
        }
        let writes = recount.missing.writes(self.lane);
        let mut written = 0;
        for (number, some) in (recount.corrections..).zip(writes.chunks(MOST_WRITES)) {
            let before = if number == 0 { Condition::Absent("pk") } else { Condition::equal("corrections", number) };
            let mark = Update::new().add("corrections", 1).when(before);
            let mut transaction = Transaction::new().update(&self.table, &mark_of(recount.source), mark)?;
            for (key, update) in some {
                transaction = transaction.update(&self.table, key, update.clone())?;
            }
            match transaction.commit(&self.table).await {
                Ok(()) => written += some.len(),
                Err(TableError::ConditionFailed(_)) => {
                    return Ok(Correction::Overtaken { written, of: writes.len() });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Correction::Done)
    }

    async fn corrections(&self, source: Source) -> Result<i64, TableError> {
        let mark = self.table.get_item(&mark_of(source), true).await?;
        Ok(mark.and_then(|mark| number(&mark, "corrections")).unwrap_or(0))
    }

    /// The items that count what is of a source, as they are.
    async fn counted(&self, source: Source) -> Result<Vec<Item>, TableError> {
        let partition = |pk: &str| self.all(Query::new(Condition::equal("pk", pk)).consistent());
        let (counts, waiting) = tokio::try_join!(Box::pin(partition(COUNTS)), Box::pin(partition(WAITING)))?;
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
    Delta { events: BTreeMap::new(), probes: BTreeMap::new(), ..Delta::of(&made) }
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

//! The table, and how it is read.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use table::aws::{SdkConfig, SettingError, dynamodb, setting};
use table::{Clock, Condition, Item, Millis, Query, Table, TableError};

use crate::overview::Overview;
use crate::rates::{Last, Rates};
use crate::writes::{COUNTS, LANES, RATES, WAITING};

/// How many pages of a query are read at most for what is shown: each of a megabyte.
const PAGES: usize = 4;

/// All that is counted.
#[derive(Clone, Debug)]
pub struct Tallies {
    pub(crate) table: Table,
    pub(crate) clock: Clock,
    /// What this process adds to.
    pub(crate) lane: u8,
    /// The hour in which it last deleted those in which nobody waits.
    pub(crate) tidied: Arc<AtomicU64>,
}

impl Tallies {
    /// What is counted in `table`.
    #[must_use]
    pub fn new(table: Table, clock: Clock) -> Self {
        Self { table, clock, lane: fastrand::u8(..LANES), tidied: Arc::default() }
    }

    /// What is counted in the table that `TALLIES_TABLE` names.
    pub fn from_environment(config: &SdkConfig, clock: Clock) -> Result<Self, SettingError> {
        Ok(Self::new(Table::new(dynamodb(config), &setting("TALLIES_TABLE")?), clock))
    }

    /// How everything stands: two queries at once, whatever there is of everything (one more for some thousand platforms). Its reader may
    /// `dynamodb:Query` the table, no more. Of more than four megabytes (some 5,000 platforms, or weeks of hours in each of which something waits) the rest
    /// is not read.
    pub async fn overview(&self) -> Result<Overview, TableError> {
        let now = self.clock.now();
        let waiting =
            Condition::All(vec![Condition::equal("pk", WAITING), Condition::at_most("sk", format!("{now}~"))]);
        let counts = Query::new(Condition::equal("pk", COUNTS));
        let ((counts, is_cut), (waiting, _)) =
            tokio::try_join!(Box::pin(self.read(counts, PAGES)), Box::pin(self.read(Query::new(waiting), PAGES)))?;
        Ok(Overview { is_cut, ..Overview::of(&counts, &waiting, now) })
    }

    /// What has happened in the last hour or day, until now: one query, of a second page where much goes on.
    pub async fn rates(&self, last: Last) -> Result<Rates, TableError> {
        let now = self.clock.now();
        let from = last.first_point(now);
        let times = Condition::Between("sk", tens(from).to_string().into(), format!("{now}~").into());
        let times = Condition::All(vec![Condition::equal("pk", RATES), times]);
        let (items, _) = self.read(Query::new(times), PAGES).await?;
        Ok(Rates::of(&items, last, now))
    }

    /// All that a query finds.
    pub(crate) async fn all(&self, query: Query) -> Result<Vec<Item>, TableError> {
        Ok(self.read(query, usize::MAX).await?.0)
    }

    /// What a query finds on so many pages, and whether there is more.
    async fn read(&self, query: Query, pages: usize) -> Result<(Vec<Item>, bool), TableError> {
        let (mut items, mut start) = (Vec::new(), None);
        for _ in 0..pages {
            let page = self.table.query_items(query.clone().start(start.take())).await?;
            items.extend(page.items);
            start = page.next;
            if start.is_none() {
                break;
            }
        }
        Ok((items, start.is_some()))
    }
}

/// The beginning of the ten minutes that a moment lies in.
fn tens(moment: Millis) -> Millis {
    let ten = crate::writes::TEN * 60_000;
    Millis(moment.0 - moment.0 % ten)
}

//! The table.

use table::aws::{SdkConfig, SettingError, dynamodb, setting};
use table::{Clock, Table, TableError};

use crate::overview::Overview;
use crate::rates::{Last, Rates};

/// All that is counted.
#[derive(Clone, Debug)]
pub struct Tallies {
    pub(crate) table: Table,
    pub(crate) clock: Clock,
}

impl Tallies {
    /// What is counted in `table`.
    #[must_use]
    pub const fn new(table: Table, clock: Clock) -> Self {
        Self { table, clock }
    }

    /// What is counted in the table that `TALLIES_TABLE` names.
    pub fn from_environment(config: &SdkConfig, clock: Clock) -> Result<Self, SettingError> {
        Ok(Self::new(Table::new(dynamodb(config), &setting("TALLIES_TABLE")?), clock))
    }

    /// How everything stands: two queries at once, whatever there is of everything (more where there are hundreds of platforms). Its reader may
    /// `dynamodb:Query` the table, no more.
    pub async fn overview(&self) -> Result<Overview, TableError> {
        todo!()
    }

    /// What has happened in the last hour or day, until now: one query of some 3 and 30 read units; three at most where much goes on.
    pub async fn rates(&self, last: Last) -> Result<Rates, TableError> {
        todo!("{last:?}")
    }
}

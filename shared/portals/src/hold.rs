//! Who signs in with an account: one job at a time, since two would sign each other out.
//!
//! The account's item names the attempt that holds it. It holds it for as long as its job runs, by the job's own lease: nothing is renewed or given back
//! besides, and of a job that has ended, rests, or is gone nothing is left to be cleared away. A job that runs and whose worker is gone still holds its
//! account: the next attempt at it is to go on, and its old worker may not know yet that it has lost.

use std::fmt;
use std::str::FromStr;

use ::jobs::Status;
use serde::{Deserialize, Serialize};
use table::{Condition, TableError, Update};
use uuid::Uuid;

use crate::account::PortalAccount;
use crate::job::PortalJob;
use crate::jobs::PortalJobs;
use crate::keys::portal_account_key;

/// How often it is tried while others take the account.
const RACES: u32 = 5;

/// An attempt at a job; as text `id#token`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Holder {
    /// The job's id.
    pub job: Uuid,
    /// The attempt's fencing token.
    pub token: u64,
}

/// What came of wanting an account.
#[derive(Clone, Debug)]
pub enum Held {
    /// It is this attempt's.
    Ours(Box<PortalAccount>),
    /// Another job that runs has it.
    Busy,
    /// There is no such account any more.
    Gone,
}

impl PortalJobs {
    /// Holds a job's account for the attempt at it of this token, unless another job has it that runs.
    ///
    /// What is written is new each time, also by a job that has held the account before: so of two who found the account's last holder at rest, one is
    /// refused, and looks again.
    pub async fn hold_account(&self, job: &PortalJob, token: u64) -> Result<Held, TableError> {
        let (table, key) = (&self.jobs.table, portal_account_key(&job.tenant, job.portal, &job.email));
        let own = Holder { job: job.id, token };
        for _ in 0..RACES {
            let Some(account) = table.get::<PortalAccount>(&key).await? else { return Ok(Held::Gone) };
            let as_it_was = match account.held_by {
                // Done, but its answer was lost.
                Some(holder) if holder == own => return Ok(Held::Ours(Box::new(account))),
                Some(holder) if holder.job != job.id && self.runs(&job.tenant, holder.job).await? => {
                    return Ok(Held::Busy);
                }
                Some(holder) => Condition::equal("held_by", holder.to_string()),
                None => Condition::Absent("held_by"),
            };
            let hold = Update::new().set("held_by", own.to_string()).when(Condition::Exists("pk")).when(as_it_was);
            match table.update(&key, hold).await {
                Ok(item) => return Ok(Held::Ours(Box::new(table::decode(item)?))),
                Err(TableError::ConditionFailed(_)) => {}
                Err(error) => return Err(error),
            }
        }
        // Whoever was faster each time has it now.
        Ok(Held::Busy)
    }

    async fn runs(&self, tenant: &str, job: Uuid) -> Result<bool, TableError> {
        Ok(self.get(tenant, job).await?.is_some_and(|job| job.job.status == Status::Running))
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}#{}", self.job, self.token)
    }
}

impl FromStr for Holder {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = |text: &str| {
            let (job, token) = text.split_once('#')?;
            Some(Self { job: job.parse().ok()?, token: token.parse().ok()? })
        };
        read(text).ok_or("not a job and a token")
    }
}

impl From<Holder> for String {
    fn from(holder: Holder) -> Self {
        holder.to_string()
    }
}

impl TryFrom<String> for Holder {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_is_read_as_it_was_written() {
        let holder = Holder { job: Uuid::from_u128(7), token: 12 };
        assert_eq!(holder.to_string(), "00000000-0000-0000-0000-000000000007#12");
        assert_eq!(holder.to_string().parse(), Ok(holder));
        for text in ["", "#", "00000000-0000-0000-0000-000000000007", "x#1", "00000000-0000-0000-0000-000000000007#-1"]
        {
            assert!(text.parse::<Holder>().is_err(), "{text}");
        }
    }
}

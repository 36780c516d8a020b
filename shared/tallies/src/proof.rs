//! The proof that the function that counts is not behind: probes, which are items that mean nothing but that they are to be seen.
//!
//! A shard of a stream is told in order, and what cannot be counted holds up all that comes after it. So once a probe is counted, all is counted that was
//! changed before it in its shard. Probes lie in partitions drawn at random, so that each shard has some: that one of 20 shards has none is less likely
//! than one in 20,000. They are marked and counted as any other change, each once.

use std::time::Duration;

use serde::Serialize;
use table::{Key, Table, TableError, new_nonce};
use tokio::time::{sleep, timeout};

use crate::change::{Change, Source};
use crate::standing::{number, text};
use crate::store::Tallies;

/// How many probes there are: a write unit each, and one more to delete it.
const PROBES: usize = 256;
/// How often it is looked whether they were seen.
const LOOKED: Duration = Duration::from_millis(500);
/// For how long one is kept that could not be deleted, and that it was seen.
const KEPT: Duration = Duration::from_hours(1);
/// What an item is called that is a probe.
const PROBE: &str = "probe";
/// The attribute that says how many were seen.
pub(crate) const SEEN: &str = "seen";

#[derive(Serialize)]
struct Probe<'name> {
    #[serde(flatten)]
    key: Key,
    #[serde(rename = "probe")]
    name: &'name str,
    expires_at: u64,
}

impl Tallies {
    /// Whether all that was changed in a table until now is counted, or will be within `patience`.
    pub(crate) async fn has_caught_up(
        &self,
        source: Source,
        table: &Table,
        patience: Duration,
    ) -> Result<bool, TableError> {
        let (name, expires_at) = (new_nonce(), self.clock.now().after(KEPT).epoch_seconds());
        let keys: Vec<_> = (0..PROBES).map(|number| source.probe(&name, number)).collect();
        let probes: Vec<_> = keys.iter().map(|key| Probe { key: key.clone(), name: &name, expires_at }).collect();
        let seen = match table.put_many(&probes).await {
            Ok(()) => timeout(patience, self.all_seen(&name)).await.unwrap_or(Ok(false)),
            Err(error) => Err(error),
        };
        table.delete_many(&keys).await?;
        seen
    }

    async fn all_seen(&self, name: &str) -> Result<bool, TableError> {
        loop {
            let seen = self.table.get_item(&probed(name), true).await?;
            let seen = seen.and_then(|seen| number(&seen, SEEN)).and_then(|seen| usize::try_from(seen).ok());
            if seen.is_some_and(|seen| seen >= PROBES) {
                return Ok(true);
            }
            sleep(LOOKED).await;
        }
    }
}

impl Source {
    /// Where a probe lies: among what the function is told of (`FilterCriteria` in template.yaml), and nobody else looks at.
    fn probe(self, name: &str, number: usize) -> Key {
        let sk = match self {
            Self::Extract => "TASK#PROBE",
            Self::Portal | Self::Video => "JOB#PROBE",
            Self::Credentials => "CRED",
        };
        Key::new(format!("PROBE#{number}#{name}"), sk)
    }
}

/// The probe that a change has made, and until when it is kept that it was seen, in seconds.
pub(crate) fn probe_in(change: &Change) -> Option<(String, u64)> {
    let probe = text(&change.after, PROBE).filter(|_| change.before.is_empty())?;
    let expires_at = number(&change.after, "expires_at")?;
    Some((probe.to_owned(), u64::try_from(expires_at).ok()?))
}

/// Where it is counted how many probes of a name were seen.
pub(crate) fn probed(name: &str) -> Key {
    Key::new(format!("PROBED#{name}"), "PROBED")
}

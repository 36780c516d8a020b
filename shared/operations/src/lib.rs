//! Knows what an operator does with the jobs of all kinds: cleaning away those that have failed, or all; and what is done with dead letters. Knows
//! nothing of HTTP, nor of terminals.

mod cleaning;
mod kind;
mod letters;

pub use cleaning::Tally;
pub use kind::Kind;
pub use letters::{LetterPage, QUEUES};

use extract::Tasks;
use jobs::{DeadLetters, Jobs, Queue, Results};
use portals::PortalJobs;
use table::aws::{SdkConfig, SettingError, dynamodb, setting};
use table::{Clock, Table};
use videos::VideoJobs;

/// The jobs of all kinds, and the letters of all queues.
#[derive(Clone, Debug)]
pub struct Operations {
    jobs: Jobs,
    tasks: Tasks,
    portals: PortalJobs,
    videos: VideoJobs,
    results: Results,
    deliveries: Deliveries,
    letters: DeadLetters,
    clock: Clock,
}

/// Webhooks that are to be delivered.
#[derive(Clone, Debug)]
pub struct Deliveries {
    /// Where they are.
    pub table: Table,
    /// What hints at them.
    pub queue: Queue,
}

impl Operations {
    /// What an operator does with these.
    #[must_use]
    pub fn new(
        extract: Jobs,
        portals: Jobs,
        videos: Jobs,
        results: Results,
        deliveries: Deliveries,
        letters: Table,
    ) -> Self {
        Self {
            clock: extract.clock.clone(),
            tasks: Tasks::new(extract.clone()),
            jobs: extract,
            // How many run at once is for those that are new.
            portals: PortalJobs::new(portals, 1),
            videos: VideoJobs::new(videos, 1, 1),
            results,
            deliveries,
            letters: DeadLetters::new(letters),
        }
    }

    /// What the environment names: what `extract::open`, `portals::open_jobs` and `videos::open_jobs` read, `EVENTS_TABLE`, `RESULTS_BUCKET`,
    /// `WEBHOOKS_TABLE` and `WEBHOOKS_QUEUE_URL`.
    pub fn from_environment(config: &SdkConfig) -> Result<Self, SettingError> {
        let table = |name| Ok::<_, SettingError>(Table::new(dynamodb(config), &setting(name)?));
        let deliveries =
            Deliveries { table: table("WEBHOOKS_TABLE")?, queue: Queue::new(config, setting("WEBHOOKS_QUEUE_URL")?) };
        let results = Results::new(config, setting("RESULTS_BUCKET")?);
        let (extract, portals, videos) =
            (extract::open(config)?, portals::open_jobs(config)?, videos::open_jobs(config)?);
        Ok(Self::new(extract, portals, videos, results, deliveries, table("EVENTS_TABLE")?))
    }
}

//! Knows what an operator sees and does, over all kinds of jobs, credentials, schedules, proxies and tenants: listed by page, shown, acted on, with every
//! act in an audit log. The console and `droverctl` are this, made visible. Knows nothing of HTTP, nor of terminals.
//!
//! Every list is of pages of at most 100, whose number of requests has a bound that each says and that does not grow with what there is. What is shown has
//! no secret in it, and texts that may hold anything: whoever shows them sees to what a page or a terminal would make of them.

mod act;
mod audit;
mod fleet;
mod jobs;
mod letters;
mod operator;
mod page;
mod pools;
mod redacted;
mod schedules;
mod shown;
mod usage;

pub use self::act::{Act, ActError, Acted};
pub use self::audit::{Action, Asked, Audit, Entry, Outcome};
pub use self::fleet::{Fleet, ProxyRow, TaskRow};
pub use self::jobs::cleaning::Tally;
pub use self::jobs::detail::{Can, JobDetail, LogTail, MOST_LINES, PartRow, ResultFile};
pub use self::jobs::kind::Kind;
pub use self::jobs::listing::{Found, JobFilter};
pub use self::jobs::name::JobName;
pub use self::jobs::row::{Hold, JobRow, Parts};
pub use self::letters::{LetterPage, QUEUES};
pub use self::operator::Operator;
pub use self::page::{ListError, Listing, MOST, Paging};
pub use self::pools::{CredentialAct, Pools, TrailEvent};
pub use self::redacted::HIDDEN;
pub use self::schedules::name::{ScheduleKind, ScheduleName};
pub use self::schedules::row::{Runs, ScheduleRow};
pub use self::usage::{DayRow, MOST_DAYS, PlanUsage, Usage};

use ::jobs::{DeadLetters, Jobs, Queue, Results};
use extract::Tasks;
use portals::PortalJobs;
use table::aws::{SdkConfig, SettingError, dynamodb, setting};
use table::{Clock, Table};
use videos::VideoJobs;

/// The jobs of all kinds, their schedules, the letters of all queues, and the audit log.
#[derive(Clone, Debug)]
pub struct Operations {
    jobs: Jobs,
    tasks: Tasks,
    portals: PortalJobs,
    videos: VideoJobs,
    results: Results,
    deliveries: Deliveries,
    letters: DeadLetters,
    audit: Audit,
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
    /// What an operator does with these. The letters and the audit log are in the table `events`.
    #[must_use]
    pub fn new(
        extract: Jobs,
        portals: Jobs,
        videos: Jobs,
        results: Results,
        deliveries: Deliveries,
        events: Table,
    ) -> Self {
        Self {
            clock: extract.clock.clone(),
            audit: Audit::new(events.clone(), extract.clock.clone()),
            tasks: Tasks::new(extract.clone()),
            jobs: extract,
            // How many run at once is for tenants that are new, of whom an operator starts nothing.
            portals: PortalJobs::new(portals, 1),
            videos: VideoJobs::new(videos, 1, 1),
            results,
            deliveries,
            letters: DeadLetters::new(events),
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

    /// The audit log.
    #[must_use]
    pub const fn audit(&self) -> &Audit {
        &self.audit
    }
}

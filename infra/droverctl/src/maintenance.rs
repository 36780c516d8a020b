//! `droverctl maintenance`.

use std::time::Duration;

use clap::{ArgGroup, Args, ValueEnum};
use operations::{Kind, Operations, Tally};
use serde_json::{Value as Json, json};
use table::TableError;
use table::cost::metered;

use crate::Deployment;
use crate::confirm::confirm;
use crate::output::Format;

/// How long after a round the next begins.
const PAUSE: Duration = Duration::from_mins(1);

/// Clean jobs away that have failed, once or each minute, or all jobs.
///
/// A job goes with its files and its parts. Finding what failed is one query for each hundred jobs. Finding all jobs, as --clear-all does and its
/// --dry-run too, reads an index of them from end to end, half a read unit for every 4 KB. What it has cost is printed.
#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option")]
#[command(group = ArgGroup::new("mode").args(["clean_failed", "clear_all", "repeat"]).required(true))]
pub(crate) struct Maintenance {
    /// Delete jobs that failed more than --age minutes ago
    #[arg(long)]
    clean_failed: bool,
    /// Delete all jobs, whatever their state; those that go on are cancelled first. Asks, unless --yes
    #[arg(long)]
    clear_all: bool,
    /// Do as --clean-failed does each minute, until it is interrupted
    #[arg(long = "loop")]
    repeat: bool,
    /// For how many minutes failed jobs are kept
    #[arg(long, value_name = "MINUTES", default_value_t = 5, conflicts_with = "clear_all")]
    age: u32,
    /// Only jobs of this kind; may be given several times
    #[arg(long, value_enum)]
    kind: Vec<KindName>,
    /// Say what would be deleted, and delete nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long, conflicts_with_all = ["clean_failed", "repeat"])]
    yes: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum KindName {
    /// The extraction cloud's tasks
    Extract,
    /// Portal jobs
    Portal,
    /// Video jobs
    Video,
}

impl From<KindName> for Kind {
    fn from(name: KindName) -> Self {
        match name {
            KindName::Extract => Self::Extract,
            KindName::Portal => Self::Portal,
            KindName::Video => Self::Video,
        }
    }
}

impl Maintenance {
    pub(crate) async fn run(self, deployment: &Deployment, format: Format) -> anyhow::Result<Json> {
        let operations = Box::pin(deployment.operations()).await?;
        if self.clear_all {
            return self.clear(deployment, &operations).await;
        }
        loop {
            let round = self.clean(deployment, &operations).await;
            if !self.repeat {
                return round;
            }
            // A round that fails is made up for by the next.
            match round {
                Ok(round) => print!("{}", format.render(&round)),
                Err(error) => eprintln!("{error:#}"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn clean(&self, deployment: &Deployment, operations: &Operations) -> anyhow::Result<Json> {
        let by = Deployment::operator();
        let until = deployment.clock.now().before(Duration::from_mins(self.age.into()));
        self.each_kind(deployment, async |kind| operations.clean_failed_for(&by, kind, until, self.dry_run).await).await
    }

    async fn clear(&self, deployment: &Deployment, operations: &Operations) -> anyhow::Result<Json> {
        let by = Deployment::operator();
        let names: Vec<_> = self.kinds().into_iter().map(Kind::as_str).collect();
        let question =
            format!("All jobs of the stack {} go, with their files ({}).", deployment.stack, names.join(", "));
        confirm(&question, self.yes || self.dry_run)?;
        self.each_kind(deployment, async |kind| operations.clear_all(&by, kind, self.dry_run).await).await
    }

    /// Does something for each kind of jobs, and tells what came of it, and what it has cost.
    async fn each_kind(
        &self,
        deployment: &Deployment,
        mut work: impl AsyncFnMut(Kind) -> Result<Tally, TableError>,
    ) -> anyhow::Result<Json> {
        let mut done = Vec::new();
        for kind in self.kinds() {
            let (tally, cost) = metered(work(kind)).await;
            let Tally { found, deleted, not_deleted } = tally?;
            done.push(json!({
                "kind": kind,
                "found": found,
                "deleted": deleted,
                "not_deleted": not_deleted,
                "dynamodb_requests": cost.dynamodb_requests,
                "read_units": cost.read_units,
                "write_units": cost.write_units,
            }));
        }
        Ok(json!({"at": deployment.clock.now().to_string(), "dry_run": self.dry_run, "jobs": done}))
    }

    fn kinds(&self) -> Vec<Kind> {
        if self.kind.is_empty() { Kind::ALL.to_vec() } else { self.kind.iter().map(|kind| Kind::from(*kind)).collect() }
    }
}

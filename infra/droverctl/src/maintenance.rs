//! `droverctl maintenance`.

use std::time::Duration;

use anyhow::Context;
use clap::{ArgGroup, Args};
use operations::{Kind, Operations, Tally};
use serde_json::{Value as Json, json};
use table::TableError;
use table::cost::metered;

use crate::confirm::confirm;
use crate::deployment::Deployment;
use crate::failure::complain;
use crate::names::KindName;
use crate::output::{Format, emit};

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
    /// Say how many would be deleted, and which first, and delete nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long, conflicts_with_all = ["clean_failed", "repeat"])]
    yes: bool,
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
                Ok(round) => emit(&format.render(&round)),
                Err(error) => drop(complain(&error, format)),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn clean(&self, deployment: &Deployment, operations: &Operations) -> anyhow::Result<Json> {
        let until = deployment.clock.now().before(Duration::from_mins(self.age.into()));
        let by = &deployment.operator();
        self.each_kind(deployment, async |kind| operations.clean_failed_for(by, kind, until, self.dry_run).await).await
    }

    async fn clear(&self, deployment: &Deployment, operations: &Operations) -> anyhow::Result<Json> {
        let names: Vec<_> = self.kinds().into_iter().map(Kind::as_str).collect();
        let question =
            format!("All jobs of the stack {} go, with their files ({}).", deployment.stack, names.join(", "));
        confirm(&question, self.yes || self.dry_run)?;
        let by = &deployment.operator();
        self.each_kind(deployment, async |kind| operations.clear_all(by, kind, self.dry_run).await).await
    }

    /// Does something for each kind of jobs, and tells what came of it, and what it has cost.
    async fn each_kind(
        &self,
        deployment: &Deployment,
        mut work: impl AsyncFnMut(Kind) -> Result<Tally, TableError>,
    ) -> anyhow::Result<Json> {
        let (mut done, mut fault) = (Vec::new(), None);
        for kind in self.kinds() {
            let (tally, cost) = metered(work(kind)).await;
            let mut told = json!({
                "kind": kind,
                "dynamodb_requests": cost.dynamodb_requests,
                "read_units": cost.read_units,
                "write_units": cost.write_units,
            });
            match tally {
                Ok(Tally { found, deleted, not_deleted, first }) => {
                    told["found"] = found.into();
                    told["deleted"] = deleted.into();
                    told["not_deleted"] = not_deleted.into();
                    if self.dry_run {
                        told["first"] = first.into();
                    }
                }
                // The other kinds are not to wait for it.
                Err(error) => fault = fault.or(Some((kind, error))),
            }
            done.push(told);
        }
        let told = json!({"at": deployment.clock.now().to_string(), "dry_run": self.dry_run, "jobs": done});
        match fault {
            Some((kind, error)) => Err(error).with_context(|| format!("{} jobs: done is {told}", kind.as_str())),
            None => Ok(told),
        }
    }

    fn kinds(&self) -> Vec<Kind> {
        if self.kind.is_empty() { Kind::ALL.to_vec() } else { self.kind.iter().map(|kind| Kind::from(*kind)).collect() }
    }
}

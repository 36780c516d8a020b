//! `droverctl recount`.

use std::time::Duration;

use clap::{Args, ValueEnum};
use operations::Action;
use serde_json::{Value as Json, json};
use tallies::{Correction, Source, Tallies};

use crate::confirm::{Sure, confirm};
use crate::deployment::Deployment;
use crate::failure::{Exit, Failure, exit_of};
use crate::operator::Deed;
use crate::output::Answer;

/// Count jobs and credentials anew, and say where the overview's numbers are others; with --correct, put them right.
///
/// Needed once, after the first deployment that counts, for what was there before; and where changes were lost. A table is read from end to end: half a
/// read unit for each 4 KB. If anything changes meanwhile, the differences may be the time's, and nothing is corrected. Before it corrects, it writes 256
/// probes to the table, waits for a minute at most until all are counted, and deletes them: what counts must be switched on, and not be behind.
#[derive(Args)]
pub(crate) struct Recount {
    /// Only this table; may be given several times
    #[arg(long, value_enum)]
    table: Vec<SourceName>,
    /// Add the differences to what is counted. Asks, unless --yes
    #[arg(long)]
    correct: bool,
    /// How long to wait before and after for changes that are under way, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u16).range(0..=600))]
    pause: u16,
    #[command(flatten)]
    sure: Sure,
}

/// How long the function that counts may take until it has counted the probes.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SourceName {
    /// The extraction cloud's tasks
    Extract,
    /// Portal jobs
    Portal,
    /// Video jobs and their videos
    Video,
    /// Credentials
    Credentials,
}

impl From<SourceName> for Source {
    fn from(name: SourceName) -> Self {
        match name {
            SourceName::Extract => Self::Extract,
            SourceName::Portal => Self::Portal,
            SourceName::Video => Self::Video,
            SourceName::Credentials => Self::Credentials,
        }
    }
}

impl Recount {
    pub(crate) async fn run(self, deployment: &Deployment) -> anyhow::Result<Answer> {
        if self.correct {
            confirm("The overview's numbers are corrected.", self.sure.yes)?;
        }
        let tallies = Tallies::new(deployment.table("tallies"), deployment.clock.clone());
        let sources: Vec<Source> = match self.table.as_slice() {
            [] => Source::ALL.to_vec(),
            some => some.iter().copied().map(Source::from).collect(),
        };
        let (mut counted, mut refusals) = (Vec::new(), Vec::new());
        for source in sources {
            let (told, refusal) = Box::pin(self.count(source, &tallies, deployment)).await?;
            counted.push(told);
            refusals.extend(refusal);
        }
        match refusals.first() {
            None => Ok(json!({"tables": counted}).into()),
            Some((why, next)) => {
                let answer = json!({"tables": counted, "refused": why, "next": next});
                Ok(Answer { exit: Exit::Refused, ..answer.into() })
            }
        }
    }

    /// What a table comes to; and where it was to be corrected and was not, why, and what to do.
    async fn count(
        &self,
        source: Source,
        tallies: &Tallies,
        deployment: &Deployment,
    ) -> anyhow::Result<(Json, Option<Refusal>)> {
        let (pause, table) = (Duration::from_secs(self.pause.into()), deployment.table(source.as_str()));
        let recount = Box::pin(tallies.recount(source, &table, pause)).await?;
        let is_wanted = self.correct && !recount.differences.is_empty();
        let mut refused = None;
        if is_wanted {
            let deed = Deed::new(Action::CorrectTallies, format!("tallies/{}", source.as_str()));
            let act = async {
                refused = refusal(source, Box::pin(tallies.correct(&recount, &table, PATIENCE)).await?);
                refused.clone().map_or(Ok(()), |(why, next)| Err(Failure::refused(why).next(next).into()))
            };
            let corrected = deployment.audited(deed.detail(format!("{} differences", recount.differences.len())), act);
            // The other tables are counted all the same.
            match Box::pin(corrected).await {
                Err(error) if exit_of(&error) != Exit::Refused => return Err(error),
                _ => {}
            }
        }
        let told = json!({
            "table": source.as_str(),
            "items": recount.items,
            "quiet": recount.quiet,
            "corrected": is_wanted && refused.is_none(),
            "differences": recount.differences,
        });
        Ok((told, refused))
    }
}

/// Why the counts of a table were not corrected, and what to do.
type Refusal = (String, &'static str);

fn refusal(table: Source, correction: Correction) -> Option<Refusal> {
    let table = table.as_str();
    let (message, next) = match correction {
        Correction::Done => return None,
        Correction::Busy => (
            format!("{table}: something was counted meanwhile, and nothing was corrected"),
            "do it again in a quiet minute, or with the rules of recovery and scheduler and the queues' event sources switched off for as long; \
             those of the streams that `tallies` reads must stay on",
        ),
        Correction::Behind => (
            format!(
                "{table}: the function `tallies` has not counted all changes within a minute, and nothing was corrected"
            ),
            "`droverctl doctor` tells whether it and its event sources are on and well; once it has caught up, do it again",
        ),
        Correction::Overtaken { written, of } => (
            format!(
                "{table}: another has corrected it at the same time; of {of} items that count {written} were written"
            ),
            "do it again: it finds what is still missing",
        ),
    };
    Some((message, next))
}

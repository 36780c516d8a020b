//! `droverctl recount`.

use std::time::Duration;

use clap::{Args, ValueEnum};
use operations::Action;
use serde_json::{Value as Json, json};
use tallies::{Source, Tallies};

use crate::confirm::{Sure, confirm};
use crate::deployment::Deployment;
use crate::failure::{Exit, Failure, exit_of};
use crate::operator::Deed;
use crate::output::Answer;

/// Count jobs and credentials anew, and say where the overview's numbers are others; with --correct, put them right.
///
/// Needed once, after the first deployment that counts, for what was there before; and where changes were lost. A table is read from end to end: half a
/// read unit for each 4 KB. If anything changes meanwhile, the differences may be the time's, and nothing is corrected.
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
        let mut counted = Vec::new();
        for source in sources {
            counted.push(Box::pin(self.count(source, &tallies, deployment)).await?);
        }
        let is_left = |table: &Json| table["corrected"] == false && table["differences"] != json!([]);
        if !self.correct || !counted.iter().any(is_left) {
            return Ok(json!({"tables": counted}).into());
        }
        let next = "do it again in a quiet minute, or with rules and event sources switched off for as long";
        let told = "something changed meanwhile: not all was corrected";
        let answer = json!({"tables": counted, "refused": told, "next": next});
        Ok(Answer { exit: Exit::Refused, ..answer.into() })
    }

    async fn count(&self, source: Source, tallies: &Tallies, deployment: &Deployment) -> anyhow::Result<Json> {
        let pause = Duration::from_secs(self.pause.into());
        let recount = Box::pin(tallies.recount(source, &deployment.table(source.as_str()), pause)).await?;
        let is_corrected = if self.correct && !recount.differences.is_empty() {
            let deed = Deed::new(Action::CorrectTallies, format!("tallies/{}", source.as_str()));
            let act = async {
                let busy = || Failure::refused("something changed meanwhile");
                if tallies.correct(&recount).await? { Ok(()) } else { Err(busy().into()) }
            };
            match Box::pin(deployment.audited(deed.detail(format!("{} differences", recount.differences.len())), act))
                .await
            {
                Err(error) if exit_of(&error) != Exit::Refused => return Err(error),
                corrected => corrected.is_ok(),
            }
        } else {
            false
        };
        Ok(json!({
            "table": source.as_str(),
            "items": recount.items,
            "quiet": recount.quiet,
            "corrected": is_corrected,
            "differences": recount.differences,
        }))
    }
}

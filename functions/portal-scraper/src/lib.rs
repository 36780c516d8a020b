//! Reads portals, for the jobs in their queue: signs in with a job's account, takes page after page by the portal's recipe, checks that all was had, writes
//! the files, tells the account's owner, and ends the job (docs/decisions/0031-portal-scrapes.md).

mod attempt;
mod ending;
mod files;
mod letter;
mod memory;
mod next;
mod sites;

use anyhow::Context;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use batch::{Message, work_off};
use jobs::{Claimed, Hint, Lost, Results};
use lambda_runtime::LambdaEvent;
use mail::{Mailer, mails_a_day};
use portals::{Accounts, PortalJob, PortalJobs};
use recipes::Recipes;
use scraping::{Fetcher, Settings};
use spool::discard;
use table::Table;
use table::aws::{configure, dynamodb, setting};
use tokio::time::Instant;

use crate::attempt::Attempt;
use crate::sites::Sites;

/// What every job needs, made once per process.
pub struct App {
    jobs: PortalJobs,
    accounts: Accounts,
    results: Results,
    fetcher: Fetcher,
    recipes: Recipes,
    sites: Sites,
    mailer: Mailer,
    /// How many e-mails a day the jobs of one tenant send at most.
    mails_a_day: u64,
}

/// What an attempt needs of its invocation.
#[derive(Clone, Copy)]
struct Worker<'a> {
    /// What it is called: the invocation's id, by which its log is found.
    name: &'a str,
    /// When the work is put down.
    until: Instant,
}

impl App {
    /// What the environment names: what [`portals::open`], [`Accounts::from_environment`] and `sites.rs` read, `LIMITS_TABLE`, `RESULTS_BUCKET`, the
    /// operator's rules of fetching (`scraping::Settings`), and `MAIL_FROM` and `MAILS_A_DAY`, where e-mail is sent. A recipe that cannot be used is an error.
    pub fn from_environment() -> anyhow::Result<Self> {
        let config = configure()?;
        let jobs = portals::open(&config)?;
        let clock = jobs.jobs.clock.clone();
        let limits = Table::new(dynamodb(&config), &setting("LIMITS_TABLE")?);
        Ok(Self {
            accounts: Accounts::from_environment(&config, clock.clone())?,
            results: Results::new(&config, setting("RESULTS_BUCKET")?),
            fetcher: Fetcher::new(Settings::from_environment()?, limits, clock)?,
            recipes: Recipes::load()?,
            sites: Sites::from_environment()?,
            mailer: Mailer::from_environment(&config),
            mails_a_day: mails_a_day()?,
            jobs,
        })
    }

    /// Does what a batch of messages hints at. Those that failed are named, to be delivered again.
    pub async fn handle(&self, event: LambdaEvent<SqsEvent>) -> SqsBatchResponse {
        work_off(event, async |message| self.take(message).await).await
    }

    async fn take(&self, message: Message<'_>) -> anyhow::Result<()> {
        let hint: Hint = message.read("job")?;
        let (run, job) = match self.jobs.jobs.take::<PortalJob>(&hint, message.request_id).await? {
            Claimed::Run(run, job) => (*run, *job),
            Claimed::Nothing(why) => {
                tracing::info!(job = hint.job.sk, why, "nothing to do");
                return Ok(());
            }
        };
        tracing::info!(job_id = %job.id, portal = job.portal.as_str(), attempt = job.job.attempts, "claimed");
        let recipe = self.recipes.of(job.portal.as_str()).context("the portal has no recipe")?;
        let until = Instant::now() + message.time_left(&self.jobs.jobs.clock);
        let mut attempt = Attempt::new(self, recipe, run, &job, Worker { name: message.request_id, until });
        let next = Box::pin(attempt.work()).await;
        let files = attempt.own_files();
        let written = match next {
            Ok(next) => Box::pin(attempt.finish(next)).await,
            Err(lost) => Err(lost),
        };
        match written {
            Ok(()) => Ok(()),
            Err(Lost::Superseded(_)) => {
                tracing::info!("stopped: it was cancelled, or is another worker's");
                self.clear_up(&job, files).await
            }
            Err(Lost::Table(error)) => Err(error.into()),
        }
    }

    /// Deletes files for a job that is not ours any more: unless another worker may go on from them, or has ended it with them, nobody will ask for them.
    async fn clear_up(&self, job: &PortalJob, mut files: Vec<String>) -> anyhow::Result<()> {
        if let Some(job) = self.jobs.get(&job.tenant, job.id).await? {
            if !job.job.status.is_final() {
                return Ok(());
            }
            files.retain(|key| !job.files.iter().any(|file| file.key == *key));
        }
        discard(&self.results, &files).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use portals::Portal;

    use super::*;

    #[test]
    fn every_portal_has_a_recipe() {
        let recipes = Recipes::load().unwrap();
        for portal in Portal::ALL {
            assert!(recipes.of(portal.as_str()).is_some(), "{portal:?}");
        }
    }
}

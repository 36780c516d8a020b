//! A deployment's jobs of all kinds, as an operator reaches them.

use std::time::Duration;

use anyhow::Context;
use aws_sdk_sqs::Client;
use jobs::{Jobs, Logs, Policy, Queue, Results};
use operations::{Deliveries, Operations, Operator};

use crate::Deployment;

/// The lease of the jobs' workers; an operator holds none.
const LEASE: Duration = Duration::from_mins(1);

impl Deployment {
    /// Who runs the command, as the audit log names them: the machine's user.
    pub(crate) fn operator() -> Operator {
        let user = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|name| std::env::var(name).ok());
        Operator::droverctl(user.as_deref().unwrap_or("unknown"))
    }

    /// What an operator does with its jobs and dead letters.
    pub(crate) async fn operations(&self) -> anyhow::Result<Operations> {
        let (extract, portal, video, webhooks) = tokio::try_join!(
            self.queue_url("extract"),
            self.queue_url("portal"),
            self.queue_url("video"),
            self.queue_url("webhooks")
        )?;
        let bucket = self.results_bucket(&extract)?;
        let jobs = |kind, context, url| Jobs {
            kind,
            table: self.table(context),
            queue: Queue::new(&self.config, url),
            logs: Logs::new(self.table("events")),
            clock: self.clock.clone(),
            policy: Policy::with_lease(LEASE),
        };
        Ok(Operations::new(
            jobs(extract::QUEUE_KIND, "extract", extract),
            jobs(portals::QUEUE_KIND, "portal", portal),
            jobs(videos::QUEUE_KIND, "video", video),
            Results::new(&self.config, bucket),
            Deliveries { table: self.table("webhooks"), queue: Queue::new(&self.config, webhooks) },
            self.table("events"),
        ))
    }

    async fn queue_url(&self, queue: &str) -> anyhow::Result<String> {
        let name = format!("{}-{queue}", self.stack);
        let answer = Client::new(&self.config).get_queue_url().queue_name(&name).send().await;
        let answer =
            answer.with_context(|| format!("the queue {name} was not found: is there a stack {}?", self.stack))?;
        answer.queue_url.with_context(|| format!("the queue {name} has no address"))
    }

    /// The bucket's name holds the account, and so does a queue's address, before its name.
    fn results_bucket(&self, queue_url: &str) -> anyhow::Result<String> {
        let account = queue_url.rsplit('/').nth(1).with_context(|| format!("{queue_url} names no account"))?;
        let region = self.config.region().context("AWS_REGION is not set")?;
        Ok(format!("{}-results-{account}-{region}", self.stack))
    }
}

//! Sends deliveries to webhooks, from their queue: claims each by its lease, signs and posts it, records what was answered, and tells the owner of an
//! endpoint that was switched off.

mod farewell;
mod send;

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures::future::join_all;
use identity::Identity;
use lambda_runtime::LambdaEvent;
use mail::Mailer;
use scraping::{GuardedClient, Settings};
use secrets::Sealer;
use table::aws::{configure, dynamodb, setting};
use table::cost::metered;
use table::{Clock, Key, Table};
use tracing::Instrument;
use webhooks::{Claimed, Deliveries, Farewell, Taken};

/// What every delivery needs, made once per process.
pub struct App {
    deliveries: Deliveries,
    sealer: Sealer,
    client: GuardedClient,
    identity: Identity,
    mailer: Mailer,
    clock: Clock,
}

impl App {
    /// What the environment names: `WEBHOOKS_TABLE`, `WEBHOOKS_QUEUE_URL`, `WEBHOOKS_KEY`, `WEBHOOK_RETRY_BASE_MS`,
    /// `IDENTITY_TABLE`, `MAIL_FROM`, and the operator's rules of fetching (`scraping::Settings`).
    pub fn from_environment() -> anyhow::Result<Self> {
        let (config, clock) = (configure()?, Clock::system());
        Ok(Self {
            deliveries: webhooks::open_deliveries(&config, clock.clone())?,
            sealer: webhooks::open_sealer(&config)?,
            client: GuardedClient::new(&Settings::from_environment()?)?,
            identity: Identity::new(Table::new(dynamodb(&config), &setting("IDENTITY_TABLE")?), clock.clone()),
            mailer: Mailer::from_environment(&config),
            clock,
        })
    }

    /// Makes the deliveries that a batch of messages hints at, all at once: one that is slow holds up no other. Those that failed by a fault
    /// of our own are named, to be delivered again.
    pub async fn handle(&self, event: LambdaEvent<SqsEvent>) -> SqsBatchResponse {
        let request_id = event.context.request_id;
        let taken = event.payload.records.iter().map(|message| self.take(message, &request_id));
        let mut answer = SqsBatchResponse::default();
        answer.batch_item_failures = join_all(taken).await.into_iter().flatten().collect();
        telemetry::flush_metrics();
        answer
    }

    /// Makes one delivery; gives its message's failure, if it failed.
    async fn take(&self, message: &SqsMessage, request_id: &str) -> Option<BatchItemFailure> {
        let id = message.message_id.clone().unwrap_or_default();
        let span = tracing::info_span!("message", request_id, message_id = id);
        let work = async {
            let (done, cost) = metered(Box::pin(self.deliver(message, request_id))).await;
            cost.log("message done");
            done
        };
        let error = work.instrument(span.clone()).await.err()?;
        span.in_scope(|| tracing::error!(error = format!("{error:#}"), "the message failed"));
        let mut failure = BatchItemFailure::default();
        failure.item_identifier = id;
        Some(failure)
    }

    async fn deliver(&self, message: &SqsMessage, owner: &str) -> anyhow::Result<()> {
        let body = message.body.as_deref().unwrap_or_default();
        let key: Key =
            serde_json::from_str(body).map_err(|error| anyhow::anyhow!("the message names no delivery: {error}"))?;
        let farewell = match self.deliveries.claim(&key, owner).await? {
            Taken::Attempt(claimed) => Box::pin(self.make(*claimed)).await?,
            Taken::Farewell(farewell) => Some(*farewell),
            Taken::Nothing => {
                tracing::info!(delivery = key.sk, "nothing to do");
                None
            }
        };
        let Some(farewell) = farewell else { return Ok(()) };
        self.tell_owner(&farewell.endpoint).await?;
        Ok(self.deliveries.owner_told(farewell).await?)
    }

    /// Makes an attempt, and records what came of it.
    async fn make(&self, claimed: Claimed) -> anyhow::Result<Option<Farewell>> {
        let (delivery, attempt) = (claimed.delivery.id.clone(), claimed.delivery.attempts);
        let told = self.attempt(&claimed.delivery, &claimed.endpoint).await?;
        let outcome = if told.is_success() { "WebhooksDelivered" } else { "WebhookAttemptsFailed" };
        telemetry::counter!(outcome).increment(1);
        tracing::info!(delivery, attempt, outcome, "attempted");
        Ok(Box::pin(self.deliveries.conclude(claimed, &told)).await?)
    }
}

//! Sends deliveries to webhooks, from their queue: claims each by its lease, signs and posts it, records what was answered, and tells the owner of an
//! endpoint that was switched off.

mod farewell;
mod send;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use batch::{Message, work_off};
use identity::Identity;
use lambda_runtime::LambdaEvent;
use mail::Mailer;
use scraping::{GuardedClient, Settings};
use secrets::Sealer;
use table::aws::{configure, dynamodb, setting};
use table::{Clock, Key, Table};
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

    /// Makes the deliveries that a batch of messages hints at. Those that failed by a fault of our own are named, to be delivered again.
    pub async fn handle(&self, event: LambdaEvent<SqsEvent>) -> SqsBatchResponse {
        work_off(event, async |message| Box::pin(self.deliver(message)).await).await
    }

    async fn deliver(&self, message: Message<'_>) -> anyhow::Result<()> {
        let key: Key = message.read("delivery")?;
        let farewell = match self.deliveries.claim(&key, message.request_id).await? {
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
        let delivered = told.is_success();
        if delivered {
            telemetry::counter!("WebhooksDelivered").increment(1);
        } else {
            telemetry::counter!("WebhookAttemptsFailed").increment(1);
        }
        tracing::info!(delivery, attempt, delivered, "attempted");
        Ok(Box::pin(self.deliveries.conclude(claimed, &told)).await?)
    }
}

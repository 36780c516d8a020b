//! The Lambda that takes messages that kept failing: each job ends as failed, with the reason, and each message is
//! kept for an operator.

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use batch::traced;
use futures::TryFutureExt;
use jobs::{Cancelled, DeadLetter, DeadLetters, Jobs};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use table::aws::{configure, dynamodb, setting};
use table::{Key, Millis, Table};
use tracing::field::Empty;
use tracing::info_span;

/// The queue of deliveries, as its letters name it.
const WEBHOOKS: &str = "webhooks";
/// What a job's owner reads.
const REASON: &str = "Given up: its worker kept failing before it could begin";

struct App {
    jobs: Jobs,
    videos: Jobs,
    portals: Jobs,
    letters: DeadLetters,
    /// The ARNs of the dead letters of video jobs, of portal jobs and of webhooks.
    video_letters: String,
    portal_letters: String,
    webhooks: String,
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init("dead-letters");
    let config = configure()?;
    let letters = DeadLetters::new(Table::new(dynamodb(&config), &setting("EVENTS_TABLE")?));
    let app = &App {
        jobs: extract::open(&config)?,
        videos: videos::open_jobs(&config)?,
        portals: portals::open_jobs(&config)?,
        letters,
        video_letters: setting("VIDEO_DEAD_LETTERS")?,
        portal_letters: setting("PORTAL_DEAD_LETTERS")?,
        webhooks: setting("WEBHOOKS_DEAD_LETTERS")?,
    };
    run(service_fn(move |event: LambdaEvent<SqsEvent>| async move { Ok::<_, Error>(app.handle(event).await) })).await
}

impl App {
    async fn handle(&self, event: LambdaEvent<SqsEvent>) -> SqsBatchResponse {
        let LambdaEvent { payload, context } = event;
        let mut answer = SqsBatchResponse::default();
        for message in payload.records {
            telemetry::counter!("DeadLetters").increment(1);
            let (request_id, message_id) = (&context.request_id, message.message_id.as_deref());
            let span = info_span!("letter", request_id, message_id, trace_id = Empty);
            let burial = Box::pin(self.bury(&message)).inspect_err(|error| {
                tracing::error!(%error, "a dead letter was not dealt with");
            });
            if traced(&message, &context, span, burial).await.is_err() {
                let mut failure = BatchItemFailure::default();
                failure.item_identifier = message.message_id.unwrap_or_default();
                answer.batch_item_failures.push(failure);
            }
        }
        telemetry::flush_metrics();
        answer
    }

    async fn bury(&self, message: &SqsMessage) -> Result<(), table::TableError> {
        let body = message.body.clone().unwrap_or_default();
        let source = message.event_source_arn.as_deref();
        let is_delivery = source == Some(&self.webhooks);
        let jobs = match source {
            Some(source) if source == self.video_letters => &self.videos,
            Some(source) if source == self.portal_letters => &self.portals,
            _ => &self.jobs,
        };
        let key = serde_json::from_str::<Key>(&body);
        let (queue, verdict) = match &key {
            // Its fault may be ours, and an endpoint is promised a day of attempts.
            Ok(_) if is_delivery => (WEBHOOKS, "its delivery goes on by its schedule, or has ended"),
            Err(_) if is_delivery => (WEBHOOKS, "it named no delivery"),
            Err(_) => (jobs.kind, "it named no job"),
            Ok(key) => (jobs.kind, end(jobs, key).await?),
        };
        let sent = message.attributes.get("SentTimestamp").and_then(|moment| moment.parse().ok());
        let letter = DeadLetter {
            queue: queue.to_owned(),
            message_id: message.message_id.clone().unwrap_or_default(),
            body,
            sent_at: sent.map_or_else(|| self.jobs.clock.now(), Millis),
            verdict: verdict.to_owned(),
            redriven_at: None,
        };
        tracing::warn!(verdict, job = key.ok().map(|key| key.sk), "a message kept failing");
        self.letters.keep(&letter).await
    }
}

/// Ends the job of a letter, and gives what became of it.
async fn end(jobs: &Jobs, key: &Key) -> Result<&'static str, table::TableError> {
    Ok(match jobs.give_up(key, REASON).await? {
        Cancelled::Now { .. } => "its job was failed",
        Cancelled::AlreadyEnded => "its job had ended, or was being worked on",
        Cancelled::Missing => "its job is gone",
    })
}

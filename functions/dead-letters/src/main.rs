//! The Lambda that takes messages that kept failing: each job ends as failed, with the reason, and each message is kept for an operator.

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use jobs::{Cancelled, DeadLetter, DeadLetters, Jobs};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use table::aws::{configure, dynamodb, setting};
use table::{Key, Millis, Table};

/// What a job's owner reads.
const REASON: &str = "Given up: the task's worker kept failing before it could begin";

struct App {
    jobs: Jobs,
    letters: DeadLetters,
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init("dead-letters");
    let config = configure()?;
    let letters = DeadLetters::new(Table::new(dynamodb(&config), &setting("EVENTS_TABLE")?));
    let app = &App { jobs: extract::open(&config)?, letters };
    run(service_fn(move |event: LambdaEvent<SqsEvent>| async move { Ok::<_, Error>(app.handle(event.payload).await) }))
        .await
}

impl App {
    async fn handle(&self, event: SqsEvent) -> SqsBatchResponse {
        let mut answer = SqsBatchResponse::default();
        for message in event.records {
            telemetry::counter!("DeadLetters").increment(1);
            if let Err(error) = self.bury(&message).await {
                tracing::error!(%error, message_id = message.message_id, "a dead letter was not dealt with");
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
        let verdict = match serde_json::from_str::<Key>(&body) {
            Err(_) => "it named no job",
            Ok(key) => match self.jobs.give_up(&key, REASON).await? {
                Cancelled::Now => "its job was failed",
                Cancelled::AlreadyEnded => "its job had ended, or was being worked on",
                Cancelled::Missing => "its job is gone",
            },
        };
        let sent = message.attributes.get("SentTimestamp").and_then(|moment| moment.parse().ok());
        let letter = DeadLetter {
            queue: self.jobs.kind.to_owned(),
            message_id: message.message_id.clone().unwrap_or_default(),
            body,
            sent_at: sent.map_or_else(|| self.jobs.clock.now(), Millis),
            verdict: verdict.to_owned(),
        };
        tracing::warn!(message_id = letter.message_id, verdict, "a message kept failing");
        self.letters.keep(&letter).await
    }
}

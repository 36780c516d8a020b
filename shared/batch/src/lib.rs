//! Knows how a batch of SQS messages is worked off in a Lambda: each in a span of its own, with what it cost in the log, and those that failed named,
//! to be delivered again. Knows nothing of what is in them.

use std::time::Duration;

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures::future::join_all;
use lambda_runtime::{Context, LambdaEvent};
use table::cost::metered;
use table::{Clock, Millis};
use tracing::Instrument;

/// One message of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Message<'batch> {
    /// What is in it.
    pub body: &'batch str,
    /// The id of the invocation that it came with.
    pub request_id: &'batch str,
    /// When the function is stopped.
    pub deadline: Millis,
}

impl Message<'_> {
    /// How long may be worked on it: until the function is stopped, less the time it takes to put the work down.
    #[must_use]
    pub fn time_left(&self, clock: &Clock) -> Duration {
        let left = clock.now().until(self.deadline);
        left.saturating_sub(Duration::from_secs(20).min(left / 4))
    }
}

/// Works off all messages of a batch at once: one that is slow holds up no other.
pub async fn work_off(
    event: LambdaEvent<SqsEvent>,
    work: impl AsyncFn(Message<'_>) -> anyhow::Result<()>,
) -> SqsBatchResponse {
    let LambdaEvent { payload, context } = event;
    let failed = join_all(payload.records.iter().map(|message| take(message, &context, &work))).await;
    let mut answer = SqsBatchResponse::default();
    answer.batch_item_failures = failed.into_iter().flatten().collect();
    telemetry::flush_metrics();
    answer
}

/// Works off one; gives its failure, if it failed.
async fn take(
    message: &SqsMessage,
    context: &Context,
    work: &impl AsyncFn(Message<'_>) -> anyhow::Result<()>,
) -> Option<BatchItemFailure> {
    let id = message.message_id.clone().unwrap_or_default();
    let body = message.body.as_deref().unwrap_or_default();
    let span = tracing::info_span!("message", request_id = context.request_id, message_id = id);
    let one = Message { body, request_id: &context.request_id, deadline: Millis(context.deadline) };
    let measured = async {
        let (done, cost) = metered(Box::pin(work(one))).await;
        cost.log("message done");
        done
    };
    let error = measured.instrument(span.clone()).await.err()?;
    span.in_scope(|| tracing::error!(error = format!("{error:#}"), "the message failed"));
    let mut failure = BatchItemFailure::default();
    failure.item_identifier = id;
    Some(failure)
}

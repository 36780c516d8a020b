//! Knows how a batch of SQS messages is worked off in a Lambda: each in a span of its own, with what it cost in the log, and those that failed named,
//! to be delivered again. Knows nothing of what is in them.

use std::time::Duration;

use anyhow::Context as _;
use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures::future::join_all;
use lambda_runtime::{Context, LambdaEvent};
use serde::de::DeserializeOwned;
use table::cost::metered;
use table::{Clock, Millis};
use telemetry::Trace;
use tracing::Span;
use tracing::field::Empty;

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
    /// What it names, from its JSON; `what` says for the log what that should be.
    pub fn read<T: DeserializeOwned>(&self, what: &str) -> anyhow::Result<T> {
        serde_json::from_str(self.body).with_context(|| format!("the message names no {what}"))
    }

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

/// Does what a message is about. Its log lines are of the trace that the message was sent in, as long as nothing better is known; what it sends
/// itself comes from this invocation.
pub async fn traced<F: Future>(message: &SqsMessage, context: &Context, span: Span, work: F) -> F::Output {
    let sent_in = Trace::of(message.attributes.get("AWSTraceHeader").map(String::as_str));
    let sender = context.xray_trace_id.as_deref().map_or_else(|| sent_in.clone(), |header| Trace::of(Some(header)));
    telemetry::traced_for(sent_in.id().clone(), sender, span, work).await
}

/// Works off one; gives its failure, if it failed.
async fn take(
    message: &SqsMessage,
    context: &Context,
    work: &impl AsyncFn(Message<'_>) -> anyhow::Result<()>,
) -> Option<BatchItemFailure> {
    let id = message.message_id.clone().unwrap_or_default();
    let body = message.body.as_deref().unwrap_or_default();
    let span = tracing::info_span!("message", request_id = context.request_id, message_id = id, trace_id = Empty);
    let one = Message { body, request_id: &context.request_id, deadline: Millis(context.deadline) };
    let measured = async {
        let (done, cost) = metered(Box::pin(work(one))).await;
        cost.log("message done");
        done.inspect_err(|error| tracing::error!(error = format!("{error:#}"), "the message failed"))
    };
    traced(message, context, span, measured).await.err()?;
    let mut failure = BatchItemFailure::default();
    failure.item_identifier = id;
    Some(failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(bodies: &[&str]) -> LambdaEvent<SqsEvent> {
        let mut event = SqsEvent::default();
        for body in bodies {
            let mut message = SqsMessage::default();
            message.message_id = Some(format!("id of {body}"));
            message.body = Some((*body).to_owned());
            event.records.push(message);
        }
        LambdaEvent::new(event, Context::default())
    }

    #[tokio::test]
    async fn only_those_that_failed_are_delivered_again() {
        let answer = work_off(event(&["1", "x", "3", ""]), async |message| {
            let number: u8 = message.read("number")?;
            anyhow::ensure!(number < 3, "too many");
            Ok(())
        });
        let failed: Vec<_> =
            answer.await.batch_item_failures.into_iter().map(|failed| failed.item_identifier).collect();
        assert_eq!(failed, ["id of x", "id of 3", "id of "]);
    }

    #[tokio::test]
    async fn one_that_is_slow_holds_up_no_other() {
        let both = tokio::sync::Barrier::new(2);
        let answer = work_off(event(&["1", "2"]), async |_| {
            // Comes when the other is here too.
            both.wait().await;
            Ok(())
        });
        assert!(answer.await.batch_item_failures.is_empty());
    }

    #[tokio::test]
    async fn each_is_worked_on_in_the_trace_it_was_sent_in() {
        const SENT_IN: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
        const WORKED_ON_IN: &str = "Root=1-5759e989-000000000000000000000001;Parent=53995c3f42cd8ad9;Sampled=1";
        let mut event = event(&["traced", "untraced"]);
        event.context.xray_trace_id = Some(WORKED_ON_IN.to_owned());
        let attributes = &mut event.payload.records[0].attributes;
        attributes.insert("AWSTraceHeader".to_owned(), SENT_IN.to_owned());
        let answer = work_off(event, async |message| {
            let trace = telemetry::current_trace().context("no trace")?;
            anyhow::ensure!(SENT_IN.contains(trace.as_str()) == (message.body == "traced"));
            let sender = telemetry::sending_trace().map(|sender| sender.to_string());
            anyhow::ensure!(sender.as_deref() == Some(WORKED_ON_IN), "what it sends comes from {sender:?}");
            Ok(())
        });
        assert!(answer.await.batch_item_failures.is_empty());
    }

    #[test]
    fn work_is_put_down_before_the_function_is_stopped() {
        let clock = Clock::fake(Millis(1_000_000));
        for (left, time) in [(900, 880), (80, 60), (40, 30), (0, 0)] {
            let message = Message { body: "", request_id: "", deadline: Millis(1_000_000 + left * 1_000) };
            assert_eq!(message.time_left(&clock), Duration::from_secs(time), "{left}");
        }
        let late = Message { body: "", request_id: "", deadline: Millis(1) };
        assert_eq!(late.time_left(&clock), Duration::ZERO);
    }
}

//! The queue that hints at jobs. A message is the key of a job as JSON: `{"pk": …, "sk": …}`, with `"first": true` where it is this very job that
//! wants a look, and not any of its group.
//!
//! Each message names a group of SQS's, the partition of the job's owner: so SQS serves those first of whom few messages are under way (fair queues),
//! however many another's are. A job's children are their parent's owner's too: who has many jobs with children is one among all the same.
//!
//! Beside it, as X-Ray wants it, goes the trace of whatever sent it. That joins their pictures; log lines go by the job's own trace ([`crate::Job`]),
//! since whoever gets a message may find another job first in line.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Builder;
use aws_sdk_sqs::types::{
    MessageSystemAttributeNameForSends, MessageSystemAttributeValue, QueueAttributeName, SendMessageBatchRequestEntry,
};
use futures::StreamExt;
use futures::stream::iter;
use serde::{Deserialize, Serialize};
use table::Key;
use table::aws::SdkConfig;
use table::cost::RequestMeter;

use crate::join::owners_partition;

/// The most messages of one batch (the service's limit).
const BATCH: usize = 10;
/// How many batches are on their way at once.
const BATCHES_AT_ONCE: usize = 8;
/// The longest name of a message's group (the service's limit).
const LONGEST_GROUP: usize = 128;
/// The longest delay of a message (the service's limit).
pub const LONGEST_DELAY: Duration = Duration::from_mins(15);

/// The queue of one kind of job.
#[derive(Clone, Debug)]
pub struct Queue {
    client: Client,
    url: String,
}

/// What a message says: that the group of this job has work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// The job.
    #[serde(flatten)]
    pub job: Key,
    /// Whether this very job wants a look: it has rested, or its worker is gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub first: bool,
}

impl Hint {
    /// That a job waits.
    #[must_use]
    pub const fn waits(job: Key) -> Self {
        Self { job, first: false }
    }

    /// That a job is to be gone on with.
    #[must_use]
    pub const fn goes_on(job: Key) -> Self {
        Self { job, first: true }
    }

    fn body(&self) -> String {
        serde_json::json!(self).to_string()
    }

    /// Whose message it is.
    fn group(&self) -> String {
        owners_partition(&self.job.pk).chars().take(LONGEST_GROUP).collect()
    }
}

impl Queue {
    /// The queue at `url`.
    #[must_use]
    pub fn new(config: &SdkConfig, url: String) -> Self {
        let config = Builder::from(config).interceptor(RequestMeter).build();
        Self { client: Client::from_conf(config), url }
    }

    /// Sends a hint, to arrive after `delay` (at most 15 minutes), rounded up to whole seconds. Failing is no loss: the job is found by the
    /// `due` index and hinted at again.
    pub async fn hint(&self, hint: &Hint, delay: Duration) {
        let delay = i32::try_from(round_up(delay.min(LONGEST_DELAY))).unwrap_or_default();
        let request = self.client.send_message().queue_url(&self.url).message_body(hint.body());
        let request = request.message_group_id(hint.group()).delay_seconds(delay);
        let request = request.set_message_system_attributes(trace());
        if let Err(error) = request.send().await {
            let error = aws_sdk_sqs::error::DisplayErrorContext(error);
            tracing::warn!(%error, job = hint.job.sk, "the job's message was not sent; it will be sent again");
        }
    }

    /// Sends many hints. What fails is found again later.
    pub async fn hint_all(&self, hints: &[Hint]) {
        let at_once: Vec<_> = hints.iter().map(|hint| (hint.clone(), Duration::ZERO)).collect();
        self.hint_each(&at_once).await;
    }

    /// Sends many hints, each to arrive after its delay, as [`Self::hint`] has it. What fails is found again later.
    pub async fn hint_each(&self, hints: &[(Hint, Duration)]) {
        let batches = iter(hints.chunks(BATCH));
        let send = async |batch: &[(Hint, Duration)]| {
            let entries: Vec<_> = batch
                .iter()
                .enumerate()
                .filter_map(|(n, (hint, delay))| {
                    let delay = i32::try_from(round_up((*delay).min(LONGEST_DELAY))).unwrap_or_default();
                    let entry = SendMessageBatchRequestEntry::builder().id(n.to_string()).message_body(hint.body());
                    let entry = entry.message_group_id(hint.group()).delay_seconds(delay);
                    entry.set_message_system_attributes(trace()).build().ok()
                })
                .collect();
            let request = self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries));
            if let Err(error) = request.send().await {
                let error = aws_sdk_sqs::error::DisplayErrorContext(error);
                tracing::warn!(%error, jobs = batch.len(), "messages were not sent; they will be sent again");
            }
        };
        batches.for_each_concurrent(BATCHES_AT_ONCE, send).await;
    }

    /// Whether the queue answers.
    pub async fn is_reachable(&self) -> bool {
        self.length().await.is_some()
    }

    /// How many messages wait in it, roughly; none if it does not answer.
    pub async fn length(&self) -> Option<u64> {
        let attribute = QueueAttributeName::ApproximateNumberOfMessages;
        let request = self.client.get_queue_attributes().queue_url(&self.url).attribute_names(attribute.clone());
        request.send().await.ok()?.attributes()?.get(&attribute)?.parse().ok()
    }
}

/// What goes with a message for X-Ray.
fn trace() -> Option<HashMap<MessageSystemAttributeNameForSends, MessageSystemAttributeValue>> {
    let header = telemetry::sending_trace()?.to_string();
    let value = MessageSystemAttributeValue::builder().data_type("String").string_value(header).build().ok()?;
    Some(HashMap::from([(MessageSystemAttributeNameForSends::AwsTraceHeader, value)]))
}

/// Up to the next whole second, so that a message does not come before its job may be claimed.
fn round_up(pause: Duration) -> u64 {
    pause.as_secs() + u64::from(pause.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::join::PartOf;

    #[tokio::test]
    async fn a_message_carries_the_trace_of_what_it_is_sent_in() {
        const HEADER: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
        assert_eq!(trace(), None);
        let sent = async { trace() };
        let sent = telemetry::traced(telemetry::Trace::of(Some(HEADER)), tracing::Span::none(), sent).await.unwrap();
        let value = &sent[&MessageSystemAttributeNameForSends::AwsTraceHeader];
        assert_eq!((value.data_type(), value.string_value()), ("String", Some(HEADER)));
    }

    #[test]
    fn all_messages_of_an_owner_are_of_one_group() {
        let (one, other) = (Key::new("USER#1", "TASK#a"), Key::new("USER#1", "TASK#b"));
        let child = |parent: &Key| PartOf::new(parent, 3).child(0);
        for job in [one.clone(), other.clone(), child(&one), child(&other)] {
            assert_eq!(Hint::waits(job.clone()).group(), "USER#1", "{job:?}");
            assert_eq!(Hint::goes_on(job.clone()).group(), "USER#1", "{job:?}");
        }
        assert_eq!(Hint::waits(child(&Key::new("USER#2", "TASK#a"))).group(), "USER#2");
        let long = "x".repeat(LONGEST_GROUP + 1);
        assert_eq!(Hint::waits(Key::new(long, "TASK#a")).group().len(), LONGEST_GROUP);
    }
}

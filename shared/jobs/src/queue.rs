//! The queue that hints at jobs. A message is the job's key as JSON: `{"pk": …, "sk": …}`.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Builder;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use table::Key;
use table::aws::SdkConfig;
use table::cost::RequestMeter;

/// The most messages of one batch (the service's limit).
const BATCH: usize = 10;
/// The longest delay of a message (the service's limit).
pub const LONGEST_DELAY: Duration = Duration::from_mins(15);

/// The queue of one kind of job.
#[derive(Clone, Debug)]
pub struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    /// The queue at `url`.
    #[must_use]
    pub fn new(config: &SdkConfig, url: String) -> Self {
        let config = Builder::from(config).interceptor(RequestMeter).build();
        Self { client: Client::from_conf(config), url }
    }

    /// Sends a hint for the job at `key`, to arrive after `delay` (at most 15 minutes), rounded up to whole seconds. Failing is no loss: the
    /// job is found by the `due` index and hinted at again.
    pub async fn hint(&self, key: &Key, delay: Duration) {
        let delay = i32::try_from(round_up(delay.min(LONGEST_DELAY))).unwrap_or_default();
        let request = self.client.send_message().queue_url(&self.url).message_body(body(key)).delay_seconds(delay);
        if let Err(error) = request.send().await {
            let error = aws_sdk_sqs::error::DisplayErrorContext(error);
            tracing::warn!(%error, job = key.sk, "the job's message was not sent; it will be sent again");
        }
    }

    /// Sends hints for many jobs. What fails is found again later.
    pub async fn hint_all(&self, keys: &[Key]) {
        for batch in keys.chunks(BATCH) {
            let entries: Vec<_> = batch
                .iter()
                .enumerate()
                .filter_map(|(n, key)| {
                    SendMessageBatchRequestEntry::builder().id(n.to_string()).message_body(body(key)).build().ok()
                })
                .collect();
            let request = self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries));
            if let Err(error) = request.send().await {
                let error = aws_sdk_sqs::error::DisplayErrorContext(error);
                tracing::warn!(%error, jobs = batch.len(), "messages were not sent; they will be sent again");
            }
        }
    }

    /// Whether the queue answers.
    pub async fn is_reachable(&self) -> bool {
        let attribute = aws_sdk_sqs::types::QueueAttributeName::ApproximateNumberOfMessages;
        self.client.get_queue_attributes().queue_url(&self.url).attribute_names(attribute).send().await.is_ok()
    }
}

fn body(key: &Key) -> String {
    serde_json::json!(key).to_string()
}

/// Up to the next whole second, so that a message does not come before its job may be claimed.
fn round_up(pause: Duration) -> u64 {
    pause.as_secs() + u64::from(pause.subsec_nanos() > 0)
}

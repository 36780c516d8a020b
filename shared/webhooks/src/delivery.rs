//! A delivery: one message for one endpoint, until it has arrived or is given up.

use std::time::Duration;

use jobs::Policy;
use lease::LeaseState;
use serde::{Deserialize, Serialize};
use serde_json::json;
use table::{Key, Millis, new_id};
use telemetry::TraceId;
use uuid::Uuid;

use crate::endpoint::Endpoint;
use crate::event::{TaskEnd, TaskEvent, body};
use crate::keys::delivery_key;
use crate::schedule::TRIED_FOR;

/// The `job_kind` of deliveries: their partition of the `due` index.
pub const KIND: &str = "webhook";
/// The event of a test.
const TEST: &str = "webhook.test";
/// For how many seconds deliveries and attempts are kept: 30 days.
pub(crate) const KEPT_SECONDS: u64 = 30 * 24 * 3_600;

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryStatus {
    /// It is to be tried, for the first time or again.
    Pending,
    /// It has arrived.
    Delivered,
    /// It is given up.
    Failed,
}

impl DeliveryStatus {
    /// The status as it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

/// A delivery as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Its key.
    #[serde(flatten)]
    pub key: Key,
    /// Its id, which the endpoint gets as `webhook-id` with every attempt.
    pub id: String,
    /// Where it goes.
    pub endpoint_id: Uuid,
    /// Whose it is.
    pub user_id: String,
    /// The event's name.
    pub event: String,
    /// The task that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<Uuid>,
    /// What is sent, to the byte.
    pub body: String,
    /// The partition of the `due` index.
    pub job_kind: String,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// The lease.
    #[serde(flatten)]
    pub lease: LeaseState,
    /// When its message counts as lost, or it is to be tried again. None once it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redeliver_at: Option<Millis>,
    /// How often in a row its message was sent again.
    #[serde(default)]
    pub redeliveries: u64,
    /// How often it was taken up, to be tried.
    #[serde(default)]
    pub attempts: u64,
    /// The trace of the request that led to it, which its senders go on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceId>,
    /// When it was made.
    pub created_at: Millis,
    /// An attempt that fails from then on is the last.
    pub give_up_at: Millis,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Millis>,
    /// Why it ended without an attempt, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_because: Option<String>,
    expires_at: u64,
}

impl Delivery {
    /// What tells an endpoint of the end of a task. Of one endpoint and one task it is always the same.
    pub(crate) fn of(end: &TaskEnd, event: TaskEvent, endpoint: &Endpoint, now: Millis, policy: &Policy) -> Self {
        let id = format!("msg_{}", Uuid::new_v5(&endpoint.id, end.id.as_bytes()).simple());
        let delivery = Self::new(endpoint, id, event.as_str(), end.body(event), now, policy);
        Self { task_id: Some(end.id), trace: end.trace.clone(), give_up_at: now.after(TRIED_FOR), ..delivery }
    }

    /// What shows an endpoint's owner that it works. It is tried once.
    pub(crate) fn test(endpoint: &Endpoint, now: Millis, policy: &Policy) -> Self {
        let id = format!("msg_{}", new_id(now).simple());
        Self::new(endpoint, id, TEST, body(TEST, now, &json!({"webhook_id": endpoint.id})), now, policy)
    }

    fn new(endpoint: &Endpoint, id: String, event: &str, body: String, now: Millis, policy: &Policy) -> Self {
        Self {
            key: delivery_key(&endpoint.user_id, endpoint.id, &id),
            id,
            endpoint_id: endpoint.id,
            user_id: endpoint.user_id.clone(),
            event: event.to_owned(),
            task_id: None,
            body,
            job_kind: KIND.to_owned(),
            status: DeliveryStatus::Pending,
            lease: LeaseState::claimable_from(now),
            redeliver_at: Some(now.after(policy.redelivery_pause(0))),
            redeliveries: 0,
            attempts: 0,
            trace: telemetry::current_trace(),
            created_at: now,
            give_up_at: now,
            ended_at: None,
            ended_because: None,
            expires_at: now.epoch_seconds() + KEPT_SECONDS,
        }
    }

    /// Whether it is a test, which goes to an endpoint that is switched off, too.
    #[must_use]
    pub fn is_test(&self) -> bool {
        self.event == TEST
    }

    /// Whether it should have ended long ago: whoever took it up ended without a word each time.
    pub(crate) fn is_overdue(&self, now: Millis) -> bool {
        self.give_up_at.after(Duration::from_hours(1)) < now
    }
}

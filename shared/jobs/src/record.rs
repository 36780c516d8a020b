//! The attributes that make an item a job.

use lease::LeaseState;
use serde::{Deserialize, Serialize};
use table::{Condition, Key, Millis};
use telemetry::TraceId;
use utoipa::ToSchema;

use crate::policy::Policy;

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = TaskState)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Waits for a worker, for the first time or again.
    Pending,
    /// A worker is at it.
    Running,
    /// Ended well.
    Completed,
    /// Ended badly, with an `error_message`.
    Failed,
    /// Ended by its owner.
    Cancelled,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Running, Self::Completed, Self::Failed, Self::Cancelled];

    /// The status as it is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether the job has ended, for good.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// Holds for a job that has not ended.
    #[must_use]
    pub fn is_open() -> Condition {
        Condition::OneOf("status", vec![Self::Pending.as_str().into(), Self::Running.as_str().into()])
    }
}

/// The attributes that make an item a job; flatten it into the item's type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Which queue's job it is: the partition key of the `due` index. Of a job that has failed, another ([`crate::Jobs::failed`]).
    pub job_kind: String,
    /// Where it stands.
    pub status: Status,
    /// How much of it is done, in percent.
    pub progress: u8,
    /// The lease.
    #[serde(flatten)]
    pub lease: LeaseState,
    /// Its place among the waiting jobs of its group; there only while it waits for a slot: the sort key of the `by_turn` index. Neither one that
    /// runs nor one that rests has a turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<String>,
    /// The place that it takes whenever it waits ([`place`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Whether it holds one of its group's slots.
    #[serde(default)]
    pub holds_slot: bool,
    /// The item that counts how it ended, beside its account or join: as `ended_completed`, `ended_failed` or `ended_cancelled`, and has the
    /// status as `last_outcome` and no `active_run` from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reports_to: Option<Key>,
    /// The join of the children that it has handed out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub children: Option<Key>,
    /// When, unless something happens before, its message counts as lost and is sent again: the sort key of the `due` index. Of a job that has
    /// failed, when it did. None of one that has ended otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redeliver_at: Option<Millis>,
    /// How often in a row its message was sent again.
    #[serde(default)]
    pub redeliveries: u64,
    /// How often it was handed on to another queue.
    #[serde(default)]
    pub handed_on: u64,
    /// How often it was taken up again after it had failed ([`crate::Jobs::redrive`]).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub redrives: u64,
    /// How often a worker has begun, since the last checkpoint.
    #[serde(default)]
    pub attempts: u64,
    /// Where an attempt that ran out of time left off, in the words of the worker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
    /// The compute units set aside for it.
    pub units_reserved: u64,
    /// The compute units it has used so far, and in the end is charged.
    pub units_used: u64,
    /// The compute units that it was charged before, for parts of its work that it has rested from.
    #[serde(default)]
    pub units_charged: u64,
    /// How many log lines it has.
    #[serde(default)]
    pub log_lines: u64,
    /// The trace of the request that led to it, which its workers go on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceId>,
    /// What it was submitted at.
    pub created_at: Millis,
    /// When anything of it last changed: the sort key of an index.
    pub updated_at: Millis,
    /// When a worker first began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Millis>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Millis>,
    /// Why it failed, for its owner to read; also of the last attempt, while there will be another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// The key of its result in the object store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_key: Option<String>,
    /// The size of its result in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_bytes: Option<u64>,
}

impl Job {
    /// A job of the queue `kind`, submitted now, claimable at once, with its place among the waiting ones and the trace of what is being worked on.
    #[must_use]
    pub fn submitted(kind: &str, now: Millis, units_reserved: u64, place: String, policy: &Policy) -> Self {
        Self {
            job_kind: kind.to_owned(),
            status: Status::Pending,
            progress: 0,
            lease: LeaseState::claimable_from(now),
            turn: Some(place.clone()),
            place: Some(place),
            holds_slot: false,
            reports_to: None,
            children: None,
            redeliver_at: Some(now.after(policy.redelivery_pause(0))),
            redeliveries: 0,
            handed_on: 0,
            redrives: 0,
            attempts: 0,
            checkpoint: None,
            units_reserved,
            units_used: 0,
            units_charged: 0,
            log_lines: 0,
            trace: telemetry::current_trace(),
            created_at: now,
            updated_at: now,
            started_at: None,
            completed_at: None,
            error_message: None,
            result_key: None,
            result_bytes: None,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The place of a job among those that wait: a higher priority goes first, then what is first in `order`, such as the moment of submission.
#[must_use]
pub fn place(priority: u8, order: u64) -> String {
    format!("{:03}#{order:013}", u8::MAX - priority)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_job_keeps_the_trace_of_what_it_was_submitted_in() {
        const ID: &str = "1-5759e988-bd862e3fe1be46a994272793";
        let policy = Policy::with_lease(Duration::from_mins(1));
        let submit = async || Job::submitted("test", Millis(0), 0, place(5, 1), &policy);
        let trace = telemetry::Trace::of(Some(&format!("Root={ID};Sampled=1")));
        let job = telemetry::traced(trace, tracing::Span::none(), submit()).await;
        let stored = serde_json::to_value(&job).unwrap();
        assert_eq!(stored["trace"], ID);
        assert_eq!(serde_json::from_value::<Job>(stored).unwrap(), job);
        assert_eq!(submit().await.trace, None);
    }

    #[test]
    fn a_higher_priority_goes_first_and_then_the_earlier() {
        let order = [(10, 9), (10, 1_705_314_600_000), (9, 3), (1, 1), (1, 2), (0, 0)];
        let places: Vec<_> = order.iter().map(|(priority, order)| place(*priority, *order)).collect();
        assert!(places.is_sorted(), "{places:?}");
    }
}

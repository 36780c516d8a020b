//! Webhooks and attempts as they are shown.

use input::schema::moment;
use serde::Serialize;
use table::Millis;
use utoipa::ToSchema;
use uuid::Uuid;
use webhooks::{Attempt, AttemptPage, Endpoint, TaskEvent, WebhookSecret};

/// A webhook.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Webhook)]
pub(crate) struct EndpointView {
    id: Uuid,
    url: String,
    description: Option<String>,
    events: Vec<TaskEvent>,
    is_active: bool,
    disabled_reason: Option<String>,
    disabled_at: Option<String>,
    failing_since: Option<String>,
    previous_secrets_sign_until: Option<String>,
    #[schema(schema_with = moment)]
    created_at: String,
    #[schema(schema_with = moment)]
    updated_at: String,
}

/// A webhook as its owner sees it when it has a new secret, and never else. It has no `Debug`.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookWithSecret)]
pub(crate) struct EndpointWithSecret {
    #[serde(flatten)]
    endpoint: EndpointView,
    secret: String,
}

/// A page of attempts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookAttempts)]
pub(crate) struct AttemptsView {
    webhook_id: Uuid,
    attempts: Vec<AttemptView>,
    next_cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookAttempt)]
struct AttemptView {
    delivery_id: String,
    event: String,
    task_id: Option<Uuid>,
    attempt: u64,
    /// `succeeded` or `failed`.
    status: &'static str,
    response_status: Option<u16>,
    response_body: Option<String>,
    error: Option<String>,
    duration_ms: u64,
    #[schema(schema_with = moment)]
    attempted_at: String,
    next_attempt_at: Option<String>,
}

impl EndpointView {
    pub(crate) fn of(endpoint: &Endpoint, now: Millis) -> Self {
        let shown = |at: Option<Millis>| at.map(|at| at.to_string());
        Self {
            id: endpoint.id,
            url: endpoint.url.clone(),
            description: endpoint.description.clone(),
            events: endpoint.events.clone(),
            is_active: endpoint.is_active,
            disabled_reason: endpoint.disabled_reason.clone(),
            disabled_at: shown(endpoint.disabled_at),
            failing_since: shown(endpoint.failing_since),
            previous_secrets_sign_until: shown(endpoint.previous_secrets_sign_until(now)),
            created_at: endpoint.created_at.to_string(),
            updated_at: endpoint.updated_at.to_string(),
        }
    }
}

impl EndpointWithSecret {
    pub(crate) fn of(endpoint: &Endpoint, secret: &WebhookSecret, now: Millis) -> Self {
        Self { endpoint: EndpointView::of(endpoint, now), secret: secret.reveal().to_owned() }
    }
}

impl AttemptsView {
    pub(crate) fn of(webhook_id: Uuid, page: AttemptPage) -> Self {
        let attempts = page.attempts.into_iter().map(AttemptView::from).collect();
        Self { webhook_id, attempts, next_cursor: page.next_cursor }
    }
}

impl From<Attempt> for AttemptView {
    fn from(attempt: Attempt) -> Self {
        Self {
            delivery_id: attempt.delivery_id,
            event: attempt.event,
            task_id: attempt.task_id,
            attempt: attempt.number,
            status: if attempt.error.is_none() { "succeeded" } else { "failed" },
            response_status: attempt.response_status,
            response_body: attempt.response_body,
            error: attempt.error,
            duration_ms: attempt.duration_ms,
            attempted_at: attempt.attempted_at.to_string(),
            next_attempt_at: attempt.next_attempt_at.map(|at| at.to_string()),
        }
    }
}

//! Tasks and campaigns as callers see them.

use ::input::schema::moment;
use serde::Serialize;
use serde_json::Value as Json;
use table::Millis;
use utoipa::ToSchema;
use worker::{Campaign, Task, TaskStatus};

/// A task as `pending` shows it.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": 123, "campaign_id": 45, "type": "comment", "status": "pending", "payload": {"url": "https://example.com/article"},
    "max_retries": 3, "retry_count": 0, "created_at": "2025-12-03T10:00:00Z",
}))]
pub(crate) struct TaskView {
    id: u64,
    campaign_id: u64,
    #[serde(rename = "type")]
    task_type: String,
    status: TaskStatus,
    /// What the worker needs to know.
    #[schema(value_type = Object)]
    payload: Json,
    max_retries: u64,
    retry_count: u64,
    #[schema(schema_with = moment)]
    created_at: String,
}

/// Who has locked a task, and until when.
#[derive(Serialize, ToSchema)]
pub(crate) struct Holding {
    locked_at: Option<String>,
    locked_by: Option<String>,
    /// Grows with every lock of the task: a fencing token.
    lease_token: u64,
    lock_expires_at: Option<String>,
}

/// What its worker needs to know of a lock.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": 123, "status": "running", "locked_at": "2025-12-03T10:15:00Z", "locked_by": "worker-1", "lease_token": 1,
    "lock_expires_at": "2025-12-03T10:45:00Z",
}))]
pub(crate) struct LockView {
    id: u64,
    status: TaskStatus,
    #[serde(flatten)]
    lock: Holding,
}

/// A task as its worker gets it: all that `pending` and `lock` tell.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClaimedTask {
    #[serde(flatten)]
    task: TaskView,
    #[serde(flatten)]
    lock: Holding,
}

/// A task with everything that is known of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct WholeTask {
    #[serde(flatten)]
    task: ClaimedTask,
    /// From when on it may be locked.
    due_at: Option<String>,
    /// What its last worker made of it: any JSON.
    #[schema(value_type = Value)]
    result: Option<Json>,
    last_error: Option<String>,
    last_worker: Option<String>,
    finished_at: Option<String>,
    #[schema(schema_with = moment)]
    updated_at: String,
}

/// What tasks are for.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": 45, "name": "Spring", "settings": {"language": "en"}, "created_at": "2025-12-03T10:00:00Z"}))]
pub(crate) struct CampaignView {
    id: u64,
    name: String,
    #[schema(value_type = Object)]
    settings: Json,
    #[schema(schema_with = moment)]
    created_at: String,
}

pub(crate) fn task(task: &Task, now: Millis) -> TaskView {
    TaskView {
        id: task.id,
        campaign_id: task.campaign_id,
        task_type: task.task_type.clone(),
        status: task.status_at(now),
        payload: task.payload.0.clone(),
        max_retries: task.max_retries,
        retry_count: task.retry_count,
        created_at: task.created_at.to_string(),
    }
}

pub(crate) fn lock(task: &Task, now: Millis) -> LockView {
    LockView { id: task.id, status: task.status_at(now), lock: lock_of(task, now) }
}

fn lock_of(task: &Task, now: Millis) -> Holding {
    let locked_by = task.locked_by(now);
    Holding {
        locked_at: shown(task.locked_at.filter(|_| locked_by.is_some())),
        locked_by: locked_by.map(str::to_owned),
        lease_token: task.lease.lease_token,
        lock_expires_at: shown(task.lease.claimable_at.filter(|_| locked_by.is_some())),
    }
}

pub(crate) fn claimed(task: &Task, now: Millis) -> ClaimedTask {
    ClaimedTask { task: self::task(task, now), lock: lock_of(task, now) }
}

pub(crate) fn whole(task: &Task, now: Millis) -> WholeTask {
    WholeTask {
        task: claimed(task, now),
        due_at: shown(task.lease.claimable_at.filter(|_| task.locked_by(now).is_none())),
        result: task.result.as_ref().map(|result| result.0.clone()),
        last_error: task.last_error.clone(),
        last_worker: task.last_holder.clone(),
        finished_at: shown(task.finished_at),
        updated_at: task.updated_at.to_string(),
    }
}

pub(crate) fn campaign(campaign: &Campaign) -> CampaignView {
    CampaignView {
        id: campaign.id,
        name: campaign.name.clone(),
        settings: campaign.settings.0.clone(),
        created_at: campaign.created_at.to_string(),
    }
}

fn shown(moment: Option<Millis>) -> Option<String> {
    moment.map(|moment| moment.to_string())
}

//! Tasks and campaigns as callers see them.

use serde_json::{Value as Json, json};
use table::Millis;
use worker::{Campaign, Task};

/// A task as `pending` shows it.
pub(crate) fn task(task: &Task, now: Millis) -> Json {
    json!({
        "id": task.id,
        "campaign_id": task.campaign_id,
        "type": task.task_type,
        "status": task.status_at(now),
        "payload": task.payload.0,
        "max_retries": task.max_retries,
        "retry_count": task.retry_count,
        "created_at": task.created_at.to_string(),
    })
}

/// What its worker needs to know of a lock.
pub(crate) fn lock(task: &Task, now: Millis) -> Json {
    json!({
        "id": task.id,
        "status": task.status_at(now),
        "locked_at": shown(task.locked_at.filter(|_| task.locked_by(now).is_some())),
        "locked_by": task.locked_by(now),
        "lease_token": task.lease.lease_token,
        "lock_expires_at": shown(task.lease.claimable_at.filter(|_| task.locked_by(now).is_some())),
    })
}

/// A task as its worker gets it: all that `pending` and `lock` tell.
pub(crate) fn claimed(task: &Task, now: Millis) -> Json {
    merged(self::task(task, now), lock(task, now))
}

/// A task with everything that is known of it.
pub(crate) fn whole(task: &Task, now: Millis) -> Json {
    let more = json!({
        "due_at": shown(task.lease.claimable_at.filter(|_| task.locked_by(now).is_none())),
        "result": task.result.as_ref().map(|result| &result.0),
        "last_error": task.last_error,
        "last_worker": task.last_holder,
        "finished_at": shown(task.finished_at),
        "updated_at": task.updated_at.to_string(),
    });
    merged(claimed(task, now), more)
}

/// A campaign.
pub(crate) fn campaign(campaign: &Campaign) -> Json {
    json!({
        "id": campaign.id,
        "name": campaign.name,
        "settings": campaign.settings.0,
        "created_at": campaign.created_at.to_string(),
    })
}

fn shown(moment: Option<Millis>) -> Option<String> {
    moment.map(|moment| moment.to_string())
}

fn merged(mut all: Json, more: Json) -> Json {
    if let (Json::Object(all), Json::Object(more)) = (&mut all, more) {
        all.extend(more);
    }
    all
}

//! What endpoints are told of: the end of a task, as the stream of the table `extract` shows it, and as it is told.

use jobs::Status;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use table::{Item, Millis, TableError, decode};
use telemetry::TraceId;
use utoipa::ToSchema;
use uuid::Uuid;

/// What an endpoint can be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub enum TaskEvent {
    /// A task ended well.
    #[serde(rename = "task.completed")]
    Completed,
    /// A task ended badly.
    #[serde(rename = "task.failed")]
    Failed,
    /// A task was cancelled.
    #[serde(rename = "task.cancelled")]
    Cancelled,
}

impl TaskEvent {
    /// Every event.
    pub const ALL: [Self; 3] = [Self::Completed, Self::Failed, Self::Cancelled];

    /// The event as it is stored and told.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "task.completed",
            Self::Failed => "task.failed",
            Self::Cancelled => "task.cancelled",
        }
    }

    /// The event that an end with this status is; none if it is no end.
    #[must_use]
    pub const fn of(status: Status) -> Option<Self> {
        match status {
            Status::Completed => Some(Self::Completed),
            Status::Failed => Some(Self::Failed),
            Status::Cancelled => Some(Self::Cancelled),
            Status::Pending | Status::Running => None,
        }
    }
}

/// The end of a task: of its item no more than is told, so that it can be read whatever else a task becomes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TaskEnd {
    /// The task.
    pub id: Uuid,
    /// Whose it is.
    pub user_id: String,
    name: String,
    task_type: String,
    status: Status,
    units_used: u64,
    created_at: Millis,
    started_at: Option<Millis>,
    completed_at: Option<Millis>,
    error_message: Option<String>,
    result_key: Option<String>,
    /// The trace that it was submitted in.
    #[serde(default)]
    pub(crate) trace: Option<TraceId>,
}

impl TaskEnd {
    /// Reads the end of a task from what its item was and is; none if it is no task, or has not just ended.
    pub fn read(before: &Item, after: Item) -> Result<Option<Self>, TableError> {
        let text = |item: &Item, name: &str| Some(item.get(name)?.as_s().ok()?.clone());
        let is_final = |item: &Item| {
            let status = text(item, "status");
            Status::ALL.into_iter().any(|known| known.is_final() && Some(known.as_str()) == status.as_deref())
        };
        // Parts of a task lie behind its key, and have ids of their own.
        let own_key = text(&after, "id").map(|id| format!("TASK#{id}"));
        let is_task = own_key.is_some() && text(&after, "sk") == own_key;
        if !is_task || is_final(before) || !is_final(&after) {
            return Ok(None);
        }
        decode(after).map(Some)
    }

    /// What has happened.
    #[must_use]
    pub const fn event(&self) -> Option<TaskEvent> {
        TaskEvent::of(self.status)
    }

    /// The body that is told: `type`, `timestamp`, and of the contract's task object what its end has brought.
    #[must_use]
    pub fn body(&self, event: TaskEvent) -> String {
        let data = json!({
            "id": self.id,
            "name": self.name,
            "task_type": self.task_type,
            "status": self.status,
            "compute_units_consumed": self.units_used,
            "result_url": self.result_key.as_ref().map(|_| format!("/tasks/{}/download", self.id)),
            "error_message": self.error_message,
            "created_at": self.created_at.to_string(),
            "started_at": self.started_at.map(|at| at.to_string()),
            "completed_at": self.completed_at.map(|at| at.to_string()),
            "user_id": self.user_id,
        });
        body(event.as_str(), self.completed_at.unwrap_or(self.created_at), &data)
    }
}

/// The form of every body (<https://www.standardwebhooks.com>, "Payload structure").
pub(crate) fn body(event: &str, at: Millis, data: &Json) -> String {
    json!({"type": event, "timestamp": at.to_string(), "data": data}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "018d0e4f-5c68-7000-8000-000000000001";

    fn item(changes: &[(&str, Json)]) -> Item {
        let mut task = json!({
            "pk": "USER#u", "sk": format!("TASK#{ID}"), "id": ID, "user_id": "u", "name": "Prices",
            "task_type": "simple_scraping", "status": "completed", "units_used": 3, "config": "{\"urls\":[]}",
            "created_at": 1_705_314_600_000_u64, "started_at": 1_705_314_601_000_u64, "completed_at": 1_705_314_605_000_u64,
            "result_key": "results/u/t/1.json", "account": {"pk": "USER#u", "sk": "ACCOUNT"},
        });
        for (name, value) in changes {
            task[*name] = value.clone();
        }
        serde_dynamo::to_item(task).unwrap()
    }

    #[test]
    fn an_end_is_told_once_and_nothing_else_is() {
        let (pending, running) = (item(&[("status", json!("pending"))]), item(&[("status", json!("running"))]));
        for (before, after, event) in [
            (&running, item(&[]), Some(TaskEvent::Completed)),
            (&running, item(&[("status", json!("failed"))]), Some(TaskEvent::Failed)),
            (&pending, item(&[("status", json!("cancelled"))]), Some(TaskEvent::Cancelled)),
            (&pending, running.clone(), None),
            (&item(&[]), item(&[("name", json!("Renamed"))]), None),
            (&running, item(&[("sk", json!("ACCOUNT"))]), None),
            (&running, item(&[("sk", json!(format!("TASK#{ID}#BATCH#1")))]), None),
            (&running, Item::new(), None),
        ] {
            let read = TaskEnd::read(before, after).unwrap();
            assert_eq!(read.and_then(|end| end.event()), event);
        }
    }

    #[test]
    fn the_body_is_the_schemes_form_with_the_contracts_names() {
        let end = TaskEnd::read(&Item::new(), item(&[])).unwrap().unwrap();
        let told: Json = serde_json::from_str(&end.body(TaskEvent::Completed)).unwrap();
        let expected = json!({
            "type": "task.completed",
            "timestamp": "2024-01-15T10:30:05Z",
            "data": {
                "id": ID, "name": "Prices", "task_type": "simple_scraping", "status": "completed",
                "compute_units_consumed": 3, "result_url": format!("/tasks/{ID}/download"), "error_message": null,
                "created_at": "2024-01-15T10:30:00Z", "started_at": "2024-01-15T10:30:01Z",
                "completed_at": "2024-01-15T10:30:05Z", "user_id": "u",
            },
        });
        assert_eq!(told, expected);
    }

    #[test]
    fn the_end_of_a_damaged_task_is_an_error() {
        assert!(TaskEnd::read(&Item::new(), item(&[("name", json!(5))])).is_err());
    }
}

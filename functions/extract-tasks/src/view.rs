//! A task as the contract shows it.

use extract::{HIGHEST_PRIORITY, Task, TaskType};
use input::schema::{moment, whole};
use jobs::Status;
use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;
use uuid::Uuid;

/// The contract's task object.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExtractTask, example = json!({
    "id": "550e8400-e29b-41d4-a716-446655440000", "name": "Extract product data", "description": null,
    "task_type": "simple_scraping", "status": "completed",
    "config": {"urls": ["https://example.com/products"], "selectors": {"title": "h1", "price": ".price"},
        "output_format": "json", "include_metadata": false, "follow_redirects": true, "timeout": 30},
    "priority": 5, "compute_units_consumed": 1, "estimated_compute_units": 0,
    "result_url": "/tasks/550e8400-e29b-41d4-a716-446655440000/download", "error_message": null, "progress": 100,
    "created_at": "2024-01-15T10:30:00Z", "updated_at": "2024-01-15T10:30:05Z", "started_at": "2024-01-15T10:30:01Z",
    "completed_at": "2024-01-15T10:30:05Z", "next_run_at": null, "user_id": "018d0a7c-5f80-7000-8000-000000000001",
}))]
pub struct TaskView {
    id: Uuid,
    name: String,
    description: Option<String>,
    task_type: TaskType,
    status: Status,
    /// As its owner wrote it, defaults filled in; in lists, of many addresses only the first.
    #[schema(value_type = Object)]
    config: Json,
    #[schema(schema_with = whole::<1, { HIGHEST_PRIORITY as u64 }>)]
    priority: u8,
    compute_units_consumed: u64,
    estimated_compute_units: u64,
    result_url: Option<String>,
    error_message: Option<String>,
    #[schema(schema_with = whole::<0, 100>)]
    progress: u8,
    #[schema(schema_with = moment)]
    created_at: String,
    #[schema(schema_with = moment)]
    updated_at: String,
    started_at: Option<String>,
    completed_at: Option<String>,
    /// When a task that rests goes on.
    next_run_at: Option<String>,
    user_id: String,
}

impl From<Task> for TaskView {
    fn from(task: Task) -> Self {
        let config = task.config.to_json();
        Self::with(task, config)
    }
}

impl TaskView {
    /// The task among others: of many addresses, only the first.
    pub(crate) fn listed(task: Task) -> Self {
        let config = task.config.to_listed_json();
        Self::with(task, config)
    }

    fn with(task: Task, config: Json) -> Self {
        let job = task.job;
        let rests = job.status == Status::Pending && job.turn.is_none();
        let next_run_at = job.lease.claimable_at.filter(|_| rests);
        Self {
            id: task.id,
            name: task.name,
            description: task.description,
            task_type: task.config.task_type(),
            status: job.status,
            config,
            priority: task.priority,
            compute_units_consumed: job.units_charged + job.units_used,
            estimated_compute_units: job.units_reserved,
            result_url: job.result_key.map(|_| format!("/tasks/{}/download", task.id)),
            error_message: job.error_message,
            progress: job.progress,
            created_at: job.created_at.to_string(),
            updated_at: job.updated_at.to_string(),
            started_at: job.started_at.map(|at| at.to_string()),
            completed_at: job.completed_at.map(|at| at.to_string()),
            next_run_at: next_run_at.map(|at| at.to_string()),
            user_id: task.user_id,
        }
    }
}

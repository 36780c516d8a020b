//! A task as the contract shows it.

use extract::{Task, TaskType};
use jobs::Status;
use serde::Serialize;
use serde_json::Value as Json;
use uuid::Uuid;

/// The contract's task object.
#[derive(Debug, Serialize)]
pub struct TaskView {
    id: Uuid,
    name: String,
    description: Option<String>,
    task_type: TaskType,
    status: Status,
    config: Json,
    priority: u8,
    compute_units_consumed: u64,
    estimated_compute_units: u64,
    result_url: Option<String>,
    error_message: Option<String>,
    progress: u8,
    created_at: String,
    updated_at: String,
    started_at: Option<String>,
    completed_at: Option<String>,
    /// When a task that rests goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
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

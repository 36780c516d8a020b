//! A job of any kind, as it is stored.

use extract::{OwnConfig, Task};
use jobs::{Job, Join};
use portals::PortalJob;
use serde_json::{Value as Json, json};
use table::{Item, Key, TableError, decode};
use videos::VideoJob;

use super::kind::Kind;
use super::name::JobName;
use crate::redacted;

/// A job of any kind, as it is stored.
#[derive(Clone, Debug)]
pub(crate) enum Record {
    Task(Box<Task>),
    Portal(Box<PortalJob>),
    Video(Box<VideoJob>),
}

impl Record {
    pub(crate) fn read(kind: Kind, item: Item) -> Result<Self, TableError> {
        Ok(match kind {
            Kind::Extract => Self::Task(Box::new(decode(item)?)),
            Kind::Portal => Self::Portal(Box::new(decode(item)?)),
            Kind::Video => Self::Video(Box::new(decode(item)?)),
        })
    }

    pub(crate) fn key(&self) -> &Key {
        match self {
            Self::Task(task) => &task.key,
            Self::Portal(job) => &job.key,
            Self::Video(job) => &job.key,
        }
    }

    pub(crate) fn name(&self) -> JobName {
        match self {
            Self::Task(task) => JobName { kind: Kind::Extract, tenant: task.user_id.clone(), id: task.id },
            Self::Portal(job) => JobName { kind: Kind::Portal, tenant: job.tenant.clone(), id: job.id },
            Self::Video(job) => JobName { kind: Kind::Video, tenant: job.tenant.clone(), id: job.id },
        }
    }

    pub(crate) fn job(&self) -> &Job {
        match self {
            Self::Task(task) => &task.job,
            Self::Portal(job) => &job.job,
            Self::Video(job) => &job.job,
        }
    }

    /// Whether it is there for who looks: a video job that is deleted is not, while it is cleared away.
    pub(crate) fn is_there(&self) -> bool {
        !matches!(self, Self::Video(job) if job.deleted)
    }

    /// What it is of its kind: the type of a task, a portal, or what the value of a video job names.
    pub(crate) fn sort(&self) -> &'static str {
        match self {
            Self::Task(task) => task.config.task_type().as_str(),
            Self::Portal(job) => job.portal.as_str(),
            Self::Video(job) => job.order.mode.as_str(),
        }
    }

    /// What its owner would know it by.
    pub(crate) fn title(&self) -> String {
        match self {
            Self::Task(task) => task.name.clone(),
            Self::Portal(job) => job.email.clone(),
            Self::Video(job) => job.order.value.clone(),
        }
    }

    /// What it is to do. Values that may be secret are left out ([`crate::redacted`]).
    pub(crate) fn config(&self) -> Json {
        match self {
            Self::Task(task) => {
                let mut config = task.config.to_listed_json();
                redacted::addresses(&mut config["urls"]);
                if matches!(task.config.own, OwnConfig::Advanced(_)) {
                    redacted::values(&mut config["custom_headers"]);
                    redacted::values(&mut config["cookies"]);
                }
                config["priority"] = json!(task.priority);
                config["description"] = json!(task.description);
                config
            }
            Self::Portal(job) => json!({
                "portal": job.portal.as_str(),
                "email": job.email,
                "entity_name": job.entity_name,
            }),
            Self::Video(job) => json!({
                "mode": job.order.mode.as_str(),
                "value": job.order.value,
                "limit": job.order.limit,
                "no_watermark": job.order.no_watermark,
                "since": job.order.since.map(|moment| moment.to_string()),
                "until": job.order.until.map(|moment| moment.to_string()),
                "drive_folder_id": job.order.drive_folder_id,
                "schedule_id": job.schedule_id,
            }),
        }
    }

    /// How far it is, in percent, with what its parts have done.
    pub(crate) fn progress(&self, join: Option<&Join>) -> u8 {
        if self.job().status == jobs::Status::Completed {
            return 100;
        }
        self.job().progress.max(join.map_or(0, Join::percent))
    }
}

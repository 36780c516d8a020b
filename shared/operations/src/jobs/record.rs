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
            Self::Video(job) => redacted::text(&job.order.value),
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
                "value": redacted::text(&job.order.value),
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

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use extract::{TaskConfig, TaskType, account_key, task_key};
    use jobs::{Policy, place};
    use table::Millis;
    use uuid::Uuid;

    use super::*;

    /// A task of this type that was submitted at 5.
    pub(crate) fn task(task_type: TaskType, config: &Json) -> Task {
        let (id, at) = (Uuid::from_u128(7), Millis(5));
        Task {
            key: task_key("u", id),
            job: Job::submitted("extract", at, 1, place(5, at.0), &Policy::with_lease(Duration::from_mins(1))),
            account: account_key("u"),
            id,
            user_id: "u".to_owned(),
            name: "Prices".to_owned(),
            name_key: "prices".to_owned(),
            description: None,
            config: TaskConfig::read(task_type, config).unwrap(),
            priority: 5,
        }
    }

    #[test]
    fn what_a_task_is_to_do_is_told_without_its_secrets() {
        let config = json!({
            "urls": ["https://example.com/list?page=2&access_token=s3cret"],
            "selectors": {"price": ".price"},
            "custom_headers": {"Authorization": "Bearer s3cret", "X-Anything": "s3cret"},
            "cookies": {"sid": "s3cret"},
        });
        let shown = Record::Task(Box::new(task(TaskType::AdvancedScraping, &config))).config();
        assert!(!shown.to_string().contains("s3cret"), "{shown}");
        assert_eq!(shown["urls"][0], format!("https://example.com/list?page=2&access_token={}", redacted::HIDDEN));
        for (object, name) in
            [("custom_headers", "Authorization"), ("custom_headers", "X-Anything"), ("cookies", "sid")]
        {
            assert_eq!(shown[object][name], redacted::HIDDEN);
        }
        assert!(!shown["selectors"]["price"].is_null(), "{shown}");
    }
}

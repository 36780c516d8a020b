//! Bodies as the document tells them: forms with what they need, and what is made many at a time.

use ::input::schema::{self, PartialSchema, ToSchema};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use worker::{NewCampaign, NewTask};

use crate::administration::TASKS;
use crate::input::{LockForm, ReportForm};

::input::forms! {
    /// A campaign that is to be made.
    pub(crate) CampaignBody of NewCampaign, needs ["name"], example {"name": "Spring", "settings": {"language": "en"}};
    /// A task that is to be made.
    pub(crate) TaskBody of NewTask, needs ["campaign_id", "type"], example
        {"campaign_id": 45, "type": "comment", "payload": {"url": "https://example.com/article"}};
    /// Who locks, and for how long.
    pub(crate) LockBody of LockForm, needs [], example {"worker_id": "worker-1"};
    /// How a task ended.
    pub(crate) ReportBody of ReportForm, needs ["status"], example
        {"status": "success", "result": {"comment_url": "https://example.com/article#comment-123"}}
}

/// One task, or many.
pub(crate) enum TaskBodies {}

impl PartialSchema for TaskBodies {
    fn schema() -> RefOr<Schema> {
        schema::one_or_many::<TaskBody>(TASKS)
    }
}

impl ToSchema for TaskBodies {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((TaskBody::name().into_owned(), TaskBody::schema()));
    }
}

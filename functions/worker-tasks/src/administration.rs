//! What administrators do: make campaigns and tasks, list and show them.

use std::collections::BTreeSet;

use api::query::{LARGEST_PAGE, Parameters};
use api::worker::{Administrator, Body, Error, IdPath, IdempotencyHeader, Idempotent, Number, PageQuery, page};
use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use input::{Batch, Fault, Naming, form};
use serde::Serialize;
use serde_json::Value as Json;
use table::Millis;
use utoipa::ToSchema;
use worker::{Campaign, IdempotencyKey, Kind, NewCampaign, NewTask, Numbering, Task};

use crate::document::{CampaignBody, TaskBodies};
use crate::view::{CampaignView, WholeTask};
use crate::{App, view};

/// What many tasks in one request are called.
pub(crate) const TASKS: Naming = Naming { one: "task", many: "tasks" };

/// A campaign that was made.
#[derive(Serialize, ToSchema)]
pub(crate) struct CampaignMade {
    message: &'static str,
    campaign: CampaignView,
}

/// A campaign.
#[derive(Serialize, ToSchema)]
pub(crate) struct CampaignShown {
    campaign: CampaignView,
}

/// A page of campaigns.
#[derive(Serialize, ToSchema)]
pub(crate) struct Campaigns {
    campaigns: Vec<CampaignView>,
    /// What the next page is asked for by; null where there is none.
    next_cursor: Option<String>,
}

/// A task.
#[derive(Serialize, ToSchema)]
pub(crate) struct TaskShown {
    task: WholeTask,
}

/// A page of tasks.
#[derive(Serialize, ToSchema)]
pub(crate) struct TaskPage {
    tasks: Vec<WholeTask>,
    /// What the next page is asked for by; null where there is none.
    next_cursor: Option<String>,
}

/// A task that was made, or what became of each of many.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum TasksMade {
    /// One.
    One { message: &'static str, task: Box<WholeTask> },
    /// Of many, each with its place in the request: `id` if it was made, `errors` by field if not.
    Many {
        message: String,
        created: usize,
        #[schema(value_type = Vec<Object>)]
        tasks: Vec<Json>,
    },
}

/// `POST /api/campaigns`: makes one.
#[utoipa::path(post, path = "/api/campaigns", tag = "Worker tasks", params(IdempotencyHeader),
    request_body = CampaignBody, responses((status = 201, body = CampaignMade), (status = 403)))]
pub(crate) async fn create_campaign(
    State(app): State<App>,
    admin: Administrator,
    idempotent: Idempotent,
    Body(body): Body,
) -> Result<(StatusCode, Answer<CampaignMade>), Error> {
    let new: NewCampaign = form(&body)?;
    let key = idempotent.key(&admin.key_id, &body);
    let Numbering { first, at } = app.records.numbers(Kind::Campaign, 1, key.as_ref()).await?;
    let campaign = new.at(first, at);
    app.records.make(std::slice::from_ref(&campaign)).await?;
    let body = CampaignMade { message: "Campaign created successfully", campaign: view::campaign(&campaign) };
    Ok((StatusCode::CREATED, Answer(body)))
}

/// `GET /api/campaigns?limit=&cursor=`: all campaigns, the newest first.
#[utoipa::path(get, path = "/api/campaigns", tag = "Worker tasks", params(PageQuery),
    responses((status = 200, body = Campaigns), (status = 403)))]
pub(crate) async fn list_campaigns(
    State(app): State<App>,
    _: Administrator,
    given: Parameters,
) -> Result<Answer<Campaigns>, Error> {
    let page = page(&given, async |limit, after| app.records.list(Kind::Campaign, limit, after).await).await?;
    let campaigns = page.records.iter().map(view::campaign).collect();
    Ok(Answer(Campaigns { campaigns, next_cursor: page.next }))
}

/// `GET /api/campaigns/{id}`: one campaign.
#[utoipa::path(get, path = "/api/campaigns/{id}", tag = "Worker tasks", params(IdPath),
    responses((status = 200, body = CampaignShown), (status = 403)))]
pub(crate) async fn show_campaign(
    State(app): State<App>,
    _: Administrator,
    Number(id): Number,
) -> Result<Answer<CampaignShown>, Error> {
    let campaign: Option<Campaign> = app.records.find(Kind::Campaign, id).await?;
    let campaign = campaign.ok_or_else(|| Error::not_found("Campaign not found"))?;
    Ok(Answer(CampaignShown { campaign: view::campaign(&campaign) }))
}

/// `POST /api/tasks`: makes one task, or as many as `tasks` has. Of many, all are made or none; with `"partial": true` those that are
/// valid, and each is told its own.
#[utoipa::path(post, path = "/api/tasks", tag = "Worker tasks", params(IdempotencyHeader),
    request_body = TaskBodies, responses((status = 201, body = TasksMade), (status = 403)))]
pub(crate) async fn create_tasks(
    State(app): State<App>,
    admin: Administrator,
    idempotent: Idempotent,
    Body(body): Body,
) -> Result<(StatusCode, Answer<TasksMade>), Error> {
    let key = idempotent.key(&admin.key_id, &body);
    let answer = if body.get("tasks").is_some() {
        app.create_many(&body, key.as_ref()).await?
    } else {
        app.create_one(&body, key.as_ref()).await?
    };
    Ok((StatusCode::CREATED, Answer(answer)))
}

/// `GET /api/tasks?limit=&cursor=`: all tasks, the newest first.
#[utoipa::path(get, path = "/api/tasks", tag = "Worker tasks", params(PageQuery),
    responses((status = 200, body = TaskPage), (status = 403)))]
pub(crate) async fn list_tasks(
    State(app): State<App>,
    _: Administrator,
    given: Parameters,
) -> Result<Answer<TaskPage>, Error> {
    let page = page(&given, async |limit, after| app.records.list(Kind::Task, limit, after).await).await?;
    let now = app.clock.now();
    let tasks = page.records.iter().map(|task| view::whole(task, now)).collect();
    Ok(Answer(TaskPage { tasks, next_cursor: page.next }))
}

/// `GET /api/tasks/{id}`: one task.
#[utoipa::path(get, path = "/api/tasks/{id}", tag = "Worker tasks", params(IdPath),
    responses((status = 200, body = TaskShown), (status = 403)))]
pub(crate) async fn show_task(
    State(app): State<App>,
    _: Administrator,
    Number(id): Number,
) -> Result<Answer<TaskShown>, Error> {
    let task: Option<Task> = app.records.find(Kind::Task, id).await?;
    let task = task.ok_or_else(|| Error::not_found("Task not found"))?;
    Ok(Answer(TaskShown { task: view::whole(&task, app.clock.now()) }))
}

impl App {
    async fn create_one(&self, body: &Json, key: Option<&IdempotencyKey>) -> Result<TasksMade, Error> {
        let new: NewTask = form(body)?;
        if !self.missing(BTreeSet::from([new.campaign_id()])).await?.is_empty() {
            return Err(no_such_campaign().into());
        }
        let Numbering { first, at } = self.records.numbers(Kind::Task, 1, key).await?;
        let task = new.at(first, at, at);
        self.records.make(std::slice::from_ref(&task)).await?;
        Ok(TasksMade::One { message: "Task created successfully", task: Box::new(view::whole(&task, at)) })
    }

    async fn create_many(&self, body: &Json, key: Option<&IdempotencyKey>) -> Result<TasksMade, Error> {
        let mut batch = Batch::read(body, TASKS, form::<NewTask>)?;
        let missing = self.missing(batch.valid().map(NewTask::campaign_id).collect()).await?;
        batch.take_out(|task| missing.contains(&task.campaign_id()), &no_such_campaign());
        batch.check()?;
        let size = batch.size();
        let Numbering { first, at } = self.records.numbers(Kind::Task, size, key).await?;
        let (tasks, told) = batch.numbered(first);
        // Each counts as due a millisecond longer than the next, so that they are handed out in the order of the request.
        let last = first + size - 1;
        let tasks: Vec<_> = tasks.into_iter().map(|(id, task)| task.at(id, at, Millis(at.0 - (last - id)))).collect();
        self.records.make(&tasks).await?;
        let message = format!("{} of {} tasks created successfully", tasks.len(), told.len());
        Ok(TasksMade::Many { message, created: tasks.len(), tasks: told })
    }

    /// Those of these campaigns that there are not.
    async fn missing(&self, mut campaigns: BTreeSet<u64>) -> Result<BTreeSet<u64>, Error> {
        let wanted: Vec<_> = campaigns.iter().copied().collect();
        for some in wanted.chunks(LARGEST_PAGE) {
            for found in self.records.find_all::<Campaign>(Kind::Campaign, some).await? {
                campaigns.remove(&found.id);
            }
        }
        Ok(campaigns)
    }
}

/// What is wrong with a task of a campaign that there is not.
fn no_such_campaign() -> Fault {
    Fault::new("campaign_id", "there is no such campaign")
}

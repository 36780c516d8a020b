//! What administrators do: make campaigns and tasks, list and show them.

use std::collections::BTreeSet;

use api::query::{LARGEST_PAGE, Parameters};
use api::worker::{Administrator, Body, Error, Idempotent, Number, page};
use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use input::{Batch, Fault, Naming, form};
use serde_json::{Value as Json, json};
use worker::{Campaign, IdempotencyKey, Kind, NewCampaign, NewTask, Numbering, Task};

use crate::{App, view};

/// What many tasks in one request are called.
const TASKS: Naming = Naming { one: "task", many: "tasks" };

type Created = (StatusCode, Answer<Json>);

/// `POST /api/campaigns`: makes one.
pub(crate) async fn create_campaign(
    State(app): State<App>,
    admin: Administrator,
    idempotent: Idempotent,
    Body(body): Body,
) -> Result<Created, Error> {
    let new: NewCampaign = form(&body)?;
    let key = idempotent.key(&admin.key_id, &body);
    let Numbering { first, at } = app.records.numbers(Kind::Campaign, 1, key.as_ref()).await?;
    let campaign = new.at(first, at);
    app.records.make(std::slice::from_ref(&campaign)).await?;
    let body = json!({"message": "Campaign created successfully", "campaign": view::campaign(&campaign)});
    Ok((StatusCode::CREATED, Answer(body)))
}

/// `GET /api/campaigns?limit=&cursor=`
pub(crate) async fn list_campaigns(
    State(app): State<App>,
    _: Administrator,
    given: Parameters,
) -> Result<Answer<Json>, Error> {
    let page = page(&given, async |limit, after| app.records.list(Kind::Campaign, limit, after).await).await?;
    let campaigns: Vec<_> = page.records.iter().map(view::campaign).collect();
    Ok(Answer(json!({"campaigns": campaigns, "next_cursor": page.next})))
}

/// `GET /api/campaigns/{id}`
pub(crate) async fn show_campaign(
    State(app): State<App>,
    _: Administrator,
    Number(id): Number,
) -> Result<Answer<Json>, Error> {
    let campaign: Option<Campaign> = app.records.find(Kind::Campaign, id).await?;
    let campaign = campaign.ok_or_else(|| Error::not_found("Campaign not found"))?;
    Ok(Answer(json!({"campaign": view::campaign(&campaign)})))
}

/// `POST /api/tasks`: makes one task, or as many as `tasks` has. Of many, all are made or none; with `"partial": true` those that are
/// valid, and each is told its own.
pub(crate) async fn create_tasks(
    State(app): State<App>,
    admin: Administrator,
    idempotent: Idempotent,
    Body(body): Body,
) -> Result<Created, Error> {
    let key = idempotent.key(&admin.key_id, &body);
    let answer = if body.get("tasks").is_some() {
        app.create_many(&body, key.as_ref()).await?
    } else {
        app.create_one(&body, key.as_ref()).await?
    };
    Ok((StatusCode::CREATED, Answer(answer)))
}

/// `GET /api/tasks?limit=&cursor=`: all tasks, the newest first.
pub(crate) async fn list_tasks(
    State(app): State<App>,
    _: Administrator,
    given: Parameters,
) -> Result<Answer<Json>, Error> {
    let page = page(&given, async |limit, after| app.records.list(Kind::Task, limit, after).await).await?;
    let now = app.clock.now();
    let tasks: Vec<_> = page.records.iter().map(|task| view::whole(task, now)).collect();
    Ok(Answer(json!({"tasks": tasks, "next_cursor": page.next})))
}

/// `GET /api/tasks/{id}`
pub(crate) async fn show_task(
    State(app): State<App>,
    _: Administrator,
    Number(id): Number,
) -> Result<Answer<Json>, Error> {
    let task: Option<Task> = app.records.find(Kind::Task, id).await?;
    let task = task.ok_or_else(|| Error::not_found("Task not found"))?;
    Ok(Answer(json!({"task": view::whole(&task, app.clock.now())})))
}

impl App {
    async fn create_one(&self, body: &Json, key: Option<&IdempotencyKey>) -> Result<Json, Error> {
        let new: NewTask = form(body)?;
        if !self.missing(BTreeSet::from([new.campaign_id()])).await?.is_empty() {
            return Err(no_such_campaign().into());
        }
        let Numbering { first, at } = self.records.numbers(Kind::Task, 1, key).await?;
        let task = new.at(first, at);
        self.records.make(std::slice::from_ref(&task)).await?;
        Ok(json!({"message": "Task created successfully", "task": view::whole(&task, at)}))
    }

    async fn create_many(&self, body: &Json, key: Option<&IdempotencyKey>) -> Result<Json, Error> {
        let mut batch = Batch::read(body, TASKS, form::<NewTask>)?;
        let missing = self.missing(batch.valid().map(NewTask::campaign_id).collect()).await?;
        batch.take_out(|task| missing.contains(&task.campaign_id()), &no_such_campaign());
        batch.check()?;
        let Numbering { first, at } = self.records.numbers(Kind::Task, batch.size(), key).await?;
        let (tasks, told) = batch.numbered(first);
        let tasks: Vec<_> = tasks.into_iter().map(|(id, task)| task.at(id, at)).collect();
        self.records.make(&tasks).await?;
        let message = format!("{} of {} tasks created successfully", tasks.len(), told.len());
        Ok(json!({"message": message, "created": tasks.len(), "tasks": told}))
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

//! The cost of one request at each endpoint.
//!
//! A bound is what a warm function is measured to need, and no more. A function that has not seen the caller's key in the last 30
//! seconds reads it and its owner once more (`requests.rs`).

use anyhow::{Context, ensure};
use axum::Router;
use axum::response::Html;
use axum::routing;
use drover_tests::chaos::{Fault, Rule};
use drover_tests::site::Site;
use drover_tests::{Stack, User, id_of, key_of};
use extract::{Task, account_key, task_key};
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::{Clock, new_id};

use super::bound::{As, Bound};
use super::cost::{Cost, least};
use super::requests::{CLOUD_KEY, cost_of, measured, over, warm_up};

/// Every endpoint. Each request is counted by the rate limiter: one write unit in each cost. A list in another order than by creation
/// reads its tasks by a `BatchGetItem`, of which the emulator tells no capacity: DynamoDB charges one read unit more for each task. `{ended}`, `{open}`
/// and `{missing}` stand for ids of tasks; a `DELETE` finds a new task each time.
pub(super) fn bounds(page: &str, email: &str) -> Vec<Bound<As>> {
    let task = json!({"name": "A task", "task_type": "simple_scraping", "config": config_of(page)});
    let watch = json!({"urls": [page], "selectors": {"t": ".t"}, "notification_email": email});
    let watch = json!({"name": "A monitor", "task_type": "monitoring", "config": watch});
    let (renamed, urgent) = (json!({"name": "Another name"}), json!({"priority": 9}));
    let change = |what, method, path, body, status, cost| Bound::new(what, method, path, body, As::Key, status, cost);
    let get = |what, path, status, cost| Bound::get(what, path, As::Key, status, cost);
    let anonymous = |what, path, status, cost| Bound::get(what, path, As::Nobody, status, cost);
    //                                                            DynamoDB, read, written, others
    vec![
        change("create", Method::POST, "/tasks", Some(task), 201, Cost::new(2, 0.0, 17.0, 1)),
        // Whose address it is to tell is read.
        change("create a monitor", Method::POST, "/tasks", Some(watch), 201, Cost::new(3, 1.0, 17.0, 1)),
        change("create, at fault", Method::POST, "/tasks", Some(json!({})), 400, Cost::new(1, 0.0, 1.0, 0)),
        get("list", "/tasks", 200, Cost::new(2, 1.0, 1.0, 0)),
        get("list by status", "/tasks?status=completed", 200, Cost::new(2, 1.0, 1.0, 0)),
        get("list by name", "/tasks?sort_by=name", 200, Cost::new(3, 1.0, 1.0, 0)),
        get("show", "/tasks/{ended}", 200, Cost::new(2, 1.0, 1.0, 0)),
        get("show, missing", "/tasks/{missing}", 404, Cost::new(2, 1.0, 1.0, 0)),
        change("rename", Method::PUT, "/tasks/{open}", Some(renamed.clone()), 200, Cost::new(2, 0.0, 7.0, 0)),
        change("another priority", Method::PUT, "/tasks/{open}", Some(urgent), 200, Cost::new(2, 0.0, 6.0, 0)),
        change("rename, ended", Method::PUT, "/tasks/{ended}", Some(renamed), 400, Cost::new(3, 1.0, 1.0, 0)),
        get("logs", "/tasks/{ended}/logs", 200, Cost::new(3, 2.0, 1.0, 0)),
        get("download", "/tasks/{ended}/download", 200, Cost::new(2, 1.0, 1.0, 1)),
        get("download, not yet", "/tasks/{open}/download", 404, Cost::new(2, 1.0, 1.0, 0)),
        change("cancel", Method::DELETE, "/tasks/{open}", None, 200, Cost::new(3, 1.0, 18.0, 0)),
        change("delete", Method::DELETE, "/tasks/{ended}", None, 200, Cost::new(4, 2.0, 6.0, 2)),
        change("delete, missing", Method::DELETE, "/tasks/{missing}", None, 404, Cost::new(2, 1.0, 1.0, 0)),
        anonymous("health", "/health", 200, Cost::new(3, 1.0, 1.0, 1)),
        anonymous("no key", "/tasks", 401, Cost::new(1, 0.0, 1.0, 0)),
        anonymous("no such path", "/nowhere", 404, Cost::new(1, 0.0, 1.0, 0)),
    ]
}

/// How many tasks of others are put beside the caller's.
const OTHERS_TASKS: usize = 500;

#[tokio::test]
async fn every_endpoint_is_within_its_budget() -> anyhow::Result<()> {
    let client = Client::new().await?;
    let ids = client.ids().await?;
    client.warm_up().await?;
    let mut faults = Vec::new();
    for mut bound in bounds(&client.site.url("/page"), &client.user.email()) {
        bound.cost = bound.cost.measurable_on(&client.stack);
        let costs = client.measure(&bound, &ids).await.context(bound.what)?;
        let cold = if bound.by == As::Nobody { Cost::NOTHING } else { CLOUD_KEY };
        faults.extend(over(bound.what, &costs, &bound.cost, &cold)?);
    }
    ensure!(faults.is_empty(), "over budget:\n{}", faults.join("\n"));
    Ok(())
}

#[tokio::test]
async fn a_list_costs_the_same_however_many_tasks_others_have() -> anyhow::Result<()> {
    let client = Client::new().await?;
    let ids = client.ids().await?;
    let list = bounds("", "").into_iter().find(|bound| bound.what == "list").context("no bound")?;
    let alone = least(&client.measure(&list, &ids).await?).context("no costs")?;

    // Put into the table as they are: nothing has to be scraped for this.
    let mine = client.stack.stored_task(&key_of(&client.user, &json!({"id": ids.ended}))?).await?.context("no task")?;
    let others = (0..OTHERS_TASKS).map(|number| {
        let (id, user_id) = (new_id(Clock::system().now()), format!("other-{}-{}", client.user.id, number % 10));
        Task { key: task_key(&user_id, id), account: account_key(&user_id), id, user_id, ..mine.clone() }
    });
    client.stack.table("extract").put_many(&others.collect::<Vec<_>>()).await?;
    let among_others = least(&client.measure(&list, &ids).await?).context("no costs")?;
    ensure!(among_others == alone, "{alone} became {among_others}");
    Ok(())
}

/// A user of the stack, with a site to make tasks of.
struct Client {
    stack: Stack,
    user: User,
    /// Whose tasks all stay pending: a message about one of a user's tasks would let any of them begin.
    waiting: User,
    site: Site,
}

/// The ids that stand for those in the paths.
struct Ids {
    ended: String,
    open: String,
    missing: String,
}

impl Client {
    async fn new() -> anyhow::Result<Self> {
        let stack = Stack::from_environment()?;
        let site = Site::serve(Router::new().route("/page", routing::get(async || Html("<p class=t>One</p>")))).await?;
        Ok(Self { user: stack.user().await?, waiting: stack.user().await?, stack, site })
    }

    async fn ids(&self) -> anyhow::Result<Ids> {
        let missing = new_id(Clock::system().now()).to_string();
        Ok(Ids { ended: self.ended_task().await?, open: self.open_task().await?, missing })
    }

    /// A new task, completed.
    async fn ended_task(&self) -> anyhow::Result<String> {
        let task = self.user.create_task(config_of(&self.site.url("/page"))).await?;
        self.stack.ended(&key_of(&self.user, &task)?).await?;
        Ok(id_of(&task)?.to_owned())
    }

    /// A new task that stays pending: its message is refused.
    async fn open_task(&self) -> anyhow::Result<String> {
        let unsent = Rule::new("AmazonSQS.SendMessage", &self.waiting.id, u32::MAX, Fault::not_authorized());
        let refused = self.stack.chaos(&unsent).await?;
        let task = self.waiting.create_task(config_of(&self.site.url("/page"))).await?;
        refused.end().await?;
        Ok(id_of(&task)?.to_owned())
    }

    /// Shows the callers' keys to the functions.
    async fn warm_up(&self) -> anyhow::Result<()> {
        warm_up(async || self.user.get("/tasks").await).await?;
        warm_up(async || self.waiting.get("/tasks").await).await
    }

    /// What a request costs.
    async fn measure(&self, bound: &Bound<As>, ids: &Ids) -> anyhow::Result<Vec<Cost>> {
        measured(&bound.cost, async || {
            let fresh = match (&bound.method, bound.path) {
                (&Method::DELETE, "/tasks/{ended}") => Some(self.ended_task().await?),
                (&Method::DELETE, "/tasks/{open}") => Some(self.open_task().await?),
                _ => None,
            };
            let (ended, open) = (fresh.as_ref().unwrap_or(&ids.ended), fresh.as_ref().unwrap_or(&ids.open));
            let path = bound.path.replace("{ended}", ended).replace("{open}", open).replace("{missing}", &ids.missing);
            let request = if bound.by == As::Nobody { User::anonymous } else { User::request };
            let caller = if bound.path.contains("{open}") { &self.waiting } else { &self.user };
            let request = bound.with_body(request(caller, bound.method.clone(), &path));
            cost_of(&self.stack, "extract-tasks", request, bound.status).await
        })
        .await
    }
}

fn config_of(page: &str) -> Json {
    json!({"urls": [page], "selectors": {"t": ".t"}})
}

//! A monitoring task as a test sees it, and a page whose price changes.
//!
//! Schedules leave minutes between two checks, which no test should wait for: the next check is made due, as time would.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, ensure};
use axum::Router;
use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::get;
use extract::Task;
use jobs::{Status, ledger};
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::Key;

use crate::mails::Mail;
use crate::operator::key_of;
use crate::site::Site;
use crate::stack::{Stack, eventually};
use crate::user::{User, id_of};

/// A page whose price changes.
#[derive(Debug)]
pub struct Shop {
    /// Where it is; the page is `/tea`.
    pub site: Site,
    shown: Arc<Mutex<(Option<String>, usize)>>,
}

impl Shop {
    /// A shop that sells tea at this price.
    pub async fn open(price: &str) -> anyhow::Result<Self> {
        let shown = Arc::new(Mutex::new((Some(price.to_owned()), 0)));
        let page = Arc::clone(&shown);
        let page = get(async move || {
            let mut shown = page.lock().unwrap_or_else(PoisonError::into_inner);
            shown.1 += 1;
            match &shown.0 {
                Some(price) => Ok(Html(format!("<h1>Tea</h1><p class=current-price>{price}</p>"))),
                None => Err(StatusCode::NOT_FOUND),
            }
        });
        Ok(Self { site: Site::serve(Router::new().route("/tea", page)).await?, shown })
    }

    /// From now on it costs so much; none: the page is gone.
    pub fn costs(&self, price: Option<&str>) {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).0 = price.map(str::to_owned);
    }

    /// How often the page was asked for.
    #[must_use]
    pub fn visits(&self) -> usize {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).1
    }

    /// What watches its price.
    #[must_use]
    pub fn config(&self, user: &User) -> Json {
        json!({"urls": [self.site.url("/tea")], "selectors": {"price": ".current-price"}, "schedule": "hourly",
               "notification_email": user.email(), "change_threshold": 0.05})
    }
}

/// A monitoring task, seen from outside.
#[derive(Debug)]
pub struct Monitor {
    /// The stack.
    pub stack: Stack,
    /// Whose it is.
    pub user: User,
    /// Its key.
    pub key: Key,
    /// Its path.
    pub path: String,
}

impl Monitor {
    /// A new monitor.
    pub async fn create(stack: Stack, user: User, config: &Json) -> anyhow::Result<Self> {
        let body = json!({"name": "Price of tea", "task_type": "monitoring", "config": config});
        let task = user.send(Method::POST, "/tasks", &body).await?.success(201)?;
        ensure!(task["status"] == "pending" && task["estimated_compute_units"] == 1, "{task}");
        Ok(Self { stack, key: key_of(&user, &task)?, path: format!("/tasks/{}", id_of(&task)?), user })
    }

    /// A shop, and a monitor of its price that has made its first check.
    pub async fn of(price: &str) -> anyhow::Result<(Shop, Self)> {
        let (stack, shop) = (Stack::from_environment()?, Shop::open(price).await?);
        let user = stack.user().await?;
        let config = shop.config(&user);
        let monitor = Self::create(stack, user, &config).await?;
        monitor.rested(1).await?;
        Ok((shop, monitor))
    }

    /// It as it is stored.
    pub async fn stored(&self) -> anyhow::Result<Task> {
        self.stack.stored_task(&self.key).await?.context("the task is gone")
    }

    /// Waits until it rests after so many checks.
    pub async fn rested(&self, checks: u64) -> anyhow::Result<Task> {
        eventually(&format!("{} rests after {checks} checks", self.path), async || {
            let task = self.stored().await?;
            ensure!(!task.job.status.is_final(), "it has ended: {task:?}");
            let known: Json = serde_json::from_str(task.job.checkpoint.as_deref().unwrap_or("{}"))?;
            let rests = task.job.status == Status::Pending && task.job.turn.is_none();
            Ok((rests && known["checks"] == checks && known.get("done").is_none()).then_some(task))
        })
        .await
    }

    /// When its next check is due, as its checkpoint says it, and no other update of it does.
    pub async fn due_at(&self) -> anyhow::Result<String> {
        Ok(self.stored().await?.job.lease.claimable_at.context("it does not rest")?.0.to_string())
    }

    /// Lets the next check begin: its time comes, and the scheduler's minute.
    pub async fn begin(&self) -> anyhow::Result<()> {
        self.stack.make_due(&self.key).await?;
        self.stack.invoke("scheduler", &json!({})).await?;
        Ok(())
    }

    /// Makes the next check, which is the `number`th.
    pub async fn check(&self, number: u64) -> anyhow::Result<Task> {
        self.begin().await?;
        self.rested(number).await
    }

    /// Waits for the `number`th check, whose first attempt does not come to its end: recovery finds the task, as it does each minute.
    pub async fn rested_by_recovery(&self, number: u64) -> anyhow::Result<Task> {
        eventually(&format!("{} rests, with the help of recovery", self.path), async || {
            self.stack.run_recovery().await?;
            let task = self.stored().await?;
            let known: Json = serde_json::from_str(task.job.checkpoint.as_deref().unwrap_or("{}"))?;
            let rests = task.job.status == Status::Pending && known["checks"] == number && known.get("done").is_none();
            if !rests && task.job.status == Status::Pending && task.job.turn.is_none() {
                self.stack.make_due(&self.key).await?;
            }
            Ok(rests.then_some(task))
        })
        .await
    }

    /// The e-mails that its owner has had.
    pub async fn mails(&self) -> anyhow::Result<Vec<Mail>> {
        self.stack.mails_to(&self.user.email()).await
    }

    /// What is downloaded, with this query string (`?content=changes`).
    pub async fn download(&self, query: &str) -> anyhow::Result<Json> {
        self.user.get(&format!("{}/download{query}", self.path)).await
    }

    /// Its log.
    pub async fn log(&self) -> anyhow::Result<String> {
        let task = self.user.get(&self.path).await?;
        Ok(self.user.log(&task).await?.join("\n"))
    }

    /// The account and its ledger agree; gives what was charged, and what is set aside.
    pub async fn charged(&self) -> anyhow::Result<(i64, i64)> {
        let account = self.stack.account(&self.user).await?;
        ledger::check(&self.stack.accounts().ledger(&self.user.id).await?, &account)?;
        Ok((account.units_used, account.units_reserved))
    }
}

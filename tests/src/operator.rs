//! What an operator sees and does, past the API: tasks as they are stored, result files, log lines, the recovery function.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;
use extract::{Task, account_key, task_key};
use jobs::{DeadLetter, DeadLetters, Results, Status};
use serde_json::{Value as Json, json};
use table::{Clock, Condition, Key, Millis, TableError, Update, new_id};
use uuid::Uuid;

use crate::stack::{Stack, eventually};
use crate::user::User;

/// What Lambda says of a function that has taken too long.
const OUT_OF_TIME: &str = "Sandbox.Timedout";
/// How many runs of recovery in a row may be out of time.
const RECOVERIES: usize = 3;

impl Stack {
    /// A letter of a queue that says this, of now.
    pub async fn letter(&self, queue: &str, body: &str) -> anyhow::Result<DeadLetter> {
        let now = Clock::system().now();
        let letter = DeadLetter {
            queue: queue.to_owned(),
            message_id: new_id(now).to_string(),
            body: body.to_owned(),
            sent_at: now,
            verdict: "written by a test".to_owned(),
            redriven_at: None,
        };
        DeadLetters::new(self.table("events")).keep(&letter).await?;
        Ok(letter)
    }

    /// A task as it is stored. Asking costs nothing of the owner's rate limit.
    pub async fn stored_task(&self, key: &Key) -> anyhow::Result<Option<Task>> {
        Ok(self.table("extract").get(key).await?)
    }

    /// The keys of all of a user's tasks, oldest first.
    pub async fn task_keys(&self, user: &User) -> anyhow::Result<Vec<Key>> {
        let tasks = Condition::Between("sk", "TASK#".into(), "TASK#~".into());
        let all = Condition::All(vec![Condition::equal("pk", account_key(&user.id).pk), tasks]);
        Ok(self.table("extract").query(table::Query::new(all).consistent()).await?.items)
    }

    /// Waits until a task has ended by itself, and gives it as it is stored.
    pub async fn ended(&self, key: &Key) -> anyhow::Result<Task> {
        let what = format!("{} has ended", key.sk);
        eventually(&what, async || Ok(self.stored_task(key).await?.filter(|task| task.job.status.is_final()))).await
    }

    /// Waits until a task has ended, with the recovery function run again and again, as EventBridge does each minute. What rests until
    /// its next attempt is made due (see [`Stack::make_due`]); what a dead worker holds is left to its lease.
    pub async fn ended_by_recovery(&self, key: &Key) -> anyhow::Result<Task> {
        let made_due = Mutex::new(HashSet::new());
        let what = format!("{} has ended, with the help of recovery", key.sk);
        eventually(&what, async || {
            let task = self.stored_task(key).await?.context("the task is gone")?;
            if task.job.status.is_final() {
                return Ok(Some(task));
            }
            // Once for each attempt: what is sent twice proves nothing more.
            let pending = task.job.status == Status::Pending;
            if pending && made_due.lock().unwrap_or_else(PoisonError::into_inner).insert(task.job.lease.lease_token) {
                self.make_due(key).await?;
            }
            self.run_recovery().await?;
            tokio::time::sleep(Duration::from_millis(200)).await;
            Ok(None)
        })
        .await
    }

    /// Makes a waiting job claimable, and due for recovery: the policy's pauses are minutes, which no test should wait for.
    pub async fn make_due(&self, key: &Key) -> anyhow::Result<()> {
        let past = Millis(Clock::system().now().0 - 1_000);
        let change = Update::new().set("claimable_at", past).set("redeliver_at", past);
        let change = change.when(Condition::equal("status", Status::Pending.as_str()));
        match self.table("extract").update(key, change).await {
            // A worker has begun meanwhile: all the better.
            Ok(_) | Err(TableError::ConditionFailed(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Runs the recovery function. Where a busy machine leaves it too little time, what it did not come to is the next run's, as it is each minute.
    pub async fn run_recovery(&self) -> anyhow::Result<()> {
        let mut runs = 1;
        loop {
            match self.invoke("recovery", &json!({})).await {
                Err(error) if runs < RECOVERIES && error.to_string().contains(OUT_OF_TIME) => runs += 1,
                answer => return answer.map(drop),
            }
            println!("recovery was out of time");
        }
    }

    /// The result files of a task, by their keys.
    pub async fn result_files(&self, user: &User, task: Uuid) -> anyhow::Result<Vec<String>> {
        self.stored_under(&format!("results/{}/{task}/", user.id)).await
    }

    /// The keys of what is in the object store under this prefix.
    pub async fn stored_under(&self, prefix: &str) -> anyhow::Result<Vec<String>> {
        let (client, bucket) = (self.s3(), self.results_bucket().await?);
        let found = client.list_objects_v2().bucket(bucket).prefix(prefix).send().await?;
        Ok(found.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect())
    }

    /// What is in the object store under this key, which must be there.
    pub async fn object(&self, key: &str) -> anyhow::Result<Vec<u8>> {
        let (client, bucket) = (self.s3(), self.results_bucket().await?);
        Ok(client.get_object().bucket(bucket).key(key).send().await?.body.collect().await?.to_vec())
    }

    /// The result files, as a function has them.
    pub async fn results(&self) -> anyhow::Result<Results> {
        Ok(Results::new(&self.config, self.results_bucket().await?))
    }

    /// The name of the bucket of result files.
    async fn results_bucket(&self) -> anyhow::Result<String> {
        let results = format!("{}-results-", self.name);
        let buckets = self.s3().list_buckets().send().await?;
        let bucket =
            buckets.buckets().iter().filter_map(|bucket| bucket.name()).find(|name| name.starts_with(&results));
        Ok(bucket.with_context(|| format!("there is no bucket {results}…"))?.to_owned())
    }

    fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.config).force_path_style(true).build();
        aws_sdk_s3::Client::from_conf(config)
    }

    /// The JSON lines that a function has logged since `since` and that contain all of `words`, oldest first.
    pub async fn log_lines(&self, function: &str, since: Millis, words: &[&str]) -> anyhow::Result<Vec<Json>> {
        let lines = self.raw_log_lines(&self.log_group(function), since, words).await?;
        Ok(lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }

    /// The lines of a log group since `since` that contain all of `words`, oldest first.
    pub async fn raw_log_lines(&self, group: &str, since: Millis, words: &[&str]) -> anyhow::Result<Vec<String>> {
        let events = self.log_events(group, since, words).await?;
        Ok(events.into_iter().filter_map(|event| event.message).collect())
    }

    /// The log group of a function.
    #[must_use]
    pub fn log_group(&self, function: &str) -> String {
        format!("/drover/{}/{function}", self.name)
    }

    /// The events of a log group since `since` that contain all of `words`, oldest first; not every emulator filters, so it is done here
    /// again. The name of an event's stream tells the version of the function: `2026/01/31/[7]…`.
    pub async fn log_events(
        &self,
        group: &str,
        since: Millis,
        words: &[&str],
    ) -> anyhow::Result<Vec<FilteredLogEvent>> {
        let client = aws_sdk_cloudwatchlogs::Client::new(&self.config);
        let pattern = words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" ");
        // The service gives pages, and an empty one need not be the last.
        let (mut events, mut next) = (Vec::new(), None);
        loop {
            let request =
                client.filter_log_events().log_group_name(group).filter_pattern(&pattern).set_next_token(next);
            let page = request.start_time(i64::try_from(since.0)?).send().await?;
            let told = |event: &FilteredLogEvent| {
                event.message().is_some_and(|text| words.iter().all(|word| text.contains(word)))
            };
            events.extend(page.events.unwrap_or_default().into_iter().filter(told));
            next = page.next_token;
            if next.is_none() {
                return Ok(events);
            }
        }
    }

    /// The stack's log groups, by their names.
    pub async fn log_groups(&self) -> anyhow::Result<Vec<String>> {
        let client = aws_sdk_cloudwatchlogs::Client::new(&self.config);
        let prefix = format!("/drover/{}/", self.name);
        let groups = client.describe_log_groups().log_group_name_prefix(prefix).into_paginator().items().send();
        let groups = groups.collect::<Result<Vec<_>, _>>().await?;
        Ok(groups.into_iter().filter_map(|group| group.log_group_name).collect())
    }
}

/// The key of a user's task, as the API shows it.
pub fn key_of(user: &User, task: &Json) -> anyhow::Result<Key> {
    Ok(task_key(&user.id, crate::user::id_of(task)?.parse()?))
}

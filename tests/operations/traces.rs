//! What a request leads to is found by one id in the logs of every function that has worked on it.

use std::collections::HashSet;

use anyhow::{Context, ensure};
use drover_tests::receiver::{Receiver, Step};
use drover_tests::site::Site;
use drover_tests::{Stack, User, eventually, id_of, json_of};
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::{Clock, Millis, new_id};
use telemetry::TraceId;

/// More than one worker is at: their messages are of one group, and may be taken for each other's.
const TASKS: usize = 6;

/// The traces of a function's lines that contain all of `words`.
async fn traces(stack: &Stack, function: &str, since: Millis, words: &[&str]) -> anyhow::Result<Vec<TraceId>> {
    let lines = stack.log_lines(function, since, words).await?;
    let trace = |line: &Json| {
        let id = line["span"]["trace_id"].as_str().with_context(|| format!("no trace: {line}"))?;
        id.parse().with_context(|| format!("no trace: {line}"))
    };
    lines.iter().map(trace).collect()
}

/// Creates a task under a request id.
async fn create(user: &User, url: &str, request: &str) -> anyhow::Result<Json> {
    let config = json!({"urls": [url], "selectors": {"title": ".t"}});
    let body = json!({"name": "A task", "task_type": "simple_scraping", "config": config});
    json_of(user.request(Method::POST, "/tasks").header("X-Request-Id", request).json(&body).send().await?).await
}

#[tokio::test]
async fn from_the_api_to_the_scraper_to_the_webhook() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, since) = (stack.user().await?, Clock::system().now());
    let site = Site::of([("/page", "<p class=\"t\">Title</p>".to_owned())]).await?;
    let receiver = Receiver::start(&[Step::status(204)]).await?;
    user.webhook(&receiver).await?;
    let mut made = Vec::new();
    for _ in 0..TASKS {
        let request = new_id(since).to_string();
        made.push((create(&user, &site.url("/page"), &request).await?, request));
    }
    let deliveries = stack.ended_deliveries(&user, TASKS).await?;

    eventually("the lines of one request are all there", async || {
        let (mut whole, mut seen) = (false, HashSet::new());
        for (task, request) in &made {
            let task = id_of(task)?;
            let delivery = deliveries.iter().find(|delivery| delivery.task_id.is_some_and(|id| id.to_string() == task));
            let delivery = &delivery.context("no delivery")?.id;
            let answered = traces(&stack, "extract-tasks", since, &[request, "answered"]).await?;
            let Some(trace) = answered.first() else { continue };
            ensure!(seen.insert(trace.clone()), "two requests have the trace {trace:?}");
            let claimed = traces(&stack, "extract-scraper", since, &[task, "claimed"]).await?;
            let sent = traces(&stack, "webhook-sender", since, &[delivery, "attempted"]).await?;
            let others: Vec<_> = claimed.iter().chain(&sent).filter(|other| *other != trace).collect();
            ensure!(others.is_empty(), "{task} is {trace:?}'s, and was worked on as {others:?}'s");
            whole |= !claimed.is_empty() && !sent.is_empty();
        }
        Ok(whole.then_some(()))
    })
    .await
}

#[tokio::test]
async fn what_a_caller_says_of_a_trace_is_no_text_in_a_log() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, since) = (stack.user().await?, Clock::system().now());
    let long = format!("Root=1-00000000-000000000000000000000000;Self={}", "x".repeat(4_096));
    for header in ["", "x", "Root=", "Root=1-\"},{\"level\":\"ERROR\"", "Root=1-0-0;Root=1-0-0", long.as_str()] {
        let request = new_id(since).to_string();
        let asked = user.request(Method::GET, "/tasks?page_size=1").header("X-Request-Id", &request);
        json_of(asked.header("X-Amzn-Trace-Id", header).send().await?).await?;
        eventually(&format!("the line of {header:?}"), async || {
            let answered = traces(&stack, "extract-tasks", since, &[&request, "answered"]).await?;
            Ok(answered.into_iter().next())
        })
        .await?;
    }
    Ok(())
}

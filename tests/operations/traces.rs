//! What a request leads to is found by one id in the logs of every function that has worked on it.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Context, ensure};
use aws_sdk_sqs::types::MessageSystemAttributeName;
use drover_tests::receiver::{Receiver, Step};
use drover_tests::site::Site;
use drover_tests::{Stack, User, eventually, id_of, json_of};
use jobs::{Hint, Queue};
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::{Clock, Key, Millis, new_id};
use telemetry::{TraceId, invocation};

use super::unannounced;

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

    eventually("the lines of each request are all there", async || {
        let (mut whole, mut seen) = (0, HashSet::new());
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
            whole += usize::from(!claimed.is_empty() && !sent.is_empty());
        }
        Ok((whole == TASKS).then_some(()))
    })
    .await
}

#[tokio::test]
async fn what_a_caller_says_of_a_trace_is_no_text_in_a_log() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, since) = (stack.user().await?, Clock::system().now());
    let long = format!("Root=1-00000000-000000000000000000000000;Self={}", "x".repeat(4_096));
    for header in [
        "",
        "x",
        "Root=",
        "Root=1-\"},{\"level\":\"ERROR\"",
        "Root=1-0-0;Root=1-0-0",
        long.as_str(),
        // This one is a trace, which the gateway may take up.
        "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
    ] {
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

#[tokio::test]
async fn a_message_carries_the_trace_of_whoever_sends_it() -> anyhow::Result<()> {
    const HEADER: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    let stack = Stack::from_environment()?;
    let (sqs, name) = (stack.sqs(), format!("{}-traced-{}", stack.name, new_id(Clock::system().now())));
    let url = sqs.create_queue().queue_name(name).send().await?.queue_url.context("no queue")?;
    let (queue, hint) = (Queue::new(&stack.config, url.clone()), Hint::waits(Key::new("USER#traced", "TASK#traced")));
    // Alone: the emulators leave it out of messages that are sent in a batch.
    invocation("a test", Some(HEADER), Box::pin(queue.hint(&hint, Duration::ZERO))).await;
    let request = sqs.receive_message().queue_url(&url).wait_time_seconds(5);
    let request = request.message_system_attribute_names(MessageSystemAttributeName::AwsTraceHeader);
    let received = request.send().await?.messages.unwrap_or_default().pop().context("no message was sent")?;
    sqs.delete_queue().queue_url(&url).send().await?;
    let header = received.attributes.and_then(|mut told| told.remove(&MessageSystemAttributeName::AwsTraceHeader));
    ensure!(header.as_deref() == Some(HEADER), "{header:?}");
    Ok(())
}

#[tokio::test]
async fn a_dead_letter_is_put_away_in_the_trace_of_its_job() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, since) = (stack.user().await?, Clock::system().now());
    let site = Site::of([("/page", "<p class=\"t\">Title</p>".to_owned())]).await?;
    let key = unannounced(&stack, &user, &site.url("/page")).await?;
    let item = stack.table("extract").get_item(&key, true).await?.context("no task")?;
    let trace: TraceId = item["trace"].as_s().ok().context("no trace")?.parse()?;
    let dead = stack.queue_url("extract-dead").await?;
    stack.sqs().send_message().queue_url(dead).message_body(serde_json::to_string(&key)?).send().await?;
    let found = eventually("the line of the letter", async || {
        let found = traces(&stack, "dead-letters", since, &[&key.sk, "a message kept failing"]).await?;
        Ok((!found.is_empty()).then_some(found))
    })
    .await?;
    ensure!(found.iter().all(|other| *other == trace), "the task is {trace:?}'s, its letter {found:?}'s");
    Ok(())
}

#[tokio::test]
async fn what_runs_by_itself_says_in_which_trace() -> anyhow::Result<()> {
    let (stack, since) = (Stack::from_environment()?, Clock::system().now());
    for (function, line) in [("recovery", "looked for what was lost"), ("scheduler", "started what was due")] {
        stack.invoke(function, &json!({})).await?;
        eventually(&format!("a line of {function}"), async || {
            let found = traces(&stack, function, since, &[line]).await?;
            Ok((!found.is_empty()).then_some(()))
        })
        .await?;
    }
    Ok(())
}

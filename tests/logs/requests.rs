//! What may be asked, by whom, and how it is answered.

use std::time::Duration;

use anyhow::{Context, ensure};
use drover_tests::Stack;
use drover_tests::answer::Answer;
use drover_tests::event_source::EventSource;
use jobs::{Job, Status};
use reqwest::{Method, StatusCode};
use table::{Clock, Millis};
use uuid::Uuid;

use super::reader::{LONG, functions, open};
use super::{Tenant, feeds, lines};

/// One answer of the deployed function, and what an `EventSource` makes of it.
pub(super) async fn ask(
    tenant: &Tenant,
    path: &str,
    last: Option<&str>,
) -> anyhow::Result<(StatusCode, EventSource, Vec<String>)> {
    let mut request = tenant.client.request(Method::GET, path);
    if let Some(last) = last {
        request = request.header("Last-Event-ID", last);
    }
    let answer = request.send().await?;
    let (status, mut source) = (answer.status(), EventSource::default());
    if status == StatusCode::OK {
        ensure!(answer.headers()["content-type"] == "text/event-stream", "{answer:?}");
        ensure!(answer.headers()["cache-control"] == "no-store", "{answer:?}");
    }
    let data = source.read(&answer.bytes().await?).into_iter().map(|event| event.data).collect();
    Ok((status, source, data))
}

#[tokio::test]
async fn a_stream_is_the_callers_own_lines_as_text() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (tenant, other) = (Tenant::new(&stack).await?, Tenant::new(&stack).await?);
    feeds(&stack).append(&tenant.group, "JOB#1", lines(1, 2)).await?;
    feeds(&stack).append(&other.group, "JOB#2", lines(8, 1)).await?;
    let (status, source, data) = ask(&tenant, "/logs/stream", None).await?;
    ensure!(status == StatusCode::OK && data == ["line 1", "line 2"], "{status}: {data:?}");
    let last = source.last_event_id.context("no id")?;
    let (_, source, data) = ask(&tenant, "/logs/stream", Some(&last)).await?;
    ensure!(data.is_empty() && source.last_event_id == Some(last), "{data:?}, {source:?}");
    // What was said before somebody came who asks for what is new is not repeated to them.
    let later = Clock::system().now().after(Duration::from_hours(24)).to_string();
    let (_, _, data) = ask(&tenant, &format!("/logs/stream?since={later}"), None).await?;
    ensure!(data.is_empty(), "{data:?}");
    Ok(())
}

#[tokio::test]
async fn one_job_is_followed_to_its_end() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (tenant, other) = (Tenant::new(&stack).await?, Tenant::new(&stack).await?);
    let ended =
        |job: Job| Job { status: Status::Completed, completed_at: Some(Clock::system().now()), log_lines: 2, ..job };
    let (going, done) = (tenant.job(&stack, |job| job).await?, tenant.job(&stack, ended).await?);
    let feeds = feeds(&stack);
    for (job, first) in [(going, 1), (done, 1), (going, 2), (done, 2)] {
        feeds.append(&tenant.group, &format!("JOB#{job}"), lines(first, 1)).await?;
    }
    let (_, source, data) = ask(&tenant, &format!("/logs/stream?job_id={going}"), None).await?;
    ensure!(data == ["line 1", "line 2"], "{data:?}");
    let (status, _, _) = ask(&tenant, &format!("/logs/stream?job_id={going}"), source.last_event_id.as_deref()).await?;
    ensure!(status == StatusCode::OK, "it goes on: {status}");
    let path = format!("/logs/stream?job_id={done}");
    let (_, _, data) = ask(&tenant, &path, None).await?;
    ensure!(data == ["line 1", "line 2"], "{data:?}");
    // Another tenant's job is not there.
    let (status, _, _) = ask(&other, &path, None).await?;
    ensure!(status == StatusCode::NOT_FOUND, "{status}");
    Ok(())
}

/// A job that ended long ago has nothing to say: an `EventSource` does not come again after that.
#[tokio::test]
async fn nobody_comes_again_for_a_job_that_has_said_everything() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let tenant = Tenant::new(&stack).await?;
    let ended = |job: Job| Job { status: Status::Failed, completed_at: Some(Millis(1)), ..job };
    let job = tenant.job(&stack, ended).await?;
    let (status, _, _) = ask(&tenant, &format!("/logs/stream?job_id={job}"), None).await?;
    ensure!(status == StatusCode::NO_CONTENT, "{status}");
    Ok(())
}

/// Of a job that has ended the stream ends with its last line, by itself: not because its function's time is over, nor because nothing more can come.
#[tokio::test]
async fn a_stream_goes_on_while_lines_come_and_ends_with_its_job() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (tenant, functions) = (Tenant::new(&stack).await?, functions(&stack, LONG).await?);
    let later = Clock::system().now().after(Duration::from_mins(5));
    let ended = |job: Job| Job { status: Status::Completed, completed_at: Some(later), log_lines: 3, ..job };
    let job = tenant.job(&stack, ended).await?;
    let mut stream = open(&functions[0], &tenant, &format!("/logs/stream?job_id={job}"), None).await?;
    ensure!(stream.status == 200 && stream.headers["content-type"] == "text/event-stream", "{stream:?}");
    let mut source = EventSource::default();
    let head = stream.next().await.context("no head")?;
    ensure!(source.read(&head).is_empty() && source.last_event_id.is_some(), "{head:?}");
    ensure!(source.retry == Some(1_000), "{head:?}");
    feeds(&stack).append(&tenant.group, &format!("JOB#{job}"), lines(1, 3)).await?;
    let mut seen = Vec::new();
    while let Some(piece) = stream.next().await {
        seen.extend(source.read(&piece).into_iter().map(|event| event.data));
    }
    ensure!(seen == ["line 1", "line 2", "line 3"], "{seen:?}");
    let logged = tokio::time::timeout(LONG, functions[0].logged("the job has ended")).await??;
    ensure!(logged.to_string().contains("request_id"), "of which request is not said: {logged}");
    Ok(())
}

/// While nobody says anything there is a comment, and the place.
#[tokio::test]
async fn a_stream_of_nothing_says_that_it_is_there() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (tenant, functions) = (Tenant::new(&stack).await?, functions(&stack, LONG).await?);
    let mut stream = open(&functions[0], &tenant, "/logs/stream", None).await?;
    let (mut source, mut seen) = (EventSource::default(), Vec::new());
    while let Some(piece) = stream.next().await {
        seen.extend(source.read(&piece));
    }
    ensure!(seen.is_empty() && source.comments >= 1 && source.last_event_id.is_some(), "{source:?}: {seen:?}");
    Ok(())
}

/// An `EventSource` that is told an error never comes again: one that comes too often is told when to, and keeps its place.
#[tokio::test]
async fn who_comes_too_often_is_told_when_to_come_again() -> anyhow::Result<()> {
    const LIMIT: usize = 120;
    let stack = Stack::from_environment()?;
    let (tenant, other) = (Tenant::new(&stack).await?, Tenant::new(&stack).await?);
    feeds(&stack).append(&tenant.group, "JOB#1", lines(1, 1)).await?;
    let ask = async |accept: &str| {
        let answer = tenant.client.request(Method::GET, "/logs/stream").header("Accept", accept).send().await?;
        let (status, retry_after) = (answer.status(), answer.headers().get("retry-after").cloned());
        anyhow::Ok((status, retry_after, answer.text().await?))
    };
    let mut refused = false;
    // Two windows at most.
    for _ in 0..=2 * LIMIT / 8 {
        let answers = futures::future::try_join_all((0..8).map(|_| ask("*/*"))).await?;
        refused = answers.iter().any(|(status, ..)| *status == StatusCode::TOO_MANY_REQUESTS);
        if refused {
            ensure!(answers.iter().all(|(status, after, _)| (*status == StatusCode::OK) != after.is_some()));
            break;
        }
    }
    ensure!(refused, "nobody was refused");
    let (status, _, told) = ask("text/event-stream").await?;
    let mut source = EventSource::default();
    source.read(b"id: 1705314600000-3\n\n");
    // The window may just have ended; else there is nothing but when to come again.
    if told.contains("id:") {
        ensure!(status == StatusCode::OK, "{status}: {told}");
    } else {
        ensure!(status == StatusCode::OK && source.read(told.as_bytes()).is_empty(), "{status}: {told}");
        ensure!(source.retry.is_some_and(|retry| (1_000..=60_000).contains(&retry)), "{told}");
        ensure!(source.last_event_id.as_deref() == Some("1705314600000-3"), "{source:?}");
    }
    let answer = other.client.request(Method::GET, "/logs/stream").send().await?;
    ensure!(answer.status() == StatusCode::OK, "another tenant: {answer:?}");
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_is_told_in_the_form_of_the_contract() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let tenant = Tenant::new(&stack).await?;
    let long = "x".repeat(2_000);
    let cases = [
        ("", Some("x"), 400),
        ("", Some("1705314600000"), 400),
        ("", Some("-1-1"), 400),
        ("", Some(long.as_str()), 400),
        ("?job_id=1", None, 400),
        ("?job_id=..%2F..%2Fetc", None, 400),
        ("?job_id=550E8400-E29B-41D4-A716-446655440000", None, 400),
        ("?job_id=550e8400-e29b-41d4-a716-446655440000", None, 404),
        ("?since=yesterday", None, 400),
        ("?since=2024-13-01", None, 400),
        ("?format=xml", None, 400),
        ("?format=text%00", None, 400),
    ];
    for (query, last, status) in cases {
        let mut request = tenant.client.request(Method::GET, &format!("/logs/stream{query}"));
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        let answer = Answer::of(request.send().await?).await?;
        let detail = answer.json()?["detail"].as_str().map(str::to_owned);
        ensure!(answer.status == status && detail.is_some(), "{query} {last:?}: {answer:?}");
    }
    // Neither a key nor a session of the extraction cloud is good here.
    let user = stack.user().await?;
    let session = stack.session_of(&user.id).await?.token;
    for (method, path, token, status) in [
        (Method::GET, "/logs/stream", None, 401),
        (Method::GET, "/logs/stream", Some("x.y.z".to_owned()), 401),
        (Method::GET, "/logs/stream", Some(user.key), 401),
        (Method::GET, "/logs/stream", Some(session), 401),
        (Method::GET, "/logs/stream", Some(Uuid::new_v4().to_string()), 401),
        (Method::POST, "/logs/stream", Some(tenant.client.token.clone()), 405),
        (Method::DELETE, "/logs/stream", Some(tenant.client.token.clone()), 405),
    ] {
        let request = tenant.client.anonymous(method.clone(), path);
        let request = match &token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let answer = Answer::of(request.send().await?).await?;
        ensure!(answer.status == status && answer.json()?["detail"].is_string(), "{method} {token:?}: {answer:?}");
    }
    Ok(())
}

//! What the console and `droverctl` do with jobs of all kinds: the library that both are, against the stack, and what each call costs.

use anyhow::{Context, ensure};
use axum::Router;
use axum::routing::get;
use drover_tests::site::Site;
use drover_tests::video::order;
use drover_tests::{Stack, eventually};
use jobs::Status;
use operations::{
    Acted, Entry, Found, JobFilter, JobName, JobRow, Kind, Operations, Operator, Outcome, Paging, ScheduleKind,
};
use portals::Portal;
use serde_json::json;
use table::cost::metered;
use table::{Clock, new_id};

use super::unannounced;

/// How many pages are looked through: other tests' jobs are on them too.
const PAGES: usize = 500;

/// Someone nobody else is, by whom the audit log is searched.
pub(super) fn somebody() -> Operator {
    let id = new_id(Clock::system().now());
    Operator::administrator(&format!("{}@example.com", id.simple()), &id.to_string())
}

/// What a call answers, which may cost so many requests of DynamoDB at most.
pub(super) fn within<T>(requests: u32, call: impl Future<Output = T>) -> impl Future<Output = anyhow::Result<T>> {
    let call = Box::pin(call);
    async move {
        let (answer, cost) = metered(call).await;
        ensure!(cost.dynamodb_requests <= requests, "{} requests, more than {requests}", cost.dynamodb_requests);
        Ok(answer)
    }
}

/// What somebody has done today and yesterday, the newest first.
pub(super) async fn entries_of(operations: &Operations, by: &Operator) -> anyhow::Result<Vec<Entry>> {
    let (mut entries, mut next): (Vec<Entry>, Option<String>) = (Vec::new(), None);
    for _ in 0..PAGES {
        let page = within(8, operations.audit().list(None, Paging::new(100, next.as_deref()))).await??;
        let is_end = page.items.is_empty() || page.next.is_none();
        entries.extend(page.items.into_iter().filter(|entry| entry.by == by.to_string()));
        next = page.next;
        if is_end {
            break;
        }
    }
    Ok(entries)
}

/// A job in a list, which must be there once or more.
async fn listed(operations: &Operations, name: &JobName, filter: &JobFilter) -> anyhow::Result<JobRow> {
    let mut next: Option<String> = None;
    for _ in 0..PAGES {
        let page = within(8, operations.jobs(name.kind, filter, Paging::new(100, next.as_deref()))).await??;
        ensure!(page.items.len() <= 100, "{} jobs on a page", page.items.len());
        if let Some(row) = page.items.into_iter().find(|row| row.name == *name) {
            return Ok(row);
        }
        next = Some(page.next.with_context(|| format!("{name} is not among {filter:?}"))?);
    }
    anyhow::bail!("{name} is not among the first of {filter:?}")
}

/// A waiting job of each kind, whose message nobody gets.
pub(crate) async fn one_of_each(stack: &Stack) -> anyhow::Result<Vec<JobName>> {
    let user = stack.user().await?;
    let task = unannounced(stack, &user, "https://example.com/?api_key=s3cret").await?;
    let task = task.sk.strip_prefix("TASK#").context("no task")?.parse()?;
    let (portal, desk) = (stack.portal_client().await?, stack.portal_desk(Clock::system()).await?);
    let login = desk.jobs.create(&stack.portal_account(&portal.tenant, Portal::Pwmr).await?).await?;
    let (video, studio) = (stack.video_client().await?, stack.studio(Clock::system()).await?);
    let videos = studio.jobs.create(&video.tenant, order("nobody")).await?.job;
    let name = |kind, tenant: &str, id| JobName::new(kind, tenant, id).context("no name");
    Ok(vec![
        name(Kind::Extract, &user.id, task)?,
        name(Kind::Portal, &portal.tenant, login.id)?,
        name(Kind::Video, &video.tenant, videos.id)?,
    ])
}

#[tokio::test]
async fn a_waiting_job_of_each_kind_is_found_listed_shown_and_cancelled_once() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (operations, by) = (stack.operations().await?, somebody());
    for name in one_of_each(&stack).await? {
        let of_tenant = |status| JobFilter::Of(name.tenant.clone(), status);
        let found = within(3, operations.find(name.id)).await??;
        ensure!(found == Some(Found::Job(name.clone())), "{found:?}");
        for filter in [JobFilter::Open, of_tenant(None), of_tenant(Some(Status::Pending))] {
            let row = listed(&operations, &name, &filter).await?;
            ensure!(row.status == Status::Pending && row.held.is_none() && row.due_at.is_some(), "{row:?}");
        }
        let detail = within(2, operations.job(&name)).await??.context("it is not shown")?;
        ensure!(detail.can.cancel && !detail.can.retry && detail.row.name == name, "{detail:?}");
        let shown = serde_json::to_string(&detail)?;
        ensure!(!shown.contains("s3cret"), "{shown}");

        ensure!(within(9, operations.cancel(&by, &name)).await?? == Acted::Done(None), "it was not cancelled");
        let again = operations.cancel(&by, &name).await?;
        ensure!(matches!(again, Acted::Refused(_)), "{again:?}");
        let row = listed(&operations, &name, &of_tenant(Some(Status::Cancelled))).await?;
        ensure!(row.completed_at.is_some() && row.due_at.is_none(), "{row:?}");
        ensure!(listed(&operations, &name, &of_tenant(Some(Status::Pending))).await.is_err(), "it waits still");

        let entries = entries_of(&operations, &by).await?;
        let outcomes: Vec<_> =
            entries.iter().filter(|entry| entry.on == name.to_string()).map(|of| of.outcome).collect();
        ensure!(outcomes == [Outcome::Refused, Outcome::Done], "{entries:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_failed_job_of_each_kind_is_listed_first_and_taken_up_again() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (operations, by) = (stack.operations().await?, somebody());
    for name in one_of_each(&stack).await? {
        let jobs = match name.kind {
            Kind::Extract => stack.jobs(jobs::Policy::with_lease(std::time::Duration::from_mins(1))).await?,
            Kind::Portal => stack.portal_desk(Clock::system()).await?.jobs.jobs,
            Kind::Video => stack.studio(Clock::system()).await?.jobs.jobs,
        };
        let prefix = if name.kind == Kind::Extract { ("USER#", "TASK#") } else { ("TENANT#", "JOB#") };
        let key = table::Key::new(format!("{}{}", prefix.0, name.tenant), format!("{}{}", prefix.1, name.id));
        jobs.give_up(&key, "a test gave it up").await?;
        let row = listed(&operations, &name, &JobFilter::Failed).await?;
        ensure!(row.status == Status::Failed && row.error.as_deref() == Some("a test gave it up"), "{row:?}");
        ensure!(operations.job(&name).await?.is_some_and(|detail| detail.can.retry), "it cannot be taken up");

        ensure!(within(8, operations.retry(&by, &name)).await?? == Acted::Done(None), "it was not taken up");
        let detail = operations.job(&name).await?.context("it is gone")?;
        ensure!(detail.row.status == Status::Pending && detail.row.redrives == 1, "{detail:?}");
        // What has not ended gets its message again.
        ensure!(matches!(operations.retry(&by, &name).await?, Acted::Done(Some(_))), "no message was sent");
        operations.cancel(&by, &name).await?;
        ensure!(matches!(operations.retry(&by, &name).await?, Acted::Refused(_)), "a cancelled one was taken up");
        let entries = entries_of(&operations, &by).await?;
        let outcomes: Vec<_> =
            entries.iter().filter(|entry| entry.on == name.to_string()).map(|of| of.outcome).collect();
        ensure!(outcomes == [Outcome::Refused, Outcome::Done, Outcome::Done, Outcome::Done], "{entries:?}");
    }
    Ok(())
}

/// A job whose parts are at work is found by them, on however few pages they all were.
#[tokio::test]
async fn a_job_is_listed_once_on_a_page_however_many_parts_are_at_work() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let operations = stack.operations().await?;
    let (client, studio) = (stack.video_client().await?, stack.studio(Clock::system()).await?);
    let names: Vec<_> = (0..120).map(|number| format!("{}{number}", fastrand::u32(..))).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let mut large = order("many");
    large.limit = 200;
    let job = studio.jobs.create(&client.tenant, large).await?.job;
    let metadata = videos::Metadata { url: "https://example.com/video".to_owned(), ..videos::Metadata::default() };
    let found = names.iter().map(|id| videos::Found { id: (*id).to_owned(), metadata: metadata.clone() }).collect();
    studio.list(&job, found).await?;
    let name = JobName::new(Kind::Video, &client.tenant, job.id).context("no name")?;

    let row = listed(&operations, &name, &JobFilter::Open).await?;
    let parts = row.parts.context("no parts")?;
    ensure!((parts.total, parts.open, parts.failed) == (120, 120, 0) && row.status == Status::Running, "{row:?}");
    let page = within(8, operations.jobs(Kind::Video, &JobFilter::Open, Paging::new(100, None))).await??;
    let times = page.items.iter().filter(|row| row.name == name).count();
    ensure!(times <= 1, "{times} times on a page");

    let (mut numbers, mut next): (Vec<u64>, Option<String>) = (Vec::new(), None);
    loop {
        let page = within(2, operations.parts(&name, Paging::new(50, next.as_deref()))).await??;
        numbers.extend(page.items.iter().map(|part| part.number));
        ensure!(page.items.iter().all(|part| part.status == Status::Pending && !part.title.is_empty()), "{page:?}");
        match page.next {
            Some(more) => next = Some(more),
            None => break,
        }
    }
    ensure!(numbers == (0..120).collect::<Vec<_>>(), "{numbers:?}");
    operations.cancel(&somebody(), &name).await?;
    Ok(())
}

/// One video at a time, or those of a job.
#[tokio::test]
async fn failed_videos_are_taken_up_again() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (operations, by) = (stack.operations().await?, somebody());
    let (client, studio) = (stack.video_client().await?, stack.studio(Clock::system()).await?);
    let name = format!("{}", fastrand::u64(..));
    let (one, other, works) = (format!("{name}1"), format!("{name}2"), format!("{name}3"));
    let job = studio.listed(&client.tenant, "a", &[&one, &other, &works]).await?;
    studio.work_through(&job, &[&one, &other]).await?;
    let name = JobName::new(Kind::Video, &client.tenant, job.id).context("no name")?;
    let failed = async || -> anyhow::Result<Vec<u64>> {
        let page = operations.parts(&name, Paging::new(100, None)).await?;
        Ok(page.items.iter().filter(|part| part.status == Status::Failed).map(|part| part.number).collect())
    };
    ensure!(failed().await? == [0, 1], "{:?}", failed().await?);
    ensure!(within(10, operations.retry_part(&by, &name, 0)).await?? == Acted::Done(None), "the first");
    let again = operations.retry_part(&by, &name, 0).await?;
    ensure!(matches!(again, Acted::Refused(_)), "{again:?}");
    ensure!(matches!(operations.retry_part(&by, &name, 2).await?, Acted::Refused(_)), "it has not failed");
    ensure!(operations.retry_part(&by, &name, 99).await.is_err(), "there is none");
    ensure!(failed().await? == [1], "{:?}", failed().await?);
    let detail = operations.job(&name).await?.context("it is gone")?;
    ensure!(detail.row.status == Status::Running, "{detail:?}");
    Ok(())
}

#[tokio::test]
async fn the_tail_of_a_log_is_read_and_followed() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (operations, user) = (stack.operations().await?, stack.user().await?);
    let page = get(async || axum::response::Html("<p class=t>One</p>"));
    let site = Site::serve(Router::new().route("/page", page)).await?;
    let task = user.create_task(json!({"urls": [site.url("/page")], "selectors": {"title": ".t"}})).await?;
    let key = drover_tests::key_of(&user, &task)?;
    let id = stack.ended(&key).await?.id;
    let name = JobName::new(Kind::Extract, &user.id, id).context("no name")?;
    let count = operations.job(&name).await?.context("it is not shown")?.log_lines;
    ensure!(count >= 2, "{count} lines");
    // Lines are written after the number of them.
    let all = eventually("the lines are there", async || {
        let all = within(1, operations.log(&name, Some(0), 200)).await??.context("no log")?;
        Ok((all.lines.len() as u64 == count).then_some(all))
    })
    .await?;
    ensure!(all.after == count, "{all:?}");
    let tail = within(3, operations.log(&name, None, 1)).await??.context("no log")?;
    ensure!(tail.lines == all.lines[all.lines.len() - 1..], "{tail:?}");
    let nothing = operations.log(&name, Some(count), 10).await?.context("no log")?;
    ensure!(nothing.lines.is_empty() && nothing.after == count, "{nothing:?}");
    let row = listed(&operations, &name, &JobFilter::Of(user.id.clone(), Some(Status::Completed))).await?;
    ensure!(row.progress == 100, "{row:?}");

    let usage = within(2, operations.usage(Kind::Extract, &user.id, 7)).await??.context("no account")?;
    let plan = usage.plan.context("no plan")?;
    ensure!(usage.jobs_completed == 1 && plan.units_used == 1 && usage.days.len() == 1, "{plan:?}");
    ensure!((usage.days[0].submitted, usage.days[0].completed) == (1, 1), "{:?}", usage.days);
    Ok(())
}

/// What is in the addresses that its owner gave it may let somebody in: in its log, too, and where it says what went wrong.
#[tokio::test]
async fn nothing_of_an_address_that_may_be_secret_is_shown_of_a_job() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (operations, user) = (stack.operations().await?, stack.user().await?);
    let page = get(async || axum::response::Html("<p class=t>One</p>"));
    let site = Site::serve(Router::new().route("/page", page)).await?;
    for path in ["/page?api_key=s3cret", "/missing?api_key=s3cret"] {
        let task = user.create_task(json!({"urls": [site.url(path)], "selectors": {"title": ".t"}})).await?;
        let key = drover_tests::key_of(&user, &task)?;
        let name = JobName::new(Kind::Extract, &user.id, stack.ended(&key).await?.id).context("no name")?;
        // It is in what is stored: what its owner gave, its owner is told.
        let logs = stack.jobs(jobs::Policy::with_lease(std::time::Duration::from_mins(1))).await?.logs;
        eventually("the line is there", async || {
            let lines = serde_json::to_string(&logs.read(&key.sk, 1, 100).await?)?;
            Ok(lines.contains("s3cret").then_some(()))
        })
        .await?;
        let log = operations.log(&name, Some(0), 200).await?.context("no log")?;
        let detail = operations.job(&name).await?.context("it is not shown")?;
        let row = listed(&operations, &name, &JobFilter::Of(user.id.clone(), None)).await?;
        ensure!(row.error.is_some() == path.starts_with("/missing"), "{row:?}");
        for shown in [serde_json::to_string(&log)?, serde_json::to_string(&detail)?, serde_json::to_string(&row)?] {
            ensure!(!shown.contains("s3cret"), "{shown}");
        }
        ensure!(serde_json::to_string(&log)?.contains(operations::HIDDEN), "{log:?}");
    }
    Ok(())
}

/// Page by page each of a tenant's jobs is seen once, the newest first; what is no cursor is told.
#[tokio::test]
async fn a_tenants_jobs_are_listed_by_page() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let operations = stack.operations().await?;
    let (client, studio) = (stack.video_client().await?, stack.studio(Clock::system()).await?);
    let mut ids = Vec::new();
    for _ in 0..7 {
        ids.push(studio.jobs.create(&client.tenant, order("nobody")).await?.job.id);
    }
    ids.reverse();
    for status in [None, Some(Status::Pending)] {
        let filter = JobFilter::Of(client.tenant.clone(), status);
        let (mut seen, mut next): (Vec<_>, Option<String>) = (Vec::new(), None);
        loop {
            let page = within(3, operations.jobs(Kind::Video, &filter, Paging::new(3, next.as_deref()))).await??;
            ensure!(page.items.len() <= 3, "{page:?}");
            seen.extend(page.items.iter().map(|row| row.name.id));
            match page.next {
                Some(more) => next = Some(more),
                None => break,
            }
        }
        seen.sort_unstable();
        seen.reverse();
        ensure!(seen == ids, "{seen:?} in place of {ids:?}");
    }
    for cursor in ["x", "e30", "", &"a".repeat(3_000)] {
        for filter in [JobFilter::Open, JobFilter::Failed, JobFilter::Of(client.tenant.clone(), None)] {
            let page = operations.jobs(Kind::Video, &filter, Paging::new(3, Some(cursor))).await;
            ensure!(page.is_err(), "{filter:?} {cursor}");
        }
        ensure!(operations.schedules(ScheduleKind::Video, false, Paging::new(3, Some(cursor))).await.is_err());
        ensure!(operations.audit().list(None, Paging::new(3, Some(cursor))).await.is_err());
    }
    let strange = new_id(Clock::system().now());
    ensure!(within(3, operations.find(strange)).await??.is_none(), "an id of nothing");
    let nothing = JobName::new(Kind::Video, &client.tenant, strange).context("no name")?;
    ensure!(operations.job(&nothing).await?.is_none(), "a job of nothing");
    ensure!(operations.cancel(&somebody(), &nothing).await.is_err(), "nothing was cancelled");
    Ok(())
}

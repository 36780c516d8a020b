//! The first attempt at a job: its source is listed, and each video handed out.

use jobs::{Kept, Level, Line, Lost, Progress, Run};
use tokio::time::Instant;
use videos::{Found, Mode, Order, VideoJob};
use yt_dlp::{Access, Fault, Listing, Source};

use crate::{App, metadata};

const NOTHING_YET: Progress = Progress { percent: 0, units_used: 0 };

/// Lists the source of a job, and hands its videos out.
pub(crate) async fn hand_out(app: &App, run: Run, job: &VideoJob, until: Instant) -> Result<(), Lost> {
    let now = || app.jobs.jobs.clock.now();
    let source = match source(&job.order) {
        Ok(source) => source,
        Err(error) => return run.fail(&error.to_string(), 0, Vec::new()).await,
    };
    let loan = match app.accounts.lend(until.saturating_duration_since(Instant::now())).await {
        Ok(loan) => loan,
        Err(error) => return again(run, &error.to_string(), now).await,
    };
    let kept = Kept::new(run);
    let listed = kept.during(NOTHING_YET, app.pause(), until, list(app, &job.order, source, &loan.access)).await;
    app.accounts.take_back(loan, listed.as_ref().ok().and_then(Option::as_ref)).await;
    let run = kept.into_inner();
    match listed? {
        Some(Ok(found)) => {
            let line = Line::new(now(), Level::Info, "list", format!("Found {} videos", found.len()));
            app.jobs.hand_out(run, job, found, vec![line]).await
        }
        Some(Err(fault)) if fault.is_transient() => again(run, &told(&fault), now).await,
        Some(Err(fault)) => {
            let reason = told(&fault);
            let line = Line::new(now(), Level::Error, "list", format!("Failed: {reason}"));
            run.fail(&reason, 0, vec![line]).await
        }
        None => again(run, "The source could not be listed in the time that one attempt has", now).await,
    }
}

async fn again(run: Run, reason: &str, now: impl Fn() -> table::Millis) -> Result<(), Lost> {
    let line = Line::new(now(), Level::Error, "list", format!("{reason}; it will be tried again"));
    run.retry(reason, vec![line]).await
}

async fn list(app: &App, order: &Order, source: Source, access: &Access) -> Result<Vec<Found>, Fault> {
    let second = |moment: table::Millis| i64::try_from(moment.0 / 1_000).ok();
    let listing = Listing {
        source,
        limit: order.limit,
        since: order.since.and_then(second),
        until: order.until.and_then(second),
    };
    let mut videos = app.source.list(&listing, access).await?;
    let mut found = Vec::new();
    while let Some(video) = videos.next().await? {
        found.push(metadata::found(&video));
    }
    Ok(found)
}

fn source(order: &Order) -> Result<Source, yt_dlp::SourceError> {
    match order.mode {
        Mode::Profile => Source::profile(&order.value),
        Mode::Hashtag => Source::hashtag(&order.value),
    }
}

/// What the owner of a job is told of a fault; our own is for the log.
pub(crate) fn told(fault: &Fault) -> String {
    if let Fault::Ours(why) = fault {
        tracing::error!(why, "a fault of our own");
        return "Interrupted by a fault on our side".to_owned();
    }
    format!("The source: {fault}")
}

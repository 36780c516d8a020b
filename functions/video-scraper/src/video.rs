//! One video: fetched, stored, and said to be.

use jobs::{Kept, Level, Line, Lost, Progress, Run};
use tokio::time::Instant;
use videos::{Failure, Metadata, Stage, Stored, Video, VideoJobs};
use yt_dlp::{Download, Downloaded, Fault, VideoUrl, Watermark};

use crate::listing::told;
use crate::{App, metadata};

/// How the work on a video ended.
enum Ended {
    /// It is stored.
    Stored(Box<(Metadata, Stored)>),
    /// It is not: how far it had come, whether another attempt may help, and why.
    Failed(Option<Stage>, Failure, String),
}

/// Fetches a video and stores it.
pub(crate) async fn fetch(app: &App, run: Run, video: &Video, until: Instant) -> Result<(), Lost> {
    let line = |level, message: String| vec![Line::new(app.jobs.jobs.clock.now(), level, "video", message)];
    if let Some(before) = app.jobs.stored_before(video).await? {
        let known = line(Level::Info, format!("{} is in its folder already", video.video_id));
        return VideoJobs::already_stored(run, before, known).await;
    }
    let kept = Kept::new(run);
    let ended = Box::pin(work(app, &kept, video, until)).await;
    let run = kept.into_inner();
    match ended? {
        Ended::Stored(stored) => {
            let (metadata, stored) = *stored;
            telemetry::counter!("VideosStored").increment(1);
            let done = line(Level::Info, format!("{} is stored: {} bytes", video.video_id, stored.bytes));
            VideoJobs::uploaded(run, video, metadata, stored, done).await
        }
        Ended::Failed(stage, failure, reason) => {
            telemetry::counter!("VideoAttemptsFailed").increment(1);
            let failed = line(Level::Error, format!("{}: {reason}", video.video_id));
            VideoJobs::failed(run, video, stage, failure, &reason, failed).await
        }
    }
}

/// The steps, each of which is recorded; a job that was cancelled stops with the next, and within a renewal.
async fn work(app: &App, kept: &Kept, video: &Video, until: Instant) -> Result<Ended, Lost> {
    VideoJobs::downloading(&mut *kept.hold().await, &video.metadata).await?;
    let file = match download(app, kept, video, until).await? {
        Ok(file) => file,
        Err(ended) => return Ok(ended),
    };
    let metadata = metadata::downloaded(&file);
    VideoJobs::downloaded(&mut *kept.hold().await, &metadata).await?;
    VideoJobs::uploading(&mut *kept.hold().await).await?;
    let storing = Box::pin(app.destination.store(kept, video, &file));
    let storing = kept.during(at(60), app.pause(), until, storing).await?;
    Ok(match storing {
        Some(Ok(stored)) => Ended::Stored(Box::new((metadata, stored))),
        Some(Err(error)) => {
            let (failure, reason) = error.told()?;
            Ended::Failed(Some(Stage::Uploading), failure, reason)
        }
        None => Ended::Failed(Some(Stage::Uploading), Failure::Transient, out_of_time()),
    })
}

async fn download(app: &App, kept: &Kept, video: &Video, until: Instant) -> Result<Result<Downloaded, Ended>, Lost> {
    let failed = |failure, reason: String| Ok(Err(Ended::Failed(Some(Stage::Downloading), failure, reason)));
    let Ok(url) = video.metadata.url.parse::<VideoUrl>() else {
        return failed(Failure::Final, "The source gives it no address".to_owned());
    };
    let time = until.saturating_duration_since(Instant::now());
    let loan = match app.accounts.lend(time).await {
        Ok(loan) => loan,
        Err(error) => return failed(Failure::Transient, error.to_string()),
    };
    let usual = Download::of(url);
    let watermark = if video.no_watermark { Watermark::Avoid } else { Watermark::Keep };
    let wanted = Download { watermark, time_limit: usual.time_limit.min(time), ..usual };
    let downloading = app.source.download(&wanted, &loan.access, |_| {});
    let downloaded = kept.during(at(10), app.pause(), until, downloading).await;
    app.accounts.take_back(loan, downloaded.as_ref().ok().and_then(Option::as_ref)).await;
    match downloaded? {
        Some(Ok(file)) => Ok(Ok(file)),
        Some(Err(fault)) => failed(failure_of(&fault), told(&fault)),
        None => failed(Failure::Transient, out_of_time()),
    }
}

const fn failure_of(fault: &Fault) -> Failure {
    if fault.is_transient() { Failure::Transient } else { Failure::Final }
}

fn out_of_time() -> String {
    "It was not done in the time that one attempt has".to_owned()
}

const fn at(percent: u8) -> Progress {
    Progress { percent, units_used: 0 }
}

//! A job of two hundred videos, a third of whose workers are killed at it, while one in ten requests to Google Drive goes wrong.

mod outcome;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use anyhow::{Context, ensure};
use drover_tests::chaos::{Fault, Rule};
use drover_tests::process::kill_starter_of;
use drover_tests::scene::{Scene, counts, is_over};
use drover_tests::video::Studio;
use drover_tests::video_platform::{Kind, Posted};
use drover_tests::watchdog::Watchdog;
use drover_tests::{CROWD, eventually};
use google_drive_stand_in::{Call, Plan, Trouble};
use table::Clock;
use tokio::time::{Instant, sleep};
use uuid::Uuid;
use videos::{VideoJob, VideoStatus};

use self::outcome::Outcome;
use super::UPDATE;

const VIDEOS: u64 = 200;
/// How many workers are killed: each video is one's work, and so are finding them and handing them out.
const KILLED: u64 = VIDEOS / 3;
/// Which attempt at a video is never one's last: of five, so that no chance makes a video be given up.
const SPARED: u64 = 4;
/// One in so many requests to Google Drive goes wrong.
const ONE_IN: u32 = 10;
/// How many are killed in a row: fewer than take as long as a lease.
const VOLLEY: u64 = 4;
/// A moment between one worker's end and the next one's, at most.
const MOMENT: Duration = Duration::from_millis(200);
/// How a worker writes what it hands out: by several requests.
const BATCH_WRITE: &str = "DynamoDB_20120810.BatchWriteItem";

/// What goes wrong with requests to Google Drive.
fn troubles() -> Vec<Trouble> {
    let mut troubles = [401, 429, 500, 503].map(Trouble::status).to_vec();
    troubles.extend(["rateLimitExceeded", "userRateLimitExceeded"].map(Trouble::forbidden));
    troubles.extend([Trouble::Closed, Trouble::Unanswered]);
    troubles
}

/// What happens to uploads besides.
fn interruptions() -> Vec<Trouble> {
    let mut troubles = troubles();
    troubles.extend([Trouble::Cut, Trouble::Partial, Trouble::Expired]);
    troubles
}

/// A job on its way, and who kills its workers.
struct Siege {
    scene: Scene,
    studio: Studio,
    job: VideoJob,
}

impl Siege {
    async fn begin() -> anyhow::Result<(Self, Vec<String>)> {
        let scene = Scene::open().await?;
        let ids = scene.platform.post(Kind::Profile, &scene.name, &Posted::videos(VIDEOS)).await?;
        let calls = [Call::List, Call::Get, Call::Create, Call::Multipart, Call::Begin];
        scene.folder.plan(Plan::one_in(ONE_IN, 7, &calls, &troubles())).await?;
        scene.folder.plan(Plan::one_in(ONE_IN, 8, &[Call::Chunk, Call::Question], &interruptions())).await?;
        // These are about no folder.
        scene.folder.plan_for_all(&Plan::one_in(ONE_IN, 9, &[Call::GenerateIds, Call::Token], &troubles())).await?;
        let studio = scene.stack.studio(Clock::system()).await?;
        let id: Uuid = scene.job(VIDEOS).await?.parse()?;
        let job = studio.jobs.get(&scene.client.tenant, id).await?.context("the job is gone")?.job;
        Ok((Self { scene, studio, job }, ids))
    }

    /// Kills workers for as long as this is polled, until there are enough: while they list, hand out, download and upload.
    async fn kill(&self, killed: &mut BTreeMap<&'static str, u64>) -> anyhow::Result<Infallible> {
        let (stack, name) = (&self.scene.stack, &self.scene.name);
        let handing_out = Rule::new(BATCH_WRITE, &self.scene.client.tenant, 1, Fault::Delay { milliseconds: 2_000 });
        let handing_out = stack.chaos(&handing_out.after(2)).await?;
        self.kill_lister(killed).await?;
        eventually("the videos are handed out", async || Ok((handing_out.struck().await? == 1).then_some(()))).await?;
        handing_out.kill_last().await?;
        *killed.entry("handing out").or_default() += 1;

        let uploading = stack.chaos(&Rule::count(UPDATE, "\"uploading\"")).await?;
        while killed.values().sum::<u64>() < KILLED {
            for _ in 0..self.doomed(killed.values().sum()).await? {
                let (step, is_killed) = if fastrand::bool() {
                    let downloads = format!("@{name}/video/");
                    ("downloading", kill_starter_of(&downloads).is_ok_and(|killed| killed.is_some()))
                } else {
                    ("uploading", uploading.kill_next(MOMENT).await?)
                };
                *killed.entry(step).or_default() += u64::from(is_killed);
                sleep(MOMENT.mul_f64(fastrand::f64())).await;
            }
            sleep(MOMENT).await;
        }
        // The next run's would count nothing.
        uploading.end().await?;
        std::future::pending().await
    }

    async fn kill_lister(&self, killed: &mut BTreeMap<&'static str, u64>) -> anyhow::Result<()> {
        let lists = format!("@{}\0", self.scene.name);
        eventually("the source is listed", async || Ok(kill_starter_of(&lists)?)).await?;
        *killed.entry("listing").or_default() += 1;
        Ok(())
    }

    /// How many may be killed now: one for each two videos that came through, so that it goes on to the end. A dead one's video comes back after all of them.
    async fn doomed(&self, killed: u64) -> anyhow::Result<u64> {
        let job = self.studio.reload(&self.job).await?;
        let videos = self.studio.jobs.videos_of(&job).await?;
        let (done, open): (Vec<_>, Vec<_>) = videos.iter().partition(|video| video.status() == VideoStatus::Uploaded);
        let doomed = u64::midpoint(done.len() as u64, 10).saturating_sub(killed);
        let is_near_its_end = open.iter().any(|video| video.job.attempts >= SPARED);
        Ok(if is_near_its_end { 0 } else { doomed.min(VOLLEY).min(KILLED.saturating_sub(killed)) })
    }

    async fn outcome(&self) -> anyhow::Result<Outcome> {
        Outcome::of(&self.scene, &self.studio, &self.job).await
    }

    /// Waits for the end. Progress only grows, and is what the counts say.
    async fn watch(&self) -> anyhow::Result<()> {
        let (path, mut before, mut watchdog) = (format!("/jobs/{}", self.job.id), 0, Watchdog::default());
        loop {
            self.scene.stack.run_recovery().await?;
            let told = self.scene.client.get(&path).await?;
            let (progress, total, stored, failed) = counts(&told);
            let exact = ((stored + failed) * 100).checked_div(total).unwrap_or(0);
            ensure!(
                (before..=100).contains(&progress) && progress == exact,
                "{progress}% after {before}%, not {exact}%"
            );
            before = progress;
            if is_over(&told) {
                return Ok(());
            }
            watchdog.see((stored, failed))?;
            sleep(Duration::from_millis(500)).await;
        }
    }
}

#[tokio::test]
#[ignore = "takes minutes, and kills workers that others' jobs would have too"]
async fn two_hundred_videos_come_once_each_though_a_third_of_their_workers_is_killed() -> anyhow::Result<()> {
    let _crowd = CROWD.lock().await;
    let begun = Instant::now();
    let (siege, ids) = Siege::begin().await?;
    let asked_before = siege.scene.folder.asked().await?.len();
    let mut killed = BTreeMap::new();
    tokio::select! {
        watched = siege.watch() => watched?,
        ended = siege.kill(&mut killed) => { ended?; }
    }
    let took = begun.elapsed();
    siege.scene.folder.mend_all().await?;

    // What a dead worker was about to hand out, recovery takes away.
    let outcome = eventually("nothing is left", async || {
        siege.scene.stack.run_recovery().await?;
        let outcome = siege.outcome().await?;
        Ok((outcome.left.is_empty() && outcome.listed.len() <= ids.len()).then_some(outcome))
    });
    let outcome = outcome.await?;
    let name = &siege.scene.name;
    let asked = siege.scene.folder.asked().await?.split_off(asked_before);
    let wrong = asked.iter().filter(|asked| asked.status.is_none_or(|status| status >= 400)).count();
    let attempts: u64 = outcome.videos.iter().map(|video| video.job.attempts).sum();
    println!(
        "{VIDEOS} videos in {took:.1?}; workers killed: {killed:?}; {} attempts more; {wrong} of {} requests to Google Drive went wrong",
        attempts.saturating_sub(VIDEOS),
        asked.len(),
    );
    let faults = outcome.faults(&ids, name);
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    ensure!(killed.values().sum::<u64>() == KILLED && killed.len() == 4, "only these were killed: {killed:?}");
    ensure!(wrong * 15 >= asked.len(), "only {wrong} of {} requests went wrong", asked.len());

    // The check notices what is wrong, in what it is told and in what it reads.
    outcome.assert_spoils_are_noticed(&ids, name)?;
    let folder = outcome.files.iter().find(|file| file.path.ends_with("/2026")).context("no folder of the year")?;
    siege.scene.folder.add_folder("2026", &folder.parent).await?;
    let spoilt = siege.outcome().await?.faults(&ids, name);
    ensure!(spoilt.len() == 1 && spoilt[0].contains("+1 TikTok"), "{spoilt:?}");
    Ok(())
}

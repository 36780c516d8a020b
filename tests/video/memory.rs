//! A worker's memory, whatever the size of a video.

use anyhow::{Context, ensure};
use drover_tests::own_scraper::OwnScraper;
use drover_tests::video_platform::{Kind, Posted};
use videos::VideoStatus;

/// How large the video is, in bytes.
const LARGE: u64 = 128 * 1024 * 1024;
/// The most memory that a worker may take, in bytes: less than the video. What it holds of it at once is a chunk of 8 MiB on its way to Google Drive, or four
/// parts of 5 MiB to the object store; the rest is the program, of which a build that is not optimised has 30 MB.
const MOST: u64 = 96 * 1024 * 1024;

#[tokio::test]
#[ignore = "moves hundreds of megabytes"]
async fn a_workers_memory_does_not_grow_with_the_size_of_a_video() -> anyhow::Result<()> {
    for (to, changes) in [("Google Drive", &[][..]), ("the object store", &[("GOOGLE_DRIVE_FOLDER", "")])] {
        let own = OwnScraper::start(changes).await?;
        let posted = Posted { bytes: Some(LARGE), ..Posted::videos(1) };
        own.scene.platform.post(Kind::Profile, &own.scene.name, &posted).await?;
        let job = own.job().await?;
        let video = own.video(&job, 0).await?;
        ensure!(video.status() == VideoStatus::Uploaded, "{video:?}");
        ensure!(video.stored.context("nowhere")?.bytes == LARGE, "not all of it");
        let peak = own.peak()?;
        println!("a video of {} MB to {to}: at most {} kB of memory", LARGE / 1_000_000, peak / 1_000);
        ensure!(peak <= MOST, "{peak} bytes");
    }
    Ok(())
}

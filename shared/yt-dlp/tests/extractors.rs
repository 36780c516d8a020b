//! The real yt-dlp, whose own extractors read a stand-in for TikTok and a site of plain pages and feeds (`drover_tests::video_platform`).
//!
//! `YT_DLP` and `YT_DLP_PYTHON` name it, as `localstack/python yt-dlp` prints them.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "extractors/downloads.rs"]
mod downloads;
#[path = "extractors/faults.rs"]
mod faults;
#[path = "extractors/life.rs"]
mod life;
#[path = "extractors/lists.rs"]
mod lists;
#[path = "extractors/setup.rs"]
mod setup;

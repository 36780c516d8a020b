//! What is kept of what yt-dlp says of a video.

use table::Millis;
use videos::{Found, Metadata};
use yt_dlp::{Downloaded, Video};

/// A video of a list.
pub(crate) fn found(video: &Video) -> Found {
    Found { id: video.id.clone(), metadata: known(video) }
}

/// What is known of a video that is downloaded.
pub(crate) fn downloaded(file: &Downloaded) -> Metadata {
    Metadata { has_watermark: file.has_watermark, file_size: Some(file.size), ..known(&file.video) }
}

fn known(video: &Video) -> Metadata {
    let video = video.clone();
    Metadata {
        url: video.url.to_string(),
        desc: video.description.or(video.title),
        author_username: video.author_username,
        author_nickname: video.author_nickname,
        views: video.views,
        likes: video.likes,
        comments: video.comments,
        shares: video.shares,
        created_at_tiktok: video.created_at.and_then(|seconds| u64::try_from(seconds).ok()).map(|s| Millis(s * 1_000)),
        music_title: video.music_title,
        has_watermark: None,
        file_size: None,
        duration_ms: video.duration.map(milliseconds),
        hashtags: video.hashtags,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a length is not negative, and a cast saturates"
)]
fn milliseconds(seconds: f64) -> u64 {
    (seconds * 1_000.0).round() as u64
}

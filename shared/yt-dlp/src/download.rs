//! One video's file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value};
use subprocess::Scratch;
use tokio::fs::File;
use tokio::io::AsyncReadExt;

use crate::fault::Fault;
use crate::line::{Line, Progress};
use crate::media::{HEAD, is_media};
use crate::options::Options;
use crate::run::{Ended, Limits, Run};
use crate::video::{Video, VideoUrl};
use crate::{Access, YtDlp};

/// What may be transferred besides the file, in bytes: pages, and beginnings that are thrown away.
const BESIDES: u64 = 64 * 1024 * 1024;

/// Which of a video's files is wanted. TikTok offers most videos twice: as its page plays them, without a watermark and in several sizes, and as its own
/// button "download" saves them, with one. Where there is only one of both, that is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Watermark {
    /// Without, if there is one.
    #[default]
    Avoid,
    /// The one that the site itself offers for download, if it does.
    Keep,
}

/// What is downloaded, and within which limits.
#[derive(Clone, Debug)]
pub struct Download {
    /// The video.
    pub url: VideoUrl,
    /// Which of its files.
    pub watermark: Watermark,
    /// How large the file may be, in bytes. Of several files those come first that are said to fit.
    pub max_bytes: u64,
    /// How long it may take in all.
    pub time_limit: Duration,
    /// Where the file's folder is made, if not where the settings say.
    pub folder: Option<PathBuf>,
}

impl Download {
    /// With the usual limits: 500 MiB and 10 minutes, without a watermark.
    #[must_use]
    pub const fn of(url: VideoUrl) -> Self {
        let time_limit = Duration::from_mins(10);
        Self { url, watermark: Watermark::Avoid, max_bytes: 500 * 1024 * 1024, time_limit, folder: None }
    }
}

/// A video's file. It is there as long as this is.
#[derive(Debug)]
pub struct Downloaded {
    /// The file, in a folder of its own.
    pub path: PathBuf,
    /// Its size in bytes: at least 1.
    pub size: u64,
    /// What kind of file it is, as its name ends: `mp4`, `webm`, …
    pub extension: String,
    /// Whether the site says that it has a watermark. None where it says nothing of watermarks at all.
    pub has_watermark: Option<bool>,
    /// What the site says of the video now.
    pub video: Video,
    /// The same in yt-dlp's own words (those of its info JSON), and of the file: `width`, `vcodec`, … No address of a file is in it, and no cookie.
    pub info: Map<String, Value>,
    _scratch: Scratch,
}

impl YtDlp {
    /// Downloads one video, and tells how far it is, some times a second. What is left of it where this fails or is dropped: nothing.
    pub async fn download(
        &self,
        wanted: &Download,
        access: &Access,
        mut progress: impl FnMut(Progress) + Send,
    ) -> Result<Downloaded, Fault> {
        let settings = match &wanted.folder {
            Some(folder) => &crate::Settings { folder: folder.clone(), ..(*self.settings).clone() },
            None => &*self.settings,
        };
        let bytes = wanted.max_bytes.saturating_mul(u64::from(settings.retries) + 1).saturating_add(BESIDES);
        let limits = Limits { time: wanted.time_limit, bytes };
        let options =
            |proxy, cookies: Option<&Path>, folder: &Path| Options::download(settings, proxy, cookies, wanted, folder);
        let mut run = Run::start(settings, access, &limits, wanted.url.as_url(), options).await?;
        let too_large = || Fault::TooLarge { limit: wanted.max_bytes };
        let mut told = None;
        let mut left = None;
        while let Some(line) = run.next().await? {
            match line {
                Line::Progress(at) if at.downloaded_bytes > wanted.max_bytes => return Err(too_large()),
                Line::Progress(at) => progress(at),
                Line::Video(video) => told = Some(video),
                Line::TooLarge => left = Some(too_large()),
                Line::Live => left = Some(Fault::Live),
                Line::Entry(_) | Line::Refusal(_) => {}
            }
        }
        let ended = run.end().await?;
        match (told, left) {
            (_, Some(fault)) => Err(fault),
            (Some(info), None) if ended.is_well() => file(ended, info, wanted).await,
            (_, None) => Err(ended.fault()),
        }
    }
}

/// The file, if it is what was wanted.
async fn file(ended: Ended, mut info: Map<String, Value>, wanted: &Download) -> Result<Downloaded, Fault> {
    let unreadable = |error: std::io::Error| Fault::Ours(format!("the file cannot be read: {error}"));
    let path = info.remove("filepath").and_then(|path| path.as_str().map(PathBuf::from)).unwrap_or_default();
    if path.parent() != Some(ended.scratch.path()) {
        return Err(Fault::Ours("yt-dlp says that its file is not in its folder".to_owned()));
    }
    let mut file = File::open(&path).await.map_err(unreadable)?;
    let size = file.metadata().await.map_err(unreadable)?.len();
    if size > wanted.max_bytes {
        return Err(Fault::TooLarge { limit: wanted.max_bytes });
    }
    let mut head = Vec::with_capacity(HEAD);
    (&mut file).take(HEAD as u64).read_to_end(&mut head).await.map_err(unreadable)?;
    if !is_media(&head) {
        return Err(Fault::NotAVideo);
    }
    let video = Video::of(&info, Some(&wanted.url))
        .ok_or_else(|| Fault::Ours("yt-dlp does not describe the video".to_owned()))?;
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("bin").to_owned();
    let has_watermark = has_watermark(&info);
    Ok(Downloaded { path, size, extension, has_watermark, video, info, _scratch: ended.scratch })
}

/// TikTok's extractor notes at a file that it is watermarked, and at the others nothing.
fn has_watermark(info: &Map<String, Value>) -> Option<bool> {
    let text = |key: &str| info.get(key).and_then(Value::as_str);
    let is_noted = text("format_note").is_some_and(|note| note.contains("watermarked"));
    (is_noted || text("extractor_key") == Some("TikTok")).then_some(is_noted)
}

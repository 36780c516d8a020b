//! Knows how to list the videos of a profile, a hashtag or a feed, and how to download one, by yt-dlp as a process; knows nothing of jobs, nor of where
//! files go.
//!
//! ```no_run
//! # async fn example() -> Result<(), yt_dlp::Fault> {
//! use yt_dlp::{Access, Download, Listing, Settings, Source, YtDlp};
//!
//! let yt_dlp = YtDlp::new(Settings::from_environment().unwrap());
//! let source = Source::profile("khaby.lame").unwrap();
//! let mut videos = yt_dlp.list(&Listing { source, limit: 50, since: None, until: None }, &Access::default()).await?;
//! while let Some(video) = videos.next().await? {
//!     let file = yt_dlp.download(&Download::of(video.url), &Access::default(), |_| {}).await?;
//!     println!("{} bytes in {}", file.size, file.path.display());
//! } // Each file is gone with its `Downloaded`.
//! # Ok(()) }
//! ```
//!
//! - The process reads no configuration, no plugin and no environment of ours. Its options come by its standard input, its cookies in a file of its own
//!   folder: nothing but the site's address is on its command line.
//! - It has one way out, an [`egress_proxy`], which connects by the rules of fetching; no other program can be started by it, for want of a `PATH`.
//! - Whatever is dropped here takes the process and its folder with it. The folders of a process that was killed are removed by the next call of any.
//!
//! Why it is built so: `docs/decisions/0026-yt-dlp.md`.

mod download;
mod evidence;
mod fault;
mod line;
mod list;
mod media;
mod options;
mod run;
mod settings;
mod source;
mod video;

use std::sync::Arc;

pub use download::{Download, Downloaded, Watermark};
pub use egress_proxy::{Names, Upstream, UpstreamKind};
pub use fault::Fault;
pub use line::Progress;
pub use list::{Listing, Videos};
pub use settings::{Settings, TikTok};
pub use source::{Source, SourceError, Template, TemplateError};
pub use video::{Video, VideoUrl, VideoUrlError};

/// yt-dlp, as the operator has set it up. Cheap to clone.
#[derive(Clone)]
pub struct YtDlp {
    settings: Arc<Settings>,
}

/// As whom, and through what, a site is asked. No `Debug`: it has secrets.
#[derive(Clone, Default)]
pub struct Access {
    /// A proxy to go through, instead of the operator's.
    pub proxy: Option<Upstream>,
    /// Cookies of somebody who is signed in, as a Netscape cookie file.
    pub cookies: Option<String>,
}

impl YtDlp {
    /// By these settings.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings: Arc::new(settings) }
    }
}

//! A platform, and yt-dlp that sees nothing else.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use drover_tests::video_platform::{AUTHORITY, Kind, Platform, Posted};
use tokio::sync::{Semaphore, SemaphorePermit};
use yt_dlp::{Access, Download, Downloaded, Fault, Listing, Settings, Source, TikTok, Upstream, Video, YtDlp};

/// How many tests run at once: each has a process that is busy from its start to its end.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// A platform of a test's own, with yt-dlp. Its folder is where runs have theirs, and its trusted authority.
pub struct World {
    pub platform: Platform,
    pub settings: Settings,
    folder: PathBuf,
    _turn: SemaphorePermit<'static>,
}

impl World {
    pub async fn new() -> Self {
        let turn = AT_ONCE.acquire().await.unwrap();
        let any = SocketAddr::from(([127, 77, 0, 7], 0));
        let platform = Platform::start(any, any).await.unwrap();
        let named = |name: &str| std::env::var_os(name).unwrap_or_else(|| panic_of(name));
        let mut settings = Settings::of(named("YT_DLP").into(), named("YT_DLP_PYTHON").into()).unwrap();
        let folder = std::env::temp_dir().join(format!("drover-extractors-{:016x}", fastrand::u64(..)));
        fs::create_dir(&folder).unwrap();
        let authority = folder.join("authority.pem");
        fs::write(&authority, AUTHORITY).unwrap();
        settings.certificates = Some(authority);
        settings.folder = folder.join("runs");
        fs::create_dir(&settings.folder).unwrap();
        settings.addresses = "127.77.0.0/16".parse().unwrap();
        settings.proxy = Upstream::parse(&format!("http://{}", platform.proxy));
        settings.retries = 1;
        settings.silence = Duration::from_secs(15);
        settings.tiktok = TikTok { app_info: Some("7355728856979392262".to_owned()), ..TikTok::default() };
        Self { platform, settings, folder, _turn: turn }
    }

    /// One without a proxy, whose sources are those of the site.
    pub async fn of_the_site() -> Self {
        let mut world = Self::new().await;
        world.settings.proxy = None;
        world.settings.profiles = format!("http://{}/feeds/{{value}}.xml", world.platform.site).parse().unwrap();
        world.settings.hashtags = format!("http://{}/pages/{{value}}", world.platform.site).parse().unwrap();
        world
    }

    pub fn yt_dlp(&self) -> YtDlp {
        YtDlp::new(self.settings.clone())
    }

    /// Lists all of a source.
    pub async fn list(&self, source: Source, limit: u32) -> Result<Vec<Video>, Fault> {
        self.list_between(source, limit, None, None).await
    }

    pub async fn list_between(
        &self,
        source: Source,
        limit: u32,
        since: Option<i64>,
        until: Option<i64>,
    ) -> Result<Vec<Video>, Fault> {
        let mut videos = self.yt_dlp().list(&Listing { source, limit, since, until }, &Access::default()).await?;
        let mut all = Vec::new();
        while let Some(video) = videos.next().await? {
            all.push(video);
        }
        assert_eq!(videos.next().await, Ok(None), "the end stays the end");
        Ok(all)
    }

    /// Posts a profile's videos, and gives the address of one.
    pub fn video(&self, posted: Posted, place: usize) -> Download {
        let ids = self.platform.post(Kind::Profile, "author", posted);
        self.at(&format!("https://www.tiktok.com/@author/video/{}", ids[place]))
    }

    #[expect(clippy::unused_self, reason = "reads as the others do")]
    pub fn at(&self, url: &str) -> Download {
        Download { time_limit: Duration::from_mins(1), ..Download::of(url.parse().unwrap()) }
    }

    pub async fn download(&self, wanted: &Download) -> Result<Downloaded, Fault> {
        self.yt_dlp().download(wanted, &Access::default(), |_| {}).await
    }

    /// What is left in the folder of runs.
    pub fn leftovers(&self) -> Vec<PathBuf> {
        names(&self.settings.folder)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

pub fn names(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[expect(clippy::panic, reason = "a test cannot run")]
fn panic_of(name: &str) -> std::ffi::OsString {
    panic!("{name} is not set: `localstack/python yt-dlp` prints the values of YT_DLP and YT_DLP_PYTHON")
}

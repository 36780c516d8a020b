//! What the operator decides about yt-dlp. From the environment:
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `YT_DLP` | the folder of the program: what `infra/layers/yt-dlp` makes for one architecture | `/opt/yt-dlp/ARCHITECTURE` |
//! | `YT_DLP_PYTHON` | the Python that runs it, by its path | `/var/lang/bin/python3`, Lambda's own |
//! | `YT_DLP_CACHE` | where compiled modules are kept, if not in the program's folder; nobody else may write there | there |
//! | `YT_DLP_CERTIFICATES` | a file of certificates to trust, instead of certifi's | certifi's |
//! | `YT_DLP_PROXY` | a proxy of the operator's: `http`, `https`, `socks4` or `socks5`, `://[NAME:PASSWORD@]HOST:PORT`. It is told names and resolves them | none |
//! | `VIDEO_PROFILE_URL`, `VIDEO_HASHTAG_URL` | where sources are, with `{value}` for their names | TikTok's |
//! | `TIKTOK_APP_INFO` | an installation of TikTok's app, as yt-dlp takes it (`IID` or `IID/NAME/…`): without one no hashtag can be listed | none |
//! | `TIKTOK_DEVICE_ID` | the number of that installation's device | a random one |
//! | `TIKTOK_API_HOST` | the host of TikTok's app | yt-dlp's |
//!
//! `FETCH_ALLOW` holds too: see [`scraping::Settings`].

use std::path::PathBuf;
use std::time::Duration;

use egress_proxy::Upstream;
use scraping::AddressPolicy;
use table::aws::SettingError;

use crate::source::Template;

/// What the operator decides about yt-dlp; nothing here can be changed by a request. No `Debug`: the proxy has a password.
#[derive(Clone)]
pub struct Settings {
    /// The Python that runs it, by its path.
    pub python: PathBuf,
    /// The folder of the program.
    pub program: PathBuf,
    /// Where compiled modules are kept, if not in the program's folder.
    pub cache: Option<PathBuf>,
    /// Where each run has its folder. It must have room for the largest video.
    pub folder: PathBuf,
    /// Certificates to trust, instead of certifi's.
    pub certificates: Option<PathBuf>,
    /// Which addresses may be connected to.
    pub addresses: AddressPolicy,
    /// A proxy to go through.
    pub proxy: Option<Upstream>,
    /// Where profiles are.
    pub profiles: Template,
    /// Where hashtags are.
    pub hashtags: Template,
    /// What is told to TikTok.
    pub tiktok: TikTok,
    /// How long a site may be silent.
    pub silence: Duration,
    /// How often a request that failed is tried again.
    pub retries: u32,
    /// How long a listing may take in all.
    pub listing_limit: Duration,
    /// How many videos of a source are looked at, whatever is asked for.
    pub max_examined: u32,
}

/// What is told to TikTok.
#[derive(Clone, Default)]
pub struct TikTok {
    /// An installation of its app, as yt-dlp's `app_info` takes it.
    pub app_info: Option<String>,
    /// The device's number.
    pub device_id: Option<String>,
    /// The host of its app.
    pub api_host: Option<String>,
}

impl Settings {
    /// The defaults, for a program in this folder and the Python to run it.
    pub fn of(program: PathBuf, python: PathBuf) -> Result<Self, SettingError> {
        Ok(Self {
            python,
            program,
            cache: None,
            folder: std::env::temp_dir(),
            certificates: None,
            addresses: AddressPolicy::default(),
            proxy: None,
            profiles: template("VIDEO_PROFILE_URL", "https://www.tiktok.com/@{value}")?,
            hashtags: template("VIDEO_HASHTAG_URL", "https://www.tiktok.com/tag/{value}")?,
            tiktok: TikTok::default(),
            silence: Duration::from_secs(20),
            retries: 2,
            listing_limit: Duration::from_mins(5),
            max_examined: 2_000,
        })
    }

    /// What the environment says; what it does not say is as usual.
    pub fn from_environment() -> Result<Self, SettingError> {
        let given = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let program = given("YT_DLP").unwrap_or_else(|| format!("/opt/yt-dlp/{}", std::env::consts::ARCH));
        let python = given("YT_DLP_PYTHON").unwrap_or_else(|| "/var/lang/bin/python3".to_owned());
        let mut settings = Self::of(program.into(), python.into())?;
        settings.cache = given("YT_DLP_CACHE").map(PathBuf::from);
        settings.certificates = given("YT_DLP_CERTIFICATES").map(PathBuf::from);
        settings.addresses = scraping::Settings::from_environment()?.addresses;
        if let Some(proxy) = given("YT_DLP_PROXY") {
            // Not in the message: it may have a password.
            let unusable = || SettingError::Unusable("YT_DLP_PROXY", "(not shown)".to_owned());
            settings.proxy = Some(Upstream::parse(&proxy).ok_or_else(unusable)?);
        }
        if let Some(url) = given("VIDEO_PROFILE_URL") {
            settings.profiles = template("VIDEO_PROFILE_URL", &url)?;
        }
        if let Some(url) = given("VIDEO_HASHTAG_URL") {
            settings.hashtags = template("VIDEO_HASHTAG_URL", &url)?;
        }
        settings.tiktok = TikTok {
            app_info: given("TIKTOK_APP_INFO"),
            device_id: given("TIKTOK_DEVICE_ID"),
            api_host: given("TIKTOK_API_HOST"),
        };
        Ok(settings)
    }
}

fn template(variable: &'static str, url: &str) -> Result<Template, SettingError> {
    url.parse().map_err(|error| SettingError::Unusable(variable, format!("{url}: {error}")))
}

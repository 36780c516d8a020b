//! A stand-in for TikTok, as far as yt-dlp's own extractors know it, behind an HTTP proxy that answers for its hosts over TLS; and beside it a site of
//! plain pages with video elements and of feeds. What there is on them, and what goes wrong with it, the tests say: in the same process by [`Platform`], from
//! another one over HTTP (`PUT /sources/{kind}/{name}`). Served by `video-platform-stand-in`.
//!
//! The shapes are those that `yt_dlp/extractor/tiktok.py` of yt-dlp 2026.10.26 reads.

mod answers;
mod files;
mod pages;
mod proxy;
mod tiktok;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::COOKIE;
use hyper::{Method, Request, Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use self::answers::{Body, answer, bare};
pub use self::files::{PLAIN, WATERMARKED, file};

/// The authority that the platform's certificate is of: whoever asks it must trust this, and nobody else should.
pub const AUTHORITY: &str = include_str!("video_platform/authority.pem");
/// The number of the first source's first video.
const FIRST_ID: u64 = 7_100_000_000_000_000_000;
/// How many numbers each source has.
const IDS: u64 = 1_000_000;

/// What is wrong with a source or a video.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// It does not exist any more.
    Gone,
    /// It is private.
    Private,
    /// It is not shown to our address.
    Blocked,
    /// It is not shown to those who are not signed in.
    Login,
    /// Status 403, of a video: for its file.
    Forbidden,
    /// Status 429, with `Retry-After: 30`; of a video: for its file.
    Limited,
    /// Status 503; of a video: for its file.
    Broken,
    /// A page that makes its reader calculate before he sees anything, as TikTok's does.
    Challenge,
    /// The file comes drop by drop, 5 kB a second, and never ends.
    Slow,
    /// Half of the file comes, then the connection ends.
    Cut,
    /// The file is said to have 8 GiB.
    Large,
    /// The file has no end, and its size is not said.
    Endless,
    /// The file is a page.
    Html,
    /// The file is elsewhere: at the address of a cloud's metadata service.
    Metadata,
}

/// What kind of list it is.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A profile of TikTok's: `/@name`.
    Profile,
    /// A hashtag of TikTok's: `/tag/name`.
    Hashtag,
    /// A feed of the site: `/feeds/name.xml`.
    Feed,
    /// A page of the site with several videos in it: `/pages/name`.
    Page,
}

/// What there is of a source.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Posted {
    /// How many videos it has. The first is the newest.
    pub videos: u64,
    /// When the newest was published, in seconds since 1970.
    pub newest: i64,
    /// How many bytes each file has, where it is to be a large one.
    pub bytes: Option<u64>,
    /// What is wrong with the whole of it.
    pub trouble: Option<Trouble>,
    /// What is wrong with single videos, by their place, from 0.
    pub troubles: HashMap<u64, Trouble>,
}

/// A running stand-in. Dropped, it ends.
pub struct Platform {
    /// Where the proxy for TikTok's hosts is.
    pub proxy: SocketAddr,
    /// Where the site is.
    pub site: SocketAddr,
    state: Arc<State>,
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct State {
    sources: Mutex<Vec<Source>>,
    seen: Mutex<Vec<String>>,
    cookies: Mutex<Vec<String>>,
    site: Mutex<Option<SocketAddr>>,
}

#[derive(Clone)]
struct Source {
    number: u64,
    kind: Kind,
    name: String,
    posted: Posted,
}

/// One video of a source.
#[derive(Clone)]
struct Clip {
    id: u64,
    place: u64,
    author: String,
    created: i64,
    bytes: Option<u64>,
    trouble: Option<Trouble>,
}

impl Posted {
    /// So many videos, the newest of November 2026, one an hour, with nothing wrong with them.
    #[must_use]
    pub fn videos(videos: u64) -> Self {
        Self { videos, newest: 1_793_500_000, ..Self::default() }
    }

    /// The same, with something wrong with one of them.
    #[must_use]
    pub fn but(mut self, place: u64, trouble: Trouble) -> Self {
        self.troubles.insert(place, trouble);
        self
    }

    /// The same, with something wrong with the whole of it.
    #[must_use]
    pub fn in_trouble(mut self, trouble: Trouble) -> Self {
        self.trouble = Some(trouble);
        self
    }
}

impl Platform {
    /// Starts one, whose proxy and site listen there.
    pub async fn start(proxy: SocketAddr, site: SocketAddr) -> io::Result<Self> {
        let (proxy, site) = (TcpListener::bind(proxy).await?, TcpListener::bind(site).await?);
        let (proxy_address, site_address) = (proxy.local_addr()?, site.local_addr()?);
        let state = Arc::new(State::default());
        *lock(&state.site) = Some(site_address);
        let mut tasks = JoinSet::new();
        tasks.spawn(proxy::serve(proxy, Arc::clone(&state)));
        tasks.spawn(pages::serve(site, Arc::clone(&state)));
        Ok(Self { proxy: proxy_address, site: site_address, state, _tasks: tasks })
    }

    /// Has this posted under a name. Gives the videos' ids, in their order.
    #[must_use]
    pub fn post(&self, kind: Kind, name: &str, posted: Posted) -> Vec<String> {
        self.state.post(kind, name, posted)
    }

    /// The requests that have come, as `METHOD HOST/PATH`, without their queries.
    #[must_use]
    pub fn seen(&self) -> Vec<String> {
        lock(&self.state.seen).clone()
    }

    /// The cookies that have come, as their headers have them.
    #[must_use]
    pub fn cookies(&self) -> Vec<String> {
        lock(&self.state.cookies).clone()
    }
}

impl State {
    fn post(&self, kind: Kind, name: &str, posted: Posted) -> Vec<String> {
        let mut sources = lock(&self.sources);
        let known = sources.iter().position(|source| source.kind == kind && source.name == name);
        let place = known.unwrap_or(sources.len());
        let source = Source { number: place as u64, kind, name: name.to_owned(), posted };
        let ids = (0..source.posted.videos).map(|place| source.clip(place).id.to_string()).collect();
        match known {
            Some(known) => sources[known] = source,
            None => sources.push(source),
        }
        ids
    }

    fn source(&self, kind: Kind, name: &str) -> Option<Source> {
        lock(&self.sources).iter().find(|source| source.kind == kind && source.name == name).cloned()
    }

    fn source_of(&self, kind: Kind, number: u64) -> Option<Source> {
        lock(&self.sources).iter().find(|source| source.kind == kind && source.number == number).cloned()
    }

    fn clip(&self, id: &str) -> Option<Clip> {
        let at = id.parse::<u64>().ok()?.checked_sub(FIRST_ID)?;
        let sources = lock(&self.sources);
        let source = sources.get(usize::try_from(at / IDS).ok()?)?;
        (at % IDS < source.posted.videos).then(|| source.clip(at % IDS))
    }

    fn saw<B>(&self, request: &Request<B>, host: &str) {
        lock(&self.seen).push(format!("{} {host}{}", request.method(), request.uri().path()));
        let cookies =
            request.headers().get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).map(str::to_owned);
        lock(&self.cookies).extend(cookies);
    }

    /// What tests of other processes say and ask.
    async fn control(&self, request: Request<Incoming>) -> Response<Body> {
        let path = request.uri().path().trim_start_matches('/').to_owned();
        let parts: Vec<&str> = path.split('/').collect();
        match (request.method(), parts.as_slice()) {
            (&Method::GET, ["cookies"]) => answer("application/json", json!(*lock(&self.cookies)).to_string()),
            (&Method::GET, ["seen"]) => answer("application/json", json!(*lock(&self.seen)).to_string()),
            (&Method::PUT, ["sources", kind, name]) => {
                let Ok(kind) = serde_json::from_value(json!(kind)) else { return bare(StatusCode::NOT_FOUND) };
                let Ok(body) = request.into_body().collect().await else { return bare(StatusCode::BAD_REQUEST) };
                let Ok(posted) = serde_json::from_slice(&body.to_bytes()) else { return bare(StatusCode::BAD_REQUEST) };
                answer("application/json", json!({"ids": self.post(kind, name, posted)}).to_string())
            }
            _ => bare(StatusCode::NOT_FOUND),
        }
    }
}

impl Source {
    fn clip(&self, place: u64) -> Clip {
        Clip {
            id: FIRST_ID + self.number * IDS + place,
            place,
            author: if self.kind == Kind::Profile { self.name.clone() } else { format!("author{}", place % 7) },
            created: self.posted.newest - i64::try_from(place).unwrap_or(0) * 3_600,
            bytes: self.posted.bytes,
            trouble: self.posted.troubles.get(&place).copied(),
        }
    }

    fn clips(&self) -> impl Iterator<Item = Clip> {
        (0..self.posted.videos).map(|place| self.clip(place))
    }
}

impl Clip {
    fn description(&self) -> String {
        format!("Clip {} of a long day #funny #コメディ #clip{}", self.place, self.place % 3)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

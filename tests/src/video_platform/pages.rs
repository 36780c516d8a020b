//! The site: pages with video elements, and feeds.

use std::convert::Infallible;
use std::fmt::Write;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::answers::{Body, answer, bare, file, html};
use super::{Clip, Kind, State, Trouble, files, lock};

pub(super) async fn serve(listener: TcpListener, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let service = service_fn(|request: Request<Incoming>| {
                let site = lock(&state.site).map(|site| site.to_string()).unwrap_or_default();
                state.saw(&request, &site);
                let answer = answer_to(&state, &site, &request);
                async { Ok::<_, Infallible>(answer) }
            });
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn answer_to<B>(state: &State, site: &str, request: &Request<B>) -> Response<Body> {
    let path = request.uri().path().trim_start_matches('/');
    let parts: Vec<&str> = path.split('/').collect();
    let found = match parts.as_slice() {
        ["feeds", name] => name.strip_suffix(".xml").and_then(|name| state.source(Kind::Feed, name)).map(|source| {
            trouble(source.posted.trouble).unwrap_or_else(|| answer("application/rss+xml", feed(site, source.clips())))
        }),
        ["pages", name] => state.source(Kind::Page, name).map(|source| {
            let videos: String = source.clips().map(|clip| element(&clip)).collect();
            trouble(source.posted.trouble)
                .unwrap_or_else(|| html(format!("<!doctype html><title>Videos</title>{videos}")))
        }),
        ["watch", id] => state.clip(id).map(|clip| match clip.trouble {
            Some(Trouble::Gone) => bare(StatusCode::GONE),
            _ => html(format!("<!doctype html><title>Clip {}</title><h1>Clip</h1>{}", clip.place, element(&clip))),
        }),
        ["media", name] => name
            .strip_suffix(".mp4")
            .and_then(|id| state.clip(id).map(|clip| file(files::file(id, false), request.headers(), clip.trouble))),
        _ => None,
    };
    found.unwrap_or_else(|| bare(StatusCode::NOT_FOUND))
}

fn trouble(trouble: Option<Trouble>) -> Option<Response<Body>> {
    match trouble? {
        Trouble::Forbidden => Some(bare(StatusCode::FORBIDDEN)),
        Trouble::Limited => Some(bare(StatusCode::TOO_MANY_REQUESTS)),
        Trouble::Broken => Some(bare(StatusCode::SERVICE_UNAVAILABLE)),
        _ => None,
    }
}

fn element(clip: &Clip) -> String {
    format!(
        "<video controls width=\"96\" height=\"160\"><source src=\"/media/{}.mp4\" type=\"video/mp4\"></video>",
        clip.id
    )
}

fn feed(site: &str, clips: impl Iterator<Item = Clip>) -> String {
    let mut items = String::new();
    for clip in clips {
        let _ = write!(
            items,
            "<item><title>Clip {}</title><description>{}</description><link>http://{site}/watch/{}</link><guid>{}</guid><pubDate>{}</pubDate></item>",
            clip.place,
            clip.description(),
            clip.id,
            clip.id,
            date(clip.created),
        );
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><rss version=\"2.0\"><channel><title>Clips</title>{items}</channel></rss>"
    )
}

/// As RFC 3339 has it, which yt-dlp takes as well as that of feeds.
fn date(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map(|time| time.to_string()).unwrap_or_default()
}

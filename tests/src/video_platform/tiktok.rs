//! TikTok's pages and APIs.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hyper::header::COOKIE;
use hyper::{Request, Response, StatusCode};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::answers::{Body, answer, bare, file, html, large, redirect};
use super::{Clip, Kind, Source, State, Trouble, files};

const WEB: &str = "www.tiktok.com";
const APP: &str = "api16-normal-c-useast1a.tiktokv.com";
const FILES: &str = "v16-webapp.tiktokcdn.com";
/// The cookie of who has calculated.
const CALCULATED: &str = "_wafchallengeid";
/// How many videos a page of an app's list has.
const APP_PAGE: u64 = 20;

pub(super) fn answer_to<B>(state: &State, host: &str, request: &Request<B>) -> Response<Body> {
    let path = request.uri().path().trim_start_matches('/').to_owned();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let query = |name: &str| {
        let pairs = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
        pairs.filter(|(key, _)| key == name).map(|(_, value)| value.into_owned()).last().unwrap_or_default()
    };
    let has_calculated = request
        .headers()
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains(CALCULATED));
    match (host, parts.as_slice()) {
        (WEB, ["embed", _]) => bare(StatusCode::BAD_REQUEST),
        (WEB, ["login"]) => html("<title>Log in | TikTok</title>".to_owned()),
        (WEB, ["tag", name]) => tag(state, name),
        (WEB, ["api", "creator", "item_list"]) => item_list(state, &query("secUid"), &query("cursor"), &query("count")),
        (WEB, [name]) if name.starts_with('@') => profile(state, &name[1..]),
        (WEB, [_, "video", id]) => video(state, id, has_calculated),
        (APP, ["aweme", "v1", "challenge", "aweme"]) => aweme_list(state, &query("ch_id"), &query("cursor")),
        (FILES, [id, name]) => state.clip(id).map_or_else(
            || bare(StatusCode::NOT_FOUND),
            |clip| {
                let content = files::file(id, *name == "download.mp4");
                match clip.bytes {
                    Some(bytes) => large(content, bytes),
                    None => file(content, request.headers(), clip.trouble),
                }
            },
        ),
        _ => bare(StatusCode::NOT_FOUND),
    }
}

fn profile(state: &State, name: &str) -> Response<Body> {
    let Some(source) = state.source(Kind::Profile, name) else {
        return page(&json!({"webapp.user-detail": {"userInfo": {}, "statusCode": 10_221, "statusMsg": ""}}));
    };
    match source.posted.trouble {
        Some(Trouble::Private) => return page(&json!({"webapp.user-detail": {"userInfo": {}, "statusCode": 10_222}})),
        Some(Trouble::Forbidden) => return bare(StatusCode::FORBIDDEN),
        Some(Trouble::Limited) => return bare(StatusCode::TOO_MANY_REQUESTS),
        Some(Trouble::Broken) => return bare(StatusCode::SERVICE_UNAVAILABLE),
        _ => {}
    }
    page(&json!({"webapp.user-detail": {"statusCode": 0, "userInfo": {
        "user": {"id": "6800000000000000000", "uniqueId": name, "nickname": nickname(name), "secUid": sec_uid(&source)},
        "stats": {"videoCount": source.posted.videos, "followerCount": 12},
    }}}))
}

fn item_list(state: &State, sec_uid: &str, cursor: &str, count: &str) -> Response<Body> {
    let number = sec_uid.trim_start_matches("MS4wLjABAAAA").parse().ok();
    let Some(source) = number.and_then(|number| state.source_of(Kind::Profile, number)) else {
        return bare(StatusCode::BAD_REQUEST);
    };
    let before: i64 = cursor.parse().unwrap_or(i64::MAX);
    let older: Vec<Clip> = source.clips().filter(|clip| clip.created * 1_000 < before).collect();
    let count = count.parse().unwrap_or(15);
    let page: Vec<Value> = older.iter().take(count).map(item).collect();
    answer(
        "application/json",
        json!({"itemList": page, "hasMorePrevious": older.len() > count, "statusCode": 0}).to_string(),
    )
}

fn video(state: &State, id: &str, has_calculated: bool) -> Response<Body> {
    let detail = |status: u64, item: Value| {
        page(&json!({"webapp.video-detail": {"statusCode": status, "itemInfo": {"itemStruct": item}}}))
    };
    let Some(clip) = state.clip(id) else { return detail(10_231, json!({})) };
    match clip.trouble {
        Some(Trouble::Gone) => detail(10_231, json!({})),
        Some(Trouble::Private) => detail(10_216, json!({})),
        Some(Trouble::Blocked) => detail(10_204, json!({})),
        Some(Trouble::Login) => redirect("/login"),
        Some(Trouble::Challenge) if !has_calculated => challenge(),
        _ => detail(0, item(&clip)),
    }
}

fn tag(state: &State, name: &str) -> Response<Body> {
    let name = form_urlencoded::parse(name.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default();
    let Some(source) = state.source(Kind::Hashtag, &name) else { return bare(StatusCode::NOT_FOUND) };
    match source.posted.trouble {
        Some(Trouble::Forbidden) => bare(StatusCode::FORBIDDEN),
        Some(Trouble::Limited) => bare(StatusCode::TOO_MANY_REQUESTS),
        _ => {
            html(format!("<meta property=\"al:ios:url\" content=\"snssdk1233://challenge/detail/{}\">", source.number))
        }
    }
}

fn aweme_list(state: &State, number: &str, cursor: &str) -> Response<Body> {
    let source = number.parse().ok().and_then(|number| state.source_of(Kind::Hashtag, number));
    let Some(source) = source else { return bare(StatusCode::NOT_FOUND) };
    let from: u64 = cursor.parse().unwrap_or(0);
    let to = (from + APP_PAGE).min(source.posted.videos);
    let page: Vec<Value> = (from..to).map(|place| aweme(&source.clip(place))).collect();
    let more = u8::from(to < source.posted.videos);
    answer(
        "application/json",
        json!({"status_code": 0, "aweme_list": page, "has_more": more, "cursor": to}).to_string(),
    )
}

/// A video, as the web has it.
fn item(clip: &Clip) -> Value {
    let file = |name: &str| format!("https://{FILES}/{}/{name}.mp4", clip.id);
    let size = clip.bytes.unwrap_or(files::file(&clip.id.to_string(), false).len() as u64);
    json!({
        "id": clip.id.to_string(), "desc": clip.description(), "createTime": clip.created,
        "author": {"id": "6800000000000000000", "uniqueId": clip.author, "nickname": nickname(&clip.author), "secUid": "MS4wLjABAAAA"},
        "music": {"title": "original sound", "authorName": "Nobody & Somebody", "duration": 2},
        "stats": {"playCount": 1_000_000 - clip.place, "diggCount": 50_000, "shareCount": 5_000, "commentCount": 1_000, "collectCount": "12"},
        "video": {
            "duration": 2, "width": 96, "height": 160, "playAddr": file("play"), "downloadAddr": file("download"),
            "bitrateInfo": [{"PlayAddr": {
                "UrlList": [file("540p")], "UrlKey": "v14044_h264_540p_42000", "DataSize": size.to_string(),
            }}],
        },
    })
}

/// A video, as the app has it.
fn aweme(clip: &Clip) -> Value {
    json!({
        "aweme_id": clip.id.to_string(), "desc": clip.description(), "create_time": clip.created,
        "author": {"uid": "6800000000000000000", "unique_id": clip.author, "nickname": nickname(&clip.author), "sec_uid": "MS4wLjABAAAA"},
        "music": {"title": "original sound", "author": "Nobody"},
        "statistics": {"play_count": 1_000_000 - clip.place, "digg_count": 50_000, "share_count": 5_000, "comment_count": 1_000},
        "video": {
            "width": 96, "height": 160, "has_watermark": true, "duration": 2_000,
            "play_addr": {"url_list": [format!("https://{FILES}/{}/play.mp4", clip.id)], "url_key": "v14044_h264_540p_42000"},
        },
    })
}

fn page(scope: &Value) -> Response<Body> {
    let data = json!({"__DEFAULT_SCOPE__": scope});
    html(format!(
        "<!doctype html><title>TikTok</title><script id=\"__UNIVERSAL_DATA_FOR_REHYDRATION__\" type=\"application/json\">{data}</script>"
    ))
}

/// A page whose reader must find a number by its digest first.
fn challenge() -> Response<Body> {
    let base = b"as long as it takes";
    let digest = digest(&SHA256, &[base, b"1234".as_slice()].concat());
    let asked = json!({"v": {"a": BASE64_STANDARD.encode(base), "c": BASE64_STANDARD.encode(digest)}, "s": "x"});
    let asked = BASE64_STANDARD.encode(asked.to_string());
    html(format!(
        "<p>Please wait...</p><p id=\"cs\" class=\"{}\"></p><p id=\"wci\" class=\"{CALCULATED}\"></p>",
        asked.trim_end_matches('=')
    ))
}

fn sec_uid(source: &Source) -> String {
    format!("MS4wLjABAAAA{:064}", source.number)
}

fn nickname(name: &str) -> String {
    format!("{name} of the stand-in")
}

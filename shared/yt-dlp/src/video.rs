//! A video, as a source describes it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;
use url::Url;
use uuid::Uuid;

/// The most characters of a description; TikTok allows 4,000.
const MAX_DESCRIPTION: usize = 8_000;
/// The most characters of anything else.
const MAX_TEXT: usize = 500;
const MAX_HASHTAGS: usize = 100;
const MAX_URL: usize = 2_048;
const MAX_ID: usize = 128;
/// A mark of yt-dlp's own, by which it tells itself what it knew of an address.
const SMUGGLED: &str = "__youtubedl_smuggle";

/// A video, as its source describes it. What the source does not say is none. Serialised, it is what is kept beside the file.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Video {
    /// Its id at the site: 1 to 128 of `A-Z a-z 0-9 . _ -`. Where the site has none of that form, a UUID made of its address.
    pub id: String,
    /// Where it is shown, and what is downloaded.
    pub url: VideoUrl,
    /// What it is called.
    pub title: Option<String>,
    /// What its author says of it.
    pub description: Option<String>,
    /// The author's name in addresses, without `@`.
    pub author_username: Option<String>,
    /// The author's name as it is shown.
    pub author_nickname: Option<String>,
    /// How often it was seen.
    pub views: Option<u64>,
    /// How many like it.
    pub likes: Option<u64>,
    /// How many comments it has.
    pub comments: Option<u64>,
    /// How often it was shared.
    pub shares: Option<u64>,
    /// When it was published, in seconds since 1970.
    pub created_at: Option<i64>,
    /// Its hashtags, without `#`, each once.
    pub hashtags: Vec<String>,
    /// What its music is called.
    pub music_title: Option<String>,
    /// Who plays it.
    pub music_author: Option<String>,
    /// Its length in seconds.
    pub duration: Option<f64>,
    /// Its width in pixels.
    pub width: Option<u64>,
    /// Its height in pixels.
    pub height: Option<u64>,
}

/// The address of a video: http or https, without a password, at most 2,048 bytes.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct VideoUrl(Url);

/// An address that no video is downloaded from.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("a video's address is http or https, has no password, and at most {MAX_URL} bytes")]
pub struct VideoUrlError;

impl VideoUrl {
    /// As a URL.
    #[must_use]
    pub const fn as_url(&self) -> &Url {
        &self.0
    }
}

impl FromStr for VideoUrl {
    type Err = VideoUrlError;

    fn from_str(text: &str) -> Result<Self, VideoUrlError> {
        let mut url = Url::parse(text).map_err(|_| VideoUrlError)?;
        if url.fragment().is_some_and(|fragment| fragment.contains(SMUGGLED)) {
            url.set_fragment(None);
        }
        let open = url.username().is_empty() && url.password().is_none();
        if matches!(url.scheme(), "http" | "https") && url.has_host() && open && url.as_str().len() <= MAX_URL {
            return Ok(Self(url));
        }
        Err(VideoUrlError)
    }
}

impl TryFrom<String> for VideoUrl {
    type Error = VideoUrlError;

    fn try_from(text: String) -> Result<Self, VideoUrlError> {
        text.parse()
    }
}

impl From<VideoUrl> for String {
    fn from(url: VideoUrl) -> Self {
        url.0.into()
    }
}

impl fmt::Display for VideoUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Video {
    /// What yt-dlp says of a video; none if it does not say where it is. `known` is its address, if it has one already.
    pub(crate) fn of(told: &Map<String, Value>, known: Option<&VideoUrl>) -> Option<Self> {
        let text = |key: &str| told.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
        let short = |key: &str| text(key).map(|text| bounded(text, MAX_TEXT));
        let count =
            |key: &str| told.get(key).and_then(|value| value.as_u64().or_else(|| value.as_f64().and_then(whole)));
        let url = known.cloned().or_else(|| address(text("extractor_key"), &text))?;
        let description = text("description").map(|text| bounded(text, MAX_DESCRIPTION));
        let mut hashtags = hashtags(description.as_deref().or_else(|| text("title")).unwrap_or_default());
        for tag in told.get("tags").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            add(&mut hashtags, tag.trim().trim_start_matches('#'));
        }
        let artists = told.get("artists").and_then(Value::as_array);
        let artists: Vec<&str> = artists.into_iter().flatten().filter_map(Value::as_str).collect();
        Some(Self {
            id: id(text("id"), &url),
            url,
            title: short("title"),
            description,
            author_username: short("uploader"),
            author_nickname: short("channel"),
            views: count("view_count"),
            likes: count("like_count"),
            comments: count("comment_count"),
            shares: count("repost_count"),
            created_at: told.get("timestamp").and_then(|value| value.as_i64().or_else(|| value.as_f64().map(seconds))),
            hashtags,
            music_title: short("track"),
            music_author: (!artists.is_empty()).then(|| bounded(&artists.join(", "), MAX_TEXT)),
            duration: told.get("duration").and_then(Value::as_f64).filter(|length| *length >= 0.0),
            width: count("width"),
            height: count("height"),
        })
    }
}

/// Where a video is. What yt-dlp says of TikTok's in a list is an address that it does not take itself, or the author's number.
fn address<'a>(extractor: Option<&str>, text: &impl Fn(&str) -> Option<&'a str>) -> Option<VideoUrl> {
    if extractor == Some("TikTok") {
        let id = text("id").filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()))?;
        let fits = |name: &&str| name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        let author = text("uploader").filter(fits).unwrap_or("_");
        return format!("https://www.tiktok.com/@{author}/video/{id}").parse().ok();
    }
    text("url").or_else(|| text("webpage_url"))?.parse().ok()
}

fn id(told: Option<&str>, url: &VideoUrl) -> String {
    let fits =
        |id: &&str| id.len() <= MAX_ID && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    let named = |id: &&str| id.bytes().any(|byte| byte.is_ascii_alphanumeric());
    told.filter(fits)
        .filter(named)
        .map_or_else(|| Uuid::new_v5(&Uuid::NAMESPACE_URL, url.as_url().as_str().as_bytes()).to_string(), str::to_owned)
}

/// What follows a `#` in a text, up to what is neither a letter, a digit nor an underscore.
fn hashtags(text: &str) -> Vec<String> {
    let mut hashtags = Vec::new();
    for part in text.split('#').skip(1) {
        let end = part.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(part.len());
        add(&mut hashtags, &part[..end]);
    }
    hashtags
}

fn add(hashtags: &mut Vec<String>, tag: &str) {
    let tag = bounded(tag, MAX_TEXT);
    if !tag.is_empty() && hashtags.len() < MAX_HASHTAGS && !hashtags.contains(&tag) {
        hashtags.push(tag);
    }
}

fn bounded(text: &str, chars: usize) -> String {
    text.chars().filter(|c| !c.is_control() || *c == '\n').take(chars).collect()
}

/// A count that came as a fraction, as JSON's numbers may.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within bounds")]
fn whole(number: f64) -> Option<u64> {
    (0.0..9e15).contains(&number).then_some(number as u64)
}

#[expect(clippy::cast_possible_truncation, reason = "what is out of bounds becomes the bound")]
fn seconds(number: f64) -> i64 {
    number as i64
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn video(told: &Value) -> Option<Video> {
        Video::of(told.as_object().unwrap(), None)
    }

    #[test]
    fn a_video_of_a_profile() {
        let told = json!({
            "id": "7123", "url": "https://www.tiktok.com/@me/video/7123", "extractor_key": "TikTok", "title": "a #funny #コメディ day",
            "description": "a #funny #コメディ day #funny", "uploader": "me", "channel": "Me Myself", "timestamp": 1_760_000_000, "duration": 15.5,
            "view_count": 10, "like_count": 9.0, "comment_count": null, "repost_count": 2, "track": "original sound", "artists": ["a", "b"],
        });
        let video = video(&told).unwrap();
        assert_eq!(video.id, "7123");
        assert_eq!(video.url.to_string(), "https://www.tiktok.com/@me/video/7123");
        assert_eq!(video.hashtags, ["funny", "コメディ"]);
        assert_eq!((video.views, video.likes, video.comments, video.shares), (Some(10), Some(9), None, Some(2)));
        assert_eq!(video.author_username.as_deref(), Some("me"));
        assert_eq!(video.author_nickname.as_deref(), Some("Me Myself"));
        assert_eq!(video.music_author.as_deref(), Some("a, b"));
        assert_eq!((video.created_at, video.duration), (Some(1_760_000_000), Some(15.5)));
    }

    #[test]
    fn addresses_are_ones_that_can_be_downloaded() {
        for (told, url) in [
            // As a hashtag's list has it: its own address is of another host than its extractor knows.
            (
                json!({"id": "1", "extractor_key": "TikTok", "webpage_url": "https://tiktok.com/@_/video/1", "url": "https://v16.tiktokcdn.com/1.mp4", "uploader": "me"}),
                Some("https://www.tiktok.com/@me/video/1"),
            ),
            (
                json!({"id": "1", "extractor_key": "TikTok", "uploader": "../x"}),
                Some("https://www.tiktok.com/@_/video/1"),
            ),
            (json!({"id": "--exec", "extractor_key": "TikTok"}), None),
            (json!({"url": "http://a.example/1.mp4#__youtubedl_smuggle=%7B%7D"}), Some("http://a.example/1.mp4")),
            (json!({"webpage_url": "http://a.example/1"}), Some("http://a.example/1")),
            (json!({"url": "file:///etc/passwd"}), None),
            (json!({"url": "http://user:word@a.example/"}), None),
            (json!({"url": format!("http://a.example/{}", "a".repeat(2_048))}), None),
            (json!({"url": "--exec=id"}), None),
            (json!({}), None),
        ] {
            assert_eq!(video(&told).map(|video| video.url.to_string()).as_deref(), url, "{told}");
        }
    }

    #[test]
    fn ids_are_safe_in_names_of_files_and_keys() {
        let made = "3f3c8ac4-2fee-5a02-8b33-6ef94d7c2d2f".len();
        for (told, kept) in [
            ("abc.D_E-1", true),
            ("../../etc", false),
            ("..", false),
            ("a/b", false),
            ("", false),
            ("ä", false),
            (&"a".repeat(129), false),
        ] {
            let video = video(&json!({"id": told, "url": "http://a.example/1"})).unwrap();
            assert_eq!(video.id == told, kept, "{told}: {}", video.id);
            assert!(kept || video.id.len() == made, "{}", video.id);
        }
    }

    #[test]
    fn odd_types_and_sizes_are_bounded() {
        let told = json!({
            "id": 7, "url": "http://a.example/1", "title": 5, "description": "x".repeat(20_000), "view_count": -1, "like_count": 1e300, "timestamp": "now",
            "duration": -5, "tags": ["#a", 5, "", "a"], "artists": "x", "uploader": "a\u{0}b",
        });
        let video = video(&told).unwrap();
        assert_eq!(video.description.unwrap().len(), 8_000);
        assert_eq!(
            (video.title, video.views, video.likes, video.created_at, video.duration),
            (None, None, None, None, None)
        );
        assert_eq!(video.hashtags, ["a"]);
        assert_eq!(video.author_username.as_deref(), Some("ab"));
    }
}

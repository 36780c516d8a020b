//! What yt-dlp says on its standard output: our own lines, which are JSON, among its remarks, which are not.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

/// One line.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Line {
    /// A video of a list.
    Entry(Map<String, Value>),
    /// How far a download is.
    Progress(Progress),
    /// The video that has been downloaded.
    Video(Map<String, Value>),
    /// A request that failed.
    Refusal(Refusal),
    /// It leaves a file that is too large.
    #[serde(skip)]
    TooLarge,
    /// It leaves what is still being broadcast.
    #[serde(skip)]
    Live,
}

/// A request that failed: as `infra/layers/yt-dlp/__main__.py` tells it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The answer's status; none if there was no answer.
    pub(crate) status: Option<u16>,
    /// How long the site asks to be left alone, as it says it.
    pub(crate) retry_after: Option<String>,
}

/// How far a download is.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
pub struct Progress {
    /// How many bytes have come.
    #[serde(default)]
    pub downloaded_bytes: u64,
    /// How many there are, if that is known.
    pub total_bytes: Option<u64>,
    /// How many there are, as far as that can be guessed.
    pub total_bytes_estimate: Option<f64>,
}

impl Line {
    /// Nothing, if it means nothing to us.
    pub(crate) fn of(text: &str) -> Option<Self> {
        if text.starts_with('{') {
            return serde_json::from_str(text).ok();
        }
        if text.contains("File is larger than max-filesize") {
            return Some(Self::TooLarge);
        }
        (text.contains("does not pass filter (") || text.contains("This live event will begin")).then_some(Self::Live)
    }
}

impl Refusal {
    /// How long the site asks to be left alone, where it says so in seconds. At most a day.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let seconds: u64 = self.retry_after.as_deref()?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds.min(86_400)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_lines_are_told_from_remarks() {
        let progress = Progress { downloaded_bytes: 5, total_bytes: Some(9), total_bytes_estimate: None };
        for (text, line) in [
            ("[download] Destination: video.mp4", None),
            ("", None),
            ("{not json", None),
            (r#"{"unknown": 1}"#, None),
            (
                r#"{"progress": {"status": "downloading", "downloaded_bytes": 5, "total_bytes": 9}}"#,
                Some(Line::Progress(progress)),
            ),
            (
                r#"{"refusal": {"status": 429, "retry_after": "30"}}"#,
                Some(Line::Refusal(Refusal { status: Some(429), retry_after: Some("30".to_owned()) })),
            ),
            (r#"{"refusal": {"status": null, "retry_after": null}}"#, Some(Line::Refusal(Refusal::default()))),
            ("\r[download] File is larger than max-filesize (9 bytes > 8 bytes). Aborting.", Some(Line::TooLarge)),
            ("[download] x does not pass filter (!is_live & live_status!=?is_upcoming), skipping ..", Some(Line::Live)),
        ] {
            assert_eq!(Line::of(text), line, "{text}");
        }
    }

    #[test]
    fn rests_are_seconds_within_bounds() {
        for (told, understood) in [
            (None, None),
            (Some("30"), Some(30)),
            (Some(" 0 "), Some(0)),
            (Some("99999999"), Some(86_400)),
            (Some("-1"), None),
            (Some("Wed, 21 Oct 2026 07:28:00 GMT"), None),
        ] {
            let refusal = Refusal { status: Some(429), retry_after: told.map(str::to_owned) };
            assert_eq!(refusal.retry_after(), understood.map(Duration::from_secs), "{told:?}");
        }
    }
}

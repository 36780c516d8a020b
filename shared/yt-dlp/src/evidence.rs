//! What is known of a run that brought nothing, and what that makes of it.

use std::time::Duration;

use crate::fault::Fault;
use crate::line::Refusal;

/// What is known of a run.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    /// Its last error, without `ERROR: `.
    pub(crate) error: Option<String>,
    /// Its last words, whatever they are.
    pub(crate) last_words: String,
    /// Its last requests that failed.
    pub(crate) refusals: Vec<Refusal>,
    /// What the proxy did not connect to.
    pub(crate) connections: Vec<scraping::Fault>,
    /// Its exit status; none if a signal ended it.
    pub(crate) status: Option<i32>,
}

/// Words of yt-dlp, in the order in which they are looked for, with what they mean. Those of TikTok's extractors come first.
const WORDS: &[(&str, Meaning)] = &[
    ("This account does not have any videos posted", Meaning::Empty),
    ("account is private. Log into an account", Meaning::Private),
    ("account is likely either private or all of their videos", Meaning::Private),
    ("do not have permission to view this post", Meaning::Private),
    ("Your IP address is blocked", Meaning::Blocked),
    ("TikTok is requiring login", Meaning::LoginRequired),
    ("Log in for access", Meaning::LoginRequired),
    ("Unable to extract challenge data", Meaning::Blocked),
    ("Unable to solve JS challenge", Meaning::Blocked),
    ("Unexpected response from webpage request", Meaning::Blocked),
    ("TikTok API keeps sending the same page", Meaning::Blocked),
    ("Video not available, status code", Meaning::Gone),
    ("Unable to extract aweme detail info", Meaning::Gone),
    ("No working app info is available", Meaning::NoApp),
    // Of any extractor.
    ("This video is only available for registered users", Meaning::LoginRequired),
    ("Private video", Meaning::Private),
    ("This video is private", Meaning::Private),
    ("due to geo restriction", Meaning::Blocked),
    ("not available from your location", Meaning::Blocked),
    ("Unsupported URL", Meaning::Unsupported),
    ("No video formats found", Meaning::Unsupported),
    ("Requested format is not available", Meaning::Unsupported),
    ("is not a valid URL", Meaning::Unsupported),
    ("DRM protected", Meaning::Unsupported),
    // Of its own workings.
    ("unable to write data", Meaning::Ours),
    ("unable to open for writing", Meaning::Ours),
    ("Unable to create directory", Meaning::Ours),
    ("No space left on device", Meaning::Ours),
    // Where requests before told nothing better.
    ("Unable to extract secondary user ID", Meaning::RefusedOrGone),
    ("Unable to extract tag ID", Meaning::RefusedOrGone),
];

/// What words mean.
#[derive(Clone, Copy)]
enum Meaning {
    Empty,
    Private,
    LoginRequired,
    Blocked,
    Gone,
    Unsupported,
    Ours,
    /// The operator has not said as what app to ask.
    NoApp,
    /// It went on without an answer that it needed, and does not say why there was none. If there was one, nobody is there.
    RefusedOrGone,
}

/// Words of a connection that broke or never was, by Python and by curl.
const NETWORK: &[&str] = &[
    "timed out",
    "Timeout",
    "Connection",
    "connection",
    "Failed to perform, curl",
    "bytes read",
    "content too short",
    "Did not get any data blocks",
    "Unable to connect to proxy",
    "Tunnel",
    "SSL",
    "EOF occurred",
    "IncompleteRead",
    "Remote end closed",
    "giving up after",
];

const NO_APP: &str = "TikTok's hashtags need TIKTOK_APP_INFO, which is not set or is not taken any more";
/// The most characters of yt-dlp's words that a fault repeats.
const SHOWN_CHARS: usize = 300;

/// What was wrong with a run that brought nothing.
pub(crate) fn judge(evidence: &Evidence) -> Fault {
    let Some(error) = &evidence.error else {
        return Fault::Ours(match evidence.status {
            Some(0) => "yt-dlp ended well and brought nothing".to_owned(),
            Some(status) => format!("yt-dlp ended with status {status}: {}", shortened(&evidence.last_words)),
            None => "yt-dlp was killed".to_owned(),
        });
    };
    if let Some(status) = status_in(error) {
        return of_status(status, evidence);
    }
    let meaning = WORDS.iter().find(|(words, _)| error.contains(words)).map(|(_, meaning)| *meaning);
    match meaning {
        Some(Meaning::Empty) => Fault::Empty,
        Some(Meaning::Private) => Fault::Private,
        Some(Meaning::LoginRequired) => Fault::LoginRequired,
        Some(Meaning::Blocked) => Fault::Blocked,
        Some(Meaning::Gone) => Fault::Gone,
        Some(Meaning::Ours) => Fault::Ours(shortened(error)),
        Some(Meaning::NoApp) => Fault::Ours(NO_APP.to_owned()),
        Some(Meaning::RefusedOrGone) => of_refusals(evidence),
        None if NETWORK.iter().any(|words| error.contains(words)) => of_connection(evidence),
        Some(Meaning::Unsupported) | None => Fault::Unsupported(shortened(error)),
    }
}

/// What the requests say that failed before. If none did, there was an answer, and nobody in it.
fn of_refusals(evidence: &Evidence) -> Fault {
    match evidence.refusals.iter().map(|refusal| refusal.status).max_by_key(|status| weight(*status)) {
        Some(Some(status)) => of_status(status, evidence),
        Some(None) => of_connection(evidence),
        None => Fault::Gone,
    }
}

/// An address that may not be connected to, or another proxy that failed.
fn refused(fault: &scraping::Fault) -> Option<Fault> {
    match fault {
        scraping::Fault::Address(_) | scraping::Fault::ResolvedAddress { .. } => {
            Some(Fault::Refused(fault.to_string()))
        }
        scraping::Fault::Proxy(reason) => Some(Fault::Proxy(reason)),
        _ => None,
    }
}

/// Which of several failed requests says most: that one is limited or blocked, then that a site does not work, then that nothing is there.
fn weight(status: Option<u16>) -> u8 {
    match status {
        Some(429) => 4,
        Some(401 | 403 | 451) => 3,
        None => 2,
        Some(500..) => 1,
        Some(_) => 0,
    }
}

fn of_status(status: u16, evidence: &Evidence) -> Fault {
    match status {
        // Our own proxy's answer where it did not connect.
        502 if !evidence.connections.is_empty() => of_connection(evidence),
        401 => Fault::LoginRequired,
        403 | 451 => Fault::Blocked,
        400 | 404 | 410 => Fault::Gone,
        429 => Fault::RateLimited { retry_after: rest(evidence) },
        408 | 500.. => Fault::Network(format!("the site answered with status {status}")),
        _ => Fault::Unsupported(format!("the site answered with status {status}")),
    }
}

/// A connection that failed. Why it did, the proxy knows better; and best where it would not, or could not, make one.
fn of_connection(evidence: &Evidence) -> Fault {
    if let Some(refused) = evidence.connections.iter().find_map(refused) {
        return refused;
    }
    let known = evidence.connections.first().map(ToString::to_string);
    Fault::Network(known.unwrap_or_else(|| "the connection broke or took too long".to_owned()))
}

/// How long the site asked to be left alone, if it did.
fn rest(evidence: &Evidence) -> Option<Duration> {
    evidence.refusals.iter().rev().find(|refusal| refusal.status == Some(429)).and_then(Refusal::retry_after)
}

fn status_in(error: &str) -> Option<u16> {
    let (_, after) = error.split_once("HTTP Error ")?;
    after.get(..3)?.parse().ok()
}

/// Its words for who asked: one line, without how to report bugs of yt-dlp, and what its options are called.
fn shortened(error: &str) -> String {
    let line = error.lines().next().unwrap_or_default();
    let end = ["; please report this issue", " (caused by ", ". See  http", ". Use --", "; See  http"]
        .iter()
        .filter_map(|tail| line.find(tail))
        .min();
    line[..end.unwrap_or(line.len())]
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .take(SHOWN_CHARS)
        .collect()
}

#[cfg(test)]
mod tests;

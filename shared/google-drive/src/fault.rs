//! What may go wrong with Drive, told apart as its documents do, in words that callers may be told. Of what Drive says itself only the reason is in
//! them, and only one that is known here.
//!
//! <https://developers.google.com/workspace/drive/api/guides/handle-errors>,
//! <https://developers.google.com/workspace/drive/api/guides/manage-uploads#handle-errors>

use std::io;
use std::time::Duration;

use parameters::ParameterError;
use reqwest::header::HeaderMap;
use serde::Deserialize;
use thiserror::Error;

/// The longest wait that an answer is believed.
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// Reasons of a 403 that the same request may outlive.
const BUSY: [&str; 2] = ["rateLimitExceeded", "userRateLimitExceeded"];
/// Reasons of a 403 that say that something is full.
const FULL: [&str; 8] = [
    "activeItemCreationLimitExceeded",
    "dailyLimitExceeded",
    "myDriveHierarchyDepthLimitExceeded",
    "numChildrenInNonRootLimitExceeded",
    "quotaExceeded",
    "storageQuotaExceeded",
    "teamDriveFileLimitExceeded",
    "teamDriveHierarchyTooDeep",
];
/// Reasons of a 403 that say who must change what is allowed.
const DENIED: [&str; 9] = [
    "accessNotConfigured",
    "appNotAuthorizedToFile",
    "cannotAddParent",
    "domainPolicy",
    "forbidden",
    "insufficientFilePermissions",
    "insufficientParentPermissions",
    "insufficientPermissions",
    "teamDriveMembershipRequired",
];

/// What went wrong, as the end of a sentence that begins with Google Drive.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// There is no key.
    #[error("is off: the parameter {0} is not set")]
    Off(String),
    /// There is a key that cannot be read or used.
    #[error("cannot be called: its key cannot be used")]
    Key,
    /// The way to it is at fault.
    #[error(transparent)]
    Transport(#[from] outbound::Fault),
    /// It does not take our credentials, nor new ones.
    #[error("does not take our credentials")]
    Unauthorised,
    /// Too many requests; where it says so, it will take more after this time.
    #[error("has had too many requests of ours")]
    Busy(Option<Duration>),
    /// It is down: an answer of 500 or more.
    #[error("is out of order: status {0}")]
    Down(u16),
    /// It does not know a file or folder that was named, or does not show it to the service account.
    #[error("does not know it, or does not show it to us")]
    Missing,
    /// Something is full, as storage or a folder.
    #[error("has no room: {0}")]
    Full(&'static str),
    /// The service account may not do this.
    #[error("does not allow it: {0}")]
    Denied(&'static str),
    /// It will not.
    #[error("refused the request: status {0}")]
    Refused(u16),
    /// A file with this id was there, and is there no longer: only another id will do.
    #[error("has used up this id")]
    Spent,
    /// Its answer is not in the form that it documents.
    #[error("gave an answer that cannot be understood")]
    Garbled,
    /// It lost the upload's session again and again.
    #[error("lost the upload again and again")]
    Lost,
    /// It has stored something else than was sent. That file is in the trash now, where the service account may put it there, and its id is spent.
    #[error("stored something else than was sent")]
    Corrupt,
    /// The file to be sent cannot be read.
    #[error("cannot be sent the file, which cannot be read: {0}")]
    Source(io::ErrorKind),
    /// The document is too large to be sent in one request.
    #[error("is not sent documents of more than {0} bytes")]
    TooLarge(usize),
    /// All the time for it is used up.
    #[error("was not done within {} seconds", .0.as_secs())]
    OutOfTime(Duration),
}

impl Fault {
    /// Whether the same may succeed later without anybody changing anything.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Transport(_) | Self::Busy(_) | Self::Down(_) | Self::Lost | Self::OutOfTime(_))
    }

    /// Whether the same request, made again by and by, may be answered: 403 for its rates, 408, 429, 5xx, and faults of the connection.
    pub(crate) const fn asks_for_patience(&self) -> bool {
        matches!(self, Self::Transport(_) | Self::Busy(_) | Self::Down(_) | Self::Garbled)
    }

    /// How long the answer asked us to wait.
    pub(crate) const fn wait(&self) -> Option<Duration> {
        match self {
            Self::Busy(wait) => *wait,
            _ => None,
        }
    }

    /// The fault that an answer of Drive's stands for, if it stands for one. A 308 and a 409 stand for none: they mean something to who asked.
    pub(crate) fn of_answer(status: u16, headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        match status {
            200..=299 | 308 | 409 => None,
            401 => Some(Self::Unauthorised),
            403 => Some(Self::of_reason(reason(body).as_deref(), headers)),
            404 => Some(Self::Missing),
            408 | 429 => Some(Self::Busy(retry_after(headers))),
            500.. => Some(Self::Down(status)),
            _ => Some(Self::Refused(status)),
        }
    }

    /// The fault that an answer of the token endpoint stands for (RFC 6749, 5.2).
    pub(crate) fn of_token_answer(status: u16, headers: &HeaderMap) -> Option<Self> {
        match status {
            400 | 401 | 403 => Some(Self::Unauthorised),
            _ => Self::of_answer(status, headers, &[]),
        }
    }

    fn of_reason(reason: Option<&str>, headers: &HeaderMap) -> Self {
        let known = |reasons: &[&'static str]| reasons.iter().copied().find(|known| Some(*known) == reason);
        if known(&BUSY).is_some() {
            return Self::Busy(retry_after(headers));
        }
        match known(&FULL) {
            Some(reason) => Self::Full(reason),
            None => Self::Denied(known(&DENIED).unwrap_or("for another reason")),
        }
    }
}

impl From<ParameterError> for Fault {
    fn from(error: ParameterError) -> Self {
        match error {
            ParameterError::Unset(name) => Self::Off(name),
            ParameterError::Unreadable(_) => Self::Key,
        }
    }
}

/// An error as Google's APIs tell it.
#[derive(Deserialize)]
struct Told {
    error: Refusal,
}

#[derive(Deserialize)]
struct Refusal {
    errors: Vec<Cause>,
}

#[derive(Deserialize)]
struct Cause {
    reason: String,
}

/// Why an answer says it refuses.
pub(crate) fn reason(body: &[u8]) -> Option<String> {
    let told: Told = serde_json::from_slice(body).ok()?;
    told.error.errors.into_iter().next().map(|cause| cause.reason)
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get("retry-after")?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn told(reason: &str) -> Vec<u8> {
        let error =
            json!({"errors": [{"domain": "global", "reason": reason, "message": "m"}], "code": 403, "message": "m"});
        json!({"error": error}).to_string().into_bytes()
    }

    fn headers(retry_after: Option<&str>) -> HeaderMap {
        retry_after.map(|value| ("retry-after".parse().unwrap(), value.parse().unwrap())).into_iter().collect()
    }

    #[test]
    fn a_status_says_what_went_wrong_and_whether_to_be_patient() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        for (status, header, fault, patience) in [
            (302, None, Fault::Refused(302), false),
            (400, None, Fault::Refused(400), false),
            (401, None, Fault::Unauthorised, false),
            (404, None, Fault::Missing, false),
            (408, None, Fault::Busy(None), true),
            (410, None, Fault::Refused(410), false),
            (429, Some("7"), Fault::Busy(seconds(7)), true),
            (429, Some(" 999999999"), Fault::Busy(seconds(300)), true),
            (429, Some("Wed, 21 Oct 2026 07:28:00 GMT"), Fault::Busy(None), true),
            (500, None, Fault::Down(500), true),
            (503, Some("7"), Fault::Down(503), true),
        ] {
            let told = Fault::of_answer(status, &headers(header), b"").unwrap();
            assert_eq!(told.asks_for_patience(), patience, "{status}");
            assert_eq!(told, fault, "{status} {header:?}");
        }
        for status in [200, 201, 204, 308, 409] {
            assert_eq!(Fault::of_answer(status, &headers(None), b""), None);
        }
    }

    #[test]
    fn a_403_is_told_apart_by_its_reason() {
        for (reason, fault) in [
            ("userRateLimitExceeded", Fault::Busy(None)),
            ("rateLimitExceeded", Fault::Busy(None)),
            ("storageQuotaExceeded", Fault::Full("storageQuotaExceeded")),
            ("numChildrenInNonRootLimitExceeded", Fault::Full("numChildrenInNonRootLimitExceeded")),
            ("insufficientFilePermissions", Fault::Denied("insufficientFilePermissions")),
            ("<script>", Fault::Denied("for another reason")),
        ] {
            assert_eq!(Fault::of_answer(403, &headers(None), &told(reason)), Some(fault), "{reason}");
        }
        assert_eq!(
            Fault::of_answer(403, &headers(Some("3")), &told("rateLimitExceeded")),
            Some(Fault::Busy(Some(Duration::from_secs(3))))
        );
        for body in ["", "no JSON", "{}", r#"{"error": {"errors": []}}"#, r#"{"error": "invalid"}"#] {
            let told = Fault::of_answer(403, &headers(None), body.as_bytes());
            assert_eq!(told, Some(Fault::Denied("for another reason")), "{body}");
        }
    }

    #[test]
    fn the_token_endpoint_refuses_with_400() {
        for (status, fault) in [
            (200, None),
            (400, Some(Fault::Unauthorised)),
            (401, Some(Fault::Unauthorised)),
            (429, Some(Fault::Busy(None))),
            (503, Some(Fault::Down(503))),
        ] {
            assert_eq!(Fault::of_token_answer(status, &headers(None)), fault);
        }
    }

    proptest! {
        #[test]
        fn no_answer_is_too_strange(status in 100_u16..1_000, header in "[ -~]{0,20}", body in any::<Vec<u8>>()) {
            let fault = Fault::of_answer(status, &headers(Some(&header)), &body);
            let means_something = matches!(status, 200..=299 | 308 | 409);
            prop_assert_eq!(fault.is_none(), means_something);
        }
    }
}

//! Why there is no list or no file.

use std::time::Duration;

use thiserror::Error;

/// Why there is no list or no file. The messages are for who asked, and name nothing of this system; but of [`Fault::Ours`], which is for the operator.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Fault {
    /// It does not exist, or no more.
    #[error("it does not exist, or not any more")]
    Gone,
    /// Its owner shows it to others only.
    #[error("it is private")]
    Private,
    /// The site shows it only to those who are signed in.
    #[error("the site wants somebody who is signed in")]
    LoginRequired,
    /// The site does not answer us: our address, our account or our country.
    #[error("the site blocks this system")]
    Blocked,
    /// The site has been asked too often.
    #[error("the site has been asked too often")]
    RateLimited {
        /// How long the site asks to be left alone, if it says so; at most a day.
        retry_after: Option<Duration>,
    },
    /// The site could not be reached, or did not work, or the connection broke.
    #[error("{0}")]
    Network(String),
    /// The proxy on the way did not work.
    #[error("it could not be reached through the proxy: {0}")]
    Proxy(&'static str),
    /// It led to an address that may not be connected to.
    #[error("it led to an address that {0}")]
    Refused(String),
    /// yt-dlp does not know how to read it.
    #[error("it could not be read: {0}")]
    Unsupported(String),
    /// There is nothing in it. A list without videos is no fault, and never one of [`crate::Videos`].
    #[error("it has no videos")]
    Empty,
    /// It is a broadcast that goes on.
    #[error("it is a live broadcast")]
    Live,
    /// What came is no video, whatever it was called.
    #[error("what the site sent is not a video")]
    NotAVideo,
    /// It is larger than allowed.
    #[error("it is larger than {limit} bytes")]
    TooLarge {
        /// How large it may be, in bytes.
        limit: u64,
    },
    /// It took longer than allowed.
    #[error("it took longer than {} seconds", limit.as_secs())]
    TimedOut {
        /// How long it may take.
        limit: Duration,
    },
    /// It is this system's own fault: its disk, its settings, a yt-dlp that is broken.
    #[error("an internal fault: {0}")]
    Ours(String),
}

impl Fault {
    /// A word for it, for records and metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Private => "private",
            Self::LoginRequired => "login_required",
            Self::Blocked => "blocked",
            Self::RateLimited { .. } => "rate_limited",
            Self::Network(_) => "network",
            Self::Proxy(_) => "proxy",
            Self::Refused(_) => "refused",
            Self::Unsupported(_) => "unsupported",
            Self::Empty => "empty",
            Self::Live => "live",
            Self::NotAVideo => "not_a_video",
            Self::TooLarge { .. } => "too_large",
            Self::TimedOut { .. } => "timed_out",
            Self::Ours(_) => "ours",
        }
    }

    /// Whether the same may go well some time later, with nothing changed on our side.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Blocked
                | Self::RateLimited { .. }
                | Self::Network(_)
                | Self::Proxy(_)
                | Self::TimedOut { .. }
                | Self::Ours(_)
        )
    }

    /// Whether whoever was signed in, or the address that was asked from, should be left in peace for a while: as long as [`Fault::RateLimited`] says.
    #[must_use]
    pub const fn cools_down(&self) -> bool {
        matches!(self, Self::Blocked | Self::RateLimited { .. } | Self::LoginRequired)
    }
}

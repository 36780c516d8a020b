//! What may go wrong with a page in a browser, in words for the one who asked for it.

use std::time::Duration;

use scraping::{Fault, FetchError};
use thiserror::Error;
use url::Url;

/// A page that could not be rendered. The message names the page and the reason, and nothing of this system.
#[derive(Debug, Error)]
pub enum RenderError {
    /// It could not be had, as it could not have been without a browser.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// It could be had, and not be rendered.
    #[error("{url} {fault}")]
    Render {
        /// The page, shortened if very long.
        url: String,
        /// What went wrong.
        fault: RenderFault,
    },
}

/// What went wrong with a page in the browser. Each message goes on after the page's URL.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RenderFault {
    /// There is no browser.
    #[error("was not rendered: the browser did not start")]
    NoBrowser,
    /// The browser, or the part of it that had the page, has died.
    #[error("could not be rendered: the browser broke down over it")]
    Crashed,
    /// What was waited for did not come.
    #[error("was rendered, but nothing matched {selector} within {} seconds", waited.as_secs_f64())]
    NothingMatched {
        /// The selector.
        selector: String,
        /// The page's time.
        waited: Duration,
    },
    /// What was to be waited for is no selector to the browser.
    #[error("could not be waited for: the browser does not understand the selector {0}")]
    Selector(String),
    /// The browser does not take the cookies.
    #[error("was not rendered: the browser refused the cookies")]
    Cookies,
    /// The page wants too much.
    #[error("made more than {0} requests")]
    TooManyRequests(usize),
    /// The page wants too much.
    #[error("sent and received more than {0} bytes")]
    TooMuchTransferred(u64),
    /// The page does not come to rest.
    #[error("went on to other pages more than {0} times")]
    TooManyNavigations(usize),
    /// The page floods the browser.
    #[error("kept the browser too busy")]
    TooBusy,
    /// The answer is a file.
    #[error("is a file to download and not a page")]
    Download,
    /// The answer was a redirect that the browser cannot read; it does not tell the status.
    #[error("answered with a redirect, but not with a valid place to go")]
    BadRedirect,
    /// The answer leaves the browser where it was.
    #[error("answered with nothing to show")]
    NothingToShow,
    /// The page went on to something that is not of the web.
    #[error("went on to an address of the scheme {0}")]
    NotOfTheWeb(String),
    /// It was to go through a proxy, and there is none.
    #[error("was not fetched: there is no proxy to go through")]
    NoProxy,
    /// The page's own proxy did not come about.
    #[error("was not rendered: a connection of our own failed")]
    Internal,
}

impl RenderFault {
    /// The fault with its page.
    pub(crate) fn of(self, url: &Url) -> RenderError {
        // Shown as it is in every other fault.
        RenderError::Render { url: Fault::Interrupted.of(url).url, fault: self }
    }

    /// The fault with its page, whose URL may be anything.
    #[must_use]
    pub fn of_text(self, url: &str) -> RenderError {
        RenderError::Render { url: Fault::Interrupted.of_text(url).url, fault: self }
    }
}

impl RenderError {
    /// Whether the same page may be rendered some time later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Fetch(error) => error.is_transient(),
            Self::Render { fault, .. } => {
                matches!(fault, RenderFault::NoBrowser | RenderFault::NoProxy | RenderFault::Internal)
            }
        }
    }
}

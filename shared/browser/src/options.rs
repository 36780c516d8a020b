//! How one page is to be rendered.

use std::time::Duration;

use egress_proxy::Upstream;
use indexmap::IndexMap;

/// How one page is to be rendered. No `Debug`: headers and cookies may be secrets.
#[derive(Clone)]
pub struct RenderOptions {
    /// The time that the page may take, retries and redirects included; waiting for the host's turn is not.
    pub timeout: Duration,
    /// Whether redirects are followed; if not, one is an error. Where a page's script goes is not a redirect.
    pub follow_redirects: bool,
    /// Whether the page's scripts run.
    pub javascript: bool,
    /// The page is done when a CSS selector matches; else when it has loaded and asks for nothing more.
    pub wait_for_selector: Option<String>,
    /// Headers of the requests to the page's own origin. A `User-Agent` is that of all requests, with our product's name put after it.
    pub headers: IndexMap<String, String>,
    /// Cookies of the page's host.
    pub cookies: IndexMap<String, String>,
    /// The proxies to go through, one an attempt, in turn; none is the direct way.
    pub upstreams: Vec<Upstream>,
}

impl Default for RenderOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            follow_redirects: true,
            javascript: true,
            wait_for_selector: None,
            headers: IndexMap::new(),
            cookies: IndexMap::new(),
            upstreams: Vec::new(),
        }
    }
}

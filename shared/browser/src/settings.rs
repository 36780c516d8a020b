//! What the operator decides about the browser.

use std::path::PathBuf;
use std::time::Duration;

/// What the operator decides about the browser; nothing here can be changed by a request. What is decided about fetching
/// ([`scraping::Settings`]) holds besides: addresses, robots.txt, the hosts' turns, the size of a page, the User-Agent.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The browser: a Chromium, best the one that has no windows (`chromium-headless-shell`). Libraries in a folder `lib` and a `fonts.conf`
    /// beside it are used.
    pub executable: PathBuf,
    /// Whether the browser shuts its pages into its own sandbox. It cannot as root, nor where the kernel allows no user namespaces,
    /// as on Lambda, whose virtual machine then is the sandbox.
    pub sandboxed: bool,
    /// How many pages are rendered at once.
    pub pages_at_once: usize,
    /// After how many pages the browser is started anew, so that what it leaks is bounded.
    pub pages_per_process: usize,
    /// How many bytes of memory of its own each process of the browser may have, what it has only reserved included. A page has one process:
    /// what goes beyond is refused to its script, or ends the page alone.
    pub max_memory: u64,
    /// How many bytes a page may send and receive in all.
    pub max_transfer: u64,
    /// How many requests a page may make.
    pub max_requests: usize,
    /// How many documents a page may go on to by itself, redirects not counted.
    pub max_navigations: usize,
    /// How long after a page has loaded it may go on asking for things until it is taken as it is.
    pub settling: Duration,
}

impl Settings {
    /// The defaults, for this browser.
    #[must_use]
    pub fn of(executable: PathBuf) -> Self {
        Self {
            executable,
            sandboxed: true,
            pages_at_once: 2,
            pages_per_process: 200,
            max_memory: 1024 * 1024 * 1024,
            max_transfer: 50 * 1024 * 1024,
            max_requests: 500,
            max_navigations: 10,
            settling: Duration::from_secs(5),
        }
    }
}

//! Against small sites on loopback addresses, which the policy of these tests allows, in the browser that `CHROMIUM` names.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "what fails in a test's helper fails the test")]

#[path = "rendering/bounds.rs"]
mod bounds;
#[path = "rendering/hostile.rs"]
mod hostile;
#[path = "rendering/inside.rs"]
mod inside;
#[path = "rendering/life.rs"]
mod life;
#[path = "rendering/pages.rs"]
mod pages;
#[path = "rendering/processes.rs"]
mod processes;
#[path = "rendering/proxies.rs"]
mod proxies;
#[path = "rendering/site.rs"]
mod site;

use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use aws_sdk_dynamodb::config::BehaviorVersion;
use browser::{Browser, RenderError, RenderOptions, Settings};
use scraping::{Fetcher, Page};
use table::{Clock, Millis, Table};

/// A browser of its own, and what it fetches by: the sites of the tests are allowed, and have no interval.
struct Tested {
    browser: Browser,
    fetcher: Fetcher,
}

impl Tested {
    fn new() -> Self {
        Self::with(settings())
    }

    fn with(settings: Settings) -> Self {
        let config = aws_sdk_dynamodb::Config::builder().behavior_version(BehaviorVersion::latest()).build();
        let limits = Table::new(aws_sdk_dynamodb::Client::from_conf(config), "limits");
        let fetching = scraping::Settings {
            contact: Some("https://bots.example/contact".to_owned()),
            addresses: "127.77.0.0/16".parse().unwrap(),
            host_interval: Duration::ZERO,
            max_page_bytes: 1024 * 1024,
            ..scraping::Settings::default()
        };
        let fetcher = Fetcher::new(fetching, limits, Clock::fake(Millis(784_111_777_000))).unwrap();
        Self { browser: Browser::new(settings), fetcher }
    }

    async fn render(&self, url: &str, options: &RenderOptions) -> Result<Page, RenderError> {
        self.browser.render(&self.fetcher, url, options).await.outcome
    }

    async fn page(&self, url: &str) -> Page {
        self.render(url, &options()).await.unwrap()
    }

    async fn message(&self, url: &str, options: &RenderOptions) -> String {
        self.render(url, options).await.unwrap_err().to_string()
    }
}

fn settings() -> Settings {
    let executable = std::env::var_os("CHROMIUM").expect("CHROMIUM names a browser");
    // As root there is no sandbox.
    let sandboxed = std::fs::metadata("/proc/self").unwrap().uid() != 0;
    Settings { sandboxed, settling: Duration::from_secs(1), ..Settings::of(executable.into()) }
}

fn options() -> RenderOptions {
    RenderOptions { timeout: Duration::from_secs(20), ..RenderOptions::default() }
}

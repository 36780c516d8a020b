//! Pages in a browser, through the worker API's proxies where a task wants that.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context;
use browser::{Browser, Names, ProxyUse, RenderError, RenderFault, RenderOptions, Rendered, Upstream, UpstreamKind};
use extract::{AdvancedConfig, PagesConfig};
use scraping::{Fetcher, Page};
use table::aws::{SdkConfig, dynamodb, setting};
use table::{Clock, Table};
use tokio::sync::Mutex;
use tokio::time::Instant;
use worker::{HealthReport, Proxies, Proxy, ProxyFilter, ProxyType, Records};

use crate::browser_settings;

/// How many proxies are kept to choose from, those that have been without a rest for longest.
const MOST_PROXIES: u32 = 50;
/// How long they are believed to be well, but for those that fail here.
const KEPT: Duration = Duration::from_secs(30);
/// How many proxies one page may try.
const A_PAGE: usize = 3;

/// Renders pages. One per process.
pub(crate) struct Renderer {
    browser: Browser,
    proxies: Proxies,
    known: Mutex<Option<(Instant, Vec<Known>)>>,
    next: AtomicUsize,
}

/// A proxy that may be used.
#[derive(Clone)]
struct Known {
    upstream: Upstream,
    /// It has failed since it last worked: that it works is news.
    is_ailing: bool,
}

impl Renderer {
    /// With the browser that `CHROMIUM` names; none if it names none.
    pub(crate) fn from_environment(config: &SdkConfig, clock: Clock) -> anyhow::Result<Option<Self>> {
        let Some(settings) = browser_settings::from_environment()? else { return Ok(None) };
        let records = Records::new(Table::new(dynamodb(config), &setting("WORKER_TABLE")?), clock);
        let proxies = Proxies::from_environment(config, records)?;
        Ok(Some(Self { browser: Browser::new(settings), proxies, known: Mutex::default(), next: AtomicUsize::new(0) }))
    }

    /// Renders a page as its task wants it.
    pub(crate) async fn page(
        &self,
        fetcher: &Fetcher,
        url: &str,
        pages: &PagesConfig,
        own: &AdvancedConfig,
    ) -> Result<Page, RenderError> {
        let ways = if own.proxy_rotation { self.some_proxies(url).await? } else { Vec::new() };
        let options = RenderOptions {
            timeout: Duration::from_secs(pages.timeout.into()),
            follow_redirects: pages.follow_redirects,
            javascript: own.javascript_enabled,
            wait_for_selector: own.wait_for_selector.clone(),
            headers: own.custom_headers.clone(),
            cookies: own.cookies.clone(),
            upstreams: ways.iter().map(|known| known.upstream.clone()).collect(),
        };
        let Rendered { outcome, proxies } = self.browser.render(fetcher, url, &options).await;
        for used in proxies {
            self.report(&ways, used).await;
        }
        outcome
    }

    /// The next proxies in turn. A page that is to go through one does not go without.
    async fn some_proxies(&self, url: &str) -> Result<Vec<Known>, RenderError> {
        let known = self.known_proxies().await.map_err(|error| {
            tracing::error!(error = format!("{error:#}"), "the proxies cannot be read");
            RenderFault::NoProxy.of_text(url)
        })?;
        if known.is_empty() {
            return Err(RenderFault::NoProxy.of_text(url));
        }
        let first = self.next.fetch_add(1, Ordering::Relaxed) % known.len();
        let turn = known.iter().cycle().skip(first).take(A_PAGE.min(known.len()));
        Ok(turn.cloned().collect())
    }

    async fn known_proxies(&self) -> anyhow::Result<Vec<Known>> {
        let mut kept = self.known.lock().await;
        if let Some((_, known)) = kept.as_ref().filter(|(read_at, _)| read_at.elapsed() < KEPT) {
            return Ok(known.clone());
        }
        let filter = ProxyFilter { active_only: true, ..ProxyFilter::default() };
        let listing = self.proxies.list(&filter, MOST_PROXIES, None).await?.context("the first page is a page")?;
        let opened = self.proxies.opened(listing.records).await?;
        let known: Vec<_> = opened.into_iter().filter_map(|(proxy, password)| known(proxy, password)).collect();
        // That there is none is not kept: whoever adds one wants it used.
        *kept = (!known.is_empty()).then(|| (Instant::now(), known.clone()));
        Ok(known)
    }

    /// Tells how a proxy did, as workers do, where that is news. A report that fails is a report less.
    async fn report(&self, ways: &[Known], used: ProxyUse) {
        let was_ailing = ways.iter().any(|known| known.upstream.id == used.id && known.is_ailing);
        if used.worked && !was_ailing {
            return;
        }
        let report = if used.worked { HealthReport::Success } else { HealthReport::Failure };
        if let Err(error) = self.proxies.report(used.id, report, None).await {
            tracing::warn!(%error, proxy = used.id, "how the proxy did was not reported");
        }
        // Known anew with the next page: this one may rest now.
        *self.known.lock().await = None;
    }
}

fn known(proxy: Proxy, password: Option<String>) -> Option<Known> {
    let kind = match proxy.proxy_type {
        ProxyType::Http => UpstreamKind::Http,
        ProxyType::Https => UpstreamKind::Https,
        ProxyType::Socks4 => UpstreamKind::Socks4,
        ProxyType::Socks5 => UpstreamKind::Socks5,
    };
    let port = u16::try_from(proxy.port).ok()?;
    let sign_in = proxy.username.map(|name| (name, password.unwrap_or_default()));
    let upstream = Upstream { id: proxy.id, kind, host: proxy.host, port, sign_in, names: Names::Judged };
    Some(Known { upstream, is_ailing: proxy.error_count > 0 })
}

//! One attempt at a page: gone to, waited for, read.

use std::time::Duration;

use egress_proxy::{Allowance, Conduct, EgressProxy, Upstream};
use scraping::fetch::{Budget, MAX_REDIRECTS};
use scraping::{Dialer, Fault, FetchError, Fetcher, Page};
use serde_json::{Value as Json, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use url::Url;

use crate::cdp::CdpError;
use crate::error::{RenderError, RenderFault};
use crate::gate::Gate;
use crate::options::RenderOptions;
use crate::process::Chromium;
use crate::progress::Progress;
use crate::settings::Settings;
use crate::tab::Tab;

/// How often it is looked whether what is waited for is there.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Why an attempt came to nothing.
#[derive(Debug)]
pub(crate) enum VisitError {
    /// This page cannot be had.
    Page(RenderError),
    /// The browser is gone, or says nothing any more.
    BrokeDown,
}

impl From<CdpError> for VisitError {
    fn from(_: CdpError) -> Self {
        Self::BrokeDown
    }
}

impl From<RenderError> for VisitError {
    fn from(error: RenderError) -> Self {
        Self::Page(error)
    }
}

impl From<FetchError> for VisitError {
    fn from(error: FetchError) -> Self {
        Self::Page(error.into())
    }
}

/// One attempt at a page.
pub(crate) struct Visit<'a> {
    pub(crate) chromium: &'a Chromium,
    pub(crate) fetcher: &'a Fetcher,
    pub(crate) settings: &'a Settings,
    pub(crate) url: &'a Url,
    pub(crate) options: &'a RenderOptions,
    pub(crate) upstream: Option<&'a Upstream>,
}

/// What came of an attempt.
pub(crate) struct Visited {
    pub(crate) outcome: Result<Page, VisitError>,
    /// How the proxy on the way has done, if there was one and anything came of it.
    pub(crate) conduct: Option<Conduct>,
}

/// What was in the page.
struct Content {
    place: Url,
    text: String,
}

impl Visit<'_> {
    pub(crate) async fn make(&self, budget: &mut Budget) -> Visited {
        match self.way_out().await {
            Ok(proxy) => {
                let outcome = self.go(&proxy, budget).await;
                Visited { outcome, conduct: proxy.conduct() }
            }
            Err(error) => Visited { outcome: Err(error), conduct: None },
        }
    }

    async fn go(&self, proxy: &EgressProxy, budget: &mut Budget) -> Result<Page, VisitError> {
        let product = self.fetcher.settings().user_agent();
        let (tab, events) = Tab::open(self.chromium, proxy.address(), &product, self.url, self.options).await?;
        let (progress, seen) = watch::channel(Progress::new(self.url));
        let gate = Gate::new(self, &tab, proxy, progress);
        let content = tokio::select! {
            // What the gate knows is told rather than what the browser makes of it.
            biased;
            error = Box::pin(gate.watch(events, budget)) => return Err(error),
            content = self.read(&tab, proxy, seen.clone()) => content?,
        };
        let progress = seen.borrow();
        let Some(head) = progress.head.clone() else { return Err(RenderFault::NothingToShow.of(self.url).into()) };
        Ok(Page {
            url: self.url.clone(),
            final_url: content.place,
            status: head.status,
            content_type: head.content_type,
            text: content.text,
            fetched_at: self.fetcher.now(),
        })
    }

    async fn way_out(&self) -> Result<EgressProxy, VisitError> {
        let dialer = Dialer::new(self.fetcher.settings().addresses.clone());
        let allowance = Allowance::new(self.settings.max_transfer, self.settings.max_requests);
        let started = EgressProxy::start(dialer, self.upstream.cloned(), allowance).await;
        started.map_err(|error| {
            tracing::error!(%error, "a page's proxy did not start");
            RenderFault::Internal.of(self.url).into()
        })
    }

    async fn read(
        &self,
        tab: &Tab,
        proxy: &EgressProxy,
        mut seen: watch::Receiver<Progress>,
    ) -> Result<Content, VisitError> {
        let gone = tab.session.call("Page.navigate", json!({"url": self.url.as_str()})).await;
        let gone = gone.map_err(|error| match error {
            // Its own words are for those who know the protocol.
            CdpError::Refused(_) => {
                VisitError::from(Fault::InvalidUrl(url::ParseError::InvalidDomainCharacter).of(self.url))
            }
            CdpError::Gone => VisitError::BrokeDown,
        })?;
        if let Some(reason) = gone["errorText"].as_str() {
            let place = seen.borrow().place.clone();
            return Err(self.failure(reason, &place, proxy).into());
        }
        match &self.options.wait_for_selector {
            Some(selector) => self.until_matched(tab, selector).await?,
            None => until_settled(&mut seen, self.settings.settling).await,
        }
        self.content(tab).await
    }

    /// What it means that the browser could not go to the page's document.
    pub(crate) fn failure(&self, reason: &str, place: &Url, proxy: &EgressProxy) -> RenderError {
        if let Some(fault) = proxy.fault_of(&authority(place)) {
            return self.at(place, fault);
        }
        let fault = match reason.strip_prefix("net::ERR_").unwrap_or(reason) {
            "ABORTED" => return RenderFault::NothingToShow.of(self.url),
            "INVALID_REDIRECT" => return RenderFault::BadRedirect.of(self.url),
            "TOO_MANY_REDIRECTS" => Fault::TooManyRedirects(MAX_REDIRECTS),
            reason if reason.contains("CERT") || reason.contains("SSL") => Fault::Tls(words(reason)),
            _ => Fault::Interrupted,
        };
        self.at(place, fault)
    }

    /// A fault at a place that the page that was asked for has led to, or is.
    pub(crate) fn at(&self, place: &Url, fault: Fault) -> RenderError {
        self.led_to(place, fault.of(place))
    }

    /// An error at a place that the page that was asked for has led to, or is.
    pub(crate) fn led_to(&self, place: &Url, error: FetchError) -> RenderError {
        if is_same_document(place, self.url) {
            error.into()
        } else {
            Fault::Redirected(Box::new(error)).of(self.url).into()
        }
    }

    async fn until_matched(&self, tab: &Tab, selector: &str) -> Result<(), VisitError> {
        let looked_for = format!("Document.prototype.querySelector.call(document, {}) !== null", Json::from(selector));
        loop {
            match tab.evaluate(&looked_for).await {
                Ok(Json::Bool(true)) => return Ok(()),
                Err(CdpError::Gone) => return Err(VisitError::BrokeDown),
                Err(CdpError::Refused(class)) if class == "DOMException" => {
                    return Err(RenderFault::Selector(selector.to_owned()).of(self.url).into());
                }
                // Not there yet, or the page has just gone on to another.
                _ => sleep(LOOK_AGAIN).await,
            }
        }
    }

    async fn content(&self, tab: &Tab) -> Result<Content, VisitError> {
        let largest = self.fetcher.settings().max_page_bytes;
        let content = format!(
            "(() => {{
                const root = Document.prototype.querySelector.call(document, ':root');
                const text = root ? root.outerHTML : '';
                return {{ place: location.href, text: text.length > {largest} ? null : text }};
            }})()"
        );
        let content = loop {
            match tab.evaluate(&content).await {
                Ok(content) => break content,
                Err(CdpError::Gone) => return Err(VisitError::BrokeDown),
                Err(CdpError::Refused(_)) => sleep(LOOK_AGAIN).await,
            }
        };
        let place: Url = content["place"]
            .as_str()
            .unwrap_or_default()
            .parse()
            .map_err(|error| Fault::InvalidUrl(error).of(self.url))?;
        if !matches!(place.scheme(), "http" | "https") {
            return Err(RenderFault::NotOfTheWeb(place.scheme().to_owned()).of(self.url).into());
        }
        match content["text"].as_str().filter(|text| text.len() <= largest) {
            Some(text) => Ok(Content { place, text: text.to_owned() }),
            None => Err(Fault::TooLarge(largest).of(self.url).into()),
        }
    }
}

/// Waits until the page has loaded, and asks for nothing more or has had `settling` to do so.
async fn until_settled(seen: &mut watch::Receiver<Progress>, settling: Duration) {
    loop {
        let (loaded_at, is_idle) = {
            let progress = seen.borrow_and_update();
            (progress.loaded_at, progress.is_idle)
        };
        let until = loaded_at.map(|loaded_at| loaded_at + settling);
        if is_idle && until.is_some() {
            return;
        }
        tokio::select! {
            changed = seen.changed() => if changed.is_err() { return },
            () = sleep_until(until.unwrap_or_else(Instant::now)), if until.is_some() => return,
        }
    }
}

/// A URL's host and port.
pub(crate) fn authority(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default())
}

/// Whether two URLs differ in their fragment at most.
pub(crate) fn is_same_document(one: &Url, other: &Url) -> bool {
    let document = |url: &Url| {
        let mut url = url.clone();
        url.set_fragment(None);
        url
    };
    document(one) == document(other)
}

/// The browser's names of faults, as `CERT_DATE_INVALID`, in lower case words.
fn words(reason: &str) -> String {
    reason.to_ascii_lowercase().replace('_', " ")
}

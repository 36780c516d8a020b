//! The browser of this process: started when it is first needed, used for page after page, replaced when it has died.

use std::sync::Arc;

use egress_proxy::{Conduct, ProxyUse, judge};
use scraping::fetch::{Attempts, Retries};
use scraping::{Fault, Fetcher, Page};
use tokio::sync::{Mutex, Semaphore};
use url::Url;

use crate::error::{RenderError, RenderFault};
use crate::options::RenderOptions;
use crate::process::Chromium;
use crate::settings::Settings;
use crate::visit::{Visit, VisitError, Visited};

/// How often a page is given to a new browser after one broke down over it, or over another page beside it.
const BREAKDOWNS: usize = 1;

/// Renders pages. One per process.
#[derive(Debug)]
pub struct Browser {
    settings: Settings,
    slots: Semaphore,
    running: Mutex<Option<Arc<Chromium>>>,
}

/// What became of a page.
#[derive(Debug)]
pub struct Rendered {
    /// The page, or why there is none.
    pub outcome: Result<Page, RenderError>,
    /// How the proxies did that it went through, each once, as far as it is known.
    pub proxies: Vec<ProxyUse>,
}

impl Browser {
    /// The browser that the operator has decided on. It is started by the first page.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { slots: Semaphore::new(settings.pages_at_once), running: Mutex::default(), settings }
    }

    /// Renders a page by the rules of `fetcher`, trying again after faults that may pass.
    pub async fn render(&self, fetcher: &Fetcher, url: &str, options: &RenderOptions) -> Rendered {
        let mut ways = Vec::new();
        // Boxed, because it is large, and so are those who call it.
        let outcome = Box::pin(self.attempts(fetcher, url, options, &mut ways)).await;
        Rendered { outcome, proxies: judge(&ways) }
    }

    /// The number of the process that was started, while there is one: the leader of a group, in which the browser is if this was a script.
    pub async fn process(&self) -> Option<u32> {
        self.running.lock().await.as_ref().and_then(|chromium| chromium.process())
    }

    async fn attempts(
        &self,
        fetcher: &Fetcher,
        url: &str,
        options: &RenderOptions,
        ways: &mut Vec<(u64, Conduct)>,
    ) -> Result<Page, RenderError> {
        let url: Url = url.parse().map_err(|error| Fault::InvalidUrl(error).of_text(url))?;
        // What is not of the web the browser might have without asking us.
        fetcher.judge_url(&url)?;
        // Whoever waits for a slot has not begun.
        let _slot = self.slots.acquire().await.map_err(|_| RenderFault::Internal.of(&url))?;
        let mut attempts = Attempts::new(options.timeout, Retries::default());
        let mut breakdowns = 0;
        let mut upstreams = options.upstreams.iter().cycle();
        loop {
            let chromium = self.chromium(fetcher).await.map_err(|fault| fault.of(&url))?;
            let upstream = upstreams.next();
            let visit = Visit { chromium: &chromium, fetcher, settings: &self.settings, url: &url, options, upstream };
            let Visited { outcome, conduct } = Box::pin(visit.make(attempts.budget())).await;
            ways.extend(upstream.map(|upstream| upstream.id).zip(conduct));
            match outcome {
                Ok(page) => return Ok(page),
                Err(VisitError::Page(RenderError::Fetch(error))) => attempts.pause_after(error).await?,
                Err(VisitError::Page(error)) => return Err(error),
                Err(VisitError::BrokeDown) => {
                    self.retire(&chromium).await;
                    if breakdowns == BREAKDOWNS {
                        return Err(RenderFault::Crashed.of(&url));
                    }
                    breakdowns += 1;
                }
            }
        }
    }

    /// The browser that runs, or a new one.
    async fn chromium(&self, fetcher: &Fetcher) -> Result<Arc<Chromium>, RenderFault> {
        let mut running = self.running.lock().await;
        if let Some(chromium) =
            running.as_ref().filter(|chromium| chromium.takes_a_page(self.settings.pages_per_process))
        {
            return Ok(Arc::clone(chromium));
        }
        // Pages that the old one still has keep it until they are done.
        *running = None;
        let started = Chromium::start(&self.settings, &fetcher.settings().user_agent()).await;
        let chromium = started.map(Arc::new).map_err(|error| {
            tracing::error!(error = %error, cause = ?std::error::Error::source(&error), "the browser did not start");
            RenderFault::NoBrowser
        })?;
        *running = Some(Arc::clone(&chromium));
        Ok(chromium)
    }

    /// Sees to it that the next page gets another browser than this.
    async fn retire(&self, broken: &Arc<Chromium>) {
        tracing::warn!("the browser broke down");
        let mut running = self.running.lock().await;
        if running.as_ref().is_some_and(|chromium| Arc::ptr_eq(chromium, broken)) {
            *running = None;
        }
    }
}

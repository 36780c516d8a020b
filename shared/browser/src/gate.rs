//! Watches what happens in a page, and decides which of its requests are made. Documents of the page itself are asked for by the rules of
//! [`scraping::Fetcher`]: robots.txt, the host's turn, redirects. What a page is made of (images, scripts, data, frames) comes as its
//! site wants it, as it does to every reader; only where it comes from is judged, by the page's proxy.

use egress_proxy::{EgressProxy, Exhausted};
use scraping::Fault;
use scraping::fetch::{Budget, MAX_REDIRECTS, is_redirect};
use serde_json::{Value as Json, json};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep_until;
use url::Url;

use crate::cdp::Event;
use crate::error::RenderFault;
use crate::progress::{Head, Progress};
use crate::tab::Tab;
use crate::visit::{Visit, VisitError, authority, is_same_document};

/// Decides for one page.
pub(crate) struct Gate<'a> {
    visit: &'a Visit<'a>,
    tab: &'a Tab,
    proxy: &'a EgressProxy,
    progress: watch::Sender<Progress>,
    requests: usize,
    /// How many documents the page has asked for by itself, the first one among them.
    navigations: usize,
    /// How many redirects there were on the way to the last one.
    redirects: usize,
    /// The next document is where a redirect goes.
    is_redirected: bool,
    /// The page that has asked for others by itself, and stays if there is nothing in those to go to.
    left: Option<Progress>,
}

impl<'a> Gate<'a> {
    pub(crate) const fn new(
        visit: &'a Visit<'a>,
        tab: &'a Tab,
        proxy: &'a EgressProxy,
        progress: watch::Sender<Progress>,
    ) -> Self {
        let (requests, navigations, redirects) = (0, 0, 0);
        Self { visit, tab, proxy, progress, requests, navigations, redirects, is_redirected: false, left: None }
    }

    /// Watches until something ends the page, and gives that.
    pub(crate) async fn watch(mut self, mut events: mpsc::Receiver<Event>, budget: &mut Budget) -> VisitError {
        loop {
            let done = tokio::select! {
                event = events.recv() => match event {
                    Some(event) => self.take(&event, budget).await,
                    None => Err(self.without_events()),
                },
                exhausted = self.proxy.exhausted() => Err(self.fault(match exhausted {
                    Exhausted::Bytes => RenderFault::TooMuchTransferred(self.visit.settings.max_transfer),
                    Exhausted::Connections => RenderFault::TooManyRequests(self.visit.settings.max_requests),
                })),
                () = sleep_until(budget.deadline()) => Err(self.out_of_time(budget)),
            };
            if let Err(error) = done {
                return error;
            }
        }
    }

    async fn take(&mut self, event: &Event, budget: &mut Budget) -> Result<(), VisitError> {
        let params = &event.params;
        match event.method.as_str() {
            "Fetch.requestPaused" => {
                let has_answer = !params["responseStatusCode"].is_null() || !params["responseErrorReason"].is_null();
                let is_main = params["resourceType"] == "Document" && params["frameId"] == self.tab.frame.as_str();
                match (is_main, has_answer) {
                    (true, false) => self.ask_for_document(params, budget).await?,
                    (true, true) => self.take_answer(params)?,
                    (false, false) => self.ask_for_part(params)?,
                    // A frame's document: the page has not loaded until it has.
                    (false, true) => self.tell("Fetch.continueRequest", params),
                }
            }
            "Page.lifecycleEvent" if params["frameId"] == self.tab.frame.as_str() => {
                self.progress.send_if_modified(|progress| progress.note(params["name"].as_str().unwrap_or_default()));
            }
            "Page.javascriptDialogOpening" => {
                // A page may be left; else nobody is there to say yes.
                let accept = params["type"] == "beforeunload";
                self.tab.session.tell("Page.handleJavaScriptDialog", &json!({"accept": accept}));
            }
            "Page.downloadWillBegin" if self.is_of_the_document(params) && !self.stay() => {
                return Err(self.fault(RenderFault::Download));
            }
            "Page.frameStartedNavigating" if params["frameId"] == self.tab.frame.as_str() => {
                let to = params["url"].as_str().unwrap_or_default();
                self.progress.send_if_modified(|progress| progress.leave(to));
            }
            "Inspector.targetCrashed" => return Err(self.fault(RenderFault::Crashed)),
            _ => {}
        }
        Ok(())
    }

    /// A document of the page itself: the first one, what that redirects to, or where its scripts go.
    async fn ask_for_document(&mut self, params: &Json, budget: &mut Budget) -> Result<(), VisitError> {
        self.count()?;
        let url = url_of(params, self.visit)?;
        if std::mem::take(&mut self.is_redirected) {
            self.redirects += 1;
            if self.redirects > MAX_REDIRECTS {
                return Err(Fault::TooManyRedirects(MAX_REDIRECTS).of(self.visit.url).into());
            }
        } else {
            (self.redirects, self.navigations) = (0, self.navigations + 1);
            let most = self.visit.settings.max_navigations;
            if self.navigations > most + 1 {
                return Err(self.fault(RenderFault::TooManyNavigations(most)));
            }
        }
        // Before the wait: what was there until now is not the page.
        let before = self.progress.send_replace(Progress::new(&url));
        if before.head.is_some() {
            self.left = Some(before);
        }
        self.visit.fetcher.admit_page(&url, budget).await.map_err(|error| self.visit.led_to(&url, error))?;
        self.go_on(params, &url);
        Ok(())
    }

    /// The head of the answer to a document of the page itself.
    fn take_answer(&mut self, params: &Json) -> Result<(), VisitError> {
        let place = self.progress.borrow().place.clone();
        if let Some(fault) = self.proxy.fault_of(&authority(&place)) {
            return Err(self.visit.at(&place, fault).into());
        }
        if let Some(reason) = params["responseErrorReason"].as_str() {
            if self.navigations > 1 {
                return Err(self.visit.failure(reason, &place, self.proxy).into());
            }
            // Who has gone to the first one hears of it, and more exactly.
            self.tell("Fetch.continueRequest", params);
            return Ok(());
        }
        let status = params["responseStatusCode"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(0);
        let header = |name| header_of(params, name);
        if is_redirect(status) {
            if !self.visit.options.follow_redirects {
                return Err(self.visit.at(&place, Fault::RedirectNotFollowed(status)).into());
            }
            let target = header("location").and_then(|target| place.join(&target).ok());
            let target = target.ok_or_else(|| self.visit.at(&place, Fault::BadRedirect(status)))?;
            if !matches!(target.scheme(), "http" | "https") {
                let refused = Fault::Scheme(target.scheme().to_owned()).of(&target);
                return Err(self.visit.led_to(&target, refused).into());
            }
            self.is_redirected = true;
        } else {
            let is_file = header("content-disposition")
                .is_some_and(|how| how.trim_start().to_ascii_lowercase().starts_with("attachment"));
            if (is_file || matches!(status, 204 | 205)) && self.stay() {
                self.refuse(params, "Aborted");
                return Ok(());
            }
            let content_type = header("content-type");
            let judged =
                self.visit.fetcher.judge_answer(status, content_type.as_deref(), header("retry-after").as_deref());
            judged.map_err(|fault| self.visit.at(&place, fault))?;
            if is_file {
                return Err(self.fault(RenderFault::Download));
            }
            self.progress.send_modify(|progress| progress.head = Some(Head { status, content_type }));
        }
        self.tell("Fetch.continueRequest", params);
        Ok(())
    }

    /// What the page is made of.
    fn ask_for_part(&mut self, params: &Json) -> Result<(), VisitError> {
        self.count()?;
        match params["request"]["url"].as_str().unwrap_or_default().parse::<Url>() {
            Ok(url) if matches!(url.scheme(), "http" | "https" | "data" | "blob") => self.go_on(params, &url),
            _ => self.refuse(params, "BlockedByClient"),
        }
        Ok(())
    }

    /// Lets a request be made; with the headers that were asked for, if it is to the page's own origin.
    fn go_on(&self, params: &Json, url: &Url) {
        let asked = &self.visit.options.headers;
        if asked.is_empty() || url.origin() != self.visit.url.origin() {
            return self.tell("Fetch.continueRequest", params);
        }
        let replaced = |name: &str| asked.keys().any(|asked| asked.eq_ignore_ascii_case(name));
        let own = params["request"]["headers"].as_object().into_iter().flatten();
        // The User-Agent was changed for the whole page, and is one of these already.
        let kept = own.filter(|(name, _)| !replaced(name) || name.eq_ignore_ascii_case("user-agent"));
        let mut headers: Vec<Json> = kept.map(|(name, value)| json!({"name": name, "value": value})).collect();
        let added = asked.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("user-agent"));
        headers.extend(added.map(|(name, value)| json!({"name": name, "value": value})));
        let go_on = json!({"requestId": params["requestId"], "headers": headers});
        self.tab.session.tell("Fetch.continueRequest", &go_on);
    }

    /// Whether a download is what the page's last document was asked for, and not what a script has made.
    fn is_of_the_document(&self, download: &Json) -> bool {
        let from = download["url"].as_str().and_then(|from| from.parse::<Url>().ok());
        let is_of_the_page = download["frameId"] == self.tab.frame.as_str();
        is_of_the_page && from.is_some_and(|from| is_same_document(&from, &self.progress.borrow().place))
    }

    /// The last document is a file, or nothing: the page that asked for it stays, if there is one.
    fn stay(&self) -> bool {
        let Some(page) = self.left.clone() else { return false };
        self.progress.send_replace(page.ended());
        true
    }

    fn refuse(&self, params: &Json, reason: &str) {
        let refusal = json!({"requestId": params["requestId"], "errorReason": reason});
        self.tab.session.tell("Fetch.failRequest", &refusal);
    }

    fn tell(&self, method: &str, params: &Json) {
        self.tab.session.tell(method, &json!({"requestId": params["requestId"]}));
    }

    fn count(&mut self) -> Result<(), VisitError> {
        let most = self.visit.settings.max_requests;
        self.requests += 1;
        if self.requests > most { Err(self.fault(RenderFault::TooManyRequests(most))) } else { Ok(()) }
    }

    fn out_of_time(&self, budget: &Budget) -> VisitError {
        let progress = self.progress.borrow();
        match &self.visit.options.wait_for_selector {
            Some(selector) if progress.loaded_at.is_some() => {
                self.fault(RenderFault::NothingMatched { selector: selector.clone(), waited: budget.allowed() })
            }
            _ => Fault::Timeout(budget.allowed()).of(self.visit.url).into(),
        }
    }

    /// The page's events have ended: the browser has, or there were more than could be dealt with.
    fn without_events(&self) -> VisitError {
        if self.visit.chromium.connection.is_closed() {
            VisitError::BrokeDown
        } else {
            self.fault(RenderFault::TooBusy)
        }
    }

    fn fault(&self, fault: RenderFault) -> VisitError {
        fault.of(self.visit.url).into()
    }
}

fn url_of(params: &Json, visit: &Visit<'_>) -> Result<Url, VisitError> {
    let text = params["request"]["url"].as_str().unwrap_or_default();
    Ok(text.parse().map_err(|error| Fault::InvalidUrl(error).of(visit.url))?)
}

fn header_of(params: &Json, wanted: &str) -> Option<String> {
    let headers = params["responseHeaders"].as_array()?;
    let found =
        headers.iter().find(|header| header["name"].as_str().is_some_and(|name| name.eq_ignore_ascii_case(wanted)));
    found.and_then(|header| header["value"].as_str()).map(str::to_owned)
}

//! A visit: the requests of one visitor to one site, which knows him by its cookies. It ends when it is dropped, and so do the cookies.
//!
//! It goes by the same rules as fetching a page does. Besides, it never leaves its site: what a visitor is trusted with there (a form with a password,
//! a cookie, a token) is sent to no other.

use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue, ORIGIN};
use reqwest::{Method, RequestBuilder};
use url::form_urlencoded::Serializer;
use url::{Origin, Url};

use super::cookies::Cookies;
use super::error::{Fault, FetchError};
use super::patience::Budget;
use super::{ACCEPTED, Answer, Fetcher, Hop, MAX_REDIRECTS, Page, Purpose, send};

/// A visitor's requests to one site.
pub struct Visit<'a> {
    fetcher: &'a Fetcher,
    site: Origin,
    cookies: Cookies,
}

/// What a visitor asks. It may hold a password: it cannot be shown.
#[derive(Clone)]
pub struct Ask {
    url: Url,
    /// The fields of a form that is posted.
    form: Option<Vec<(String, String)>>,
    headers: HeaderMap,
}

impl Ask {
    /// Asks for a page.
    #[must_use]
    pub fn page(url: Url) -> Self {
        let headers = HeaderMap::from_iter([(ACCEPT, ACCEPTED)]);
        Self { url, form: None, headers }
    }

    /// Posts a form.
    #[must_use]
    pub fn form(url: Url, fields: Vec<(String, String)>) -> Self {
        Self { form: Some(fields), ..Self::page(url) }
    }

    /// Asks with a header, in place of the one of that name.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// What a browser asks when it is sent elsewhere: a form that was posted is posted again only where the status says so (RFC 9110, section 15.4).
    fn redirected(self, status: u16, url: Url) -> Self {
        let form = self.form.filter(|_| matches!(status, 307 | 308));
        Self { url, form, headers: self.headers }
    }
}

impl Fetcher {
    /// Begins a visit to the site of this URL.
    #[must_use]
    pub fn visit(&self, site: &Url) -> Visit<'_> {
        Visit { fetcher: self, site: site.origin(), cookies: Cookies::default() }
    }
}

impl Visit<'_> {
    /// Asks for something within a time, redirects included, waiting for the host's turn not. Nothing is tried again: only who knows what a form does
    /// can say whether it may be posted twice. What an error says of its page has no query, in which sites put what they know their visitors by.
    pub async fn send(&mut self, ask: Ask, timeout: Duration) -> Result<Page, FetchError> {
        let url = ask.url.clone();
        let (final_url, answer) = self.follow(ask, &mut Budget::new(timeout)).await?;
        Ok(self.fetcher.page(url, final_url, &answer))
    }

    async fn follow(&mut self, ask: Ask, budget: &mut Budget) -> Result<(Url, Answer), FetchError> {
        let first = shown(&ask.url);
        let mut ask = ask;
        for _ in 0..=MAX_REDIRECTS {
            match self.hop(&ask, budget).await? {
                Hop::Answer(answer) => return Ok((ask.url, answer)),
                Hop::Redirect(status, target) => ask = ask.redirected(status, target),
            }
        }
        Err(Fault::TooManyRedirects(MAX_REDIRECTS).of(&first))
    }

    async fn hop(&mut self, ask: &Ask, budget: &mut Budget) -> Result<Hop, FetchError> {
        let (url, fetcher) = (&ask.url, self.fetcher);
        if url.origin() != self.site {
            return Err(Fault::LeftSite(self.site.ascii_serialization()).of(&shown(url)));
        }
        let admitted = fetcher.admit(url, Purpose::Visit, budget).await;
        admitted.map_err(|error| error.fault.of(&shown(url)))?;
        let allowed = budget.allowed();
        let exchange = async {
            let response = send(self.request(ask), allowed).await?;
            self.cookies.keep(response.headers(), url, fetcher.now());
            fetcher.read_answer(response, url, Purpose::Visit, allowed).await
        };
        budget.limit(exchange).await.flatten().map_err(|fault| fault.of(&shown(url)))
    }

    fn request(&self, ask: &Ask) -> RequestBuilder {
        let method = if ask.form.is_some() { Method::POST } else { Method::GET };
        let mut request = self.fetcher.client.request(method, &ask.url).headers(ask.headers.clone());
        if let Some(cookies) = self.cookies.header(&ask.url, self.fetcher.now()) {
            request = request.header(COOKIE, cookies);
        }
        match &ask.form {
            Some(fields) => request
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                // As browsers do, by which some sites tell their own forms from others'.
                .header(ORIGIN, self.site.ascii_serialization())
                .body(Serializer::new(String::new()).extend_pairs(fields).finish()),
            None => request,
        }
    }
}

/// A URL as it may be told.
fn shown(url: &Url) -> Url {
    let mut shown = url.clone();
    shown.set_query(None);
    shown.set_fragment(None);
    shown
}

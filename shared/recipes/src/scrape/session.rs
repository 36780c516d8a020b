//! A portal, to one who is signed in.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderName, HeaderValue};
use scraping::{Ask, Fault as FetchFault, FetchError, Fetcher, Visit};
use url::Url;

use crate::error::Fault;
use crate::page::{Document, Source, Told};
use crate::recipe::{Json, Recipe};

/// The longest name of an account's owner that is kept, in characters.
const LONGEST_ENTITY: usize = 200;
/// The statuses of a portal that does not know its visitor any more: those of HTTP, and what Laravel and IIS say of an expired session.
const SIGNED_OUT: [u16; 4] = [401, 403, 419, 440];

/// What one signs in with. A secret: it cannot be shown.
pub struct SignIn {
    /// The name.
    pub user: String,
    /// The password.
    pub password: String,
}

/// A visit to a portal that can be begun again.
pub(super) struct Session<'a> {
    fetcher: &'a Fetcher,
    recipe: Arc<Recipe>,
    base: Url,
    sign_in: SignIn,
    /// With the cookies of one session; none where it has ended.
    visit: Option<Visit<'a>>,
    sign_ins: u32,
    /// Whether the name and the password were accepted before, by this attempt or an earlier one.
    was_let_in: bool,
    pub(super) entity: Option<String>,
}

impl<'a> Session<'a> {
    /// `was_let_in`: whether the name and the password were accepted before.
    pub(super) const fn new(
        fetcher: &'a Fetcher,
        recipe: Arc<Recipe>,
        base: Url,
        sign_in: SignIn,
        was_let_in: bool,
    ) -> Self {
        Self { fetcher, recipe, base, sign_in, visit: None, sign_ins: 0, was_let_in, entity: None }
    }

    /// Forgets the session, its cookies and all.
    pub(super) fn end(&mut self) {
        self.visit = None;
    }

    /// Whether this is what a portal says that does not know its visitor any more. Before one is signed in it is something else.
    pub(super) fn has_ended(&self, fault: &Fault) -> bool {
        self.visit.is_some()
            && match fault {
                Fault::SignedOut => true,
                Fault::Fetch(FetchError { fault: FetchFault::Status { status, .. }, .. }) => {
                    SIGNED_OUT.contains(status)
                }
                _ => false,
            }
    }

    /// Signs in, unless one is.
    pub(super) async fn begin(&mut self) -> Result<(), Fault> {
        if self.visit.is_some() {
            return Ok(());
        }
        let most = self.recipe.limits.sign_ins;
        if self.sign_ins == most {
            return Err(Fault::TooMuch { what: "times of signing in", most: most.into() });
        }
        self.sign_ins += 1;
        let (recipe, time) = (Arc::clone(&self.recipe), self.recipe.limits.page_time());
        let mut visit = self.fetcher.visit(&self.base);
        let page = Ask::page(recipe.login.page.at(&self.base));
        let read = |recipe: &Recipe, text: &str, url: &Url| Document::parse(text, url)?.login_form(&recipe.login);
        let (form, _) = exchange(&mut visit, Arc::clone(&recipe), page, time, read).await?;
        let own = [(recipe.login.user.as_str(), &self.sign_in.user), (&recipe.login.password, &self.sign_in.password)];
        let also = recipe.login.also.iter().map(|(name, value)| (name.as_str(), value));
        let fields = form.filled(own.into_iter().chain(also).map(|(name, value)| (name, value.clone())));
        let read = |recipe: &Recipe, text: &str, url: &Url| Ok(Document::parse(text, url)?.told(recipe));
        match exchange(&mut visit, Arc::clone(&recipe), Ask::form(form.action, fields), time, read).await?.0 {
            Told::SignedIn { entity } => {
                self.entity = entity.map(|entity| entity.chars().take(LONGEST_ENTITY).collect());
                self.visit = Some(visit);
                self.was_let_in = true;
                Ok(())
            }
            // Its form again, without a word: what ended the last session may have ended this one.
            Told::Rejected(None) if self.was_let_in => Err(Fault::NotLetIn),
            Told::Rejected(said) => Err(Fault::Rejected(said.filter(|said| !self.tells(said)))),
            Told::Unclear => Err(Fault::LoginUnclear),
        }
    }

    /// Whether a text has what one signs in with: a portal may repeat what it was told.
    fn tells(&self, text: &str) -> bool {
        [&self.sign_in.user, &self.sign_in.password].into_iter().any(|secret| text.contains(secret.as_str()))
    }

    /// Asks for something and reads what is answered; gives its size in bytes, too.
    pub(super) async fn read<T: Send + 'static>(
        &mut self,
        ask: Ask,
        read: impl FnOnce(&Recipe, &str, &Url) -> Result<T, Fault> + Send + 'static,
    ) -> Result<(T, u64), Fault> {
        let visit = self.visit.as_mut().ok_or(Fault::SignedOut)?;
        let time = self.recipe.limits.page_time();
        exchange(visit, Arc::clone(&self.recipe), ask, time, read).await
    }
}

async fn exchange<T: Send + 'static>(
    visit: &mut Visit<'_>,
    recipe: Arc<Recipe>,
    ask: Ask,
    time: Duration,
    read: impl FnOnce(&Recipe, &str, &Url) -> Result<T, Fault> + Send + 'static,
) -> Result<(T, u64), Fault> {
    // Boxed: what is around it is deep, and so is what is within.
    let page = Box::pin(visit.send(ask, time)).await?;
    let bytes = page.text.len() as u64;
    // Parsing works on the processor: elsewhere, so that the lease is renewed meanwhile.
    let read = tokio::task::spawn_blocking(move || read(&recipe, &page.text, &page.final_url)).await;
    Ok((read.map_err(|_| Fault::Unreadable)??, bytes))
}

/// What is asked for a page of records in JSON.
pub(super) fn ask_for_json(json: &Json, base: &Url, source: &Source, before: u64, page: u32) -> Ask {
    let mut url = json.source.at(base);
    let fill = |value: &String| {
        value
            .replace("{offset}", &before.to_string())
            .replace("{size}", &json.page_size.to_string())
            .replace("{page}", &page.to_string())
    };
    url.query_pairs_mut().extend_pairs(json.query.iter().map(|(name, value)| (name, fill(value))));
    let ask = Ask::page(url)
        .with(ACCEPT, HeaderValue::from_static("application/json"))
        // By which portals know that their own page asks.
        .with(HeaderName::from_static("x-requested-with"), HeaderValue::from_static("XMLHttpRequest"));
    source.headers.iter().fold(ask, |ask, (name, value)| ask.with(name.clone(), value.clone()))
}

//! The portals' accounts and sessions.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::html::{cookie, cut, page, status, to};
use crate::plan::{Plan, What};
use crate::records::{Portal, Record};
use crate::{bwmr, ewmr, pwmr};

/// An account at one of the portals.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default)]
pub struct Account {
    /// Its password.
    pub password: String,
    /// Whose it is.
    pub entity: String,
    /// How many records it has.
    pub records: u64,
    /// Which of them stands first, before those that were made before it, if one does: as where the list begins with what was edited last. Tabs keep
    /// their order.
    pub first: Option<u64>,
    /// What goes wrong for it.
    pub plan: Plan,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            password: "open & sesame".to_owned(),
            entity: "Ganga & Söhne Recycling".to_owned(),
            records: 3_217,
            first: None,
            plan: Plan::default(),
        }
    }
}

/// What somebody who is signed in has.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) portal: Portal,
    pub(crate) account: String,
    pub(crate) token: String,
    /// The view state that was given out last, and with which page.
    pub(crate) view_state: Option<(String, u32)>,
    requests: u32,
}

/// The portals: all of them at one address, each in a folder of its own.
#[derive(Clone)]
pub struct StandIn {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    _server: Option<Arc<Server>>,
}

struct Server(JoinHandle<()>);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[derive(Default)]
struct State {
    accounts: HashMap<(Portal, String), Account>,
    sessions: HashMap<String, Session>,
    /// Of those who have seen the form, but are not signed in: by their cookie, the token of the form.
    visitors: HashMap<String, String>,
    /// How often somebody tried to sign in to an account, and how often that worked.
    attempts: HashMap<(Portal, String), u32>,
    sign_ins: HashMap<(Portal, String), u32>,
    /// How many requests there were by those who had signed in to it.
    asked: HashMap<(Portal, String), u64>,
    /// How many requests there were.
    requests: HashMap<Portal, u64>,
}

impl StandIn {
    /// One whose address this will be.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self { address, state: Arc::default(), _server: None }
    }

    /// Starts one at a port of its own, which ends when the last copy of it is dropped.
    pub async fn start(host: &str) -> std::io::Result<Self> {
        let listener = TcpListener::bind((host, 0)).await?;
        let stand_in = Self::new(listener.local_addr()?);
        let served = stand_in.clone();
        let task = tokio::spawn(async move { drop(crate::serve(served, listener).await) });
        Ok(Self { _server: Some(Arc::new(Server(task))), ..stand_in })
    }

    /// The base URL of a portal.
    #[must_use]
    pub fn base(&self, portal: Portal) -> String {
        format!("http://{}/{}/", self.address, portal.name())
    }

    /// Has this account, from now on.
    pub fn put(&self, portal: Portal, name: &str, account: Account) {
        self.state().accounts.insert((portal, name.to_owned()), account);
    }

    /// Changes an account.
    pub fn change(&self, portal: Portal, name: &str, change: impl FnOnce(&mut Account)) {
        if let Some(account) = self.state().accounts.get_mut(&(portal, name.to_owned())) {
            change(account);
        }
    }

    /// Ends the sessions of an account.
    pub fn expire(&self, portal: Portal, name: &str) {
        self.state().sessions.retain(|_, session| session.portal != portal || session.account != name);
    }

    /// How often somebody signed in to an account.
    #[must_use]
    pub fn sign_ins(&self, portal: Portal, name: &str) -> u32 {
        self.state().sign_ins.get(&(portal, name.to_owned())).copied().unwrap_or(0)
    }

    /// How often somebody tried to.
    #[must_use]
    pub fn attempts(&self, portal: Portal, name: &str) -> u32 {
        self.state().attempts.get(&(portal, name.to_owned())).copied().unwrap_or(0)
    }

    /// How many requests came in an account's sessions.
    #[must_use]
    pub fn asked(&self, portal: Portal, name: &str) -> u64 {
        self.state().asked.get(&(portal, name.to_owned())).copied().unwrap_or(0)
    }

    /// How many requests came for a portal.
    #[must_use]
    pub fn requests(&self, portal: Portal) -> u64 {
        self.state().requests.get(&portal).copied().unwrap_or(0)
    }

    /// The records of an account, as they are, in the order of the portal.
    #[must_use]
    pub fn records(&self, portal: Portal, name: &str) -> Vec<Record> {
        let account = self.account(portal, name);
        let (records, first) = account.map_or((0, None), |account| (account.records, account.first));
        let first = first.filter(|_| portal != Portal::Ewmr);
        let listings = match portal {
            Portal::Pwmr => vec![(pwmr::LISTING, records)],
            Portal::Bwmr => vec![(bwmr::LISTING, records)],
            Portal::Ewmr => ewmr::listings(records),
        };
        let of = |(listing, records): (&'static str, u64)| {
            (0..records).map(move |place| portal.record(name, listing, number_at(place, first)))
        };
        listings.into_iter().flat_map(of).collect()
    }

    pub(crate) fn account(&self, portal: Portal, name: &str) -> Option<Account> {
        self.state().accounts.get(&(portal, name.to_owned())).cloned()
    }

    pub(crate) fn count_request(&self, portal: Portal) {
        *self.state().requests.entry(portal).or_default() += 1;
    }

    /// A visitor who sees the form: his cookie and the form's token.
    pub(crate) fn visitor(&self) -> (String, String) {
        let (cookie, token) = (secret(), secret());
        self.state().visitors.insert(cookie.clone(), token.clone());
        (cookie, token)
    }

    /// Whether a form's token is that of this visitor.
    pub(crate) fn is_visitor(&self, cookie: Option<&str>, token: &str) -> bool {
        cookie.is_some_and(|cookie| self.state().visitors.get(cookie).is_some_and(|known| known == token))
    }

    /// Signs in: gives the session's cookie; the account's other sessions end. None if the name and the password are not those of an account.
    pub(crate) fn sign_in(&self, portal: Portal, name: &str, password: &str) -> Option<String> {
        let mut state = self.state();
        let key = (portal, name.to_owned());
        *state.attempts.entry(key.clone()).or_default() += 1;
        state.accounts.get(&key).filter(|account| account.password == password)?;
        *state.sign_ins.entry(key).or_default() += 1;
        state.sessions.retain(|_, session| session.portal != portal || session.account != name);
        let cookie = secret();
        let session = Session { portal, account: name.to_owned(), token: secret(), view_state: None, requests: 0 };
        state.sessions.insert(cookie.clone(), session);
        Some(cookie)
    }

    /// The session that a request is of, and its cookie, if it has not ended.
    pub(crate) fn session(&self, portal: Portal, headers: &HeaderMap, name: &str) -> Option<(String, Session)> {
        let cookie = cookie(headers, name)?.to_owned();
        let mut state = self.state();
        let session = state.sessions.get_mut(&cookie).filter(|session| session.portal == portal)?;
        session.requests += 1;
        let session = session.clone();
        *state.asked.entry((portal, session.account.clone())).or_default() += 1;
        let limit = state.accounts.get(&(portal, session.account.clone()))?.plan.session_requests;
        if limit.is_some_and(|limit| session.requests > limit) {
            state.sessions.remove(&cookie);
            return None;
        }
        Some((cookie, session))
    }

    /// Gives out a view state with a page.
    pub(crate) fn show(&self, cookie: &str, view_state: String, page: u32) {
        if let Some(session) = self.state().sessions.get_mut(cookie) {
            session.view_state = Some((view_state, page));
        }
    }

    pub(crate) fn end(&self, cookie: &str) {
        self.state().sessions.remove(cookie);
    }

    /// What goes wrong with a page of an account.
    pub(crate) fn troubles(&self, portal: Portal, name: &str, page: u32) -> Vec<What> {
        let mut state = self.state();
        let account = state.accounts.get_mut(&(portal, name.to_owned()));
        let Some(account) = account else { return Vec::new() };
        let met = account.plan.meet(page);
        for what in &met {
            if let What::Moves(number) = what {
                account.first = Some(*number);
            }
        }
        met
    }

    /// What is answered instead of a page; `login` is the answer to one who is not signed in, and `own` the page's own address.
    pub(crate) async fn instead(
        &self,
        troubles: &[What],
        cookie: &str,
        own: &str,
        login: impl FnOnce() -> Response,
    ) -> Option<Response> {
        for what in troubles {
            match what {
                What::Slow(millis) => tokio::time::sleep(Duration::from_millis(*millis)).await,
                What::SessionEnds => self.end(cookie),
                _ => {}
            }
        }
        troubles
            .iter()
            .find_map(|what| match what {
                What::LoginForm => Some(None),
                What::Status(code) => Some(Some(status(*code))),
                What::Cut => Some(Some(cut(page(String::new())))),
                What::Elsewhere => Some(Some(to("http://elsewhere.invalid/"))),
                What::Circle => Some(Some(to(own))),
                What::Words => Some(Some(page("Scheduled maintenance. Please come back later.".to_owned()))),
                What::Garbage => Some(Some(page_of([0xff, 0xfe, 0x00, 0xd8, 0x3c].repeat(20_000)))),
                What::Huge => Some(Some(page("<p>more ".repeat(4_000_000)))),
                What::Deep => Some(Some(page("<div><table><tr><td>".repeat(2_500)))),
                _ => None,
            })
            .map(|answer| {
                answer.unwrap_or_else(|| {
                    self.end(cookie);
                    login()
                })
            })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which record stands at a place, where one of them stands first.
pub(crate) fn number_at(place: u64, first: Option<u64>) -> u64 {
    match (first, place) {
        (Some(first), 0) => first,
        (Some(first), place) if place <= first => place - 1,
        (_, place) => place,
    }
}

fn page_of(bytes: Vec<u8>) -> Response {
    let mut answer = page(String::new());
    answer.headers_mut().remove("content-length");
    *answer.body_mut() = bytes.into();
    answer
}

/// Something that nobody can guess.
pub(crate) fn secret() -> String {
    format!("{:032x}", fastrand::u128(..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_is_edited_comes_first_and_the_others_keep_their_order() {
        let order = |first| (0..5).map(|place| number_at(place, first)).collect::<Vec<_>>();
        assert_eq!(order(None), [0, 1, 2, 3, 4]);
        assert_eq!(order(Some(3)), [3, 0, 1, 2, 4]);
        assert_eq!(order(Some(0)), [0, 1, 2, 3, 4]);
    }
}

//! The stand-in as a test speaks to it in its own process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use table::Clock;
use tokio::net::TcpListener;

use crate::account::{Account, key_file};
use crate::plan::{Call, Plan, Running, Trouble};
use crate::resumable::Session;
use crate::server::serve;
use crate::store::{FOLDER, Seen, Store, Wanted};

/// What was asked, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The call.
    pub call: Call,
    /// The status that it was answered with; none if the connection closed instead.
    pub status: Option<u16>,
}

/// A stand-in for Drive. Clones are the same one.
#[derive(Clone)]
pub struct StandIn {
    address: String,
    pub(crate) account: Arc<Mutex<Account>>,
    pub(crate) store: Arc<Mutex<Store>>,
    pub(crate) sessions: Arc<Mutex<HashMap<String, Arc<tokio::sync::Mutex<Session>>>>>,
    plans: Arc<Mutex<Vec<Running>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl StandIn {
    /// One that is reached at `address`, as `http://127.0.0.1:4000`.
    pub fn new(address: String) -> anyhow::Result<Self> {
        let account = Account::new(format!("{address}/token"))?;
        Ok(Self {
            address,
            account: Arc::new(Mutex::new(account)),
            store: Arc::new(Mutex::new(Store::new())),
            sessions: Arc::default(),
            plans: Arc::default(),
            asked: Arc::default(),
        })
    }

    /// Starts one on a free port of this machine; it ends with the runtime.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let stand_in = Self::new(format!("http://{}", listener.local_addr()?))?;
        tokio::spawn(serve(stand_in.clone(), listener));
        Ok(stand_in)
    }

    /// Its base URL.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The key file of the service account that it knows.
    #[must_use]
    pub fn key_file(&self) -> Json {
        key_file(&format!("{}/token", self.address))
    }

    /// An access token, as whoever signs for one gets it.
    #[must_use]
    pub fn token(&self) -> String {
        locked(&self.account).issue(Clock::system().now())
    }

    /// Has something go wrong, besides what was planned before: of two plans for one request the earlier counts.
    pub fn plan(&self, plan: Plan) {
        locked(&self.plans).push(Running::new(plan));
    }

    /// Nothing goes wrong any more.
    pub fn mend(&self) {
        locked(&self.plans).clear();
    }

    /// All files and folders that were made, in that order.
    #[must_use]
    pub fn files(&self) -> Vec<Seen> {
        locked(&self.store).seen()
    }

    /// All that was asked, in the order of the answers.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        locked(&self.asked).clone()
    }

    /// How often this was asked.
    #[must_use]
    pub fn count(&self, call: Call) -> usize {
        locked(&self.asked).iter().filter(|asked| asked.call == call).count()
    }

    /// Makes a folder, as a person would; `None` if there is no such parent.
    #[must_use]
    pub fn folder(&self, name: &str, parent: &str) -> Option<String> {
        let (name, parent) = (name.to_owned(), parent.to_owned());
        let wanted = Wanted { id: None, name, mime_type: Some(FOLDER.to_owned()), parent, app_properties: Map::new() };
        locked(&self.store).create(&wanted, None, true).ok()
    }

    /// Puts a file or folder into the trash, as a person would; says whether there is one.
    #[must_use]
    pub fn trash(&self, id: &str) -> bool {
        locked(&self.store).trash(id, true, true).is_ok()
    }

    /// Deletes a file, or a folder with all that is in it, as a person would; says whether there is one.
    #[must_use]
    pub fn delete(&self, id: &str) -> bool {
        locked(&self.store).delete(id, true).is_ok()
    }

    /// Ends all sessions of uploads, as a week does.
    pub fn expire_sessions(&self) {
        locked(&self.sessions).clear();
    }

    /// Ends all access tokens before their time.
    pub fn revoke_tokens(&self) {
        locked(&self.account).revoke();
    }

    pub(crate) fn trouble(&self, call: Call, about: Option<&str>) -> Option<Trouble> {
        let folders = about.map(|id| locked(&self.store).folders_of(id)).unwrap_or_default();
        locked(&self.plans).iter_mut().find_map(|plan| plan.next(call, &folders))
    }

    pub(crate) fn note(&self, call: Call, status: Option<u16>) {
        locked(&self.asked).push(Asked { call, status });
    }
}

pub(crate) fn locked<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

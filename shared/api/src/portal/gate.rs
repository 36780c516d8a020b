//! The gate of the portal jobs: who is calling is known before anything else is said. Users call by the token that they logged in for, administrators
//! by an operator's key.

use axum::Router;
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use identity::Identity;
use portals::{Caller, Logins};
use secrets::ApiKey;
use table::aws::{SdkConfig, SettingError, dynamodb, setting};
use table::{Clock, Table};

use super::error::Error;
use crate::bare::dress;
use crate::presented::bearer;

/// Where administrators' endpoints are.
const ADMINISTRATION: &str = "/cpcb/admin/";
/// Where nobody need be known: who they are is what they come for.
const LOGIN: &str = "/auth/login";

/// The user who is calling.
#[derive(Clone, Debug)]
pub struct User(pub Caller);

/// An administrator who is calling.
#[derive(Clone, Debug)]
pub struct Administrator {
    /// The id of the key.
    pub key_id: String,
}

impl<S: Send + Sync> FromRequestParts<S> for User {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts.extensions.get().cloned().ok_or_else(Error::unauthorized)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Administrator {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts.extensions.get().cloned().ok_or_else(Error::unauthorized)
    }
}

/// What the gate asks.
#[derive(Clone)]
pub struct Gate {
    /// Whose tokens are good.
    pub logins: Logins,
    /// Whose keys are administrators'.
    pub identity: Identity,
}

impl Gate {
    /// With what the environment names: what [`Logins::from_environment`] reads, and `IDENTITY_TABLE`.
    pub fn from_environment(config: &SdkConfig, clock: &Clock) -> Result<Self, SettingError> {
        let keys = Table::new(dynamodb(config), &setting("IDENTITY_TABLE")?);
        Ok(Self { logins: Logins::from_environment(config, clock)?, identity: Identity::new(keys, clock.clone()) })
    }

    /// The user whose token these headers carry.
    pub async fn user(&self, headers: &HeaderMap) -> Result<User, Error> {
        let token = credential(headers)?;
        self.logins.caller(token).await?.map(User).ok_or_else(Error::unauthorized)
    }

    async fn administrator(&self, headers: &HeaderMap) -> Result<Administrator, Error> {
        let presented = credential(headers)?;
        if !presented.starts_with("sk_") {
            return Err(Error::unauthorized());
        }
        let key = self.identity.find_key(&ApiKey::presented(presented)).await?.ok_or_else(Error::unauthorized)?;
        if key.is_operator { Ok(Administrator { key_id: key.id }) } else { Err(Error::forbidden()) }
    }
}

fn credential(headers: &HeaderMap) -> Result<&str, Error> {
    headers.get(header::AUTHORIZATION).and_then(bearer).ok_or_else(Error::unauthorized)
}

/// Puts the gate before a router: every request to one of its routes but the login's is authenticated before anything else is said.
pub fn gated(router: Router, gate: Gate) -> Router {
    router.layer(from_fn_with_state(gate, admit)).layer(from_fn(|request, next| dress(Error::of_status, request, next)))
}

async fn admit(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let admitted = match request.extensions().get::<MatchedPath>().map(MatchedPath::as_str) {
        // What is at no path needs nobody to be told so.
        None | Some(LOGIN) => Ok(()),
        Some(route) if route.starts_with(ADMINISTRATION) => {
            let admitted = gate.administrator(request.headers()).await;
            admitted.map(|administrator| drop(request.extensions_mut().insert(administrator)))
        }
        Some(_) => {
            let admitted = gate.user(request.headers()).await;
            admitted.map(|user| drop(request.extensions_mut().insert(user)))
        }
    };
    match admitted {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

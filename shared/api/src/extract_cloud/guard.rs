//! The gate of the extraction cloud: every request is authenticated and counted before anything else is said, and every answer leaves
//! in the contract's form.

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, Method};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use identity::{CloudKey, Identity, KeyKind, Session, Sessions};
use parameters::Parameters;
use table::aws::{SdkConfig, SettingError, dynamodb, setting};
use table::{Clock, Table};

use super::caller::Caller;
use super::error::Error;
use super::form::dress;
use super::limits::{class_of, show};
use super::presented::{Presented, is_meant};
use crate::rate_limit::RateLimiter;
use crate::source::source_address;

/// What the gate asks.
#[derive(Clone)]
pub struct Gate {
    /// Who may call.
    pub identity: Identity,
    /// What judges sessions' tokens.
    pub sessions: Sessions,
    /// What counts requests.
    pub limiter: RateLimiter,
    /// The time.
    pub clock: Clock,
}

/// Who a request says is calling, by something that is ours; whether they still may is asked while the request is counted.
enum Claimed {
    Key(Box<CloudKey>),
    Session(Session),
}

impl Gate {
    /// With what the environment names: `IDENTITY_TABLE`, `LIMITS_TABLE`, and `SESSION_KEYS`, the folder of the keys that sessions are signed
    /// with.
    pub fn from_environment(config: &SdkConfig, clock: Clock) -> Result<Self, SettingError> {
        let client = dynamodb(config);
        let table = |name| Ok::<_, SettingError>(Table::new(client.clone(), &setting(name)?));
        Ok(Self {
            identity: Identity::new(table("IDENTITY_TABLE")?, clock.clone()),
            sessions: Sessions::new(Parameters::new(config, setting("SESSION_KEYS")?), clock.clone()),
            limiter: RateLimiter::new(table("LIMITS_TABLE")?, clock.clone()),
            clock,
        })
    }

    async fn claimed(&self, method: &Method, headers: &HeaderMap) -> Result<Claimed, Error> {
        match Presented::by(headers)? {
            Presented::Key(key) => {
                let found = self.identity.find_cloud_key(&key).await?;
                let key = found.filter(|key| key.record.kind == KeyKind::Cloud);
                key.map(Box::new).map(Claimed::Key).ok_or(Error::Authentication("Invalid or expired API key"))
            }
            Presented::Token { token, by_cookie } => {
                let found = self.sessions.verify(token).await.map_err(|error| {
                    tracing::error!(%error, "sessions cannot be judged");
                    Error::Internal
                })?;
                let session = found.ok_or(Error::Authentication("Invalid or expired session"))?;
                if by_cookie && !is_meant(method, headers, &session) {
                    let message = "A browser's session needs its CSRF token in the header X-CSRF-Token";
                    return Err(Error::Authorization(message.to_owned()));
                }
                Ok(Claimed::Session(session))
            }
        }
    }

    /// The caller, if they still may call.
    async fn confirmed(&self, claimed: Claimed) -> Result<Caller, Error> {
        match claimed {
            Claimed::Key(key) => {
                // A note that is not written costs nobody anything.
                if let Some(hash) = &key.unnoted
                    && let Err(error) = self.identity.note_use(hash).await
                {
                    tracing::warn!(%error, "a key's use was not noted");
                }
                Ok(Caller::by_key(*key))
            }
            Claimed::Session(session) => match self.identity.owner_of(&session).await? {
                Some(user) => Ok(Caller::by_session(session, user)),
                None => Err(Error::Authentication("This session was ended")),
            },
        }
    }
}

impl Claimed {
    fn user_id(&self) -> &str {
        match self {
            Self::Key(key) => &key.owner.id,
            Self::Session(session) => &session.user_id,
        }
    }
}

/// Puts the gate before a router. `public` are its routes that need no caller.
pub fn gated(router: Router, gate: Gate, public: &'static [&'static str]) -> Router {
    let clock = gate.clock.clone();
    router.layer(from_fn_with_state((gate, public), admit)).layer(from_fn_with_state(clock, dress))
}

/// Authenticates and counts.
async fn admit(
    State((gate, public)): State<(Gate, &'static [&'static str])>,
    mut request: Request,
    next: Next,
) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let limit = class_of(request.method(), route.as_deref());
    let claimed = match route.as_deref() {
        Some(route) if !public.contains(&route) => gate.claimed(request.method(), request.headers()).await.map(Some),
        _ => Ok(None),
    };
    let subject = match &claimed {
        Ok(Some(claimed)) => format!("USER#{}", claimed.user_id()),
        _ => format!("IP#{}", source_address(&request)),
    };
    let caller = async {
        match claimed? {
            Some(claimed) => gate.confirmed(claimed).await.map(Some),
            None => Ok(None),
        }
    };
    let (decision, caller) = tokio::join!(gate.limiter.admit(&subject, limit), caller);
    let mut response = match caller {
        _ if !decision.allowed => Error::RateLimited(decision.retry_after).into_response(),
        Err(error) => error.into_response(),
        Ok(caller) => {
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            next.run(request).await
        }
    };
    show(decision, response.headers_mut());
    response
}

//! The gate of the extraction cloud: every request is authenticated and counted before anything else is said, and every answer leaves
//! in the contract's form.

use std::time::Duration;

use axum::Router;
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use secrets::ApiKey;
use serde_json::json;
use table::{Clock, TableError};
use telemetry::RequestId;

use super::body::{Unwrapped, write_json};
use super::error::{Error, Unrendered};
use crate::identity::{Identity, KeyKind, KeyRecord, Permission};
use crate::rate_limit::{Decision, RateLimit, RateLimiter};
use crate::source::source_address;

/// The media type by which a caller asks for the general envelope (RULINGS.md, "extract-cloud").
const ENVELOPE: &str = "application/vnd.drover.envelope+json";

const MINUTE: Duration = Duration::from_mins(1);
/// Creating tasks: 30 a minute.
const TASK_CREATION: RateLimit = RateLimit { scope: "task-creation", requests: 30, window: MINUTE };
/// Everything else: 100 a minute.
const GENERAL: RateLimit = RateLimit { scope: "general", requests: 100, window: MINUTE };

/// What the gate asks.
#[derive(Clone, Debug)]
pub struct Gate {
    /// Who keys belong to.
    pub identity: Identity,
    /// What counts requests.
    pub limiter: RateLimiter,
    /// The time.
    pub clock: Clock,
}

/// Who is calling, for handlers to ask for.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The user.
    pub user_id: String,
    permissions: Vec<Permission>,
}

impl Caller {
    /// Goes on only if the caller's key may do this.
    pub fn require(&self, permission: Permission) -> Result<(), Error> {
        if self.permissions.contains(&permission) {
            return Ok(());
        }
        Err(Error::Authorization(format!("This API key lacks the permission {}", permission.as_str())))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts.extensions.get().cloned().ok_or(Error::Authentication("Authentication required"))
    }
}

/// Puts the gate before a router. `public` are its routes that need no key.
pub fn gated(router: Router, gate: Gate, public: &'static [&'static str]) -> Router {
    router.layer(from_fn_with_state((gate.clone(), public), admit)).layer(from_fn_with_state(gate.clock, dress))
}

/// Authenticates and counts.
async fn admit(
    State((gate, public)): State<(Gate, &'static [&'static str])>,
    mut request: Request,
    next: Next,
) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let needs_key = route.as_deref().is_some_and(|route| !public.contains(&route));
    let caller = if needs_key { gate.authenticate(request.headers()).await } else { Ok(None) };
    let subject = match &caller {
        Ok(Some(key)) => format!("KEY#{}", key.id),
        _ => format!("IP#{}", source_address(&request)),
    };
    let limit = match (&caller, request.method(), route.as_deref()) {
        (Ok(Some(_)), &Method::POST, Some("/tasks")) => TASK_CREATION,
        _ => GENERAL,
    };
    // A limiter that fails lets requests pass: a lost count is better than a lost service.
    let decision = gate.limiter.hit(&subject, limit).await;
    if let Err(error) = &decision {
        tracing::warn!(%error, "the request was not counted");
    }
    let decision = decision.ok();
    let mut response = match (caller, decision) {
        (_, Some(decision)) if !decision.allowed => Error::RateLimited(decision.retry_after).into_response(),
        (Err(error), _) => error.into_response(),
        (Ok(key), _) => {
            if let Some(key) = key {
                let caller = Caller { user_id: key.user_id, permissions: key.permissions };
                request.extensions_mut().insert(caller);
            }
            next.run(request).await
        }
    };
    if let Some(decision) = decision {
        show(decision, response.headers_mut());
    }
    response
}

impl Gate {
    async fn authenticate(&self, headers: &HeaderMap) -> Result<Option<KeyRecord>, Error> {
        let presented = headers.get(header::AUTHORIZATION).ok_or(Error::Authentication("Authentication required"))?;
        let invalid = Error::Authentication("Invalid or expired API key");
        let Some(key) = presented.to_str().ok().and_then(bearer) else { return Err(invalid) };
        match self.identity.find_key(&ApiKey::presented(key)).await {
            Ok(Some(key)) if key.kind == KeyKind::Cloud => Ok(Some(key)),
            Ok(_) => Err(invalid),
            Err(error) => Err(unavailable(&error)),
        }
    }
}

fn unavailable(error: &TableError) -> Error {
    tracing::error!(%error, "keys cannot be looked up");
    Error::Internal
}

/// The credentials of a bearer header, if they can be a key: `sk_` and up to 128 visible characters.
fn bearer(header: &str) -> Option<&str> {
    let (scheme, key) = header.split_once(' ')?;
    let key = key.trim();
    let plausible = key.starts_with("sk_") && key.len() <= 128 && key.bytes().all(|byte| byte.is_ascii_graphic());
    (scheme.eq_ignore_ascii_case("bearer") && plausible).then_some(key)
}

fn show(decision: Decision, headers: &mut HeaderMap) {
    for (name, value) in [
        ("x-ratelimit-limit", decision.limit),
        ("x-ratelimit-remaining", decision.remaining),
        ("x-ratelimit-reset", decision.reset_at),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
    }
}

/// Gives every answer the contract's form: errors their body, values their envelope if one was asked for.
async fn dress(State(clock): State<Clock>, request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().cloned().unwrap_or_else(RequestId::generate);
    let accepted = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let enveloped = accepted.is_some_and(|accept| accept.to_ascii_lowercase().contains(ENVELOPE));
    let mut response = next.run(request).await;

    let is_bare =
        response.extensions().get::<Unrendered>().is_none() && response.extensions().get::<Unwrapped>().is_none();
    if is_bare && let Some(error) = Error::of_status(response.status()) {
        response.extensions_mut().insert(Unrendered::from(error));
    }
    let timestamp = clock.now().to_string();
    if let Some(error) = response.extensions_mut().remove::<Unrendered>() {
        let body = json!({
            "error": error.code,
            "message": error.message,
            "details": error.details,
            "timestamp": timestamp,
            "request_id": id.as_str(),
        });
        return write_json(response, &body, "application/json");
    }
    match response.extensions_mut().remove::<Unwrapped>() {
        Some(Unwrapped(value)) if enveloped => {
            let body = json!({"data": value, "timestamp": timestamp, "request_id": id.as_str()});
            write_json(response, &body, ENVELOPE)
        }
        Some(Unwrapped(value)) => write_json(response, &value, "application/json"),
        None => response,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_a_key_is_looked_up() {
        for (header, key) in [
            ("Bearer sk_live_12ab", Some("sk_live_12ab")),
            ("bearer  sk_live_12ab", Some("sk_live_12ab")),
            ("Basic sk_live_12ab", None),
            ("sk_live_12ab", None),
            ("Bearer ", None),
            ("Bearer eyJhbGciOi", None),
            ("Bearer sk_live 12ab", None),
            (&format!("Bearer sk_{}", "a".repeat(126)), None),
        ] {
            assert_eq!(bearer(header), key, "{header}");
        }
    }
}

//! The four classes of the contract's rate limits. A request counts against its user, whatever key or session it came with: so a user's keys
//! do not add up, and none of them can have more than the limit either. It is one write. Whoever is not known counts by their address.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::rate_limit::{Decision, RateLimit};

const MINUTE: Duration = Duration::from_mins(1);
/// Signing in, and who is signed in: 10 a minute.
const AUTHENTICATION: RateLimit = RateLimit { scope: "authentication", requests: 10, window: MINUTE };
/// Creating tasks: 30 a minute.
const TASK_CREATION: RateLimit = RateLimit { scope: "task-creation", requests: 30, window: MINUTE };
/// Subscriptions and invoices: 5 a minute.
const BILLING: RateLimit = RateLimit { scope: "billing", requests: 5, window: MINUTE };
/// Everything else: 100 a minute.
const GENERAL: RateLimit = RateLimit { scope: "general", requests: 100, window: MINUTE };

/// The class of a request, by its method and route; of what is at no route, the general one.
pub(super) fn class_of(method: &Method, route: Option<&str>) -> RateLimit {
    let is_under = |root: &str| {
        let below = route.and_then(|route| route.strip_prefix(root));
        below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
    };
    match route {
        Some("/tasks") if method == Method::POST => TASK_CREATION,
        // What a payment provider tells is no caller's doing.
        _ if is_under("/billing/webhooks") => GENERAL,
        _ if is_under("/billing") => BILLING,
        _ if is_under("/auth") => AUTHENTICATION,
        _ => GENERAL,
    }
}

/// Tells a caller how far from the limit they are.
pub(super) fn show(decision: Decision, headers: &mut HeaderMap) {
    for (name, value) in [
        ("x-ratelimit-limit", decision.limit),
        ("x-ratelimit-remaining", decision.remaining),
        ("x-ratelimit-reset", decision.reset_at),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_has_its_class() {
        for (method, route, class) in [
            (Method::POST, Some("/tasks"), TASK_CREATION),
            (Method::GET, Some("/tasks"), GENERAL),
            (Method::POST, Some("/tasks/{task_id}"), GENERAL),
            (Method::GET, Some("/auth/google"), AUTHENTICATION),
            (Method::PUT, Some("/auth/me"), AUTHENTICATION),
            (Method::GET, Some("/authors"), GENERAL),
            (Method::POST, Some("/api-keys"), GENERAL),
            (Method::GET, Some("/billing/plans"), BILLING),
            (Method::POST, Some("/billing/subscription/cancel"), BILLING),
            (Method::POST, Some("/billing/webhooks/lemon-squeezy"), GENERAL),
            (Method::POST, None, GENERAL),
        ] {
            assert_eq!(class_of(&method, route), class, "{method} {route:?}");
        }
    }
}

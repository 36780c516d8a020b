//! What callers ask of billing.

#![expect(clippy::trivially_copy_pass_by_ref, reason = "the validator's signature")]

use api::extract_cloud::Error;
use extract::Plan;
use garde::Validate;
use input::{form, rules, schema};
use serde::Deserialize;
use serde_json::Value as Json;
use url::{Host, Url};
use utoipa::ToSchema;

#[derive(Deserialize, Validate, ToSchema)]
pub(crate) struct CheckoutForm {
    /// The plan that is bought.
    #[garde(required, inner(custom(paid_plan)))]
    #[schema(schema_with = paid_plans)]
    plan_id: Option<String>,
    /// Where its buyer goes once it is paid.
    #[garde(required, inner(custom(return_address)))]
    #[schema(schema_with = schema::secure_address)]
    success_url: Option<String>,
    /// Lemon Squeezy knows no way back but the browser's: it is checked, and used for nothing.
    #[garde(inner(custom(return_address)))]
    #[schema(schema_with = schema::secure_address)]
    cancel_url: Option<String>,
}

#[derive(Deserialize, Validate, ToSchema)]
pub(crate) struct PlanForm {
    /// The plan that is wanted.
    #[garde(required, inner(custom(paid_plan)))]
    #[schema(schema_with = paid_plans)]
    plan_id: Option<String>,
}

/// The plan that is to be bought, and where its buyer goes once it is paid.
pub(crate) fn checkout(body: &Json) -> Result<(Plan, String), Error> {
    let CheckoutForm { plan_id, success_url, .. } = form(body)?;
    Ok((plan_of(plan_id.as_deref())?, success_url.unwrap_or_default()))
}

/// The plan that is wanted in place of the one that there is.
pub(crate) fn plan(body: &Json) -> Result<Plan, Error> {
    plan_of(form::<PlanForm>(body)?.plan_id.as_deref())
}

fn paid_plans() -> schema::schema::Object {
    schema::one_of([Plan::Professional, Plan::Enterprise].map(Plan::as_str))
}

fn plan_of(name: Option<&str>) -> Result<Plan, Error> {
    let plan = name.and_then(known_plan);
    plan.ok_or_else(|| Error::invalid("plan_id", "is required"))
}

fn known_plan(name: &str) -> Option<Plan> {
    Plan::ALL.into_iter().find(|plan| plan.as_str() == name)
}

fn paid_plan(name: &str, (): &()) -> garde::Result {
    match known_plan(name) {
        None => Err(garde::Error::new("is no plan: GET /billing/plans lists them")),
        Some(Plan::Free) => Err(garde::Error::new(
            "is not bought: POST /billing/subscription/cancel goes back to it at the end of the period",
        )),
        Some(_) => Ok(()),
    }
}

/// Where a browser may be sent: an address over TLS, or of the developer's own machine.
fn return_address(address: &str, (): &()) -> garde::Result {
    rules::web_address(address, &())?;
    let url = Url::parse(address).map_err(|error| garde::Error::new(error.to_string()))?;
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    if url.scheme() == "https" || is_loopback {
        return Ok(());
    }
    Err(garde::Error::new("must begin with https://"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_buyer_comes_back_over_tls_or_to_their_own_machine() {
        for (address, may) in [
            ("https://app.example.com/billing/success?a=b", true),
            ("http://localhost:3000/ok", true),
            ("http://127.0.0.1/ok", true),
            ("http://[::1]:8080/ok", true),
            ("http://app.example.com/", false),
            ("http://localhost.example.com/", false),
            ("http://127.0.0.1.example.com/", false),
            ("https://user:word@example.com/", false),
            ("javascript:alert(1)", false),
            ("//example.com", false),
            ("", false),
        ] {
            let body = json!({"plan_id": "professional", "success_url": address});
            assert_eq!(checkout(&body).is_ok(), may, "{address}");
        }
    }

    #[test]
    fn plans_are_those_that_are_paid() {
        for (id, known) in [
            (json!("professional"), Some(Plan::Professional)),
            (json!("enterprise"), Some(Plan::Enterprise)),
            (json!("free"), None),
            (json!("Enterprise"), None),
            (json!(5), None),
            (json!(null), None),
        ] {
            assert_eq!(plan(&json!({"plan_id": id})).ok(), known, "{id}");
        }
    }
}

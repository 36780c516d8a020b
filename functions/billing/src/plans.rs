//! `GET /billing/plans`: what there is to have.

use api::extract_cloud::Reply;
use axum::extract::State;
use axum::http::StatusCode;
use extract::Plan;
use serde_json::{Value as Json, json};
use subscriptions::Offers;

use crate::App;
use crate::document::ListedPlan;

/// `GET /billing/plans`: the free plan, and those that this deployment sells.
#[utoipa::path(get, path = "/billing/plans", tag = "Billing", security(()), responses((status = 200, body = Vec<ListedPlan>)))]
pub(crate) async fn list(State(app): State<App>) -> Reply<Vec<Json>> {
    let offers = app.subscriptions.offers();
    let plans = Plan::ALL.into_iter().filter(|plan| *plan == Plan::Free || offers.of_plan(*plan).is_some());
    Reply(StatusCode::OK, plans.map(|plan| listed(plan, offers)).collect())
}

fn listed(plan: Plan, offers: &Offers) -> Json {
    let mut view = shown(plan, plan.compute_units(), offers);
    view["tier"] = json!(tier(plan));
    view["billing_interval"] = json!("monthly");
    view
}

/// A plan as a part of somebody's subscription, with the units that they have of it. One that is not sold costs nothing.
pub(crate) fn shown(plan: Plan, units: u64, offers: &Offers) -> Json {
    json!({
        "id": plan.as_str(),
        "name": name(plan),
        "price": offers.of_plan(plan).map_or(0.0, |offer| offer.price),
        "currency": "USD",
        "compute_units_limit": units,
        "features": features(plan),
    })
}

const fn name(plan: Plan) -> &'static str {
    match plan {
        Plan::Free => "Free",
        Plan::Professional => "Professional",
        Plan::Enterprise => "Enterprise",
    }
}

const fn tier(plan: Plan) -> &'static str {
    match plan {
        Plan::Free => "free",
        Plan::Professional => "pro",
        Plan::Enterprise => "enterprise",
    }
}

fn features(plan: Plan) -> Vec<String> {
    let more: &[&str] = match plan {
        Plan::Free => &["Basic scraping only", "Community support"],
        Plan::Professional => &["Advanced scraping features", "API access", "Email support"],
        Plan::Enterprise => &["Advanced scraping features", "API access", "Priority support"],
    };
    let units = format!("{} compute units/month", thousands(plan.compute_units()));
    let tasks = format!("Up to {} concurrent tasks", plan.concurrent_tasks());
    [units, tasks].into_iter().chain(more.iter().map(|feature| (*feature).to_owned())).collect()
}

/// A number as it is read in English: `10,000`.
fn thousands(number: u64) -> String {
    match (number / 1_000, number % 1_000) {
        (0, rest) => rest.to_string(),
        (thousand, rest) => format!("{},{rest:03}", thousands(thousand)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_listed_as_the_contract_has_them() {
        let offers: Offers = "professional=12@29.99".parse().unwrap();
        let expected = json!({
            "id": "professional",
            "name": "Professional",
            "tier": "pro",
            "price": 29.99,
            "currency": "USD",
            "compute_units_limit": 10_000,
            "features": [
                "10,000 compute units/month",
                "Up to 5 concurrent tasks",
                "Advanced scraping features",
                "API access",
                "Email support",
            ],
            "billing_interval": "monthly",
        });
        assert_eq!(listed(Plan::Professional, &offers), expected);
        assert_eq!(
            (thousands(7), thousands(1_000), thousands(1_234_005)),
            ("7".into(), "1,000".into(), "1,234,005".into())
        );
    }
}

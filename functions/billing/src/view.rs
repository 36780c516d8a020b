//! A subscription as the contract shows it.

use extract::{CloudAccount, Plan};
use lemon_squeezy::SubscriptionStatus;
use serde_json::{Value as Json, json};
use subscriptions::{Billing, Offers, Subscription};

use crate::plans::shown;

/// All of a user's subscription: `{"subscription", "plan", "usage", "billing"}`.
pub(crate) fn overview(billing: &Billing, account: &CloudAccount, offers: &Offers) -> Json {
    let current = current(billing, offers);
    let state = current.and_then(|known| known.state.as_ref());
    let collects = |status| {
        matches!(status, SubscriptionStatus::OnTrial | SubscriptionStatus::Active | SubscriptionStatus::PastDue)
    };
    let next = state.filter(|state| collects(state.status)).and_then(|state| state.renews_at);
    let card = state.and_then(|state| state.card.as_deref()).filter(|card| !card.is_empty());
    let (used, limit) = (account.account.units_used, account.period.units_limit);
    json!({
        "subscription": current.and_then(|known| subscription(known, offers)).unwrap_or_else(|| none(account)),
        "plan": shown(account.period.plan, limit, offers),
        "usage": {
            "compute_units_used": used,
            "compute_units_remaining": account.account.units_available.max(0),
            "compute_units_limit": limit,
            "usage_percentage": percentage(used, limit),
        },
        "billing": {
            "next_billing_date": next.map(|at| at.to_string()),
            "payment_method": card.map(|digits| format!("card_ending_{digits}")),
        },
    })
}

/// The subscription that counts, as long as it has not ended.
pub(crate) fn current<'known>(billing: &'known Billing, offers: &Offers) -> Option<&'known Subscription> {
    let is_live =
        |known: &&Subscription| known.state.as_ref().is_some_and(|state| state.status != SubscriptionStatus::Expired);
    billing.current(offers).filter(is_live)
}

/// A subscription.
pub(crate) fn subscription(known: &Subscription, offers: &Offers) -> Option<Json> {
    let (state, (start, end)) = (known.state.as_ref()?, known.period()?);
    Some(json!({
        "id": known.id.to_string(),
        "plan_id": offers.plan_of(state.variant).map(Plan::as_str),
        "status": state.status.as_str(),
        "current_period_start": start.to_string(),
        "current_period_end": end.to_string(),
        "cancel_at_period_end": state.status == SubscriptionStatus::Cancelled,
    }))
}

/// In place of a subscription where there is none.
fn none(account: &CloudAccount) -> Json {
    let period = &account.period;
    json!({
        "id": null,
        "plan_id": period.plan.as_str(),
        "status": "active",
        "current_period_start": period.period_start.to_string(),
        "current_period_end": period.period_end.to_string(),
        "cancel_at_period_end": false,
    })
}

/// How much of the limit is used, in percent, to two places.
fn percentage(used: i64, limit: u64) -> f64 {
    let hundredths = u64::try_from(used).unwrap_or(0).saturating_mul(10_000) / limit.max(1);
    f64::from(u32::try_from(hundredths).unwrap_or(u32::MAX)) / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_of_the_limit() {
        for (used, limit, percent) in
            [(2_500, 10_000, 25.0), (0, 10_000, 0.0), (1, 30_000, 0.0), (1, 3, 33.33), (5, 0, 500.0), (-1, 3, 0.0)]
        {
            assert!((percentage(used, limit) - percent).abs() < f64::EPSILON, "{used} of {limit}");
        }
    }
}

//! What a user's subscriptions make of their account. Pure, and a function of what is known, not of the order in which it became known:
//!
//! - A payment begins a period, once, of the plan that its subscription is to.
//! - A plan is had while its subscription is paid for: `active`, `past_due` (as long as Lemon Squeezy tries again), `on_trial`; when `cancelled` or
//!   `paused`, to the end of what is paid; not when `unpaid` or `expired`, nor when what was paid has gone back.
//! - Whoever has no plan any more is on the free one, for the rest of the period and then for months of its own.
//! - Of several subscriptions the one to the largest plan counts, and of those the newest.

use extract::{CloudAccount, Period, Plan};
use lemon_squeezy::SubscriptionStatus;
use table::Millis;

use crate::billing::{Billing, Payment, State, Subscription};
use crate::offers::Offers;

/// What becomes of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    /// Nothing.
    Stay,
    /// This period begins.
    Begin(Period),
    /// The period goes on, on these terms.
    Change(Period),
}

/// A subscription of which both is known, how it stands and what was paid.
#[derive(Clone, Copy)]
struct Paid<'known> {
    id: u64,
    state: &'known State,
    payment: &'known Payment,
    /// The plan that is had; the free one if none is.
    plan: Plan,
}

impl Subscription {
    /// When the period that was paid last began, and when it ends; of one that is not known to be paid, until when it is renewed.
    #[must_use]
    pub fn period(&self) -> Option<(Millis, Millis)> {
        let state = self.state.as_ref()?;
        let start = self.payment.as_ref().map_or(state.updated_at, |payment| payment.created_at);
        Some((start, end_of(state, start)))
    }
}

impl Billing {
    /// The subscription to speak of: the one that gives a plan; if none does the newest that has not ended, or else that has.
    #[must_use]
    pub fn current(&self, offers: &Offers) -> Option<&Subscription> {
        let giving = self.counting(offers).filter(|paid| paid.plan != Plan::Free).map(|paid| paid.id);
        let newest = |wanted: fn(&State) -> bool| {
            let found = self.subscriptions.iter().rev().find(|known| known.state.as_ref().is_some_and(wanted));
            found.map(|known| known.id)
        };
        let id = giving
            .or_else(|| newest(|state| state.status != SubscriptionStatus::Expired))
            .or_else(|| newest(|_| true))?;
        self.subscriptions.iter().find(|known| known.id == id)
    }

    /// What becomes of the account. If a period begins, that is noted of its payment.
    pub(crate) fn settle(&mut self, account: &CloudAccount, offers: &Offers) -> Move {
        let Some(paid) = self.counting(offers) else { return Move::Stay };
        let (id, period, used) = (paid.id, period_of(&paid), paid.payment.used);
        if !used {
            for known in self.subscriptions.iter_mut().filter(|known| known.id == id) {
                if let Some(payment) = &mut known.payment {
                    payment.used = true;
                }
            }
            return Move::Begin(period);
        }
        // A period that nobody paid for, begun since: what was paid is over.
        let is_of_payment = |known: &Subscription| {
            known.payment.as_ref().is_some_and(|payment| payment.reference() == account.period.reference)
        };
        if !self.subscriptions.iter().any(is_of_payment) {
            return Move::Stay;
        }
        // The account may be in a period of another subscription, which this one takes on.
        let terms =
            Period { reference: account.period.reference.clone(), period_start: account.period.period_start, ..period };
        if terms == account.period { Move::Stay } else { Move::Change(terms) }
    }

    fn counting(&self, offers: &Offers) -> Option<Paid<'_>> {
        let paid = self.subscriptions.iter().filter_map(|known| {
            let (state, payment) = (known.state.as_ref()?, known.payment.as_ref()?);
            let bought = offers.plan_of(state.variant).unwrap_or(Plan::Free);
            let is_had = is_had(state.status) && !self.is_refunded(state, payment);
            Some(Paid { id: known.id, state, payment, plan: if is_had { bought } else { Plan::Free } })
        });
        paid.max_by_key(|paid| (paid.plan.compute_units(), paid.id))
    }
}

const fn is_had(status: SubscriptionStatus) -> bool {
    match status {
        SubscriptionStatus::OnTrial
        | SubscriptionStatus::Active
        | SubscriptionStatus::PastDue
        | SubscriptionStatus::Paused
        | SubscriptionStatus::Cancelled => true,
        SubscriptionStatus::Unpaid | SubscriptionStatus::Expired => false,
    }
}

/// The period that a payment is for, as its subscription stands.
fn period_of(paid: &Paid<'_>) -> Period {
    let (start, status) = (paid.payment.created_at, paid.state.status);
    let goes_on =
        matches!(status, SubscriptionStatus::OnTrial | SubscriptionStatus::Active | SubscriptionStatus::PastDue);
    let then = (paid.plan == Plan::Free || !goes_on).then_some(Plan::Free);
    Period::paid(paid.payment.reference(), paid.plan, start, end_of(paid.state, start), then)
}

/// When the period ends that began at `start`. When the next attempt to collect a payment is made says nothing of it.
fn end_of(state: &State, start: Millis) -> Millis {
    let told = match state.status {
        SubscriptionStatus::Cancelled | SubscriptionStatus::Expired => state.ends_at,
        SubscriptionStatus::OnTrial | SubscriptionStatus::Active => state.renews_at,
        SubscriptionStatus::PastDue | SubscriptionStatus::Paused | SubscriptionStatus::Unpaid => None,
    };
    told.filter(|end| *end > start).unwrap_or_else(|| start.after_months(1))
}

#[cfg(test)]
mod tests;

//! What is known of a user's subscriptions. Whatever is told is merged by when Lemon Squeezy says that it was so, not by when it came: what was told
//! in any order, and however often, is known the same in the end.

use extract::account_key;
use lemon_squeezy::SubscriptionStatus;
use serde::{Deserialize, Serialize};
use table::{Condition, Key, Millis};

use crate::events::Fact;

/// How many subscriptions of a user are known, and how many orders that were refunded: those with the highest numbers, which are the newest.
const MOST: usize = 20;

/// All that is known of a user's subscriptions, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Billing {
    #[serde(flatten)]
    key: Key,
    /// How often it was written; 0 if it was not.
    revision: u64,
    /// The subscriptions, the oldest first.
    pub subscriptions: Vec<Subscription>,
    /// The orders of which all has gone back.
    refunded_orders: Vec<u64>,
}

/// What is known of a subscription. Its payment may be known before it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// By which Lemon Squeezy knows it.
    pub id: u64,
    /// How it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// The last payment that began a period of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<Payment>,
}

/// How a subscription stands. Of two states the greater is the newer one. Lemon Squeezy counts in seconds: of two in the same second it is the one that
/// is renewed for longer, or further in its life.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct State {
    /// Since when it is so.
    pub updated_at: Millis,
    /// When the next payment is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renews_at: Option<Millis>,
    /// What Lemon Squeezy calls it.
    pub status: SubscriptionStatus,
    /// When it ends, of one that does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Millis>,
    /// What is subscribed to.
    pub variant: u64,
    /// Who pays.
    pub customer: u64,
    /// The order that it began with.
    pub order: u64,
    /// The last digits of the card, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<String>,
}

/// A payment that began a period. Of two the greater is the newer one; of the same payment what is known last, that it went back before that it came.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Payment {
    /// When its invoice was made: when the period began.
    pub created_at: Millis,
    /// The invoice.
    pub invoice: u64,
    /// Since when it is so.
    pub updated_at: Millis,
    /// Whether all of it has gone back.
    pub refunded: bool,
    /// Whether it is the first of its subscription, and so its order's.
    pub initial: bool,
    /// Whether its period was begun.
    #[serde(default)]
    pub used: bool,
}

impl State {
    /// How Lemon Squeezy says that it stands.
    #[must_use]
    pub fn of(told: &lemon_squeezy::Subscription) -> Self {
        Self {
            updated_at: told.updated_at,
            renews_at: told.renews_at,
            status: told.status,
            ends_at: told.ends_at,
            variant: told.variant_id,
            customer: told.customer_id,
            order: told.order_id,
            card: told.card_last_four.clone(),
        }
    }
}

impl Payment {
    /// What its period is called.
    #[must_use]
    pub fn reference(&self) -> String {
        format!("invoice-{}", self.invoice)
    }
}

impl Billing {
    /// A user's, of whom nothing is known.
    #[must_use]
    pub fn of(user: &str) -> Self {
        Self { key: billing_key(user), revision: 0, subscriptions: Vec::new(), refunded_orders: Vec::new() }
    }

    /// Merges a fact.
    pub fn note(&mut self, fact: &Fact) {
        match fact {
            Fact::State(id, state) => {
                if let Some(known) = self.subscription(*id) {
                    known.state = known.state.take().max(Some(state.clone()));
                }
            }
            Fact::Payment(id, payment) => {
                if let Some(known) = self.subscription(*id) {
                    known.payment = Some(newer(known.payment.take(), payment.clone()));
                }
            }
            Fact::OrderRefunded(order) => {
                if let Err(place) = self.refunded_orders.binary_search(order) {
                    self.refunded_orders.insert(place, *order);
                    keep_the_newest(&mut self.refunded_orders);
                }
            }
        }
    }

    /// The subscription, known from now on; none if it is older than all of very many.
    fn subscription(&mut self, id: u64) -> Option<&mut Subscription> {
        if let Err(place) = self.subscriptions.binary_search_by_key(&id, |known| known.id) {
            self.subscriptions.insert(place, Subscription { id, state: None, payment: None });
            keep_the_newest(&mut self.subscriptions);
        }
        let place = self.subscriptions.binary_search_by_key(&id, |known| known.id).ok()?;
        self.subscriptions.get_mut(place)
    }

    /// Whether what a subscription's period was begun with has gone back.
    pub(crate) fn is_refunded(&self, state: &State, payment: &Payment) -> bool {
        payment.refunded || (payment.initial && self.refunded_orders.contains(&state.order))
    }

    /// It with the next revision, and the condition under which it is written: that it is still as it was read.
    pub(crate) fn revised(mut self) -> (Self, Condition) {
        let unchanged = match self.revision {
            0 => Condition::Absent("pk"),
            revision => Condition::equal("revision", revision),
        };
        self.revision += 1;
        (self, unchanged)
    }
}

/// The newer payment; of the same, that its period was begun stays known.
fn newer(known: Option<Payment>, told: Payment) -> Payment {
    let Some(known) = known else { return told };
    let (same, used) = (known.invoice == told.invoice, known.used);
    let newer = Payment { used: false, ..known }.max(Payment { used: false, ..told });
    let is_known = same || newer.invoice == known.invoice;
    Payment { used: used && is_known, ..newer }
}

fn keep_the_newest<T>(sorted: &mut Vec<T>) {
    let surplus = sorted.len().saturating_sub(MOST);
    sorted.drain(..surplus);
}

pub(crate) fn billing_key(user: &str) -> Key {
    Key::new(account_key(user).pk, "BILLING")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payment(invoice: u64, created: u64, updated: u64) -> Payment {
        let (created_at, updated_at) = (Millis(created), Millis(updated));
        Payment { created_at, invoice, updated_at, refunded: false, initial: false, used: false }
    }

    #[test]
    fn a_period_that_was_begun_stays_so_until_another_payment_comes() {
        let used = Payment { used: true, ..payment(1, 10, 11) };
        let refunded = Payment { refunded: true, ..payment(1, 10, 20) };
        for (known, told, expected) in [
            (used.clone(), payment(1, 10, 11), used.clone()),
            (used.clone(), refunded.clone(), Payment { used: true, ..refunded.clone() }),
            (used.clone(), payment(2, 30, 31), payment(2, 30, 31)),
            (used.clone(), payment(0, 5, 50), used.clone()),
            (refunded.clone(), payment(1, 10, 11), refunded.clone()),
        ] {
            assert_eq!(newer(Some(known.clone()), told.clone()), expected, "{known:?} {told:?}");
        }
    }

    #[test]
    fn of_very_many_subscriptions_the_newest_are_known_in_whichever_order_they_came() {
        let note = |ids: &[u64]| {
            let mut billing = Billing::of("u");
            for id in ids {
                billing.note(&Fact::Payment(*id, payment(*id, *id, *id)));
                billing.note(&Fact::OrderRefunded(*id));
            }
            billing
        };
        let up: Vec<_> = (1..=25).collect();
        let down: Vec<_> = (1..=25).rev().collect();
        assert_eq!(note(&up), note(&down));
        assert_eq!(note(&up).subscriptions.iter().map(|known| known.id).collect::<Vec<_>>(), up[5..]);
    }
}

//! Events of Lemon Squeezy's: what each says, and how it is recorded, once, with all that follows from it, in one transaction.

use std::time::Duration;

use extract::{CloudAccount, Plan};
use lemon_squeezy::webhook::{Event, Subject};
use lemon_squeezy::{BillingReason, InvoiceStatus};
use serde::{Deserialize, Serialize};
use table::{Condition, Key, Millis, TableError, Transaction};

use crate::billing::{Billing, Payment, State};
use crate::checkouts::CHECKOUT;
use crate::records::Subscriptions;
use crate::standing::Move;

/// How long it is known that an event was recorded. What comes again after that changes nothing either: what it says is old.
const KEPT: Duration = Duration::from_hours(400 * 24);
/// How often an event is tried to be recorded while the account moves.
const RACES: u32 = 20;

/// What an event says that matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// How a subscription stands.
    State(u64, State),
    /// That a subscription's period was paid, or that the payment went back.
    Payment(u64, Payment),
    /// That all of an order went back.
    OrderRefunded(u64),
}

/// What came of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It is recorded, with what follows from it.
    Now {
        /// Whose tasks may begin because of it: their group (`jobs::Jobs::wake`).
        group: String,
        /// How many more of them run at once than before.
        more_slots: u32,
    },
    /// It was recorded before: nothing was done.
    Before,
    /// It says nothing that matters.
    Nothing,
    /// It is of a checkout that is none of ours.
    Nobodys,
    /// It is of a user who has no account: any more, or yet.
    NoAccount,
}

/// That an event was recorded.
#[derive(Serialize, Deserialize)]
struct Record {
    #[serde(flatten)]
    key: Key,
    event: String,
    recorded_at: Millis,
    /// Seconds since the epoch: when DynamoDB may delete it.
    expires_at: u64,
}

impl Fact {
    /// What an event says, if it matters: most events repeat what another one says.
    #[must_use]
    pub fn of(event: &Event) -> Option<Self> {
        match &event.subject {
            Subject::Subscription(subscription) => {
                let state = State::of(&subscription.attributes);
                Some(Self::State(subscription.number()?, state))
            }
            Subject::Invoice(invoice) => {
                let told = &invoice.attributes;
                let begins = matches!(told.billing_reason, BillingReason::Initial | BillingReason::Renewal);
                let was_paid =
                    matches!(told.status, InvoiceStatus::Paid | InvoiceStatus::Refunded | InvoiceStatus::PartialRefund);
                let payment = Payment {
                    created_at: told.created_at,
                    invoice: invoice.number()?,
                    updated_at: told.updated_at,
                    refunded: told.status == InvoiceStatus::Refunded,
                    initial: told.billing_reason == BillingReason::Initial,
                    used: false,
                };
                (begins && was_paid).then_some(Self::Payment(told.subscription_id, payment))
            }
            Subject::Order(order) => {
                let number = order.number()?;
                order.attributes.is_refunded().then_some(Self::OrderRefunded(number))
            }
            Subject::Other => None,
        }
    }
}

impl Subscriptions {
    /// Records an event whose signature is right, by the `fingerprint` of its body. What it says, what that makes of the account, the entries of the
    /// ledger, and that it was recorded, are one transaction: twice at once, or tried again, it is done once.
    pub async fn record(&self, event: &Event, fingerprint: &str) -> Result<Recorded, TableError> {
        let Some(fact) = Fact::of(event) else { return Ok(Recorded::Nothing) };
        let Some(checkout) = event.custom(CHECKOUT) else { return Ok(Recorded::Nobodys) };
        let Some(owner) = self.owner_of(checkout).await? else { return Ok(Recorded::Nobodys) };
        for race in 0..RACES {
            let (billing, account) =
                tokio::try_join!(self.billing(&owner.user_id), self.accounts.stored(&owner.user_id))?;
            let Some(account) = account else {
                tracing::error!(user_id = owner.user_id, "somebody pays who has no account");
                return Ok(Recorded::NoAccount);
            };
            let now = self.clock.now();
            let record = Record {
                key: Key::new(account.key.pk.as_str(), format!("EVENT#{fingerprint}")),
                event: event.name.clone(),
                recorded_at: now,
                expires_at: now.after(KEPT).epoch_seconds(),
            };
            let mut transaction = Transaction::new().put(&self.table, &record, &Condition::Absent("pk"))?;
            let (with_fact, more_slots) = self.with_fact(transaction, &fact, &billing, &account, (fingerprint, now))?;
            transaction = with_fact;
            if owner.is_unpaid() {
                transaction = transaction.update(&self.table, &owner.key, owner.kept())?;
            }
            match transaction.commit(&self.table).await {
                Ok(()) => return Ok(Recorded::Now { group: account.key.pk, more_slots }),
                Err(TableError::ConditionFailed(failed)) => {
                    if failed.first().is_some_and(Option::is_some) {
                        return Ok(Recorded::Before);
                    }
                }
                Err(error) => return Err(error),
            }
            tokio::time::sleep(Duration::from_millis(u64::from(10 * race)).mul_f64(fastrand::f64())).await;
        }
        Err(TableError::Unavailable("the account changes faster than an event of it can be recorded".to_owned()))
    }

    /// Adds what a fact changes, if it changes anything; and how many more tasks may run then.
    fn with_fact(
        &self,
        transaction: Transaction,
        fact: &Fact,
        known: &Billing,
        account: &CloudAccount,
        (fingerprint, now): (&str, Millis),
    ) -> Result<(Transaction, u32), TableError> {
        let mut billing = known.clone();
        billing.note(fact);
        let more = |plan: Plan| {
            let more = i64::from(plan.concurrent_tasks()) - account.account.slots.slots;
            u32::try_from(more).unwrap_or(0)
        };
        let (change, more_slots) = match billing.settle(account, &self.offers) {
            Move::Stay => (None, 0),
            Move::Begin(period) => (Some(account.begin(&period, now)), more(period.plan)),
            Move::Change(terms) => {
                (Some(account.change_terms(&terms, &format!("event-{fingerprint}"), now)), more(terms.plan))
            }
        };
        if billing == *known && change.is_none() {
            return Ok((transaction, 0));
        }
        let (billing, unchanged) = billing.revised();
        let transaction = transaction.put(&self.table, &billing, &unchanged)?;
        match change {
            Some(change) => Ok((change.add_to(transaction, &self.table)?, more_slots)),
            None => Ok((transaction, 0)),
        }
    }
}

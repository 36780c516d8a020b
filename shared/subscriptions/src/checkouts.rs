//! Checkouts: whose each is, by a reference that only Lemon Squeezy is told, and which one a user has begun, so that who asks twice gets the same.

use std::time::Duration;

use extract::{Plan, account_key};
use serde::{Deserialize, Serialize};
use table::{Condition, Key, Millis, TableError, Update, decode, new_nonce};

use crate::records::Subscriptions;

/// Under which name a checkout's reference stands among the data that its events carry.
pub const CHECKOUT: &str = "checkout";
/// How long a checkout can be paid.
const PAYABLE: Duration = Duration::from_hours(24);
/// For how long who asks for the same again is given the same: it can be paid for long enough after.
const SAME: Duration = Duration::from_hours(1);
/// How long the owner of a checkout is known that nobody has paid. Its first event comes within hours of the payment, or whenever an operator has Lemon Squeezy
/// send it again.
const OWNED: Duration = Duration::from_hours(90 * 24);

/// Whose a checkout is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Owner {
    #[serde(flatten)]
    pub(crate) key: Key,
    pub(crate) user_id: String,
    /// Seconds since the epoch: when DynamoDB may delete it. None once it was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<u64>,
}

impl Owner {
    pub(crate) const fn is_unpaid(&self) -> bool {
        self.expires_at.is_some()
    }

    /// Keeps it for ever: later events carry the same reference.
    pub(crate) fn kept(&self) -> Update {
        Update::new().remove("expires_at").when(Condition::equal("user_id", self.user_id.as_str()))
    }
}

/// A checkout that was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    #[serde(flatten)]
    key: Key,
    plan: Plan,
    success_url: String,
    made_at: Millis,
    /// By which Lemon Squeezy knows it.
    pub checkout_id: String,
    /// Where it is paid.
    pub url: String,
    /// Seconds since the epoch: when DynamoDB may delete it.
    expires_at: u64,
}

/// The checkout for what a user asks for.
#[derive(Clone, Debug)]
pub enum Checkout {
    /// The one that they have just begun, for the same.
    Begun(Begun),
    /// A new one, which Lemon Squeezy is to be asked for.
    New(CheckoutRequest),
}

/// A checkout that Lemon Squeezy is to be asked for.
#[derive(Clone, Debug)]
pub struct CheckoutRequest {
    /// The reference that its events carry.
    pub reference: String,
    /// Until when it can be paid.
    pub payable_until: Millis,
    user: String,
    plan: Plan,
    success_url: String,
    /// What was begun before, and is over or of something else.
    before: Option<Begun>,
}

impl Subscriptions {
    /// The checkout for the same that the user has just begun, or a new one to ask Lemon Squeezy for.
    pub async fn checkout(&self, user: &str, plan: Plan, success_url: &str) -> Result<Checkout, TableError> {
        let (before, now) = (self.table.get::<Begun>(&begun_key(user)).await?, self.clock.now());
        if let Some(begun) = before.as_ref().filter(|begun| begun.is_for(plan, success_url, now)) {
            return Ok(Checkout::Begun(begun.clone()));
        }
        let reference = new_nonce();
        let owner = Owner {
            key: owner_key(&reference),
            user_id: user.to_owned(),
            expires_at: Some(now.after(OWNED).epoch_seconds()),
        };
        // Before there is anything to pay: no payment is without its owner.
        self.table.put(&owner, Condition::Absent("pk")).await?;
        Ok(Checkout::New(CheckoutRequest {
            reference,
            payable_until: now.after(PAYABLE),
            user: user.to_owned(),
            plan,
            success_url: success_url.to_owned(),
            before,
        }))
    }

    /// Remembers the checkout that was made. Of several that were asked for at once the first is everybody's: the others nobody sees, so nobody pays them.
    pub async fn begun(&self, request: CheckoutRequest, checkout_id: String, url: String) -> Result<Begun, TableError> {
        let CheckoutRequest { payable_until, user, plan, success_url, before, .. } = request;
        let now = self.clock.now();
        let begun = Begun {
            key: begun_key(&user),
            plan,
            success_url,
            made_at: now,
            checkout_id,
            url,
            expires_at: payable_until.epoch_seconds(),
        };
        let unchanged = match &before {
            None => Condition::Absent("pk"),
            Some(before) => Condition::equal("checkout_id", before.checkout_id.as_str()),
        };
        match self.table.put(&begun, unchanged).await {
            Ok(()) => Ok(begun),
            Err(TableError::ConditionFailed(told)) => {
                let found = self.table.refused(&begun.key, told).await?.map(decode::<Begun>).transpose()?;
                Ok(found.filter(|found| found.is_for(plan, &begun.success_url, now)).unwrap_or(begun))
            }
            Err(error) => Err(error),
        }
    }

    /// Whose a checkout is.
    pub(crate) async fn owner_of(&self, reference: &str) -> Result<Option<Owner>, TableError> {
        // DynamoDB takes no key that is longer, and no reference of ours is.
        if reference.len() > new_nonce().len() {
            return Ok(None);
        }
        self.table.get(&owner_key(reference)).await
    }
}

impl Begun {
    fn is_for(&self, plan: Plan, success_url: &str, now: Millis) -> bool {
        self.plan == plan && self.success_url == success_url && now < self.made_at.after(SAME)
    }
}

fn owner_key(reference: &str) -> Key {
    Key::new(format!("CHECKOUT#{reference}"), "OWNER")
}

fn begun_key(user: &str) -> Key {
    Key::new(account_key(user).pk, "CHECKOUT")
}

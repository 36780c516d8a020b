//! The transitions of a leased item: when each is allowed, and what it changes.

use std::time::Duration;

use table::{Condition, Millis, Update};

/// By what a holder is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder<'name> {
    /// The fencing token of the claim.
    Token(u64),
    /// The name that claimed: for callers who kept no token. It cannot tell two claims of one name apart.
    Owner(&'name str),
}

impl From<u64> for Holder<'_> {
    fn from(token: u64) -> Self {
        Self::Token(token)
    }
}

/// From when on a released item may be claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Available {
    /// From this moment on.
    From(Millis),
    /// At once, in the order of this attribute among all that are free: a number that is no moment yet to come.
    InOrderOf(&'static str),
    /// Never again.
    Never,
}

impl From<Option<Millis>> for Available {
    fn from(moment: Option<Millis>) -> Self {
        moment.map_or(Self::Never, Self::From)
    }
}

/// Takes the item: if its time has come, whoever held it before.
#[must_use]
pub fn claim(now: Millis, owner: &str, duration: Duration, nonce: &str) -> Update {
    Update::new()
        .set("lease_owner", owner)
        .set("claimable_at", now.after(duration))
        .add("lease_token", 1)
        .set("lease_nonce", nonce)
        .when(Condition::at_most("claimable_at", now))
}

/// Keeps the item until `until`. A lease that has run out can be renewed as long as nobody else has claimed the item. A renewal never
/// shortens a lease: so one that arrives late, after a newer one, changes nothing.
#[must_use]
pub fn renew<'name>(holder: impl Into<Holder<'name>>, until: Millis) -> Update {
    Update::new().set("claimable_at", until).when(held(holder)).when(Condition::at_most("claimable_at", until))
}

/// Gives the item back.
#[must_use]
pub fn release<'name>(holder: impl Into<Holder<'name>>, available: impl Into<Available>, nonce: &str) -> Update {
    let release = Update::new().remove("lease_owner").set("lease_nonce", nonce).when(held(holder));
    match available.into() {
        Available::From(moment) => release.set("claimable_at", moment),
        Available::InOrderOf(attribute) => release.copy("claimable_at", attribute),
        Available::Never => release.remove("claimable_at"),
    }
}

/// Takes the item from whoever holds it, for good: nobody can claim it any more. Nothing is to be taken from what nobody can claim already.
#[must_use]
pub fn withdraw(nonce: &str) -> Update {
    Update::new()
        .remove("lease_owner")
        .remove("claimable_at")
        .set("lease_nonce", nonce)
        .when(Condition::Exists("claimable_at"))
}

/// Lets an item be claimed from a moment on that nobody can claim.
#[must_use]
pub fn offer(from: Millis, nonce: &str) -> Update {
    Update::new().set("claimable_at", from).set("lease_nonce", nonce).when(Condition::Absent("claimable_at"))
}

/// Holds for this holder, until it has released the item or somebody else has claimed it.
#[must_use]
pub fn held<'name>(holder: impl Into<Holder<'name>>) -> Condition {
    match holder.into() {
        Holder::Token(token) => {
            Condition::All(vec![Condition::equal("lease_token", token), Condition::Exists("lease_owner")])
        }
        Holder::Owner(name) => Condition::equal("lease_owner", name),
    }
}

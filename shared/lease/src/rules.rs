//! The transitions of a leased item: when each is allowed, and what it changes.

use std::time::Duration;

use table::{Condition, Millis, Update};

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
pub fn renew(token: u64, until: Millis) -> Update {
    Update::new().set("claimable_at", until).when(held(token)).when(Condition::at_most("claimable_at", until))
}

/// Gives the item back, to be claimed from `claimable_at` on, or never again.
#[must_use]
pub fn release(token: u64, claimable_at: Option<Millis>, nonce: &str) -> Update {
    Update::new()
        .remove("lease_owner")
        .set("lease_nonce", nonce)
        .set_or_remove("claimable_at", claimable_at)
        .when(held(token))
}

/// Holds for the holder of this token, until it has released the item or somebody else has claimed it.
#[must_use]
pub fn held(token: u64) -> Condition {
    Condition::All(vec![Condition::equal("lease_token", token), Condition::Exists("lease_owner")])
}

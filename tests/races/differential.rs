//! The lease's rules, applied in memory (as the property tests do) and by the table (as production does), must not differ.

use std::time::Duration;

use drover_tests::Stack;
use lease::rules;
use table::{AttributeValue, Clock, Item, Key, Millis, TableError, Update, new_id};

const STEPS: usize = 400;
const START: Millis = Millis(1_700_000_000_000);

#[tokio::test]
async fn the_rules_do_the_same_in_memory_and_in_the_table() -> anyhow::Result<()> {
    let table = Stack::from_environment()?.table("extract");
    let key = Key::new(format!("RACE#{}", new_id(Clock::system().now())), "ITEM");
    // Printed with a failure: `fastrand::seed` with it walks the same way again.
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let mut now = START;
    let mut item = Item::from([
        ("pk".to_owned(), AttributeValue::S(key.pk.clone())),
        ("sk".to_owned(), AttributeValue::S(key.sk.clone())),
        ("claimable_at".to_owned(), AttributeValue::N(now.0.to_string())),
    ]);
    table.update(&key, Update::new().set("claimable_at", now)).await?;

    let mut made = 0;
    for step in 0..STEPS {
        now = now.after(Duration::from_millis(random.u64(..20_000)));
        let token = item.get("lease_token").and_then(|token| token.as_n().ok()?.parse::<u64>().ok()).unwrap_or(0);
        // Mostly the newest token, sometimes an older one, sometimes one that was never given.
        let token = (token + 1).saturating_sub(random.choice([0, 1, 1, 1, 1, 2]).unwrap_or(1));
        let (owner, nonce) = (["ann", "bob", "cid"][random.usize(..3)], step.to_string());
        let update = match random.u8(..4) {
            0 | 1 => rules::claim(now, owner, Duration::from_secs(15), &nonce),
            // Sometimes one that arrives late, and would shorten the lease.
            2 => rules::renew(token, Millis(now.after(Duration::from_secs(15)).0 - random.u64(..20_000))),
            _ => rules::release(token, Some(now.after(Duration::from_secs(random.u64(..10)))), &nonce),
        };
        let update = update.set("step", step as u64);
        let what = format!("step {step} of seed {seed}: {update:?} on {item:?}");

        let in_memory = update.apply(&mut item);
        let in_table = match table.update(&key, update).await {
            Ok(stored) => {
                assert_eq!(stored, item, "{what}");
                true
            }
            Err(TableError::ConditionFailed(found)) => {
                // What the engine returns of a refused write, if it does, is the item as it is.
                for found in found.into_iter().flatten() {
                    assert_eq!(found, item, "{what}");
                }
                false
            }
            Err(error) => return Err(error.into()),
        };
        assert_eq!(in_memory, in_table, "{what}");
        assert_eq!(table.get_item(&key, true).await?.as_ref(), Some(&item), "{what}");
        made += usize::from(in_memory);
    }
    assert!((STEPS / 5..STEPS).contains(&made), "{made} of {STEPS} steps were made: too one-sided (seed {seed})");
    Ok(())
}

#[tokio::test]
async fn an_item_released_for_good_is_claimed_by_nobody() -> anyhow::Result<()> {
    let table = Stack::from_environment()?.table("extract");
    let key = Key::new(format!("RACE#{}", new_id(Clock::system().now())), "ITEM");
    table.update(&key, Update::new().set("claimable_at", START)).await?;
    table.update(&key, rules::claim(START, "ann", Duration::from_secs(1), "a")).await?;
    table.update(&key, rules::release(1, None, "b")).await?;
    let later = START.after(Duration::from_hours(24_000));
    for refused in [
        rules::claim(later, "bob", Duration::from_secs(1), "c"),
        rules::renew(1, later),
        rules::release(1, Some(later), "d"),
    ] {
        assert!(matches!(table.update(&key, refused).await, Err(TableError::ConditionFailed(_))));
    }
    Ok(())
}

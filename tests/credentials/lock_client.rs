//! What the tests of awslabs/amazon-dynamodb-lock-client ask of a lock client, asked of ours: over HTTP where the API has it, and of the
//! lease itself, on a real table, where it is about counting under it.

use std::sync::Arc;
use std::time::Duration;

use drover_tests::{CROWD, Stack};
use lease::{Claim, LeaseState, Lost};
use serde::{Deserialize, Serialize};
use serde_json::json;
use table::{AttributeValue, Clock, Condition, Item, Key, Millis, Table, Update, new_id};
use tokio::task::JoinSet;

const CALLERS: usize = 50;
const INCREMENTS: usize = 10;
/// Longer than anybody here holds it.
const LONG: Duration = Duration::from_mins(10);

#[tokio::test]
async fn a_heartbeat_revives_an_expired_lease_until_another_has_claimed_it() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(1).await?;
    let (id, other) = (pool.ids[0], pool.stack.scraper().await?);
    let claim = pool.claim().await?;
    pool.end_wait(id).await?;
    let renewed = pool.scraper.report(id, "heartbeat", Some(claim.token), &json!({})).await?.success(200)?;
    assert_eq!(renewed["lease_token"], claim.token);
    assert!(other.claim(&pool.platform).await?.is_none(), "it is held again");
    pool.end_wait(id).await?;
    let current = other.claim_one(&pool.platform).await?;
    pool.scraper.report(id, "heartbeat", Some(claim.token), &json!({})).await?.queue_error(409)?;
    pool.scraper.report(id, "heartbeat", None, &json!({})).await?.queue_error(409)?;
    assert_eq!(current.token, claim.token + 1);
    Ok(())
}

#[tokio::test]
async fn a_heartbeat_of_a_released_lease_is_refused() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(1).await?;
    let claim = pool.claim().await?;
    pool.scraper.report(claim.id, "release", None, &json!({})).await?.success(200)?;
    for token in [Some(claim.token), None] {
        pool.scraper.report(claim.id, "heartbeat", token, &json!({})).await?.queue_error(409)?;
    }
    Ok(())
}

#[tokio::test]
async fn anothers_lease_cannot_be_released() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(1).await?;
    let (id, other) = (pool.ids[0], pool.stack.scraper().await?);
    let claim = pool.claim().await?;
    for token in [None, Some(claim.token + 1), Some(0)] {
        other.report(id, "release", token, &json!({})).await?.queue_error(409)?;
    }
    assert_eq!(pool.admin.shown(id).await?["in_use_by"], pool.scraper.id.as_str());
    Ok(())
}

#[tokio::test]
async fn after_the_time_out_another_acquires_and_the_first_cannot_release() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(1).await?;
    let (id, other) = (pool.ids[0], pool.stack.scraper().await?);
    let lost = pool.claim().await?;
    assert!(other.claim(&pool.platform).await?.is_none(), "not before");
    pool.end_wait(id).await?;
    let current = other.claim_one(&pool.platform).await?;
    assert_eq!(current.token, lost.token + 1);
    for token in [Some(lost.token), None] {
        pool.scraper.report(id, "release", token, &json!({})).await?.queue_error(409)?;
    }
    other.report(id, "release", Some(current.token), &json!({})).await?.success(200)?;
    // Released, it is free at once.
    assert_eq!(pool.claim().await?.token, current.token + 1);
    Ok(())
}

#[tokio::test]
async fn what_the_holder_stored_survives_its_release() -> anyhow::Result<()> {
    // The kit's "release and keep the data": what belongs to the item stays with it, whoever held it.
    let pool = Stack::from_environment()?.pool(1).await?;
    let first = pool.claim().await?;
    pool.scraper.report(first.id, "release", None, &json!({})).await?.success(200)?;
    let second = pool.claim().await?;
    for field in ["id", "name", "email", "password"] {
        assert_eq!(first.body[field], second.body[field]);
    }
    Ok(())
}

#[derive(Serialize)]
struct Counter {
    #[serde(flatten)]
    key: Key,
    #[serde(flatten)]
    lease: LeaseState,
    count: u64,
}

#[derive(Deserialize)]
struct Count {
    count: u64,
}

/// Reads the counter, and writes back one more, without any condition: right only for whoever is alone.
async fn increment(table: &Table, key: &Key) -> anyhow::Result<()> {
    let found: Option<Count> = table.get(key).await?;
    let count = found.map_or(0, |found| found.count);
    table.update(key, Update::new().set("count", count + 1)).await?;
    Ok(())
}

/// Increments under a lease, as often as a caller does.
async fn increment_under_a_lease(table: &Table, key: &Key, owner: &str) -> anyhow::Result<()> {
    let mut done = 0;
    while done < INCREMENTS {
        let now = Clock::system().now();
        let Claim::Granted(lease, _) = lease::claim(table, key, now, owner, LONG, Update::new()).await? else {
            // Not to synchronise: half a hundred that ask all the time would leave the holder no room.
            tokio::time::sleep(Duration::from_millis(fastrand::u64(100..600))).await;
            continue;
        };
        increment(table, key).await?;
        done += 1;
        lease::release(table, key, lease, Some(Clock::system().now()), Update::new()).await?;
    }
    Ok(())
}

/// Lets all callers count, and gives how far they came and how often the item was claimed.
async fn counted(guarded: bool) -> anyhow::Result<(usize, u64)> {
    let table = Arc::new(Stack::from_environment()?.table("extract"));
    let key = Key::new(format!("RACE#{}", new_id(Clock::system().now())), "COUNTER");
    let counter = Counter { key: key.clone(), lease: LeaseState::claimable_from(Millis(0)), count: 0 };
    table.put(&counter, Condition::Absent("pk")).await?;
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let (table, key) = (Arc::clone(&table), key.clone());
        callers.spawn(async move {
            if guarded {
                return increment_under_a_lease(&table, &key, &caller.to_string()).await;
            }
            for _ in 0..INCREMENTS {
                increment(&table, &key).await?;
            }
            Ok(())
        });
    }
    while let Some(caller) = callers.join_next().await {
        caller??;
    }
    let item = table.get_item(&key, true).await?.unwrap_or_default();
    Ok((usize::try_from(number(&item, "count"))?, number(&item, "lease_token")))
}

fn number(item: &Item, name: &str) -> u64 {
    item.get(name).and_then(|value| AttributeValue::as_n(value).ok()?.parse().ok()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_callers_count_to_five_hundred_under_a_lease() -> anyhow::Result<()> {
    let _crowd = CROWD.lock().await;
    assert_eq!(counted(true).await?, (CALLERS * INCREMENTS, 500));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_lease_they_lose_counts() -> anyhow::Result<()> {
    let _crowd = CROWD.lock().await;
    let (count, _) = counted(false).await?;
    println!("{count} of {} were counted", CALLERS * INCREMENTS);
    assert!(count < CALLERS * INCREMENTS, "{count}: the control proves nothing");
    Ok(())
}

#[tokio::test]
async fn a_lease_that_was_lost_cannot_be_released_on_the_table_either() -> anyhow::Result<()> {
    let table = Stack::from_environment()?.table("extract");
    let key = Key::new(format!("RACE#{}", new_id(Clock::system().now())), "COUNTER");
    let counter = Counter { key: key.clone(), lease: LeaseState::claimable_from(Millis(0)), count: 0 };
    table.put(&counter, Condition::Absent("pk")).await?;
    let now = Clock::system().now();
    let mut tokens = Vec::new();
    for (owner, moment) in [("ann", now), ("bob", now.after(LONG))] {
        match lease::claim(&table, &key, moment, owner, LONG, Update::new()).await? {
            Claim::Granted(lease, _) => tokens.push(lease),
            Claim::Refused(item) => anyhow::bail!("refused: {item:?}"),
        }
    }
    let lost = lease::release(&table, &key, tokens.remove(0), Some(now), Update::new()).await;
    assert!(matches!(lost, Err(Lost::Superseded(Some(_)))), "{lost:?}");
    Ok(())
}

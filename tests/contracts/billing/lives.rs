//! Whole lives of subscriptions, told in their order and in others. (Every order of many lives: `shared/subscriptions/src/standing/tests.rs`.)

use drover_tests::store::{Happening, Webhook};
use extract::Plan;
use table::Millis;

use super::{Buyer, Shop};

#[tokio::test]
async fn a_subscription_lives_and_the_ledger_adds_up_all_the_while() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let buyer = shop.subscriber(Plan::Professional).await?;
    for (what, plan, units) in [
        (Happening::Renewed, Plan::Professional, 10_000),
        (Happening::PaymentFailed, Plan::Professional, 10_000),
        (Happening::GivenUp, Plan::Free, 1_000),
        (Happening::Recovered, Plan::Professional, 10_000),
        (Happening::Paused, Plan::Professional, 10_000),
        (Happening::Unpaused, Plan::Professional, 10_000),
        (Happening::Refunded, Plan::Free, 1_000),
        (Happening::Renewed, Plan::Professional, 10_000),
        (Happening::Expired, Plan::Free, 1_000),
    ] {
        shop.store.tell(&shop.store.happen(buyer.subscription, what).await?).await?;
        assert_eq!(shop.plan_of(&buyer.user).await?, (plan, units), "{what:?}");
    }
    Ok(())
}

#[tokio::test]
async fn whatever_order_it_is_told_in_and_however_often_the_end_is_the_same() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    for what in [
        &[Happening::Renewed, Happening::Renewed][..],
        &[Happening::PaymentFailed, Happening::GivenUp, Happening::Recovered],
        &[Happening::Renewed, Happening::Refunded],
        &[Happening::PaymentFailed, Happening::Expired],
    ] {
        let (mut seen, mut orders) = (Vec::new(), 0);
        for _ in 0..4 {
            let Buyer { user, subscription, mut events } = shop.buyer(Plan::Enterprise).await?;
            for happening in what {
                events.extend(shop.store.happen(subscription, *happening).await?);
            }
            match orders {
                0 => shop.store.tell(&events).await?,
                1 => shop.store.tell(&events.iter().rev().cloned().collect::<Vec<_>>()).await?,
                2 => shop.store.tell(&doubled_and_shuffled(&events)).await?,
                _ => {
                    let statuses = shop.store.deliver_at_once(&doubled_and_shuffled(&events)).await?;
                    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
                }
            }
            orders += 1;
            let mut account = shop.account(&user).await?;
            // Each was bought at its own time, by another user.
            account.key.pk.clear();
            account.period.reference.clear();
            // That it is over may have been seen already.
            account.period.next_plan = None;
            for time in [
                &mut account.period.period_start,
                &mut account.period.period_end,
                &mut account.period.period_anchor,
                &mut account.created_at,
            ] {
                *time = Millis(0);
            }
            seen.push(account);
        }
        assert!(seen.iter().all(|account| *account == seen[0]), "{what:?}: {seen:?}");
    }
    Ok(())
}

/// The events as a bad line tells them: each twice, in any order.
pub(crate) fn doubled_and_shuffled(events: &[Webhook]) -> Vec<Webhook> {
    let mut events: Vec<_> = events.iter().chain(events).cloned().collect();
    fastrand::shuffle(&mut events);
    events
}

//! `POST /billing/webhooks/lemon-squeezy`

use std::time::Duration;

use api::identity::Permission;
use drover_tests::held::HeldPage;
use drover_tests::key_of;
use drover_tests::site::Site;
use drover_tests::store::{Happening, WEBHOOKS, Webhook};
use extract::Plan;
use jobs::Movement;
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::{Clock, Condition, Update};

use super::Shop;

#[tokio::test]
async fn what_is_not_signed_by_lemon_squeezy_changes_nothing() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let buyer = shop.buyer(Plan::Professional).await?;
    let before = shop.account(&buyer.user).await?;
    let right = buyer.events[1].clone();
    let signature = right.signature.clone().unwrap_or_default();
    let other_body = Webhook { body: right.body.replace("\"active\"", "\"expired\""), ..right.clone() };
    let mut forged: Vec<_> = [
        String::new(),
        "0".repeat(64),
        signature[1..].to_owned(),
        format!("{signature}00"),
        format!("sha256={signature}"),
    ]
    .into_iter()
    .map(|wrong| Webhook { signature: Some(wrong), ..right.clone() })
    .collect();
    forged.extend([Webhook { signature: None, ..right.clone() }, other_body]);
    let statuses = shop.store.deliver(&forged).await?;
    assert!(statuses.iter().all(|status| *status == 401), "{statuses:?}");
    assert_eq!(shop.account(&buyer.user).await?, before);
    let nobody = buyer.user.anonymous(Method::POST, WEBHOOKS).body(right.body.clone()).send().await?;
    drover_tests::answer::Answer::of(nobody).await?.error(401, "authentication_error")?;
    // A user's key is no signature.
    buyer.user.send(Method::POST, WEBHOOKS, &right.json()?).await?.error(401, "authentication_error")?;
    Ok(())
}

#[tokio::test]
async fn a_payment_is_granted_once_however_often_it_is_told() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let buyer = shop.buyer(Plan::Professional).await?;
    let many: Vec<_> = (0..5).flat_map(|_| buyer.events.clone()).collect();
    let statuses = shop.store.deliver_at_once(&many).await?;
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    shop.store.tell(&many).await?;
    assert_eq!(shop.plan_of(&buyer.user).await?, (Plan::Professional, 10_000));
    let ledger = shop.stack.accounts().ledger(&buyer.user.id).await?;
    let grants: Vec<_> = ledger.iter().filter(|entry| entry.movement == Movement::Grant).collect();
    assert_eq!(grants.len(), 2, "that of the account, and that of the payment: {grants:?}");
    Ok(())
}

#[tokio::test]
async fn tasks_that_waited_for_a_larger_plan_begin_with_it() -> anyhow::Result<()> {
    let (shop, page) = (Shop::open().await?, HeldPage::default());
    let permissions = Permission::ALL.map(|(_, permission)| permission);
    let user = shop.stack.user_with(Plan::Free, Plan::Free.compute_units(), &permissions).await?;
    let site = Site::serve(page.alone("<p>One</p>")).await?;
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let config = json!({"urls": [site.url("/held")], "selectors": {"text": "p"}});
        tasks.push(key_of(&user, &user.create_task(config).await?)?);
    }
    page.visitor(2).await?;
    // Nobody else finds those that wait: recovery would be late by an hour.
    let later = Clock::system().now().after(Duration::from_hours(1));
    for task in &tasks {
        let waits = Update::new().set("redeliver_at", later).when(Condition::equal("status", "pending"));
        let _ = shop.stack.table("extract").update(task, waits).await;
    }
    let buyer = shop.sell(user, Plan::Professional).await?;
    shop.store.tell(&buyer.events).await?;
    page.visitor(4).await?;
    page.let_go();
    for task in &tasks {
        shop.stack.ended(task).await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_is_not_of_this_deployment_is_acknowledged_and_changes_nothing() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let buyer = shop.buyer(Plan::Professional).await?;
    let before = shop.account(&buyer.user).await?;
    let changed = |change: &dyn Fn(&mut Json)| {
        let mut bodies = Vec::new();
        for event in &buyer.events {
            let mut body = event.json()?;
            change(&mut body);
            bodies.push(body.to_string());
        }
        anyhow::Ok(bodies)
    };
    let others = [
        changed(&|body| body["data"]["attributes"]["store_id"] = json!(1))?,
        changed(&|body| body["data"]["attributes"]["test_mode"] = json!(false))?,
        changed(&|body| body["meta"]["custom_data"] = json!({"checkout": "0".repeat(32)}))?,
        changed(&|body| body["meta"]["custom_data"] = json!({"checkout": "x".repeat(100_000)}))?,
        changed(&|body| body["meta"]["custom_data"] = json!({"user_id": buyer.user.id}))?,
        changed(&|body| body["meta"]["custom_data"] = json!(null))?,
        changed(&|body| body["data"]["type"] = json!("license-keys"))?,
    ];
    for body in others.into_iter().flatten() {
        shop.store.tell(&[shop.store.sign(body).await?]).await?;
    }
    assert_eq!(shop.account(&buyer.user).await?, before);
    Ok(())
}

#[tokio::test]
async fn what_is_signed_and_cannot_be_understood_is_refused() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let buyer = shop.buyer(Plan::Professional).await?;
    let before = shop.account(&buyer.user).await?;
    let mut frozen = buyer.events[1].json()?;
    frozen["data"]["attributes"]["status"] = json!("frozen");
    for body in ["", "{}", "[]", "null", "{\"meta\": {}}", &frozen.to_string()] {
        assert_eq!(shop.store.deliver(&[shop.store.sign(body.to_owned()).await?]).await?, [400], "{body}");
    }
    assert_eq!(shop.account(&buyer.user).await?, before);
    Ok(())
}

#[tokio::test]
async fn units_that_are_used_meanwhile_stay_used() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let buyer = shop.subscriber(Plan::Professional).await?;
    // As a task that has run leaves it.
    let job = table::Key::new(extract::account_key(&buyer.user.id).pk, "TASK#used");
    let (table, account) = (shop.stack.table("extract"), extract::account_key(&buyer.user.id));
    let now = table::Clock::system().now();
    let mut transaction = table::Transaction::new().update(&table, &account, jobs::Account::reserve(30))?;
    transaction = jobs::Entry::reserve(&account, &job, 30, now).add_to(transaction, &table)?;
    transaction.commit(&table).await?;
    let settled = jobs::Account::settle(30, 25, jobs::Outcome::Completed);
    let transaction = table::Transaction::new().update(&table, &account, settled)?;
    jobs::Entry::settle(&account, &job, 30, 25, now).add_to(transaction, &table)?.commit(&table).await?;

    shop.store.tell(&shop.store.happen(buyer.subscription, Happening::PaymentFailed).await?).await?;
    shop.store.tell(&shop.store.happen(buyer.subscription, Happening::GivenUp).await?).await?;
    assert_eq!(shop.plan_of(&buyer.user).await?, (Plan::Free, 975));
    shop.store.tell(&shop.store.happen(buyer.subscription, Happening::Recovered).await?).await?;
    assert_eq!(shop.plan_of(&buyer.user).await?, (Plan::Professional, 10_000), "what is paid anew is whole");
    Ok(())
}

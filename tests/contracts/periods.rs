//! The periods of an account: what a plan grants, and when.

use anyhow::ensure;
use drover_tests::{Stack, User};
use extract::{CloudAccount, Period, Plan, account_key};
use futures::future::try_join_all;
use jobs::{Entry, Movement, ledger};
use reqwest::Method;
use serde_json::json;
use table::{Clock, Key, Millis, TableError, Transaction, Update};

/// How many callers try at once.
const CALLERS: usize = 6;

async fn stored(stack: &Stack, user: &User) -> anyhow::Result<CloudAccount> {
    stack.accounts().stored(&user.id).await?.ok_or_else(|| anyhow::anyhow!("there is no account"))
}

/// Lets a user's period be over, as time would.
async fn end_period(stack: &Stack, user: &User) -> anyhow::Result<()> {
    let past = Millis(Clock::system().now().0 - 1);
    stack.table("extract").update(&account_key(&user.id), Update::new().set("period_end", past)).await?;
    Ok(())
}

async fn grants(stack: &Stack, user: &User) -> anyhow::Result<Vec<Entry>> {
    let entries = stack.accounts().ledger(&user.id).await?;
    ledger::check(&entries, &stack.account(user).await?)?;
    Ok(entries.into_iter().filter(|entry| entry.movement == Movement::Grant).collect())
}

/// A user whose account was opened so long ago that its first month is over.
async fn old_user(stack: &Stack, units: u64) -> anyhow::Result<User> {
    let user = stack.user_with(Plan::Professional, units, &[api::identity::Permission::TasksCreate]).await?;
    let anchor = Millis(Clock::system().now().0 - 40 * 24 * 3_600 * 1_000);
    let update = Update::new().set("period_anchor", anchor).set("period", format!("month-{anchor}"));
    stack.table("extract").update(&account_key(&user.id), update).await?;
    Ok(user)
}

#[tokio::test]
async fn a_period_that_is_over_is_followed_by_the_next_once_whoever_comes_first() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = old_user(&stack, 20).await?;
    let spent = Update::new().set("units_available", 0_i64).set("units_used", 20_i64);
    stack.table("extract").update(&account_key(&user.id), spent).await?;
    end_period(&stack, &user).await?;
    let shown = stack.accounts().get(&user.id).await?.map(|account| account.account.units_available);
    ensure!(shown == Some(20), "it is shown as begun: {shown:?}");

    // Pages that are not there: what counts is what is set aside.
    let body = json!({"name": "Due", "task_type": "simple_scraping",
                      "config": {"urls": ["http://127.77.255.254:1/"], "selectors": {"title": "h1"}}});
    let answers = try_join_all((0..CALLERS).map(|_| user.send(Method::POST, "/tasks", &body))).await?;
    ensure!(answers.iter().all(|answer| answer.status == 201), "{answers:?}");
    for answer in answers {
        stack.ended(&drover_tests::key_of(&user, &answer.json()?)?).await?;
    }
    let account = stored(&stack, &user).await?;
    let now = Clock::system().now();
    ensure!(account.period.period_start <= now && now < account.period.period_end, "{account:?}");
    let entries = stack.accounts().ledger(&user.id).await?;
    let count = |movement| entries.iter().filter(|entry| entry.movement == movement).count();
    ensure!((count(Movement::Grant), count(Movement::Expiry)) == (2, 1), "{entries:?}");
    ensure!(account.account.units_available == 20, "a page that failed is not charged: {account:?}");
    Ok(())
}

#[tokio::test]
async fn the_same_reference_grants_once_however_many_bring_it() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user_with(Plan::Free, 30, &[]).await?;
    let table = stack.table("extract");
    let (accounts, now) = (stack.accounts(), Clock::system().now());
    let paid = Period::paid("payment-1".to_owned(), Plan::Enterprise, now, now.after_months(1), None);
    // As the biller does: together with a record of its own.
    let begin = async |number: usize| {
        let account = stored(&stack, &user).await?;
        let record = Key::new(format!("TEST#{}", user.id), format!("RECORD#{number}"));
        let transaction = Transaction::new().update(&table, &record, Update::new().set("seen", true))?;
        match account.begin(&paid, now).add_to(transaction, &table)?.commit(&table).await {
            Ok(()) => Ok(true),
            Err(TableError::ConditionFailed(_)) => Ok(false),
            Err(error) => Err(anyhow::Error::from(error)),
        }
    };
    let done = try_join_all((0..CALLERS).map(&begin)).await?;
    ensure!(done.iter().filter(|done| **done).count() == 1, "{done:?}");
    ensure!(!begin(CALLERS).await?, "granted again");
    ensure!(accounts.has_entry(&user.id, Movement::Grant, "payment-1").await?);
    ensure!(!accounts.has_entry(&user.id, Movement::Grant, "payment-2").await?);
    let account = stored(&stack, &user).await?;
    ensure!(account.period == paid, "{account:?}");
    ensure!((account.account.slots.slots, account.account.slots.slots_free) == (20, 20), "{account:?}");
    ensure!(grants(&stack, &user).await?.len() == 2);

    let terms = Period { plan: Plan::Professional, units_limit: Plan::Professional.compute_units(), ..paid };
    let change = account.change_terms(&terms, "change-1", now);
    change.add_to(Transaction::new(), &table)?.commit(&table).await?;
    let account = stored(&stack, &user).await?;
    ensure!((account.period.plan, account.account.units_available) == (Plan::Professional, 10_000), "{account:?}");
    ensure!(grants(&stack, &user).await?.len() == 2);
    Ok(())
}

#[tokio::test]
async fn a_paid_period_lasts_until_the_biller_begins_the_next() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = old_user(&stack, 20).await?;
    stack.table("extract").update(&account_key(&user.id), Update::new().set("renews_itself", false)).await?;
    end_period(&stack, &user).await?;
    stack.accounts().renew(&user.id).await?;
    ensure!(grants(&stack, &user).await?.len() == 1);
    let body = json!({"name": "Paid", "task_type": "simple_scraping",
                      "config": {"urls": ["http://127.77.255.254:1/"], "selectors": {"title": "h1"}}});
    let task = user.send(Method::POST, "/tasks", &body).await?.success(201)?;
    stack.ended(&drover_tests::key_of(&user, &task)?).await?;
    ensure!(grants(&stack, &user).await?.len() == 1);
    Ok(())
}

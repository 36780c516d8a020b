//! A first sign-in, however many come at once.

use std::collections::BTreeSet;

use drover_tests::Stack;
use drover_tests::sign_in::{SignedIn, Visitor};
use extract::Plan;
use extract::account_key;
use futures::future::try_join_all;
use jobs::Account;
use serde_json::json;

/// How many callbacks of one new person race.
const RACERS: usize = 8;

#[tokio::test]
async fn a_user_is_made_once_however_many_callbacks_race() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    stack.set_sign_in_secret().await?;
    let visitor = Visitor::new();
    let mut ready = Vec::new();
    for _ in 0..RACERS {
        let browser = stack.browser()?;
        let begun = browser.begin().await?;
        let code = browser.visit(&begun, &visitor).await?;
        ready.push((browser, json!({"code": code, "state": begun.state})));
    }
    let answers = try_join_all(ready.iter().map(|(browser, body)| browser.finish(body, None))).await?;
    let users = answers.iter().map(|answer| Ok(SignedIn::read(answer)?.user()?.to_owned()));
    let users: BTreeSet<String> = users.collect::<anyhow::Result<_>>()?;
    assert_eq!(users.len(), 1, "{users:?}");
    let user = users.first().cloned().unwrap_or_default();
    let account: Option<Account> = stack.table("extract").get(&account_key(&user)).await?;
    assert_eq!(
        account.map(|account| account.units_available),
        Some(i64::from(1_000)),
        "granted once: {:?}",
        Plan::Free
    );
    Ok(())
}

//! `/billing`, with a stand-in for Lemon Squeezy. A user has five billing requests a minute: what can be told by the table is read there.

mod changes;
mod checkout;
mod faults;
mod invoices;
pub(crate) mod lives;
mod plans;
mod subscription;
mod webhooks;

use anyhow::{Context, ensure};
use api::identity::Permission;
use drover_tests::store::{StandInStore, Webhook};
use drover_tests::{Stack, User};
use extract::{CloudAccount, Plan};
use jobs::ledger;
use reqwest::Method;
use serde_json::{Value as Json, json};

/// Where plans are sold.
pub(crate) struct Shop {
    pub(crate) stack: Stack,
    pub(crate) store: StandInStore,
}

/// A user who has bought something.
pub(crate) struct Buyer {
    pub(crate) user: User,
    pub(crate) subscription: u64,
    /// The events of it, which nobody has been told.
    pub(crate) events: Vec<Webhook>,
}

impl Shop {
    pub(crate) async fn open() -> anyhow::Result<Self> {
        let stack = Stack::from_environment()?;
        let store = StandInStore::of(&stack).await?;
        Ok(Self { stack, store })
    }

    /// A user on the free plan who may do nothing but billing.
    pub(crate) async fn user(&self) -> anyhow::Result<User> {
        self.stack.user_with(Plan::Free, Plan::Free.compute_units(), &[Permission::BillingManage]).await
    }

    /// A user who has paid a plan's checkout, of which Lemon Squeezy has told nothing yet.
    pub(crate) async fn buyer(&self, plan: Plan) -> anyhow::Result<Buyer> {
        self.sell(self.user().await?, plan).await
    }

    /// The same of a user who is there.
    pub(crate) async fn sell(&self, user: User, plan: Plan) -> anyhow::Result<Buyer> {
        let checkout = user.send(Method::POST, "/billing/create-checkout", &wanted(plan)).await?.success(200)?;
        let (subscription, events) = self.store.pay(checkout["checkout_id"].as_str().context("no id")?).await?;
        Ok(Buyer { user, subscription, events })
    }

    /// A user who has a plan.
    pub(crate) async fn subscriber(&self, plan: Plan) -> anyhow::Result<Buyer> {
        let mut buyer = self.buyer(plan).await?;
        self.store.tell(&std::mem::take(&mut buyer.events)).await?;
        ensure!(self.account(&buyer.user).await?.period.plan == plan, "not what was bought");
        Ok(buyer)
    }

    /// A user's account as it is now, but for how often its slots moved; its ledger must add up.
    pub(crate) async fn account(&self, user: &User) -> anyhow::Result<CloudAccount> {
        let accounts = self.stack.accounts();
        let stored = accounts.stored(&user.id).await?.context("no account")?;
        ledger::check(&accounts.ledger(&user.id).await?, &stored.account)?;
        let mut account = accounts.get(&user.id).await?.context("no account")?;
        account.account.slots.slot_moves = 0;
        Ok(account)
    }

    /// A user's plan, and the units that are left.
    pub(crate) async fn plan_of(&self, user: &User) -> anyhow::Result<(Plan, i64)> {
        let account = self.account(user).await?;
        Ok((account.period.plan, account.account.units_available))
    }
}

pub(crate) fn wanted(plan: Plan) -> Json {
    json!({
        "plan_id": plan.as_str(),
        "success_url": "https://app.example.com/billing/success",
        "cancel_url": "https://app.example.com/billing/cancelled",
    })
}

#[tokio::test]
async fn all_but_the_plans_wants_the_permission_and_a_caller() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let others: Vec<_> = Permission::ALL
        .into_iter()
        .map(|(_, known)| known)
        .filter(|known| *known != Permission::BillingManage)
        .collect();
    for (method, path) in [
        (Method::GET, "/billing/subscription"),
        (Method::PUT, "/billing/subscription"),
        (Method::POST, "/billing/subscription/cancel"),
        (Method::POST, "/billing/subscription/resume"),
        (Method::POST, "/billing/create-checkout"),
        (Method::POST, "/billing/portal"),
        (Method::GET, "/billing/invoices"),
    ] {
        let without = shop.stack.user_with(Plan::Professional, 10, &others).await?;
        let message =
            without.send(method.clone(), path, &wanted(Plan::Enterprise)).await?.error(403, "authorization_error")?;
        assert!(message.contains("billing:manage"), "{message}");
        let nobody = without.anonymous(method.clone(), path).send().await?;
        drover_tests::answer::Answer::of(nobody).await?.error(401, "authentication_error")?;
    }
    Ok(())
}

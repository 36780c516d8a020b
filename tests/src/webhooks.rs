//! Webhooks as users have them over HTTP, and as an operator sees them in their table.

use anyhow::Context;
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use table::{Clock, Condition, Key, Millis, Query, TableError, Update};
use uuid::Uuid;
use webhooks::{Attempt, Delivery, Endpoint, endpoint_key};

use crate::receiver::Receiver;
use crate::stack::{Stack, eventually};
use crate::user::{User, id_of};

impl User {
    /// Registers a receiver for all events, and gives the webhook with its secret.
    pub async fn webhook(&self, receiver: &Receiver) -> anyhow::Result<Json> {
        self.send(Method::POST, "/webhooks", &json!({"url": receiver.url()})).await?.success(201)
    }

    /// A webhook as it is shown.
    pub async fn shown_webhook(&self, webhook: &Json) -> anyhow::Result<Json> {
        self.get(&format!("/webhooks/{}", id_of(webhook)?)).await
    }

    /// All attempts of a webhook, the newest first.
    pub async fn attempts(&self, webhook: &Json) -> anyhow::Result<Vec<Json>> {
        let page = self.get(&format!("/webhooks/{}/attempts?limit=100", id_of(webhook)?)).await?;
        page["attempts"].as_array().cloned().context("no attempts")
    }
}

impl Stack {
    /// The key of a webhook in the table `webhooks`.
    pub fn webhook_key(&self, user: &User, webhook: &Json) -> anyhow::Result<Key> {
        Ok(endpoint_key(&user.id, Uuid::try_parse(id_of(webhook)?)?))
    }

    /// A webhook as it is stored.
    pub async fn stored_webhook(&self, user: &User, webhook: &Json) -> anyhow::Result<Endpoint> {
        self.table("webhooks").get(&self.webhook_key(user, webhook)?).await?.context("no such webhook")
    }

    /// Waits until a webhook has so many attempts, and gives all, the newest first. Waiting costs nothing of the owner's rate limit.
    pub async fn attempts_after(&self, user: &User, webhook: &Json, count: usize) -> anyhow::Result<Vec<Json>> {
        let prefix = format!("ATTEMPT#{}#", id_of(webhook)?);
        eventually(&format!("the webhook has {count} attempts"), async || {
            let there = self.webhook_items::<Key>(user, &prefix).await?;
            Ok((there.len() >= count).then_some(()))
        })
        .await?;
        user.attempts(webhook).await
    }

    /// All deliveries of a user, as they are stored.
    pub async fn deliveries(&self, user: &User) -> anyhow::Result<Vec<Delivery>> {
        self.webhook_items(user, "DELIVERY#").await
    }

    /// All attempts of a webhook as they are stored, the oldest first.
    pub async fn stored_attempts(&self, user: &User, webhook: &Json) -> anyhow::Result<Vec<Attempt>> {
        self.webhook_items(user, &format!("ATTEMPT#{}#", id_of(webhook)?)).await
    }

    async fn webhook_items<T: DeserializeOwned>(&self, user: &User, prefix: &str) -> anyhow::Result<Vec<T>> {
        let range = Condition::Between("sk", prefix.into(), format!("{prefix}~").into());
        let all = Condition::All(vec![Condition::equal("pk", endpoint_key(&user.id, Uuid::nil()).pk), range]);
        Ok(self.table("webhooks").query(Query::new(all).consistent()).await?.items)
    }

    /// Waits until a user has so many deliveries that have ended, and gives all deliveries.
    pub async fn ended_deliveries(&self, user: &User, count: usize) -> anyhow::Result<Vec<Delivery>> {
        eventually(&format!("{count} deliveries have ended"), async || {
            let deliveries = self.deliveries(user).await?;
            let ended = deliveries.iter().filter(|delivery| delivery.ended_at.is_some()).count();
            Ok((ended >= count).then_some(deliveries))
        })
        .await
    }

    /// Ends the lease or the rest of a delivery, and lets recovery send its message.
    pub async fn make_delivery_due(&self, key: &Key) -> anyhow::Result<()> {
        self.set_delivery_due(key).await?;
        self.run_recovery().await?;
        Ok(())
    }

    /// Ends the lease or the rest of a delivery, and makes it due for recovery.
    pub async fn set_delivery_due(&self, key: &Key) -> anyhow::Result<()> {
        let past = Millis(Clock::system().now().0 - 1_000);
        let due = Update::new().set("claimable_at", past).set("redeliver_at", past);
        match self.table("webhooks").update(key, due.when(Condition::equal("status", "pending"))).await {
            // It has ended meanwhile: all the better.
            Ok(_) | Err(TableError::ConditionFailed(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

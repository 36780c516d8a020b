//! The stand-in for Lemon Squeezy: its API as it documents it, in the same process as the other stand-ins (`provider-stand-in`), and a way for tests to say
//! what happens there: that a checkout is paid, a renewal fails, money goes back. What happens makes events, signed, which a test has delivered as it likes: in
//! any order, twice, at once.
//!
//! <https://docs.lemonsqueezy.com/api>, <https://docs.lemonsqueezy.com/help/webhooks>

use std::time::Duration;

use anyhow::{Context, ensure};
use reqwest::Client;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::Stack;
use crate::aws::Call;
use crate::providers::{Plan, StandIns};

/// The key that the stand-in takes, and what it signs webhooks with, by the names of their parameters. Nobody else may ever see them: see [`crate::leaks`].
pub const SECRETS: [(&str, &str); 2] =
    [("api-key", "eyJ0eXAiStandInLemonSqueezy7yQ2wE9rT4"), ("webhook-secret", "StandInWebhookSecret5uI8oP1aS3")];
/// The store.
pub const STORE: u64 = 217_313;
/// The variants of the plans `professional` and `enterprise`.
pub const VARIANTS: [u64; 2] = [972_634, 972_635];
/// The path of the API that takes webhooks.
pub const WEBHOOKS: &str = "/billing/webhooks/lemon-squeezy";

/// How long the stand-in may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// An event as it is sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Webhook {
    /// As `subscription_updated`.
    pub name: String,
    /// The body.
    pub body: String,
    /// The header `X-Signature`; none if it has none.
    pub signature: Option<String>,
}

impl Webhook {
    /// What it says.
    pub fn json(&self) -> anyhow::Result<Json> {
        Ok(serde_json::from_str(&self.body)?)
    }
}

/// Something that happens at Lemon Squeezy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A period ends, and the next is paid.
    Renewed,
    /// A period ends, and the next cannot be paid.
    PaymentFailed,
    /// No attempt to collect what is due has succeeded.
    GivenUp,
    /// What was due is paid after all.
    Recovered,
    /// All of the last payment goes back.
    Refunded,
    /// The subscription is over.
    Expired,
    /// Nothing is collected until further notice.
    Paused,
    /// It is collected again.
    Unpaused,
    /// Nothing: what calls of the API have done.
    Nothing,
}

impl Happening {
    /// As the stand-in's paths have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Renewed => "renew",
            Self::PaymentFailed => "fail",
            Self::GivenUp => "give-up",
            Self::Recovered => "recover",
            Self::Refunded => "refund",
            Self::Expired => "expire",
            Self::Paused => "pause",
            Self::Unpaused => "unpause",
            Self::Nothing => "take",
        }
    }
}

/// The stand-in, as tests speak to it.
pub struct StandInStore {
    url: String,
    webhooks: String,
    client: Client,
}

impl StandInStore {
    /// The one that tests/run has started, with the operator's parameters set.
    pub async fn of(stack: &Stack) -> anyhow::Result<Self> {
        let operator = stack.operator().await?;
        for (name, value) in SECRETS {
            let name = format!("/{}/lemon-squeezy/{name}", stack.name);
            let parameter = json!({"Name": name, "Value": value, "Type": "SecureString", "Overwrite": true});
            operator.ask(&Call::json("ssm", "AmazonSSM.PutParameter", &parameter)).await?;
        }
        let url = format!("{}/lemon-squeezy/_control", StandIns::from_environment()?.url);
        let client = Client::builder().timeout(PATIENCE).build()?;
        Ok(Self { url, webhooks: format!("{}{WEBHOOKS}", stack.url), client })
    }

    /// Pays a checkout, and gives the subscription and the events of it.
    pub async fn pay(&self, checkout: &str) -> anyhow::Result<(u64, Vec<Webhook>)> {
        let told = self.ask(&format!("pay/{checkout}"), &json!({})).await?;
        Ok((told["subscription"].as_u64().context("no subscription")?, serde_json::from_value(told["events"].clone())?))
    }

    /// Lets something happen to a subscription, and gives all events of it that were not given yet.
    pub async fn happen(&self, subscription: u64, what: Happening) -> anyhow::Result<Vec<Webhook>> {
        let told = self.ask(&format!("{}/{subscription}", what.as_str()), &json!({})).await?;
        Ok(serde_json::from_value(told["events"].clone())?)
    }

    /// What is done from now on to requests about a subscription or its customer.
    pub async fn plan(&self, subscription: u64, plan: &Plan) -> anyhow::Result<()> {
        self.ask(&format!("plan/{subscription}"), &json!({"plan": plan.to_string()})).await.map(|_| ())
    }

    /// What the API was asked about a subscription: `METHOD path body`.
    pub async fn asked(&self, subscription: u64) -> anyhow::Result<Vec<String>> {
        let told = self.ask(&format!("asked/{subscription}"), &json!({})).await?;
        Ok(serde_json::from_value(told["asked"].clone())?)
    }

    /// Sends webhooks one after another, as Lemon Squeezy does; gives the statuses of the answers, the last where it had to repeat.
    pub async fn deliver(&self, webhooks: &[Webhook]) -> anyhow::Result<Vec<u16>> {
        self.deliver_to(&self.webhooks, webhooks, false).await
    }

    /// Sends webhooks all at once.
    pub async fn deliver_at_once(&self, webhooks: &[Webhook]) -> anyhow::Result<Vec<u16>> {
        self.deliver_to(&self.webhooks, webhooks, true).await
    }

    /// Sends webhooks, which must all be taken.
    pub async fn tell(&self, webhooks: &[Webhook]) -> anyhow::Result<()> {
        let statuses = self.deliver(webhooks).await?;
        ensure!(statuses.iter().all(|status| *status == 200), "answered {statuses:?}");
        Ok(())
    }

    async fn deliver_to(&self, url: &str, webhooks: &[Webhook], at_once: bool) -> anyhow::Result<Vec<u16>> {
        let told = self.ask("deliver", &json!({"url": url, "webhooks": webhooks, "at_once": at_once})).await?;
        Ok(serde_json::from_value(told["statuses"].clone())?)
    }

    /// Signs a body, as Lemon Squeezy would.
    pub async fn sign(&self, body: String) -> anyhow::Result<Webhook> {
        let told = self.ask("sign", &json!({"body": body})).await?;
        Ok(Webhook { name: String::new(), body, signature: told["signature"].as_str().map(str::to_owned) })
    }

    async fn ask(&self, path: &str, body: &Json) -> anyhow::Result<Json> {
        let answer = self.client.post(format!("{}/{path}", self.url)).json(body).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "{path}: {status} {text}");
        Ok(serde_json::from_str(&text)?)
    }
}

//! Faults between the functions and AWS, made by the chaos proxy.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tokio::time::sleep;

use crate::process::kill_holder_of;

/// Which requests are struck, and how.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rule {
    /// The beginning of the `X-Amz-Target` header, as `DynamoDB_20120810.UpdateItem`; of S3, which has none, the method and a space.
    pub operation: String,
    /// What the path or the body must contain, such as a task's or a user's id: so that tests at the same time do not meet.
    pub about: String,
    /// How many matching requests pass first.
    #[serde(default)]
    pub skip: u32,
    /// How many are struck.
    pub times: u32,
    /// What happens to them.
    pub fault: Fault,
}

/// What happens to a request.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The connection breaks before the request is done.
    LoseRequest,
    /// The request is done, and then the connection breaks.
    LoseAnswer,
    /// The request is done twice, and the second answer given: a message is sent twice.
    Twice,
    /// The request is done after a while.
    Delay {
        /// How long.
        milliseconds: u64,
    },
    /// The request is done, and its answer comes after a while.
    DelayAnswer {
        /// How long.
        milliseconds: u64,
    },
    /// The request is not done, and answered so.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The `x-amzn-errortype` header.
        error_type: String,
        /// The body.
        body: String,
    },
}

impl Fault {
    /// DynamoDB's answer to a request over its table's capacity.
    #[must_use]
    pub fn throttled() -> Self {
        let error_type = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException";
        let body = serde_json::json!({"__type": error_type, "message": "The level of configured provisioned throughput was exceeded."});
        Self::Answer { status: 400, error_type: error_type.to_owned(), body: body.to_string() }
    }

    /// S3's answer when it has trouble of its own.
    #[must_use]
    pub fn internal_error() -> Self {
        let body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>InternalError</Code><Message>We encountered an \
                    internal error. Please try again.</Message></Error>";
        Self::Answer { status: 500, error_type: "InternalError".to_owned(), body: body.to_owned() }
    }

    /// An answer of DynamoDB or SQS that no retry mends. It is not retried, and so takes nothing from the SDK's budget of retries, which a
    /// process has only one of.
    #[must_use]
    pub fn not_authorized() -> Self {
        let error_type = "AccessDeniedException";
        let body = serde_json::json!({"__type": error_type, "message": "Not authorized to perform this"});
        Self::Answer { status: 403, error_type: error_type.to_owned(), body: body.to_string() }
    }

    /// An answer of S3 that no retry mends.
    #[must_use]
    pub fn access_denied() -> Self {
        let body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
        Self::Answer { status: 403, error_type: "AccessDenied".to_owned(), body: body.to_owned() }
    }
}

impl Rule {
    /// Strikes the next `times` requests of an operation about something.
    #[must_use]
    pub fn new(operation: &str, about: &str, times: u32, fault: Fault) -> Self {
        Self { operation: operation.to_owned(), about: about.to_owned(), skip: 0, times, fault }
    }

    /// Strikes nothing, and counts the requests of an operation about something ([`Active::struck`]).
    #[must_use]
    pub fn count(operation: &str, about: &str) -> Self {
        Self::new(operation, about, u32::MAX, Fault::Delay { milliseconds: 0 })
    }

    /// Lets the first `skip` matching requests pass.
    #[must_use]
    pub const fn after(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }

    /// Whether a request is in the rule's sights.
    #[must_use]
    pub fn matches(&self, method: &str, target: &str, path: &str, body: &[u8]) -> bool {
        let operation = if target.is_empty() { format!("{method} ") } else { target.to_owned() };
        operation.starts_with(&self.operation)
            && (path.contains(&self.about) || String::from_utf8_lossy(body).contains(&self.about))
    }
}

/// What a rule has done so far.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Strikes {
    /// How many requests it has struck.
    pub struck: u64,
    /// Whose request it struck last: the caller's end of the connection to the proxy.
    pub last: Option<SocketAddr>,
}

/// A rule that is in force; it ends when [`Active::end`] is called, or with the proxy.
#[derive(Debug)]
pub struct Active {
    client: reqwest::Client,
    address: String,
}

impl Active {
    pub(crate) async fn begin(client: &reqwest::Client, proxy: &str, rule: &Rule) -> anyhow::Result<Self> {
        let rules = format!("{proxy}/_chaos/rules");
        let answer: Json = client.post(&rules).json(rule).send().await?.json().await?;
        let id = answer["id"].as_u64().context("the proxy gave no id")?;
        Ok(Self { client: client.clone(), address: format!("{rules}/{id}") })
    }

    /// How many requests it has struck.
    pub async fn struck(&self) -> anyhow::Result<u64> {
        Ok(self.strikes().await?.struck)
    }

    /// Kills (SIGKILL) the function whose request it struck last, and gives the process's id.
    pub async fn kill_last(&self) -> anyhow::Result<u32> {
        let last = self.strikes().await?.last.context("it has struck nothing")?;
        let proxy = reqwest::Url::parse(&self.address)?;
        let proxy = *proxy.socket_addrs(|| None)?.first().context("the proxy has no address")?;
        kill_holder_of(last, proxy)
    }

    /// Kills whoever makes the next request that it strikes, some moments after it; says whether somebody was killed. Gives up after some 20 moments.
    pub async fn kill_next(&self, moment: Duration) -> anyhow::Result<bool> {
        let before = self.struck().await?;
        for _ in 0..20 {
            if self.struck().await? > before {
                sleep(moment.mul_f64(fastrand::f64())).await;
                // He may have ended by himself.
                return Ok(self.kill_last().await.is_ok());
            }
            sleep(moment / 10).await;
        }
        Ok(false)
    }

    /// Ends it, and tells how many requests it has struck.
    pub async fn end(self) -> anyhow::Result<u64> {
        let strikes: Strikes = self.client.delete(&self.address).send().await?.json().await?;
        Ok(strikes.struck)
    }

    async fn strikes(&self) -> anyhow::Result<Strikes> {
        Ok(self.client.get(&self.address).send().await?.json().await?)
    }
}

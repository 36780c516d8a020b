//! The deployed stack, as tests/run tells of it.

use std::time::{Duration, Instant};

use anyhow::Context;
use api::identity::{Identity, KeyKind, KeyRecord, Permission, User as Owner};
use aws_sdk_lambda::config::timeout::TimeoutConfig;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use extract::{Accounts, Plan, account_key};
use jobs::{Account, Jobs, Logs, Policy, Queue};
use secrets::ApiKey;
use serde_json::Value as Json;
use table::aws::{SdkConfig, configure, dynamodb, dynamodb_at};
use table::{Clock, Key, Table, new_id};
use tokio::sync::Mutex;

use crate::chaos::{Active, Fault, Rule};
use crate::user::User;

/// How long anything may take that is awaited.
const PATIENCE: Duration = Duration::from_mins(3);

/// Longer than any test's stack lives.
const LIFETIME: Duration = Duration::from_hours(50 * 365 * 24);
/// How a function tells a queue of a job.
const SEND: &str = "AmazonSQS.SendMessage";

/// Held by each test of dozens of callers: two of them at once are more than the local cloud bears, which does one request at a time. Held too by a test
/// that kills a sender of webhooks: one sender has many tests' deliveries, and those of a crowd are counted.
pub static CROWD: Mutex<()> = Mutex::const_new(());

/// The deployed stack.
#[derive(Clone, Debug)]
pub struct Stack {
    /// The base URL of all APIs.
    pub url: String,
    /// What the stack is called.
    pub name: String,
    /// Whether the engine tells the capacity that DynamoDB would: DynamoDB Local of 2020 counts indexes otherwise.
    pub counts_capacity: bool,
    /// How AWS is reached, past the chaos proxy.
    pub config: SdkConfig,
    dynamodb: aws_sdk_dynamodb::Client,
    chaos: String,
    client: reqwest::Client,
}

impl Stack {
    /// The stack that the environment names: tests/run sets it.
    pub fn from_environment() -> anyhow::Result<Self> {
        // Fails where another test of this process has installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let setting =
            |name| std::env::var(name).with_context(|| format!("{name} is not set: run the suites by tests/run"));
        let config = patient(&configure().context("run the suites by tests/run")?);
        Ok(Self {
            url: setting("DROVER_URL")?,
            name: setting("DROVER_STACK")?,
            counts_capacity: setting("DROVER_BACKEND")? != "localstack",
            chaos: setting("DROVER_CHAOS_URL")?,
            dynamodb: dynamodb(&config),
            config,
            client: reqwest::Client::builder().timeout(PATIENCE).build()?,
        })
    }

    /// A table of a bounded context: `extract`, `identity`, `limits` or `events`.
    #[must_use]
    pub fn table(&self, context: &str) -> Table {
        Table::new(self.dynamodb.clone(), &format!("{}-{context}", self.name))
    }

    /// The same, but that its tables are reached through the chaos proxy, as functions reach them, and with as little patience.
    pub fn through_chaos(&self) -> anyhow::Result<Self> {
        Ok(Self { dynamodb: dynamodb_at(&configure()?, &self.chaos), ..self.clone() })
    }

    /// The extraction cloud's jobs, as a function has them.
    pub async fn jobs(&self, policy: Policy) -> anyhow::Result<Jobs> {
        Ok(Jobs {
            kind: extract::QUEUE_KIND,
            table: self.table("extract"),
            queue: Queue::new(&self.config, self.queue_url("extract").await?),
            logs: Logs::new(self.table("events")),
            clock: Clock::system(),
            policy,
        })
    }

    /// The jobs of a kind, of this clock's time, whose messages go nowhere: no function of the stack hears of one, now or later.
    pub(crate) async fn unheard_jobs(&self, kind: &'static str, clock: Clock) -> anyhow::Result<Jobs> {
        let nowhere = format!("{}-that-is-not-there", self.queue_url(kind).await?);
        Ok(Jobs {
            kind,
            table: self.table(kind),
            queue: Queue::new(&self.config, nowhere),
            logs: Logs::new(self.table("events")),
            clock,
            policy: Policy {
                redelivery_base: LIFETIME,
                redelivery_cap: LIFETIME,
                ..Policy::with_lease(Duration::from_mins(1))
            },
        })
    }

    /// From now on no worker hears of jobs that have this in their keys: what functions tell queues of them is refused. In force as long as the proxy is:
    /// recovery would send what was not.
    pub(crate) async fn silence(&self, about: &str) -> anyhow::Result<()> {
        self.chaos(&Rule::new(SEND, about, u32::MAX, Fault::not_authorized())).await?;
        Ok(())
    }

    /// The SQS client.
    #[must_use]
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(&self.config)
    }

    /// The address of a queue: `extract` or `extract-dead`.
    pub async fn queue_url(&self, queue: &str) -> anyhow::Result<String> {
        let name = format!("{}-{queue}", self.name);
        let answer = self.sqs().get_queue_url().queue_name(&name).send().await?;
        answer.queue_url.with_context(|| format!("{name} has no address"))
    }

    /// Sends a job's message, as the API does.
    pub async fn send_hint(&self, key: &Key) -> anyhow::Result<()> {
        self.send_hints(key, 1).await
    }

    /// Sends so many copies of a job's message, as many at a time as SQS takes.
    pub async fn send_hints(&self, key: &Key, copies: usize) -> anyhow::Result<()> {
        let (body, queue_url) = (serde_json::to_string(key)?, self.queue_url("extract").await?);
        let copy = |n: usize| SendMessageBatchRequestEntry::builder().id(n.to_string()).message_body(&body).build();
        let copies = (0..copies).map(copy).collect::<Result<Vec<_>, _>>()?;
        for batch in copies.chunks(10) {
            let sent = self.sqs().send_message_batch().queue_url(&queue_url).set_entries(Some(batch.to_vec()));
            let failed = sent.send().await?.failed;
            anyhow::ensure!(failed.is_empty(), "not sent: {failed:?}");
        }
        Ok(())
    }

    /// Invokes a function (such as `recovery`) as its events do, by its alias, and gives its answer.
    pub async fn invoke(&self, function: &str, event: &Json) -> anyhow::Result<Json> {
        let client = aws_sdk_lambda::Client::new(&self.config);
        let name = format!("{}-{function}", self.name);
        let answer =
            client.invoke().function_name(name).qualifier("live").payload(Blob::new(event.to_string())).send().await?;
        let payload = answer.payload.context("no answer")?;
        let payload: Json = serde_json::from_slice(payload.as_ref())?;
        anyhow::ensure!(answer.function_error.is_none(), "{function} failed: {payload}");
        Ok(payload)
    }

    /// A client for what the emulator and the proxies tell.
    pub(crate) const fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// Puts a chaos rule in force.
    pub async fn chaos(&self, rule: &Rule) -> anyhow::Result<Active> {
        Active::begin(&self.client, &self.chaos, rule).await
    }

    /// A new user with everything a test needs: the professional plan, 10,000 units, a key that may do everything.
    pub async fn user(&self) -> anyhow::Result<User> {
        let all = Permission::ALL.map(|(_, permission)| permission);
        self.user_with(Plan::Professional, Plan::Professional.compute_units(), &all).await
    }

    /// A new user with this plan, so many compute units, and a key that may do this.
    pub async fn user_with(&self, plan: Plan, units: u64, permissions: &[Permission]) -> anyhow::Result<User> {
        self.add_user(plan, units, permissions, false).await
    }

    /// A new user who runs this deployment, with a key that may do nothing else.
    pub async fn operating_user(&self) -> anyhow::Result<User> {
        self.add_user(Plan::Free, 0, &[], true).await
    }

    /// A new user who runs this deployment, with the plan and the units of [`Stack::user`], whose key may do everything.
    pub async fn almighty_user(&self) -> anyhow::Result<User> {
        let all = Permission::ALL.map(|(_, permission)| permission);
        self.add_user(Plan::Professional, Plan::Professional.compute_units(), &all, true).await
    }

    async fn add_user(
        &self,
        plan: Plan,
        units: u64,
        permissions: &[Permission],
        is_operator: bool,
    ) -> anyhow::Result<User> {
        let now = Clock::system().now();
        let identity = Identity::new(self.table("identity"), Clock::system());
        let id = add_owner(&identity, is_operator).await?;
        self.accounts().open(&id, plan, Some(units)).await?;
        let key = ApiKey::generate("sk_test_").map_err(|_| anyhow::anyhow!("no randomness"))?;
        let record = KeyRecord {
            kind: KeyKind::Cloud,
            id: new_id(now).to_string(),
            user_id: id.clone(),
            is_operator,
            name: "test".to_owned(),
            description: None,
            preview: key.preview(),
            permissions: permissions.to_vec(),
            is_active: true,
            last_used_at: None,
            created_at: now,
        };
        identity.add_key(&key.hash(), &record).await?;
        User::new(self.url.clone(), id, key.reveal().to_owned())
    }

    /// The id of a new user who runs this deployment, in a table of identities that is a copy of this deployment's.
    pub async fn operator_in(&self, identities: &Table) -> anyhow::Result<String> {
        add_owner(&Identity::new(identities.clone(), Clock::system()), true).await
    }

    /// The accounts of all users.
    #[must_use]
    pub fn accounts(&self) -> Accounts {
        Accounts::new(self.table("extract"), Clock::system())
    }

    /// A user's balance.
    pub async fn account(&self, user: &User) -> anyhow::Result<Account> {
        self.table("extract").get(&account_key(&user.id)).await?.context("the user has no account")
    }
}

/// Adds a user, and gives their id.
async fn add_owner(identity: &Identity, is_operator: bool) -> anyhow::Result<String> {
    let now = Clock::system().now();
    let id = new_id(now).to_string();
    let owner = Owner {
        id: id.clone(),
        email: format!("{id}@example.com"),
        full_name: "A Tester".to_owned(),
        avatar_url: None,
        is_operator,
        is_active: true,
        created_at: now,
        updated_at: None,
    };
    identity.add_user(&owner).await?;
    Ok(id)
}

/// The configuration with time for an emulator that is busy. A retry would make a condition fail that the first try has met.
fn patient(config: &SdkConfig) -> SdkConfig {
    let limits = TimeoutConfig::builder().operation_attempt_timeout(PATIENCE).operation_timeout(PATIENCE).build();
    config.to_builder().timeout_config(limits).build()
}

/// Asks again and again until there is an answer; fails with `what` after three minutes.
pub async fn eventually<T, F>(what: &str, mut ask: impl FnMut() -> F) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<Option<T>>>,
{
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        anyhow::ensure!(begun.elapsed() < PATIENCE, "still not so after {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

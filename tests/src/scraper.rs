//! A caller of the credential queue: a scraper, or an administrator.

use std::collections::BTreeSet;
use std::net::IpAddr;

use anyhow::{Context, ensure};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value as Json, json};
use table::{Clock, Key, Update, new_id};

use crate::answer::Answer;
use crate::stack::{Stack, eventually};
use crate::user::{any_loopback_address, client_from};

/// Where scrapers call.
pub const QUEUE: &str = "/api/scraper-credentials/queue";
/// Where administrators call.
pub const ADMIN: &str = "/api/scraper-credentials/admin";

/// A caller with a key.
#[derive(Clone, Debug)]
pub struct Scraper {
    /// The id of the key; of the deployment's administrator, which the environment gives, it is not known.
    pub id: String,
    /// The API key.
    pub key: String,
    /// Where the caller calls from.
    pub address: IpAddr,
    url: String,
    client: reqwest::Client,
}

/// A claim as `next` answered it.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The credential's number.
    pub id: u64,
    /// The fencing token.
    pub token: u64,
    /// The whole body.
    pub body: Json,
}

impl Scraper {
    fn new(url: String, id: String, key: String) -> anyhow::Result<Self> {
        let address = any_loopback_address();
        Ok(Self { id, key, address, url, client: client_from(address)? })
    }

    /// A request with the caller's key.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).header("X-Scraper-API-Key", &self.key)
    }

    /// A request without a key.
    pub fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// Calls an endpoint, and gives whatever it answers.
    pub async fn call(&self, method: Method, path: &str) -> anyhow::Result<Answer> {
        Answer::of(self.request(method, path).send().await?).await
    }

    /// Calls an endpoint with a body, and gives whatever it answers.
    pub async fn send(&self, method: Method, path: &str, body: &Json) -> anyhow::Result<Answer> {
        Answer::of(self.request(method, path).json(body).send().await?).await
    }

    /// Asks for the next credential, with this query string (`lease_seconds=30`), and gives whatever is answered.
    pub async fn ask_next(&self, platform: &str, query: &str) -> anyhow::Result<Answer> {
        self.call(Method::GET, &format!("{QUEUE}/{platform}/next?{query}")).await
    }

    /// Claims the next credential; none where none is free.
    pub async fn claim(&self, platform: &str) -> anyhow::Result<Option<Claimed>> {
        Claimed::read(&self.ask_next(platform, "").await?)
    }

    /// Claims the next credential, which must be there.
    pub async fn claim_one(&self, platform: &str) -> anyhow::Result<Claimed> {
        self.claim(platform).await?.with_context(|| format!("no credential of {platform} is free"))
    }

    /// Reports on a credential (`success`, `failure`, `release`, `heartbeat`), by its token if there is one, and gives whatever is
    /// answered.
    pub async fn report(&self, id: u64, what: &str, token: Option<u64>, body: &Json) -> anyhow::Result<Answer> {
        let mut request = self.request(Method::POST, &format!("{QUEUE}/{id}/{what}")).json(body);
        if let Some(token) = token {
            request = request.header("X-Lease-Token", token);
        }
        Answer::of(request.send().await?).await
    }

    /// `GET`s a path of the administration, which must succeed.
    pub async fn admin_get(&self, path: &str) -> anyhow::Result<Json> {
        self.call(Method::GET, &format!("{ADMIN}{path}")).await?.success(200)
    }

    /// Does something by the administration, which must be answered with this status.
    pub async fn admin(&self, method: Method, path: &str, body: &Json, status: u16) -> anyhow::Result<Json> {
        self.send(method, &format!("{ADMIN}{path}"), body).await?.success(status)
    }

    /// A credential, as administrators see it.
    pub async fn shown(&self, id: u64) -> anyhow::Result<Json> {
        self.admin_get(&format!("/credentials/{id}")).await
    }
}

impl Claimed {
    /// Reads an answer of `next`, which must be a 200 or a 204.
    pub fn read(answer: &Answer) -> anyhow::Result<Option<Self>> {
        if answer.status == 204 {
            ensure!(answer.body.is_empty(), "a 204 with a body: {answer:?}");
            return Ok(None);
        }
        let body = answer.success(200)?;
        let number = |name: &str| body[name].as_u64().with_context(|| format!("no {name} in {body}"));
        Ok(Some(Self { id: number("id")?, token: number("lease_token")?, body: body.clone() }))
    }
}

impl Answer {
    /// The JSON of an answer that must have this status.
    pub fn success(&self, status: u16) -> anyhow::Result<Json> {
        ensure!(self.status == status, "{} instead of {status}: {}", self.status, String::from_utf8_lossy(&self.body));
        self.json()
    }

    /// The message of the credential queue's error body, which this must be with this status: `{"error", "message"}`.
    pub fn queue_error(&self, status: u16) -> anyhow::Result<String> {
        let body = self.success(status)?;
        ensure!(self.header("content-type") == Some("application/json"), "not JSON by its header: {self:?}");
        ensure!(self.header("x-request-id").is_some(), "no X-Request-Id: {self:?}");
        let text = |name: &str| body[name].as_str().filter(|text| !text.is_empty()).context("no text");
        let (_, message) = (text("error")?, text("message")?);
        let fields: Vec<_> = body.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        // Only an import has more to tell: the lines that are wrong.
        ensure!(fields == ["error", "message"] || fields == ["error", "message", "lines"], "other fields: {body}");
        Ok(message.to_owned())
    }
}

/// A platform of a test's own.
#[derive(Clone, Debug)]
pub struct Pool {
    /// The stack.
    pub stack: Stack,
    /// The platform's name.
    pub platform: String,
    /// The administrator.
    pub admin: Scraper,
    /// A scraper with a key of its own.
    pub scraper: Scraper,
    /// The credentials' numbers.
    pub ids: Vec<u64>,
}

impl Stack {
    /// The deployment's administrator.
    pub fn administrator(&self) -> anyhow::Result<Scraper> {
        let key =
            std::env::var("DROVER_ADMIN_KEY").context("DROVER_ADMIN_KEY is not set: run the suites by tests/run")?;
        Scraper::new(self.url.clone(), "administrator".to_owned(), key)
    }

    /// A new scraper with a key of its own.
    pub async fn scraper(&self) -> anyhow::Result<Scraper> {
        let key = self.administrator()?.admin(Method::POST, "/keys", &json!({"name": "test"}), 201).await?;
        let text = |name: &str| key[name].as_str().map(str::to_owned).context("no text");
        Scraper::new(self.url.clone(), text("id")?, text("api_key")?)
    }

    /// A new platform with these settings and so many credentials.
    pub async fn pool_with(&self, settings: Json, credentials: usize) -> anyhow::Result<Pool> {
        let (admin, scraper) = (self.administrator()?, self.scraper().await?);
        let platform = format!("test-{}", &new_id(Clock::system().now()).simple().to_string()[..26]);
        admin.admin(Method::PUT, &format!("/platforms/{platform}"), &settings, 200).await?;
        let mut pool = Pool { stack: self.clone(), platform, admin, scraper, ids: Vec::new() };
        pool.add(credentials, settings["secret"] == "credentials").await?;
        Ok(pool)
    }

    /// A new platform with e-mail addresses and passwords, and so many credentials.
    pub async fn pool(&self, credentials: usize) -> anyhow::Result<Pool> {
        self.pool_with(json!({"secret": "email_password"}), credentials).await
    }
}

impl Pool {
    async fn add(&mut self, credentials: usize, sets: bool) -> anyhow::Result<()> {
        let numbers: Vec<_> = (1..=credentials).collect();
        // As many as an import takes.
        for part in numbers.chunks(1_000) {
            let lines: Vec<_> = part
                .iter()
                .map(|number| {
                    let name = format!("Account {number}");
                    if sets {
                        json!({"name": name, "credentials": {"cookie": format!("{SECRET}-{number}")}})
                    } else {
                        json!({"name": name, "email": email(*number), "password": format!("{SECRET}-{number}")})
                    }
                })
                .collect();
            self.import(&lines).await?;
        }
        Ok(())
    }

    /// Adds these credentials, as an administrator imports them.
    pub async fn import(&mut self, credentials: &[Json]) -> anyhow::Result<()> {
        let lines: Vec<_> = credentials.iter().map(Json::to_string).collect();
        let path = format!("{ADMIN}/credentials/import?platform={}", self.platform);
        let request = self.admin.request(Method::POST, &path).header("Content-Type", "application/x-ndjson");
        let answer = Answer::of(request.body(lines.join("\n")).send().await?).await?.success(201)?;
        let end = |name: &str| answer[name].as_u64().context("no number");
        self.ids.extend(end("first_id")?..=end("last_id")?);
        Ok(())
    }

    /// Claims a credential, which must be free.
    pub async fn claim(&self) -> anyhow::Result<Claimed> {
        self.scraper.claim_one(&self.platform).await
    }

    /// Ends a lease or a cooldown now. The shortest of either is half a minute: what is here made of one is what the time would.
    pub async fn end_wait(&self, id: u64) -> anyhow::Result<()> {
        let past = table::Millis(Clock::system().now().0 - 1);
        let over = Update::new().set("claimable_at", past).when(table::Condition::Exists("claimable_at"));
        self.stack.table("credentials").update(&self.key(id), over).await?;
        Ok(())
    }

    /// The key of a credential in the table `credentials`.
    #[must_use]
    pub fn key(&self, id: u64) -> Key {
        Key::new(format!("CRED#{id}"), "CRED")
    }

    /// All that is stored of the pool's credentials.
    pub async fn stored(&self) -> anyhow::Result<Vec<Option<table::Item>>> {
        let table = self.stack.table("credentials");
        let mut items = Vec::with_capacity(self.ids.len());
        for id in &self.ids {
            items.push(table.get_item(&self.key(*id), true).await?);
        }
        Ok(items)
    }

    /// The counts of the pool's statistics: `total`, `available`, `in_use`, `cooldown`, `failed`, `disabled`.
    pub async fn counts(&self) -> anyhow::Result<[u64; 6]> {
        let told = self.admin.admin_get(&format!("/pools/{}", self.platform)).await?;
        Ok(["total", "available", "in_use", "cooldown", "failed", "disabled"]
            .map(|name| told[name].as_u64().unwrap_or(u64::MAX)))
    }

    /// Does something to a credential by the administration, and gives whatever is answered.
    pub async fn act(&self, id: u64, action: &str) -> anyhow::Result<Answer> {
        self.admin.call(Method::POST, &format!("{ADMIN}/credentials/{id}/{action}")).await
    }

    /// The numbers of all credentials that a listing gives, page by page, none twice.
    pub async fn listed(&self, query: &str, limit: usize) -> anyhow::Result<BTreeSet<u64>> {
        let (mut listed, mut cursor) = (BTreeSet::new(), String::new());
        loop {
            let path = format!("/credentials?platform={}&{query}&limit={limit}&cursor={cursor}", self.platform);
            let page = self.admin.admin_get(&path).await?;
            let ids: Vec<_> =
                page["credentials"].as_array().into_iter().flatten().filter_map(|one| one["id"].as_u64()).collect();
            ensure!(ids.len() <= limit, "{} on a page of {limit}", ids.len());
            for id in ids {
                ensure!(listed.insert(id), "{id} is listed twice");
            }
            match page["next_cursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => return Ok(listed),
            }
        }
    }

    /// The actions of a credential's trail, the oldest first, once there are so many.
    pub async fn trail(&self, id: u64, length: usize) -> anyhow::Result<Vec<Json>> {
        eventually(&format!("the trail of {id} has {length} events"), async || {
            let told = self.admin.admin_get(&format!("/credentials/{id}/audit")).await?;
            let mut events = told["events"].as_array().cloned().context("no events")?;
            events.reverse();
            Ok((events.len() >= length).then_some(events))
        })
        .await
    }
}

/// What every secret of a [`Pool`] contains, and nothing else.
pub const SECRET: &str = "s3cr3t-of-the-pool";

/// The e-mail address of a pool's `number`th credential.
#[must_use]
pub fn email(number: usize) -> String {
    format!("account-{number}@{SECRET}.example")
}

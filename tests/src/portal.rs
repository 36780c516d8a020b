//! Callers of the portal jobs, and a worker that does what their scraper does, but reads no portal: a test says what becomes of each job.

use std::net::IpAddr;

use anyhow::{Context, ensure};
use jobs::{Claimed, Hint, Run};
use portals::{AccountFields, Accounts, Portal, PortalAccount, PortalJob, PortalJobs, UserFields, Users};
use reqwest::{Method, RequestBuilder};
use secrets::Passwords;
use serde_json::{Value as Json, json};
use table::Clock;
use uuid::Uuid;

use crate::answer::Answer;
use crate::scraper::SECRET;
use crate::stack::Stack;
use crate::user::{any_loopback_address, client_from};

/// What the accounts have as their password at the portals: one of the secrets that no log may hold.
#[must_use]
pub fn portal_password() -> String {
    format!("{SECRET}-portal")
}

/// A user who has logged in. Each calls from an address of its own, so that limits by address do not join tests.
#[derive(Clone, Debug)]
pub struct PortalClient {
    /// What the user logs in with.
    pub name: String,
    /// What the user logs in with.
    pub password: String,
    /// Whose the accounts and jobs are.
    pub tenant: String,
    /// What the user calls by.
    pub token: String,
    /// Where the user calls from.
    pub address: IpAddr,
    url: String,
    client: reqwest::Client,
}

impl Stack {
    /// A new user of a tenant of their own, who has logged in.
    pub async fn portal_client(&self) -> anyhow::Result<PortalClient> {
        self.portal_client_of(&format!("t-{}", Uuid::new_v4().simple())).await
    }

    /// A new user of this tenant, who has logged in.
    pub async fn portal_client_of(&self, tenant: &str) -> anyhow::Result<PortalClient> {
        let (name, password) = (format!("u-{}", Uuid::new_v4().simple()), format!("{SECRET}-{}", Uuid::new_v4()));
        let new = UserFields::read(&json!({"username": name, "password": password, "tenant": tenant}));
        self.portal_users()?.create(new.map_err(|faults| anyhow::anyhow!("{faults:?}"))?).await?;
        let address = any_loopback_address();
        let mut client = PortalClient {
            name,
            password,
            tenant: tenant.to_owned(),
            token: String::new(),
            address,
            url: self.url.clone(),
            client: client_from(address)?,
        };
        client.token = client.log_in().await?;
        Ok(client)
    }

    /// A new user of a tenant of their own, of whose jobs no worker hears: so a test that calls the API is their only worker all the same, by a
    /// [`PortalDesk`].
    pub async fn unheard_portal_client(&self) -> anyhow::Result<PortalClient> {
        let client = self.portal_client().await?;
        self.silence(&client.tenant).await?;
        Ok(client)
    }

    /// The users.
    pub fn portal_users(&self) -> anyhow::Result<Users> {
        Ok(Users::new(self.table("portal"), Clock::system(), Passwords::new()?))
    }

    /// The accounts at the portals, which an operator may open.
    #[must_use]
    pub fn portal_accounts(&self) -> Accounts {
        Accounts::new(&self.config, self.table("portal"), Clock::system(), format!("alias/{}-portal", self.name))
    }

    /// A new account of this tenant's, of an address of its own.
    pub async fn portal_account(&self, tenant: &str, portal: Portal) -> anyhow::Result<PortalAccount> {
        self.portal_account_named(tenant, portal, &format!("{}@example.com", Uuid::new_v4().simple())).await
    }

    /// A new account of this tenant's, of this address.
    pub async fn portal_account_named(
        &self,
        tenant: &str,
        portal: Portal,
        email: &str,
    ) -> anyhow::Result<PortalAccount> {
        let new = json!({"tenant": tenant, "portal": portal, "email": email, "password": portal_password()});
        let new = AccountFields::read(&new).map_err(|faults| anyhow::anyhow!("{faults:?}"))?;
        Ok(self.portal_accounts().create(new).await?)
    }

    /// Portal jobs of which no function of the stack hears, of this clock's time.
    pub async fn portal_desk(&self, clock: Clock) -> anyhow::Result<PortalDesk> {
        let feeds = portals::feeds(self.table("events"), clock.clone());
        let mut jobs = self.unheard_jobs(portals::QUEUE_KIND, clock).await?;
        jobs.logs = jobs.logs.with_feeds(feeds);
        Ok(PortalDesk { jobs: PortalJobs::new(jobs, 2) })
    }
}

impl PortalClient {
    /// The same user, from another address.
    pub fn elsewhere(&self) -> anyhow::Result<Self> {
        let address = any_loopback_address();
        Ok(Self { address, client: client_from(address)?, ..self.clone() })
    }

    /// Who calls by another token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// Logs in, and gives the token.
    pub async fn log_in(&self) -> anyhow::Result<String> {
        let answer = self.try_log_in(&self.name, &self.password).await?.success(200)?;
        ensure!(answer["token_type"] == "bearer", "{answer}");
        answer["access_token"].as_str().map(str::to_owned).context("no token")
    }

    /// Tries to log in, and gives whatever is answered.
    pub async fn try_log_in(&self, name: &str, password: &str) -> anyhow::Result<Answer> {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        let form = form.append_pair("username", name).append_pair("password", password).finish();
        self.send_form(&form).await
    }

    /// Sends a form to the login, and gives whatever is answered.
    pub async fn send_form(&self, form: &str) -> anyhow::Result<Answer> {
        let request = self.anonymous(Method::POST, "/auth/login");
        let request = request.header("Content-Type", "application/x-www-form-urlencoded").body(form.to_owned());
        Answer::of(request.send().await?).await
    }

    /// A request with the user's token.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).bearer_auth(&self.token)
    }

    /// A request without a token.
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

    /// `GET`s a path, which must be there.
    pub async fn get(&self, path: &str) -> anyhow::Result<Json> {
        self.call(Method::GET, path).await?.success(200)
    }

    /// Calls an administrators' endpoint with the operator's key, and gives whatever it answers.
    pub async fn administer(&self, method: Method, path: &str, body: Option<&Json>) -> anyhow::Result<Answer> {
        let key = std::env::var("DROVER_ADMIN_KEY").context("DROVER_ADMIN_KEY is not set")?;
        let request = self.anonymous(method, &format!("/cpcb/admin{path}")).bearer_auth(key);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        Answer::of(request.send().await?).await
    }
}

/// Portal jobs whose messages go nowhere: a test decides what becomes of them, and when.
#[derive(Clone, Debug)]
pub struct PortalDesk {
    /// The jobs.
    pub jobs: PortalJobs,
}

impl PortalDesk {
    /// A worker begins a job that waits.
    pub async fn begin(&self, job: &PortalJob) -> anyhow::Result<Run> {
        match self.jobs.jobs.claim::<PortalJob>(&job.key, "worker-1").await? {
            Claimed::Run(run, _) => Ok(*run),
            Claimed::Nothing(why) => anyhow::bail!("the job is not to be had: {why}"),
        }
    }

    /// The job that a worker gets by the message of this one.
    pub async fn next(&self, job: &PortalJob) -> anyhow::Result<Option<(Run, PortalJob)>> {
        match self.jobs.jobs.take::<PortalJob>(&Hint::waits(job.key.clone()), "worker-1").await? {
            Claimed::Run(run, job) => Ok(Some((*run, *job))),
            Claimed::Nothing(_) => Ok(None),
        }
    }
}

impl Answer {
    /// What is told by the error of the portal jobs, which this must be with this status: `{"detail": "…"}`.
    pub fn portal_error(&self, status: u16) -> anyhow::Result<String> {
        self.video_error(status)
    }
}

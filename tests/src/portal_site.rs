//! The portals that jobs read, as the suites have them: the stand-in beside the deployed stack; and a tenant whose jobs are read from there.

use std::io::Cursor;
use std::time::Duration;

use anyhow::{Context, ensure};
use calamine::{Reader as _, Xlsx};
use portal_stand_in::Account;
use portals::{Portal, PortalAccount};
use reqwest::{Client, Method};
use serde_json::{Map, Value as Json};

use crate::portal::{PortalClient, portal_password};
use crate::stack::{Stack, eventually};

/// What the portals have, by tests.
#[derive(Clone, Debug)]
pub struct PortalSite {
    url: String,
    client: Client,
}

/// A tenant, and the portals that they have accounts at.
#[derive(Clone, Debug)]
pub struct Reader {
    /// The stack that reads.
    pub stack: Stack,
    /// Who asks for jobs.
    pub client: PortalClient,
    /// Where the records are.
    pub site: PortalSite,
}

/// A table of texts: the header, then a row for each record.
pub type Sheet = Vec<Vec<String>>;

impl PortalSite {
    /// The one that the suites were given.
    pub fn from_environment() -> anyhow::Result<Self> {
        let url = std::env::var("DROVER_PORTALS_URL").context("no DROVER_PORTALS_URL: run the suites by tests/run")?;
        Ok(Self { url, client: Client::builder().timeout(Duration::from_mins(1)).build()? })
    }

    /// A portal has this account from now on, of this name.
    pub async fn put(&self, portal: Portal, name: &str, account: &Account) -> anyhow::Result<()> {
        let request = self.client.put(self.of(portal, name, "")).json(account);
        request.send().await?.error_for_status()?;
        Ok(())
    }

    /// An account's sessions end.
    pub async fn expire(&self, portal: Portal, name: &str) -> anyhow::Result<()> {
        self.client.delete(self.of(portal, name, "/sessions")).send().await?.error_for_status()?;
        Ok(())
    }

    /// How often somebody has signed in with an account.
    pub async fn sign_ins(&self, portal: Portal, name: &str) -> anyhow::Result<u64> {
        self.count(portal, name, "sign_ins").await
    }

    /// How often somebody has tried to.
    pub async fn attempts(&self, portal: Portal, name: &str) -> anyhow::Result<u64> {
        self.count(portal, name, "attempts").await
    }

    /// How many requests came in an account's sessions.
    pub async fn asked(&self, portal: Portal, name: &str) -> anyhow::Result<u64> {
        self.count(portal, name, "asked").await
    }

    async fn count(&self, portal: Portal, name: &str, what: &str) -> anyhow::Result<u64> {
        let told = self.client.get(self.of(portal, name, "/sign-ins")).send().await?.error_for_status()?;
        told.json::<Json>().await?[what].as_u64().context("no number")
    }

    /// What a portal has for an account, as a file should have it.
    pub async fn truth(&self, portal: Portal, name: &str) -> anyhow::Result<Sheet> {
        let told = self.client.get(self.of(portal, name, "/records")).send().await?.error_for_status()?;
        let lines = told.text().await?;
        let records: Vec<Map<String, Json>> = lines.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        let header = records.first().context("the portal has nothing")?.keys().cloned().collect();
        let rows = records.iter().map(|record| record.values().map(shown).collect());
        Ok([header].into_iter().chain(rows).collect())
    }

    fn of(&self, portal: Portal, name: &str, rest: &str) -> String {
        format!("{}/_control/{}/accounts/{name}{rest}", self.url, portal.as_str())
    }
}

impl Reader {
    /// A new tenant.
    pub async fn open() -> anyhow::Result<Self> {
        let stack = Stack::from_environment()?;
        Ok(Self { client: stack.portal_client().await?, stack, site: PortalSite::from_environment()? })
    }

    /// A new account at a portal, with what it has there. Its password there is what the tenant has given us.
    pub async fn account(&self, portal: Portal, has: Account) -> anyhow::Result<PortalAccount> {
        let account = self.stack.portal_account(&self.client.tenant, portal).await?;
        let has = Account { password: portal_password(), ..has };
        self.site.put(portal, &account.email, &has).await?;
        Ok(account)
    }

    /// Starts a job: its id.
    pub async fn start(&self, account: &PortalAccount) -> anyhow::Result<String> {
        let path = format!("/cpcb/{}?user_email={}", account.portal.as_str(), account.email);
        let started = self.client.call(Method::POST, &path).await?.success(200)?;
        started["job_id"].as_str().map(str::to_owned).context("no id")
    }

    /// A job as it is shown.
    pub async fn shown(&self, job: &str) -> anyhow::Result<Json> {
        self.client.get(&format!("/cpcb/queue/job/{job}")).await
    }

    /// A job as it is shown once it has ended.
    pub async fn ended(&self, job: &str) -> anyhow::Result<Json> {
        eventually("the job ends", async || {
            self.stack.run_recovery().await?;
            let told = self.shown(job).await?;
            Ok(matches!(told["status"].as_str(), Some("completed" | "failed")).then_some(told))
        })
        .await
    }

    /// What the log of a job says.
    pub async fn log(&self, job: &str) -> anyhow::Result<Vec<String>> {
        let told = self.client.call(Method::GET, &format!("/logs/stream?job_id={job}")).await?;
        ensure!(told.status == 200, "{told:?}");
        Ok(told.text()?.lines().filter_map(|line| line.strip_prefix("data: ")).map(str::to_owned).collect())
    }

    /// Whether the log of a job says of an attempt that it goes on from what an earlier one has kept.
    pub async fn has_gone_on(&self, job: &str) -> anyhow::Result<bool> {
        let goes_on = |line: &String| line.starts_with("Attempt ") && line.contains(", to go on after ");
        Ok(self.log(job).await?.iter().any(goes_on))
    }

    /// Reads an account by a job of its own, which must end well, and gives the job as it is shown.
    pub async fn read(&self, account: &PortalAccount) -> anyhow::Result<Json> {
        let told = self.ended(&self.start(account).await?).await?;
        ensure!(told["status"] == "completed", "{told}");
        Ok(told)
    }

    /// A file of a job that has ended well, as bytes: as it is shown, and as it is downloaded.
    pub async fn file(&self, job: &Json, form: &str) -> anyhow::Result<Vec<u8>> {
        let files = job["files"].as_array().with_context(|| format!("no files: {job}"))?;
        let file = files.iter().find(|file| file["format"] == form).with_context(|| format!("no {form}: {job}"))?;
        let answer = self.client.call(Method::GET, file["url"].as_str().context("no url")?).await?;
        ensure!(answer.status == 200, "{answer:?}");
        ensure!(file["bytes"] == answer.body.len(), "{} bytes of {file}", answer.body.len());
        Ok(answer.body)
    }

    /// Both files of a job, which must say the same: what they say.
    pub async fn sheet(&self, job: &Json) -> anyhow::Result<Sheet> {
        let (csv, xlsx) = (of_csv(&self.file(job, "csv").await?)?, of_xlsx(self.file(job, "xlsx").await?)?);
        ensure!(csv == xlsx, "the CSV has {} lines, the workbook {}, or others", csv.len(), xlsx.len());
        Ok(csv)
    }

    /// The keys of all files that there are of a job.
    pub async fn stored(&self, job: &str) -> anyhow::Result<Vec<String>> {
        self.stack.stored_under(&format!("portals/{}/{job}/", self.client.tenant)).await
    }
}

fn of_csv(file: &[u8]) -> anyhow::Result<Sheet> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(file);
    let rows = reader.records().map(|record| record.map(|record| record.iter().map(str::to_owned).collect()));
    Ok(rows.collect::<Result<_, _>>()?)
}

fn of_xlsx(file: Vec<u8>) -> anyhow::Result<Sheet> {
    let mut book = Xlsx::new(Cursor::new(file))?;
    let sheet = book.worksheet_range_at(0).context("no sheet")??;
    Ok(sheet.rows().map(|row| row.iter().map(ToString::to_string).collect()).collect())
}

/// A value as a cell shows it.
fn shown(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        value => value.to_string(),
    }
}

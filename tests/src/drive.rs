//! Google Drive as the suites have it: the stand-in beside the deployed stack, and what it tells tests.

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use google_drive_stand_in::{Asked, Plan, SHARED_DRIVE, Seen};
use reqwest::Client;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use tokio::sync::OnceCell;

use crate::Stack;
use crate::aws::Call;

/// Whether this process has given the stack its key.
static KEY: OnceCell<()> = OnceCell::const_new();

/// A folder of Drive's that is one test's.
#[derive(Clone, Debug)]
pub struct DriveFolder {
    /// Its id.
    pub id: String,
    name: String,
    url: String,
    client: Client,
}

impl Stack {
    /// A new folder, into which the stack's functions may write.
    pub async fn drive_folder(&self, name: &str) -> anyhow::Result<DriveFolder> {
        let url = std::env::var("DROVER_DRIVE_URL").context("no DROVER_DRIVE_URL: run the suites by tests/run")?;
        let client = Client::builder().timeout(std::time::Duration::from_mins(1)).build()?;
        KEY.get_or_try_init(|| self.set_drive_key(&client, &url)).await?;
        let id = make_folder(&client, &url, name, SHARED_DRIVE).await?;
        Ok(DriveFolder { id, name: name.to_owned(), url, client })
    }

    /// As an operator sets it: the key file in Base64.
    async fn set_drive_key(&self, client: &Client, url: &str) -> anyhow::Result<()> {
        let key = client.get(format!("{url}/_control/key-file")).send().await?.error_for_status()?.text().await?;
        let parameter = json!({
            "Name": format!("/{}/google-drive/service-account", self.name),
            "Value": STANDARD.encode(key), "Type": "SecureString", "Overwrite": true,
        });
        self.operator().await?.ask(&Call::json("ssm", "AmazonSSM.PutParameter", &parameter)).await?;
        Ok(())
    }
}

impl DriveFolder {
    /// The files in it and below it, without its folders.
    pub async fn files(&self) -> anyhow::Result<Vec<Seen>> {
        Ok(self.everything().await?.into_iter().filter(|seen| seen.size.is_some()).collect())
    }

    /// The files and folders in it and below it, with their paths from here, without what is in the trash.
    pub async fn everything(&self) -> anyhow::Result<Vec<Seen>> {
        let all: Vec<Seen> = self.told("files").await?;
        let inside = |seen: Seen| {
            let path = seen.path.split_once(&format!("{}/", self.name))?.1.to_owned();
            (!seen.trashed).then_some(Seen { path, ..seen })
        };
        Ok(all.into_iter().filter_map(inside).collect())
    }

    /// A folder in one of these, as a person would make it, whatever is called so already.
    pub async fn add_folder(&self, name: &str, parent: &str) -> anyhow::Result<()> {
        make_folder(&self.client, &self.url, name, parent).await.map(drop)
    }

    /// All that was asked of Google Drive by anybody, and what came of it.
    pub async fn asked(&self) -> anyhow::Result<Vec<Asked>> {
        self.told("asked").await
    }

    async fn told<T: DeserializeOwned>(&self, what: &str) -> anyhow::Result<T> {
        let told = self.client.get(format!("{}/_control/{what}", self.url)).send().await?;
        Ok(told.error_for_status()?.json().await?)
    }

    /// Has something go wrong with what is asked of the folder and what is in it, and with nothing else.
    pub async fn plan(&self, plan: Plan) -> anyhow::Result<()> {
        self.plan_for_all(&Plan { within: Some(self.id.clone()), ..plan }).await
    }

    /// Has something go wrong, for everybody who asks; until [`DriveFolder::mend_all`].
    pub async fn plan_for_all(&self, plan: &Plan) -> anyhow::Result<()> {
        self.client.post(format!("{}/_control/plans", self.url)).json(plan).send().await?.error_for_status()?;
        Ok(())
    }

    /// Nothing goes wrong any more, for nobody.
    pub async fn mend_all(&self) -> anyhow::Result<()> {
        self.client.delete(format!("{}/_control/plans", self.url)).send().await?.error_for_status()?;
        Ok(())
    }
}

async fn make_folder(client: &Client, url: &str, name: &str, parent: &str) -> anyhow::Result<String> {
    let made = client.post(format!("{url}/_control/folders")).json(&json!({"name": name, "parent": parent}));
    let made: Json = made.send().await?.error_for_status()?.json().await?;
    Ok(made["id"].as_str().context("no id")?.to_owned())
}

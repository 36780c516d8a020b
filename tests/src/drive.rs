//! Google Drive as the suites have it: the stand-in beside the deployed stack, and what it tells tests.

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use google_drive_stand_in::{Plan, SHARED_DRIVE, Seen};
use reqwest::Client;
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
        let made = client.post(format!("{url}/_control/folders")).json(&json!({"name": name, "parent": SHARED_DRIVE}));
        let made: Json = made.send().await?.error_for_status()?.json().await?;
        let id = made["id"].as_str().context("no id")?.to_owned();
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
        let all: Vec<Seen> =
            self.client.get(format!("{}/_control/files", self.url)).send().await?.error_for_status()?.json().await?;
        let inside = format!("{}/", self.name);
        Ok(all.into_iter().filter(|seen| seen.path.contains(&inside) && seen.size.is_some()).collect())
    }

    /// Has something go wrong with what is asked of the folder and what is in it.
    pub async fn plan(&self, plan: &Plan) -> anyhow::Result<()> {
        let plan = json!(plan);
        self.client.post(format!("{}/_control/plans", self.url)).json(&plan).send().await?.error_for_status()?;
        Ok(())
    }
}

//! The platform that videos come from, as the suites have it: the stand-in beside the deployed stack.

use anyhow::Context;
use reqwest::Client;
use serde_json::Value as Json;

use crate::video_platform::{Kind, Posted};

/// What is posted there, by tests.
#[derive(Clone, Debug)]
pub struct PlatformStandIn {
    url: String,
    client: Client,
}

impl PlatformStandIn {
    /// The one that the suites were given.
    pub fn from_environment() -> anyhow::Result<Self> {
        let url =
            std::env::var("DROVER_PLATFORM_URL").context("no DROVER_PLATFORM_URL: run the suites by tests/run")?;
        Ok(Self { url, client: Client::builder().timeout(std::time::Duration::from_mins(1)).build()? })
    }

    /// Has this posted under a name. Gives the videos' ids, in their order.
    pub async fn post(&self, kind: Kind, name: &str, posted: &Posted) -> anyhow::Result<Vec<String>> {
        let kind = serde_json::to_value(kind)?;
        let path = format!("{}/sources/{}/{name}", self.url, kind.as_str().unwrap_or_default());
        let told: Json = self.client.put(path).json(posted).send().await?.error_for_status()?.json().await?;
        Ok(serde_json::from_value(told["ids"].clone())?)
    }

    /// The requests that have come for what has this in its path, as `METHOD HOST/PATH`.
    pub async fn seen(&self, about: &str) -> anyhow::Result<Vec<String>> {
        let seen: Vec<String> =
            self.client.get(format!("{}/seen", self.url)).send().await?.error_for_status()?.json().await?;
        Ok(seen.into_iter().filter(|request| request.contains(about)).collect())
    }
}

//! The deployment that a command is about.

use anyhow::Context;
use table::aws::{SdkConfig, configure, dynamodb};
use table::{Clock, Table};

/// A deployment's tables and parameters.
pub(crate) struct Deployment {
    pub(crate) config: SdkConfig,
    pub(crate) client: aws_sdk_dynamodb::Client,
    pub(crate) stack: String,
    pub(crate) clock: Clock,
}

impl Deployment {
    /// The stack of this name, where the environment says.
    pub(crate) fn of(stack: String) -> anyhow::Result<Self> {
        let config = configure().context("droverctl needs to know which AWS account or local cloud to talk to")?;
        let client = dynamodb(&config);
        Ok(Self { config, client, stack, clock: Clock::system() })
    }

    /// The table of a bounded context; template.yaml names them so.
    pub(crate) fn table(&self, context: &str) -> Table {
        Table::new(self.client.clone(), &format!("{}-{context}", self.stack))
    }

    /// Whether it is in a local cloud, not in AWS.
    pub(crate) fn is_local(&self) -> bool {
        self.config.endpoint_url().is_some()
    }
}

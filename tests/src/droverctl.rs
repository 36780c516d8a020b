//! The operator's command, as an operator runs it.

use std::process::Stdio;

use anyhow::{Context, ensure};
use serde_json::Value as Json;
use tokio::process::Command;

use crate::function::binary;
use crate::stack::Stack;

/// What the command said.
#[derive(Clone, Debug)]
pub struct Said {
    /// Whether it did what it was told.
    pub success: bool,
    /// What it printed.
    pub output: String,
    /// What it complained of.
    pub errors: String,
}

impl Stack {
    /// Runs `droverctl` with these arguments. There is nobody to ask.
    pub async fn droverctl(&self, arguments: &[&str]) -> anyhow::Result<Said> {
        let mut run = Command::new(binary("droverctl")?);
        run.args(arguments).env("DROVER_STACK", &self.name).stdin(Stdio::null()).kill_on_drop(true);
        let output = run.output().await.context("droverctl does not start")?;
        Ok(Said {
            success: output.status.success(),
            output: String::from_utf8(output.stdout)?,
            errors: String::from_utf8(output.stderr)?,
        })
    }

    /// Runs `droverctl` with these arguments, which must succeed, and gives its answer.
    pub async fn operate(&self, arguments: &[&str]) -> anyhow::Result<Json> {
        let said = self.droverctl(&[arguments, &["--format", "json"]].concat()).await?;
        ensure!(said.success, "droverctl {arguments:?}: {}", said.errors);
        serde_json::from_str(&said.output).with_context(|| said.output)
    }
}

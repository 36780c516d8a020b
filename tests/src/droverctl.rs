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
    /// Its exit code.
    pub code: Option<i32>,
    /// What it printed.
    pub output: String,
    /// What it complained of.
    pub errors: String,
}

impl Stack {
    /// Runs `droverctl` with these arguments. There is nobody to ask.
    pub async fn droverctl(&self, arguments: &[&str]) -> anyhow::Result<Said> {
        self.droverctl_in(arguments, &[]).await
    }

    /// The same in an environment that is another in this.
    pub async fn droverctl_in(&self, arguments: &[&str], environment: &[(&str, &str)]) -> anyhow::Result<Said> {
        let mut run = Command::new(binary("droverctl")?);
        run.args(arguments).env("DROVER_STACK", &self.name).envs(environment.iter().copied());
        run.stdin(Stdio::null()).kill_on_drop(true);
        let output = run.output().await.context("droverctl does not start")?;
        Ok(Said {
            success: output.status.success(),
            code: output.status.code(),
            output: String::from_utf8(output.stdout)?,
            errors: String::from_utf8(output.stderr)?,
        })
    }

    /// Runs `droverctl` with these arguments, which must succeed, and gives its answer.
    pub async fn operate(&self, arguments: &[&str]) -> anyhow::Result<Json> {
        let said = self.droverctl(&[arguments, &["--output", "json"]].concat()).await?;
        ensure!(said.success, "droverctl {arguments:?}: {}", said.errors);
        serde_json::from_str(&said.output).with_context(|| said.output)
    }
}

//! The contracts' own example programs. The files beside this one are copied from the contracts, character by character; what is changed
//! in them at the last moment is the base URL, the key, the page, and the id of a task. Those of the video jobs have the key
//! added, as the rulings have it.

mod credential_queue;
mod extract_cloud;
mod video_jobs;
mod worker_api;

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use anyhow::{Context, ensure};
use serde_json::Value as Json;
use tokio::process::Command;

/// Where the programs are.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients");

/// A folder of its own for a program to write to; gone when this is.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("drover-client-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&folder)?;
        Ok(Self(folder))
    }

    /// Runs a program in the folder; gives what it wrote, if it did well.
    async fn run(&self, command: &mut Command) -> anyhow::Result<String> {
        let output: Output = command.current_dir(&self.0).stdin(Stdio::null()).kill_on_drop(true).output().await?;
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(output.status.success(), "{}: {told}{}", output.status, String::from_utf8_lossy(&output.stderr));
        Ok(told)
    }

    fn read_json(&self, file: &str) -> anyhow::Result<Json> {
        Ok(serde_json::from_slice(&std::fs::read(self.0.join(file)).with_context(|| format!("no {file}"))?)?)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A file's text with each of these replaced, which must be in it.
fn filled(file: &str, values: &[(&str, &str)]) -> anyhow::Result<String> {
    let mut text = std::fs::read_to_string(Path::new(FOLDER).join(file))?;
    for (documented, actual) in values {
        ensure!(text.contains(documented), "{documented} is not in {file}");
        text = text.replace(documented, actual);
    }
    Ok(text)
}

//! A rollout that stands still halfway.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;
use aws_sdk_lambda::types::AliasRoutingConfiguration;
use drover_tests::Stack;
use serde_json::Value as Json;
use table::Millis;

/// The functions of the release before.
const FUNCTIONS: [&str; 6] =
    ["credential-audit", "credential-queue", "dead-letters", "extract-scraper", "extract-tasks", "recovery"];
/// What the events of a function are sent to.
const ALIAS: &str = "live";

/// Which of two releases did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Release {
    Old,
    New,
}

/// A stack of which each function has an old and a new version, each called half of the time.
pub struct Rollout {
    pub stack: Stack,
    old: BTreeMap<&'static str, String>,
}

impl Rollout {
    /// Lets the rollout go halfway. Where it is there already, nothing changes.
    pub async fn halfway() -> anyhow::Result<Self> {
        let stack = Stack::from_environment()?;
        let client = aws_sdk_lambda::Client::new(&stack.config);
        let mut old = BTreeMap::new();
        for function in FUNCTIONS {
            let name = format!("{}-{function}", stack.name);
            let found = client.list_versions_by_function().function_name(&name).send().await?;
            let numbered = |version: &str| version.parse::<u32>().ok();
            let mut versions: Vec<_> = found
                .versions()
                .iter()
                .filter_map(|each| Some((numbered(each.version()?)?, each.code_sha256().unwrap_or_default())))
                .collect();
            versions.sort_unstable();
            let [(before, old_code), .., (now, new_code)] = versions[..] else {
                anyhow::bail!("{name} has not two versions: run this by tests/compatibility/run")
            };
            ensure!(old_code != new_code, "{name}: versions {before} and {now} are the same");
            let alias = client.get_alias().function_name(&name).name(ALIAS).send().await?;
            ensure!(alias.function_version() == Some(&now.to_string()), "{ALIAS} of {name} is not at {now}: {alias:?}");
            let halves =
                AliasRoutingConfiguration::builder().additional_version_weights(before.to_string(), 0.5).build();
            client.update_alias().function_name(&name).name(ALIAS).routing_config(halves).send().await?;
            old.insert(function, before.to_string());
        }
        Ok(Self { stack, old })
    }

    /// The JSON lines that a function has logged since `since` and that contain all of `words`, each with the release that logged it.
    pub async fn log_lines(
        &self,
        function: &'static str,
        since: Millis,
        words: &[&str],
    ) -> anyhow::Result<Vec<(Release, Json)>> {
        let old = self.old.get(function).context("no such function")?;
        let events = self.stack.log_events(&self.stack.log_group(function), since, words).await?;
        let release = |stream: &str| if stream.contains(&format!("[{old}]")) { Release::Old } else { Release::New };
        let line = |event: &FilteredLogEvent| {
            Some((release(event.log_stream_name()?), serde_json::from_str(event.message()?).ok()?))
        };
        Ok(events.iter().filter_map(line).collect())
    }
}

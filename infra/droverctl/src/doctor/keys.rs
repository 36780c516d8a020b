//! Keys of KMS's: without one, what it sealed is lost.

use aws_sdk_kms::Client;
use aws_sdk_kms::types::{KeyMetadata, KeyState};

use crate::call::CallFault;
use crate::deployment::Deployment;

use super::each;
use super::expected::{Expected, Resource, is_true};
use super::finding::{About, Finding};

pub(super) async fn look(deployment: &Deployment, expected: &Expected) -> Vec<Finding> {
    let client = &Client::new(&deployment.config);
    let keys = each(expected.of_kind("AWS::KMS::Key"), |key| look_at(client, key)).await;
    let aliases = each(expected.of_kind("AWS::KMS::Alias"), |alias| look_at_alias(client, expected, alias)).await;
    [keys, aliases].concat()
}

async fn look_at(client: &Client, key: &Resource) -> Vec<Finding> {
    let about = about(key);
    let state = match described(client, &key.name).await {
        Ok(described) => described.and_then(|key| key.key_state),
        Err(fault) => return vec![about.unseen("the key", &fault)],
    };
    let is_turned = is_true(&key.properties["EnableKeyRotation"]);
    let rotation = if is_turned { Some(rotates(client, &key.name).await) } else { None };
    judge(&about, &key.name, state.as_ref(), rotation)
}

/// Of an alias only whose it is: how its key is, that has a finding of its own.
async fn look_at_alias(client: &Client, expected: &Expected, alias: &Resource) -> Vec<Finding> {
    let about = about(alias);
    let is = match described(client, &alias.name).await {
        Ok(described) => described.map(|key| key.key_id).unwrap_or_default(),
        Err(fault) => return vec![about.unseen("the alias", &fault)],
    };
    let meant = expected.referred(&alias.properties["TargetKeyId"]).map(|key| key.name.as_str());
    vec![judge_alias(&about, &alias.name, &is, meant)]
}

fn about(key: &Resource) -> About {
    About::new("key", format!("{} ({})", key.logical, key.name))
}

async fn described(client: &Client, key: &str) -> Result<Option<KeyMetadata>, CallFault> {
    let described = client.describe_key().key_id(key).send().await;
    described.map(|described| described.key_metadata).map_err(|error| CallFault::of(&error))
}

fn judge_alias(about: &About, alias: &str, is: &str, meant: Option<&str>) -> Finding {
    // What the stack calls a key is its id, or its ARN, which ends with that.
    match meant.map(|meant| meant.rsplit('/').next().unwrap_or(meant)) {
        Some(meant) if meant != is => about.fault(
            format!("it names the key {is}, not {meant}: what one of them sealed the other does not open"),
            format!("aws kms update-alias --alias-name {alias} --target-key-id {meant}"),
        ),
        _ => about.ok(format!("names the key {is}")),
    }
}

async fn rotates(client: &Client, key: &str) -> Result<bool, CallFault> {
    let asked = client.get_key_rotation_status().key_id(key).send().await;
    asked.map(|status| status.key_rotation_enabled).map_err(|error| CallFault::of(&error))
}

fn judge(about: &About, id: &str, state: Option<&KeyState>, rotation: Option<Result<bool, CallFault>>) -> Vec<Finding> {
    match state {
        Some(KeyState::Enabled) => {}
        Some(KeyState::PendingDeletion | KeyState::PendingReplicaDeletion) => {
            return vec![about.fault(
                "it is about to be deleted: all that it sealed is lost then",
                format!("aws kms cancel-key-deletion --key-id {id}; aws kms enable-key --key-id {id}"),
            )];
        }
        state => {
            let state = state.map_or("in no known state", KeyState::as_str);
            return vec![about.fault(
                format!("it is {}: nothing can be sealed or opened", state.to_lowercase()),
                format!("aws kms enable-key --key-id {id}"),
            )];
        }
    }
    let wrong = match rotation {
        Some(Ok(false)) => vec![about.warning(
            "it is not renewed each year, as it was deployed to be",
            format!("aws kms enable-key-rotation --key-id {id}"),
        )],
        Some(Err(fault)) => vec![about.unseen("whether it is renewed", &fault)],
        Some(Ok(true)) | None => Vec::new(),
    };
    about.or_ok(wrong, "enabled")
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn each_fault_of_a_key_is_found() {
        let about = About::new("key", "k");
        for (state, rotation, verdict, word) in [
            (Some(KeyState::Enabled), Some(Ok(true)), Verdict::Ok, "enabled"),
            (Some(KeyState::Enabled), None, Verdict::Ok, "enabled"),
            (Some(KeyState::Enabled), Some(Ok(false)), Verdict::Warning, "not renewed"),
            (Some(KeyState::Disabled), Some(Ok(true)), Verdict::Fault, "disabled"),
            (Some(KeyState::PendingDeletion), None, Verdict::Fault, "about to be deleted"),
            (None, None, Verdict::Fault, "no known state"),
        ] {
            let found = judge(&about, "k", state.as_ref(), rotation);
            assert!(found[0].verdict == verdict && found[0].why.contains(word), "{found:?}");
        }
    }

    #[test]
    fn an_alias_of_another_key_is_found() {
        let about = About::new("key", "PortalAlias");
        for (is, meant, verdict) in [
            ("1", Some("1"), Verdict::Ok),
            ("1", Some("arn:aws:kms:eu-west-1:1:key/1"), Verdict::Ok),
            ("1", None, Verdict::Ok),
            ("2", Some("1"), Verdict::Fault),
        ] {
            assert_eq!(judge_alias(&about, "alias/d-portal", is, meant).verdict, verdict, "{is} {meant:?}");
        }
    }
}

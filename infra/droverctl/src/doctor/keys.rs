//! Keys of KMS's: without one, what it sealed is lost.

use aws_sdk_kms::Client;
use aws_sdk_kms::types::KeyState;

use crate::call::CallFault;
use crate::deployment::Deployment;

use super::each;
use super::expected::{Expected, Resource, is_true};
use super::finding::{About, Finding};

pub(super) async fn look(deployment: &Deployment, expected: &Expected) -> Vec<Finding> {
    let client = &Client::new(&deployment.config);
    let keys = expected.of_kind("AWS::KMS::Key").chain(expected.of_kind("AWS::KMS::Alias"));
    each(keys, |key| look_at(client, key)).await
}

async fn look_at(client: &Client, key: &Resource) -> Vec<Finding> {
    let about = About::new("key", format!("{} ({})", key.logical, key.name));
    let described = client.describe_key().key_id(&key.name).send().await;
    let metadata = match described {
        Ok(described) => described.key_metadata,
        Err(error) => return vec![about.unseen("the key", &CallFault::of(&error))],
    };
    let state = metadata.as_ref().and_then(|metadata| metadata.key_state.clone());
    let is_turned = is_true(&key.properties["EnableKeyRotation"]);
    let rotation = if is_turned { Some(rotates(client, &key.name).await) } else { None };
    judge(&about, &key.name, state.as_ref(), rotation)
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
}

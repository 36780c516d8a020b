//! Roles: whether each is still as it was deployed, as far as CloudFormation's drift detection tells. It compares what the template sets: who may take the
//! role on, the policies that were deployed. A policy that somebody has added beside those, inline or attached, it may not tell of: that takes
//! `iam:ListRolePolicies` and `iam:ListAttachedRolePolicies`, which no crate here asks.

use std::time::Duration;

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::config::Builder;
use aws_sdk_cloudformation::config::timeout::TimeoutConfig;
use aws_sdk_cloudformation::types::{StackResourceDrift, StackResourceDriftStatus};

use futures::StreamExt;
use futures::stream::iter;

use crate::call::CallFault;
use crate::deployment::Deployment;

use super::expected::{Expected, Resource};
use super::finding::{About, Finding};

/// How many roles are looked at at once: CloudFormation reads each anew, and lets an account do little of that at a time.
const AT_ONCE: usize = 2;
/// How long one attempt may take, and all of one role together: it answers only when it has compared.
const ATTEMPT_TIMEOUT: Duration = Duration::from_mins(1);
const OPERATION_TIMEOUT: Duration = Duration::from_mins(2);

pub(super) async fn look(deployment: &Deployment, expected: &Expected) -> Vec<Finding> {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build();
    let client = &Client::from_conf(Builder::from(&deployment.config).timeout_config(timeouts).build());
    let roles = expected.of_kind("AWS::IAM::Role");
    let seen = iter(roles.map(|role| look_at(&deployment.stack, client, role))).buffered(AT_ONCE);
    seen.collect::<Vec<_>>().await.concat()
}

async fn look_at(stack: &str, client: &Client, role: &Resource) -> Vec<Finding> {
    let about = About::new("role", &role.name);
    let asked = client.detect_stack_resource_drift().stack_name(stack).logical_resource_id(&role.logical).send().await;
    match asked {
        Ok(answer) => vec![judge(stack, &about, answer.stack_resource_drift.as_ref())],
        Err(error) => vec![about.unseen("whether it was changed", &CallFault::of(&error))],
    }
}

fn judge(stack: &str, about: &About, drift: Option<&StackResourceDrift>) -> Finding {
    let status = drift.and_then(StackResourceDrift::stack_resource_drift_status);
    match status {
        Some(StackResourceDriftStatus::InSync) => about.ok("what was deployed of it is unchanged"),
        Some(StackResourceDriftStatus::Deleted) => about.fault(
            "it is gone: its function can do nothing",
            "take it out of template.yaml with its function, `sam deploy`, put both back, `sam deploy`",
        ),
        Some(StackResourceDriftStatus::Modified) => {
            let differences = drift.map(StackResourceDrift::property_differences).unwrap_or_default();
            let paths: Vec<_> = differences.iter().filter_map(|difference| difference.property_path()).collect();
            about.fault(
                format!("somebody changed it: it is not as it was deployed at {}", paths.join(", ")),
                format!(
                    "put it back as template.yaml has it; aws cloudformation describe-stack-resource-drifts --stack-name {stack} \
                     --stack-resource-drift-status-filters MODIFIED shows both"
                ),
            )
        }
        _ => about.not_checked("this cloud does not tell whether it was changed"),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudformation::types::PropertyDifference;

    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn a_role_that_was_changed_is_found() {
        let drift = |status| {
            let difference = PropertyDifference::builder().property_path("/Policies/0").build();
            StackResourceDrift::builder().stack_resource_drift_status(status).property_differences(difference).build()
        };
        for (status, verdict) in [
            (StackResourceDriftStatus::InSync, Verdict::Ok),
            (StackResourceDriftStatus::Modified, Verdict::Fault),
            (StackResourceDriftStatus::Deleted, Verdict::Fault),
            (StackResourceDriftStatus::NotChecked, Verdict::NotChecked),
        ] {
            let finding = judge("d", &About::new("role", "r"), Some(&drift(status.clone())));
            assert_eq!(finding.verdict, verdict, "{status}");
        }
        assert_eq!(judge("d", &About::new("role", "r"), None).verdict, Verdict::NotChecked);
    }
}

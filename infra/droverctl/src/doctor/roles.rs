//! Roles: whether each still grants what was deployed, and nothing else.

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::types::{StackResourceDrift, StackResourceDriftStatus};

use crate::call::CallFault;
use crate::deployment::Deployment;

use super::each;
use super::expected::{Expected, Resource};
use super::finding::{About, Finding};

pub(super) async fn look(deployment: &Deployment, expected: &Expected) -> Vec<Finding> {
    let client = &Client::new(&deployment.config);
    each(expected.of_kind("AWS::IAM::Role"), |role| look_at(&deployment.stack, client, role)).await
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
        Some(StackResourceDriftStatus::InSync) => about.ok("as it was deployed"),
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

//! Alarms: that they are there, that they call on what they were deployed to call on, and which of them are in alarm. Whether somebody has subscribed to the
//! topic is not seen here: docs/operations.md, chapter "The first hour", has how to try it.

use serde_json::Value as Json;

use crate::cloudwatch::CloudWatch;
use crate::deployment::Deployment;

use super::expected::Expected;
use super::finding::{About, Finding};

/// How many alarms may be asked for at a time.
const PAGE: usize = 100;

pub(super) async fn look(deployment: &Deployment, expected: &Expected) -> Vec<Finding> {
    let metrics = CloudWatch::new(&deployment.config);
    let kinds = ["AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"];
    let alarms: Vec<_> = kinds.into_iter().flat_map(|kind| expected.of_kind(kind)).collect();
    let mut findings = Vec::new();
    for some in alarms.chunks(PAGE) {
        let names: Vec<_> = some.iter().map(|alarm| alarm.name.as_str()).collect();
        match metrics.alarms(&names).await {
            Ok(found) => {
                findings.extend(some.iter().map(|alarm| judge(&alarm.name, has_any(&alarm.properties), &found)));
            }
            Err(fault) => findings.push(About::new("alarm", &deployment.stack).unseen("alarms", &fault)),
        }
    }
    findings
}

/// Whether an alarm calls on anything. Those that undo rollouts do not: who deploys asks them.
fn has_any(alarm: &Json) -> bool {
    alarm["AlarmActions"].as_array().is_some_and(|actions| !actions.is_empty())
}

fn judge(name: &str, is_to_tell: bool, found: &[Json]) -> Finding {
    let about = About::new("alarm", name);
    let Some(alarm) = found.iter().find(|alarm| alarm["AlarmName"] == name) else {
        return about.fault(
            "it is not there, though the stack has it: nobody will be told",
            "somebody deleted it: take it out of template.yaml, `sam deploy`, put it back, `sam deploy`",
        );
    };
    if alarm["StateValue"] == "ALARM" {
        let why = alarm["StateReason"].as_str().unwrap_or("it does not say why");
        return about.fault(
            format!("it is in alarm: {why}"),
            "docs/operations.md has a line for each alarm: what it means, and what to do",
        );
    }
    if alarm["ActionsEnabled"] == false {
        return about.warning(
            "its actions are switched off: nobody is told",
            format!("aws cloudwatch enable-alarm-actions --alarm-names {name}"),
        );
    }
    if is_to_tell && !has_any(alarm) {
        return about.warning(
            "it calls on nothing any more: nobody is told",
            "deploy with a change of it, as of its description: CloudFormation sets its actions again",
        );
    }
    about.ok(alarm["StateValue"].as_str().unwrap_or("OK").to_lowercase().replace('_', " "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn an_alarm_that_rings_or_cannot_is_found() {
        let found = [
            json!({"AlarmName": "quiet", "StateValue": "OK", "ActionsEnabled": true, "AlarmActions": ["arn:aws:sns:…"]}),
            json!({"AlarmName": "new", "StateValue": "INSUFFICIENT_DATA", "ActionsEnabled": true, "AlarmActions": ["…"]}),
            json!({"AlarmName": "alone", "StateValue": "OK", "ActionsEnabled": true, "AlarmActions": []}),
            json!({"AlarmName": "rollout", "StateValue": "OK", "ActionsEnabled": true}),
            json!({"AlarmName": "rings", "StateValue": "ALARM", "StateReason": "Threshold Crossed", "ActionsEnabled": true}),
            json!({"AlarmName": "mute", "StateValue": "OK", "ActionsEnabled": false}),
        ];
        for (name, verdict, word) in [
            ("quiet", Verdict::Ok, "ok"),
            ("new", Verdict::Ok, "insufficient data"),
            ("rings", Verdict::Fault, "Threshold Crossed"),
            ("mute", Verdict::Warning, "switched off"),
            ("alone", Verdict::Warning, "calls on nothing"),
            ("rollout", Verdict::Ok, "ok"),
            ("gone", Verdict::Fault, "not there"),
        ] {
            let finding = judge(name, name != "rollout", &found);
            assert!(finding.verdict == verdict && finding.why.contains(word), "{finding:?}");
        }
    }
}

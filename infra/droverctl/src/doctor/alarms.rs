//! Alarms: that they are there, that they tell somebody, and which of them are in alarm.

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
    let names: Vec<_> =
        kinds.into_iter().flat_map(|kind| expected.of_kind(kind)).map(|alarm| alarm.name.as_str()).collect();
    let mut findings = Vec::new();
    for some in names.chunks(PAGE) {
        match metrics.alarms(some).await {
            Ok(found) => findings.extend(some.iter().map(|name| judge(name, &found))),
            Err(fault) => findings.push(About::new("alarm", &deployment.stack).unseen("alarms", &fault)),
        }
    }
    findings
}

fn judge(name: &str, found: &[Json]) -> Finding {
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
            json!({"AlarmName": "quiet", "StateValue": "OK", "ActionsEnabled": true}),
            json!({"AlarmName": "new", "StateValue": "INSUFFICIENT_DATA", "ActionsEnabled": true}),
            json!({"AlarmName": "rings", "StateValue": "ALARM", "StateReason": "Threshold Crossed", "ActionsEnabled": true}),
            json!({"AlarmName": "mute", "StateValue": "OK", "ActionsEnabled": false}),
        ];
        for (name, verdict, word) in [
            ("quiet", Verdict::Ok, "ok"),
            ("new", Verdict::Ok, "insufficient data"),
            ("rings", Verdict::Fault, "Threshold Crossed"),
            ("mute", Verdict::Warning, "switched off"),
            ("gone", Verdict::Fault, "not there"),
        ] {
            let finding = judge(name, &found);
            assert!(finding.verdict == verdict && finding.why.contains(word), "{finding:?}");
        }
    }
}

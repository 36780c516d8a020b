//! Rules: whether they are on, whom they call, and whether who is called has run.

use std::time::Duration;

use aws_sdk_cloudwatchlogs::Client as Logs;
use aws_sdk_eventbridge::Client;
use aws_sdk_lambda::Client as Functions;
use table::Millis;

use crate::call::CallFault;
use crate::deployment::Deployment;

use super::each;
use super::expected::{Expected, Resource};
use super::finding::{About, Finding};

/// How many of its times a rule may miss before that is told.
const MISSED: u32 = 5;
/// How many pages of a log are looked at: a page may be empty and not the last.
const PAGES: usize = 20;

pub(super) async fn look(deployment: &Deployment, expected: &Expected) -> Vec<Finding> {
    let client = &Client::new(&deployment.config);
    let rules = expected.of_kind("AWS::Events::Rule");
    each(rules, |rule| look_at(deployment, client, expected.deployed_at, rule)).await
}

async fn look_at(
    deployment: &Deployment,
    client: &Client,
    deployed_at: Option<Millis>,
    rule: &Resource,
) -> Vec<Finding> {
    // Of another bus than the default one, the bus is named before it.
    let name = rule.name.rsplit(['|', '/']).next().unwrap_or(&rule.name);
    let about = About::new("rule", name);
    let (described, targets) =
        tokio::join!(client.describe_rule().name(name).send(), client.list_targets_by_rule().rule(name).send());
    let described = match described {
        Ok(described) => described,
        Err(error) => return vec![about.unseen("the rule", &CallFault::of(&error))],
    };
    let targets = match targets {
        Ok(targets) => targets.targets.unwrap_or_default(),
        Err(error) => return vec![about.unseen("whom it calls", &CallFault::of(&error))],
    };
    let every = described.schedule_expression.as_deref().and_then(every);
    let function = targets.iter().find_map(|target| function_of(target.arn()));
    let now = deployment.clock.now();
    // One that was deployed a moment ago has not missed anything.
    let is_due = |every: Duration| deployed_at.is_none_or(|deployed| deployed <= now.before(every * MISSED));
    let ran = match (every, function) {
        (Some(every), Some(function)) if is_due(every) => Some(has_logged(deployment, function, every * MISSED).await),
        _ => None,
    };
    let seen = Seen {
        name,
        is_enabled: described.state.is_none_or(|state| state.as_str().starts_with("ENABLED")),
        calls: function,
        every,
        ran,
    };
    judge(&seen)
}

/// The function that an ARN names, with an alias or without.
fn function_of(arn: &str) -> Option<&str> {
    arn.split_once(":function:")?.1.split(':').next()
}

/// How often a rule is due, of those that are due by a rate.
fn every(schedule: &str) -> Option<Duration> {
    let (count, unit) = schedule.strip_prefix("rate(")?.strip_suffix(')')?.split_once(' ')?;
    let count: u64 = count.parse().ok()?;
    Some(match unit.trim_end_matches('s') {
        "minute" => Duration::from_mins(count),
        "hour" => Duration::from_hours(count),
        "day" => Duration::from_hours(count * 24),
        _ => return None,
    })
}

/// Whether a function has written to its log within a time. CloudWatch's log is what AWS and the emulators have alike; its metrics are not.
async fn has_logged(deployment: &Deployment, function: &str, within: Duration) -> Result<bool, CallFault> {
    let functions = Functions::new(&deployment.config);
    let configuration = functions.get_function_configuration().function_name(function).send().await;
    let group = configuration.ok().and_then(|function| function.logging_config?.log_group);
    let group = group.unwrap_or_else(|| format!("/aws/lambda/{function}"));
    let since = i64::try_from(deployment.clock.now().before(within).0).unwrap_or(i64::MAX);
    let asked = Logs::new(&deployment.config).filter_log_events().log_group_name(group).start_time(since);
    let mut pages = asked.into_paginator().page_size(1).send();
    for _ in 0..PAGES {
        let Some(page) = pages.next().await else { break };
        if !page.map_err(|error| CallFault::of(&error))?.events().is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A rule as it is.
#[derive(Clone)]
struct Seen<'a> {
    name: &'a str,
    is_enabled: bool,
    calls: Option<&'a str>,
    every: Option<Duration>,
    /// Whether what it calls has run within its last times; none where it is not due by a rate, or was not due so often yet.
    ran: Option<Result<bool, CallFault>>,
}

fn judge(seen: &Seen<'_>) -> Vec<Finding> {
    let (about, name) = (About::new("rule", seen.name), seen.name);
    if !seen.is_enabled {
        return vec![about.fault(
            "it is switched off: nothing that is due by it happens",
            format!("aws events enable-rule --name {name}"),
        )];
    }
    let Some(function) = seen.calls else {
        return vec![about.fault(
            "it calls nobody",
            "deploy with a change of its event in template.yaml, as of its description: CloudFormation sets its target again",
        )];
    };
    let minutes = seen.every.unwrap_or_default().as_secs() / 60;
    match &seen.ran {
        Some(Ok(false)) => vec![about.fault(
            format!("{function} is due each {minutes} min and has not run in its last {MISSED} times"),
            format!("see why: the log of {function}, and the queue of failed events; `aws lambda get-policy --function-name {function}` must let the rule call it"),
        )],
        Some(Err(fault)) => about.or_ok(vec![about.unseen("when it last ran", fault)], format!("on, calls {function}")),
        Some(Ok(true)) => vec![about.ok(format!("on, {function} ran within the last {} min", minutes * u64::from(MISSED)))],
        None => vec![about.ok(format!("on, calls {function}"))],
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn each_fault_of_a_rule_is_found() {
        let sound = || Seen {
            name: "d-recovery",
            is_enabled: true,
            calls: Some("recovery"),
            every: Some(Duration::from_mins(1)),
            ran: Some(Ok(true)),
        };
        let denied = || Some(Err(CallFault::of_answer(400, "AccessDeniedException", "no")));
        for (seen, verdicts, word) in [
            (sound(), &[Verdict::Ok][..], "recovery ran within the last 5 min"),
            (Seen { ran: None, ..sound() }, &[Verdict::Ok], "calls recovery"),
            (Seen { is_enabled: false, ..sound() }, &[Verdict::Fault], "switched off"),
            (Seen { calls: None, ..sound() }, &[Verdict::Fault], "calls nobody"),
            (Seen { ran: Some(Ok(false)), ..sound() }, &[Verdict::Fault], "has not run"),
            (Seen { ran: denied(), ..sound() }, &[Verdict::Warning], "may not look at when it last ran"),
        ] {
            let found = judge(&seen);
            assert_eq!(found.iter().map(|found| found.verdict).collect::<Vec<_>>(), verdicts, "{found:?}");
            assert!(found[0].why.contains(word), "{found:?}");
        }
    }

    #[test]
    fn rates_are_understood_and_crons_left_alone() {
        for (schedule, expected) in [
            ("rate(1 minute)", Some(Duration::from_mins(1))),
            ("rate(5 minutes)", Some(Duration::from_mins(5))),
            ("rate(2 hours)", Some(Duration::from_hours(2))),
            ("cron(0 12 * * ? *)", None),
            ("rate(x)", None),
        ] {
            assert_eq!(every(schedule), expected, "{schedule}");
        }
    }
}

//! Rules: whether they are on, whom they call, and whether who is called has run.

use std::time::Duration;

use aws_sdk_cloudwatchlogs::Client as Logs;
use aws_sdk_eventbridge::Client;
use aws_sdk_lambda::Client as Functions;
use serde_json::Value as Json;

use crate::call::{CallFault, Trouble};
use crate::cloudwatch::CloudWatch;
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
    each(expected.of_kind("AWS::Events::Rule"), |rule| look_at(deployment, client, expected, rule)).await
}

async fn look_at(deployment: &Deployment, client: &Client, expected: &Expected, rule: &Resource) -> Vec<Finding> {
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
    let calls: Vec<_> = targets.iter().filter_map(|target| called(target.arn())).collect();
    let schedule = described.schedule_expression.unwrap_or_default();
    let plan = Plan::of(expected, rule, &schedule, calls.first().copied());
    let now = deployment.clock.now();
    // One that was deployed a moment ago has not missed anything.
    let is_due = |every: Duration| expected.deployed_at.is_none_or(|deployed| deployed <= now.before(every * MISSED));
    let ran = match (plan.every, plan.calls.as_deref()) {
        (Some(every), Some(function)) if is_due(every) => Some(ran(deployment, name, function, every * MISSED).await),
        _ => None,
    };
    let seen = Seen {
        name,
        is_enabled: described.state.is_none_or(|state| state.as_str().starts_with("ENABLED")),
        schedule: &schedule,
        calls,
        ran,
    };
    judge(&plan, &seen)
}

/// The function that an ARN names, with its alias if it has one.
fn called(arn: &str) -> Option<&str> {
    arn.split_once(":function:").map(|(_, function)| function)
}

/// The same without the alias.
fn bare(function: &str) -> &str {
    function.split(':').next().unwrap_or(function)
}

/// What a rule should do.
struct Plan<'a> {
    /// When it is due, if the template says it in one word.
    schedule: Option<&'a str>,
    /// How often it is due, if it is by a rate.
    every: Option<Duration>,
    /// The function that it calls, with its alias.
    calls: Option<String>,
}

impl<'a> Plan<'a> {
    /// As the template has it; what that does not say is as it is.
    fn of(expected: &Expected, rule: &'a Resource, schedule: &str, calls: Option<&str>) -> Self {
        let planned = rule.properties["ScheduleExpression"].as_str();
        Self {
            schedule: planned,
            every: every(planned.unwrap_or(schedule)),
            calls: function_of(expected, &rule.properties["Targets"][0]["Arn"]).or_else(|| calls.map(str::to_owned)),
        }
    }
}

/// The function that a reference of the template's is to, or to an alias of which.
fn function_of(expected: &Expected, reference: &Json) -> Option<String> {
    let target = expected.referred(reference)?;
    match target.kind.as_str() {
        "AWS::Lambda::Function" => Some(target.name.clone()),
        "AWS::Lambda::Alias" => {
            let function = expected.referred(&target.properties["FunctionName"])?;
            Some(format!("{}:{}", function.name, target.properties["Name"].as_str()?))
        }
        _ => None,
    }
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

/// Whether a rule has had its function run within a time. AWS counts how often a rule calls; the emulators do not, and have the function's log, in which a
/// function that others call too has lines without the rule.
async fn ran(deployment: &Deployment, rule: &str, function: &str, within: Duration) -> Result<bool, CallFault> {
    if !deployment.is_local() {
        return CloudWatch::new(&deployment.config).has_fired(rule, within, deployment.clock.now()).await;
    }
    let function = bare(function);
    let functions = Functions::new(&deployment.config);
    let configuration = functions.get_function_configuration().function_name(function).send().await;
    let configuration = configuration.map_err(|error| CallFault::of(&error))?;
    let group = configuration.logging_config.and_then(|logging| logging.log_group);
    let group = group.unwrap_or_else(|| format!("/aws/lambda/{function}"));
    let since = i64::try_from(deployment.clock.now().before(within).0).unwrap_or(i64::MAX);
    let asked = Logs::new(&deployment.config).filter_log_events().log_group_name(group).start_time(since);
    let mut pages = asked.into_paginator().page_size(1).send();
    for _ in 0..PAGES {
        let Some(page) = pages.next().await else { break };
        match page.map_err(|error| CallFault::of(&error)) {
            Ok(page) if page.events().is_empty() => {}
            Ok(_) => return Ok(true),
            // Who has never run has no log.
            Err(fault) if fault.trouble == Trouble::Missing => break,
            Err(fault) => return Err(fault),
        }
    }
    Ok(false)
}

/// A rule as it is.
#[derive(Clone)]
struct Seen<'a> {
    name: &'a str,
    is_enabled: bool,
    schedule: &'a str,
    /// The functions that it calls, with their aliases.
    calls: Vec<&'a str>,
    /// Whether what it calls has run within its last times; none where it is not due by a rate, or was not due so often yet.
    ran: Option<Result<bool, CallFault>>,
}

fn judge(plan: &Plan<'_>, seen: &Seen<'_>) -> Vec<Finding> {
    let (about, name) = (About::new("rule", seen.name), seen.name);
    if !seen.is_enabled {
        return vec![about.fault(
            "it is switched off: nothing that is due by it happens",
            format!("aws events enable-rule --name {name}"),
        )];
    }
    let set_again = "deploy with a change of its event in template.yaml, as of its description: CloudFormation sets its target again";
    let Some(function) = plan.calls.as_deref().filter(|_| !seen.calls.is_empty()) else {
        return vec![about.fault("it calls nobody", set_again)];
    };
    if !seen.calls.contains(&function) {
        return vec![about.fault(format!("it calls {}, not {function}", seen.calls.join(", ")), set_again)];
    }
    if let Some(planned) = plan.schedule.filter(|planned| *planned != seen.schedule) {
        return vec![about.fault(
            format!("it is due by {}, not by {planned}", seen.schedule),
            format!("aws events put-rule --name {name} --schedule-expression '{planned}'"),
        )];
    }
    let (function, minutes) = (bare(function), plan.every.unwrap_or_default().as_secs() / 60);
    match &seen.ran {
        Some(Ok(false)) => vec![about.fault(
            format!("{function} is due each {minutes} min and has not run in its last {MISSED} times"),
            format!("if the rule was switched on a moment ago, look again in some minutes; if not, see why: the log of {function}, and the queue of failed events; `aws lambda get-policy --function-name {function} --qualifier live` must let the rule call it"),
        )],
        Some(Err(fault)) => about.or_ok(vec![about.unseen("when it last ran", fault)], format!("on, calls {function}")),
        Some(Ok(true)) => vec![about.ok(format!("on, {function} ran within the last {} min", minutes * u64::from(MISSED)))],
        None => vec![about.ok(format!("on, calls {function}"))],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::expected::deployed;
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn each_fault_of_a_rule_is_found() {
        let plan = Plan {
            schedule: Some("rate(1 minute)"),
            every: Some(Duration::from_mins(1)),
            calls: Some("recovery:live".to_owned()),
        };
        let sound = || Seen {
            name: "d-recovery",
            is_enabled: true,
            schedule: "rate(1 minute)",
            calls: vec!["recovery:live"],
            ran: Some(Ok(true)),
        };
        let denied = || Some(Err(CallFault::of_answer(400, "AccessDeniedException", "no")));
        for (seen, verdicts, word) in [
            (sound(), &[Verdict::Ok][..], "recovery ran within the last 5 min"),
            (Seen { ran: None, ..sound() }, &[Verdict::Ok], "calls recovery"),
            (Seen { is_enabled: false, ..sound() }, &[Verdict::Fault], "switched off"),
            (Seen { calls: vec![], ..sound() }, &[Verdict::Fault], "calls nobody"),
            (Seen { calls: vec!["other:live"], ..sound() }, &[Verdict::Fault], "calls other:live, not recovery:live"),
            (Seen { calls: vec!["recovery"], ..sound() }, &[Verdict::Fault], "not recovery:live"),
            (Seen { calls: vec!["other", "recovery:live"], ..sound() }, &[Verdict::Ok], "recovery ran"),
            (Seen { schedule: "rate(1 day)", ..sound() }, &[Verdict::Fault], "due by rate(1 day)"),
            (Seen { ran: Some(Ok(false)), ..sound() }, &[Verdict::Fault], "has not run"),
            (Seen { ran: denied(), ..sound() }, &[Verdict::Warning], "may not look at when it last ran"),
        ] {
            let found = judge(&plan, &seen);
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

    #[test]
    fn what_a_rule_calls_is_what_the_template_has() {
        let properties = json!({"FunctionName": {"Ref": "Recovery"}, "Name": "live"});
        let rule = |target: Json| json!({"Type": "AWS::Events::Rule", "Properties": {"ScheduleExpression": "rate(2 minutes)", "Targets": [{"Arn": target}]}});
        let template = json!({"Resources": {
            "Recovery": {"Type": "AWS::Lambda::Function", "Properties": {}},
            "RecoveryAliaslive": {"Type": "AWS::Lambda::Alias", "Properties": properties},
            "ByAlias": rule(json!({"Ref": "RecoveryAliaslive"})),
            "ByFunction": rule(json!({"Fn::GetAtt": ["Recovery", "Arn"]})),
            "Elsewhere": rule(json!("arn:aws:sqs:eu-west-1:1:q")),
        }});
        let of = |logical, kind, name| (logical, kind, name);
        let made = [
            of("Recovery", "AWS::Lambda::Function", "d-recovery"),
            of("RecoveryAliaslive", "AWS::Lambda::Alias", "arn:aws:lambda:eu-west-1:1:function:d-recovery:live"),
            of("ByAlias", "AWS::Events::Rule", "a"),
            of("ByFunction", "AWS::Events::Rule", "b"),
            of("Elsewhere", "AWS::Events::Rule", "c"),
        ];
        let expected = deployed(&made, &template);
        let plans: Vec<_> = expected
            .of_kind("AWS::Events::Rule")
            .map(|rule| Plan::of(&expected, rule, "rate(1 minute)", Some("other")))
            .map(|plan| (plan.calls, plan.every))
            .collect();
        let two = Some(Duration::from_mins(2));
        let named = |name: &str| Some(name.to_owned());
        assert_eq!(plans, [(named("d-recovery:live"), two), (named("d-recovery"), two), (named("other"), two)]);
    }
}

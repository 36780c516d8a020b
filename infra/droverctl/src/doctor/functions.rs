//! Functions: whether they may run, which version is live, and as whom they run.

use aws_sdk_lambda::Client;
use aws_sdk_lambda::operation::get_alias::GetAliasOutput;
use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput as Configuration;
use aws_sdk_lambda::types::{LastUpdateStatus, State};

use crate::call::{CallFault, Trouble};
use crate::deployment::Deployment;

use super::each;
use super::expected::{Expected, Resource};
use super::finding::{About, Finding};

/// The alias that everything calls: docs/decisions/0011-rollout.md.
const ALIAS: &str = "live";

pub(super) async fn look(deployment: &Deployment, expected: &Expected) -> Vec<Finding> {
    let client = &Client::new(&deployment.config);
    each(expected.of_kind("AWS::Lambda::Function"), |function| look_at(client, expected, function)).await
}

async fn look_at(client: &Client, expected: &Expected, function: &Resource) -> Vec<Finding> {
    let name = function.name.as_str();
    let about = About::new("function", name);
    let configuration = || client.get_function_configuration().function_name(name);
    let (called, latest, alias, concurrency) = tokio::join!(
        configuration().qualifier(ALIAS).send(),
        configuration().send(),
        client.get_alias().function_name(name).name(ALIAS).send(),
        client.get_function_concurrency().function_name(name).send(),
    );
    let latest = match latest {
        Ok(latest) => latest,
        Err(error) => return vec![about.unseen("the function", &CallFault::of(&error))],
    };
    // What nobody calls by an alias is looked at as it is.
    let called = match called.map_err(|error| CallFault::of(&error)) {
        Ok(called) => called,
        Err(fault) if fault.trouble == Trouble::Missing => latest.clone(),
        Err(fault) => return vec![about.unseen("the version that is live", &fault)],
    };
    let alias = match alias.map_err(|error| CallFault::of(&error)) {
        Ok(alias) => Some(live(alias)),
        Err(fault) if fault.trouble == Trouble::Missing => None,
        Err(fault) => return vec![about.unseen("its alias", &fault)],
    };
    let (reserved, fault) = match concurrency.map_err(|error| CallFault::of(&error)) {
        Ok(concurrency) => (concurrency.reserved_concurrent_executions, None),
        // Where it cannot be told how many may run, nobody has set it.
        Err(fault) => (None, Some(fault).filter(|fault| fault.trouble != Trouble::NotKnown)),
    };
    let plan = Plan {
        name,
        version: deployed_version(expected, name),
        role: expected.referred(&function.properties["Role"]).map(|role| role.name.as_str()),
    };
    let unseen = fault.map(|fault| about.unseen("how many of it may run at once", &fault));
    judge(&plan, &seen(called, latest, alias, reserved)).into_iter().chain(unseen).collect()
}

/// What a function should be.
struct Plan<'a> {
    name: &'a str,
    /// The version that was deployed last.
    version: Option<&'a str>,
    role: Option<&'a str>,
}

/// A function as it is: as the alias has it, which everything calls.
#[derive(Clone)]
struct Seen {
    state: String,
    state_reason: String,
    is_updated: bool,
    update_reason: String,
    role: String,
    /// What of `$LATEST` is not as it is of what is called.
    changed: Vec<&'static str>,
    alias: Option<Live>,
    reserved: Option<i32>,
}

/// What the alias calls.
#[derive(Clone)]
struct Live {
    version: String,
    /// Other versions, with the share of calls that each gets.
    others: Vec<(String, f64)>,
}

fn live(alias: GetAliasOutput) -> Live {
    let weights = alias.routing_config.and_then(|routing| routing.additional_version_weights).unwrap_or_default();
    Live { version: alias.function_version.unwrap_or_default(), others: weights.into_iter().collect() }
}

fn seen(called: Configuration, latest: Configuration, alias: Option<Live>, reserved: Option<i32>) -> Seen {
    let mut changed = Vec::new();
    if called.code_sha256 != latest.code_sha256 {
        changed.push("code");
    }
    if called.role != latest.role {
        changed.push("role");
    }
    let variables = |of: &Configuration| of.environment.as_ref().and_then(|environment| environment.variables.clone());
    if variables(&called) != variables(&latest) {
        changed.push("environment");
    }
    Seen {
        // Functions from before Lambda told of states, and those of emulators, have none: they run.
        state: called.state.unwrap_or(State::Active).to_string(),
        state_reason: called.state_reason.unwrap_or_default(),
        // An update is of what was not published yet.
        is_updated: latest.last_update_status != Some(LastUpdateStatus::Failed),
        update_reason: latest.last_update_status_reason.unwrap_or_default(),
        role: called.role.unwrap_or_default(),
        changed,
        alias,
        reserved,
    }
}

/// The greatest version that the stack has of a function.
fn deployed_version<'a>(expected: &'a Expected, function: &str) -> Option<&'a str> {
    let versions = expected.of_kind("AWS::Lambda::Version").filter_map(|version| {
        let (of, number) = version.name.rsplit_once(':')?;
        (of.rsplit(':').next() == Some(function)).then_some(number)
    });
    versions.max_by_key(|number| number.parse::<u64>().unwrap_or(0))
}

fn judge(plan: &Plan<'_>, seen: &Seen) -> Vec<Finding> {
    let about = About::new("function", plan.name);
    let mut wrong = Vec::new();
    match seen.state.as_str() {
        "Active" => {}
        "Failed" => {
            wrong.push(about.fault(format!("it cannot run: {}", seen.state_reason), "mend what it says, and deploy"));
        }
        state => wrong.push(
            about.warning(format!("it is {}: its next call waits", state.to_lowercase()), "call it, and look again"),
        ),
    }
    if !seen.is_updated {
        wrong.push(
            about.fault(format!("its last update failed: {}", seen.update_reason), "mend what it says, and deploy"),
        );
    }
    if seen.reserved == Some(0) {
        wrong.push(about.fault(
            "it may not run at all: none may run at once",
            format!("aws lambda delete-function-concurrency --function-name {}", plan.name),
        ));
    }
    if plan.role.is_some_and(|role| seen.role.rsplit('/').next() != Some(role)) {
        wrong.push(about.fault(
            format!("it runs as {}, not as the role that was deployed for it", seen.role),
            "deploy with a change of the function, as of LogLevel: CloudFormation sets its role again",
        ));
    }
    match judge_alias(&about, plan, seen.alias.as_ref()) {
        // Of what is live and was deployed last, nothing but a change past deployment is another.
        None if !seen.changed.is_empty() => wrong.push(about.warning(
            format!(
                "its $LATEST has another {} than what is live: somebody changed it past deployment",
                seen.changed.join(", ")
            ),
            "deploy what should be: with a change of the function, as of LogLevel, CloudFormation sets it again",
        )),
        told => wrong.extend(told),
    }
    let version = seen.alias.as_ref().map_or("?", |alias| alias.version.as_str());
    about.or_ok(wrong, format!("version {version} is live"))
}

fn judge_alias(about: &About, plan: &Plan<'_>, alias: Option<&Live>) -> Option<Finding> {
    let Some(alias) = alias else {
        let version = plan.version.unwrap_or("VERSION");
        return Some(about.fault(
            format!("it has no alias `{ALIAS}`, which everything calls"),
            format!(
                "aws lambda create-alias --function-name {} --name {ALIAS} --function-version {version}",
                plan.name
            ),
        ));
    };
    if let Some((version, weight)) = alias.others.first() {
        let share = (weight * 100.0).round();
        return Some(about.warning(
            format!("a rollout is under way: version {version} gets {share} % of its calls"),
            "look again when it is over: aws deploy list-deployments --include-only-statuses InProgress",
        ));
    }
    let deployed = plan.version.filter(|deployed| *deployed != alias.version)?;
    Some(about.warning(
        format!("version {} is live, and version {deployed} was deployed last: it was rolled back, or somebody moved the alias", alias.version),
        format!("deploy what should be live, or: aws lambda update-alias --function-name {} --name {ALIAS} --function-version {deployed}", plan.name),
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::expected::deployed;
    use super::super::finding::Verdict;
    use super::*;

    const PLAN: Plan<'static> = Plan { name: "d-tasks", version: Some("7"), role: Some("d-role") };

    fn sound() -> Seen {
        Seen {
            state: "Active".to_owned(),
            state_reason: String::new(),
            is_updated: true,
            update_reason: String::new(),
            role: "arn:aws:iam::1:role/d-role".to_owned(),
            changed: Vec::new(),
            alias: Some(Live { version: "7".to_owned(), others: Vec::new() }),
            reserved: None,
        }
    }

    #[test]
    fn each_fault_of_a_function_is_found_alone() {
        let alias = |version: &str, others: &[(&str, f64)]| {
            let others = others.iter().map(|(version, weight)| ((*version).to_owned(), *weight)).collect();
            Some(Live { version: version.to_owned(), others })
        };
        for (seen, verdict, word) in [
            (sound(), Verdict::Ok, "version 7 is live"),
            (Seen { reserved: Some(10), ..sound() }, Verdict::Ok, "live"),
            (Seen { state: "Failed".to_owned(), ..sound() }, Verdict::Fault, "cannot run"),
            (Seen { state: "Inactive".to_owned(), ..sound() }, Verdict::Warning, "inactive"),
            (Seen { is_updated: false, ..sound() }, Verdict::Fault, "last update failed"),
            (Seen { reserved: Some(0), ..sound() }, Verdict::Fault, "may not run at all"),
            (Seen { role: "arn:aws:iam::1:role/admin".to_owned(), ..sound() }, Verdict::Fault, "role/admin"),
            (Seen { alias: None, ..sound() }, Verdict::Fault, "no alias"),
            (Seen { changed: vec!["code", "role"], ..sound() }, Verdict::Warning, "another code, role"),
            (Seen { changed: vec!["code"], alias: alias("6", &[("7", 0.1)]), ..sound() }, Verdict::Warning, "10 %"),
            (Seen { alias: alias("6", &[]), ..sound() }, Verdict::Warning, "version 6 is live"),
            (Seen { alias: alias("6", &[("7", 0.1)]), ..sound() }, Verdict::Warning, "10 %"),
        ] {
            let found = judge(&PLAN, &seen);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].verdict == verdict && found[0].why.contains(word), "{word}: {found:?}");
        }
    }

    #[test]
    fn the_newest_version_of_its_own_is_the_deployed_one() {
        let arn = |function: &str, version: u32| format!("arn:aws:lambda:eu-west-1:1:function:{function}:{version}");
        let (old, new, other) = (arn("d-tasks", 9), arn("d-tasks", 10), arn("d-tasks-2", 11));
        let of = |logical, name| (logical, "AWS::Lambda::Version", name);
        let expected = deployed(
            &[of("A", old.as_str()), of("B", new.as_str()), of("C", other.as_str())],
            &json!({"Resources": {}}),
        );
        assert_eq!(deployed_version(&expected, "d-tasks"), Some("10"));
        assert_eq!(deployed_version(&expected, "d-none"), None);
    }
}

//! Parameters of SSM's that functions read: those that their roles let them read. No value is asked for.

use std::collections::{BTreeSet, HashMap};

use api::identity::{PUBLIC_KEYS, SIGNING_KEY};
use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::{ParameterStringFilter, ParameterType};
use serde_json::Value as Json;

use crate::call::CallFault;
use crate::deployment::Deployment;

use super::expected::Expected;
use super::finding::{About, Finding};

/// How many may be asked for at a time.
const PAGE: usize = 50;

pub(super) async fn look(deployment: &Deployment, expected: &Expected) -> Vec<Finding> {
    let client = Client::new(&deployment.config);
    let names: Vec<_> = names(expected, &deployment.stack).into_iter().collect();
    let mut found = HashMap::new();
    for some in names.chunks(PAGE) {
        match described(&client, some).await {
            Ok(described) => found.extend(described),
            Err(fault) => return vec![About::new("parameter", &deployment.stack).unseen("parameters", &fault)],
        }
    }
    let is_there = |name: &str| found.contains_key(name);
    let judged = names.iter().map(|name| {
        let need = need(name, &deployment.stack, |parameter| expected.is_set(parameter), is_there);
        judge(name, &need, found.get(name).map(|kind| *kind == Some(ParameterType::SecureString)))
    });
    judged.collect()
}

/// Those of some parameters that there are, with what kind each is.
async fn described(client: &Client, names: &[String]) -> Result<Vec<(String, Option<ParameterType>)>, CallFault> {
    let filter = ParameterStringFilter::builder().key("Name").option("Equals").set_values(Some(names.to_vec())).build();
    let filter = filter.map_err(|_| CallFault::unreadable())?;
    let mut pages = client.describe_parameters().parameter_filters(filter).into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let parameters = page.map_err(|error| CallFault::of(&error))?.parameters.unwrap_or_default();
        found.extend(parameters.into_iter().map(|one| (one.name.unwrap_or_default(), one.r#type)));
    }
    Ok(found)
}

/// Every parameter that a role may read.
fn names(expected: &Expected, stack: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for role in expected.of_kind("AWS::IAM::Role") {
        collect(&role.properties["Policies"], stack, &mut names);
    }
    names
}

fn collect(value: &Json, stack: &str, names: &mut BTreeSet<String>) {
    match value {
        Json::String(text) => {
            let name = text.split_once(":parameter").map(|(_, name)| name.replace("${AWS::StackName}", stack));
            names.extend(name.filter(|name| name.starts_with('/') && !name.contains(['*', '$'])));
        }
        Json::Array(values) => values.iter().for_each(|value| collect(value, stack, names)),
        Json::Object(fields) => fields.values().for_each(|value| collect(value, stack, names)),
        _ => {}
    }
}

/// Whether a deployment can do without a parameter.
#[derive(Debug, PartialEq, Eq)]
enum Need {
    /// It cannot: why, and how the parameter is made.
    Must(&'static str, String),
    /// What is off without it, which is all right.
    May(&'static str),
}

/// Who needs a parameter. `is_set` says whether a parameter of the template has a value, `is_there` whether one of SSM's is there.
fn need(name: &str, stack: &str, is_set: impl Fn(&str) -> bool, is_there: impl Fn(&str) -> bool) -> Need {
    let put = || format!("read -rs KEY; aws ssm put-parameter --name {name} --type SecureString --value \"$KEY\"");
    let below = name.trim_start_matches('/').split_once('/').map_or(name, |(_, below)| below);
    let folder = below.split('/').next().unwrap_or(below);
    // Who signs in by what: with a provider, or with a password.
    let (provider, passwords) = (is_set("OidcClientId"), is_set("ConsolePasswords"));
    let is_half = || is_half(name, &is_there);
    let make = || session_keys(folder, stack, name.ends_with(PUBLIC_KEYS) && is_half());
    match folder {
        "sessions" if provider => Need::Must("OidcClientId is set, and nobody can log in without it", make()),
        "console-sessions" if provider || passwords => {
            Need::Must("nobody can log in to the console without it", make())
        }
        "sessions" | "portal-sessions" | "console-sessions" if is_half() => {
            Need::Must("the other half of the pair is there: nobody can log in", make())
        }
        "sessions" | "portal-sessions" | "console-sessions" => Need::May("logging in is off"),
        "sign-in" if provider => Need::Must("OidcClientId is set, and nobody can sign in without it", put()),
        "sign-in" => Need::May("signing in is off"),
        "lemon-squeezy" if is_set("LemonSqueezyStore") => {
            Need::Must("LemonSqueezyStore is set, and nobody can buy without it", put())
        }
        "lemon-squeezy" => Need::May("selling is off"),
        "google-drive" if is_set("GoogleDriveFolder") => {
            Need::Must("GoogleDriveFolder is set, and no video can be put there without it", put())
        }
        "google-drive" => Need::May("putting videos into Google Drive is off"),
        "providers" => Need::May("what this provider does is off"),
        _ => Need::Must("a function reads it", put()),
    }
}

/// How session keys are made; where there is a key that signs and no public one, anew.
fn session_keys(folder: &str, stack: &str, is_left_alone: bool) -> String {
    if !is_left_alone {
        return format!("droverctl --stack {stack} session-keys create");
    }
    let api = folder.strip_suffix("-sessions").unwrap_or("cloud");
    format!("droverctl --stack {stack} session-keys rotate --api {api} --log-everybody-out")
}

/// Whether the other of the two parameters is there that session keys are.
fn is_half(name: &str, is_there: impl Fn(&str) -> bool) -> bool {
    let folder = name.rsplit_once('/').map_or(name, |(folder, _)| folder);
    [SIGNING_KEY, PUBLIC_KEYS].iter().any(|half| is_there(&format!("{folder}/{half}")))
}

/// Judges a parameter by whether it is there, and if so whether it is encrypted.
fn judge(name: &str, need: &Need, is_encrypted: Option<bool>) -> Finding {
    let about = About::new("parameter", name);
    match (is_encrypted, need) {
        (Some(true), _) => about.ok("set"),
        (Some(false), _) => about.warning(
            "it is not encrypted: whoever may list parameters reads it",
            format!("put it again, encrypted: read -rs KEY; aws ssm put-parameter --overwrite --name {name} --type SecureString --value \"$KEY\""),
        ),
        (None, Need::May(off)) => about.ok(format!("not set: {off}")),
        (None, Need::Must(why, mend)) => about.fault(format!("it is not set: {why}"), mend.clone()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::expected::deployed;
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn the_parameters_are_those_that_roles_may_read() {
        let arn = |name: &str| json!({"Fn::Sub": format!("arn:${{AWS::Partition}}:ssm:${{AWS::Region}}:${{AWS::AccountId}}:parameter/${{AWS::StackName}}/{name}")});
        let template = json!({"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": {"Policies": [{"PolicyDocument": {"Statement": [
            {"Action": "ssm:GetParameter", "Resource": [arn("sessions/public-keys"), arn("providers/openai")]},
            {"Action": "ssm:GetParameter", "Resource": arn("sign-in/client-secret")},
            {"Action": "sqs:SendMessage", "Resource": {"Fn::GetAtt": ["Queue", "Arn"]}},
        ]}}]}}}});
        let expected = deployed(&[("Role", "AWS::IAM::Role", "r")], &template);
        let found: Vec<_> = names(&expected, "d").into_iter().collect();
        assert_eq!(found, ["/d/providers/openai", "/d/sessions/public-keys", "/d/sign-in/client-secret"]);
    }

    #[test]
    fn a_parameter_is_missed_where_it_is_needed() {
        for (name, set, is_encrypted, verdict, word) in [
            ("/d/sessions/signing-key", "", Some(true), Verdict::Ok, "set"),
            ("/d/sessions/signing-key", "", None, Verdict::Ok, "off"),
            ("/d/sessions/signing-key", "OidcClientId", None, Verdict::Fault, "log in"),
            ("/d/console-sessions/signing-key", "", None, Verdict::Ok, "off"),
            ("/d/console-sessions/signing-key", "OidcClientId", None, Verdict::Fault, "console"),
            ("/d/console-sessions/public-keys", "ConsolePasswords", None, Verdict::Fault, "console"),
            ("/d/portal-sessions/signing-key", "OidcClientId", None, Verdict::Ok, "off"),
            ("/half/portal-sessions/public-keys", "", None, Verdict::Fault, "other half"),
            ("/d/sign-in/client-secret", "", None, Verdict::Ok, "off"),
            ("/d/sign-in/client-secret", "OidcClientId", None, Verdict::Fault, "OidcClientId"),
            ("/d/lemon-squeezy/api-key", "", None, Verdict::Ok, "off"),
            ("/d/lemon-squeezy/api-key", "LemonSqueezyStore", None, Verdict::Fault, "LemonSqueezyStore"),
            ("/d/google-drive/service-account", "GoogleDriveFolder", None, Verdict::Fault, "GoogleDriveFolder"),
            ("/d/providers/openai", "", None, Verdict::Ok, "off"),
            ("/d/providers/openai", "", Some(false), Verdict::Warning, "not encrypted"),
            ("/d/something/new", "", None, Verdict::Fault, "a function reads it"),
        ] {
            let is_there = |name: &str| name == "/half/portal-sessions/signing-key";
            let finding = judge(name, &need(name, "d", |parameter| parameter == set, is_there), is_encrypted);
            assert!(finding.verdict == verdict && finding.why.contains(word), "{finding:?}");
        }
    }

    #[test]
    fn half_a_pair_of_session_keys_is_made_whole() {
        let mend = |name: &str, other: &str| {
            let Need::Must(_, mend) = need(name, "d", |_| false, |there| there == other) else { panic!("{name}") };
            mend
        };
        let (signing, public) = ("/d/portal-sessions/signing-key", "/d/portal-sessions/public-keys");
        assert_eq!(mend(signing, public), "droverctl --stack d session-keys create");
        assert_eq!(mend(public, signing), "droverctl --stack d session-keys rotate --api portal --log-everybody-out");
    }
}

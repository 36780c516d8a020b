//! Parameters of SSM's that functions read: those that their roles let them read. No value is asked for in clear.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::ParameterType;
use serde_json::Value as Json;

use crate::call::CallFault;
use crate::deployment::Deployment;

use super::expected::Expected;
use super::finding::{About, Finding};

/// How many may be asked for at a time.
const PAGE: usize = 10;

pub(super) async fn look(deployment: &Deployment, expected: &Expected) -> Vec<Finding> {
    let client = Client::new(&deployment.config);
    let names: Vec<_> = names(expected, &deployment.stack).into_iter().collect();
    let mut findings = Vec::new();
    for some in names.chunks(PAGE) {
        let asked = client.get_parameters().set_names(Some(some.to_vec())).with_decryption(false).send().await;
        let found: BTreeMap<_, _> = match asked {
            Ok(answer) => {
                let found = answer.parameters.unwrap_or_default().into_iter();
                found.map(|parameter| (parameter.name.unwrap_or_default(), parameter.r#type)).collect()
            }
            Err(error) => {
                findings.push(About::new("parameter", &deployment.stack).unseen("parameters", &CallFault::of(&error)));
                continue;
            }
        };
        for name in some {
            let need = need(name, &deployment.stack, |parameter| expected.is_set(parameter));
            findings.push(judge(
                name,
                &need,
                found.get(name).map(|kind| kind.as_ref() == Some(&ParameterType::SecureString)),
            ));
        }
    }
    findings
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

/// Who needs a parameter. `is_set` says whether a parameter of the template has a value.
fn need(name: &str, stack: &str, is_set: impl Fn(&str) -> bool) -> Need {
    let put = || format!("read -rs KEY; aws ssm put-parameter --name {name} --type SecureString --value \"$KEY\"");
    let below = name.trim_start_matches('/').split_once('/').map_or(name, |(_, below)| below);
    let folder = below.split('/').next().unwrap_or(below);
    match folder {
        "sessions" | "portal-sessions" | "console-sessions" => {
            Need::Must("nobody can log in without it", format!("droverctl --stack {stack} session-keys create"))
        }
        "sign-in" if is_set("OidcClientId") => {
            Need::Must("OidcClientId is set, and nobody can sign in without it", put())
        }
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
            ("/d/sessions/signing-key", "", None, Verdict::Fault, "log in"),
            ("/d/portal-sessions/public-keys", "", None, Verdict::Fault, "log in"),
            ("/d/sign-in/client-secret", "", None, Verdict::Ok, "off"),
            ("/d/sign-in/client-secret", "OidcClientId", None, Verdict::Fault, "OidcClientId"),
            ("/d/lemon-squeezy/api-key", "LemonSqueezyStore", None, Verdict::Fault, "LemonSqueezyStore"),
            ("/d/google-drive/service-account", "GoogleDriveFolder", None, Verdict::Fault, "GoogleDriveFolder"),
            ("/d/providers/openai", "", None, Verdict::Ok, "off"),
            ("/d/providers/openai", "", Some(false), Verdict::Warning, "not encrypted"),
            ("/d/something/new", "", None, Verdict::Fault, "a function reads it"),
        ] {
            let finding = judge(name, &need(name, "d", |parameter| parameter == set), is_encrypted);
            assert!(finding.verdict == verdict && finding.why.contains(word), "{finding:?}");
        }
    }
}

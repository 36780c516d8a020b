//! What a role may do, as its policies say, and a policy that says it.

use std::collections::BTreeSet;

use anyhow::{Context, bail, ensure};
use drover_tests::aws::{Call, Caller};
use serde_json::{Value as Json, json};

use super::deployed::Deployed;
use super::grants::Right;

/// A call of IAM.
pub(super) fn iam(action: &str, parameters: &[(&str, &str)]) -> Call {
    Call::query("iam", "2010-05-08", action, parameters)
}

/// Every right that a role's policies give it, inline and attached.
pub(super) async fn rights_of(role: &str, operator: &Caller, deployed: &Deployed) -> anyhow::Result<BTreeSet<Right>> {
    let mut rights = BTreeSet::new();
    for policy in operator.ask(&iam("ListRolePolicies", &[("RoleName", role)])).await?.texts("member") {
        let call = iam("GetRolePolicy", &[("RoleName", role), ("PolicyName", &policy)]);
        rights.extend(rights_in(&document(&operator.ask(&call).await?.text("PolicyDocument")?)?, deployed)?);
    }
    for policy in operator.ask(&iam("ListAttachedRolePolicies", &[("RoleName", role)])).await?.texts("PolicyArn") {
        let version = operator.ask(&iam("GetPolicy", &[("PolicyArn", &policy)])).await?.text("DefaultVersionId")?;
        let call = iam("GetPolicyVersion", &[("PolicyArn", &policy), ("VersionId", &version)]);
        rights.extend(rights_in(&document(&operator.ask(&call).await?.text("Document")?)?, deployed)?);
    }
    Ok(rights)
}

/// Who may become a role, as its trust policy says.
pub(super) async fn trust_of(role: &str, operator: &Caller) -> anyhow::Result<Json> {
    let told = operator.ask(&iam("GetRole", &[("RoleName", role)])).await?;
    document(&told.text("AssumeRolePolicyDocument")?)
}

/// A policy that gives these rights.
pub(super) fn policy_of<'right>(rights: impl IntoIterator<Item = &'right Right>, deployed: &Deployed) -> Json {
    let statements: Vec<_> = rights
        .into_iter()
        .map(|right| {
            let mut statement =
                json!({"Effect": "Allow", "Action": right.action, "Resource": deployed.arn_of(&right.resource)});
            if let Some((_, prefix)) = right.resource.split_once("?prefix=") {
                statement["Condition"] = json!({"StringLike": {"s3:prefix": prefix}});
            }
            statement
        })
        .collect();
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// IAM gives documents escaped as in addresses.
fn document(escaped: &str) -> anyhow::Result<Json> {
    let escaped = format!("document={}", escaped.replace('+', "%2B"));
    let unescaped = url::form_urlencoded::parse(escaped.as_bytes()).next().context("nothing")?.1;
    serde_json::from_str(&unescaped).with_context(|| format!("no policy: {unescaped}"))
}

fn rights_in(policy: &Json, deployed: &Deployed) -> anyhow::Result<Vec<Right>> {
    let mut rights = Vec::new();
    for statement in each(&policy["Statement"]) {
        let members = statement.as_object().context("no statement")?;
        let plain = ["Effect", "Action", "Resource", "Condition", "Sid"];
        ensure!(
            members.keys().all(|name| plain.contains(&name.as_str())),
            "more than this suite understands: {statement}"
        );
        ensure!(statement["Effect"] == "Allow", "a function's role is what it may do: {statement}");
        let condition = condition_in(statement)?;
        for action in each(&statement["Action"]) {
            for resource in each(&statement["Resource"]) {
                let (action, resource) =
                    (action.as_str().context("no action")?, resource.as_str().context("no resource")?);
                rights.push(Right::new(action, &format!("{}{condition}", deployed.name_of(resource))));
            }
        }
    }
    Ok(rights)
}

/// The emulator takes a condition on a key that it does not know (as `dynamodb:LeadingKeys`) for met: only those are taken that it knows.
fn condition_in(statement: &Json) -> anyhow::Result<String> {
    let Some(condition) = statement.get("Condition") else { return Ok(String::new()) };
    let prefix = &condition["StringLike"]["s3:prefix"];
    match prefix.as_str() {
        Some(prefix) if *condition == json!({"StringLike": {"s3:prefix": prefix}}) => Ok(format!("?prefix={prefix}")),
        _ => bail!("a condition that this suite cannot try: {condition}"),
    }
}

/// A policy's one thing, or list of things.
fn each(value: &Json) -> &[Json] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

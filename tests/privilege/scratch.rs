//! Roles and users that a test makes, and removes again.

use anyhow::Context;
use drover_tests::aws::{Caller, Told};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::deployed::sts;
use super::policies::iam;

const POLICY: &str = "test";

/// A role with one policy.
pub(super) struct ScratchRole {
    pub name: String,
    pub arn: String,
}

/// A user with one policy, and a key.
pub(super) struct ScratchUser {
    name: String,
    key: String,
    pub arn: String,
    pub caller: Caller,
}

impl ScratchRole {
    /// A role that may do this. `trusted` (an ARN) may take it on.
    pub(super) async fn make(operator: &Caller, trusted: &str, policy: &Json) -> anyhow::Result<Self> {
        let name = format!("test-{}", Uuid::new_v4());
        let who = json!({"Effect": "Allow", "Principal": {"AWS": trusted}, "Action": "sts:AssumeRole"});
        let trust = json!({"Version": "2012-10-17", "Statement": [who]}).to_string();
        let made = iam("CreateRole", &[("RoleName", &name), ("AssumeRolePolicyDocument", &trust)]);
        let arn = operator.ask(&made).await?.text("Arn")?;
        let role = Self { name, arn };
        set_policy(operator, &role.name, POLICY, policy).await?;
        Ok(role)
    }

    pub(super) async fn remove(self, operator: &Caller) -> anyhow::Result<()> {
        remove_policy(operator, &self.name, POLICY).await?;
        operator.ask(&iam("DeleteRole", &[("RoleName", &self.name)])).await?;
        Ok(())
    }
}

impl ScratchUser {
    /// A user who may do this.
    pub(super) async fn make(operator: &Caller, policy: &Json) -> anyhow::Result<Self> {
        let name = format!("test-{}", Uuid::new_v4());
        let named = ("UserName", name.as_str());
        let arn = operator.ask(&iam("CreateUser", &[named])).await?.text("Arn")?;
        let policy = policy.to_string();
        operator.ask(&iam("PutUserPolicy", &[named, ("PolicyName", POLICY), ("PolicyDocument", &policy)])).await?;
        let told = operator.ask(&iam("CreateAccessKey", &[named])).await?;
        let key = told.text("AccessKeyId")?;
        let caller = operator.with(&key, &told.text("SecretAccessKey")?, None);
        Ok(Self { name, key, arn, caller })
    }

    pub(super) async fn remove(self, operator: &Caller) -> anyhow::Result<()> {
        let named = ("UserName", self.name.as_str());
        operator.ask(&iam("DeleteAccessKey", &[named, ("AccessKeyId", &self.key)])).await?;
        operator.ask(&iam("DeleteUserPolicy", &[named, ("PolicyName", POLICY)])).await?;
        operator.ask(&iam("DeleteUser", &[named])).await?;
        Ok(())
    }
}

/// Sets a policy of a role.
pub(super) async fn set_policy(operator: &Caller, role: &str, name: &str, policy: &Json) -> anyhow::Result<()> {
    let policy = policy.to_string();
    operator
        .ask(&iam("PutRolePolicy", &[("RoleName", role), ("PolicyName", name), ("PolicyDocument", &policy)]))
        .await?;
    Ok(())
}

/// Takes a policy of a role away.
pub(super) async fn remove_policy(operator: &Caller, role: &str, name: &str) -> anyhow::Result<()> {
    operator.ask(&iam("DeleteRolePolicy", &[("RoleName", role), ("PolicyName", name)])).await?;
    Ok(())
}

/// Tries to take a role on, and gives whatever comes of it.
pub(super) async fn try_to_assume(caller: &Caller, role: &str) -> anyhow::Result<Told> {
    caller.call(&sts("AssumeRole", &[("RoleArn", role), ("RoleSessionName", "test")])).await
}

/// Takes a role on.
pub(super) async fn assume(caller: &Caller, role: &str) -> anyhow::Result<Caller> {
    let told = try_to_assume(caller, role).await?;
    let given = |element: &str| told.text(element).with_context(|| format!("{role} was not taken on"));
    Ok(caller.with(&given("AccessKeyId")?, &given("SecretAccessKey")?, Some(&given("SessionToken")?)))
}

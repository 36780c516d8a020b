//! That the test can fail: it sees a right too many and a right too few, and each of its calls is one that works for who may.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use serde_json::{Value as Json, json};

use super::deployed::sts;
use super::grants::{self, Right};
use super::policies::{policy_of, rights_of};
use super::scratch::{ScratchRole, assume};
use super::{Fault, Lab, none};

/// What is at fault with a scratch role of this policy, if it is held to what is somebody's own; and what the policy, as it is read, gives.
async fn judge(
    lab: &Lab,
    policy: &Json,
    own: &BTreeSet<Right>,
) -> anyhow::Result<(Vec<Fault>, anyhow::Result<BTreeSet<Right>>)> {
    let operator = lab.operator.ask(&sts("GetCallerIdentity", &[])).await?.text("Arn")?;
    let role = ScratchRole::make(&lab.operator, &operator, policy).await?;
    let caller = assume(&lab.operator, &role.arn).await?;
    let found = lab.faults(&caller, own).await;
    let given = rights_of(&role.name, &lab.operator, &lab.deployed).await;
    role.remove(&lab.operator).await?;
    Ok((found?, given))
}

fn recovery(lab: &Lab) -> anyhow::Result<BTreeSet<Right>> {
    let function = lab.deployed.functions.iter().find(|function| function.name == "RecoveryFunction");
    grants::own(function.context("no recovery")?)
}

fn tried(faults: &[Fault]) -> BTreeSet<Right> {
    faults.iter().map(|fault| Right::new(&fault.probe.action, &fault.probe.resource)).collect()
}

#[tokio::test]
async fn every_call_works_for_who_may_do_everything() -> anyhow::Result<()> {
    let lab = Lab::open().await?;
    let all = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
    let everything: BTreeSet<_> = lab.probes.iter().map(|probe| Right::new(&probe.action, &probe.resource)).collect();
    let (faults, _) = judge(&lab, &all, &everything).await?;
    none(faults)
}

#[tokio::test]
async fn each_right_too_many_is_seen_and_nothing_else() -> anyhow::Result<()> {
    let lab = Lab::open().await?;
    let own = recovery(&lab)?;
    let mut wider = own.clone();
    let mut seen = BTreeSet::new();
    for (action, resource, what_it_opens) in [
        ("dynamodb:PutItem", "ExtractTable", &["ExtractTable"][..]),
        ("dynamodb:GetItem", "IdentityTable", &["IdentityTable"]),
        ("dynamodb:Query", "ExtractTable/index/by_*", &["/by_name", "/by_status", "/by_turn", "/by_updated"]),
        ("dynamodb:GetRecords", "CredentialsTable/stream/*", &["CredentialsTable/stream/"]),
        ("sqs:ReceiveMessage", "ExtractQueue", &["ExtractQueue"]),
        ("sqs:SendMessage", "ExtractDeadLetterQueue", &["ExtractDeadLetterQueue"]),
        ("kms:Decrypt", "CredentialsKey", &["CredentialsKey"]),
        (
            "s3:GetObject",
            "ResultsBucket/*",
            &["ResultsBucket/portals/", "ResultsBucket/results/", "ResultsBucket/videos/", "ResultsBucket/elsewhere/"],
        ),
        ("s3:ListBucket", "ResultsBucket?prefix=videos/*", &["ResultsBucket?prefix=videos/"]),
        ("logs:PutLogEvents", "ExtractTasksLogs:*", &["ExtractTasksLogs:"]),
        ("lambda:InvokeFunction", "DeadLettersFunction", &["DeadLettersFunction"]),
        ("sns:Publish", "Alarms", &["Alarms"]),
        ("iam:PutRolePolicy", "RecoveryRole", &["RecoveryRole"]),
    ] {
        wider.insert(Right::new(action, resource));
        for part in what_it_opens {
            let opened = lab.probes.iter().find(|probe| probe.action == action && probe.resource.contains(part));
            seen.insert(Right::new(action, &opened.with_context(|| format!("nothing tries {part}"))?.resource));
        }
    }
    let (faults, given) = judge(&lab, &policy_of(&wider, &lab.deployed), &own).await?;
    ensure!(tried(&faults) == seen && faults.iter().all(|fault| !fault.is_own), "{:#?}, not {seen:#?}", tried(&faults));
    ensure!(given? == wider, "the policy was not read as it was written");
    Ok(())
}

#[tokio::test]
async fn each_right_too_few_is_seen() -> anyhow::Result<()> {
    let lab = Lab::open().await?;
    let own = recovery(&lab)?;
    let traces: BTreeSet<_> = own.iter().filter(|right| right.resource == grants::OF_NO_RESOURCE).cloned().collect();
    let (faults, given) = judge(&lab, &policy_of(&traces, &lab.deployed), &own).await?;
    let seen = |right: &&Right| tried(&faults).iter().any(|missed| right.covers(&missed.action, &missed.resource));
    let unseen: Vec<_> = own.difference(&traces).filter(|right| !seen(right)).collect();
    none(unseen)?;
    ensure!(faults.iter().all(|fault| fault.is_own), "{:#?} is not its own, and was refused", tried(&faults));
    ensure!(given? == traces, "the policy was not read as it was written");
    Ok(())
}

/// What the table cannot say must not hide in a policy either.
#[tokio::test]
async fn wildcards_and_conditions_are_seen() -> anyhow::Result<()> {
    let lab = Lab::open().await?;
    let table = lab.deployed.arn_of("IdentityTable");
    let leading_keys = json!({"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["USER#none"]}});
    for statement in [
        json!({"Effect": "Allow", "Action": "dynamodb:*", "Resource": table}),
        json!({"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*"}),
        json!({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}),
        json!({"Effect": "Allow", "Action": "dynamodb:GetItem", "NotResource": "arn:aws:dynamodb:::table/none"}),
        // The emulator takes this condition for met.
        json!({"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": table, "Condition": leading_keys}),
    ] {
        let policy = json!({"Version": "2012-10-17", "Statement": [statement]});
        let (faults, given) = judge(&lab, &policy, &BTreeSet::new()).await?;
        let opened = Right::new("dynamodb:GetItem", "IdentityTable");
        ensure!(tried(&faults).contains(&opened), "{statement} was not seen: {:#?}", tried(&faults));
        // Either it cannot be read, or what it says is not in any table.
        ensure!(given.map_or(true, |given| !given.is_empty()), "{statement} was read as nothing");
    }
    Ok(())
}

//! Who may take a function's role on: Lambda, and nobody else.

use anyhow::ensure;
use drover_tests::aws::Outcome;
use serde_json::json;

use super::Lab;
use super::policies::trust_of;
use super::scratch::{ScratchRole, ScratchUser, assume, try_to_assume};

#[tokio::test]
async fn every_role_trusts_lambda_alone() -> anyhow::Result<()> {
    let lab = Lab::open().await?;
    for function in &lab.deployed.functions {
        let lambda =
            json!({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"});
        let trust = trust_of(function.role_name(), &lab.operator).await?;
        ensure!(trust == json!({"Version": "2012-10-17", "Statement": [lambda]}), "{}: {trust}", function.name);
    }
    Ok(())
}

#[tokio::test]
async fn nobody_who_may_take_on_any_role_takes_on_a_functions() -> anyhow::Result<()> {
    let lab = Lab::open().await?;
    let any = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}]});
    let user = ScratchUser::make(&lab.operator, &any).await?;
    // The control: a role that trusts the user is taken on, and is one that may itself take on any.
    let role = ScratchRole::make(&lab.operator, &user.arn, &any).await?;
    let taken = assume(&user.caller, &role.arn).await;
    let mut faults = Vec::new();
    if let Ok(session) = &taken {
        for function in &lab.deployed.functions {
            for (who, caller) in [("a user", &user.caller), ("another role", session)] {
                let told = try_to_assume(caller, &function.role).await?;
                if told.outcome != Outcome::Refused {
                    faults.push(format!("{who} has taken on the role of {}: {told:?}", function.name));
                }
            }
        }
    }
    role.remove(&lab.operator).await?;
    user.remove(&lab.operator).await?;
    taken?;
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

#[tokio::test]
async fn no_function_takes_on_the_role_of_another() -> anyhow::Result<()> {
    let lab = Lab::open().await?;
    for function in &lab.deployed.functions {
        let caller = assume(&lab.operator, &function.role).await?;
        for other in &lab.deployed.functions {
            let told = try_to_assume(&caller, &other.role).await?;
            ensure!(told.outcome == Outcome::Refused, "{} took on the role of {}", function.name, other.name);
        }
    }
    Ok(())
}

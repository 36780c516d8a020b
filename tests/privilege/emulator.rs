//! What the emulator must do itself for these suites to mean anything: know who calls, and refuse a deployment that AWS would refuse.

use anyhow::{Context, ensure};
use drover_tests::aws::{Call, Outcome};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::Lab;
use super::scratch::assume;

#[tokio::test]
async fn no_call_is_taken_whose_signature_or_token_is_not_the_callers() -> anyhow::Result<()> {
    let lab = Lab::open().await?;
    let function = lab.deployed.functions.first().context("no function")?;
    let caller = assume(&lab.operator, &function.role).await?;
    let (key, secret) = (caller.credentials().access_key_id(), caller.credentials().secret_access_key());
    let token = caller.credentials().session_token();
    let probe = lab.probes.iter().find(|probe| probe.action == "dynamodb:GetItem").context("no table")?;
    for (what, caller, code) in [
        ("another secret", caller.with(key, "another", token), "InvalidSignatureException"),
        ("no token", caller.with(key, secret, None), "UnrecognizedClientException"),
        ("another token", caller.with(key, secret, Some("another")), "UnrecognizedClientException"),
        ("an unknown key", caller.with("ASIA0000000000000000", secret, token), "UnrecognizedClientException"),
    ] {
        let told = caller.call(&probe.call).await?;
        ensure!(told.outcome == Outcome::Failed(code.to_owned()), "{what}: {told:?}");
    }
    Ok(())
}

/// Lambda reads a function's event source as the function's role: where that may not, the source is refused when it is made, not found to be
/// silent later.
#[tokio::test]
async fn no_event_source_is_taken_that_the_role_may_not_read() -> anyhow::Result<()> {
    let lab = Lab::open().await?;
    let name = format!("test-{}", Uuid::new_v4());
    let sqs = |operation: &str, body| Call::json("sqs", &format!("AmazonSQS.{operation}"), &body);
    let made = lab.operator.ask(&sqs("CreateQueue", json!({"QueueName": name}))).await?.json()?;
    let url = &made["QueueUrl"];
    let dead_letters = lab.deployed.arn_of("ExtractDeadLetterQueue");
    let source = format!("{}:{name}", dead_letters.rsplit_once(':').context("no ARN")?.0);
    let mapping = json!({"FunctionName": lab.deployed.arn_of("DeadLettersFunction"), "EventSourceArn": source});
    let create = Call::rest("lambda", Method::POST, "/2015-03-31/event-source-mappings/".to_owned()).body(&mapping);
    let told = lab.operator.call(&create).await?;
    lab.operator.ask(&sqs("DeleteQueue", json!({"QueueUrl": url}))).await?;
    ensure!(told.outcome == Outcome::Failed("InvalidParameterValueException".to_owned()), "{told:?}");
    ensure!(told.body.contains("does not have permissions to call sqs:DeleteMessage"), "{told:?}");
    Ok(())
}

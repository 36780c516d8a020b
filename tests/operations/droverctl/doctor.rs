//! `doctor` on the deployed stack: it finds what a test takes apart, each thing by itself, and finds it mended again.

use anyhow::{Context, ensure};
use aws_sdk_dynamodb::types::TimeToLiveSpecification;
use aws_sdk_eventbridge::types::Target;
use aws_sdk_sqs::types::QueueAttributeName;
use aws_sdk_ssm::types::ParameterType;
use drover_tests::aws::Call;
use drover_tests::{Stack, eventually};
use serde_json::{Value as Json, json};
use table::aws::dynamodb;

/// What the doctor says, whatever that is.
async fn examined(stack: &Stack) -> anyhow::Result<Json> {
    let said = stack.droverctl(&["doctor", "--output", "json"]).await?;
    let report: Json = serde_json::from_str(&said.output).with_context(|| format!("{said:?}"))?;
    let faults = report["faults"].as_u64().context("no number of faults")?;
    ensure!(said.code == Some(i32::from(faults > 0)), "it ended with {:?} for {faults} faults", said.code);
    Ok(report)
}

/// What it says of a thing that is not as it should be.
fn complaints<'a>(report: &'a Json, area: &str, subject: &str) -> Vec<&'a Json> {
    let findings = report["findings"].as_array().into_iter().flatten();
    let wrong = findings.filter(|found| found["verdict"] == "fault" || found["verdict"] == "warning");
    wrong
        .filter(|found| found["area"] == area && found["subject"].as_str().is_some_and(|name| name.contains(subject)))
        .collect()
}

/// Every kind of thing is looked at, and a stack that nobody took apart has no fault that the template could be to blame for.
#[tokio::test]
async fn the_stack_is_examined_from_top_to_bottom() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let report = examined(&stack).await?;
    let findings = report["findings"].as_array().context("no findings")?;
    let areas = [
        "stack",
        "table",
        "queue",
        "function",
        "source",
        "rule",
        "role",
        "key",
        "parameter",
        "bucket",
        "alarm",
        "letters",
        "api",
        "clock",
    ];
    for area in areas {
        ensure!(findings.iter().any(|found| found["area"] == area), "nothing was said of any {area}: {report:#}");
    }
    // Other tests leave letters, and may have a queue full: what is deployed is as it should be all the same.
    for area in ["stack", "table", "source", "role", "key", "bucket", "api", "clock"] {
        let wrong = complaints(&report, area, "");
        ensure!(wrong.is_empty(), "{wrong:#?}");
    }
    for found in findings {
        let needs_mending = found["verdict"] == "fault" || found["verdict"] == "warning";
        ensure!(!needs_mending || found["mend"].is_string(), "nothing is said of how to mend it: {found}");
    }
    let text = stack.droverctl(&["doctor"]).await?;
    ensure!(text.output.contains("as they should be"), "{text:?}");
    Ok(())
}

#[tokio::test]
async fn an_api_that_does_not_answer_is_a_fault() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let said = stack.droverctl(&["doctor", "--url", "http://127.0.0.1:1", "--output", "json"]).await?;
    ensure!(said.code == Some(1), "{said:?}");
    let report: Json = serde_json::from_str(&said.output)?;
    let found = complaints(&report, "api", "127.0.0.1:1");
    ensure!(found.len() == 1 && found[0]["verdict"] == "fault", "{found:?}");
    Ok(())
}

/// Whether a thing is complained of now.
async fn is_found(stack: &Stack, area: &str, subject: &str, word: &str) -> anyhow::Result<bool> {
    let report = examined(stack).await?;
    Ok(complaints(&report, area, subject)
        .iter()
        .any(|found| found["why"].as_str().is_some_and(|why| why.contains(word))))
}

/// Takes a thing apart, looks, and puts it together again, also where it was not found.
async fn found_and_mended(
    stack: &Stack,
    (area, subject, word): (&str, &str, &str),
    breaks: impl AsyncFn() -> anyhow::Result<()>,
    mends: impl AsyncFn() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    ensure!(!is_found(stack, area, subject, word).await?, "{area} {subject} is wrong before anybody touched it");
    breaks().await.with_context(|| format!("{area} {subject} was not taken apart"))?;
    let found = is_found(stack, area, subject, word).await;
    mends().await.with_context(|| format!("{area} {subject} was not put together again"))?;
    ensure!(found?, "it was not found that {area} {subject} is wrong: {word}");
    eventually(&format!("{area} {subject} is well again"), async || {
        Ok((!is_found(stack, area, subject, word).await?).then_some(()))
    })
    .await
}

/// With nothing else going on: it takes from the stack what tests need.
#[tokio::test]
#[ignore = "runs alone: it takes the stack apart"]
async fn what_is_taken_apart_is_found() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let name = |thing: &str| format!("{}-{thing}", stack.name);
    untouched(&stack).await?;
    tables(&stack, &name("limits")).await?;
    queues(&stack).await?;
    functions(&stack, &name("analytics")).await?;
    alias(&stack, &name("analytics")).await?;
    rule(&stack).await?;
    alarm(&stack).await?;
    parameters(&stack, &format!("/{}/portal-sessions/public-keys", stack.name)).await?;
    keys(&stack).await?;
    roles(&stack).await
}

/// Nothing is wrong that nobody took apart, but for what other tests have left (letters, messages, alarms of both) or have yet to set: secrets of services.
async fn untouched(stack: &Stack) -> anyhow::Result<()> {
    let report = examined(stack).await?;
    let findings = report["findings"].as_array().context("no findings")?;
    let is_others = |found: &Json| match found["area"].as_str() {
        Some("letters" | "queue" | "alarm") => true,
        Some("parameter") => ["/sign-in/", "/lemon-squeezy/", "/google-drive/"]
            .iter()
            .any(|folder| found["subject"].as_str().is_some_and(|name| name.contains(folder))),
        _ => false,
    };
    let faults = findings.iter().filter(|found| found["verdict"] == "fault");
    let wrong: Vec<_> = faults.filter(|found| !is_others(found)).collect();
    ensure!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

/// The default emulator does not take from the template how long items live, which is held against no table. So all are given it first.
async fn tables(stack: &Stack, table: &str) -> anyhow::Result<()> {
    let client = dynamodb(&stack.config);
    let expire = async |table: &str, on: bool| {
        let specification = TimeToLiveSpecification::builder().attribute_name("expires_at").enabled(on).build()?;
        client.update_time_to_live().table_name(table).time_to_live_specification(specification).send().await?;
        anyhow::Ok(())
    };
    let report = examined(stack).await?;
    let findings = report["findings"].as_array().context("no findings")?;
    let says = |found: &Json, words: &str| found["why"].as_str().is_some_and(|why| why.contains(words));
    let lacking = findings.iter().filter(|found| found["area"] == "table" && says(found, "its time to live"));
    let lacking: Vec<_> = lacking.filter_map(|found| found["subject"].as_str()).collect();
    for other in &lacking {
        expire(other, true).await?;
    }
    let (off, on) = (async || expire(table, false).await, async || expire(table, true).await);
    found_and_mended(stack, ("table", table, "time to live"), off, on).await?;
    // As it was.
    for other in &lacking {
        expire(other, false).await?;
    }
    Ok(())
}

async fn queues(stack: &Stack) -> anyhow::Result<()> {
    let (client, url) = (stack.sqs(), stack.queue_url("webhooks").await?);
    let policy = QueueAttributeName::RedrivePolicy;
    let asked = client.get_queue_attributes().queue_url(&url).attribute_names(policy.clone()).send().await?;
    let whole = asked.attributes.and_then(|mut all| all.remove(&policy)).context("no redrive policy")?;
    let set = async |value: &str| {
        client.set_queue_attributes().queue_url(&url).attributes(policy.clone(), value).send().await?;
        anyhow::Ok(())
    };
    found_and_mended(
        stack,
        ("queue", "-webhooks", "no redrive policy"),
        async || set("").await,
        async || set(&whole).await,
    )
    .await?;
    let events = stack.queue_url("failed-events").await?;
    let send = async || {
        client.send_message().queue_url(&events).message_body("{}").send().await?;
        anyhow::Ok(())
    };
    let take = async || {
        let taken = client.receive_message().queue_url(&events).wait_time_seconds(5).send().await?;
        let taken = taken.messages().first().and_then(|message| message.receipt_handle()).context("no message")?;
        client.delete_message().queue_url(&events).receipt_handle(taken).send().await?;
        anyhow::Ok(())
    };
    // What other tests left is none of this one's.
    client.purge_queue().queue_url(&events).send().await?;
    found_and_mended(stack, ("queue", "failed-events", "messages are in it"), send, take).await
}

async fn functions(stack: &Stack, function: &str) -> anyhow::Result<()> {
    let client = aws_sdk_lambda::Client::new(&stack.config);
    let stop = async || {
        client.put_function_concurrency().function_name(function).reserved_concurrent_executions(0).send().await?;
        anyhow::Ok(())
    };
    let start = async || {
        client.delete_function_concurrency().function_name(function).send().await?;
        anyhow::Ok(())
    };
    found_and_mended(stack, ("function", function, "may not run at all"), stop, start).await?;

    let sources =
        client.list_event_source_mappings().function_name(format!("{}-webhook-sender:live", stack.name)).send().await?;
    let source = sources.event_source_mappings().iter().find_map(|source| source.uuid()).context("no event source")?;
    let switch = async |on: bool| {
        client.update_event_source_mapping().uuid(source).enabled(on).send().await?;
        anyhow::Ok(())
    };
    let subject = ("source", "webhook-sender", "not taken");
    found_and_mended(stack, subject, async || switch(false).await, async || switch(true).await).await?;

    let events = aws_sdk_eventbridge::Client::new(&stack.config);
    let rules = events.list_rules().send().await?;
    let rule = rules.rules().iter().filter_map(|rule| rule.name()).find(|rule| rule.contains("Recovery"));
    let rule = rule.context("no rule of recovery")?;
    let disable = async || {
        events.disable_rule().name(rule).send().await?;
        anyhow::Ok(())
    };
    let enable = async || {
        events.enable_rule().name(rule).send().await?;
        anyhow::Ok(())
    };
    found_and_mended(stack, ("rule", rule, "switched off"), disable, enable).await
}

/// Everything calls the alias: where it names another version than was deployed last, that one runs.
async fn alias(stack: &Stack, function: &str) -> anyhow::Result<()> {
    let client = aws_sdk_lambda::Client::new(&stack.config);
    let asked = client.get_alias().function_name(function).name("live").send().await?;
    let deployed = asked.function_version.context("the alias names no version")?;
    let names = async |version: &str| {
        client.update_alias().function_name(function).name("live").function_version(version).send().await?;
        anyhow::Ok(())
    };
    let (other, own) = (async || names("$LATEST").await, async || names(&deployed).await);
    found_and_mended(stack, ("function", function, "was deployed last"), other, own).await
}

/// A rule that calls another function than it was deployed to call.
async fn rule(stack: &Stack) -> anyhow::Result<()> {
    let client = aws_sdk_eventbridge::Client::new(&stack.config);
    let rules = client.list_rules().send().await?;
    let rule = rules.rules().iter().filter_map(|rule| rule.name()).find(|rule| rule.contains("Recovery"));
    let rule = rule.context("no rule of recovery")?;
    let targets = client.list_targets_by_rule().rule(rule).send().await?.targets.unwrap_or_default();
    let own = targets.into_iter().next().context("it calls nobody")?;
    let mut other = own.clone();
    // It runs each minute as it is.
    other.arn = own.arn.replace("-recovery", "-scheduler");
    ensure!(other.arn != own.arn, "it calls {}", own.arn);
    let calls = async |target: &Target| {
        client.put_targets().rule(rule).targets(target.clone()).send().await?;
        anyhow::Ok(())
    };
    let (breaks, mends) = (async || calls(&other).await, async || calls(&own).await);
    found_and_mended(stack, ("rule", rule, "it calls"), breaks, mends).await
}

/// An alarm that tells nobody.
async fn alarm(stack: &Stack) -> anyhow::Result<()> {
    let report = examined(stack).await?;
    let findings = report["findings"].as_array().context("no findings")?;
    let quiet = findings.iter().find(|found| found["area"] == "alarm" && found["verdict"] == "ok");
    let name = quiet.and_then(|found| found["subject"].as_str()).context("every alarm is in alarm")?.to_owned();
    let operator = stack.operator().await?;
    let switch = async |action: &str| {
        let names = [("AlarmNames.member.1", name.as_str())];
        operator.ask(&Call::query("monitoring", "2010-08-01", action, &names)).await?;
        anyhow::Ok(())
    };
    let (off, on) = (async || switch("DisableAlarmActions").await, async || switch("EnableAlarmActions").await);
    found_and_mended(stack, ("alarm", &name, "switched off"), off, on).await
}

async fn parameters(stack: &Stack, name: &str) -> anyhow::Result<()> {
    let client = aws_sdk_ssm::Client::new(&stack.config);
    let asked = client.get_parameter().name(name).with_decryption(true).send().await?;
    let value = asked.parameter.and_then(|parameter| parameter.value).context("no value")?;
    let forget = async || {
        client.delete_parameter().name(name).send().await?;
        anyhow::Ok(())
    };
    let set = async || {
        client
            .put_parameter()
            .name(name)
            .value(&value)
            .r#type(ParameterType::SecureString)
            .overwrite(true)
            .send()
            .await?;
        anyhow::Ok(())
    };
    found_and_mended(stack, ("parameter", name, "not set"), forget, set).await?;
    // One that is there in clear is no fault, and not as it should be.
    let bare = async || {
        client.delete_parameter().name(name).send().await?;
        client.put_parameter().name(name).value(&value).r#type(ParameterType::String).send().await?;
        anyhow::Ok(())
    };
    let sealed = async || {
        forget().await?;
        set().await
    };
    found_and_mended(stack, ("parameter", name, "not encrypted"), bare, sealed).await
}

async fn keys(stack: &Stack) -> anyhow::Result<()> {
    let functions = aws_sdk_lambda::Client::new(&stack.config);
    let asked =
        functions.get_function_configuration().function_name(format!("{}-worker-records", stack.name)).send().await?;
    let variables = asked.environment.and_then(|environment| environment.variables).context("no environment")?;
    let (client, key) = (aws_sdk_kms::Client::new(&stack.config), variables.get("WORKER_KEY").context("no key")?);
    let disable = async || {
        client.disable_key().key_id(key).send().await?;
        anyhow::Ok(())
    };
    let enable = async || {
        client.enable_key().key_id(key).send().await?;
        anyhow::Ok(())
    };
    found_and_mended(stack, ("key", "WorkerKey", "disabled"), disable, enable).await
}

async fn roles(stack: &Stack) -> anyhow::Result<()> {
    let client = aws_sdk_lambda::Client::new(&stack.config);
    let asked = client.get_function_configuration().function_name(format!("{}-api-docs", stack.name)).send().await?;
    let role = asked.role.context("no role")?;
    let role = role.rsplit('/').next().unwrap_or(&role).to_owned();
    let operator = stack.operator().await?;
    let trust = async |service: &str| {
        let statement = json!({"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"});
        let document = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
        let parameters = [("RoleName", role.as_str()), ("PolicyDocument", document.as_str())];
        operator.ask(&Call::query("iam", "2010-05-08", "UpdateAssumeRolePolicy", &parameters)).await?;
        anyhow::Ok(())
    };
    // LocalStack does not tell whether a role was changed; the default emulator tells who may take it on, and not what it grants.
    if !stack.counts_capacity {
        return Ok(());
    }
    let (other, own) = (async || trust("ec2.amazonaws.com").await, async || trust("lambda.amazonaws.com").await);
    found_and_mended(stack, ("role", &role, "somebody changed it"), other, own).await
}

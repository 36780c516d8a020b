//! Queues: where their dead letters go, and what waits in them.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::{Value as Json, json};

use crate::call::{CallFault, Trouble};
use crate::cloudwatch::CloudWatch;
use crate::deployment::Deployment;

use super::each;
use super::expected::{Expected, Resource};
use super::finding::{About, Finding};

/// A message that waits longer than this is one that nobody takes.
const LONGEST_WAIT: Duration = Duration::from_mins(15);

/// What a queue is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Work, which functions take.
    Work,
    /// What kept failing in another queue, or events that failed for good: every message is one that somebody should see.
    Failed,
}

pub(super) async fn look(deployment: &Deployment, expected: &Expected) -> Vec<Finding> {
    let (client, metrics) = (&Client::new(&deployment.config), &CloudWatch::new(&deployment.config));
    each(expected.of_kind("AWS::SQS::Queue"), |queue| look_at(deployment, client, metrics, expected, queue)).await
}

async fn look_at(
    deployment: &Deployment,
    client: &Client,
    metrics: &CloudWatch,
    expected: &Expected,
    queue: &Resource,
) -> Vec<Finding> {
    let about = About::new("queue", last(&queue.name));
    let asked = client.get_queue_attributes().queue_url(&queue.name).attribute_names(QueueAttributeName::All).send();
    let now = deployment.clock.now();
    let (asked, oldest) = tokio::join!(asked, metrics.oldest_message(last(&queue.name), now));
    let attributes = match asked {
        Ok(answer) => answer.attributes.unwrap_or_default(),
        Err(error) => return vec![about.unseen("the queue", &CallFault::of(&error))],
    };
    let plan =
        Plan { part: part(expected, queue), redrive: planned_redrive(expected, &queue.properties), url: &queue.name };
    let (oldest, fault) = match oldest {
        Ok(oldest) => (oldest, None),
        // Where metrics are not kept, the number of messages alone is looked at.
        Err(fault) => (None, Some(fault).filter(|fault| fault.trouble != Trouble::NotKnown)),
    };
    let unseen = fault.map(|fault| about.unseen("for how long its oldest message has waited", &fault));
    judge(&plan, &attributes, oldest).into_iter().chain(unseen).collect()
}

/// What a queue should be.
struct Plan<'a> {
    part: Part,
    /// The queue that its dead letters go to, and after how many tries.
    redrive: Option<(&'a str, u64)>,
    url: &'a str,
}

fn part(expected: &Expected, queue: &Resource) -> Part {
    let is_target = expected.of_kind("AWS::SQS::Queue").any(|other| {
        let target = expected.referred(&other.properties["RedrivePolicy"]["deadLetterTargetArn"]);
        target.is_some_and(|target| target.logical == queue.logical)
    });
    // Work has a redrive policy: a queue without one, that is not another's, is of events that failed.
    if is_target || (queue.properties.is_object() && queue.properties["RedrivePolicy"].is_null()) {
        Part::Failed
    } else {
        Part::Work
    }
}

fn planned_redrive<'a>(expected: &'a Expected, properties: &Json) -> Option<(&'a str, u64)> {
    let policy = &properties["RedrivePolicy"];
    let target = expected.referred(&policy["deadLetterTargetArn"])?;
    Some((last(&target.name), whole(&policy["maxReceiveCount"])?))
}

/// The end of an address or of an ARN: the queue's name.
fn last(name: &str) -> &str {
    name.rsplit(['/', ':']).next().unwrap_or(name)
}

/// A whole number, which may be a text.
fn whole(value: &Json) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn judge(plan: &Plan<'_>, attributes: &HashMap<QueueAttributeName, String>, oldest: Option<Duration>) -> Vec<Finding> {
    let about = About::new("queue", last(plan.url));
    let mut wrong = Vec::new();
    if let Some((target, tries)) = plan.redrive {
        wrong.extend(judge_redrive(&about, plan.url, target, tries, attributes));
    }
    let number = |name| attributes.get(&name).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    let waiting = number(QueueAttributeName::ApproximateNumberOfMessages);
    match plan.part {
        Part::Failed if waiting > 0 => wrong.push(about.warning(
            format!("{waiting} messages are in it, each of something that kept failing"),
            "the chapter Alarms of docs/operations.md says what to do; what was dealt with is in `droverctl dead-letters list`",
        )),
        Part::Work if oldest.is_some_and(|oldest| oldest > LONGEST_WAIT) => wrong.push(about.warning(
            format!("the oldest of {waiting} messages has waited for {} minutes", oldest.unwrap_or_default().as_secs() / 60),
            "nobody takes them, or too slowly: see its event source here, its function's log, and the parameter that bounds how many run at once",
        )),
        _ => {}
    }
    about.or_ok(wrong, format!("{waiting} messages wait"))
}

fn judge_redrive(
    about: &About,
    url: &str,
    target: &str,
    tries: u64,
    attributes: &HashMap<QueueAttributeName, String>,
) -> Option<Finding> {
    let arn = attributes.get(&QueueAttributeName::QueueArn).map(String::as_str).unwrap_or_default();
    let account = arn.rsplit_once(':').map_or("ARN-OF-ACCOUNT", |(account, _)| account);
    let policy = json!({"deadLetterTargetArn": format!("{account}:{target}"), "maxReceiveCount": tries}).to_string();
    let mend =
        format!("aws sqs set-queue-attributes --queue-url {url} --attributes '{}'", json!({"RedrivePolicy": policy}));
    let is: Option<Json> =
        attributes.get(&QueueAttributeName::RedrivePolicy).and_then(|text| serde_json::from_str(text).ok());
    let Some(is) = is else {
        return Some(about.fault("it has no redrive policy: a message that keeps failing is tried until it is thrown away, and its job never ends", mend));
    };
    let its_target = is["deadLetterTargetArn"].as_str().map(last).unwrap_or_default();
    if its_target != target {
        return Some(about.fault(format!("its dead letters go to {its_target}, not {target}"), mend));
    }
    let its_tries = whole(&is["maxReceiveCount"]).unwrap_or(0);
    (its_tries != tries).then(|| about.warning(format!("a message is tried {its_tries} times, not {tries}"), mend))
}

#[cfg(test)]
mod tests {
    use super::super::expected::deployed;
    use super::super::finding::Verdict;
    use super::*;

    const URL: &str = "https://sqs.eu-west-1.amazonaws.com/1/d-work";

    fn attributes(redrive: Option<Json>, waiting: u64) -> HashMap<QueueAttributeName, String> {
        let mut attributes = HashMap::from([
            (QueueAttributeName::QueueArn, "arn:aws:sqs:eu-west-1:1:d-work".to_owned()),
            (QueueAttributeName::ApproximateNumberOfMessages, waiting.to_string()),
        ]);
        if let Some(redrive) = redrive {
            attributes.insert(QueueAttributeName::RedrivePolicy, redrive.to_string());
        }
        attributes
    }

    fn redrive(target: &str, tries: &Json) -> Json {
        json!({"deadLetterTargetArn": format!("arn:aws:sqs:eu-west-1:1:{target}"), "maxReceiveCount": tries})
    }

    #[test]
    fn each_fault_of_a_queue_is_found() {
        let plan = |part| Plan { part, redrive: Some(("d-work-dead", 5)), url: URL };
        let work = || plan(Part::Work);
        let hour = Some(Duration::from_hours(1));
        for (plan, redrive, waiting, oldest, verdict, word) in [
            (work(), Some(redrive("d-work-dead", &json!(5))), 0, None, Verdict::Ok, "0 messages"),
            (
                work(),
                Some(redrive("d-work-dead", &json!("5"))),
                7,
                Some(Duration::from_secs(3)),
                Verdict::Ok,
                "7 messages",
            ),
            (work(), None, 0, None, Verdict::Fault, "no redrive policy"),
            (work(), Some(redrive("other", &json!(5))), 0, None, Verdict::Fault, "go to other"),
            (work(), Some(redrive("d-work-dead", &json!(50))), 0, None, Verdict::Warning, "50 times"),
            (work(), Some(redrive("d-work-dead", &json!(5))), 7, hour, Verdict::Warning, "60 minutes"),
            (Plan { redrive: None, ..plan(Part::Failed) }, None, 2, None, Verdict::Warning, "2 messages are in it"),
            (Plan { redrive: None, ..plan(Part::Failed) }, None, 0, None, Verdict::Ok, "0 messages"),
        ] {
            let found = judge(&plan, &attributes(redrive, waiting), oldest);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].verdict == verdict && found[0].why.contains(word), "{word}: {found:?}");
        }
    }

    #[test]
    fn how_to_mend_it_can_be_pasted() {
        let plan = Plan { part: Part::Work, redrive: Some(("d-work-dead", 5)), url: URL };
        let found = judge(&plan, &attributes(None, 0), None);
        let expected = format!(
            "aws sqs set-queue-attributes --queue-url {URL} --attributes '{}'",
            r#"{"RedrivePolicy":"{\"deadLetterTargetArn\":\"arn:aws:sqs:eu-west-1:1:d-work-dead\",\"maxReceiveCount\":5}"}"#
        );
        assert_eq!(found[0].mend.as_deref(), Some(expected.as_str()));
    }

    #[test]
    fn a_queue_is_of_work_if_the_template_has_its_letters_go_somewhere() {
        let queue = |redrive: Json| json!({"Type": "AWS::SQS::Queue", "Properties": {"RedrivePolicy": redrive}});
        let template = json!({"Resources": {
            "Work": queue(json!({"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}, "maxReceiveCount": 5})),
            "Dead": queue(Json::Null),
            "Events": queue(Json::Null),
        }});
        let of = |logical| (logical, "AWS::SQS::Queue", logical);
        let expected = deployed(&[of("Work"), of("Dead"), of("Events")], &template);
        let parts: Vec<_> = expected.of_kind("AWS::SQS::Queue").map(|queue| part(&expected, queue)).collect();
        assert_eq!(parts, [Part::Work, Part::Failed, Part::Failed]);
        let work = expected.of_kind("AWS::SQS::Queue").next().unwrap();
        assert_eq!(planned_redrive(&expected, &work.properties), Some(("Dead", 5)));
    }
}

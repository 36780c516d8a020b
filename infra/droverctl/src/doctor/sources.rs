//! Event sources: what has a queue's messages or a table's changes come to a function.

use aws_sdk_lambda::Client;

use crate::call::CallFault;
use crate::deployment::Deployment;

use super::each;
use super::expected::{Expected, Resource};
use super::finding::{About, Finding};

pub(super) async fn look(deployment: &Deployment, expected: &Expected) -> Vec<Finding> {
    let client = &Client::new(&deployment.config);
    each(expected.of_kind("AWS::Lambda::EventSourceMapping"), |source| look_at(deployment, client, source)).await
}

async fn look_at(deployment: &Deployment, client: &Client, source: &Resource) -> Vec<Finding> {
    let asked = client.get_event_source_mapping().uuid(&source.name).send().await;
    let asked = match asked {
        Ok(asked) => asked,
        Err(error) => {
            return vec![About::new("source", &source.logical).unseen("the event source", &CallFault::of(&error))];
        }
    };
    let from = asked.event_source_arn.unwrap_or_default();
    let described = match table_of(&from) {
        Some(table) => {
            let described = deployment.client.describe_table().table_name(table).send().await;
            described.map(|answer| answer.table).map_err(|error| CallFault::of(&error))
        }
        None => Ok(None),
    };
    let (stream, fault) = match described {
        Ok(table) => (table.and_then(|table| table.latest_stream_arn), None),
        Err(fault) => (None, Some(fault)),
    };
    let seen = Seen {
        id: &source.name,
        state: asked.state.unwrap_or_default(),
        last: asked.last_processing_result.unwrap_or_default(),
        to: asked.function_arn.unwrap_or_default(),
        stream,
        from,
    };
    let unseen =
        fault.map(|fault| About::new("source", route(&seen)).unseen("the table whose stream it reads", &fault));
    std::iter::once(judge(&seen)).chain(unseen).collect()
}

/// The table whose stream it is, if it is one.
fn table_of(arn: &str) -> Option<&str> {
    arn.split_once(":table/")?.1.split('/').next()
}

/// An event source as it is.
#[derive(Clone)]
struct Seen<'a> {
    id: &'a str,
    state: String,
    /// What came of it last, of streams.
    last: String,
    from: String,
    to: String,
    /// The stream that the table has now.
    stream: Option<String>,
}

/// What is between two: `queue → function`.
fn route(seen: &Seen<'_>) -> String {
    let from = table_of(&seen.from).map_or_else(
        || seen.from.rsplit(':').next().unwrap_or(&seen.from).to_owned(),
        |table| format!("changes of {table}"),
    );
    let to = seen.to.split(":function:").nth(1).unwrap_or(&seen.to);
    format!("{from} → {}", to.split(':').next().unwrap_or(to))
}

fn judge(seen: &Seen<'_>) -> Finding {
    let about = About::new("source", route(seen));
    let id = seen.id;
    match seen.state.as_str() {
        "Enabled" => {}
        "Creating" | "Enabling" | "Updating" => {
            return about.warning(format!("it is {}", seen.state.to_lowercase()), "look again in a minute");
        }
        state => {
            return about.fault(
                format!("it is {}: what waits there is not taken", state.to_lowercase()),
                format!("aws lambda update-event-source-mapping --uuid {id} --enabled"),
            );
        }
    }
    if table_of(&seen.from).is_some() && seen.stream.as_ref().is_some_and(|stream| *stream != seen.from) {
        return about.fault(
            "it reads a stream that its table has no longer",
            "take its event out of template.yaml, `sam deploy`, put it back, `sam deploy`: then it reads the table's stream of now",
        );
    }
    if seen.last.starts_with("PROBLEM") {
        return about.fault(
            format!("its last batch failed: {}", seen.last),
            "the function's log says why: search it for \"level\":\"ERROR\"",
        );
    }
    about.ok("enabled")
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn each_fault_of_an_event_source_is_found() {
        let stream = |label: &str| format!("arn:aws:dynamodb:eu-west-1:1:table/d-video/stream/{label}");
        let sound = || Seen {
            id: "uuid",
            state: "Enabled".to_owned(),
            last: "OK".to_owned(),
            from: stream("2026"),
            to: "arn:aws:lambda:eu-west-1:1:function:d-job-socket:live".to_owned(),
            stream: Some(stream("2026")),
        };
        for (seen, verdict, word) in [
            (sound(), Verdict::Ok, "enabled"),
            (Seen { stream: None, ..sound() }, Verdict::Ok, "enabled"),
            (Seen { state: "Disabled".to_owned(), ..sound() }, Verdict::Fault, "not taken"),
            (Seen { state: "Updating".to_owned(), ..sound() }, Verdict::Warning, "updating"),
            (Seen { stream: Some(stream("2027")), ..sound() }, Verdict::Fault, "no longer"),
            (
                Seen { last: "PROBLEM: Function call failed".to_owned(), ..sound() },
                Verdict::Fault,
                "Function call failed",
            ),
        ] {
            let finding = judge(&seen);
            assert!(finding.verdict == verdict && finding.why.contains(word), "{finding:?}");
            assert_eq!(finding.subject, "changes of d-video → d-job-socket");
        }
        let queue = Seen { from: "arn:aws:sqs:eu-west-1:1:d-extract".to_owned(), stream: None, ..sound() };
        assert_eq!(judge(&queue).subject, "d-extract → d-job-socket");
    }
}

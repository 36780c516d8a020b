//! The Lambda that counts jobs and credentials: what the streams of their tables tell. A change that is told of twice counts once.

use anyhow::Context;
use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use aws_lambda_events::event::streams::DynamoDbEventResponse;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use table::aws::{SettingError, configure, setting};
use table::cost::metered;
use table::{Clock, Millis};
use tallies::{Change, Source, Tallies};

/// The tables whose streams are read.
type Tables = [(Source, String); 4];

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init("tallies");
    let (tallies, tables) = (&Tallies::from_environment(&configure()?, Clock::system())?, &tables()?);
    run(service_fn(move |event: LambdaEvent<Event>| async move {
        let LambdaEvent { payload, context } = event;
        let batch = async {
            let told = payload.records.len();
            let changes: Vec<_> =
                payload.records.into_iter().filter_map(|record| read_or_pass(record, tables)).collect();
            let (counted, cost) = metered(Box::pin(tallies.count(&changes))).await;
            tracing::info!(told, ?counted, "counted");
            cost.log("batch done");
            telemetry::counter!("ChangesCounted").increment(counted.as_ref().map_or(0, |sum| sum.counted as u64));
            counted?;
            Ok::<_, Error>(DynamoDbEventResponse::default())
        };
        telemetry::invocation(&context.request_id, context.xray_trace_id.as_deref(), batch).await
    }))
    .await
}

fn tables() -> Result<Tables, SettingError> {
    Ok([
        (Source::Extract, setting("EXTRACT_TABLE")?),
        (Source::Portal, setting("PORTAL_TABLE")?),
        (Source::Video, setting("VIDEO_TABLE")?),
        (Source::Credentials, setting("CREDENTIALS_TABLE")?),
    ])
}

/// A change. What cannot be read is passed over: it would hold up all that comes after it.
fn read_or_pass(record: EventRecord, tables: &Tables) -> Option<Change> {
    let sequence = record.change.sequence_number.clone();
    read(record, tables).inspect_err(|error| tracing::error!("a change was not read: {error:#}, {sequence:?}")).ok()
}

fn read(record: EventRecord, tables: &Tables) -> anyhow::Result<Change> {
    let stream = record.event_source_arn.context("it is of no stream")?;
    let named = stream.split('/').nth(1).context("its stream is of no table")?;
    let (source, _) = tables.iter().find(|(_, table)| table == named).context("its table is not counted")?;
    let change = record.change;
    let seconds = u64::try_from(change.approximate_creation_date_time.timestamp())?;
    Ok(Change {
        source: *source,
        sequence: change.sequence_number.context("it has no sequence number")?,
        at: Millis(seconds * 1_000),
        before: change.old_image.into(),
        after: change.new_image.into(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn tables() -> Tables {
        [Source::Extract, Source::Portal, Source::Video, Source::Credentials]
            .map(|source| (source, format!("drover-{source:?}").to_lowercase()))
    }

    fn record(of: &str) -> Json {
        json!({
            "eventID": "1", "eventName": "MODIFY", "awsRegion": "eu-west-1", "eventSource": "aws:dynamodb",
            "eventSourceARN": format!("arn:aws:dynamodb:eu-west-1:000000000000:{of}"),
            "dynamodb": {
                "ApproximateCreationDateTime": 1_700_000_000.75,
                "SequenceNumber": "111",
                "SizeBytes": 60,
                "Keys": {"pk": {"S": "CRED#1"}, "sk": {"S": "CRED"}},
                "NewImage": {"status": {"S": "in_use"}},
            },
        })
    }

    fn read_json(record: Json) -> anyhow::Result<Change> {
        read(serde_json::from_value(record)?, &tables())
    }

    #[test]
    fn a_change_is_of_the_table_that_its_stream_names() {
        let change = read_json(record("table/drover-credentials/stream/2026-11-22T22:54:00.123")).unwrap();
        assert_eq!((change.source, change.sequence.as_str()), (Source::Credentials, "111"));
        assert_eq!(change.at, Millis(1_700_000_000_000), "in whole seconds, as one is told of again");
        assert!(change.before.is_empty() && change.after.contains_key("status"));
    }

    #[test]
    fn what_is_no_change_of_a_table_that_is_counted_is_passed_over() {
        let mut unnumbered = record("table/drover-video/stream/1");
        unnumbered["dynamodb"]["SequenceNumber"] = Json::Null;
        let mut early = record("table/drover-video/stream/1");
        early["dynamodb"]["ApproximateCreationDateTime"] = json!(-1.0);
        for odd in [record("table/drover-worker/stream/1"), record("table"), unnumbered, early] {
            assert!(read_json(odd.clone()).is_err(), "{odd}");
        }
    }
}

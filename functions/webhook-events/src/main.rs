//! The Lambda that makes deliveries for webhooks: what the stream of the extraction cloud's table tells of tasks that have ended. A batch that
//! is delivered twice makes them once.

use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use aws_lambda_events::event::streams::DynamoDbEventResponse;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use table::cost::metered;
use table::{Clock, Item};
use webhooks::TaskEnd;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init("webhook-events");
    let deliveries = &webhooks::open_deliveries(&table::aws::configure()?, Clock::system())?;
    run(service_fn(move |event: LambdaEvent<Event>| async move {
        let LambdaEvent { payload, context } = event;
        let batch = async {
            let ends: Vec<_> = payload.records.into_iter().filter_map(read).collect();
            let (made, cost) = metered(deliveries.announce(&ends)).await;
            tracing::info!(ends = ends.len(), ?made, "announced");
            cost.log("batch done");
            telemetry::counter!("WebhookDeliveries").increment(*made.as_ref().unwrap_or(&0) as u64);
            made?;
            Ok::<_, Error>(DynamoDbEventResponse::default())
        };
        telemetry::invocation(&context.request_id, context.xray_trace_id.as_deref(), batch).await
    }))
    .await
}

/// The end of a task, if a change is one. What cannot be read is passed over: it would hold up all that comes after it.
fn read(record: EventRecord) -> Option<TaskEnd> {
    let (before, after): (Item, Item) = (record.change.old_image.into(), record.change.new_image.into());
    TaskEnd::read(&before, after).unwrap_or_else(|error| {
        tracing::error!(%error, sequence = record.change.sequence_number, "the end of a task was not read");
        None
    })
}

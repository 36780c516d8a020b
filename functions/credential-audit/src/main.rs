//! The Lambda that keeps the audit trail of credentials: what their table's stream tells was done to them. A batch that is delivered
//! twice is kept once.

use aws_lambda_events::event::dynamodb::Event;
use aws_lambda_events::event::streams::DynamoDbEventResponse;
use credentials::audit::{Change, Trail};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use table::aws::{configure, dynamodb, setting};
use table::{Item, Table};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init("credential-audit");
    let trail = &Trail::new(Table::new(dynamodb(&configure()?), &setting("EVENTS_TABLE")?));
    run(service_fn(move |event: LambdaEvent<Event>| async move {
        let LambdaEvent { payload, context } = event;
        let batch = async {
            let changes: Vec<Change> = payload.records.into_iter().filter_map(read).collect();
            let count = changes.len();
            trail.keep(changes).await?;
            tracing::info!(count, "kept");
            Ok::<_, Error>(DynamoDbEventResponse::default())
        };
        telemetry::invocation(&context.request_id, context.xray_trace_id.as_deref(), batch).await
    }))
    .await
}

fn read(record: aws_lambda_events::event::dynamodb::EventRecord) -> Option<Change> {
    let change = record.change;
    let (before, after): (Item, Item) = (change.old_image.into(), change.new_image.into());
    Change::read(Some(&before), Some(&after), &change.sequence_number?)
}

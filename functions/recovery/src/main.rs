//! The Lambda that finds what was lost, once a minute: jobs and deliveries that are due and that nobody has claimed get their message again. It also
//! writes down which credentials' leases and cooldowns and which proxies' rests are over. Nothing correct depends on when it runs, or on its
//! running once.

use std::time::Duration;

use credentials::Credentials;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::{Value as Json, json};
use table::aws::{dynamodb, setting};
use table::{Millis, Table};
use worker::Records;

/// Stops so long before the function is stopped.
const MARGIN: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init("recovery");
    let config = table::aws::configure()?;
    let jobs = &extract::open(&config)?;
    let credentials = &Credentials::from_environment(&config, jobs.clock.clone())?;
    let workers = &Records::new(Table::new(dynamodb(&config), &setting("WORKER_TABLE")?), jobs.clock.clone());
    let videos = &videos::open_jobs(&config)?;
    let portals = &portals::open_jobs(&config)?;
    let deliveries = &webhooks::open_deliveries(&config, jobs.clock.clone())?;
    run(service_fn(move |event: LambdaEvent<Json>| async move {
        let deadline = Millis(event.context.deadline.saturating_sub(u64::try_from(MARGIN.as_millis()).unwrap_or(0)));
        let (redelivered, videos, portals, hinted, tidied, rested) = tokio::join!(
            Box::pin(jobs.redeliver_due(deadline)),
            Box::pin(videos.redeliver_due(deadline)),
            Box::pin(portals.redeliver_due(deadline)),
            Box::pin(deliveries.redeliver_due(deadline)),
            Box::pin(credentials.tidy()),
            Box::pin(workers.end_rests())
        );
        let count = |redelivered: &Result<usize, _>| redelivered.as_ref().map_or(0, |count| *count as u64);
        telemetry::counter!("Redelivered").increment(count(&redelivered) + count(&videos) + count(&portals));
        tracing::info!(?redelivered, ?videos, ?portals, ?hinted, ?tidied, ?rested, "looked for what was lost");
        telemetry::flush_metrics();
        Ok::<Json, Error>(
            json!({"redelivered": redelivered?, "videos": videos?, "portals": portals?, "webhooks": hinted?, "tidied": tidied?, "rested": rested?}),
        )
    }))
    .await
}

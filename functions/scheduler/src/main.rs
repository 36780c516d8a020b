//! The Lambda that starts what is due by its schedule, once a minute, and clears away what deletions have left. However often it runs, and however
//! late, each due run is started once.

use std::time::Duration;

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::{Value as Json, json};
use table::Millis;
use table::aws::configure;
use table::cost::metered;
use videos::Schedules;

/// Stops so long before the function is stopped.
const MARGIN: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init("scheduler");
    let jobs = &videos::open(&configure()?)?;
    let schedules = &Schedules::new(jobs.clone());
    run(service_fn(move |event: LambdaEvent<Json>| async move {
        let deadline = Millis(event.context.deadline.saturating_sub(u64::try_from(MARGIN.as_millis()).unwrap_or(0)));
        let ((started, cleared, beat), cost) = metered(async {
            tokio::join!(
                Box::pin(schedules.start_due(deadline)),
                Box::pin(jobs.clear_deleted(deadline)),
                Box::pin(jobs.beat())
            )
        })
        .await;
        if let Ok(started) = &started {
            telemetry::counter!("RunsStarted").increment(started.started);
            telemetry::counter!("RunsSkipped").increment(started.skipped);
        }
        cost.log("started what was due");
        tracing::info!(?started, ?cleared, ?beat, "started what was due");
        telemetry::flush_metrics();
        let (started, cleared) = (started?, cleared?);
        beat?;
        Ok::<Json, Error>(json!({
            "started": started.started,
            "skipped": started.skipped,
            "lost": started.lost,
            "failed": started.failed,
            "cleared": cleared,
            "dynamodb_requests": cost.dynamodb_requests,
        }))
    }))
    .await
}

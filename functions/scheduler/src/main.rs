//! The Lambda that starts what is due at a time of its own, once a minute: runs of schedules, and checks of monitors. It also clears away what
//! deletions have left. However often it runs, and however late, what is due is started once.

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
    let config = configure()?;
    let jobs = &videos::open(&config)?;
    let schedules = &Schedules::new(jobs.clone());
    let tasks = &extract::open(&config)?;
    run(service_fn(move |event: LambdaEvent<Json>| async move {
        let LambdaEvent { context, .. } = event;
        let deadline = Millis(context.deadline.saturating_sub(u64::try_from(MARGIN.as_millis()).unwrap_or(0)));
        // What is started now goes on with the trace of this minute.
        let minute = async {
            let work = metered(async {
                tokio::join!(
                    Box::pin(schedules.start_due(deadline)),
                    Box::pin(tasks.start_rested(deadline)),
                    Box::pin(jobs.clear_deleted(deadline)),
                    Box::pin(jobs.beat())
                )
            });
            let ((runs, checks, cleared, beat), cost) = work.await;
            if let Ok(runs) = &runs {
                telemetry::counter!("RunsStarted").increment(runs.started);
                telemetry::counter!("RunsSkipped").increment(runs.skipped);
            }
            if let Ok(checks) = &checks {
                telemetry::counter!("ChecksStarted").increment(checks.started);
            }
            cost.log("started what was due");
            tracing::info!(?runs, ?checks, ?cleared, ?beat, "started what was due");
            let (runs, checks, cleared) = (runs?, checks?, cleared?);
            beat?;
            Ok::<Json, Error>(json!({"runs": runs, "checks": checks, "cleared": cleared, "cost": cost}))
        };
        telemetry::invocation(&context.request_id, context.xray_trace_id.as_deref(), minute).await
    }))
    .await
}

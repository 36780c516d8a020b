//! The Lambda that finds what was lost, once a minute: jobs and deliveries that are due and that nobody has claimed get their message again. It also
//! writes down which credentials' leases and cooldowns and which proxies' rests are over, and cleans away jobs that failed long ago. Nothing correct
//! depends on when it runs, or on its running once.

use std::time::Duration;

use credentials::Credentials;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use operations::{Kind, Operations, Tally};
use serde_json::{Value as Json, json};
use table::aws::{SettingError, dynamodb, setting};
use table::{Millis, Table, TableError};
use worker::Records;

/// Stops so long before the function is stopped.
const MARGIN: Duration = Duration::from_secs(5);
/// How much of its time is left for cleaning, however many leases are over.
const CLEANING: Duration = Duration::from_secs(10);
/// What retention is counted in.
const DAY: Duration = Duration::from_hours(24);

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
    let (operations, kept) = (&Operations::from_environment(&config)?, failed_jobs_are_kept()?);
    run(service_fn(move |event: LambdaEvent<Json>| async move {
        let LambdaEvent { context, .. } = event;
        let deadline = Millis(context.deadline.saturating_sub(u64::try_from(MARGIN.as_millis()).unwrap_or(0)));
        let minute = async {
            let (redelivered, videos, portals, hinted, tidied, rested) = tokio::join!(
                Box::pin(jobs.redeliver_due(deadline)),
                Box::pin(videos.redeliver_due(deadline)),
                Box::pin(portals.redeliver_due(deadline)),
                Box::pin(deliveries.redeliver_due(deadline)),
                Box::pin(credentials.tidy(deadline.before(CLEANING))),
                Box::pin(workers.end_rests())
            );
            // Last, and in what time is left: it is in no hurry.
            let cleaned = match kept {
                Some(kept) => Box::pin(clean(operations, jobs.clock.now().before(kept), deadline)).await,
                None => Ok(Tally::default()),
            };
            let count = |redelivered: &Result<usize, _>| redelivered.as_ref().map_or(0, |count| *count as u64);
            telemetry::counter!("Redelivered").increment(count(&redelivered) + count(&videos) + count(&portals));
            tracing::info!(
                ?redelivered,
                ?videos,
                ?portals,
                ?hinted,
                ?tidied,
                ?rested,
                ?cleaned,
                "looked for what was lost"
            );
            Ok::<Json, Error>(json!({
                "redelivered": redelivered?,
                "videos": videos?,
                "portals": portals?,
                "webhooks": hinted?,
                "tidied": tidied?,
                "rested": rested?,
                "cleaned": cleaned?.deleted,
            }))
        };
        telemetry::invocation(&context.request_id, context.xray_trace_id.as_deref(), minute).await
    }))
    .await
}

/// For how long jobs are kept that have failed; none: for ever.
fn failed_jobs_are_kept() -> Result<Option<Duration>, SettingError> {
    const DAYS: &str = "FAILED_JOB_DAYS";
    let text = setting(DAYS)?;
    let days: u32 = text.parse().map_err(|_| SettingError::Unusable(DAYS, text))?;
    Ok((days > 0).then_some(DAY * days))
}

/// Deletes the jobs of all kinds that failed up to a moment. A fault of one kind keeps no other from it.
async fn clean(operations: &Operations, until: Millis, deadline: Millis) -> Result<Tally, TableError> {
    let mut all = Ok(Tally::default());
    for kind in Kind::ALL {
        let cleaned = operations.clean_failed(kind, until, Some(deadline), false).await;
        let cleaned = cleaned.inspect_err(|error| tracing::warn!(%error, kind = kind.as_str(), "not all was cleaned"));
        all = all.and_then(|all: Tally| cleaned.map(|cleaned| all.plus(cleaned)));
    }
    all
}

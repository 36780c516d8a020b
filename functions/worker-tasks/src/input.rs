//! What callers send about tasks.

use std::time::Duration;

use api::query::Parameters;
use api::worker::{Error, LONGEST_WORKER_ID, WorkerId};
use axum::http::HeaderMap;
use garde::Validate;
use input::{Fault, form, rules, schema};
use serde::Deserialize;
use serde_json::Value as Json;
use utoipa::ToSchema;
use worker::{Filter, Holding, LONGEST_TYPE, Outcome, Report, USUAL_LOCK};

/// The shortest and the longest lock, in seconds.
const SHORTEST_LOCK: u64 = 30;
const LONGEST_LOCK: u64 = 43_200;
/// The longest message of an error, in characters.
const LONGEST_ERROR: usize = 4_000;
/// The largest result, in bytes of JSON.
const LARGEST_RESULT: usize = 32 * 1024;

/// Who locks, and for how long.
#[derive(Deserialize, Validate, ToSchema)]
#[schema(example = json!({"worker_id": "worker-1"}))]
pub(crate) struct LockForm {
    /// The worker; or else `X-Worker-ID` names it.
    #[garde(inner(length(chars, max = LONGEST_WORKER_ID), custom(rules::text)))]
    #[schema(schema_with = schema::text::<0, LONGEST_WORKER_ID>)]
    worker_id: Option<String>,
    /// How long it keeps the task without a sign of life; half an hour unless given.
    #[garde(inner(range(min = SHORTEST_LOCK, max = LONGEST_LOCK)))]
    #[schema(schema_with = schema::whole::<SHORTEST_LOCK, LONGEST_LOCK>)]
    lease_seconds: Option<u64>,
}

impl LockForm {
    pub(crate) fn read(body: &Json) -> Result<Self, Error> {
        Ok(form(body)?)
    }

    /// The worker that the body names, or else the header.
    pub(crate) fn worker(&self, header: WorkerId) -> Option<String> {
        let named = self.worker_id.as_deref().map(str::trim).filter(|name| !name.is_empty());
        named.map(str::to_owned).or(header.0)
    }

    pub(crate) fn duration(&self) -> Duration {
        self.lease_seconds.map_or(USUAL_LOCK, Duration::from_secs)
    }
}

/// A worker that has to be named.
pub(crate) fn needed(worker: Option<String>) -> Result<String, Error> {
    worker.ok_or_else(|| Fault::new("worker_id", "is required, here or as X-Worker-ID").into())
}

/// By what the caller holds a task: its fencing token, if it sends one, or else its name.
pub(crate) fn holding(worker: Option<String>, headers: &HeaderMap) -> Result<Holding, Error> {
    if let Some(token) = headers.get("x-lease-token") {
        let token = token.to_str().ok().and_then(|token| token.trim().parse().ok());
        let wrong = || Error::bad_request("X-Lease-Token must be the whole number that came with the task");
        return token.map(Holding::Token).ok_or_else(wrong);
    }
    Ok(worker.map_or(Holding::Anyone, Holding::Worker))
}

/// A report as it is sent: only the status is needed.
#[derive(Deserialize, Validate, ToSchema)]
#[schema(example = json!({"status": "success", "result": {"comment_url": "https://example.com/article#comment-123"}}))]
pub(crate) struct ReportForm {
    #[garde(required)]
    status: Option<Outcome>,
    /// What came of it: any JSON, up to 32 KiB.
    #[garde(inner(custom(check_result)))]
    #[schema(schema_with = schema::any)]
    result: Option<Json>,
    /// What went wrong.
    #[garde(inner(length(chars, max = LONGEST_ERROR), custom(rules::text)))]
    #[schema(schema_with = schema::text::<0, LONGEST_ERROR>)]
    error: Option<String>,
}

/// Reads a report.
pub(crate) fn report(body: &Json) -> Result<Report, Error> {
    let form: ReportForm = form(body)?;
    let outcome = form.status.ok_or_else(|| Fault::new("status", "is required"))?;
    Ok(Report { outcome, result: form.result, error: form.error })
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the validator's signature")]
fn check_result(result: &Json, (): &()) -> garde::Result {
    if result.to_string().len() > LARGEST_RESULT {
        return Err(garde::Error::new(format!("must have at most {LARGEST_RESULT} bytes of JSON")));
    }
    Ok(())
}

::input::parameters! {
    /// Which tasks are meant.
    pub(crate) FilterQuery {
        query "type" "Tasks of this type only." => schema::text::<0, LONGEST_TYPE>(),
        query "campaign_id" "Tasks of this campaign only." => schema::number(),
    }
}

/// Which tasks are meant: `type` and `campaign_id`.
pub(crate) fn filter(given: &Parameters) -> Result<Filter, Fault> {
    Ok(Filter {
        task_type: given.text("type", LONGEST_TYPE)?.map(str::to_owned),
        campaign_id: given.number("campaign_id", 1, u64::MAX)?,
    })
}

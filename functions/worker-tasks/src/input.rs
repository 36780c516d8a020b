//! What callers send about tasks.

use std::time::Duration;

use api::query::Parameters;
use api::worker::{Error, LONGEST_WORKER_ID, WorkerId};
use axum::http::HeaderMap;
use garde::Validate;
use input::{Fault, form};
use serde::Deserialize;
use serde_json::Value as Json;
use worker::{Filter, Holding, Outcome, Report, USUAL_LOCK};

/// The shortest and the longest lock, in seconds.
const LOCKS: (u64, u64) = (30, 43_200);
/// The longest message of an error, in characters.
const LONGEST_ERROR: usize = 4_000;
/// The largest result, in bytes of JSON.
const LARGEST_RESULT: usize = 32 * 1024;

/// Who locks, and for how long.
#[derive(Deserialize, Validate)]
pub(crate) struct LockForm {
    #[garde(inner(length(chars, max = LONGEST_WORKER_ID)))]
    worker_id: Option<String>,
    #[garde(inner(range(min = LOCKS.0, max = LOCKS.1)))]
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
#[derive(Deserialize, Validate)]
struct ReportForm {
    #[garde(required)]
    status: Option<Outcome>,
    #[garde(inner(custom(check_result)))]
    result: Option<Json>,
    #[garde(inner(length(chars, max = LONGEST_ERROR)))]
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

/// Which tasks are meant: `type` and `campaign_id`.
pub(crate) fn filter(given: &Parameters) -> Result<Filter, Fault> {
    Ok(Filter {
        task_type: given.text("type", 50)?.map(str::to_owned),
        campaign_id: given.number("campaign_id", 1, u64::MAX)?,
    })
}

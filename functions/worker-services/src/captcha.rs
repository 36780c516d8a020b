//! `/api/captcha/solve`: captchas of the operator's own sites, and of those that may be tested.

use ::input::Fault as InputFault;
use api::worker::{Body, Caller, Error, IdempotencyHeader, Idempotent};
use axum::Json as Answer;
use axum::extract::State;
use providers::Fault;
use providers::captcha::Unsolved;
use serde::Serialize;
use serde_json::{Value as Json, json};
use utoipa::ToSchema;

use crate::document::CaptchaBody;

use crate::once::Work;
use crate::{App, input};

/// A captcha that was solved.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"success": true, "solution": "03AGdBq27…", "task_id": "12345", "cost": 0.001}))]
pub(crate) struct Solved {
    success: bool,
    solution: String,
    /// What the captcha service calls it.
    task_id: String,
    /// What it has cost, in dollars.
    cost: f64,
}

/// `POST /api/captcha/solve`: has a captcha solved. With an idempotency key, a request that comes again waits for the same task.
#[utoipa::path(post, path = "/api/captcha/solve", tag = "Worker services", params(IdempotencyHeader),
    request_body = CaptchaBody, responses((status = 200, body = Solved)))]
pub(crate) async fn solve(
    State(app): State<App>,
    caller: Caller,
    idempotent: Idempotent,
    Body(body): Body,
) -> Result<Answer<Json>, Error> {
    let deadline = app.captchas.deadline();
    let (challenge, site) = input::challenge(&body)?;
    if app.records.find_captcha_domain(&site).await?.is_none() {
        let unlisted = "is no site whose captchas an administrator allows to be solved";
        return Err(InputFault::new("data.site_domain", unlisted).into());
    }
    let task = match Work::take_on(&app.records, (&caller, &idempotent, &body), deadline).await? {
        Work::Do(task) => task,
        Work::Done(answer) => return Ok(Answer(answer)),
    };
    let (id, is_new) = match &task.begun {
        Some(id) => (id.clone(), false),
        None => match app.captchas.create(&challenge, deadline).await {
            Ok(id) => {
                task.note_begun(&id).await;
                tracing::info!(task_id = id, site = %site, "a captcha is being solved");
                (id, true)
            }
            Err(fault) => {
                tracing::error!(%fault, site = %site, "no captcha is being solved");
                task.let_go().await;
                return Err(refused(&fault));
            }
        },
    };
    match app.captchas.solution(&id, is_new, deadline).await {
        Ok(solution) => {
            tracing::info!(task_id = id, cost = solution.cost, "a captcha was solved");
            let answer = Solved { success: true, solution: solution.token, task_id: id, cost: solution.cost };
            Ok(Answer(task.done(json!(answer)).await))
        }
        Err(Unsolved::NotYet(fault)) => {
            tracing::error!(task_id = id, %fault, "a captcha that is paid for has no solution yet");
            Err(Error::internal(format!(
                "The captcha service {fault}; the same request with the same Idempotency-Key goes on waiting"
            )))
        }
        Err(Unsolved::Never(fault)) => {
            tracing::error!(task_id = id, %fault, "a captcha was not solved");
            task.let_go().await;
            Err(refused(&fault))
        }
    }
}

fn refused(fault: &Fault) -> Error {
    Error::internal(format!("The captcha service {fault}"))
}

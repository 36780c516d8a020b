//! Captchas, by the task API that 2Captcha and AntiCaptcha share: `createTask` is paid for, `getTaskResult` is asked until there is a solution.
//! <https://2captcha.com/api-docs/create-task>, <https://anti-captcha.com/apidoc/methods/createTask>

use std::sync::Arc;
use std::time::Duration;

use outbound::{Fault as Transport, Outbound};
use parameters::{Parameters, Value as Key};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use crate::fault::{Fault, Refusal};

/// As its key is called.
const NAME: &str = "captcha";

/// The captcha service of a deployment.
#[derive(Clone)]
pub struct Captchas {
    outbound: Arc<Outbound>,
    keys: Parameters,
    settings: Settings,
}

/// What the operator decides about captchas.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The service's base URL, as `https://api.2captcha.com`.
    pub address: String,
    /// What is waited before a new task's result is first asked for: nobody solves one faster.
    pub first_wait: Duration,
    /// What is waited between two questions for it.
    pub interval: Duration,
    /// How long a caller waits at most.
    pub time_limit: Duration,
}

/// A kind of captcha.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptchaType {
    /// Google's reCAPTCHA v2.
    RecaptchaV2,
    /// hCaptcha.
    HCaptcha,
}

impl CaptchaType {
    /// Every kind, as the contract names it.
    pub const ALL: [(&'static str, Self); 2] = [("recaptcha_v2", Self::RecaptchaV2), ("hcaptcha", Self::HCaptcha)];

    const fn task(self) -> &'static str {
        match self {
            Self::RecaptchaV2 => "RecaptchaV2TaskProxyless",
            Self::HCaptcha => "HCaptchaTaskProxyless",
        }
    }
}

/// A captcha that is to be solved.
#[derive(Clone, Debug)]
pub struct Challenge {
    /// Of which kind.
    pub captcha_type: CaptchaType,
    /// The site's key at the captcha's maker.
    pub site_key: String,
    /// Where it stands.
    pub page_url: String,
}

/// A solved captcha.
#[derive(Clone, Debug, PartialEq)]
pub struct Solution {
    /// What the page wants.
    pub token: String,
    /// What it cost, in dollars.
    pub cost: f64,
}

/// How a wait for a solution ended, if not with one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unsolved {
    /// The task is under way: waiting longer may help, another task would be paid for again.
    NotYet(Fault),
    /// There will be no solution of this task.
    Never(Fault),
}

impl Captchas {
    /// The service that `settings` name.
    #[must_use]
    pub const fn new(outbound: Arc<Outbound>, keys: Parameters, settings: Settings) -> Self {
        Self { outbound, keys, settings }
    }

    /// By when a request that has come now must be answered.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.settings.time_limit
    }

    /// Has a captcha solved, and gives what the service calls the task. Asked is once more only where nothing was asked, since no connection
    /// was made: a task that was made, its answer lost, would be paid for twice.
    pub async fn create(&self, challenge: &Challenge, deadline: Instant) -> Result<String, Fault> {
        let task = json!({
            "type": challenge.captcha_type.task(),
            "websiteURL": challenge.page_url,
            "websiteKey": challenge.site_key,
        });
        let asked = self.ask::<Created>("createTask", json!({"task": task}), |fault| *fault == Transport::Unreachable);
        let created = tokio::time::timeout_at(deadline, asked).await.unwrap_or(Err(self.timed_out()))?;
        match created.task_id {
            Json::Number(id) => Ok(id.to_string()),
            Json::String(id) if !id.is_empty() => Ok(id),
            _ => Err(Fault::GARBLED),
        }
    }

    /// Waits for the solution of a task; of one that `is_new`, for a while before the first question.
    pub async fn solution(&self, task: &str, is_new: bool, deadline: Instant) -> Result<Solution, Unsolved> {
        let polled = async {
            if is_new {
                tokio::time::sleep(self.settings.first_wait).await;
            }
            loop {
                match self.result(task).await {
                    Ok(Some(solution)) => return Ok(solution),
                    Ok(None) => {}
                    // The next question makes up for it.
                    Err(Unsolved::NotYet(fault)) if fault.is_of_transport() => {
                        tracing::warn!(%fault, task_id = task, "the result of a captcha could not be asked for");
                    }
                    Err(unsolved) => return Err(unsolved),
                }
                tokio::time::sleep(self.settings.interval).await;
            }
        };
        let told = tokio::time::timeout_at(deadline, polled).await;
        told.unwrap_or_else(|_| Err(Unsolved::NotYet(self.timed_out())))
    }

    async fn result(&self, task: &str) -> Result<Option<Solution>, Unsolved> {
        // As the service gave it: most count their tasks.
        let id = task.parse::<u64>().map_or_else(|_| json!(task), |number| json!(number));
        let told = self.ask::<TaskResult>("getTaskResult", json!({"taskId": id}), |_| false).await;
        let result = told.map_err(|fault| match &fault {
            Fault::Refused(refusal) if refusal.status == 200 && !refusal.is_of_key() => Unsolved::Never(fault),
            _ => Unsolved::NotYet(fault),
        })?;
        match result.status.as_str() {
            "processing" => Ok(None),
            "ready" => result.solved().map(Some).ok_or(Unsolved::Never(Fault::Empty)),
            _ => Err(Unsolved::NotYet(Fault::GARBLED)),
        }
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: &str,
        mut question: Json,
        again: impl Fn(&Transport) -> bool,
    ) -> Result<T, Fault> {
        let key = self.keys.get(NAME).await?;
        question["clientKey"] = json!(key.reveal());
        let request = self.outbound.client()?.post(format!("{}/{method}", self.settings.address));
        let request = request.header("content-type", "application/json").body(question.to_string()).build();
        let reply = self.outbound.send(request.map_err(|_| Transport::Unreachable)?, again).await?;
        let told = read(reply.status, &reply.body, &key);
        told.inspect_err(|fault| fault.forget_refused(&self.keys, NAME))
    }

    const fn timed_out(&self) -> Fault {
        Fault::timed_out(self.settings.time_limit)
    }
}

/// What every answer says: whether it is one. Faults come with status 200.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    error_id: i64,
    error_code: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    task_id: Json,
}

#[derive(Deserialize)]
struct TaskResult {
    status: String,
    solution: Option<Solved>,
    /// A text in answers as they are, a number in some documentation.
    cost: Option<Json>,
}

/// Both kinds of captcha are solved by a token; services name it so or so.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Solved {
    g_recaptcha_response: Option<String>,
    token: Option<String>,
}

impl TaskResult {
    fn solved(self) -> Option<Solution> {
        let Solved { g_recaptcha_response, token } = self.solution?;
        let token = g_recaptcha_response.or(token).filter(|token| !token.is_empty())?;
        let cost = match self.cost {
            Some(Json::String(text)) => text.trim().parse().ok(),
            Some(Json::Number(number)) => number.as_f64(),
            _ => None,
        };
        // What was solved was paid for: a price that cannot be read is no reason to give nothing for it.
        Some(Solution { token, cost: cost.filter(|cost: &f64| cost.is_finite() && *cost >= 0.0).unwrap_or_default() })
    }
}

fn read<T: DeserializeOwned>(status: u16, body: &[u8], key: &Key) -> Result<T, Fault> {
    let outcome = serde_json::from_slice::<Outcome>(body).ok();
    let refused = outcome.as_ref().is_some_and(|outcome| outcome.error_id != 0);
    if status != 200 || refused {
        let name = outcome.as_ref().and_then(|outcome| outcome.error_code.as_deref());
        return Err(Fault::Refused(Refusal::new(status, name, key.reveal())));
    }
    serde_json::from_slice(body).map_err(|_| Fault::GARBLED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn solved(text: &str) -> Option<Solution> {
        serde_json::from_str::<TaskResult>(text).unwrap().solved()
    }

    #[test]
    fn a_solution_is_read_as_either_service_tells_it() {
        for (text, token, cost) in [
            (
                r#"{"status":"ready","solution":{"gRecaptchaResponse":"03A","token":"03A"},"cost":"0.00299"}"#,
                "03A",
                0.002_99,
            ),
            (r#"{"status":"ready","solution":{"gRecaptchaResponse":"P0_"},"cost":0.002}"#, "P0_", 0.002),
            (r#"{"status":"ready","solution":{"token":"t","userAgent":"x"},"cost":"free"}"#, "t", 0.0),
            (r#"{"status":"ready","solution":{"token":"t"},"cost":"-1"}"#, "t", 0.0),
            (r#"{"status":"ready","solution":{"token":"t"}}"#, "t", 0.0),
        ] {
            assert_eq!(solved(text), Some(Solution { token: token.to_owned(), cost }), "{text}");
        }
        for empty in [
            r#"{"status":"ready"}"#,
            r#"{"status":"ready","solution":{}}"#,
            r#"{"status":"ready","solution":{"token":""}}"#,
        ] {
            assert_eq!(solved(empty), None, "{empty}");
        }
    }
}

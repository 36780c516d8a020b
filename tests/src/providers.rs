//! Stand-ins for the providers that are paid for: OpenAI and DeepSeek, 2Captcha and AntiCaptcha, by the wire formats that they document. What
//! they do to a request, the request itself says ([`Plan`]): so tests at the same time do not meet. Served by `provider-stand-in`.
//!
//! <https://platform.openai.com/docs/api-reference/chat>, <https://api-docs.deepseek.com/api/create-chat-completion>,
//! <https://2captcha.com/api-docs/get-task-result>, <https://anti-captcha.com/apidoc/methods/getTaskResult>

use std::fmt;
use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::Stack;
use crate::aws::Call;

/// The keys that the stand-ins take. Nobody else may ever see them: see [`crate::leaks`].
pub const KEYS: [(&str, &str); 3] = [
    ("openai", "sk-proj-StandInOpenAi-9fQ2mZ7xK4"),
    ("deepseek", "sk-StandInDeepSeek-3bT8wV1cR6"),
    ("captcha", "StandInCaptcha5hN0yL2pJ8dG"),
];

/// How long a stand-in may take to tell what it has seen.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is done to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is answered as documented; of a captcha's result: solved.
    Ok,
    /// The captcha is not solved yet.
    Processing,
    /// The connection closes without an answer.
    Closed,
    /// Half of the answer comes, then the connection closes.
    Cut,
    /// The answer comes so many milliseconds late.
    Slow(u64),
    /// It is refused with this status, in a message that repeats the key.
    Status(u16),
    /// It is refused in an answer of status 200, whose message repeats the key.
    RefusedIn200,
    /// It is sent elsewhere, with its key.
    Redirected,
    /// It is answered with what is no JSON.
    Garbage,
    /// It is answered with JSON that is no answer, and repeats the key.
    OtherJson,
    /// It is answered with some megabytes.
    Huge,
    /// It is answered with nothing in the answer.
    Empty,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok => f.write_str("ok"),
            Self::Processing => f.write_str("processing"),
            Self::Closed => f.write_str("closed"),
            Self::Cut => f.write_str("cut"),
            Self::Slow(milliseconds) => write!(f, "slow-{milliseconds}"),
            Self::Status(status) => write!(f, "status-{status}"),
            Self::RefusedIn200 => f.write_str("refused"),
            Self::Redirected => f.write_str("redirected"),
            Self::Garbage => f.write_str("garbage"),
            Self::OtherJson => f.write_str("other"),
            Self::Huge => f.write_str("huge"),
            Self::Empty => f.write_str("empty"),
        }
    }
}

impl Step {
    fn read(text: &str) -> Option<Self> {
        Some(match text.split_once('-') {
            Some(("slow", milliseconds)) => Self::Slow(milliseconds.parse().ok()?),
            Some(("status", status)) => Self::Status(status.parse().ok()?),
            Some(_) => return None,
            None => match text {
                "ok" => Self::Ok,
                "processing" => Self::Processing,
                "closed" => Self::Closed,
                "cut" => Self::Cut,
                "refused" => Self::RefusedIn200,
                "redirected" => Self::Redirected,
                "garbage" => Self::Garbage,
                "other" => Self::OtherJson,
                "huge" => Self::Huge,
                "empty" => Self::Empty,
                _ => return None,
            },
        })
    }
}

/// What is done to the first request of this plan, to the second, and so on; the last step is done to all that come after. A captcha's
/// `createTask` and the questions for its result are requests of one plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// By which requests of one plan are known.
    pub id: String,
    /// What is done.
    pub steps: Vec<Step>,
}

impl Plan {
    /// A new plan.
    #[must_use]
    pub fn new(steps: &[Step]) -> Self {
        Self { id: Uuid::new_v4().simple().to_string(), steps: steps.to_vec() }
    }

    /// What is done to the request that `earlier` ones came before.
    #[must_use]
    pub fn step(&self, earlier: usize) -> Step {
        self.steps.get(earlier).or(self.steps.last()).copied().unwrap_or(Step::Ok)
    }

    /// The plan that a prompt or a page's address has somewhere in it.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        let (_, rest) = text.split_once("plan.")?;
        let plan = rest.split([' ', '&', '#', '"']).next()?;
        let mut parts = plan.split('.');
        let id = parts.next()?.to_owned();
        Some(Self { id, steps: parts.map(Step::read).collect::<Option<_>>()? })
    }
}

/// As it stands in a prompt or in an address.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "plan.{}", self.id)?;
        self.steps.iter().try_for_each(|step| write!(f, ".{step}"))
    }
}

/// A request as a stand-in got it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Seen {
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// Whether it had its provider's key.
    pub has_key: bool,
    /// The body, without the key.
    pub body: Json,
}

/// Where the stand-ins are.
pub struct StandIns {
    /// Their base URL.
    pub url: String,
}

impl StandIns {
    /// Those that tests/run has started.
    pub fn from_environment() -> anyhow::Result<Self> {
        let url = std::env::var("DROVER_PROVIDERS_URL");
        Ok(Self { url: url.context("DROVER_PROVIDERS_URL is not set: run the suites by tests/run")? })
    }

    /// The requests of a plan that have come so far, in their order.
    pub async fn seen(&self, plan: &Plan) -> anyhow::Result<Vec<Seen>> {
        let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
        let answer = client.get(format!("{}/_seen/{}", self.url, plan.id)).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }
}

impl Stack {
    /// Sets the providers' keys, as an operator does.
    pub async fn set_provider_keys(&self) -> anyhow::Result<()> {
        let operator = self.operator().await?;
        for (provider, key) in KEYS {
            let name = format!("/{}/providers/{provider}", self.name);
            let parameter = json!({"Name": name, "Value": key, "Type": "SecureString", "Overwrite": true});
            operator.ask(&Call::json("ssm", "AmazonSSM.PutParameter", &parameter)).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_found_where_it_was_put() {
        let plan = Plan::new(&[Step::Closed, Step::Slow(50), Step::Status(429), Step::RefusedIn200]);
        for text in [format!("{plan}"), format!("{plan} Write."), format!("https://example.com/?{plan}&a=b")] {
            assert_eq!(Plan::find(&text), Some(plan.clone()), "{text}");
        }
        assert_eq!(Plan::find("Write a plan"), None);
        assert_eq!([0, 3, 9].map(|earlier| plan.step(earlier)), [Step::Closed, Step::RefusedIn200, Step::RefusedIn200]);
    }
}

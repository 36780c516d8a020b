//! A receiver of webhooks: keeps what it is sent, and answers as a test wants.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use serde_json::Value as Json;

use crate::site::Site;
use crate::stack::eventually;

/// Longer than any attempt may take.
const FOR_EVER: Duration = Duration::from_mins(10);

/// Long enough for a test to see a request before it is answered.
const MOMENT: Duration = Duration::from_millis(300);

/// What a receiver does with a request.
#[derive(Clone, Debug)]
pub enum Step {
    /// It answers with this status, and this body.
    Answer(u16, String),
    /// It asks to be left alone for so many seconds, with status 429.
    Busy(u64),
    /// It sends the sender elsewhere.
    Redirect(String),
    /// It takes a moment, and fails every third time.
    Flaky,
    /// It takes a moment, and answers 204.
    Slow,
    /// It does not answer.
    Silence,
}

impl Step {
    /// It answers with this status.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::Answer(status, String::new())
    }
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Received {
    /// The method.
    pub method: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, to the byte.
    pub body: String,
    /// The sender's end of the connection.
    pub peer: SocketAddr,
    /// The status it was answered with, once it was.
    pub answered: Option<u16>,
}

impl Received {
    /// A header's text; empty if it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The `webhook-id`.
    #[must_use]
    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }

    /// The body as JSON.
    pub fn json(&self) -> anyhow::Result<Json> {
        Ok(serde_json::from_str(&self.body)?)
    }
}

/// A receiver that is there for as long as this lives.
pub struct Receiver {
    /// Where it is.
    pub site: Site,
    memory: Arc<Memory>,
}

#[derive(Default)]
struct Memory {
    received: Mutex<Vec<Received>>,
    steps: Mutex<Vec<Step>>,
}

impl Receiver {
    /// A receiver that does this with its first request, with the second, and so on; the last step with all that come after. Without steps it
    /// answers 200.
    pub async fn start(steps: &[Step]) -> anyhow::Result<Self> {
        let memory = Arc::new(Memory { steps: Mutex::new(steps.to_vec()), ..Memory::default() });
        let site = Site::serve(Router::new().route("/hook", any(receive)).with_state(Arc::clone(&memory))).await?;
        Ok(Self { site, memory })
    }

    /// The address to register.
    #[must_use]
    pub fn url(&self) -> String {
        self.site.url("/hook")
    }

    /// What it does from now on.
    pub fn then(&self, step: Step) {
        *self.memory.steps.lock().unwrap_or_else(PoisonError::into_inner) = vec![step];
    }

    /// What has come so far, in its order.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.memory.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until so many requests have come, and gives all.
    pub async fn after(&self, count: usize) -> anyhow::Result<Vec<Received>> {
        eventually(&format!("the receiver got {count} requests"), async || {
            let received = self.received();
            Ok((received.len() >= count).then_some(received))
        })
        .await
    }
}

async fn receive(
    State(memory): State<Arc<Memory>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: axum::extract::Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, 1024 * 1024).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let received = Received {
        method: parts.method.to_string(),
        headers: parts.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
        peer,
        answered: None,
    };
    let (place, step) = {
        let mut all = memory.received.lock().unwrap_or_else(PoisonError::into_inner);
        let steps = memory.steps.lock().unwrap_or_else(PoisonError::into_inner);
        let step = steps.get(all.len()).or(steps.last()).cloned();
        all.push(received);
        (all.len() - 1, step)
    };
    let answer = carry_out(step.unwrap_or_else(|| Step::status(200)), place).await;
    let mut all = memory.received.lock().unwrap_or_else(PoisonError::into_inner);
    all[place].answered = Some(answer.status().as_u16());
    drop(all);
    answer
}

/// Does a step with the request that came in this place.
async fn carry_out(step: Step, place: usize) -> Response {
    match step {
        Step::Answer(status, body) => (StatusCode::from_u16(status).unwrap_or(StatusCode::OK), body).into_response(),
        Step::Busy(seconds) => {
            (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, seconds.to_string())]).into_response()
        }
        Step::Redirect(place) => (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, place)]).into_response(),
        Step::Flaky => {
            tokio::time::sleep(MOMENT).await;
            if place.is_multiple_of(3) { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::NO_CONTENT }
                .into_response()
        }
        Step::Slow => {
            tokio::time::sleep(MOMENT).await;
            StatusCode::NO_CONTENT.into_response()
        }
        Step::Silence => {
            tokio::time::sleep(FOR_EVER).await;
            StatusCode::OK.into_response()
        }
    }
}

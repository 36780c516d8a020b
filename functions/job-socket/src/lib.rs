//! `/ws/jobs/{job_id}` (contracts/video-jobs.md): who may listen to a job, and what they are told of it.
//!
//! API Gateway holds the connections; this function is asked when one is to be opened, by the stream of the table `video` when a job has come
//! further or somebody new listens, and once a minute. It tells each of them `{"progress": …}` whenever that changes, and hangs up when the job has
//! ended; each minute it looks after those whom nobody has in a while.

mod connect;
mod document;
mod news;
mod tell;

pub use document::Document;

use anyhow::Result;
use api::video::Gate;
use aws_lambda_events::dynamodb::EventRecord;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use sockets::{Gateway, Listeners};
use table::aws::{configure, dynamodb, setting};
use table::cost::metered;
use table::{Clock, Millis, Table};
use telemetry::within;
use tracing::field::Empty;
use tracing::info_span;
use videos::VideoJobs;

pub use connect::Handshake;

/// What the function is asked.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Event {
    /// The table has changed.
    Changes {
        /// How.
        #[serde(rename = "Records")]
        records: Vec<EventRecord>,
    },
    /// Somebody wants to listen.
    Handshake(Handshake),
    /// A minute has passed.
    Minute {
        /// What this kind of event calls itself.
        #[serde(rename = "detail-type")]
        _kind: String,
    },
}

/// What every request needs, made once per process.
#[derive(Clone, Debug)]
pub struct App {
    jobs: VideoJobs,
    listeners: Listeners,
    gateway: Gateway,
    gate: Gate,
    clock: Clock,
}

impl App {
    /// What the environment names: what `videos::open` and `api::video::Gate` read, and the WebSocket API (`sockets::Gateway`).
    pub fn from_environment() -> Result<Self> {
        let (config, clock) = (configure()?, Clock::system());
        let (client, jobs) = (dynamodb(&config), videos::open(&config)?);
        let table = |name| Ok(Table::new(client.clone(), &setting(name)?));
        Ok(Self {
            listeners: Listeners::new(jobs.jobs.table.clone(), clock.clone()),
            gateway: Gateway::from_environment(&config)?,
            gate: Gate::from_environment(table, &clock)?,
            jobs,
            clock,
        })
    }

    /// The answer to an event, for which the function has until `deadline`. An error has the stream tell of the same changes again.
    pub async fn handle(&self, event: Event, deadline: Millis) -> Result<Json> {
        match event {
            Event::Handshake(handshake) => Ok(self.shake_hands(&handshake).await),
            Event::Changes { records } => {
                tell::of_changes(self, &records).await.map(|()| json!({"batchItemFailures": []}))
            }
            Event::Minute { .. } => tell::of_visits(self, deadline).await.map(|visited| json!({"visited": visited})),
        }
    }

    async fn shake_hands(&self, handshake: &Handshake) -> Json {
        let job = handshake.job().map(|id| id.to_string());
        let answer = async {
            let (status, cost) = metered(Box::pin(connect::answer(self, handshake))).await;
            cost.log("answered");
            json!({"statusCode": status.as_u16()})
        };
        within(info_span!("handshake", job, trace_id = Empty), Box::pin(answer)).await
    }
}

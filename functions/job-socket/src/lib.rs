//! `/ws/jobs/{job_id}` (contracts/video-jobs.md): who may listen to a job, and what they are told of it.
//!
//! API Gateway holds the connections; this function is asked when one is to be opened, and by the stream of the table `video` when a job has come
//! further or somebody new listens. It tells each of them `{"progress": …}` whenever that changes, and hangs up when the job has ended.

mod connect;
mod document;
mod news;
mod tell;

pub use document::Document;

use api::video::Gate;
use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use aws_lambda_events::dynamodb::EventRecord;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use sockets::{Gateway, Listeners};
use table::aws::{configure, dynamodb, setting};
use table::cost::metered;
use table::{Clock, Table};
use videos::VideoJobs;

/// What the function is asked.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Event {
    /// The table has changed.
    Changes {
        /// How.
        #[serde(rename = "Records")]
        records: Vec<EventRecord>,
    },
    /// Somebody wants to listen.
    Handshake(Box<ApiGatewayWebsocketProxyRequest>),
}

/// What every request needs, made once per process.
#[derive(Clone, Debug)]
pub struct App {
    jobs: VideoJobs,
    listeners: Listeners,
    gateway: Gateway,
    gate: Gate,
}

impl App {
    /// What the environment names: what `videos::open` and `api::video::Gate` read, and the WebSocket API (`sockets::Gateway`).
    pub fn from_environment() -> anyhow::Result<Self> {
        let (config, clock) = (configure()?, Clock::system());
        let (client, jobs) = (dynamodb(&config), videos::open(&config)?);
        let table = |name| Ok(Table::new(client.clone(), &setting(name)?));
        Ok(Self {
            listeners: Listeners::new(jobs.jobs.table.clone(), clock.clone()),
            gateway: Gateway::from_environment(&config)?,
            gate: Gate::from_environment(table, &clock)?,
            jobs,
        })
    }

    /// The answer to an event. An error has the stream tell of the same changes again.
    pub async fn handle(&self, event: Event) -> anyhow::Result<Json> {
        let (answer, cost) = match event {
            Event::Handshake(request) => {
                let (status, cost) = Box::pin(metered(connect::answer(self, &request))).await;
                (Ok(json!({"statusCode": status.as_u16()})), cost)
            }
            Event::Changes { records } => {
                let (told, cost) = metered(tell::tell(self, &records)).await;
                (told.map(|()| json!({"batchItemFailures": []})), cost)
            }
        };
        cost.log("done");
        telemetry::flush_metrics();
        answer
    }
}

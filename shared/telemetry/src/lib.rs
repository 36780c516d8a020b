//! Knows how a function is observed: JSON log lines, metrics in the embedded metric format, request ids, traces.
//! Knows nothing of HTTP, AWS clients, or what is being observed.

mod errors;
mod request_id;
mod trace;

use std::sync::OnceLock;

use metrics_cloudwatch_embedded::{Builder, Collector};
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

pub use metrics::{counter, histogram};
pub use request_id::{InvalidRequestId, RequestId};
pub use trace::{
    InvalidTrace, Trace, TraceId, current_trace, go_on_with, invocation, sending_trace, traced, traced_for, within,
};

/// The CloudWatch namespace of every metric.
pub const NAMESPACE: &str = "Drover";

/// Libraries whose finer lines would show bodies, and so secrets.
const QUIET: &str = "async_openai=off,aws_runtime=warn,aws_sigv4=warn,aws_smithy_http_client=warn,aws_smithy_runtime=warn,h2=warn,hyper=warn,\
                     hyper_util=warn,lambda_runtime=warn,reqwest=warn,rustls=warn";

static COLLECTOR: OnceLock<&'static Collector> = OnceLock::new();

/// Starts logging and metrics for the function `name`; later calls do nothing. In metrics it is called as it was deployed: several
/// deployments may share an account.
///
/// Log lines are JSON objects on standard output, one a line, with the fields of the enclosing span at `span`. `LOG_LEVEL` says which
/// (`info` unless it is set); of the libraries that see requests whole, only warnings are ever written, or nothing.
pub fn init(name: &'static str) {
    let level = std::env::var("LOG_LEVEL").unwrap_or_else(|_| "info".to_owned());
    let filter = EnvFilter::try_new(format!("{level},{QUIET}")).unwrap_or_else(|_| EnvFilter::new("info"));
    if lines(filter, std::io::stdout).try_init().is_err() {
        return;
    }
    let deployed = std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|_| name.to_owned());
    match Builder::new().cloudwatch_namespace(NAMESPACE).with_dimension("function", deployed).init() {
        Ok(collector) => {
            let _ = COLLECTOR.set(collector);
        }
        Err(error) => tracing::warn!(%error, "metrics are off"),
    }
}

/// What writes log lines.
fn lines<W>(filter: EnvFilter, to: W) -> impl Subscriber + Send + Sync
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_target(false)
        .with_env_filter(filter)
        .with_writer(to)
        .finish()
        .with(errors::Counted)
}

/// The version of the function that runs. Metrics that carry it tell the alarms of a rollout which version is at fault.
#[must_use]
pub fn version() -> String {
    std::env::var("AWS_LAMBDA_FUNCTION_VERSION").unwrap_or_else(|_| "$LATEST".to_owned())
}

/// Writes the metrics recorded since the last call to standard output; call it at the end of every invocation
/// that is not [`invocation`]'s.
pub fn flush_metrics() {
    if let Some(collector) = COLLECTOR.get()
        && let Err(error) = collector.flush(std::io::stdout())
    {
        tracing::warn!(%error, "metrics were not written");
    }
}

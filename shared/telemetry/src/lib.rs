//! Knows how a function is observed: JSON log lines, metrics in the embedded metric format, request ids.
//! Knows nothing of HTTP, AWS clients, or what is being observed.

mod request_id;

use std::sync::OnceLock;

use metrics_cloudwatch_embedded::{Builder, Collector};
use tracing_subscriber::EnvFilter;

pub use metrics::{counter, histogram};
pub use request_id::{InvalidRequestId, RequestId};

/// The CloudWatch namespace of every metric.
pub const NAMESPACE: &str = "Drover";

static COLLECTOR: OnceLock<&'static Collector> = OnceLock::new();

/// Starts logging and metrics for the function `name`; later calls do nothing.
///
/// Log lines are JSON objects on standard output, one a line, with the fields of the enclosing spans at `span`. `LOG_LEVEL` takes
/// an `EnvFilter` directive (default `info`).
pub fn init(name: &'static str) {
    let filter = std::env::var("LOG_LEVEL").ok().and_then(|level| EnvFilter::try_new(level).ok());
    let started = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_target(false)
        .with_env_filter(filter.unwrap_or_else(|| EnvFilter::new("info")))
        .try_init();
    if started.is_err() {
        return;
    }
    match Builder::new().cloudwatch_namespace(NAMESPACE).with_dimension("function", name).init() {
        Ok(collector) => {
            let _ = COLLECTOR.set(collector);
        }
        Err(error) => tracing::warn!(%error, "metrics are off"),
    }
}

/// Writes the metrics recorded since the last call to standard output; call it at the end of every invocation.
pub fn flush_metrics() {
    if let Some(collector) = COLLECTOR.get()
        && let Err(error) = collector.flush(std::io::stdout())
    {
        tracing::warn!(%error, "metrics were not written");
    }
}

//! Lines of errors are counted: where nobody waits for an answer, a line in a log is all that tells of one, and an alarm watches no lines.

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// What writes the metrics. It tells of its own faults while it holds what it would count them in.
const COLLECTOR: &str = "metrics_cloudwatch_embedded";

/// Counts every line of an error, as `ErrorLines`.
pub(crate) struct Counted;

impl<S: Subscriber> Layer<S> for Counted {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let told = event.metadata();
        if *told.level() == Level::ERROR && !told.target().starts_with(COLLECTOR) {
            metrics::counter!("ErrorLines").increment(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use metrics::{
        Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit, with_local_recorder,
    };
    use tracing_subscriber::EnvFilter;

    /// Counts whatever is called `ErrorLines`.
    #[derive(Default)]
    struct Counts(Arc<AtomicU64>);

    impl Recorder for Counts {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
            assert_eq!(key.name(), "ErrorLines");
            Counter::from_arc(Arc::clone(&self.0))
        }

        fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::noop()
        }

        fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::noop()
        }
    }

    #[test]
    fn lines_of_errors_are_counted_and_no_others() {
        let counts = Counts::default();
        let subscriber = crate::lines(EnvFilter::new("info"), std::io::sink);
        tracing::subscriber::with_default(subscriber, || {
            with_local_recorder(&counts, || {
                tracing::error!("one");
                tracing::warn!("none");
                tracing::info!(level = "ERROR", "none");
                tracing::error!(target: "metrics_cloudwatch_embedded::collector", "not this one");
                tracing::error!("two");
            });
        });
        assert_eq!(counts.0.load(Ordering::Relaxed), 2);
    }
}

//! The Lambda behind `/ws/jobs/{job_id}`: handshakes, and what the stream of the table `video` tells of jobs that go on.

use job_socket::{App, Event};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use table::Millis;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init("job-socket");
    let app = &App::from_environment()?;
    run(service_fn(move |event: LambdaEvent<Event>| async move {
        let LambdaEvent { payload, context } = event;
        let answer = Box::pin(app.handle(payload, Millis(context.deadline)));
        let answer = telemetry::invocation(&context.request_id, context.xray_trace_id.as_deref(), answer).await;
        answer.map_err(|error| Error::from(format!("{error:#}")))
    }))
    .await
}

//! Who may listen: whose key is sent, by a header or, since a browser's WebSocket has none of its own, in the query.

use api::video::{Error, Tenant};
use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use http::{HeaderMap, HeaderValue, StatusCode};
use sockets::Admission;
use uuid::Uuid;

use crate::App;
use crate::document::JobPath;

/// The header, and the parameter of the query, with the key.
const HEADER: &str = "x-api-key";
const PARAMETER: &str = "api_key";

/// `GET /ws/jobs/{job_id}`: a WebSocket that tells how far a job is. Each message is a `VideoJobProgress`: one at once, one whenever that
/// changes, and one when the job has ended, after which it is closed; of a job that was deleted the last is `{"status": "deleted"}`. What is
/// sent to it is not read.
#[utoipa::path(get, path = "/ws/jobs/{job_id}", tag = "Video jobs", params(JobPath),
    responses(
        (status = 101, description = "The handshake is done"),
        (status = 403, description = "The handshake is refused"),
        (status = 426, description = "This was no handshake"),
    ))]
// Gives the status that API Gateway is answered with: all but 200 refuse the handshake.
pub(crate) async fn answer(app: &App, request: &ApiGatewayWebsocketProxyRequest) -> StatusCode {
    match admit(app, request).await {
        Ok(()) => StatusCode::OK,
        Err(error) => error.status(),
    }
}

async fn admit(app: &App, request: &ApiGatewayWebsocketProxyRequest) -> Result<(), Error> {
    let Tenant(tenant) = app.gate.tenant_of(&presented(request)).await?;
    let missing = || Error::not_found("Job not found");
    let asked = request.query_string_parameters.first("job_id").ok_or_else(missing)?;
    let id: Uuid = asked.parse().map_err(|_| missing())?;
    let job = app.jobs.get(&tenant, id).await?.ok_or_else(missing)?;
    let connection =
        request.request_context.connection_id.as_deref().ok_or_else(|| Error::bad_request("no connection"))?;
    match app.listeners.admit(&job.job.key, connection).await? {
        // Whoever listens is told first by the stream, which this entry is a change of: before the answer there is nobody to tell.
        Admission::Admitted => Ok(()),
        Admission::Full => Err(Error::rate_limited()),
    }
}

/// The header that a caller has sent, or would have.
fn presented(request: &ApiGatewayWebsocketProxyRequest) -> HeaderMap {
    let header = request.headers.get(HEADER).cloned();
    let parameter = || HeaderValue::from_str(request.query_string_parameters.first(PARAMETER)?).ok();
    header.or_else(parameter).into_iter().map(|key| (http::HeaderName::from_static(HEADER), key)).collect()
}

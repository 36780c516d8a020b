//! Who may listen: whose key is sent, by a header or, since a browser's WebSocket has none of its own, in the query.

use std::collections::HashMap;

use api::video::{Error, Tenant};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;
use sockets::Admission;
use uuid::Uuid;

use crate::App;
use crate::document::JobPath;

/// The header, and the parameter of the query, with the key.
const HEADER: HeaderName = HeaderName::from_static("x-api-key");
const PARAMETER: &str = "api_key";
/// The parameter that the edge makes of the path, with the job.
const JOB: &str = "job_id";

/// What API Gateway tells of a handshake, as far as it matters: the callers' own text, of any kind.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Handshake {
    headers: Option<HashMap<String, String>>,
    query_string_parameters: Option<HashMap<String, String>>,
    request_context: RequestContext,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext {
    connection_id: String,
}

/// `GET /ws/jobs/{job_id}`: a WebSocket that tells how far a job is. Each message is a `VideoJobProgress`: one at once, one whenever that
/// changes, and one when the job has ended, after which it is closed; of a job that was deleted the last is `{"progress": null, "status": "deleted"}`. What is
/// sent to it is not read.
#[utoipa::path(get, path = "/ws/jobs/{job_id}", tag = "Video jobs", params(JobPath),
    responses(
        (status = 101, description = "The handshake is done"),
        (status = 403, description = "The handshake is refused"),
        (status = 426, description = "This was no handshake"),
    ))]
// Gives the status that API Gateway is answered with: all but 200 refuse the handshake.
pub(crate) async fn answer(app: &App, handshake: &Handshake) -> StatusCode {
    match admit(app, handshake).await {
        Ok(()) => StatusCode::OK,
        Err(error) => error.status(),
    }
}

async fn admit(app: &App, handshake: &Handshake) -> Result<(), Error> {
    let Tenant(tenant) = app.gate.tenant_of(&handshake.presented()).await?;
    let missing = || Error::not_found("Job not found");
    let id = handshake.job().ok_or_else(missing)?;
    let job = app.jobs.get(&tenant, id).await?.ok_or_else(missing)?;
    match app.listeners.admit(&job.job.key, &handshake.request_context.connection_id).await? {
        // Whoever listens is told first by the stream, which this entry is a change of: before the answer there is nobody to tell.
        Admission::Admitted => Ok(()),
        Admission::Full => Err(Error::rate_limited()),
    }
}

impl Handshake {
    /// The job that is asked for, by its id in its one usual form.
    pub(crate) fn job(&self) -> Option<Uuid> {
        let asked = self.parameter(JOB)?;
        asked.parse().ok().filter(|id: &Uuid| id.to_string() == asked)
    }

    /// The header that the caller has sent, or would have.
    fn presented(&self) -> HeaderMap {
        let sent = self.headers.iter().flatten().find(|(name, _)| name.eq_ignore_ascii_case(HEADER.as_str()));
        let key = sent.map(|(_, key)| key.as_str()).or_else(|| self.parameter(PARAMETER));
        // What cannot stand in a header is no key.
        key.and_then(|key| HeaderValue::from_str(key).ok()).into_iter().map(|key| (HEADER, key)).collect()
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.query_string_parameters.as_ref()?.get(name).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    const ID: &str = "550e8400-e29b-41d4-a716-446655440000";

    fn handshake(headers: &Json, query: &Json) -> Handshake {
        let event =
            json!({"headers": headers, "queryStringParameters": query, "requestContext": {"connectionId": "c"}});
        serde_json::from_value(event).unwrap()
    }

    #[test]
    fn a_key_is_in_the_header_or_else_in_the_query() {
        for (headers, query, key) in [
            (json!({"X-API-Key": "sk_1"}), json!(null), Some("sk_1")),
            (json!({"x-api-key": "sk_1"}), json!({"api_key": "sk_2"}), Some("sk_1")),
            (json!({"Host": "h"}), json!({"api_key": "sk_2"}), Some("sk_2")),
            (json!(null), json!({"API_KEY": "sk_2"}), None),
            (json!(null), json!(null), None),
            (json!({"x-api-key": "a\nb"}), json!(null), None),
            (json!({"x-api-key": "é"}), json!({}), None),
        ] {
            let presented = handshake(&headers, &query).presented();
            assert_eq!(presented.get(HEADER).and_then(|key| key.to_str().ok()), key, "{headers} {query}");
        }
    }

    #[test]
    fn a_job_has_one_name() {
        for (asked, is_one) in [
            (json!({"job_id": ID}), true),
            (json!({"job_id": ID.to_uppercase()}), false),
            (json!({"job_id": ID.replace('-', "")}), false),
            (json!({"job_id": format!("{ID} ")}), false),
            (json!({"job_id": "7"}), false),
            (json!({"job_id": ""}), false),
            (json!({}), false),
        ] {
            assert_eq!(handshake(&json!(null), &asked).job().is_some(), is_one, "{asked}");
        }
    }
}

//! `POST /billing/webhooks/lemon-squeezy`: what Lemon Squeezy tells. It repeats, three times, what is not answered with 200.
//! Tasks that waited for a larger plan begin at once; a wake-up that is lost on the way is made up for by recovery.

use api::extract_cloud::{Error, Reply, Text};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use lemon_squeezy::webhook::{Event, SIGNATURE, fingerprint};
use serde_json::{Value as Json, json};
use subscriptions::Recorded;

use crate::App;
use crate::document::{EventTaken, Signature};

/// `POST /billing/webhooks/lemon-squeezy`: an event, signed. What is not for this deployment is acknowledged too: another try would change nothing.
#[utoipa::path(post, path = "/billing/webhooks/lemon-squeezy", tag = "Billing", security(()), params(Signature),
    request_body(content = Object, description = "An event as Lemon Squeezy writes it"),
    responses((status = 200, body = EventTaken), (status = 401), (status = 404), (status = 502)))]
pub(crate) async fn receive(
    State(app): State<App>,
    headers: HeaderMap,
    Text(body): Text,
) -> Result<Reply<Json>, Error> {
    let signature = headers.get(SIGNATURE).and_then(|signature| signature.to_str().ok());
    let signature = signature.ok_or(Error::Authentication("The signature is missing"))?;
    app.desk.check_signature(&body, signature).await?;
    let recorded = record(&app, &body).await;
    if matches!(recorded, Err(_) | Ok((_, Recorded::NoAccount))) {
        // What is signed costs somebody money: somebody has to look.
        telemetry::counter!("EventsNotRecorded").increment(1);
    }
    let (event, outcome) = recorded?;
    if let Recorded::Now { group, more_slots } = &outcome {
        app.jobs.wake(group, *more_slots).await;
    }
    let told = match outcome {
        Recorded::Now { .. } => "recorded",
        Recorded::Before => "recorded before",
        Recorded::Nothing => "nothing to record",
        Recorded::Nobodys | Recorded::NoAccount => "not of this deployment",
    };
    tracing::info!(event = event.name, outcome = told, "an event of Lemon Squeezy's");
    Ok(Reply(StatusCode::OK, json!({"message": told})))
}

/// What came of a body that Lemon Squeezy has signed.
async fn record(app: &App, body: &str) -> Result<(Event, Recorded), Error> {
    let event = Event::read(body.as_bytes()).map_err(|error| {
        tracing::error!(%error, "Lemon Squeezy has signed what cannot be understood");
        Error::invalid("", error.to_string())
    })?;
    let store = app.desk.store.store();
    let outcome = match event.store() {
        Some(of) if of == (store.id, store.test_mode) => {
            app.subscriptions.record(&event, &fingerprint(body.as_bytes())).await?
        }
        Some(_) => Recorded::Nobodys,
        None => Recorded::Nothing,
    };
    Ok((event, outcome))
}

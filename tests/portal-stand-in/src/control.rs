//! What tests of other processes say and ask: `PUT /_control/{portal}/accounts/{name}` with an account, `DELETE …/sessions`, `GET …/records` (lines of JSON).

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json};
use axum::routing::{delete, get, put};
use serde_json::{Value, json};

use crate::records::Portal;
use crate::stand_in::{Account, StandIn};

pub(crate) fn routes() -> Router<StandIn> {
    Router::new()
        .route("/{portal}/accounts/{name}", put(account))
        .route("/{portal}/accounts/{name}/sessions", delete(expire))
        .route("/{portal}/accounts/{name}/records", get(records))
        .route("/{portal}/accounts/{name}/sign-ins", get(sign_ins))
}

async fn account(
    State(stand_in): State<StandIn>,
    Path((portal, name)): Path<(Portal, String)>,
    Json(account): Json<Account>,
) -> StatusCode {
    stand_in.put(portal, &name, account);
    StatusCode::NO_CONTENT
}

async fn expire(State(stand_in): State<StandIn>, Path((portal, name)): Path<(Portal, String)>) -> StatusCode {
    stand_in.expire(portal, &name);
    StatusCode::NO_CONTENT
}

async fn records(State(stand_in): State<StandIn>, Path((portal, name)): Path<(Portal, String)>) -> impl IntoResponse {
    let lines = stand_in.records(portal, &name).into_iter().map(|record| format!("{}\n", Value::Object(record.truth)));
    lines.collect::<String>()
}

async fn sign_ins(State(stand_in): State<StandIn>, Path((portal, name)): Path<(Portal, String)>) -> Json<Value> {
    Json(
        json!({"attempts": stand_in.attempts(portal, &name), "sign_ins": stand_in.sign_ins(portal, &name), "asked": stand_in.asked(portal, &name),
        }),
    )
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;

    async fn said(stand_in: &StandIn, method: &str, path: &str, body: &str) -> (u16, String) {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let answer = routes().with_state(stand_in.clone()).oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn another_process_says_what_there_is_and_asks_what_there_was() {
        let stand_in = StandIn::new(([127, 0, 0, 1], 1).into());
        let account = r#"{"password": "x", "records": 3, "plan": {"session_requests": 9, "troubles": [
            {"what": {"status": 503}, "page": 2, "times": 1}, {"what": "column_renamed"}]}}"#;
        assert_eq!(said(&stand_in, "PUT", "/ewmr/accounts/a@b.example", account).await, (204, String::new()));
        let (status, records) = said(&stand_in, "GET", "/ewmr/accounts/a@b.example/records", "").await;
        let records: Vec<Value> = records.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((status, records.len()), (200, 3));
        assert_eq!(records[0]["kind"], "Producers");

        let session = stand_in.sign_in(Portal::Ewmr, "a@b.example", "x").unwrap();
        assert_eq!(stand_in.sign_in(Portal::Ewmr, "a@b.example", "y"), None);
        let (status, asked) = said(&stand_in, "GET", "/ewmr/accounts/a@b.example/sign-ins", "").await;
        let asked: Value = serde_json::from_str(&asked).unwrap();
        assert_eq!((status, asked), (200, json!({"asked": 0, "attempts": 2, "sign_ins": 1})));
        let cookies = [("cookie".parse().unwrap(), format!("S={session}").parse().unwrap())].into_iter().collect();
        assert!(stand_in.session(Portal::Ewmr, &cookies, "S").is_some());
        assert_eq!(said(&stand_in, "DELETE", "/ewmr/accounts/a@b.example/sessions", "").await.0, 204);
        assert!(stand_in.session(Portal::Ewmr, &cookies, "S").is_none());

        assert_eq!(said(&stand_in, "PUT", "/other/accounts/x", account).await.0, 400);
        assert_eq!(
            said(&stand_in, "PUT", "/pwmr/accounts/x", r#"{"plan": {"troubles": [{"what": "unheard_of"}]}}"#).await.0,
            422
        );
    }
}

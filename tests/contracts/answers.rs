//! What holds for every answer: its request's id, its envelope, its headers.

use drover_tests::Stack;
use drover_tests::answer::{Answer, is_timestamp};
use reqwest::Method;
use serde_json::json;

const ENVELOPE: &str = "application/vnd.drover.envelope+json";

#[tokio::test]
async fn a_callers_request_id_comes_back() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let longest = "x".repeat(128);
    for id in ["r", "req_1234567890", "!#$%&'*+/=?^`{|}~\"\\<>", &longest] {
        for (path, key) in
            [("/tasks", true), ("/tasks", false), ("/health", false), ("/nothing", false), ("/tasks/1", true)]
        {
            let request = if key { user.request(Method::GET, path) } else { user.anonymous(Method::GET, path) };
            let answer = Answer::of(request.header("X-Request-Id", id).send().await?).await?;
            assert_eq!(answer.header("x-request-id"), Some(id), "{path}");
            if answer.status >= 400 {
                assert_eq!(answer.json()?["request_id"], id, "{path}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn another_request_id_is_replaced_by_a_new_one() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let too_long = "x".repeat(129);
    let mut seen = std::collections::BTreeSet::new();
    for id in [None, Some(""), Some("a b"), Some("a\tb"), Some("é"), Some(too_long.as_str())] {
        let mut request = user.request(Method::GET, "/tasks/1");
        if let Some(id) = id {
            request = request.header("X-Request-Id", id.as_bytes());
        }
        let answer = Answer::of(request.send().await?).await?;
        answer.error(404, "resource_not_found")?;
        let new = answer.header("x-request-id").unwrap_or_default();
        assert!(new.starts_with("req_") && seen.insert(new.to_owned()), "{id:?}: {new}");
    }
    Ok(())
}

#[tokio::test]
async fn the_general_envelope_comes_when_asked_for() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    for accept in [ENVELOPE, "application/json;q=0.5, Application/Vnd.Drover.Envelope+JSON"] {
        let answer = Answer::of(user.request(Method::GET, "/tasks").header("Accept", accept).send().await?).await?;
        let body = answer.json()?;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(ENVELOPE)));
        let fields: Vec<_> = body.as_object().into_iter().flatten().map(|(field, _)| field.as_str()).collect();
        assert_eq!(fields, ["data", "timestamp", "request_id"]);
        assert_eq!((&body["data"], &body["request_id"]), (&json!([]), &json!(answer.header("x-request-id"))));
        assert!(is_timestamp(body["timestamp"].as_str().unwrap_or_default()), "{body}");

        let answer = Answer::of(user.request(Method::GET, "/tasks/1").header("Accept", accept).send().await?).await?;
        answer.error(404, "resource_not_found")?;
    }
    for accept in ["*/*", "application/json", "text/html"] {
        let answer = Answer::of(user.request(Method::GET, "/tasks").header("Accept", accept).send().await?).await?;
        assert_eq!((answer.json()?, answer.header("content-type")), (json!([]), Some("application/json")), "{accept}");
    }
    Ok(())
}

#[tokio::test]
async fn without_a_working_key_nothing_is_said() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let nobody = "/tasks/00000000-0000-0000-0000-000000000000";
    for (method, path) in [
        (Method::GET, "/tasks".to_owned()),
        (Method::POST, "/tasks".to_owned()),
        (Method::PATCH, "/tasks".to_owned()),
        (Method::GET, nobody.to_owned()),
        (Method::PUT, nobody.to_owned()),
        (Method::DELETE, nobody.to_owned()),
        (Method::GET, format!("{nobody}/logs")),
        (Method::GET, format!("{nobody}/download")),
    ] {
        for key in
            [None, Some("sk_test_0000000000000000000000000000000000000000000000000000000000000000"), Some("eyJhbGciOi")]
        {
            let mut request = user.anonymous(method.clone(), &path).body("not even JSON");
            if let Some(key) = key {
                request = request.bearer_auth(key);
            }
            Answer::of(request.send().await?).await?.error(401, "authentication_error")?;
        }
    }
    Ok(())
}

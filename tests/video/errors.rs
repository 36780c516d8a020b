//! Errors, as the contract has them.

use anyhow::ensure;
use drover_tests::Stack;
use drover_tests::answer::Answer;
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

#[tokio::test]
async fn without_a_key_that_works_nothing_is_said_about_anything() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let client = stack.video_client().await?;
    let cloud = stack.user().await?;
    let id = Uuid::new_v4();
    for path in [
        "/jobs".to_owned(),
        format!("/jobs/{id}"),
        "/videos".to_owned(),
        "/scheduled-jobs".to_owned(),
        "/stats/health".to_owned(),
    ] {
        Answer::of(client.anonymous(Method::GET, &path).send().await?).await?.video_error(401)?;
        for key in ["", "sk_live_", "sk_test_0000000000000000000000000000000000000000", &cloud.key] {
            let request = client.anonymous(Method::GET, &path).header("X-API-Key", key);
            Answer::of(request.send().await?).await?.video_error(401)?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_administrators_key_works_here_too() -> anyhow::Result<()> {
    let client = Stack::from_environment()?.video_client().await?;
    let request = client.anonymous(Method::GET, "/stats").header("X-API-Key", std::env::var("DROVER_ADMIN_KEY")?);
    Answer::of(request.send().await?).await?.success(200)?;
    Ok(())
}

#[tokio::test]
async fn an_unknown_path_is_a_404_and_another_method_a_405() -> anyhow::Result<()> {
    let client = Stack::from_environment()?.video_client().await?;
    let id = Uuid::new_v4();
    for path in [
        "/nothing".to_owned(),
        "/jobs/".to_owned(),
        format!("/jobs/{id}/x"),
        "/stats/x".to_owned(),
        format!("/scheduled-jobs/{id}/x"),
    ] {
        Answer::of(client.anonymous(Method::GET, &path).send().await?).await?.video_error(404)?;
        client.call(Method::POST, &path).await?.video_error(404)?;
    }
    for (method, path, allowed) in [
        (Method::PUT, "/jobs".to_owned(), "GET,HEAD,POST"),
        (Method::POST, format!("/jobs/{id}"), "GET,HEAD,DELETE"),
        (Method::GET, format!("/jobs/{id}/cancel"), "POST"),
        (Method::PUT, format!("/scheduled-jobs/{id}"), "GET,HEAD,PATCH,DELETE"),
        (Method::DELETE, "/stats".to_owned(), "GET,HEAD"),
    ] {
        let answer = client.call(method.clone(), &path).await?;
        answer.video_error(405)?;
        let mut told: Vec<_> = answer.header("allow").unwrap_or_default().split(',').map(str::trim).collect();
        let mut expected: Vec<_> = allowed.split(',').collect();
        told.sort_unstable();
        expected.sort_unstable();
        ensure!(told == expected, "{method} {path}: {told:?}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_not_there_is_a_404_and_what_cannot_be_done_a_400() -> anyhow::Result<()> {
    let client = Stack::from_environment()?.video_client().await?;
    let id = Uuid::new_v4();
    for (method, path) in [
        (Method::GET, format!("/jobs/{id}")),
        (Method::GET, "/jobs/1".to_owned()),
        (Method::DELETE, format!("/jobs/{id}")),
        (Method::POST, format!("/jobs/{id}/cancel")),
        (Method::GET, "/videos/1".to_owned()),
        (Method::POST, "/videos/1/retry".to_owned()),
        (Method::DELETE, "/videos/1".to_owned()),
        (Method::GET, format!("/scheduled-jobs/{id}")),
        (Method::PATCH, format!("/scheduled-jobs/{id}")),
        (Method::POST, format!("/scheduled-jobs/{id}/toggle")),
        (Method::DELETE, format!("/scheduled-jobs/{id}")),
    ] {
        client.send(method.clone(), &path, &json!({})).await?.video_error(404)?;
    }
    let order =
        json!({"mode": "profile", "value": "a", "since": "2024-02-01T00:00:00Z", "until": "2024-01-01T00:00:00Z"});
    client.send(Method::POST, "/jobs", &order).await?.video_error(400)?;
    client.call(Method::GET, "/jobs?offset=10001").await?.video_error(400)?;
    Ok(())
}

#[tokio::test]
async fn a_missing_field_is_told_word_for_word_as_the_contract_shows_it() -> anyhow::Result<()> {
    let client = Stack::from_environment()?.video_client().await?;
    let told = client.send(Method::POST, "/jobs", &json!({"value": "khaby.lame"})).await?.success(422)?;
    let detail = json!({"loc": ["body", "mode"], "msg": "field required", "type": "value_error.missing"});
    ensure!(told == json!({"detail": [detail]}), "{told}");
    Ok(())
}

//! Errors, as the contract has them.

use anyhow::ensure;
use drover_tests::Stack;
use drover_tests::answer::Answer;
use reqwest::Method;
use uuid::Uuid;

/// Every path that needs to know who is calling.
fn paths() -> Vec<(Method, String)> {
    let id = Uuid::new_v4();
    vec![
        (Method::POST, "/cpcb/pwmr".to_owned()),
        (Method::POST, "/cpcb/bwmr".to_owned()),
        (Method::POST, "/cpcb/ewmr".to_owned()),
        (Method::GET, "/cpcb/queue".to_owned()),
        (Method::GET, format!("/cpcb/queue/job/{id}")),
        (Method::DELETE, format!("/cpcb/queue/job/{id}")),
        (Method::GET, "/cpcb/queue/job/1".to_owned()),
        (Method::POST, "/pwmr/scrape".to_owned()),
        (Method::GET, "/pwmr/jobs".to_owned()),
        (Method::GET, format!("/pwmr/status/{id}")),
        (Method::GET, "/logs/stream".to_owned()),
        (Method::GET, format!("/logs/stream?job_id={id}")),
        (Method::GET, "/logs/stream?job_id=1".to_owned()),
        (Method::GET, "/cpcb/admin/users".to_owned()),
        (Method::POST, "/cpcb/admin/users".to_owned()),
        (Method::DELETE, "/cpcb/admin/users/alice".to_owned()),
        (Method::PUT, "/cpcb/admin/accounts/acme/pwmr/a@example.com".to_owned()),
    ]
}

#[tokio::test]
async fn without_a_token_that_is_good_nothing_is_said_about_anything() -> anyhow::Result<()> {
    let client = Stack::from_environment()?.portal_client().await?;
    let (head, rest) = client.token.split_once('.').unwrap_or_default();
    let (claims, signature) = rest.split_once('.').unwrap_or_default();
    let forged = [
        String::new(),
        "x".to_owned(),
        "a.b.c".to_owned(),
        format!("{head}.{claims}."),
        format!("{head}.{claims}.{}", signature.chars().rev().collect::<String>()),
        // {"alg":"none"}
        format!("eyJhbGciOiJub25lIn0.{claims}."),
        "sk_live_0000000000000000000000000000000000000000000000000000000000000000".to_owned(),
    ];
    for (method, path) in paths() {
        let answer = Answer::of(client.anonymous(method.clone(), &path).send().await?).await?;
        ensure!(answer.portal_error(401)? == "Invalid token", "{method} {path}: {answer:?}");
        ensure!(answer.header("www-authenticate") == Some("Bearer"), "{method} {path}: {answer:?}");
    }
    for token in forged {
        for (method, path) in [(Method::GET, "/cpcb/queue"), (Method::GET, "/cpcb/admin/users")] {
            let stranger = client.with_token(&token);
            ensure!(stranger.call(method, path).await?.portal_error(401)? == "Invalid token", "{path} {token}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_unknown_path_is_a_404_and_another_method_a_405() -> anyhow::Result<()> {
    let client = Stack::from_environment()?.portal_client().await?;
    let id = Uuid::new_v4();
    for path in [
        "/cpcb",
        "/cpcb/",
        "/cpcb/xwmr",
        "/cpcb/queue/",
        "/cpcb/queue/job",
        "/cpcb/admin",
        "/pwmr",
        "/pwmr/x",
        "/pwmr/status",
        "/logs",
        "/logs/",
        "/logs/x",
        "/logs/stream/x",
    ] {
        Answer::of(client.anonymous(Method::GET, path).send().await?).await?.portal_error(404)?;
        client.call(Method::POST, path).await?.portal_error(404)?;
    }
    for (method, path, allowed) in [
        (Method::GET, "/auth/login".to_owned(), "POST"),
        (Method::GET, "/cpcb/pwmr".to_owned(), "POST"),
        (Method::POST, "/cpcb/queue".to_owned(), "GET,HEAD"),
        (Method::PUT, format!("/cpcb/queue/job/{id}"), "DELETE,GET,HEAD"),
        (Method::GET, "/pwmr/scrape".to_owned(), "POST"),
        (Method::DELETE, format!("/pwmr/status/{id}"), "GET,HEAD"),
        (Method::POST, "/logs/stream".to_owned(), "GET,HEAD"),
    ] {
        let answer = client.call(method.clone(), &path).await?;
        answer.portal_error(405)?;
        let mut told: Vec<_> = answer.header("allow").unwrap_or_default().split(',').map(str::trim).collect();
        told.sort_unstable();
        ensure!(told.join(",") == allowed, "{method} {path}: {told:?}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_not_there_is_a_404() -> anyhow::Result<()> {
    let client = Stack::from_environment()?.portal_client().await?;
    let id = Uuid::new_v4();
    for (method, path) in [
        (Method::GET, format!("/cpcb/queue/job/{id}")),
        (Method::GET, "/cpcb/queue/job/job123".to_owned()),
        (Method::DELETE, format!("/cpcb/queue/job/{id}")),
        (Method::GET, format!("/pwmr/status/{id}")),
    ] {
        ensure!(client.call(method, &path).await?.portal_error(404)? == "Job not found", "{path}");
    }
    Ok(())
}

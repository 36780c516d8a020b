//! What is answered to what is wrong.

use drover_tests::Stack;
use drover_tests::answer::Answer;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_token_is_needed_and_must_be_one_of_this_api() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (worker, scraper, user) = (stack.worker().await?, stack.scraper().await?, stack.user().await?);
    let none = Answer::of(worker.anonymous(Method::GET, "/tasks/pending").send().await?).await?;
    none.worker_error(401)?;
    for wrong in ["", "short", "sk_test_unknown", &scraper.key, &user.key, "with space", &"x".repeat(200)] {
        let request = worker.anonymous(Method::GET, "/tasks/pending").header("X-API-Token", wrong);
        Answer::of(request.send().await?).await?.worker_error(401)?;
    }
    worker.call(Method::GET, "/tasks/pending").await?.success(200)?;
    Ok(())
}

#[tokio::test]
async fn a_workers_token_does_nothing_of_an_administrators() -> anyhow::Result<()> {
    let worker = Stack::from_environment()?.worker().await?;
    for (method, path) in [
        (Method::GET, "/tasks"),
        (Method::POST, "/tasks"),
        (Method::GET, "/tasks/1"),
        (Method::GET, "/campaigns"),
        (Method::POST, "/campaigns"),
        (Method::GET, "/campaigns/1"),
        (Method::GET, "/backlinks"),
        (Method::GET, "/backlinks/1"),
        (Method::GET, "/site-accounts"),
        (Method::GET, "/site-accounts/1"),
        (Method::GET, "/proxies/inventory"),
        (Method::POST, "/proxies"),
        (Method::GET, "/proxies/1"),
        (Method::PUT, "/proxies/1"),
        (Method::DELETE, "/proxies/1"),
    ] {
        worker.send(method.clone(), path, &json!({})).await?.worker_error(403)?;
    }
    Ok(())
}

#[tokio::test]
async fn what_is_not_there_is_a_404_and_another_method_a_405() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (worker, admin) = (stack.worker().await?, stack.worker_administrator()?);
    for (method, path) in [
        (Method::POST, "/tasks/9007199254740991/lock"),
        (Method::POST, "/tasks/9007199254740991/unlock"),
        (Method::POST, "/tasks/9007199254740991/heartbeat"),
        (Method::PUT, "/tasks/9007199254740991/status"),
        (Method::POST, "/tasks/0/lock"),
        (Method::POST, "/tasks/-1/lock"),
        (Method::POST, "/tasks/01/lock"),
        (Method::POST, "/tasks/1.0/lock"),
        (Method::POST, "/tasks/99999999999999999999/lock"),
        (Method::POST, "/tasks/x/lock"),
        (Method::GET, "/tasks/1/nothing"),
        (Method::GET, "/campaigns/1/nothing"),
        (Method::PUT, "/backlinks/9007199254740991"),
        (Method::PUT, "/backlinks/01"),
        (Method::GET, "/backlinks/1/nothing"),
        (Method::PUT, "/site-accounts/9007199254740991"),
        (Method::PUT, "/site-accounts/-1"),
        (Method::POST, "/proxies/9007199254740991/success"),
        (Method::POST, "/proxies/9007199254740991/failure"),
        (Method::POST, "/proxies/x/failure"),
        (Method::POST, "/proxies/1/nothing"),
    ] {
        // One body that each of them takes.
        let body = json!({"status": if path.contains("tasks") { "success" } else { "verified" }});
        let answer = worker.send(method.clone(), path, &body).await?;
        answer.worker_error(404).map_err(|error| error.context(path))?;
    }
    for path in [
        "/tasks/9007199254740991",
        "/tasks/x",
        "/campaigns/9007199254740991",
        "/backlinks/9007199254740991",
        "/site-accounts/9007199254740991",
        "/proxies/9007199254740991",
    ] {
        admin.call(Method::GET, path).await?.worker_error(404)?;
    }
    admin.send(Method::PUT, "/proxies/9007199254740991", &json!({"port": 1})).await?.worker_error(404)?;
    admin.call(Method::DELETE, "/proxies/9007199254740991").await?.worker_error(404)?;
    for (method, path, allowed) in [
        (Method::POST, "/tasks/pending", "GET,HEAD"),
        (Method::GET, "/tasks/1/lock", "POST"),
        (Method::DELETE, "/tasks/1/status", "PUT"),
        (Method::PATCH, "/tasks", "GET,HEAD,POST"),
        (Method::DELETE, "/backlinks", "GET,HEAD,POST"),
        (Method::POST, "/site-accounts/1", "GET,HEAD,PUT"),
        (Method::PUT, "/proxies", "GET,HEAD,POST"),
        (Method::PUT, "/proxies/inventory", "GET,HEAD"),
        (Method::PATCH, "/proxies/1", "GET,HEAD,PUT,DELETE"),
        (Method::GET, "/proxies/1/failure", "POST"),
    ] {
        let answer = worker.call(method, path).await?;
        answer.worker_error(405)?;
        assert_eq!(answer.header("allow"), Some(allowed), "{path}");
    }
    Ok(())
}

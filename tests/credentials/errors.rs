//! Keys, paths and methods: 401, 403, 404 and 405.

use drover_tests::Stack;
use drover_tests::answer::Answer;
use drover_tests::scraper::{ADMIN, QUEUE};
use reqwest::Method;
use serde_json::json;

/// Every route, with the methods it knows.
fn routes() -> Vec<(String, &'static str)> {
    let mut routes = vec![(format!("{QUEUE}/linkedin/next"), "GET,HEAD")];
    routes.extend(["success", "failure", "release", "heartbeat"].map(|what| (format!("{QUEUE}/1/{what}"), "POST")));
    let admin = [
        ("/platforms", "GET,HEAD"),
        ("/platforms/linkedin", "GET,HEAD,PUT"),
        ("/pools/linkedin", "GET,HEAD"),
        ("/credentials", "GET,HEAD,POST"),
        ("/credentials/import", "POST"),
        ("/credentials/999999999", "DELETE,GET,HEAD,PATCH"),
        ("/credentials/999999999/disable", "POST"),
        ("/credentials/999999999/enable", "POST"),
        ("/credentials/999999999/reset", "POST"),
        ("/credentials/999999999/release", "POST"),
        ("/credentials/999999999/audit", "GET,HEAD"),
        ("/keys", "GET,HEAD,POST"),
        ("/keys/00000000-0000-0000-0000-000000000000", "DELETE"),
    ];
    routes.extend(admin.map(|(path, methods)| (format!("{ADMIN}{path}"), methods)));
    routes
}

#[tokio::test]
async fn without_a_working_key_nothing_is_said() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (scraper, user) = (stack.scraper().await?, stack.user().await?);
    let forged = format!("sk_live_{}", "0".repeat(64));
    // A key of the extraction cloud opens nothing here.
    for (path, methods) in routes() {
        for key in [None, Some(""), Some("x"), Some(forged.as_str()), Some(user.key.as_str())] {
            let method: Method = methods.rsplit(',').next().unwrap_or("GET").parse()?;
            let method = if method == Method::HEAD { Method::GET } else { method };
            let mut request = scraper.anonymous(method, &path).body("not even JSON");
            if let Some(key) = key {
                request = request.header("X-Scraper-API-Key", key);
            }
            Answer::of(request.send().await?).await?.queue_error(401)?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_scraper_is_no_administrator() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let scraper = stack.scraper().await?;
    for (path, methods) in routes().into_iter().filter(|(path, _)| path.starts_with(ADMIN)) {
        for method in methods.split(',').filter(|method| *method != "HEAD") {
            scraper.send(method.parse()?, &path, &json!({})).await?.queue_error(403)?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn another_method_is_a_405_that_names_the_right_ones() -> anyhow::Result<()> {
    let scraper = Stack::from_environment()?.scraper().await?;
    for (path, methods) in routes() {
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
            if methods.split(',').any(|known| known == method) {
                continue;
            }
            let answer = scraper.call(method.parse()?, &path).await?;
            answer.queue_error(405)?;
            let mut told: Vec<_> = answer.header("allow").unwrap_or_default().split(',').map(str::trim).collect();
            told.sort_unstable();
            assert_eq!(told.join(","), methods, "{method} {path}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_unknown_path_is_a_404_in_the_contracts_form() -> anyhow::Result<()> {
    let scraper = Stack::from_environment()?.scraper().await?;
    for path in [
        "/api/scraper-credentials/queue",
        "/api/scraper-credentials/queue/",
        "/api/scraper-credentials/queue/linkedin",
        "/api/scraper-credentials/queue/linkedin/next/",
        "/api/scraper-credentials/queue/linkedin/previous",
        "/api/scraper-credentials/queue/1/success/2",
        "/api/scraper-credentials/admin",
        "/api/scraper-credentials/admin/credentials/1/secret",
        "/api/scraper-credentials/nothing",
    ] {
        for method in [Method::GET, Method::POST] {
            scraper.call(method.clone(), path).await?.queue_error(404)?;
            Answer::of(scraper.anonymous(method, path).send().await?).await?.queue_error(404)?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_callers_request_id_comes_back() -> anyhow::Result<()> {
    let scraper = Stack::from_environment()?.scraper().await?;
    for path in [format!("{QUEUE}/myspace/next"), format!("{QUEUE}/nothing"), format!("{ADMIN}/keys")] {
        let answer =
            Answer::of(scraper.request(Method::GET, &path).header("X-Request-Id", "mine-1").send().await?).await?;
        assert_eq!(answer.header("x-request-id"), Some("mine-1"), "{path}");
    }
    Ok(())
}

//! Paths that are not there, methods that paths do not know, and `HEAD`.

use drover_tests::Stack;
use drover_tests::answer::Answer;
use reqwest::Method;

#[tokio::test]
async fn an_unknown_path_is_a_404_in_the_contracts_form() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let id = "00000000-0000-0000-0000-000000000000";
    let paths =
        ["/", "/nothing", "/tasks/", "/Tasks", "/health/x", "/tasks//", "/webhooks/", "/Webhooks"].map(str::to_owned);
    for path in
        paths.into_iter().chain([format!("/tasks/{id}/"), format!("/tasks/{id}/log"), format!("/tasks/{id}/logs/1")])
    {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            user.call(method.clone(), &path).await?.error(404, "resource_not_found")?;
            let answer = Answer::of(user.anonymous(method, &path).send().await?).await?;
            answer.error(404, "resource_not_found")?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn another_method_is_a_405_that_names_the_right_ones() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let id = "00000000-0000-0000-0000-000000000000";
    for (path, allowed) in [
        ("/tasks".to_owned(), "GET,HEAD,POST"),
        (format!("/tasks/{id}"), "GET,HEAD,PUT,DELETE"),
        (format!("/tasks/{id}/logs"), "GET,HEAD"),
        (format!("/tasks/{id}/download"), "GET,HEAD"),
        ("/health".to_owned(), "GET,HEAD"),
        ("/webhooks".to_owned(), "GET,HEAD,POST"),
        (format!("/webhooks/{id}"), "GET,HEAD,PUT,DELETE"),
        (format!("/webhooks/{id}/test"), "POST"),
        (format!("/webhooks/{id}/rotate-secret"), "POST"),
        (format!("/webhooks/{id}/attempts"), "GET,HEAD"),
    ] {
        // API Gateway knows these and HEAD; of others it answers for itself.
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
            if allowed.split(',').any(|known| known == method) {
                continue;
            }
            let answer = user.call(method.parse()?, &path).await?;
            answer.error(405, "method_not_allowed")?;
            let mut told: Vec<_> = answer.header("allow").unwrap_or_default().split(',').map(str::trim).collect();
            let mut expected: Vec<_> = allowed.split(',').collect();
            told.sort_unstable();
            expected.sort_unstable();
            assert_eq!(told, expected, "{method} {path}");
            assert!(answer.number("x-ratelimit-remaining")? < 100, "{method} {path}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn head_answers_as_get_without_the_body() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    for path in ["/tasks", "/health", "/tasks/1", "/nothing"] {
        let whole = user.call(Method::GET, path).await?;
        let head = user.call(Method::HEAD, path).await?;
        assert_eq!((head.status, head.body.len()), (whole.status, 0), "{path}");
        // A content-length is of the gateway's making: API Gateway counts what it sends, and of HEAD that is nothing.
        for header in ["content-type", "x-ratelimit-limit"] {
            assert_eq!(head.header(header), whole.header(header), "{path}: {header}");
        }
        assert!(head.header("x-request-id").is_some_and(|id| id.starts_with("req_")), "{path}");
    }
    Ok(())
}

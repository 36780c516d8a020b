//! What a browser is told it may do with what the console answers.

use anyhow::{Context, ensure};
use drover_tests::Stack;
use drover_tests::answer::Answer;
use reqwest::Method;

/// The headers of every answer.
fn is_guarded(path: &str, answer: &Answer) -> anyhow::Result<()> {
    let policy = answer.header("content-security-policy").with_context(|| format!("{path} has no policy"))?;
    for part in [
        "default-src 'none'",
        "script-src 'self';",
        "style-src 'self';",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ] {
        ensure!(policy.contains(part), "{path}: {part} in {policy}");
    }
    ensure!(!policy.contains("unsafe") && !policy.contains("http") && !policy.contains('*'), "{path}: {policy}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        ensure!(answer.header(name) == Some(value), "{path}: {name}: {:?}", answer.header(name));
    }
    ensure!(answer.header("strict-transport-security").is_some() && answer.header("x-request-id").is_some(), "{path}");
    Ok(())
}

/// Nothing of another host, nothing written into the page that the policy would forbid.
fn is_plain(path: &str, page: &str) -> anyhow::Result<()> {
    for part in ["http://", "https://", "<style", " style=", " onclick", " onload", "javascript:"] {
        ensure!(!page.contains(part), "{path} has {part}");
    }
    ensure!(!page.replace("<script src=", "").contains("<script"), "{path} has a script of its own");
    Ok(())
}

#[tokio::test]
async fn every_answer_says_what_may_be_done_with_it() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (inside, nobody) = (stack.console().await?, stack.console_of_nobody()?);
    for (console, path, status) in [
        (&inside, "", 200),
        (&inside, "/jobs", 200),
        (&inside, "/credentials/import", 200),
        (&inside, "/nothing", 404),
        (&inside, "/jobs/video/x", 404),
        (&inside, "/jobs?kind=x", 400),
        (&nobody, "/sign-in", 200),
        (&nobody, "/signed-in", 200),
        (&nobody, "/jobs", 303),
    ] {
        let answer = console.get(path).await?;
        ensure!(answer.status == status, "{path}: {} {}", answer.status, answer.text()?);
        is_guarded(path, &answer)?;
        is_plain(path, answer.text()?)?;
        ensure!(answer.header("cache-control") == Some("no-store"), "{path} may be kept");
    }
    Ok(())
}

#[tokio::test]
async fn a_file_is_called_by_what_it_holds_and_may_be_kept() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let nobody = stack.console_of_nobody()?;
    let page = nobody.page("/sign-in").await?;
    let mut found = 0;
    for rest in page.split("console/assets/").skip(1) {
        let path = format!("/assets/{}", rest.split('"').next().context("no end")?);
        let answer = nobody.get(&path).await?;
        ensure!(answer.status == 200 && !answer.body.is_empty(), "{path}: {}", answer.status);
        is_guarded(&path, &answer)?;
        ensure!(answer.header("cache-control").is_some_and(|told| told.contains("immutable")), "{path}");
        found += 1;
    }
    ensure!(found >= 3, "{found} files");
    ensure!(nobody.get("/assets/console-0.js").await?.status == 404, "another version's");
    Ok(())
}

#[tokio::test]
async fn a_link_from_another_site_opens_the_page_by_one_of_ours() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    // The browser has a cookie, and holds it back.
    let nobody = stack.console_of_nobody()?;
    let request = nobody.request(Method::GET, "/jobs?kind=video").header("sec-fetch-site", "cross-site");
    let answer = Answer::of(request.send().await?).await?;
    let page = answer.text()?;
    ensure!(answer.status == 200 && page.contains("url=../console/jobs?kind=video"), "{} {page}", answer.status);
    is_plain("/jobs", page)
}

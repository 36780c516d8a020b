//! What is sent to the console by who means no good: nothing of it is a 500, nothing of it is done, and nothing that was sent comes back as markup.

use anyhow::ensure;
use drover_tests::Stack;
use drover_tests::answer::Answer;
use drover_tests::console::Console;
use reqwest::Method;
use table::{Condition, Item, Query};

use super::access::at_the_door;

const ID: &str = "018d0a7c-5f80-7000-8000-000000000001";

/// Refused, as a page, that does not do what was sent.
fn withstood(what: &str, answer: &Answer, allowed: &[u16]) -> anyhow::Result<()> {
    // What is larger than the gateway takes it refuses itself.
    if answer.status == 413 && answer.header("content-security-policy").is_none() {
        return Ok(());
    }
    let page = answer.text()?;
    ensure!(allowed.contains(&answer.status), "{what}: {} {page}", answer.status);
    ensure!(
        !page.contains("<script>") && !page.contains("<img src=x") && !page.contains("\" onerror="),
        "{what}: {page}"
    );
    ensure!(["panicked", "DynamoDB", "TableError"].iter().all(|word| !page.contains(word)), "{what}: {page}");
    Ok(())
}

async fn credential(stack: &Stack, id: u64) -> anyhow::Result<Vec<Item>> {
    let of = Query::new(Condition::equal("pk", format!("CRED#{id}"))).consistent();
    Ok(stack.table("credentials").query_items(of).await?.items)
}

#[tokio::test]
async fn no_address_gets_through_that_is_none() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let console = stack.console().await?;
    let (long, longer) = ("a".repeat(2_001), "%3Cscript%3E".repeat(100));
    let mut paths: Vec<String> = Vec::new();
    for list in
        ["/jobs?kind=video", "/proxies?a=b", "/schedules?kind=video", "/audit?a=b", "/credentials?platform=linkedin"]
    {
        for cursor in ["x", "e30", "IjEi", "bnVsbA", "%00", "..%2f", "W10", "%3Cscript%3Ealert(1)%3C/script%3E", &long]
        {
            paths.push(format!("{list}&cursor={cursor}"));
        }
    }
    for query in [
        "kind=x",
        "kind=%3Cscript%3E",
        "kind=",
        "status=x",
        "status=completed",
        "tenant=%00",
        "tenant=%0a",
        "tenant=%3Cscript%3E",
        "tenant=TENANT%23x",
        "tenant=..%2f..",
        "kind=video&kind=portal",
        "status[]=failed",
        "cursor=%ff",
        "kind=EXTRACT",
    ] {
        paths.push(format!("/jobs?{query}"));
    }
    paths.push(format!("/jobs?tenant={longer}"));
    for id in
        ["", "1", "%00", ID, "..%2f..", "%3Cimg src=x onerror=alert(1)%3E".replace(' ', "%20").as_str(), "%ff", &long]
    {
        paths.push(format!("/jobs/find?id={id}"));
        paths.push(format!("/jobs/video/{}?tenant=a", if id.is_empty() { "x" } else { id }));
    }
    for path in [
        "/nothing",
        "/jobs/video",
        "/jobs/x/y/z",
        &format!("/jobs/x/{ID}?tenant=a"),
        &format!("/jobs/video/{ID}"),
        &format!("/jobs/video/{ID}?tenant="),
        &format!("/jobs/video/{ID}?tenant=%3Cscript%3E"),
        &format!("/jobs/portal/{ID}/log?tenant=a&after=-1"),
        &format!("/jobs/portal/{ID}/log?tenant=a&after=99999999999999999999"),
        &format!("/schedules/video/{ID}?tenant=a"),
        "/schedules/x/y",
        "/schedules?kind=x",
        "/schedules?paused=perhaps",
        "/credentials/0",
        "/credentials/-1",
        "/credentials/1.5",
        "/credentials/99999999999999999999",
        "/credentials/x",
        "/credentials/1/explode",
        "/worker-tasks/0",
        "/worker-tasks/x",
        "/worker-tasks/99999999999999999999",
        "/worker-tasks?status=x",
        "/worker-tasks?status=failed&campaign=-1",
        "/worker-tasks?status=open&campaign=99999999999999999999",
        "/worker-tasks?status=open&campaign=18446744073709551615&type=%3Cscript%3E",
        "/worker-tasks?status=failed&type=%00",
        "/worker-tasks?status=failed&cursor=e30",
        "/jobs/find?id=99999999999999999999",
        "/signed-in?code=%3Cscript%3E&state=%3Cscript%3E",
        "/credentials?platform=%3Cscript%3E",
        "/credentials?platform=..",
        "/credentials?platform=linkedin&status=x",
        "/dead-letters?queue=x",
        "/dead-letters?cursor=x",
        "/dead-letters/x",
        "/dead-letters/a.b.c",
        "/dead-letters/video.1.x",
        "/dead-letters/purge",
        "/dead-letters/purge?queue=x",
        "/proxies/x/disable",
        "/proxies/0/disable",
        "/audit?day=yesterday",
        "/audit?day=9999-99-99",
        "/usage?kind=x",
        "/usage?tenant=%00",
        "/assets/x",
        "/assets/..%2flib.rs",
        "/?done=%3Cscript%3E",
        "/sign-in?next=//evil.example",
        "/sign-in?next=https://evil.example",
    ] {
        paths.push(path.to_owned());
    }
    ensure!(paths.len() >= 60, "{} addresses", paths.len());
    for path in &paths {
        let answer = console.get(path).await?;
        withstood(path, &answer, &[200, 303, 400, 404])?;
        let leads = answer.header("location").unwrap_or_default();
        ensure!(!leads.contains("evil") && !answer.text()?.contains("evil.example"), "{path} leads to {leads}");
    }
    Ok(())
}

#[tokio::test]
async fn nothing_is_done_that_no_page_of_the_console_has_asked_for() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (console, pool) = (stack.console().await?, stack.pool(1).await?);
    let (id, other) = (pool.ids[0], stack.console().await?);
    let before = credential(&stack, id).await?;
    let path = format!("/credentials/{id}/disable");
    let right = console.csrf.clone();
    for (what, token, site) in [
        ("another site", right.as_str(), "cross-site"),
        ("another host of ours", right.as_str(), "same-site"),
        ("no page at all", right.as_str(), "none"),
        ("no token", "", "same-origin"),
        ("another session's token", other.csrf.as_str(), "same-origin"),
        ("half a token", &right[..right.len() / 2], "same-origin"),
        ("a hostile token", "<script>alert(1)</script>", "same-origin"),
    ] {
        let request = console.form_from(site, &path, &[("csrf", token)]);
        let answer = Answer::of(request.send().await?).await?;
        withstood(what, &answer, &[403])?;
        // Whose form is merely too old finds the way back.
        ensure!(site != "same-origin" || answer.text()?.contains("Back to the credential"), "{what}: {answer:?}");
    }
    let foreign = console.request(Method::POST, &path).header("origin", "https://evil.example");
    let foreign = foreign.header("content-type", "application/x-www-form-urlencoded").body(format!("csrf={right}"));
    withstood("an origin", &Answer::of(foreign.send().await?).await?, &[403])?;
    let nobody = Console { cookies: String::new(), ..console.clone() };
    withstood("nobody", &nobody.send(&path, &[]).await?, &[303])?;
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        let request = console
            .request(method.clone(), &path)
            .header("sec-fetch-site", "same-origin")
            .body(format!("csrf={right}"));
        withstood(method.as_str(), &Answer::of(request.send().await?).await?, &[405])?;
    }
    ensure!(credential(&stack, id).await? == before, "something was done");
    Ok(())
}

#[tokio::test]
async fn no_form_gets_through_that_is_none() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let console = stack.console().await?;
    let token = format!("csrf={}&id={ID}", console.csrf);
    let large = format!("{token}&platform=linkedin&form=csv&text={}", "x".repeat(1_100_000));
    for (path, body) in [
        ("/credentials/import", token.clone()),
        ("/credentials/import", format!("{token}&platform=nothing&form=csv&text=a")),
        ("/credentials/import", format!("{token}&platform=linkedin&form=xml&text=a")),
        ("/credentials/import", format!("{token}&platform=linkedin&form=csv&text=")),
        ("/credentials/import", format!("{token}&platform=linkedin&form=csv&text=%00")),
        ("/credentials/import", format!("{token}&platform=linkedin&form=csv&text=a%0a<script>alert(1)</script>")),
        ("/credentials/import", format!("{token}&platform=linkedin&form=lines&text=<script>alert(1)</script>")),
        ("/credentials/import", format!("{token}&platform=linkedin&form=lines&text={{\"name\":1}}")),
        ("/credentials/import", large),
        ("/theme", format!("{token}&theme=<script>")),
        ("/theme", token.clone()),
        ("/credentials/import", format!("{token}&id=<script>&platform=linkedin&form=csv&text=a")),
        ("/credentials/1/release", format!("{token}&lease=<script>")),
        ("/credentials/1/release", format!("{token}&lease=99999999999999999999")),
        ("/worker-tasks/1/release", format!("{token}&lock=-1")),
        ("/worker-tasks/0/cancel", token.clone()),
        ("/worker-tasks/x/retry", token.clone()),
        ("/dead-letters/purge?queue=video", token.clone()),
        ("/dead-letters/purge?queue=video", format!("{token}&letters=<script>alert(1)</script>")),
        ("/dead-letters/purge?queue=video", format!("{token}&letters={}", "video.1.a+".repeat(3_000))),
        ("/sign-in", "csrf=x&email=a&password=b".to_owned()),
        ("/sign-in/session", "csrf=x".to_owned()),
    ] {
        let request = console.request(Method::POST, path).header("sec-fetch-site", "same-origin").body(body.clone());
        let what = format!("{path} {}", body.chars().take(80).collect::<String>());
        withstood(&what, &Answer::of(request.send().await?).await?, &[400, 401, 404, 413])?;
    }
    for (path, body, status) in [
        ("/sign-in", "email=%00&password=%00".to_owned(), 400),
        ("/sign-in", format!("email={}&password=b", "a".repeat(300)), 400),
        ("/sign-in", format!("email=a&password={}", "b".repeat(300)), 400),
        ("/sign-in", "email[]=a&password[]=b".to_owned(), 401),
        ("/sign-in", "email=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&password=b".to_owned(), 401),
        ("/sign-in", "email=PASSWORD%23x&password=USER%23x".to_owned(), 401),
        ("/sign-in", "{\"email\":\"a\"}".to_owned(), 401),
        ("/sign-in", "&&&&=".to_owned(), 401),
        ("/sign-in/session", "next=//evil.example".to_owned(), 401),
    ] {
        // As far as the sign-in itself: with its form's token, each from an address of its own.
        let door = at_the_door(&stack).await?;
        let body = format!("csrf={}&{body}", door.csrf);
        let request = door.request(Method::POST, path).header("sec-fetch-site", "same-origin").body(body.clone());
        let answer = Answer::of(request.send().await?).await?;
        withstood(&body, &answer, &[status])?;
        ensure!(!answer.text()?.contains("too old"), "{body} did not get as far: {}", answer.text()?);
    }
    let back = console.send("/theme", &[("theme", "dark"), ("back", "//evil.example")]).await?;
    ensure!(back.status == 303 && !back.header("location").unwrap_or_default().contains("evil"), "{back:?}");
    let binary = console.request(Method::POST, "/theme").body(b"csrf=\xff\xfe".to_vec());
    withstood("no UTF-8", &Answer::of(binary.send().await?).await?, &[400, 403])
}

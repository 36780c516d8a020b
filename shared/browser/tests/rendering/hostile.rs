//! Pages that want to do harm, to stay, or to fill the machine. Each ends in bounded time, and the next page is served.

use std::path::Path;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use browser::RenderOptions;

use crate::processes::{folder_of, is_over, renderers};
use crate::site::{Site, html};
use crate::{Tested, options};

/// A site of such a page at `/`, a good one at `/good`, and a file at `/file`.
async fn site(hostile: &str) -> Site {
    let hostile = html_of(hostile);
    Site::start(move |path| match path {
        "/" => Some(html(&hostile)),
        "/good" => Some(html("<h1>good</h1>")),
        "/file" => Some(file()),
        "/empty" => Some(axum::http::StatusCode::NO_CONTENT.into_response()),
        "/worker.js" => Some(
            (
                [("content-type", "text/javascript")],
                "oninstall = () => skipWaiting(); onfetch = (e) => e.respondWith(new Response('of the worker'))",
            )
                .into_response(),
        ),
        _ => None,
    })
    .await
}

fn html_of(script: &str) -> String {
    format!(
        "<p id=p>before</p><a id=a href=/file download=harm-a.bin>a</a><a id=b download=harm-b.bin>b</a><script>{script}</script>"
    )
}

fn file() -> Response {
    ([("content-type", "text/plain"), ("content-disposition", "attachment; filename=harm-c.bin")], "harm")
        .into_response()
}

/// What becomes of the page; and the next one is served.
async fn then_good(tested: &Tested, site: &Site, options: &RenderOptions) -> Result<String, String> {
    let rendered = tested.render(&site.url("/"), options).await;
    assert!(tested.page(&site.url("/good")).await.text.contains("<h1>good</h1>"));
    rendered.map(|page| page.text).map_err(|error| error.to_string())
}

fn brief() -> RenderOptions {
    RenderOptions { timeout: Duration::from_secs(3), ..options() }
}

#[tokio::test]
#[ignore = "needs a browser: CHROMIUM"]
async fn scripts_that_never_end_are_ended_with_their_process() {
    for script in [
        "for (;;) {}",
        "for (;;) alert(1)",
        "const again = () => Promise.resolve().then(again); again()",
        "p.textContent.match(/x/); /^(a+)+$/.test('a'.repeat(64) + 'b')",
        "for (;;) history.pushState({}, '', '#' + Math.random())",
        "let x = new XMLHttpRequest(); for (;;) { x.open('GET', 'data:,x', false); x.send() }",
    ] {
        let (tested, site) = (Tested::new(), site(script).await);
        let message = then_good(&tested, &site, &brief()).await.unwrap_err();
        assert!(message.starts_with(&site.url("/")), "{script}: {message}");
        let process = tested.browser.process().await.unwrap();
        is_over(|| renderers(process).is_empty()).await;
    }
}

#[tokio::test]
#[ignore = "needs a browser: CHROMIUM"]
async fn a_page_is_left_when_it_goes_on_and_when_it_is_done() {
    for (script, expected) in [
        ("onbeforeunload = () => 'stay'; location = '/good'", "<h1>good</h1>"),
        ("onbeforeunload = () => 'stay'", "before"),
        ("addEventListener('unload', () => { for (;;) {} })", "before"),
    ] {
        let (tested, site) = (Tested::new(), site(script).await);
        let outcome = then_good(&tested, &site, &options()).await;
        assert!(outcome.is_ok_and(|text| text.contains(expected)), "{script}");
        let process = tested.browser.process().await.unwrap();
        is_over(|| renderers(process).is_empty()).await;
    }
}

#[tokio::test]
#[ignore = "needs a browser: CHROMIUM"]
async fn nothing_is_downloaded() {
    let tested = Tested::new();
    // What a reader would have on his disk; the page itself stays, as it does for him.
    for script in [
        "for (let i = 0; i < 5; i++) a.click()",
        "onload = () => setTimeout(() => a.click())",
        "b.href = '/good'; b.click()",
        "b.href = URL.createObjectURL(new Blob(['harm'])); for (let i = 0; i < 20; i++) b.click()",
        "onload = () => location = '/file'",
        "location = '/file'",
        "location = '/empty'",
        "document.body.insertAdjacentHTML('beforeend', '<iframe src=/file></iframe>')",
    ] {
        let site = site(script).await;
        let text = then_good(&tested, &site, &options()).await;
        assert!(text.as_ref().is_ok_and(|text| text.contains("before")), "{script}: {text:?}");
    }
    let file = tested.message(&site("").await.url("/file"), &options()).await;
    assert!(file.ends_with("is a file to download and not a page"), "{file}");
    let folder = folder_of(tested.browser.process().await.unwrap());
    assert!(!names_below(&folder).iter().any(|name| name.contains("harm") || name.ends_with(".crdownload")));
}

fn names_below(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        names.push(entry.file_name().to_string_lossy().into_owned());
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            names.extend(names_below(&entry.path()));
        }
    }
    names
}

#[tokio::test]
#[ignore = "needs a browser: CHROMIUM"]
async fn a_page_that_is_larger_than_a_page_may_be_is_none() {
    for script in [
        // 100 MB of text, and of attributes; a million elements.
        "p.textContent = 'x'.repeat(100 * 1024 * 1024)",
        "p.hidden = true; p.title = 'x'.repeat(100 * 1024 * 1024)",
        "p.hidden = true; p.innerHTML = '<b></b>'.repeat(1000000)",
    ] {
        let (tested, site) = (Tested::new(), site(script).await);
        let message = then_good(&tested, &site, &options()).await.unwrap_err();
        let ends = ["is larger than 1048576 bytes", "took longer than 20 seconds", "the browser broke down over it"];
        assert!(ends.iter().any(|end| message.ends_with(end)), "{script}: {message}");
    }
    // Elements in elements, as deep as may be: what comes of it is up to the browser, but something does.
    let (tested, site) = (
        Tested::new(),
        site("let e = p; for (let i = 0; i < 50000; i++) e = e.appendChild(document.createElement('i'))").await,
    );
    let _ = then_good(&tested, &site, &options()).await;
}

#[tokio::test]
#[ignore = "needs a browser: CHROMIUM"]
async fn a_page_that_takes_all_memory_gets_no_more_than_its_share() {
    for script in [
        "const all = []; for (;;) all.push(new Array(1000000).fill(1.5))",
        "const all = []; for (let i = 0; i < 64; i++) all.push(new Uint8Array(64 * 1024 * 1024).fill(1)); p.title = 'all'",
        "let all = 'x'; for (;;) all += all",
        "for (let i = 0; i < 64; i++) { const c = document.createElement('canvas'); c.width = c.height = 4000; c.getContext('2d').fillRect(0, 0, 4000, 4000); document.body.append(c) }",
    ] {
        let (tested, site) = (Tested::new(), site(script).await);
        let outcome = then_good(&tested, &site, &options()).await;
        // The script says so where its text is not looked for.
        assert!(!outcome.is_ok_and(|text| text.contains(r#"title="all""#)), "{script}");
    }
}

#[tokio::test]
#[ignore = "needs a browser: CHROMIUM"]
async fn a_service_worker_is_gone_with_its_page() {
    let script = "navigator.serviceWorker.register('/worker.js').then(() => navigator.serviceWorker.ready)
        .then(() => p.title = 'registered', (e) => p.title = 'refused: ' + e)";
    let (tested, site) = (Tested::new(), site(script).await);
    let waiting = RenderOptions { wait_for_selector: Some("p[title]".to_owned()), ..options() };
    let text = tested.render(&site.url("/"), &waiting).await.unwrap().text;
    // A browser that has none is as good.
    assert!(text.contains("title=\"registered\"") || text.contains("title=\"refused"), "{text}");
    assert!(tested.page(&site.url("/good")).await.text.contains("<h1>good</h1>"), "the worker answers for the site");
    assert_eq!(site.seen("/good").len(), 1);
}

#[tokio::test]
#[ignore = "needs a browser: CHROMIUM"]
async fn no_script_takes_the_page_to_a_place_that_is_not_of_the_web() {
    for place in [
        "file:///etc/passwd",
        "chrome://version",
        "chrome://settings",
        "view-source:file:///etc/passwd",
        "devtools://devtools/bundled/inspector.html",
        "about:version",
        "filesystem:file:///etc/",
        "javascript:document.body.append(0)",
        "data:text/html,data",
        "ftp://127.77.0.1/",
        "mailto:a@b.example",
        "intent://b.example/#Intent;scheme=app;end",
    ] {
        let (tested, site) = (
            Tested::new(),
            site(&format!("p.textContent = 'stayed'; try {{ location = '{place}' }} catch {{}}")).await,
        );
        let outcome = then_good(&tested, &site, &options()).await;
        match outcome {
            Ok(text) => assert!(text.contains("stayed") && !text.contains("root:"), "{place}: {text}"),
            Err(message) => {
                assert!(message.starts_with(&site.url("/")) && !message.contains("took longer"), "{place}: {message}");
            }
        }
    }
}

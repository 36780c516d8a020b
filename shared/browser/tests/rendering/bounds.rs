//! What a page may use, and no more.

use std::time::Duration;

use axum::response::IntoResponse;
use browser::{RenderOptions, Settings};

use crate::site::{Site, html};
use crate::{Tested, options, settings};

#[tokio::test]
#[ignore = "needs a browser: CHROMIUM"]
async fn a_page_that_never_ends_is_ended_and_the_next_one_is_served() {
    let site = Site::start(|path| match path {
        "/busy" => Some(html("<script>while (true) {}</script>")),
        "/dialogs" => {
            Some(html("<script>alert(1); confirm(2); prompt(3); onbeforeunload = () => 'stay'</script>closed"))
        }
        "/reload" => Some(html("<script>location.reload()</script>")),
        "/on-and-on" => Some(html("<script>setInterval(() => fetch('/data'), 200)</script>settled")),
        "/windows" => {
            Some(html("<script>for (let i = 0; i < 20; i++) { try { open('/window') } catch {} }</script>alone"))
        }
        "/data" | "/window" => Some("".into_response()),
        "/page" => Some(html("<h1>page</h1>")),
        _ => None,
    })
    .await;
    let tested = Tested::new();
    let brief = RenderOptions { timeout: Duration::from_secs(2), ..options() };
    assert_eq!(
        tested.message(&site.url("/busy"), &brief).await,
        format!("{} took longer than 2 seconds", site.url("/busy"))
    );
    assert!(tested.page(&site.url("/page")).await.text.contains("<h1>page</h1>"));
    assert!(tested.page(&site.url("/dialogs")).await.text.contains("closed"));
    assert!(tested.page(&site.url("/on-and-on")).await.text.contains("settled"));
    assert!(tested.page(&site.url("/windows")).await.text.contains("alone"));
    assert!(site.seen("/window").is_empty(), "a window was opened");
    let message = tested.message(&site.url("/reload"), &options()).await;
    assert_eq!(message, format!("{} went on to other pages more than 10 times", site.url("/reload")));
}

#[tokio::test]
#[ignore = "needs a browser: CHROMIUM"]
async fn requests_and_bytes_are_counted() {
    let site = Site::start(|path| match path {
        "/many" => Some(html("<script>(async () => { for (let i = 0; ; i++) await fetch('/data?' + i) })()</script>")),
        "/much" => Some(html("<script>(async () => { for (;;) await (await fetch('/megabyte', {cache: 'no-store'})).text() })()</script>")),
        "/megabyte" => Some("x".repeat(1024 * 1024).into_response()),
        path if path.starts_with("/data") => Some("".into_response()),
        _ => None,
    })
    .await;
    let tested = Tested::with(Settings { max_requests: 50, max_transfer: 5 * 1024 * 1024, ..settings() });
    // The first settles before it has made them all, unless it is waited for.
    let waiting = RenderOptions { wait_for_selector: Some("p".to_owned()), ..options() };
    for (path, expected) in
        [("/many", "made more than 50 requests"), ("/much", "sent and received more than 5242880 bytes")]
    {
        assert_eq!(tested.message(&site.url(path), &waiting).await, format!("{} {expected}", site.url(path)));
    }
    assert!(site.seen("/megabyte").len() <= 5);
}

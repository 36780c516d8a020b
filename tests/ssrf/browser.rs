//! Pages in a browser, whose scripts try what they can.

use axum::response::Html;
use axum::{Router, routing::get};
use drover_tests::Stack;
use drover_tests::site::Site;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::Trap;

/// Tries the ways out of a page, and says which have failed. PORT is the trap's.
const ATTEMPTS: &str = r#"
<link rel=preconnect href="http://127.0.0.1:PORT"><link rel=prefetch href="http://localhost:PORT/prefetch">
<img src="http://127.0.0.1:PORT/image"><img src="https://[::1]:PORT/image"><img src="http://2130706433:PORT/image">
<iframe src="http://127.0.0.1:PORT/frame"></iframe><iframe src="file:///etc/passwd"></iframe>
<form id=form method=post target=frame action="http://127.0.0.1:PORT/form"></form><iframe name=frame></iframe>
<script>
const inside = 'http://127.0.0.1:PORT', failed = (name) => document.body.insertAdjacentHTML('beforeend', `<p class=failed>${name}</p>`);
const attempts = {
    fetch: () => fetch(inside + '/fetch'),
    metadata: () => fetch('http://169.254.169.254/latest/meta-data/iam/'),
    private: () => fetch('http://10.0.0.1/'),
    redirect: () => fetch('/inside'),
    socket: () => new Promise((done, not) => { const s = new WebSocket('ws://127.0.0.1:PORT/'); s.onopen = done; s.onerror = not; }),
    worker: () => new Promise((done, not) => {
        const code = `fetch('${inside}/worker').then(() => postMessage(1), () => postMessage(0))`;
        const w = new Worker(URL.createObjectURL(new Blob([code]))); w.onmessage = (m) => m.data ? done() : not();
    }),
    call: () => new Promise((done, not) => {
        const urls = ['stun:127.0.0.1:PORT', 'turn:127.0.0.1:PORT?transport=tcp', 'turn:localhost:PORT?transport=udp'];
        const c = new RTCPeerConnection({iceServers: [{urls, username: 'x', credential: 'y'}]}); c.createDataChannel('x');
        c.onicecandidate = (e) => e.candidate || not();
        c.createOffer().then((offer) => c.setLocalDescription(offer));
    }),
};
navigator.sendBeacon(inside + '/beacon', 'x');
form.submit();
Promise.all(Object.entries(attempts).map(([name, attempt]) => attempt().then(() => {}, () => failed(name))))
    .then(() => document.body.insertAdjacentHTML('beforeend', '<p class=all-tried></p>'));
</script>"#;

#[tokio::test]
async fn no_script_comes_to_an_inner_address() -> anyhow::Result<()> {
    let (user, trap) = (Stack::from_environment()?.user().await?, Trap::set().await?);
    let (page, inside) = (ATTEMPTS.replace("PORT", &trap.port.to_string()), format!("http://127.0.0.1:{}/", trap.port));
    let pages = Router::new()
        .route("/", get(|| async { Html(page) }))
        .route("/inside", get(|| async move { axum::response::Redirect::temporary(&inside) }));
    let site = Site::serve(pages).await?;
    let config =
        json!({"urls": [site.url("/")], "selectors": {"failed": ".failed"}, "wait_for_selector": ".all-tried"});
    let body = json!({"name": "Inside", "task_type": "advanced_scraping", "config": config});
    let task = user.send(Method::POST, "/tasks", &body).await?.success(201)?;
    let task = user.ended(&task).await?;
    assert_eq!(task["status"], "completed", "{task}");
    let rows: Vec<Json> =
        serde_json::from_value(user.get(&format!("/tasks/{}/download", drover_tests::id_of(&task)?)).await?)?;
    let mut failed: Vec<_> = rows.iter().filter_map(|row| row["failed"].as_str()).collect();
    failed.sort_unstable();
    assert_eq!(failed, ["call", "fetch", "metadata", "private", "redirect", "socket", "worker"]);
    trap.stayed_empty().await
}

#[tokio::test]
async fn no_page_takes_the_browser_inside() -> anyhow::Result<()> {
    let (user, trap) = (Stack::from_environment()?.user().await?, Trap::set().await?);
    let port = trap.port;
    let script = format!("<h1>x</h1><script>location = 'http://127.0.0.1:{port}/'</script>");
    let refresh = format!("<h1>x</h1><meta http-equiv=refresh content='0;url=http://localhost:{port}/'>");
    let site = Site::of([("/script", script), ("/refresh", refresh)]).await?;
    let inner = [
        (site.url("/script"), "127.0.0.1 is a loopback address"),
        (site.url("/refresh"), "localhost resolves to"),
        (format!("http://127.0.0.1:{port}/"), "127.0.0.1 is a loopback address"),
        (format!("https://localhost:{port}/"), "localhost resolves to"),
        ("http://169.254.169.254/latest/meta-data/".to_owned(), "the address of a cloud metadata service"),
    ];
    for (url, reason) in inner {
        let config = json!({"urls": [url], "selectors": {"title": "h1"}, "wait_for_selector": ".never", "timeout": 10});
        let body = json!({"name": "Inside", "task_type": "advanced_scraping", "config": config});
        let task = user.send(Method::POST, "/tasks", &body).await?.success(201)?;
        let task = user.ended(&task).await?;
        assert_eq!((&task["status"], &task["compute_units_consumed"]), (&json!("failed"), &json!(0)), "{url}: {task}");
        let message = task["error_message"].as_str().unwrap_or_default();
        assert!(message.contains(reason), "{url}: {message}");
    }
    trap.stayed_empty().await
}

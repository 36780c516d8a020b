//! Nothing that a page does leads inside.

use axum::response::IntoResponse;
use browser::RenderOptions;

use crate::site::{Site, Trap, html, redirect};
use crate::{Tested, options};

/// Every way out of a page that we know of, to the port PORT of loopback addresses in several spellings.
const EVERYTHING: &str = r##"
<link rel=dns-prefetch href="http://localhost:PORT"><link rel=preconnect href="http://127.0.0.1:PORT">
<link rel=prefetch href="http://127.0.0.1:PORT/prefetch"><link rel=stylesheet href="http://127.0.0.1:PORT/style">
<img src="http://127.0.0.1:PORT/image"><img src="http://[::1]:PORT/image"><img src="http://localhost:PORT/image">
<img src="http://2130706433:PORT/image"><img src="http://169.254.169.254/latest/meta-data/"><img src="https://127.0.0.1:PORT/image">
<iframe src="http://127.0.0.1:PORT/frame"></iframe><iframe src="file:///etc/passwd"></iframe><iframe src="chrome://version"></iframe>
<object data="http://127.0.0.1:PORT/object"></object><video src="http://127.0.0.1:PORT/video"></video>
<form id=form method=post target=frame action="http://127.0.0.1:PORT/form"></form><iframe name=frame></iframe>
<a id=ping href="#" ping="http://127.0.0.1:PORT/ping">x</a><link rel=manifest href="http://127.0.0.1:PORT/manifest">
<script type=speculationrules>{"prefetch": [{"source": "list", "urls": ["http://127.0.0.1:PORT/speculation"]}],
    "prerender": [{"source": "list", "urls": ["http://127.0.0.1:PORT/prerender"]}]}</script>
<p id=told></p>
<script>
const inside = 'http://127.0.0.1:PORT';
const tell = (what) => { told.textContent += what + ';'; };
const tried = [];
const attempt = (name, work) => tried.push((async () => work())().then(() => tell(name + '!'), () => tell(name)));
attempt('fetch', () => fetch(inside + '/fetch'));
fetch(inside + '/opaque', {mode: 'no-cors'});
attempt('redirect', () => fetch('/to-inside').then(a => a.text()));
attempt('xhr', () => new Promise((done, failed) => { const x = new XMLHttpRequest(); x.onload = done; x.onerror = failed; x.open('GET', inside + '/xhr'); x.send(); }));
attempt('websocket', () => new Promise((done, failed) => { const s = new WebSocket('ws://127.0.0.1:PORT/ws'); s.onopen = done; s.onerror = failed; }));
attempt('events', () => new Promise((done, failed) => { const s = new EventSource(inside + '/events'); s.onopen = done; s.onerror = failed; }));
attempt('transport', () => new WebTransport('https://127.0.0.1:PORT/').ready);
attempt('worker', () => new Promise((done, failed) => {
    const code = `Promise.all([fetch('${inside}/worker'), new Promise((d, f) => { const s = new WebSocket('ws://localhost:PORT/'); s.onopen = d; s.onerror = f; })]).then(() => postMessage(1), () => postMessage(0))`;
    const w = new Worker(URL.createObjectURL(new Blob([code]))); w.onmessage = (m) => m.data ? done() : failed();
}));
attempt('shared worker', () => new Promise((done, failed) => {
    const code = `onconnect = (e) => fetch('${inside}/shared').then(() => e.ports[0].postMessage(1), () => e.ports[0].postMessage(0))`;
    const w = new SharedWorker(URL.createObjectURL(new Blob([code]))); w.onerror = failed; w.port.onmessage = (m) => m.data ? done() : failed();
}));
attempt('service worker', () => navigator.serviceWorker.register(inside + '/service.js'));
attempt('module', () => import(inside + '/module.js'));
attempt('rtc', () => new Promise((done, failed) => {
    const iceServers = ['stun:127.0.0.1:PORT', 'stun:localhost:PORT', 'turn:127.0.0.1:PORT?transport=udp', 'turn:127.0.0.1:PORT?transport=tcp', 'turns:127.0.0.1:PORT?transport=tcp']
        .map(urls => ({urls, username: 'x', credential: 'y'}));
    const c = new RTCPeerConnection({iceServers}); c.createDataChannel('x');
    c.onicecandidate = (e) => { if (!e.candidate) failed(); };
    c.createOffer().then((offer) => c.setLocalDescription(offer));
}));
navigator.sendBeacon(inside + '/beacon', 'x');
form.submit(); ping.click();
try { window.open(inside + '/popup'); } catch {}
Promise.all(tried).then(() => document.body.insertAdjacentHTML('beforeend', '<p class=all-tried></p>'));
</script>"##;

#[tokio::test]
#[ignore = "needs a browser: CHROMIUM"]
async fn no_script_frame_or_image_comes_to_an_inner_address() {
    let trap = Trap::set().await;
    let (page, inside) =
        (EVERYTHING.replace("PORT", &trap.port.to_string()), format!("http://127.0.0.1:{}/", trap.port));
    let site = Site::start(move |path| match path {
        "/" => Some(html(&page)),
        "/to-inside" => Some(redirect(&inside)),
        _ => None,
    })
    .await;
    let all_tried = RenderOptions { wait_for_selector: Some(".all-tried".to_owned()), ..options() };
    let page = Tested::new().render(&site.url("/"), &all_tried).await.unwrap();
    for attempt in [
        "fetch",
        "redirect",
        "xhr",
        "websocket",
        "events",
        "transport",
        "worker",
        "shared worker",
        "service worker",
        "module",
        "rtc",
    ] {
        assert!(page.text.contains(&format!("{attempt};")), "{attempt} did not fail, or was not tried: {}", page.text);
    }
    assert!(!page.text.contains("root:"), "a file was read: {}", page.text);
    trap.stayed_empty().await;
}

#[tokio::test]
#[ignore = "needs a browser: CHROMIUM"]
async fn no_redirect_and_no_script_takes_the_page_itself_inside() {
    let trap = Trap::set().await;
    let port = trap.port;
    let site = Site::start(move |path| match path {
        "/redirect" => Some(redirect(&format!("http://127.0.0.1:{port}/"))),
        "/name" => Some(redirect(&format!("http://localhost:{port}/"))),
        "/tls" => Some(redirect(&format!("https://localhost:{port}/"))),
        "/script" => Some(html(&format!("<script>location = 'http://127.0.0.1:{port}/'</script>"))),
        "/refresh" => {
            Some(html(&format!("<meta http-equiv=refresh content='0;url=http://[::ffff:127.0.0.1]:{port}/'>")))
        }
        "/metadata" => Some(redirect("http://169.254.169.254/latest/meta-data/")),
        "/file" => Some(redirect("file:///etc/passwd")),
        _ => None,
    })
    .await;
    let tested = Tested::new();
    for (path, expected) in [
        ("/redirect", "was refused: 127.0.0.1 is a loopback address"),
        ("/name", "was refused: localhost resolves to"),
        ("/tls", "was refused: localhost resolves to"),
        ("/script", "was refused: 127.0.0.1 is a loopback address"),
        ("/refresh", "is a loopback address"),
        ("/metadata", "is the address of a cloud metadata service"),
        ("/file", "was refused: only http and https are fetched, not file"),
    ] {
        let message = tested.message(&site.url(path), &options()).await;
        assert!(message.starts_with(&site.url(path)) && message.contains(expected), "{path}: {message}");
    }
    trap.stayed_empty().await;
}

#[tokio::test]
#[ignore = "needs a browser: CHROMIUM"]
async fn a_page_finds_nothing_of_another() {
    let site = Site::start(|path| match path {
        "/leave" => Some(
            ([("set-cookie", "of=one; Path=/"), ("content-type", "text/html")],
             "<script>localStorage.x = 1; document.cookie = 'script=1'; caches.open('c').catch(() => {})</script>left").into_response(),
        ),
        "/find" => Some(html("<p id=p></p><script>p.textContent = `${localStorage.x}|${document.cookie}`</script>")),
        _ => None,
    })
    .await;
    let tested = Tested::new();
    tested.page(&site.url("/leave")).await;
    let page = tested.page(&site.url("/find")).await;
    assert!(page.text.contains("<p id=\"p\">undefined|</p>"), "{}", page.text);
    assert!(!site.seen("/find")[0].headers.contains_key("cookie"));
}

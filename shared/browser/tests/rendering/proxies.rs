//! Pages through the proxies of others.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use browser::{Names, ProxyUse, RenderOptions, Upstream, UpstreamKind};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::site::Site;
use crate::{Tested, options};

/// An HTTP proxy that takes connections to where they should go, or refuses them all; and how many it was asked for.
async fn stand_in(id: u64, refuses: bool) -> (Upstream, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.77.0.7:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let count = Arc::clone(&count);
            tokio::spawn(async move {
                let (mut stream, mut head) = (BufReader::new(stream), String::new());
                while !head.ends_with("\r\n\r\n") {
                    assert_ne!(stream.read_line(&mut head).await.unwrap(), 0);
                }
                count.fetch_add(1, Ordering::SeqCst);
                let target = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).unwrap();
                if refuses {
                    return stream.write_all(b"HTTP/1.1 403 No\r\n\r\n").await.unwrap();
                }
                let mut site = TcpStream::connect(target).await.unwrap();
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                let _ = copy_bidirectional(&mut stream, &mut site).await;
            });
        }
    });
    let (kind, host) = (UpstreamKind::Http, "127.77.0.7".to_owned());
    (Upstream { id, kind, host, port, sign_in: None, names: Names::Judged }, asked)
}

#[tokio::test]
#[ignore = "needs a browser: CHROMIUM"]
async fn each_attempt_goes_through_another_proxy_and_it_is_told_how_they_did() {
    let site = Site::of("<h1>page</h1>").await;
    let ((broken, asked_broken), (working, asked_working)) = (stand_in(1, true).await, stand_in(2, false).await);
    let through = RenderOptions { upstreams: vec![broken, working], ..options() };
    let tested = Tested::new();
    let rendered = tested.browser.render(&tested.fetcher, &site.url("/"), &through).await;
    assert!(rendered.outcome.unwrap().text.contains("<h1>page</h1>"));
    assert_eq!(rendered.proxies, [ProxyUse { id: 1, worked: false }, ProxyUse { id: 2, worked: true }]);
    assert!(asked_broken.load(Ordering::SeqCst) > 0 && asked_working.load(Ordering::SeqCst) > 0);
}

#[tokio::test]
#[ignore = "needs a browser: CHROMIUM"]
async fn a_page_that_no_proxy_takes_is_not_had_without_one() {
    let site = Site::of("<h1>page</h1>").await;
    let (broken, _) = stand_in(1, true).await;
    let through = RenderOptions { upstreams: vec![broken], ..options() };
    let tested = Tested::new();
    let rendered = tested.browser.render(&tested.fetcher, &site.url("/"), &through).await;
    let message = rendered.outcome.unwrap_err().to_string();
    assert_eq!(message, format!("{} could not be reached through the proxy: it refused the connection", site.url("/")));
    assert!(site.seen("/").is_empty());
    // It may be the site that is down: nobody is to put a proxy to rest by naming one that is.
    assert_eq!(rendered.proxies, []);

    let gone = Upstream { port: 1, ..through.upstreams[0].clone() };
    let through = RenderOptions { upstreams: vec![gone], ..options() };
    let rendered = tested.browser.render(&tested.fetcher, &site.url("/"), &through).await;
    let message = rendered.outcome.unwrap_err().to_string();
    assert!(message.ends_with("could not be reached through the proxy: it could not be connected to"), "{message}");
    assert_eq!(rendered.proxies, [ProxyUse { id: 1, worked: false }]);
}

//! Against small servers on loopback addresses, which the policy of these tests allows.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;

use super::*;

/// A server that says what was said to it, from the first line on, and counts its visitors.
async fn echo(host: &str) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind((host, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = [0; 4_096];
                let length = stream.read(&mut head).await.unwrap_or(0);
                let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
                let _ = stream.write_all(&[answer.as_bytes(), &head[..length]].concat()).await;
            });
        }
    });
    (address, task)
}

async fn proxy(upstream: Option<Upstream>) -> EgressProxy {
    let dialer = Dialer::new("127.77.0.0/16".parse().unwrap());
    EgressProxy::start(dialer, upstream, Allowance::new(100_000, 100)).await.unwrap()
}

/// What the proxy answers to these bytes, until it or the test's patience ends.
async fn said(proxy: &EgressProxy, bytes: &str) -> String {
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = vec![0; 8_192];
    let length = stream.read(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

#[tokio::test]
async fn only_what_may_be_fetched_is_connected_to_and_why_not_is_known() {
    let (site, _server) = echo("127.77.0.1").await;
    let port = site.port();
    // As real as the site, and not allowed.
    let (inner, _trap) = echo("127.0.0.1").await;
    let inside = inner.port();
    let proxy = proxy(None).await;
    for (request, status, fault) in [
        (format!("GET http://127.77.0.1:{port}/a?b HTTP/1.1\r\nHost: x\r\n\r\n"), "200", None),
        (format!("CONNECT 127.77.0.1:{port} HTTP/1.1\r\nHost: x\r\n\r\n"), "200", None),
        (format!("CONNECT 127.77.1:{port} HTTP/1.1\r\nHost: x\r\n\r\n"), "200", None),
        (
            format!("CONNECT 127.0.0.1:{inside} HTTP/1.1\r\nHost: x\r\n\r\n"),
            "502",
            Some(("127.0.0.1", "is a loopback address")),
        ),
        (
            format!("GET http://127.0.0.1:{inside}/ HTTP/1.1\r\nHost: x\r\n\r\n"),
            "502",
            Some(("127.0.0.1", "is a loopback address")),
        ),
        (
            format!("POST http://2130706433:{inside}/ HTTP/1.1\r\nHost: x\r\n\r\n"),
            "502",
            Some(("2130706433", "is a loopback address")),
        ),
        (
            format!("CONNECT localhost:{inside} HTTP/1.1\r\nHost: x\r\n\r\n"),
            "502",
            Some(("localhost", "localhost resolves to")),
        ),
        (
            format!("CONNECT [::1]:{inside} HTTP/1.1\r\nHost: x\r\n\r\n"),
            "502",
            Some(("[::1]", "is a loopback address")),
        ),
        (
            format!("CONNECT [::ffff:127.0.0.1]:{inside} HTTP/1.1\r\nHost: x\r\n\r\n"),
            "502",
            Some(("[::ffff:127.0.0.1]", "is a loopback")),
        ),
        ("GET http://169.254.169.254/latest/meta-data/ HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), "502", None),
        ("CONNECT 10.0.0.1:443 HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), "502", None),
        // What is not for a proxy.
        ("GET / HTTP/1.1\r\nHost: 127.77.0.1\r\n\r\n".to_owned(), "400", None),
        ("CONNECT 127.77.0.1 HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), "400", None),
        (format!("GET https://127.77.0.1:{port}/ HTTP/1.1\r\nHost: x\r\n\r\n"), "400", None),
        (format!("GET ftp://127.77.0.1:{port}/ HTTP/1.1\r\nHost: x\r\n\r\n"), "400", None),
        (format!("GET http://a:b@127.77.0.1:{port}/ HTTP/1.1\r\nHost: x\r\n\r\n"), "400", None),
    ] {
        let answer = said(&proxy, &request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{request}: {answer}");
        if let Some((host, words)) = fault {
            let fault = proxy.fault_of(&format!("{host}:{inside}")).map(|fault| fault.to_string());
            assert!(fault.as_deref().is_some_and(|fault| fault.contains(words)), "{request}: {fault:?}");
        }
    }
}

#[tokio::test]
async fn a_plain_request_goes_on_as_to_the_server_itself() {
    let (site, _server) = echo("127.77.0.2").await;
    let proxy = proxy(None).await;
    let request = format!(
        "GET http://{site}/a?b=c HTTP/1.1\r\nHost: {site}\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: x\r\nX-Own: y\r\n\r\n"
    );
    let answer = said(&proxy, &request).await.to_lowercase();
    assert!(answer.contains(&format!("get /a?b=c http/1.1\r\nhost: {site}\r\nx-own: y\r\n")), "{answer}");
    assert!(!answer.contains("proxy"), "{answer}");
}

#[tokio::test]
async fn it_ends_with_its_owner_and_so_do_its_connections() {
    let (site, _server) = echo("127.77.0.3").await;
    let proxy = proxy(None).await;
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    stream.write_all(format!("CONNECT {site} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = [0; 64];
    assert!(stream.read(&mut answer).await.unwrap() > 0);
    let address = proxy.address();
    drop(proxy);
    assert_eq!(stream.read(&mut answer).await.unwrap_or(0), 0, "the tunnel outlived its owner");
    // The listener goes with the task that had it, which is aborted and not yet ended.
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

/// A proxy that takes one visitor, tells what it was told, and answers that with `answers`, one for each message.
async fn stand_in(answers: Vec<Vec<u8>>) -> (u16, JoinHandle<Vec<Vec<u8>>>) {
    let listener = TcpListener::bind("127.77.0.4:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut told = Vec::new();
        for answer in answers {
            let mut message = vec![0; 1_024];
            let length = stream.read(&mut message).await.unwrap();
            told.push(message[..length].to_vec());
            stream.write_all(&answer).await.unwrap();
        }
        told
    });
    (port, task)
}

fn upstream(kind: UpstreamKind, port: u16) -> Upstream {
    let sign_in = Some(("user".to_owned(), "word".to_owned()));
    Upstream { id: 1, kind, host: "127.77.0.4".to_owned(), port, sign_in, names: Names::Judged }
}

#[tokio::test]
async fn other_proxies_are_told_the_address_that_was_judged() {
    let connect = "CONNECT 127.77.3:8443 HTTP/1.1\r\nHost: x\r\n\r\n";
    let (port, told) = stand_in(vec![b"HTTP/1.1 200 OK\r\n\r\n".to_vec()]).await;
    let through_http = proxy(Some(upstream(UpstreamKind::Http, port))).await;
    assert!(said(&through_http, connect).await.starts_with("HTTP/1.1 200"));
    let told = String::from_utf8(told.await.unwrap().concat()).unwrap();
    assert!(told.starts_with("CONNECT 127.77.0.3:8443 HTTP/1.1\r\n"), "{told}");
    assert!(told.contains("Basic dXNlcjp3b3Jk"), "{told}");

    let granted = vec![5, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    let (port, told) = stand_in(vec![vec![5, 2], vec![1, 0], granted]).await;
    let through_socks = proxy(Some(upstream(UpstreamKind::Socks5, port))).await;
    assert!(said(&through_socks, connect).await.starts_with("HTTP/1.1 200"));
    let told = told.await.unwrap();
    assert_eq!(told[1], b"\x01\x04user\x04word");
    assert_eq!(told[2], [&[5, 1, 0, 1, 127, 77, 0, 3][..], &8443_u16.to_be_bytes()].concat());

    let (port, told) = stand_in(vec![vec![0, 90, 0, 0, 0, 0, 0, 0]]).await;
    let through_socks = proxy(Some(upstream(UpstreamKind::Socks4, port))).await;
    assert!(said(&through_socks, connect).await.starts_with("HTTP/1.1 200"));
    assert_eq!(told.await.unwrap()[0][4..8], [127, 77, 0, 3]);
}

#[tokio::test]
async fn what_may_not_be_fetched_is_not_asked_of_another_proxy_either() {
    let (port, told) = stand_in(vec![Vec::new()]).await;
    let proxy = proxy(Some(upstream(UpstreamKind::Http, port))).await;
    assert!(said(&proxy, "CONNECT 10.0.0.1:443 HTTP/1.1\r\nHost: x\r\n\r\n").await.starts_with("HTTP/1.1 502"));
    assert!(said(&proxy, "CONNECT localhost:443 HTTP/1.1\r\nHost: x\r\n\r\n").await.starts_with("HTTP/1.1 502"));
    assert!(!told.is_finished(), "it was connected to");
    told.abort();
    let fault = proxy.fault_of("10.0.0.1:443").unwrap();
    assert_eq!(fault.to_string(), "was refused: 10.0.0.1 is a private address");
}

#[tokio::test]
async fn a_proxy_that_fails_is_named_as_the_one_that_did() {
    let refusals = [
        (UpstreamKind::Http, vec![b"HTTP/1.1 407 No\r\n\r\n".to_vec()]),
        (UpstreamKind::Socks5, vec![vec![5, 0xff]]),
        (UpstreamKind::Socks4, vec![vec![0, 91, 0, 0, 0, 0, 0, 0]]),
    ];
    for (kind, answers) in refusals {
        let (port, _told) = stand_in(answers).await;
        let proxy = proxy(Some(upstream(kind, port))).await;
        assert!(said(&proxy, "CONNECT 127.77.0.3:443 HTTP/1.1\r\nHost: x\r\n\r\n").await.starts_with("HTTP/1.1 502"));
        let fault = proxy.fault_of("127.77.0.3:443").unwrap().to_string();
        assert_eq!(fault, "could not be reached through the proxy: it refused the connection", "{kind:?}");
    }
    let proxy = proxy(Some(Upstream { host: "127.0.0.1".to_owned(), ..upstream(UpstreamKind::Http, 1) })).await;
    assert!(said(&proxy, "CONNECT 127.77.0.3:443 HTTP/1.1\r\nHost: x\r\n\r\n").await.starts_with("HTTP/1.1 502"));
    let fault = proxy.fault_of("127.77.0.3:443").unwrap().to_string();
    assert_eq!(fault, "could not be reached through the proxy: it could not be connected to");
}

#[tokio::test]
async fn a_proxy_that_resolves_names_is_told_them_and_addresses_are_judged_still() {
    for kind in [UpstreamKind::Http, UpstreamKind::Socks5] {
        let granted = vec![5, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        let answers = match kind {
            UpstreamKind::Http => vec![b"HTTP/1.1 200 OK\r\n\r\n".to_vec()],
            _ => vec![vec![5, 2], vec![1, 0], granted],
        };
        let (port, told) = stand_in(answers).await;
        let proxy = proxy(Some(Upstream { names: Names::Told, ..upstream(kind, port) })).await;
        let refused = said(&proxy, "CONNECT 10.0.0.1:443 HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(refused.starts_with("HTTP/1.1 502"), "{kind:?}: {refused}");
        assert_eq!(proxy.faults().len(), 1, "{kind:?}");
        let taken = said(&proxy, "CONNECT nowhere.invalid:443 HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(taken.starts_with("HTTP/1.1 200"), "{kind:?}: {taken}");
        let told = String::from_utf8_lossy(&told.await.unwrap().concat()).into_owned();
        assert!(told.contains("nowhere.invalid"), "{kind:?}: {told}");
    }
}

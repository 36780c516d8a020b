//! Webhooks at addresses that are not public: refused when they are registered, or never connected to.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use drover_tests::Stack;
use drover_tests::receiver::{Receiver, Step};
use drover_tests::user::id_of;
use reqwest::Method;
use serde_json::json;
use table::{Condition, Update};
use tokio::net::{TcpListener, TcpStream};

/// Addresses that say themselves that they are not public, in the spellings that parsers accept.
const INNER: [&str; 26] = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "127.0.0.1.",
    "%31%32%37.0.0.1",
    "\u{2460}\u{2461}\u{2466}.0.0.1",
    "0",
    "0.0.0.0",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "2852039166",
    "[fd00:ec2::254]",
    "100.64.0.1",
    "[fc00::1]",
    "224.0.0.1",
    "255.255.255.255",
    "198.18.0.1",
];

/// A server on a loopback address that webhooks may not be at, which counts who connects.
async fn trap() -> anyhow::Result<(SocketAddr, Arc<AtomicUsize>)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let visits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&visits);
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    Ok((address, visits))
}

#[tokio::test]
async fn no_inner_address_is_registered_in_any_spelling() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    for host in INNER {
        for scheme in ["https", "http"] {
            let body = json!({"url": format!("{scheme}://{host}:8443/hook")});
            let answer = user.send(Method::POST, "/webhooks", &body).await?;
            assert_eq!(answer.invalid_fields()?, ["url"], "{scheme}://{host}");
        }
    }
    assert_eq!(user.get("/webhooks").await?, json!([]));
    Ok(())
}

#[tokio::test]
async fn what_was_registered_by_whatever_means_is_judged_when_it_is_connected_to() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let (trap, visits) = trap().await?;
    let port = trap.port();
    for (url, reason) in [
        (format!("https://localhost:{port}/"), "It was refused: localhost resolves to "),
        (format!("http://localhost:{port}/"), "It was refused: localhost resolves to "),
        (format!("http://127.0.0.1:{port}/"), "It was refused: 127.0.0.1 is a loopback address"),
        (format!("http://2130706433:{port}/"), "It was refused: 127.0.0.1 is a loopback address"),
        (
            format!("http://user:word@127.77.0.1:{port}/"),
            "It was refused: a URL must not carry a user name or password",
        ),
        (format!("ftp://127.77.0.1:{port}/"), "It was refused: only http and https are fetched, not ftp"),
    ] {
        let webhook =
            user.send(Method::POST, "/webhooks", &json!({"url": "https://example.com/"})).await?.success(201)?;
        let moved = Update::new().set("url", url.as_str()).add("version", 1).when(Condition::Exists("pk"));
        stack.table("webhooks").update(&stack.webhook_key(&user, &webhook)?, moved).await?;
        let path = format!("/webhooks/{}", id_of(&webhook)?);
        user.call(Method::POST, &format!("{path}/test")).await?.success(202)?;
        let attempts = stack.attempts_after(&user, &webhook, 1).await?;
        let told = attempts[0]["error"].as_str().unwrap_or_default();
        assert!(told.starts_with(reason), "{url}: {told}");
        assert!(attempts[0]["response_status"].is_null(), "{url}");
        user.call(Method::DELETE, &path).await?.success(200)?;
    }
    // A name is taken when it is registered; and a redirect to within is an answer like any other.
    user.send(Method::POST, "/webhooks", &json!({"url": "https://localhost/hook"})).await?.success(201)?;
    let server = Receiver::start(&[Step::Redirect(format!("http://127.0.0.1:{port}/"))]).await?;
    let webhook = user.webhook(&server).await?;
    user.call(Method::POST, &format!("/webhooks/{}/test", id_of(&webhook)?)).await?.success(202)?;
    stack.attempts_after(&user, &webhook, 1).await?;

    assert_eq!(visits.load(Ordering::SeqCst), 0, "somebody has connected");
    // Had somebody, it would have been seen.
    let _visitor = TcpStream::connect(trap).await?;
    let seen = async || Ok((visits.load(Ordering::SeqCst) == 1).then_some(()));
    drover_tests::eventually("the trap sees who connects", seen).await
}

//! Headers, and what is no HTTP.

use drover_tests::raw::RawRequest;
use drover_tests::user::any_loopback_address;

use super::{Case, Victim, by};

#[tokio::test]
async fn no_header_leads_astray() -> anyhow::Result<()> {
    let victim = Victim::new().await?;
    let missing = "/tasks/00000000-0000-0000-0000-000000000000";
    let open = format!("/tasks/{}", victim.open.id);
    let get = || by(&victim.user, "GET", missing);
    let put = || by(&victim.user, "PUT", &open).body("{\"name\":5}");
    let cases = vec![
        Case::new("X-Forwarded-For", get().header("X-Forwarded-For", "127.0.0.1, ::1, unknown"), 404),
        Case::new("X-Forwarded-Host", get().header("X-Forwarded-Host", "evil.example"), 404),
        Case::new("X-Original-URL", get().header("X-Original-URL", "/health").header("X-Rewrite-URL", "/health"), 404),
        Case::new("Forwarded", get().header("Forwarded", "for=\"[::1]\";proto=https"), 404),
        Case::new("a long header", get().header("X-Long", "x".repeat(7_000)), 404),
        Case::new("many headers", (0..60).fold(get(), |get, n| get.header(&format!("X-Many-{n}"), "x")), 404),
        Case::new("bytes above ASCII", get().header("X-Bytes", b"\xff\xfe\x80".to_vec()), 404),
        Case::new("a request id that is none", get().header("X-Request-Id", "\u{e9} \t<script>"), 404),
        Case::new("a request id twice", get().header("X-Request-Id", "a").header("X-Request-Id", "b"), 404),
        Case::new("Accept nonsense", get().header("Accept", "////;;;q=999,\u{e9}"), 404),
        Case::new("Accept nothing", get().header("Accept", ""), 404),
        Case::new("Accept-Encoding", get().header("Accept-Encoding", "identity;q=0, *;q=0"), 404),
        Case::new("Range", get().header("Range", "bytes=0-0,-1,5-2"), 404),
        Case::new("If-None-Match", get().header("If-None-Match", "*"), 404),
        Case::new("If-Modified-Since", get().header("If-Modified-Since", "Thu, 01 Jan 2099 00:00:00 GMT"), 404),
        Case::new("Expect", put().header("Expect", "100-continue"), 400),
        Case::new("Upgrade", get().header("Upgrade", "websocket"), 404),
        Case::new(
            "a lambda's headers",
            get().header("X-Amzn-Trace-Id", "Root=x").header("Lambda-Runtime-Aws-Request-Id", "x"),
            404,
        ),
        Case::new(
            "a gateway's headers",
            get().header("X-Amz-Invocation-Type", "Event").header("X-Amz-Target", "DynamoDB.Scan"),
            404,
        ),
        Case::new("Content-Type nonsense", put().header("Content-Type", "/;;=\u{e9}"), 400),
        Case::new("Content-Type form", put().header("Content-Type", "multipart/form-data; boundary="), 400),
        Case::new("Content-Type text", put().header("Content-Type", "text/plain"), 400),
        Case::new("Content-Type binary", put().header("Content-Type", "application/octet-stream"), 400),
        Case::new("Content-Type UTF-16", put().header("Content-Type", "application/json; charset=utf-16"), 400),
        Case::new("Content-Encoding", put().header("Content-Encoding", "gzip"), 400),
        Case::new("Content-Encoding nonsense", put().header("Content-Encoding", "x, y, z"), 400),
        Case::new("Cookie", get().header("Cookie", "=;=;;;\u{e9}=1"), 404),
        Case::new("Origin", get().header("Origin", "null").header("Referer", "javascript:alert(1)"), 404),
        Case::new(
            "Host in an absolute target",
            RawRequest { target: format!("http://evil.example{missing}"), ..get() },
            404,
        ),
    ];
    victim.withstands(cases, &[]).await
}

/// What is no HTTP gets no further than the gateway: it cannot be in the contract's form, but it must be refused.
#[tokio::test]
async fn what_is_no_http_is_refused() -> anyhow::Result<()> {
    let victim = Victim::new().await?;
    let before = victim.belongings(&victim.user).await?;
    let open = format!("/tasks/{}", victim.open.id);
    for request in [
        by(&victim.user, "DELETE", &format!("{open}\u{0}")),
        by(&victim.user, "DELETE", &format!("{open} x")),
        by(&victim.user, "DELETE", "/tasks/<script>alert(1)</script>"),
        by(&victim.user, "DEL ETE", &open),
        by(&victim.user, "", &open),
        by(&victim.user, "DELETE", ""),
        by(&victim.user, "DELETE", &open).header("Content-Length", "5"),
        by(&victim.user, "DELETE", &open).header("Content-Length", "-1"),
        by(&victim.user, "DELETE", &open).header("X Space", "x"),
        by(&victim.user, "DELETE", &open).header("X-NUL", b"a\0b".to_vec()),
        by(&victim.user, "DELETE", &format!("/tasks/{}", "x".repeat(1 << 20))),
        by(&victim.user, "DELETE", &open).header("X-Huge", "x".repeat(1 << 20)),
        (0..500).fold(by(&victim.user, "DELETE", &open), |request, n| request.header(&format!("X-Many-{n}"), "x")),
    ] {
        let shown = format!("{} {:.60} {:.200?}", request.method, request.target, request.headers);
        // To hang up is a refusal, too.
        if let Ok(answer) = request.send(&victim.stack.url, any_loopback_address()).await {
            assert!((400..500).contains(&answer.status), "{shown}: {answer:?}");
        }
    }
    assert_eq!(victim.belongings(&victim.user).await?, before);
    Ok(())
}

//! Keys: missing, malformed, forged, and another's.

use drover_tests::Stack;
use drover_tests::raw::RawRequest;

use super::{Case, Victim, by};

#[tokio::test]
async fn no_key_but_the_right_one_opens_anything() -> anyhow::Result<()> {
    let victim = Victim::new().await?;
    let key = &victim.user.key;
    let flipped = |at: usize| {
        let mut bytes = key.clone().into_bytes();
        bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
        bytes
    };
    let text = |value: &str| value.as_bytes().to_vec();
    let bearer = |key: Vec<u8>| [b"Bearer ".to_vec(), key].concat();
    let mut headers: Vec<Vec<u8>> = vec![
        text(""),
        text("Bearer"),
        text("Bearer "),
        text(key),
        text(&format!("Basic {key}")),
        text(&format!("Token {key}")),
        text(&format!("Bearer: {key}")),
        text(&format!("Bearer {key} {key}")),
        text(&format!("Bearer {key},Bearer {key}")),
        text(&format!("Bearer \"{key}\"")),
        text(&format!("Bearer {}", &key[..key.len() - 1])),
        text(&format!("Bearer {key}0")),
        text(&format!("Bearer {}", key.to_uppercase())),
        text(&format!("Bearer {}", key.replace("sk_test_", "sk_live_"))),
        text(&format!("Bearer {}", key.replace("sk_test_", "sk_prod_"))),
        text(&format!("Bearer {}", key.trim_start_matches("sk_test_"))),
        text("Bearer sk_"),
        text("Bearer null"),
        text("Bearer undefined"),
        text("Bearer sk_test_*"),
        text("Bearer sk_test_' OR '1'='1"),
        text("Bearer KEY#KEY"),
        text("Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9."),
        text(&format!("Bearer sk_{}", "x".repeat(7_000))),
        text("Bearer sk_test_\u{e9}"),
        bearer(b"sk_test_\xff\xfe".to_vec()),
        bearer(flipped("sk_test_".len())),
        bearer(flipped(key.len() - 1)),
    ];
    headers.push(bearer(format!("sk_test_{}", "0".repeat(64)).into_bytes()));
    let open = format!("/tasks/{}", victim.open.id);
    let mut cases: Vec<Case> = headers
        .into_iter()
        .map(|header| {
            let shown = String::from_utf8_lossy(&header).chars().take(60).collect::<String>();
            Case::new(
                format!("Authorization: {shown}"),
                RawRequest::new("DELETE", &open).header("Authorization", header),
                401,
            )
        })
        .collect();
    for (name, request) in [
        ("no key", RawRequest::new("DELETE", &open)),
        ("in the query", RawRequest::new("DELETE", &format!("{open}?api_key={key}&access_token={key}"))),
        ("in another API's header", RawRequest::new("DELETE", &open).header("X-API-Key", key.as_bytes())),
        (
            "in a cookie",
            RawRequest::new("DELETE", &open).header("Cookie", format!("session={key}; access_token={key}")),
        ),
        ("in another header", RawRequest::new("DELETE", &open).header("X-Authorization", format!("Bearer {key}"))),
        ("for a proxy", RawRequest::new("DELETE", &open).header("Proxy-Authorization", format!("Bearer {key}"))),
        ("only asked to PUT", RawRequest::new("PUT", &open).body("{\"name\":\"Mine\"}")),
        ("only asked to POST", RawRequest::new("POST", "/tasks").body("{}")),
        ("only asked to HEAD", RawRequest::new("HEAD", &open)),
    ] {
        cases.push(Case::new(format!("no key: {name}"), request, 401));
    }
    victim.withstands(cases, &[]).await
}

#[tokio::test]
async fn anothers_task_is_not_there() -> anyhow::Result<()> {
    let victim = Victim::new().await?;
    let stack = Stack::from_environment()?;
    let attacker = stack.user().await?;
    let mut cases = Vec::new();
    for task in [&victim.open, &victim.ended] {
        let path = format!("/tasks/{}", task.id);
        for (method, path) in [
            ("GET", path.clone()),
            ("HEAD", path.clone()),
            ("PUT", path.clone()),
            ("DELETE", path.clone()),
            ("GET", format!("{path}/logs")),
            ("GET", format!("{path}/download")),
            ("GET", format!("{path}?user_id={}", victim.user.id)),
            ("DELETE", format!("{path}?force=true&user_id={}", victim.user.id)),
        ] {
            let body = format!("{{\"name\":\"Mine\",\"user_id\":\"{}\"}}", victim.user.id);
            let request = by(&attacker, method, &path).header("X-User-Id", victim.user.id.as_bytes()).body(body);
            cases.push(Case::new(format!("{method} {path}"), request, 404));
        }
    }
    victim.withstands(cases, &[attacker]).await
}

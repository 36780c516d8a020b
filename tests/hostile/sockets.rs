//! `/ws/…`: what callers send who mean no good, before a socket is open and in it. Nothing of it opens what is not theirs, nothing is a 5xx, and
//! who listens is told as before.

use anyhow::{Context, ensure};
use drover_tests::Stack;
use drover_tests::raw::RawRequest;
use drover_tests::user::any_loopback_address;
use futures::stream::{self, StreamExt, TryStreamExt};
use table::Clock;
use tokio_tungstenite::tungstenite::Message;

use super::AT_ONCE;

/// A handshake as a browser makes it.
fn handshake(target: &str) -> RawRequest {
    RawRequest::new("GET", target)
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("Sec-WebSocket-Version", "13")
}

/// Texts in place of a job's id.
fn ids(job: &str) -> Vec<String> {
    let texts = [
        "",
        "7",
        "..",
        "../jobs",
        "%00",
        "%0d%0a",
        "%ff",
        "%2f",
        "%252f",
        "*",
        "{job_id}",
        "%7Bjob_id%7D",
        "null",
        "-1",
        "00000000-0000-0000-0000-000000000000",
        "00000000-0000-0000-0000-00000000000",
        "TENANT%23x",
        "'%20OR%201=1--",
        "<script>",
        "%F0%9F%99%82",
        "$connect",
        "@connections/x",
        "a;b",
        "a&job_id=b",
    ];
    let mut ids: Vec<_> = texts.map(str::to_owned).into();
    ids.extend([
        job.to_uppercase(),
        job.replace('-', ""),
        format!("{{{job}}}"),
        format!("{job}%20"),
        format!("{job}/"),
        format!("{job}/x"),
        format!("{job}%00"),
        format!("urn:uuid:{job}"),
        "9".repeat(2_000),
    ]);
    ids
}

/// Keys that are none.
fn keys() -> Vec<Vec<u8>> {
    let texts =
        ["", " ", "sk_test_", "sk_test_0000", "null", "Bearer x", "a,b", "%00", "*", "' OR 1=1--", "sk_live_\t1"];
    let mut keys: Vec<Vec<u8>> = texts.map(|text| text.as_bytes().to_vec()).into();
    keys.extend([vec![0xff, 0xfe], "é".as_bytes().to_vec(), b"x".repeat(129), b"x".repeat(6_000)]);
    keys
}

#[tokio::test]
async fn no_handshake_opens_what_is_not_the_callers() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (client, studio) = (stack.video_client().await?, stack.studio(Clock::system()).await?);
    let job = studio.listed(&client.tenant, "khaby.lame", &["1"]).await?;
    let id = job.id.to_string();
    let mut requests = Vec::new();
    for (number, text) in ids(&id).into_iter().enumerate() {
        let target = format!("/ws/jobs/{text}");
        requests.push(handshake(&target));
        // By turns in the header and in the query. A key of its own: its bucket would be empty before the end.
        let key = client.new_key().await?;
        requests.push(if number % 2 == 0 {
            handshake(&target).header("X-API-Key", key)
        } else {
            handshake(&format!("{target}?api_key={key}"))
        });
    }
    for key in keys() {
        if let Ok(text) = std::str::from_utf8(&key) {
            let escaped: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
            requests.push(handshake(&format!("/ws/jobs/{id}?api_key={escaped}")));
            requests.push(handshake(&format!("/ws/jobs/{id}?API_KEY={escaped}&api_key[]={escaped}")));
        }
        requests.push(handshake(&format!("/ws/jobs/{id}")).header("X-API-Key", key));
    }
    let key = client.new_key().await?;
    for path in ["/ws", "/ws/", "/ws/jobs", "/ws/job/x", "/WS/jobs/x", "/ws//jobs/x", "/ws/jobs//x", "/ws/jobs/x/../y"]
    {
        requests.push(handshake(path).header("X-API-Key", key.as_str()));
    }
    for method in ["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"] {
        let request = RawRequest { method: method.to_owned(), ..handshake(&format!("/ws/jobs/{id}")) };
        requests.push(request.header("X-API-Key", "sk_test_0000"));
    }
    let plain = RawRequest::new("GET", &format!("/ws/jobs/{id}")).header("X-API-Key", key.as_str());
    requests.push(plain.clone());
    for upgrade in ["h2c", "websocket2", "", "web socket"] {
        requests.push(plain.clone().header("Upgrade", upgrade));
    }
    let count = requests.len();
    stream::iter(requests)
        .map(async |request| {
            let answer = request.send(&stack.url, any_loopback_address()).await?;
            let told = String::from_utf8_lossy(&answer.body).into_owned();
            ensure!((400..500).contains(&answer.status), "{request:?}: {} {told}", answer.status);
            ensure!(!told.contains(&id) && !told.contains(&client.tenant), "{request:?}: {told}");
            anyhow::Ok(())
        })
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await?;
    println!("{count} hostile handshakes withstood");
    let listening = sockets::Listeners::new(stack.table("video"), Clock::system()).of(&job.key).await?;
    ensure!(listening.is_empty(), "somebody listens: {listening:?}");
    Ok(())
}

#[tokio::test]
async fn nothing_that_is_sent_into_a_socket_changes_what_it_is_told() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (client, studio) = (stack.video_client().await?, stack.studio(Clock::system()).await?);
    let job = studio.listed(&client.tenant, "khaby.lame", &["1"]).await?;
    let mut socket = stack.socket(job.id, &client.new_key().await?).await?;
    socket.next().await?.context("closed at once")?;
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    let texts = [
        "",
        "null",
        "{",
        "{}",
        "[]",
        "{\"action\": \"$connect\"}",
        "{\"action\": \"$disconnect\"}",
        "{\"action\": \"$default\"}",
        "{\"action\": null}",
        "{\"action\": {\"a\": [1]}}",
        "{\"action\": \"cancel\", \"job_id\": \"x\"}",
        "{\"progress\": 100}",
        "\u{0}\u{1b}[2J",
        &deep,
    ];
    for text in texts {
        socket.send(Message::text(text)).await?;
    }
    for bytes in [vec![], vec![0xff; 1_000], b"x".repeat(30_000)] {
        socket.send(Message::binary(bytes)).await?;
    }
    socket.send(Message::Ping(b"still there?".to_vec().into())).await?;
    studio.work_through(&job, &[]).await?;
    let mut last = None;
    while let Some(told) = socket.news().await? {
        ensure!(told["progress"].is_u64(), "{told}");
        last = Some(told);
    }
    let last = last.context("closed without the end")?;
    ensure!(last["status"] == "completed", "{last}");
    Ok(())
}

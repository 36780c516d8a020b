//! Hostile requests, in one table: none makes a 5xx, each gets the contract's error body, and nothing changes.

use std::collections::BTreeSet;

use drover_tests::Stack;
use drover_tests::raw::RawRequest;
use drover_tests::scraper::{ADMIN, Claimed, Pool, QUEUE};
use drover_tests::user::any_loopback_address;
use futures::stream::{self, StreamExt};
use serde_json::{Value as Json, json};
use table::cursor;

/// How many requests are under way at once.
const AT_ONCE: usize = 4;

/// The one under attack: a pool of which a scraper holds one credential.
struct Victim {
    pool: Pool,
    claim: Claimed,
}

/// A hostile request, and what it must be answered.
struct Case {
    name: String,
    request: RawRequest,
    status: u16,
}

impl Victim {
    async fn new() -> anyhow::Result<Self> {
        let pool = Stack::from_environment()?.pool(2).await?;
        let claim = pool.claim().await?;
        Ok(Self { pool, claim })
    }

    /// A request of the holder.
    fn scraper(&self, method: &str, path: &str) -> RawRequest {
        RawRequest::new(method, &format!("{QUEUE}{path}")).header("X-Scraper-API-Key", self.pool.scraper.key.as_bytes())
    }

    /// A request of the administrator.
    fn admin(&self, method: &str, path: &str) -> RawRequest {
        RawRequest::new(method, &format!("{ADMIN}{path}")).header("X-Scraper-API-Key", self.pool.admin.key.as_bytes())
    }

    /// A report on the credential that is held.
    fn report(&self, what: &str) -> RawRequest {
        self.scraper("POST", &format!("/{}/{what}", self.claim.id))
    }

    fn platform(&self) -> &str {
        &self.pool.platform
    }
}

fn case(name: impl Into<String>, request: RawRequest, status: u16) -> Case {
    Case { name: name.into(), request, status }
}

/// The beginning of a text, for the name of a case.
fn shown(text: &[u8]) -> String {
    String::from_utf8_lossy(text).chars().take(50).collect()
}

/// What is no JSON object at all, for any endpoint that takes a body.
fn bodies() -> Vec<Vec<u8>> {
    let texts = [
        "{",
        "}",
        "[]",
        "[1]",
        "null",
        "true",
        "0",
        "\"text\"",
        "{\"a\":1,}",
        "{'a':1}",
        "{\"a\":NaN}",
        "{\"a\":1e999}",
        "{} {}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\\x\"}",
        "<xml/>",
        "a=b&c=d",
        "\u{feff}{}",
        "--",
    ];
    let mut bodies: Vec<_> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    bodies.push(b"{\"a\":\"\xff\xfe\"}".to_vec());
    bodies.push([vec![b'['; 20_000], vec![b']'; 20_000]].concat());
    bodies.push(format!("{{\"a\":{}1{}}}", "[".repeat(5_000), "]".repeat(5_000)).into_bytes());
    bodies.push(format!("{{\"a\":\"{}\"}}", "x".repeat(1024 * 1024)).into_bytes());
    bodies
}

fn keys(victim: &Victim) -> Vec<Case> {
    let key = &victim.pool.scraper.key;
    let texts = [
        String::new(),
        " ".to_owned(),
        "x".to_owned(),
        key[..key.len() - 1].to_owned(),
        format!("{key}0"),
        key.to_uppercase(),
        key.replace("sk_live_", "sk_test_"),
        key.trim_start_matches("sk_live_").to_owned(),
        format!("Bearer {key}"),
        format!("{key} {key}"),
        format!("{key},{key}"),
        format!("\"{key}\""),
        "sk_live_*".to_owned(),
        "sk_live_' OR '1'='1".to_owned(),
        "null".to_owned(),
        "KEY#KEY#KEY".to_owned(),
        format!("sk_{}", "x".repeat(7_000)),
        "sk_live_é".to_owned(),
    ];
    let path = format!("{QUEUE}/{}/success", victim.claim.id);
    let bare = || RawRequest::new("POST", &path);
    let mut cases: Vec<_> = texts
        .into_iter()
        .map(|text| case(format!("key {}", shown(text.as_bytes())), bare().header("X-Scraper-API-Key", text), 401))
        .collect();
    cases.extend([
        case("no key", bare(), 401),
        case("bytes for a key", bare().header("X-Scraper-API-Key", b"sk_live_\xff\xfe\x80".to_vec()), 401),
        case("in another API's header", bare().header("X-API-Key", key.as_bytes()), 401),
        case("as a bearer", bare().header("Authorization", format!("Bearer {key}")), 401),
        case("in a cookie", bare().header("Cookie", format!("X-Scraper-API-Key={key}")), 401),
        case("in the query", RawRequest::new("POST", &format!("{path}?X-Scraper-API-Key={key}&api_key={key}")), 401),
        case(
            "a scraper at the administration",
            RawRequest::new("GET", &format!("{ADMIN}/keys")).header("X-Scraper-API-Key", key.as_bytes()),
            403,
        ),
    ]);
    cases
}

fn paths(victim: &Victim) -> Vec<Case> {
    let long = "9".repeat(3_000);
    let mut cases = Vec::new();
    let ids = [
        "0",
        "-1",
        "+1",
        "01",
        "1.0",
        "1e3",
        "0x10",
        "1%00",
        "%00",
        "%ff",
        "1%20",
        "%201",
        "1,2",
        "*",
        "NaN",
        "null",
        "true",
        "1;2",
        "%EF%BC%91",
        "%D9%A1",
        "1%2F2",
        "..%2F1",
        "18446744073709551615",
        "18446744073709551616",
        "CRED%231",
        &long,
    ];
    for id in ids {
        cases.push(case(
            format!("success of {}", shown(id.as_bytes())),
            victim.scraper("POST", &format!("/{id}/success")),
            404,
        ));
        cases.push(case(
            format!("show {}", shown(id.as_bytes())),
            victim.admin("GET", &format!("/credentials/{id}")),
            404,
        ));
    }
    let platforms = [
        "LINKEDIN",
        "linkedin%20",
        "linkedin%00",
        "%ff",
        "%C3%A9",
        "%23id",
        "*",
        "PLATFORMS",
        "'%20OR%201",
        "linkedin;",
        &long,
    ];
    for platform in platforms {
        cases.push(case(
            format!("next of {}", shown(platform.as_bytes())),
            victim.scraper("GET", &format!("/{platform}/next")),
            400,
        ));
        cases.push(case(
            format!("pool {}", shown(platform.as_bytes())),
            victim.admin("GET", &format!("/pools/{platform}")),
            404,
        ));
        let put = victim.admin("PUT", &format!("/platforms/{platform}")).body("{\"secret\":\"credentials\"}");
        cases.push(case(format!("add platform {}", shown(platform.as_bytes())), put, 400));
    }
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
        cases.push(case(
            format!("{method} next"),
            victim.scraper(method, &format!("/{}/next", victim.platform())),
            405,
        ));
        cases.push(case(
            format!("{method} success"),
            victim.scraper(method, &format!("/{}/success", victim.claim.id)),
            405,
        ));
    }
    for key in ["x", "%00", "..%2f..", "SCRAPERS", &long] {
        cases.push(case(
            format!("revoke {}", shown(key.as_bytes())),
            victim.admin("DELETE", &format!("/keys/{key}")),
            404,
        ));
    }
    cases
}

fn queries(victim: &Victim) -> Vec<Case> {
    let long = "x".repeat(3_000);
    let mut cases = Vec::new();
    let nexts = [
        "lease_seconds=0",
        "lease_seconds=29",
        "lease_seconds=43201",
        "lease_seconds=-60",
        "lease_seconds=1e3",
        "lease_seconds=60.5",
        "lease_seconds=%2060",
        "lease_seconds=NaN",
        "lease_seconds=18446744073709551616",
        "lease_seconds=60&lease_seconds=1",
        "lease_seconds=%00",
        "lease_seconds=%EF%BC%99%EF%BC%99",
        "session_id=a%00b",
        &format!("session_id={long}"),
    ]
    .map(str::to_owned);
    for query in nexts {
        let path = format!("/{}/next?{query}", victim.platform());
        cases.push(case(format!("next?{}", shown(query.as_bytes())), victim.scraper("GET", &path), 400));
    }
    // Cursors as they might be forged: keys that are empty, of another table, out of range, far too long.
    let forged = [
        cursor::write(&json!({"part": 0, "after": ["", "", 0]})),
        cursor::write(&json!({"part": 0, "after": ["CRED#1", "CRED", 0]})),
        cursor::write(&json!({"part": 0, "after": [-1, 0]})),
        cursor::write(&json!({"part": 0, "after": [1.5, 0]})),
        cursor::write(&json!({"part": -1, "after": null})),
        cursor::write(&json!({"after": null})),
        cursor::write(&json!("PLATFORMS")),
        Some("e30".to_owned()),
        Some("%00".to_owned()),
        Some("a".repeat(3_000)),
        Some("....".to_owned()),
    ];
    let path = format!("/credentials?platform={}", victim.platform());
    for forged in forged.into_iter().flatten() {
        cases.push(case(
            format!("list after {}", shown(forged.as_bytes())),
            victim.admin("GET", &format!("{path}&cursor={forged}")),
            400,
        ));
    }
    let future = cursor::write(&json!({"part": 0, "after": [1, u64::MAX]})).unwrap_or_default();
    cases.push(case(
        "list after what is yet to come",
        victim.admin("GET", &format!("{path}&status=available&cursor={future}")),
        400,
    ));
    let places = [
        cursor::write(&json!("")),
        cursor::write(&json!("x".repeat(1_100))),
        cursor::write(&json!(["AUDIT#CRED#1", "0"])),
        Some("x".to_owned()),
    ];
    for place in places.into_iter().flatten() {
        let path = format!("/credentials/{}/audit?cursor={place}", victim.claim.id);
        cases.push(case(format!("audit after {}", shown(place.as_bytes())), victim.admin("GET", &path), 400));
    }
    for query in [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=x",
        "limit=%00",
        "status=gone",
        "status=AVAILABLE",
        "status=%00",
        "platform=myspace",
        "platform=%00",
    ] {
        cases.push(case(format!("list?{query}"), victim.admin("GET", &format!("/credentials?{query}")), 400));
    }
    for query in ["cursor=x", "cursor=%00", "limit=0", "limit=1e1"] {
        cases.push(case(format!("keys?{query}"), victim.admin("GET", &format!("/keys?{query}")), 400));
    }
    cases
}

fn tokens(victim: &Victim) -> Vec<Case> {
    let mut cases = Vec::new();
    for token in ["", "x", "-1", "1.0", "1e0", "0x1", "1 1", "1,1", "18446744073709551616", "null", "٣", "\"1\""] {
        cases.push(case(format!("token {token}"), victim.report("success").header("X-Lease-Token", token), 400));
    }
    cases.push(case("token of bytes", victim.report("success").header("X-Lease-Token", b"\xff".to_vec()), 400));
    for token in ["0", "2", "18446744073709551615"] {
        for what in ["success", "release", "heartbeat"] {
            cases.push(case(
                format!("{what} under token {token}"),
                victim.report(what).header("X-Lease-Token", token),
                409,
            ));
        }
    }
    cases
}

fn fields(victim: &Victim) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut body = |what: &str, request: RawRequest, body: Json| {
        let text = body.to_string();
        cases.push(case(format!("{what} {}", shown(text.as_bytes())), request.body(text), 400));
    };
    for wrong in [json!(1), json!([]), json!({}), json!(true), json!("a\u{0}b"), json!("x".repeat(2_001))] {
        body("success", victim.report("success"), json!({"message": wrong}));
        body("failure", victim.report("failure"), json!({"error_message": wrong}));
    }
    for wrong in [
        json!(-1),
        json!(43_201),
        json!(1.5),
        json!("60"),
        json!([60]),
        json!({}),
        json!(true),
        json!(u64::MAX),
        json!(1e300),
    ] {
        body("failure", victim.report("failure"), json!({"error_message": "x", "cooldown_minutes": wrong}));
        body("heartbeat", victim.report("heartbeat"), json!({"lease_seconds": wrong}));
    }
    body("failure", victim.report("failure"), json!({"error_message": "\u{3000}\t"}));
    let new = json!({"platform": victim.platform(), "name": "x", "email": "x", "password": "x"});
    for field in ["platform", "name", "email", "password"] {
        for wrong in
            [json!(null), json!(""), json!(7), json!(["x"]), json!({"x": 1}), json!("x\u{0}"), json!("x".repeat(1_001))]
        {
            let mut new = new.clone();
            new[field] = wrong;
            body("create", victim.admin("POST", "/credentials"), new);
        }
    }
    // What the platform does not want has a type too.
    let mut new = new;
    new["credentials"] = json!(["x"]);
    body("create", victim.admin("POST", "/credentials"), new);
    let path = format!("/credentials/{}", victim.claim.id);
    for wrong in [
        json!({"name": ""}),
        json!({"name": []}),
        json!({"email": "x"}),
        json!({"password": "x"}),
        json!({"email": 1, "password": 2}),
    ] {
        body("edit", victim.admin("PATCH", &path), wrong);
    }
    let platform = format!("/platforms/{}", victim.platform());
    for wrong in [
        json!({"lease_seconds": 1}),
        json!({"lease_seconds": "60"}),
        json!({"order": "random"}),
        json!({"order": 1}),
        json!({"order": {}}),
        json!({"retire_after": 0}),
        json!({"retire_after": -1}),
        json!({"retire_after": 1.5}),
        json!({"cooldown_base_minutes": 1e9}),
        json!({"cooldown_cap_minutes": [1]}),
        json!({"secret": 1}),
    ] {
        body("settings", victim.admin("PUT", &platform), wrong);
    }
    for wrong in [
        json!({}),
        json!({"name": null}),
        json!({"name": 1}),
        json!({"name": "x\u{0}"}),
        json!({"name": "x".repeat(201)}),
    ] {
        body("key", victim.admin("POST", "/keys"), wrong);
    }
    cases
}

fn whole_bodies(victim: &Victim) -> Vec<Case> {
    let mut cases = Vec::new();
    for body in bodies() {
        for (what, request) in [
            ("success", victim.report("success")),
            ("failure", victim.report("failure")),
            ("create", victim.admin("POST", "/credentials")),
        ] {
            cases.push(case(format!("{what} {}", shown(&body)), request.body(body.clone()), 400));
        }
    }
    let path = format!("/credentials/import?platform={}", victim.platform());
    let rows = [
        ("application/x-ndjson", b"{\"name\":\"x\"}".to_vec()),
        ("application/x-ndjson", b"\xff\xfe".to_vec()),
        ("application/x-ndjson", vec![b'['; 100_000]),
        ("text/csv", b"name\nx\n".to_vec()),
        ("text/csv", b"{}".to_vec()),
        ("text/csv", b"name,email,password\n\"x\n".to_vec()),
        ("text/csv", b"name,email,password\nx,x,x,x\n".to_vec()),
        ("text/csv", b"name,email,password\nx,\x00,x\n".to_vec()),
        ("multipart/form-data", b"x".to_vec()),
        ("", b"x".to_vec()),
    ];
    for (media_type, body) in rows {
        let name = format!("import {media_type} {}", shown(&body));
        cases.push(case(name, victim.admin("POST", &path).header("Content-Type", media_type).body(body), 400));
    }
    cases
}

#[tokio::test]
async fn no_request_goes_through_or_breaks_anything() -> anyhow::Result<()> {
    let victim = Victim::new().await?;
    let settings = format!("/platforms/{}", victim.platform());
    let belongings = async || {
        anyhow::Ok((
            victim.pool.stored().await?,
            victim.pool.counts().await?,
            victim.pool.admin.admin_get(&settings).await?,
        ))
    };
    let before = belongings().await?;
    let cases: Vec<_> =
        [keys(&victim), paths(&victim), queries(&victim), tokens(&victim), fields(&victim), whole_bodies(&victim)]
            .into_iter()
            .flatten()
            .collect();
    let names: BTreeSet<_> = cases.iter().map(|case| (&case.name, &case.request.target)).collect();
    println!("{} requests", names.len());
    assert!(names.len() >= 150, "{} cases only", names.len());
    let strike = async |case: &Case| {
        let fault = match case.request.send(&victim.pool.stack.url, any_loopback_address()).await {
            Ok(answer) => answer.queue_error(case.status).err(),
            Err(error) => Some(error),
        };
        fault.map(|error| format!("  {} {}: {error:#}", case.request.method, case.name))
    };
    let faults: Vec<_> = stream::iter(&cases).map(strike).buffer_unordered(AT_ONCE).collect().await;
    let faults: Vec<_> = faults.into_iter().flatten().collect();
    assert!(faults.is_empty(), "{} of {} went through:\n{}", faults.len(), cases.len(), faults.join("\n"));
    assert_eq!(belongings().await?, before);
    Ok(())
}

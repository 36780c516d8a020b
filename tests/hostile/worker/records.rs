//! `/api/backlinks`, `/api/site-accounts` and `/api/proxies`.

use anyhow::Context;
use drover_tests::Stack;
use drover_tests::worker::Worker;
use serde_json::{Value as Json, json};
use table::{Item, Key, cursor};

use super::{Attack, changed, withstand};
use crate::hostile::bodies::wrong_texts;

/// Requests a minute, by address.
const LIMIT: u64 = 60;
/// Nothing has this number.
const MISSING: &str = "9007199254740991";

/// The one under attack: a record of each kind, and the last number of each.
struct Victim {
    stack: Stack,
    admin: Worker,
    worker: Worker,
    backlink: String,
    site_account: String,
    proxy: String,
}

impl Victim {
    async fn new() -> anyhow::Result<Self> {
        let stack = Stack::from_environment()?;
        let (admin, worker) = (stack.worker_administrator()?, stack.worker().await?);
        let backlink = worker.made("/backlinks", "backlink", &backlink()).await?["id"].to_string();
        let site_account = worker.made("/site-accounts", "site_account", &site_account()).await?["id"].to_string();
        let proxy = admin.proxy(&proxy()).await?.to_string();
        Ok(Self { stack, admin, worker, backlink, site_account, proxy })
    }

    /// Its records as they are stored.
    async fn belongings(&self) -> anyhow::Result<Vec<Item>> {
        let table = self.stack.table("worker");
        let mut items = Vec::new();
        for (kind, id) in [("BACKLINK", &self.backlink), ("SITE_ACCOUNT", &self.site_account), ("PROXY", &self.proxy)] {
            items.push(table.get_item(&Key::new(format!("{kind}#{id}"), "RECORD"), true).await?.context("it is gone")?);
        }
        Ok(items)
    }

    async fn withstands(&self, attacks: &[Attack]) -> anyhow::Result<()> {
        let before = self.belongings().await?;
        withstand(&self.stack.url, LIMIT, attacks).await?;
        assert_eq!(self.belongings().await?, before);
        Ok(())
    }
}

fn backlink() -> Json {
    json!({"campaign_id": 5, "url": "https://example.com/article#comment-123", "type": "comment"})
}

fn site_account() -> Json {
    json!({"campaign_id": 5, "site_domain": "example.com"})
}

fn proxy() -> Json {
    json!({"host": "proxy.example.com", "port": 8080, "country": "US"})
}

fn long(length: usize) -> Json {
    json!("x".repeat(length))
}

/// What is no positive whole number.
fn no_numbers() -> Vec<Json> {
    vec![json!(0), json!(-1), json!(1.5), json!(1e300), json!("5"), json!([1]), json!({}), json!(true)]
}

/// What is no moment.
fn no_moments() -> Vec<Json> {
    vec![
        json!(""),
        json!("yesterday"),
        json!(1_764_756_900),
        json!("2025-12-03"),
        json!("2025-12-03T10:15:00"),
        json!("2025-13-03T10:15:00Z"),
        json!("1969-12-31T23:59:59Z"),
        json!("2025-12-03T10:15:00Z\u{0}"),
        json!(["2025-12-03T10:15:00Z"]),
    ]
}

/// What is no address of a page.
fn no_addresses() -> Vec<Json> {
    vec![
        json!(""),
        json!(5),
        json!("example.com"),
        json!("//example.com/"),
        json!("/article"),
        json!("javascript:alert(1)"),
        json!("data:text/html,x"),
        json!("file:///etc/passwd"),
        json!("https://user:word@example.com/"),
        json!("https://"),
        json!("https://exa mple.com/"),
        json!("http://[::1"),
        json!("http://example.com:99999/"),
        json!("https://example.com/\u{0}"),
        json!("https://example.com/\r\nSet-Cookie: a=b"),
        json!(format!("https://example.com/{}", "x".repeat(2_048))),
        json!(["https://example.com/"]),
    ]
}

fn wrong_backlinks() -> Vec<(&'static str, Vec<Json>)> {
    let text = || vec![json!(5), json!(["x"]), json!({}), json!("a\u{0}b"), json!("a\nb"), long(501), long(100_000)];
    vec![
        ("campaign_id", no_numbers()),
        ("url", no_addresses()),
        ("type", vec![json!(""), json!("Comment"), json!("banner"), json!(0), json!(["comment"]), long(10_000)]),
        ("status", vec![json!(""), json!("VERIFIED"), json!("done"), json!(1), json!({"verified": true})]),
        ("keyword", text()),
        ("anchor_text", text()),
        ("site_account_id", no_numbers()),
        ("verified_at", no_moments()),
    ]
}

fn wrong_site_accounts() -> Vec<(&'static str, Vec<Json>)> {
    vec![
        ("campaign_id", no_numbers()),
        (
            "site_domain",
            vec![
                json!(""),
                json!(5),
                json!("localhost"),
                json!("example.com."),
                json!("exa mple.com"),
                json!("https://example.com"),
                json!("example.com/path"),
                json!("example.com:80"),
                json!("user@example.com"),
                json!("127.0.0.1"),
                json!("a..b.com"),
                json!("-a.com"),
                json!("m\u{fc}nchen.de"),
                json!("example.com\u{0}"),
                long(300),
            ],
        ),
        ("username", vec![json!(""), json!(5), json!(["x"]), json!("a\u{0}b"), long(256)]),
        (
            "email",
            vec![
                json!(""),
                json!(5),
                json!("john"),
                json!("john@"),
                json!("@example.com"),
                json!("john@exa mple.com"),
                json!("a@b@example.com"),
                json!("john@example.com\r\nBcc: x@example.com"),
                json!("<john@example.com>"),
                json!(format!("{}@example.com", "x".repeat(65))),
                json!(format!("x@{}.com", "x.".repeat(130))),
            ],
        ),
        ("status", vec![json!(""), json!("Verified"), json!("pending"), json!(1), json!([])]),
        ("verification_link", no_addresses()),
        ("verified_at", no_moments()),
    ]
}

fn wrong_proxies() -> Vec<(&'static str, Vec<Json>)> {
    let word = || vec![json!(5), json!(["x"]), json!({}), json!("a\u{0}b"), json!("a\r\nb"), long(256), long(100_000)];
    vec![
        (
            "host",
            vec![
                json!(""),
                json!(5),
                json!("http://proxy"),
                json!("proxy:80"),
                json!("user@proxy"),
                json!("pro xy"),
                json!("proxy\u{0}"),
                json!("[::1]"),
                json!("a..b"),
                json!("_proxy"),
                long(64),
                json!(["proxy"]),
            ],
        ),
        ("port", [no_numbers(), vec![json!(65_536), json!(u64::MAX), json!("80")]].concat()),
        ("username", word()),
        ("password", word()),
        ("type", vec![json!(""), json!("HTTP"), json!("ftp"), json!(1), json!([])]),
        ("country", vec![json!(""), json!("U"), json!("USA"), json!("U1"), json!(1), json!("\u{e9}"), json!(["US"])]),
        ("is_active", vec![json!(1), json!("true"), json!([])]),
    ]
}

/// The texts that are objects of fields which no record has, or nothing.
fn is_an_object(name: &str) -> bool {
    ["nothing", "white space", "a name twice", "a deep name"].contains(&name)
}

#[tokio::test]
async fn no_body_that_is_no_record_makes_or_changes_one() -> anyhow::Result<()> {
    let victim = Victim::new().await?;
    let Victim { admin, worker, .. } = &victim;
    let mut attacks = Vec::new();
    for (by, path, id, valid, wrong) in [
        (worker, "/backlinks", &victim.backlink, backlink(), wrong_backlinks()),
        (worker, "/site-accounts", &victim.site_account, site_account(), wrong_site_accounts()),
        (admin, "/proxies", &victim.proxy, proxy(), wrong_proxies()),
    ] {
        let one = format!("{path}/{id}");
        let bodies = changed(&valid, &wrong);
        for body in &bodies {
            attacks.push(Attack::json(by, "POST", path, body));
            attacks.push(Attack::json(by, "PUT", &one, body));
        }
        // Not there, and none: a record cannot be made without, and nothing is changed by it.
        for field in valid.as_object().context("no object")?.keys().take(2) {
            let mut body = valid.clone();
            body[field] = Json::Null;
            attacks.push(Attack::json(by, "POST", path, &body));
            attacks.push(Attack::json(by, "PUT", &one, &json!({field: null})));
        }
        for whole in [json!(null), json!([]), json!([valid]), json!("text"), json!(5), json!({})] {
            attacks.push(Attack::json(by, "POST", path, &whole));
            attacks.push(Attack::json(by, "PUT", &one, &whole));
        }
        for (name, body) in wrong_texts() {
            for (method, path) in [("POST", path), ("PUT", one.as_str())] {
                let attack = Attack::new(by, method, path, body.clone(), 400);
                attacks.push(Attack { name: format!("{method} {path} {name}"), ..attack });
            }
        }
    }
    let many = [
        json!({"proxies": []}),
        json!({"proxies": null, "host": "proxy", "port": 80}),
        json!({"proxies": {"0": proxy()}}),
        json!({"proxies": [null]}),
        json!({"proxies": [proxy(), 5]}),
        json!({"proxies": [proxy(), {"host": "proxy"}]}),
        json!({"proxies": [proxy()], "partial": "yes"}),
        json!({"proxies": vec![proxy(); 501]}),
    ];
    attacks.extend(many.iter().map(|body| Attack::json(admin, "POST", "/proxies", body)));
    for what in ["success", "failure"] {
        let path = format!("/proxies/{}/{what}", victim.proxy);
        attacks.extend(
            [json!([]), json!("x"), json!(5), json!(null)].map(|body| Attack::json(worker, "POST", &path, &body)),
        );
        attacks.extend(wrong_texts().into_iter().filter(|(name, _)| !is_an_object(name)).map(|(name, body)| {
            let attack = Attack::new(worker, "POST", &path, body, 400);
            Attack { name: format!("{what} {name}"), ..attack }
        }));
        for key in ["", "\u{e9}", "a b", &"x".repeat(256)] {
            let mut attack = Attack::new(worker, "POST", &path, "{}", 400);
            attack.request = attack.request.header("Idempotency-Key", key.as_bytes());
            attacks.push(Attack { name: format!("{what} with Idempotency-Key {key:.20}"), ..attack });
        }
    }
    println!("{} requests", attacks.len());
    assert!(attacks.len() >= 400, "{}", attacks.len());
    victim.withstands(&attacks).await
}

#[tokio::test]
async fn no_path_or_query_leads_astray() -> anyhow::Result<()> {
    let victim = Victim::new().await?;
    let Victim { admin, worker, proxy, .. } = &victim;
    let mut attacks = Vec::new();
    for id in [
        "0",
        "-1",
        "+1",
        "1.0",
        "1e3",
        "0x1",
        "00",
        "99999999999999999999",
        MISSING,
        "x",
        "%00",
        "%20",
        "*",
        "%2e%2e",
        "..%2f..",
        "1%2fsuccess",
        "PROXY%231",
        "%EF%BC%91",
        "1%20OR%201=1",
        "null",
        "%ff",
    ] {
        attacks.push(Attack::new(worker, "PUT", &format!("/backlinks/{id}"), "{\"status\":\"verified\"}", 404));
        attacks.push(Attack::new(worker, "PUT", &format!("/site-accounts/{id}"), "{\"status\":\"verified\"}", 404));
        attacks.push(Attack::new(worker, "POST", &format!("/proxies/{id}/failure"), "{}", 404));
        attacks.push(Attack::new(admin, "DELETE", &format!("/proxies/{id}"), "", 404));
    }
    for path in [
        format!("/proxies/0{proxy}/failure"),
        format!("/proxies/{proxy}/failure/"),
        format!("/proxies//{proxy}/failure"),
        format!("/proxies/{proxy}/FAILURE"),
        format!("/proxies/{proxy}/enable"),
    ] {
        attacks.push(Attack::new(worker, "POST", &path, "{}", 404));
    }
    for query in [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=1.5",
        "limit=x",
        "limit=%00",
        "limit=18446744073709551616",
        "cursor=x",
        "cursor=%00",
        "cursor=eyJhIjoxfQ",
    ] {
        attacks.push(Attack::get(worker, &format!("/proxies?{query}"), 400));
        for path in ["/proxies/inventory", "/backlinks", "/site-accounts"] {
            attacks.push(Attack::get(admin, &format!("{path}?{query}"), 400));
        }
    }
    let forged = [json!("x"), json!(7), json!([1]), json!([1, "2"]), json!([-1, 1]), json!([1, 1.5]), json!({"id": 1})];
    for position in forged.iter().filter_map(cursor::write) {
        attacks.push(Attack::get(worker, &format!("/proxies?cursor={position}"), 400));
        attacks.push(Attack::get(admin, &format!("/proxies/inventory?cursor={position}"), 400));
    }
    for query in [
        "country=USA",
        "country=U",
        "country=1",
        "country=%00",
        "country=%ff%fe",
        "country=US%20",
        "country=*",
        "active_only=yes",
        "active_only=2",
        "active_only=%00",
        "active_only=true,false",
    ] {
        attacks.push(Attack::get(worker, &format!("/proxies?{query}"), 400));
    }
    println!("{} requests", attacks.len());
    assert!(attacks.len() >= 150, "{}", attacks.len());
    victim.withstands(&attacks).await
}

#[tokio::test]
async fn no_method_and_no_token_of_another_leads_astray() -> anyhow::Result<()> {
    let victim = Victim::new().await?;
    let Victim { admin, worker, proxy, backlink, .. } = &victim;
    let mut attacks = Vec::new();
    for (method, path) in [
        ("DELETE", format!("/backlinks/{backlink}")),
        ("PATCH", format!("/backlinks/{backlink}")),
        ("DELETE", "/site-accounts".to_owned()),
        ("PUT", "/proxies".to_owned()),
        ("DELETE", "/proxies".to_owned()),
        ("DELETE", "/proxies/inventory".to_owned()),
        ("GET", format!("/proxies/{proxy}/failure")),
        ("PUT", format!("/proxies/{proxy}/success")),
        ("POST", format!("/proxies/{proxy}")),
    ] {
        attacks.push(Attack::new(admin, method, &path, "{}", 405));
    }
    // What is an administrator's, with a worker's token.
    for (method, path) in [
        ("GET", "/proxies/inventory".to_owned()),
        ("POST", "/proxies".to_owned()),
        ("GET", format!("/proxies/{proxy}")),
        ("PUT", format!("/proxies/{proxy}")),
        ("DELETE", format!("/proxies/{proxy}")),
        ("GET", format!("/backlinks/{backlink}")),
        ("GET", "/backlinks".to_owned()),
        ("GET", "/site-accounts".to_owned()),
    ] {
        attacks.push(Attack::new(worker, method, &path, "{\"is_active\":false}", 403));
    }
    for (method, path) in [("DELETE", format!("/proxies/{proxy}")), ("GET", "/proxies".to_owned())] {
        attacks.extend(Attack::without_token(worker, method, &path, &admin.token));
    }
    victim.withstands(&attacks).await
}

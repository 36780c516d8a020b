//! Bodies: wrong types, wrong values, wrong JSON, no JSON.

use std::io::Write;

use drover_tests::Stack;
use futures::future::try_join_all;
use serde_json::{Value as Json, json};

use super::{Case, Victim, by};

/// Fewer than a key may create in a minute.
const TASKS_PER_KEY: usize = 25;

fn valid() -> Json {
    let config = json!({"urls": ["https://example.com/products"], "selectors": {"title": "h1"}});
    json!({"name": "Extract", "task_type": "simple_scraping", "config": config})
}

/// The valid body with one value changed.
fn with(pointer: &str, value: Json) -> Json {
    let mut body = valid();
    if let Some((parent, name)) = pointer.rsplit_once('/')
        && let Some(parent) = body.pointer_mut(parent)
    {
        parent[name] = value;
    }
    body
}

/// The valid body without one of its fields.
fn without(pointer: &str) -> Json {
    let mut body = valid();
    if let Some((parent, name)) = pointer.rsplit_once('/') {
        body.pointer_mut(parent).and_then(Json::as_object_mut).and_then(|parent| parent.remove(name));
    }
    body
}

/// Bodies of JSON that are no task.
fn wrong_values() -> Vec<(String, Vec<u8>)> {
    let mut bodies: Vec<Json> =
        ["/name", "/task_type", "/config", "/config/urls", "/config/selectors"].map(without).to_vec();
    bodies.extend([json!(null), json!([]), json!([valid()]), json!("text"), json!(5), json!(true), json!({})]);
    let wrong = wrong_heads().into_iter().chain(wrong_configs());
    bodies.extend(wrong.flat_map(|(pointer, values)| values.into_iter().map(move |value| with(pointer, value))));
    bodies.into_iter().map(|body| (shortened(&body.to_string()), body.to_string().into_bytes())).collect()
}

/// Values that the fields of a task must not have.
fn wrong_heads() -> Vec<(&'static str, Vec<Json>)> {
    let long = |length: usize| json!("x".repeat(length));
    vec![
        (
            "/name",
            vec![
                json!(null),
                json!(5),
                json!([]),
                json!({}),
                json!(""),
                json!("  \t"),
                json!("a\u{0}b"),
                json!("a\nb"),
                long(201),
                long(100_000),
            ],
        ),
        ("/description", vec![json!(5), json!(["x"]), json!({"a": 1}), long(2_001)]),
        (
            "/priority",
            vec![
                json!(0),
                json!(11),
                json!(-1),
                json!(5.5),
                json!(1e300),
                json!("5"),
                json!(null),
                json!([]),
                json!(18_446_744_073_709_551_615_u64),
            ],
        ),
        (
            "/task_type",
            vec![
                json!("quantum"),
                json!("SIMPLE_SCRAPING"),
                json!(""),
                json!(null),
                json!(0),
                json!(["simple_scraping"]),
            ],
        ),
        ("/config", vec![json!(null), json!([]), json!("{}"), json!(7)]),
    ]
}

/// Values that the fields of a task's configuration must not have.
fn wrong_configs() -> Vec<(&'static str, Vec<Json>)> {
    vec![
        (
            "/config/urls",
            vec![
                json!(null),
                json!([]),
                json!("https://example.com"),
                json!({"0": "https://example.com"}),
                json!([null]),
                json!([5]),
                json!([["https://example.com"]]),
                json!([""]),
                json!(["products.html"]),
                json!(["//example.com/x"]),
                json!(["https://"]),
                json!(["https://exa mple.com"]),
                json!(["http://[::1"]),
                json!(["http://example.com:99999/"]),
                json!(["javascript:alert(1)"]),
                json!(["data:text/html,<h1>x"]),
                json!(["file:///etc/passwd"]),
                json!(["https://user:word@example.com/"]),
                json!([format!("https://example.com/{}", "x".repeat(2_048))]),
                json!(vec!["https://example.com"; 101]),
                json!(vec!["https://example.com"; 30_000]),
            ],
        ),
        (
            "/config/selectors",
            vec![
                json!(null),
                json!({}),
                json!([]),
                json!(["h1"]),
                json!("h1"),
                json!({"": "h1"}),
                json!({"a": ""}),
                json!({"a": null}),
                json!({"a": 5}),
                json!({"a": ["h1"]}),
                json!({"a": "h1[["}),
                json!({"a": "x".repeat(513)}),
                json!({"a": "(".repeat(500)}),
                json!({"a": {"attr": "href"}}),
                json!({"a": {"selector": null}}),
                json!({"a": {"selector": "h1", "type": "date"}}),
                json!({"a": {"selector": "h1", "multiple": "yes"}}),
                json!({"a": {"selector": "h1", "attr": "on click"}}),
                json!({"a": {"selector": "h1", "attr": 5}}),
                json!({"_url": "h1"}),
                json!({"x".repeat(129): "h1"}),
                Json::Object((0..51).map(|field| (format!("f{field}"), json!("h1"))).collect()),
                Json::Object((0..20_000).map(|field| (format!("f{field}"), json!("h1"))).collect()),
            ],
        ),
        ("/config/output_format", vec![json!("parquet"), json!("JSON"), json!(null), json!(1), json!(["csv"])]),
        ("/config/include_metadata", vec![json!("true"), json!(1), json!(null)]),
        ("/config/follow_redirects", vec![json!("no"), json!(0)]),
        (
            "/config/timeout",
            vec![
                json!(0),
                json!(61),
                json!(-1),
                json!(1.5),
                json!("30"),
                json!(1e100),
                json!(null),
                json!(4_294_967_296_u64),
            ],
        ),
    ]
}

/// Bodies that are no JSON, or JSON as nobody writes it: of a task.
pub(crate) fn wrong_texts() -> Vec<(String, Vec<u8>)> {
    wrong_texts_of(&valid(), "name")
}

/// The same of any valid body, one `field` of which is the text `Extract`.
pub(crate) fn wrong_texts_of(valid: &Json, field: &str) -> Vec<(String, Vec<u8>)> {
    let valid = valid.to_string();
    let named = |name: &str, bytes: Vec<u8>| (name.to_owned(), bytes);
    let replaced = |from: &str, to: &str| valid.replacen(from, to, 1).into_bytes();
    let with_bytes = |bytes: &[u8]| {
        let (before, after) = valid.split_once("Extract").unwrap_or_default();
        [before.as_bytes(), bytes, after.as_bytes()].concat()
    };
    let mut too_large = valid.clone().into_bytes();
    too_large.resize(1024 * 1024 + 1, b' ');
    vec![
        named("nothing", vec![]),
        named("white space", b" \r\n\t".to_vec()),
        named("half of it", valid.as_bytes()[..valid.len() / 2].to_vec()),
        named("twice", format!("{valid}{valid}").into_bytes()),
        named("more after it", format!("{valid},").into_bytes()),
        named("a comma too many", format!("{},}}", &valid[..valid.len() - 1]).into_bytes()),
        named("single quotes", valid.replace('"', "'").into_bytes()),
        named("a comment", format!("/* task */ {valid}").into_bytes()),
        named("NaN", replaced("\"Extract\"", "NaN")),
        named("Infinity", replaced("\"Extract\"", "-Infinity")),
        named("a hexadecimal number", replaced("\"Extract\"", "0x10")),
        named("a number without end", replaced("\"Extract\"", &"9".repeat(500_000))),
        named("an exponent without end", replaced("\"Extract\"", "1e999999999999")),
        named("a NUL", replaced("Extract", "a\u{0}b")),
        named("a byte order mark", [b"\xef\xbb\xbf", valid.as_bytes()].concat()),
        named("UTF-16", valid.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        named("bytes that are no UTF-8", with_bytes(b"\xff\xfe\xc0\xaf")),
        named("Latin-1", with_bytes(b"caf\xe9")),
        named("a character too long by a byte", with_bytes(b"\xf0\x82\x82\xac")),
        named("a cut character", with_bytes(b"\xe2\x82")),
        named("a surrogate in UTF-8", with_bytes(b"\xed\xa0\x80")),
        named("a lone surrogate", replaced("Extract", "\\ud800")),
        named("a surrogate pair the wrong way round", replaced("Extract", "\\udc00\\ud800")),
        named("an unknown escape", replaced("Extract", "\\x41")),
        named("a line break in a text", replaced("Extract", "a\nb")),
        // Of a name that is there twice, the last counts.
        named("a name twice", replaced("\"Extract\"", &format!("\"Extract\",\"{field}\":6"))),
        named("deep lists", [b"[".repeat(10_000), b"]".repeat(10_000)].concat()),
        named("deep lists without an end", b"[".repeat(100_000)),
        named("deep objects", [b"{\"a\":".repeat(10_000), b"1".to_vec(), b"}".repeat(10_000)].concat()),
        named("a deep name", replaced("\"Extract\"", &format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)))),
        named("a form", b"name=Extract&task_type=simple_scraping".to_vec()),
        named("XML", b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><name>&b;</name>".to_vec()),
        named("gzip", vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]),
        named("it, packed", packed(valid.as_bytes())),
        named("ten mebibytes, packed", packed(&vec![b' '; 10 * 1024 * 1024])),
        named("a byte more than 1 MiB", too_large),
        named("noise", (0..4_096_u32).map(|byte| byte.wrapping_mul(2_654_435_761).to_be_bytes()[1]).collect()),
    ]
}

/// Bytes as `Content-Encoding: gzip` has them.
fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    // Into memory: it cannot fail.
    let _ = packer.write_all(bytes);
    packer.finish().unwrap_or_default()
}

fn shortened(text: &str) -> String {
    text.chars().take(160).collect()
}

#[tokio::test]
async fn no_body_that_is_no_task_makes_one() -> anyhow::Result<()> {
    let victim = Victim::new().await?;
    let bodies: Vec<_> = wrong_values().into_iter().chain(wrong_texts()).collect();
    assert!(bodies.len() >= 120, "{}", bodies.len());
    let stack = Stack::from_environment()?;
    let attackers = try_join_all(bodies.chunks(TASKS_PER_KEY).map(|_| stack.user())).await?;
    let cases = bodies.into_iter().enumerate().map(|(at, (name, body))| {
        let attacker = &attackers[at / TASKS_PER_KEY];
        let request = by(attacker, "POST", "/tasks").header("Content-Type", "application/json").body(body);
        Case::new(format!("POST {name}"), request, 400)
    });
    victim.withstands(cases.collect(), &attackers).await?;
    for attacker in attackers {
        assert_eq!(attacker.get("/tasks").await?, json!([]));
    }
    Ok(())
}

#[tokio::test]
async fn no_body_that_is_no_change_makes_one() -> anyhow::Result<()> {
    let victim = Victim::new().await?;
    let mut bodies: Vec<_> = [
        json!(null),
        json!([]),
        json!("name"),
        json!({"name": ""}),
        json!({"name": 5}),
        json!({"name": "a\u{0}"}),
        json!({"name": "x".repeat(201)}),
        json!({"name": ["x"]}),
        json!({"description": 1}),
        json!({"description": "x".repeat(2_001)}),
        json!({"priority": 0}),
        json!({"priority": -3}),
        json!({"priority": 11}),
        json!({"priority": 1e30}),
        json!({"priority": "high"}),
        json!({"name": "Good", "priority": 256}),
    ]
    .map(|body| (shortened(&body.to_string()), body.to_string().into_bytes()))
    .to_vec();
    bodies.extend(wrong_texts());
    let open = format!("/tasks/{}", victim.open.id);
    // With the victim's own key: what is refused is the body.
    let cases = bodies
        .into_iter()
        .map(|(name, body)| Case::new(format!("PUT {name}"), by(&victim.user, "PUT", &open).body(body), 400))
        .collect();
    victim.withstands(cases, &[]).await
}

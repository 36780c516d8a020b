//! Hostile requests to the services, in one table: none makes a 5xx, each gets the contract's error body, nobody's money is spent, and no
//! site is listed.

use std::collections::BTreeSet;

use drover_tests::providers::{Plan, Step};
use drover_tests::raw::RawRequest;
use drover_tests::user::any_loopback_address;
use futures::stream::{self, StreamExt};
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::services::Services;

/// How many requests are under way at once.
const AT_ONCE: usize = 4;

const GENERATE: &str = "/api/llm/generate";
const SOLVE: &str = "/api/captcha/solve";
const DOMAINS: &str = "/api/captcha/domains";

/// The one under attack: a worker, with a site that is listed.
struct Victim {
    services: Services,
    site: String,
    /// What every valid part of a request names: so that it is seen if one gets through.
    plan: Plan,
}

/// A hostile request, and what it must be answered.
struct Case {
    name: String,
    request: RawRequest,
    status: u16,
}

fn case(name: impl Into<String>, request: RawRequest, status: u16) -> Case {
    Case { name: name.into(), request, status }
}

fn shown(text: &str) -> String {
    text.chars().take(60).collect()
}

impl Victim {
    async fn new() -> anyhow::Result<Self> {
        let services = Services::new().await?;
        Ok(Self { site: services.site().await?, services, plan: Plan::new(&[Step::Ok]) })
    }

    fn worker(&self, method: &str, target: &str) -> RawRequest {
        RawRequest::new(method, target).header("X-API-Token", self.services.worker.token.as_bytes())
    }

    fn admin(&self, method: &str, target: &str) -> RawRequest {
        RawRequest::new(method, target).header("X-API-Token", self.services.admin.token.as_bytes())
    }

    fn prompt(&self) -> Json {
        json!({"prompt": self.plan.to_string(), "options": {"model": "gpt-4o", "max_tokens": 5, "temperature": 1}})
    }

    fn captcha(&self) -> Json {
        let page = format!("https://{}/?{}", self.site, self.plan);
        json!({"captcha_type": "hcaptcha", "data": {"site_key": "k", "page_url": page, "site_domain": self.site}})
    }
}

/// A body with one value changed.
fn with(mut body: Json, pointer: &str, value: Json) -> Json {
    if let Some(place) = pointer.rsplit_once('/').and_then(|(parent, name)| Some(&mut body.pointer_mut(parent)?[name]))
    {
        *place = value;
    }
    body
}

/// A field, and values that it must not have.
type Wrong = (&'static str, Vec<Json>);

/// Of a prompt.
fn wrong_prompts() -> Vec<Wrong> {
    let long = |length: usize| json!("x".repeat(length));
    vec![
        (
            "/prompt",
            vec![
                json!(null),
                json!(5),
                json!([]),
                json!({}),
                json!(""),
                json!("\u{3000}\t"),
                json!("a\u{0}b"),
                long(100_001),
            ],
        ),
        ("/options", vec![json!([]), json!("gpt"), json!(1), json!(true)]),
        (
            "/options/max_tokens",
            vec![json!(0), json!(-1), json!(1.5), json!("200"), json!(16_385), json!(u64::MAX), json!([1]), json!({})],
        ),
        ("/options/temperature", vec![json!(-0.01), json!(2.01), json!("0.7"), json!(1e300), json!([]), json!(true)]),
        (
            "/options/model",
            vec![
                json!(""),
                json!(5),
                json!(["gpt-4"]),
                json!("llama"),
                json!("GPT-4"),
                json!(" gpt-4"),
                json!("../gpt-4"),
                json!("x\u{0}gpt-4"),
                json!(format!("gpt-{}", "x".repeat(97))),
            ],
        ),
    ]
}

/// Of a captcha; `{site}` is one that is listed.
fn wrong_captchas() -> Vec<Wrong> {
    let long = |length: usize| json!("x".repeat(length));
    vec![
        (
            "/captcha_type",
            vec![json!(null), json!(""), json!("recaptcha_v3"), json!("HCAPTCHA"), json!(2), json!(["hcaptcha"])],
        ),
        ("/data", vec![json!(null), json!([]), json!("x"), json!(7)]),
        (
            "/data/site_key",
            vec![
                json!(null),
                json!(""),
                json!(5),
                json!("a b"),
                json!("k\u{0}"),
                json!("ключ"),
                json!("k\"}"),
                long(101),
            ],
        ),
        (
            "/data/page_url",
            vec![
                json!(null),
                json!(""),
                json!(5),
                json!("//{site}/"),
                json!("https://"),
                json!("javascript:alert(1)"),
                json!("file:///etc/passwd"),
                json!("http://127.0.0.1/"),
                json!("http://[::1]/"),
                json!("http://169.254.169.254/latest/meta-data"),
                json!("https://user:word@{site}/"),
                json!("https://{site}./"),
                json!("https://{site}%2eevil.test/"),
                json!("https://{site}\\@evil.test.example/"),
                json!("https://evil.test#@{site}/"),
                json!("https://evil.test/\t{site}"),
                json!(format!("https://{{site}}/{}", "x".repeat(2_048))),
            ],
        ),
        ("/data/campaign_id", vec![json!(0), json!(-1), json!(1.5), json!("5"), json!([5]), json!(1e300)]),
        (
            "/data/site_domain",
            vec![
                json!(null),
                json!(""),
                json!(5),
                json!("*"),
                json!("*.example"),
                json!("{site}."),
                json!(".{site}"),
                json!("{site}/"),
                json!("{site}:443"),
                json!("https://{site}"),
                json!("{site}\u{0}"),
                json!("{site},evil.test"),
                json!("127.0.0.1"),
                json!("RECORD"),
                long(300),
            ],
        ),
    ]
}

fn fields(victim: &Victim) -> Vec<Case> {
    let requests = |wrong: Vec<Wrong>, path: &'static str, valid: Json| {
        let rows =
            wrong.into_iter().flat_map(|(pointer, values)| values.into_iter().map(move |value| (pointer, value)));
        let cases = rows.map(|(pointer, value)| {
            let value = value.as_str().map(|text| json!(text.replace("{site}", &victim.site))).unwrap_or(value);
            let name = format!("{pointer} {}", shown(&value.to_string()));
            case(name, victim.worker("POST", path).body(with(valid.clone(), pointer, value).to_string()), 400)
        });
        cases.collect::<Vec<_>>()
    };
    let mut cases = requests(wrong_prompts(), GENERATE, victim.prompt());
    cases.extend(requests(wrong_captchas(), SOLVE, victim.captcha()));
    cases
}

fn whole_bodies(victim: &Victim) -> Vec<Case> {
    let texts = [
        "{",
        "[]",
        "null",
        "\"text\"",
        "{\"a\":1,}",
        "{\"a\":NaN}",
        "{} {}",
        "{\"prompt\":\"\\ud800\"}",
        "a=b&c=d",
        "\u{feff}{}",
    ];
    let mut bodies: Vec<_> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    bodies.push(b"{\"prompt\":\"\xff\xfe\"}".to_vec());
    bodies.push([vec![b'['; 20_000], vec![b']'; 20_000]].concat());
    bodies.push(format!("{{\"prompt\":\"{}\"}}", "x".repeat(1024 * 1024)).into_bytes());
    let paths = [GENERATE, SOLVE];
    let all = bodies.iter().flat_map(|body| paths.map(|path| (path, body)));
    all.map(|(path, body)| {
        let name = format!("{path} {}", shown(&String::from_utf8_lossy(body)));
        case(name, victim.worker("POST", path).body(body.clone()), 400)
    })
    .collect()
}

fn keys(victim: &Victim) -> Vec<Case> {
    let mut cases = Vec::new();
    for (path, body) in [(GENERATE, victim.prompt()), (SOLVE, victim.captcha())] {
        let body = body.to_string();
        for token in ["", "x", "sk_test_*", "null", "Bearer x"] {
            let request = RawRequest::new("POST", path).header("X-API-Token", token).body(body.clone());
            cases.push(case(format!("{path} token {token}"), request, 401));
        }
        cases.push(case(format!("{path} no token"), RawRequest::new("POST", path).body(body.clone()), 401));
        for key in ["", &"x".repeat(256)] {
            let request = victim.worker("POST", path).header("Idempotency-Key", key).body(body.clone());
            cases.push(case(format!("{path} idempotency key {}", shown(key)), request, 400));
        }
        let bytes = victim.worker("POST", path).header("Idempotency-Key", b"\xff\xfe".to_vec()).body(body);
        cases.push(case(format!("{path} idempotency key of bytes"), bytes, 400));
    }
    cases
}

fn paths(victim: &Victim) -> Vec<Case> {
    let mut cases = Vec::new();
    for method in ["GET", "PUT", "DELETE", "PATCH"] {
        cases.push(case(format!("{method} generate"), victim.worker(method, GENERATE), 405));
        cases.push(case(format!("{method} solve"), victim.worker(method, SOLVE), 405));
    }
    for path in
        ["/api/llm", "/api/llm/", "/api/llm/Generate", "/api/captcha", "/api/captcha/solve/1", "/api/llm/generate%00"]
    {
        cases.push(case(format!("POST {path}"), victim.worker("POST", path).body("{}"), 404));
    }
    for name in [
        "com",
        "localhost",
        "127.0.0.1",
        "%00",
        "%ff",
        "*",
        "*.example",
        "a..b",
        "-a.example",
        "a%20b.example",
        "a.example.",
        "a.example:80",
        "https%3A%2F%2Fa.example",
        "a.example%2F..",
        "%F0%9F%92%A9",
        &"x".repeat(300),
    ] {
        for method in ["PUT", "GET", "DELETE"] {
            let request = victim.admin(method, &format!("{DOMAINS}/{name}"));
            cases.push(case(format!("{method} domain {}", shown(name)), request, 400));
        }
    }
    for query in
        ["limit=0", "limit=101", "limit=x", "cursor=x", "cursor=%00", "cursor=e30", "cursor=IiI", "cursor=IlJFQ09SRCI"]
    {
        cases.push(case(format!("list?{query}"), victim.admin("GET", &format!("{DOMAINS}?{query}")), 400));
    }
    for method in ["PUT", "DELETE"] {
        let request = victim.worker(method, &format!("{DOMAINS}/{}", victim.site));
        cases.push(case(format!("{method} a domain as a worker"), request, 403));
    }
    cases
}

#[tokio::test]
async fn no_hostile_request_gets_anywhere() -> anyhow::Result<()> {
    let victim = Victim::new().await?;
    let cases: Vec<_> =
        [fields(&victim), whole_bodies(&victim), keys(&victim), paths(&victim)].into_iter().flatten().collect();
    let names: BTreeSet<_> = cases.iter().map(|case| &case.name).collect();
    assert!(names.len() == cases.len() && cases.len() >= 150, "{} names of {} cases", names.len(), cases.len());
    println!("{} hostile requests", cases.len());
    let url = &victim.services.stack.url;
    let attacks = cases.iter().map(async |case| {
        let answer = case.request.send(url, any_loopback_address()).await;
        let told = answer.and_then(|answer| match case.status {
            // Either faults by field, or an error of the whole.
            400 if answer.worker_faults().is_ok() => Ok(()),
            status => answer.worker_error(status).map(|_| ()),
        });
        told.err().map(|error| format!("  {}: {error:#}", case.name))
    });
    let faults: Vec<_> =
        stream::iter(attacks).buffer_unordered(AT_ONCE).filter_map(async |fault| fault).collect().await;
    assert!(faults.is_empty(), "{} of {} went through:\n{}", faults.len(), cases.len(), faults.join("\n"));

    // Nothing was bought, and the site is listed as before.
    assert_eq!(victim.services.stand_ins.seen(&victim.plan).await?.len(), 0);
    let path = format!("/captcha/domains/{}", victim.site);
    victim.services.admin.elsewhere()?.call(Method::GET, &path).await?.success(200)?;
    // The control: the valid bodies, of which each hostile one is a change, are taken.
    for (path, body) in [("/llm/generate", victim.prompt()), ("/captcha/solve", victim.captcha())] {
        victim.services.worker.elsewhere()?.send(Method::POST, path, &body).await?.success(200)?;
    }
    Ok(())
}

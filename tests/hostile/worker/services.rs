//! `/api/llm` and `/api/captcha`: nobody's money is spent, and no site is listed.

use drover_tests::Stack;
use drover_tests::providers::{Plan, StandIns, Step};
use drover_tests::worker::Worker;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::{Attack, withstand};
use crate::hostile::bodies::wrong_texts;

/// Requests a minute, by address.
const LIMIT: u64 = 30;

const GENERATE: &str = "/llm/generate";
const SOLVE: &str = "/captcha/solve";

/// The one under attack: a worker, with a site that is listed.
struct Victim {
    stack: Stack,
    admin: Worker,
    worker: Worker,
    site: String,
    /// What every valid part of a request names: so that it is seen if one gets through.
    plan: Plan,
}

impl Victim {
    async fn new() -> anyhow::Result<Self> {
        let stack = Stack::from_environment()?;
        stack.set_provider_keys().await?;
        let (admin, worker) = (stack.worker_administrator()?, stack.worker().await?);
        let plan = Plan::new(&[Step::Ok]);
        let site = format!("site-{}.example", plan.id);
        admin.call(Method::PUT, &format!("/captcha/domains/{site}")).await?.success(200)?;
        Ok(Self { stack, admin, worker, site, plan })
    }

    fn prompt(&self) -> Json {
        json!({"prompt": self.plan.to_string(), "options": {"model": "gpt-4o", "max_tokens": 5, "temperature": 1}})
    }

    fn captcha(&self) -> Json {
        let page = format!("https://{}/?{}", self.site, self.plan);
        json!({"captcha_type": "hcaptcha", "data": {"site_key": "k", "page_url": page, "site_domain": self.site}})
    }

    /// Each endpoint, with a body that it takes.
    fn valid(&self) -> [(&'static str, Json); 2] {
        [(GENERATE, self.prompt()), (SOLVE, self.captcha())]
    }

    async fn withstands(&self, attacks: &[Attack]) -> anyhow::Result<()> {
        withstand(&self.stack.url, LIMIT, attacks).await?;
        let stand_ins = StandIns::from_environment()?;
        assert_eq!(stand_ins.seen(&self.plan).await?.len(), 0, "somebody has paid");
        let listed = format!("/captcha/domains/{}", self.site);
        self.admin.elsewhere()?.call(Method::GET, &listed).await?.success(200)?;
        // The control: what each attack was made of is taken.
        for (path, body) in self.valid() {
            self.worker.elsewhere()?.send(Method::POST, path, &body).await?.success(200)?;
        }
        assert!(!stand_ins.seen(&self.plan).await?.is_empty());
        Ok(())
    }
}

/// The body with the value at `pointer` changed.
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

#[tokio::test]
async fn no_body_that_is_no_prompt_or_captcha_is_paid_for() -> anyhow::Result<()> {
    let victim = Victim::new().await?;
    let mut attacks = Vec::new();
    for ((path, valid), wrong) in victim.valid().into_iter().zip([wrong_prompts(), wrong_captchas()]) {
        for (pointer, value) in
            wrong.into_iter().flat_map(|(at, values)| values.into_iter().map(move |value| (at, value)))
        {
            let value =
                value.as_str().map_or_else(|| value.clone(), |text| json!(text.replace("{site}", &victim.site)));
            let body = with(valid.clone(), pointer, value.clone());
            let attack = Attack::json(&victim.worker, "POST", path, &body);
            attacks.push(Attack { name: format!("{path} {pointer} {:.80}", value.to_string()), ..attack });
        }
        attacks.extend(wrong_texts().into_iter().map(|(name, body)| {
            let attack = Attack::new(&victim.worker, "POST", path, body, 400);
            Attack { name: format!("{path} {name}"), ..attack }
        }));
    }
    assert!(attacks.len() >= 140, "{}", attacks.len());
    victim.withstands(&attacks).await
}

#[tokio::test]
async fn no_token_key_or_path_of_a_strangers_gets_anything_paid_or_listed() -> anyhow::Result<()> {
    let victim = Victim::new().await?;
    let mut attacks = Vec::new();
    for (path, body) in victim.valid() {
        for token in ["", "x", "sk_test_*", "null", "Bearer x"] {
            let mut stranger = victim.worker.clone();
            token.clone_into(&mut stranger.token);
            let attack = Attack::new(&stranger, "POST", path, body.to_string(), 401);
            attacks.push(Attack { name: format!("{path} token {token}"), ..attack });
        }
        for key in [b"".to_vec(), b"x".repeat(256), b"\xff\xfe".to_vec()] {
            let mut attack = Attack::json(&victim.worker, "POST", path, &body);
            attack.request = attack.request.header("Idempotency-Key", key.clone());
            attacks.push(Attack { name: format!("{path} key of {} bytes", key.len()), ..attack });
        }
        for method in ["GET", "PUT", "DELETE", "PATCH"] {
            attacks.push(Attack::new(&victim.worker, method, path, body.to_string(), 405));
        }
    }
    for path in ["/llm", "/llm/", "/llm/Generate", "/captcha", "/captcha/solve/1", "/llm/generate%00"] {
        attacks.push(Attack::new(&victim.worker, "POST", path, "{}", 404));
    }
    let long = "x".repeat(300);
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
        &long,
    ] {
        for method in ["PUT", "GET", "DELETE"] {
            attacks.push(Attack::new(&victim.admin, method, &format!("/captcha/domains/{name}"), "", 400));
        }
    }
    for query in ["limit=0", "limit=101", "limit=x", "cursor=x", "cursor=%00", "cursor=e30", "cursor=IiI"] {
        attacks.push(Attack::get(&victim.admin, &format!("/captcha/domains?{query}"), 400));
    }
    for method in ["PUT", "DELETE"] {
        let path = format!("/captcha/domains/{}", victim.site);
        attacks.push(Attack::new(&victim.worker, method, &path, "", 403));
    }
    assert!(attacks.len() >= 80, "{}", attacks.len());
    victim.withstands(&attacks).await
}

//! `/api/proxies`: administrators keep them, workers use them and say how they do.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use drover_tests::answer::Answer;
use drover_tests::chaos::{Fault, Rule};
use drover_tests::scraper::SECRET;
use drover_tests::worker::Worker;
use drover_tests::{CROWD, Stack};
use futures::future::try_join_all;
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::{Item, Key, Millis};

/// After how many failures a proxy is put to rest, and for how long at first: template.yaml's defaults.
const ERRORS: u64 = 5;
const REST: u64 = 300;
/// As many calls as an address may make in a minute, with room for others.
const CALLS_OF_AN_ADDRESS: usize = 40;

/// A proxy, with an administrator and a worker.
struct Lab {
    stack: Stack,
    admin: Worker,
    worker: Worker,
    id: u64,
    country: String,
}

impl Lab {
    async fn new() -> anyhow::Result<Self> {
        let stack = Stack::from_environment()?;
        let (admin, worker) = (stack.worker_administrator()?, stack.worker().await?);
        let country = any_country();
        let id = admin.proxy(&new_proxy(&country)).await?;
        Ok(Self { stack, admin, worker, id, country })
    }

    async fn shown(&self) -> anyhow::Result<Json> {
        self.admin.shown_proxy(self.id).await
    }

    async fn fail(&self, times: u64) -> anyhow::Result<()> {
        for _ in 0..times {
            self.worker.report_proxy(self.id, "failure", None).await?.success(200)?;
        }
        Ok(())
    }

    /// Whether workers are given it, and as active.
    async fn is_given(&self) -> anyhow::Result<bool> {
        let given = self.worker.proxies(&format!("country={}&limit=100", self.country)).await?;
        let found = given.iter().find(|proxy| proxy["id"] == self.id);
        ensure!(found.is_none_or(|proxy| proxy["is_active"] == true), "given, but not active: {found:?}");
        Ok(found.is_some())
    }

    async fn stored(&self) -> anyhow::Result<Item> {
        let key = Key::new(format!("PROXY#{}", self.id), "RECORD");
        self.stack.table("worker").get_item(&key, true).await?.context("it is not there")
    }

    async fn change(&self, change: &Json) -> anyhow::Result<Json> {
        let path = format!("/proxies/{}", self.id);
        Ok(self.admin.send(Method::PUT, &path, change).await?.success(200)?["proxy"].clone())
    }
}

/// Where many proxies are.
const CROWDED: &str = "ZZ";

/// Two letters that hardly another test has.
fn any_country() -> String {
    [(); 2].map(|()| char::from(fastrand::u8(b'A'..=b'Y'))).iter().collect()
}

/// The contract's own example, with a password that all answers are looked through for.
fn new_proxy(country: &str) -> Json {
    let password = format!("{SECRET}-{country}");
    json!({
        "host": "proxy.example.com", "port": 8080, "username": "user", "password": password, "type": "http", "country": country,
    })
}

#[tokio::test]
async fn a_worker_is_given_a_proxy_as_documented() -> anyhow::Result<()> {
    let lab = Lab::new().await?;
    let given = lab.worker.proxies(&format!("country={}", lab.country)).await?;
    let found = given.iter().find(|proxy| proxy["id"] == lab.id).context("it is not given")?;
    let mut documented = new_proxy(&lab.country);
    documented["id"] = json!(lab.id);
    documented["is_active"] = json!(true);
    documented["error_count"] = json!(0);
    assert_eq!(found, &documented);
    // At rest the password is no text that anybody could read.
    assert!(!format!("{:?}", lab.stored().await?).contains(SECRET));
    Ok(())
}

#[tokio::test]
async fn they_are_given_by_country_and_by_whether_they_may_be_used() -> anyhow::Result<()> {
    let lab = Lab::new().await?;
    let country = &lab.country;
    let off =
        lab.admin.proxy(&json!({"host": "a.example.com", "port": 1, "country": country, "is_active": false})).await?;
    let nowhere = lab.admin.proxy(&json!({"host": "203.0.113.7", "port": 65_535, "type": "socks5"})).await?;
    for (query, given) in [
        (format!("country={country}"), [true, false, false]),
        (format!("country={}&active_only=1", country.to_lowercase()), [true, false, false]),
        (format!("country={country}&active_only=false"), [true, true, false]),
        (format!("country={country}&active_only=False&limit=1"), [true, true, false]),
        ("limit=100".to_owned(), [true, false, true]),
        ("active_only=True&limit=100".to_owned(), [true, false, true]),
        ("active_only=false&limit=100".to_owned(), [true, true, true]),
    ] {
        let worker = lab.worker.elsewhere()?;
        let ids: BTreeSet<_> = worker.proxies(&query).await?.iter().filter_map(|proxy| proxy["id"].as_u64()).collect();
        assert_eq!([lab.id, off, nowhere].map(|id| ids.contains(&id)), given, "{query}");
    }
    for wrong in ["country=USA", "country=1", "active_only=perhaps", "limit=0", "limit=101", "cursor=x"] {
        let field = wrong.split('=').next().context("no name")?;
        let answer = lab.worker.call(Method::GET, &format!("/proxies?{wrong}")).await?;
        assert_eq!(answer.worker_faults()?, [field], "{wrong}");
    }
    Ok(())
}

#[tokio::test]
async fn they_are_given_page_by_page_each_once() -> anyhow::Result<()> {
    let lab = Lab::new().await?;
    let country = any_country();
    let many = json!({"proxies": vec![new_proxy(&country); 25]});
    let made = lab.admin.send(Method::POST, "/proxies", &many).await?.success(201)?;
    let made: BTreeSet<_> =
        made["proxies"].as_array().context("no list")?.iter().filter_map(|one| one["id"].as_u64()).collect();
    for query in ["limit=10", "limit=10&active_only=false"] {
        let given = lab.worker.proxies(&format!("country={country}&{query}")).await?;
        assert!(given.iter().all(|proxy| proxy["password"] == format!("{SECRET}-{country}")));
        let ids: Vec<_> =
            given.iter().filter_map(|proxy| proxy["id"].as_u64()).filter(|id| made.contains(id)).collect();
        assert_eq!((ids.len(), ids.iter().copied().collect::<BTreeSet<_>>()), (25, made.clone()), "{query}");
    }
    Ok(())
}

#[tokio::test]
async fn all_faults_are_told_at_once_and_no_password_with_them() -> anyhow::Result<()> {
    let lab = Lab::new().await?;
    let wrong = json!({
        "host": "http://proxy", "port": 65_536, "username": "a\nb", "password": format!("{SECRET}{}", "x".repeat(300)), "type": "ftp",
        "country": "USA", "is_active": 1,
    });
    let all = vec!["country", "host", "is_active", "password", "port", "type", "username"];
    for (body, fields) in [
        (json!({}), vec!["host", "port"]),
        (wrong, all),
        (json!({"host": "proxy", "port": "80", "password": {"is": SECRET}}), vec!["password", "port"]),
        (json!({"host": "proxy", "port": 80, "password": [SECRET]}), vec!["password"]),
    ] {
        assert_eq!(lab.admin.send(Method::POST, "/proxies", &body).await?.worker_faults()?, fields, "{body}");
        let many = json!({"proxies": [new_proxy("US"), body]});
        let within: Vec<_> = fields.iter().map(|field| format!("proxies[1].{field}")).collect();
        assert_eq!(lab.admin.send(Method::POST, "/proxies", &many).await?.worker_faults()?, within, "{many}");
    }
    let path = format!("/proxies/{}", lab.id);
    let refused = lab.admin.send(Method::PUT, &path, &json!({})).await?.worker_error(400)?;
    assert!(refused.contains("nothing to change"), "{refused}");
    Ok(())
}

#[tokio::test]
async fn many_are_made_at_once_or_none() -> anyhow::Result<()> {
    let lab = Lab::new().await?;
    let many = json!({"proxies": vec![new_proxy(CROWDED); 500]});
    let told = lab.admin.send(Method::POST, "/proxies", &many).await?.success(201)?;
    assert_eq!(told["created"], 500);
    let partial = json!({"proxies": [{"host": "proxy"}, new_proxy(CROWDED)], "partial": true});
    let told = lab.admin.send(Method::POST, "/proxies", &partial).await?.success(201)?;
    assert_eq!(told["created"], 1);
    assert!(told["proxies"][0]["errors"]["port"][0].is_string() && told["proxies"][1]["id"].is_u64());
    for wrong in [json!({"proxies": []}), json!({"proxies": vec![new_proxy("US"); 501]}), json!({"proxies": null})] {
        assert_eq!(lab.admin.send(Method::POST, "/proxies", &wrong).await?.worker_faults()?, ["proxies"]);
    }
    Ok(())
}

#[tokio::test]
async fn an_administrator_sees_all_but_passwords() -> anyhow::Result<()> {
    let lab = Lab::new().await?;
    let shown = lab.shown().await?;
    assert_eq!(json!([shown["has_password"], shown["is_active"], shown["is_disabled"]]), json!([true, true, false]));
    assert!(shown.get("password").is_none());
    let (mut found, mut cursor) = (None, String::new());
    while found.is_none() {
        let page = lab
            .admin
            .call(Method::GET, &format!("/proxies/inventory?limit=100&cursor={cursor}"))
            .await?
            .success(200)?;
        found = page["proxies"].as_array().context("no list")?.iter().find(|one| one["id"] == lab.id).cloned();
        page["next_cursor"].as_str().unwrap_or_default().clone_into(&mut cursor);
        ensure!(found.is_some() || !cursor.is_empty(), "it is not listed");
    }
    assert_eq!(found, Some(shown));
    Ok(())
}

#[tokio::test]
async fn an_administrator_changes_and_deletes_one() -> anyhow::Result<()> {
    let lab = Lab::new().await?;
    let country = any_country();
    let password = format!("{SECRET}-changed");
    let changed =
        lab.change(&json!({"port": 1_080, "type": "socks5", "country": country, "password": password})).await?;
    assert_eq!(
        json!([changed["port"], changed["type"], changed["host"]]),
        json!([1_080, "socks5", "proxy.example.com"])
    );
    let given = lab.worker.proxies(&format!("country={country}")).await?;
    let found = given.iter().find(|proxy| proxy["id"] == lab.id).context("it is not given")?;
    assert_eq!(json!([found["password"], found["username"]]), json!([password, "user"]));
    assert!(!lab.is_given().await?, "it has left its country");
    let bare = lab.change(&json!({"username": "", "password": ""})).await?;
    assert_eq!(json!([bare["username"], bare["has_password"]]), json!([null, false]));

    let path = format!("/proxies/{}", lab.id);
    let told = lab.admin.call(Method::DELETE, &path).await?.success(200)?;
    assert_eq!(told, json!({"message": "Proxy deleted successfully"}));
    lab.admin.call(Method::DELETE, &path).await?.worker_error(404)?;
    lab.admin.send(Method::PUT, &path, &json!({"port": 1})).await?.worker_error(404)?;
    for key in [None, Some("key")] {
        lab.worker.report_proxy(lab.id, "failure", key).await?.worker_error(404)?;
        lab.worker.report_proxy(lab.id, "success", key).await?.worker_error(404)?;
    }
    lab.admin.call(Method::GET, &path).await?.worker_error(404)?;
    Ok(())
}

#[tokio::test]
async fn the_same_key_and_body_make_one() -> anyhow::Result<()> {
    let lab = Lab::new().await?;
    let post = async |body: &Json| {
        let request = lab.admin.request(Method::POST, "/proxies").header("Idempotency-Key", format!("key-{}", lab.id));
        Answer::of(request.json(body).send().await?).await
    };
    let first = post(&new_proxy(&lab.country)).await?.success(201)?;
    assert_eq!(post(&new_proxy(&lab.country)).await?.success(201)?, first);
    assert!(post(&new_proxy(CROWDED)).await?.worker_error(400)?.contains("Idempotency-Key"));
    Ok(())
}

#[tokio::test]
async fn one_that_keeps_failing_is_put_to_rest_and_longer_each_time() -> anyhow::Result<()> {
    let lab = Lab::new().await?;
    lab.fail(ERRORS - 1).await?;
    assert!(lab.is_given().await?);
    for rests in 1..=3 {
        lab.fail(1).await?;
        assert!(!lab.is_given().await?);
        let shown = lab.shown().await?;
        let told = json!([shown["is_active"], shown["is_disabled"], shown["rests"], shown["error_count"]]);
        assert_eq!(told, json!([false, false, rests, ERRORS - 1 + rests]));
        let moment = |name: &str| shown[name].as_str().and_then(Millis::parse).context("no time");
        let rest = moment("last_failed_at")?.until(moment("retry_at")?).as_secs();
        // Told in whole seconds.
        let expected = REST << (rests - 1);
        assert!((expected - 1..=expected + 1).contains(&rest), "rest {rests}: {rest} s");
        // Nothing but time has to pass.
        lab.stack.end_rest(lab.id).await?;
        assert!(lab.is_given().await?);
        assert_eq!(lab.shown().await?["retry_at"], Json::Null);
    }
    // It works again: all is forgotten.
    let told = lab.worker.report_proxy(lab.id, "success", None).await?.success(200)?;
    assert_eq!(told, json!({"message": "Proxy report taken"}));
    let shown = lab.shown().await?;
    assert_eq!(json!([shown["is_active"], shown["rests"], shown["error_count"]]), json!([true, 0, 0]));
    lab.fail(ERRORS - 1).await?;
    assert!(lab.is_given().await?);
    Ok(())
}

#[tokio::test]
async fn recovery_writes_down_that_a_rest_is_over_and_changes_nothing_else() -> anyhow::Result<()> {
    let (over, resting, disabled) = (Lab::new().await?, Lab::new().await?, Lab::new().await?);
    for lab in [&over, &resting, &disabled] {
        lab.fail(ERRORS).await?;
    }
    over.stack.end_rest(over.id).await?;
    disabled.change(&json!({"is_active": false})).await?;
    let before = [resting.stored().await?, disabled.stored().await?];
    over.stack.run_recovery().await?;
    let stored = over.stored().await?;
    assert!(!stored.contains_key("resting"));
    assert_eq!(stored.get("error_count").and_then(|count| count.as_n().ok()), Some(&ERRORS.to_string()));
    assert!(over.is_given().await? && !resting.is_given().await? && !disabled.is_given().await?);
    assert_eq!([resting.stored().await?, disabled.stored().await?], before);
    // Its one more try has failed.
    over.fail(1).await?;
    assert_eq!(over.shown().await?["rests"], 2);
    assert!(!over.is_given().await?);
    Ok(())
}

#[tokio::test]
async fn what_an_administrator_has_switched_off_stays_off() -> anyhow::Result<()> {
    let lab = Lab::new().await?;
    lab.fail(ERRORS).await?;
    assert_eq!(lab.change(&json!({"is_active": false})).await?["is_disabled"], true);
    for what in ["success", "failure", "success"] {
        lab.worker.report_proxy(lab.id, what, None).await?.success(200)?;
        lab.stack.run_recovery().await?;
        let shown = lab.shown().await?;
        assert_eq!(json!([shown["is_active"], shown["is_disabled"]]), json!([false, true]), "after {what}");
    }
    assert!(!lab.is_given().await?);
    let on = lab.change(&json!({"is_active": true})).await?;
    assert_eq!(json!([on["is_active"], on["error_count"], on["rests"]]), json!([true, 0, 0]));
    assert!(lab.is_given().await?);
    Ok(())
}

#[tokio::test]
async fn of_64_failures_at_once_each_counts_and_one_puts_it_to_rest() -> anyhow::Result<()> {
    const REPORTS: usize = 64;
    let _crowd = CROWD.lock().await;
    let lab = Lab::new().await?;
    let others = [lab.worker.elsewhere()?, lab.worker.elsewhere()?];
    let reports = (0..REPORTS).map(|n| others[n / CALLS_OF_AN_ADDRESS].report_proxy(lab.id, "failure", None));
    for answer in try_join_all(reports).await? {
        answer.success(200)?;
    }
    let shown = lab.shown().await?;
    assert_eq!(json!([shown["error_count"], shown["rests"], shown["is_active"]]), json!([REPORTS, 1, false]));
    Ok(())
}

#[tokio::test]
async fn a_report_that_comes_again_with_its_key_counts_once() -> anyhow::Result<()> {
    let lab = Lab::new().await?;
    let worker = &lab.worker;
    for key in ["one", "one", "two", "one"] {
        let told = worker.report_proxy(lab.id, "failure", Some(key)).await?.success(200)?;
        assert_eq!(told, json!({"message": "Proxy report taken"}));
    }
    assert_eq!(lab.shown().await?["error_count"], 2);
    // Also at once, and where it is the one too many.
    let same = (0..8).map(|_| worker.report_proxy(lab.id, "failure", Some("three")));
    for answer in try_join_all(same).await? {
        answer.success(200)?;
    }
    assert_eq!(lab.shown().await?["error_count"], 3);
    for key in ["four", "five", "five", "four"] {
        worker.report_proxy(lab.id, "failure", Some(key)).await?.success(200)?;
    }
    let shown = lab.shown().await?;
    assert_eq!(json!([shown["error_count"], shown["rests"]]), json!([5, 1]));
    // A success that comes late for the second time does not hide the failures since.
    worker.report_proxy(lab.id, "success", Some("six")).await?.success(200)?;
    worker.report_proxy(lab.id, "failure", Some("seven")).await?.success(200)?;
    worker.report_proxy(lab.id, "success", Some("six")).await?.success(200)?;
    assert_eq!(lab.shown().await?["error_count"], 1);
    // The same key with another body, of another proxy, or of another worker.
    let path = format!("/proxies/{}/failure", lab.id);
    let other = worker.request(Method::POST, &path).header("Idempotency-Key", "seven").json(&json!({"other": 1}));
    assert!(Answer::of(other.send().await?).await?.worker_error(400)?.contains("Idempotency-Key"));
    let elsewhere = lab.admin.proxy(&new_proxy(&lab.country)).await?;
    worker.report_proxy(elsewhere, "failure", Some("seven")).await?.success(200)?;
    lab.stack.worker().await?.report_proxy(lab.id, "failure", Some("seven")).await?.success(200)?;
    let counts =
        [lab.shown().await?["error_count"].clone(), lab.admin.shown_proxy(elsewhere).await?["error_count"].clone()];
    assert_eq!(counts, [2, 1]);
    Ok(())
}

#[tokio::test]
async fn a_report_whose_answer_was_lost_on_the_way_to_the_table_counts_once() -> anyhow::Result<()> {
    let lab = Lab::new().await?;
    let about = format!("\"PROXY#{}\"", lab.id);
    for (count, (operation, key)) in
        (1..).zip([("DynamoDB_20120810.UpdateItem", None), ("DynamoDB_20120810.TransactWriteItems", Some("key"))])
    {
        let lost = lab.stack.chaos(&Rule::new(operation, &about, 2, Fault::LoseAnswer)).await?;
        lab.worker.report_proxy(lab.id, "failure", key).await?.success(200)?;
        ensure!(lost.end().await? == 2, "the rule did not strike as often as it should");
        assert_eq!(lab.shown().await?["error_count"], count, "{operation}");
    }
    Ok(())
}

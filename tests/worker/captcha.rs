//! `/api/captcha`, with a stand-in for the service that 2Captcha and AntiCaptcha are alike.

use std::time::{Duration, Instant};

use anyhow::Context;
use drover_tests::answer::{Answer, is_timestamp};
use drover_tests::providers::{Plan, Seen, Step};
use futures::future::try_join_all;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::services::Services;

const PATH: &str = "/captcha/solve";
const SITE_KEY: &str = "6Le-wvkSAAAAAPBMRTvw0Q4Muexq9bi0DJwx_mJ-";

fn body(site: &str, plan: &Plan) -> Json {
    let page = format!("https://{site}/register?{plan}");
    json!({"captcha_type": "recaptcha_v2", "data": {"site_key": SITE_KEY, "page_url": page, "site_domain": site}})
}

impl Services {
    async fn solve(&self, site: &str, plan: &Plan) -> anyhow::Result<Answer> {
        self.worker.elsewhere()?.send(Method::POST, PATH, &body(site, plan)).await
    }

    async fn solve_once(&self, key: &str, site: &str, plan: &Plan) -> anyhow::Result<Answer> {
        let request = self.worker.elsewhere()?.request(Method::POST, PATH).header("Idempotency-Key", key);
        Answer::of(request.json(&body(site, plan)).send().await?).await
    }

    /// How many tasks were made, and how often the result of one was asked for.
    async fn paid(&self, plan: &Plan) -> anyhow::Result<(usize, usize)> {
        let seen = self.stand_ins.seen(plan).await?;
        assert!(seen.iter().all(|seen| seen.has_key && seen.method == "POST"), "{seen:?}");
        let of = |path: &str| seen.iter().filter(|seen| seen.path == path).count();
        let (made, asked) = (of("/captcha/createTask"), of("/captcha/getTaskResult"));
        assert_eq!(made + asked, seen.len(), "{seen:?}");
        Ok((made, asked))
    }
}

#[tokio::test]
async fn the_contracts_example_is_solved_once_its_site_is_listed() -> anyhow::Result<()> {
    let services = Services::new().await?;
    services.admin.elsewhere()?.call(Method::PUT, "/captcha/domains/example.com").await?.success(200)?;
    let example = json!({
        "captcha_type": "recaptcha_v2",
        "data": {
            "site_key": "6Le-wvkSAAAAAPBMRTvw0Q4Muexq9bi0DJwx_mJ-",
            "page_url": "https://example.com/register",
            "campaign_id": 5,
            "site_domain": "example.com",
        },
    });
    let answer = services.worker.send(Method::POST, PATH, &example).await?;
    let told = answer.success(200)?;
    let solution = told["solution"].as_str().filter(|text| text.starts_with("03A")).context("no solution")?;
    let task_id = told["task_id"].as_str().filter(|id| id.parse::<u64>().is_ok()).context("no task")?;
    assert_eq!(told, json!({"success": true, "solution": solution, "task_id": task_id, "cost": 0.002_99}));
    assert_eq!(answer.number("x-ratelimit-limit")?, 30);
    Ok(())
}

#[tokio::test]
async fn the_service_is_asked_as_it_documents() -> anyhow::Result<()> {
    let services = Services::new().await?;
    let site = services.site().await?;
    for (captcha_type, task) in [("recaptcha_v2", "RecaptchaV2TaskProxyless"), ("hcaptcha", "HCaptchaTaskProxyless")] {
        let plan = Plan::new(&[Step::Ok, Step::Processing, Step::Processing, Step::Ok]);
        let mut asked = body(&site, &plan);
        asked["captcha_type"] = json!(captcha_type);
        let told = services.worker.send(Method::POST, PATH, &asked).await?.success(200)?;
        let seen = services.stand_ins.seen(&plan).await?;
        let [Seen { path, body, .. }, questions @ ..] = &seen[..] else { anyhow::bail!("nothing was asked") };
        let page = &asked["data"]["page_url"];
        let wanted = json!({"task": {"type": task, "websiteURL": page, "websiteKey": SITE_KEY}});
        assert_eq!((path.as_str(), body), ("/captcha/createTask", &wanted));
        assert_eq!(questions.len(), 3);
        for question in questions {
            let id = question.body["taskId"].as_u64().context("no number")?.to_string();
            assert_eq!(
                (question.path.as_str(), Some(id.as_str())),
                ("/captcha/getTaskResult", told["task_id"].as_str())
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn only_sites_that_an_administrator_has_listed_are_solved() -> anyhow::Result<()> {
    let services = Services::new().await?;
    let (listed, plan) = (services.site().await?, Plan::new(&[Step::Ok]));
    let other = format!("other-{listed}");
    for (domain, page, field) in [
        (other.clone(), format!("https://{other}/"), "data.site_domain"),
        (format!("www.{listed}"), format!("https://www.{listed}/"), "data.site_domain"),
        ("example".to_owned(), "https://example/".to_owned(), "data.site_domain"),
        (listed.clone(), format!("https://{other}/"), "data.page_url"),
        (listed.clone(), format!("https://www.{listed}/"), "data.page_url"),
        (listed.clone(), format!("https://{listed}.{other}/"), "data.page_url"),
        (listed.clone(), format!("https://{listed}@{other}/"), "data.page_url"),
        (listed.clone(), format!("https://{other}/?{listed}"), "data.page_url"),
        (other.clone(), format!("https://{listed}/"), "data.page_url"),
    ] {
        let page = format!("{page}#{plan}");
        let data = json!({"site_key": SITE_KEY, "page_url": page, "site_domain": domain});
        let asked = json!({"captcha_type": "hcaptcha", "data": data});
        let answer = services.worker.elsewhere()?.send(Method::POST, PATH, &asked).await?;
        assert_eq!(answer.worker_faults()?, [field], "{domain} {page}");
    }
    assert_eq!(services.paid(&plan).await?, (0, 0));
    services.solve(&listed.to_uppercase(), &plan).await?.success(200)?;
    // Off the list, it is over at once; also for who has asked before.
    let plan = Plan::new(&[Step::Ok]);
    services.solve_once("before", &listed, &plan).await?.success(200)?;
    services.admin.elsewhere()?.call(Method::DELETE, &format!("/captcha/domains/{listed}")).await?.success(200)?;
    for answer in [services.solve(&listed, &plan).await?, services.solve_once("before", &listed, &plan).await?] {
        assert_eq!(answer.worker_faults()?, ["data.site_domain"]);
    }
    assert_eq!(services.paid(&plan).await?.0, 1);
    Ok(())
}

#[tokio::test]
async fn administrators_list_sites_and_nobody_else_does() -> anyhow::Result<()> {
    let services = Services::new().await?;
    let admin = services.admin.elsewhere()?;
    let site = services.site().await?;
    let path = format!("/captcha/domains/{site}");
    let shown = admin.call(Method::GET, &path).await?.success(200)?["domain"].clone();
    assert_eq!(shown["domain"], site);
    assert!(shown["listed_by"].is_string() && shown["created_at"].as_str().is_some_and(is_timestamp));
    // However it is written, and however often.
    let again = admin.call(Method::PUT, &path.to_uppercase().replace("/CAPTCHA/DOMAINS/", "/captcha/domains/")).await?;
    let told = json!({"message": "Domain listed successfully", "domain": shown});
    assert_eq!(again.success(200)?, told);
    let (mut found, mut cursor) = (Vec::new(), String::new());
    while !found.contains(&shown) {
        let page = admin.elsewhere()?.call(Method::GET, &format!("/captcha/domains?limit=3&cursor={cursor}")).await?;
        let page = page.success(200)?;
        found.extend(page["domains"].as_array().context("no list")?.iter().cloned());
        page["next_cursor"].as_str().unwrap_or_default().clone_into(&mut cursor);
        anyhow::ensure!(!cursor.is_empty() || found.contains(&shown), "it is not listed: {found:?}");
    }
    for (method, path) in [
        (Method::GET, "/captcha/domains"),
        (Method::GET, path.as_str()),
        (Method::PUT, path.as_str()),
        (Method::DELETE, path.as_str()),
    ] {
        services.worker.call(method, path).await?.worker_error(403)?;
    }
    let told = json!({"message": "Domain removed successfully"});
    assert_eq!(admin.call(Method::DELETE, &path).await?.success(200)?, told);
    for method in [Method::DELETE, Method::GET] {
        admin.call(method, &path).await?.worker_error(404)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_task_that_may_have_been_made_is_not_made_again() -> anyhow::Result<()> {
    let services = Services::new().await?;
    let site = services.site().await?;
    for (step, told) in [
        (Step::Closed, "broke off before it had answered"),
        (Step::Cut, "broke off before it had answered"),
        (Step::Status(429), "refused the request: status 429, ERROR_NO_SLOT_AVAILABLE"),
        (Step::Status(401), "refused the request: status 401, ERROR_KEY_DOES_NOT_EXIST"),
        (Step::Status(500), "refused the request: status 500, ERROR_INTERNAL"),
        (Step::RefusedIn200, "refused the request: ERROR_CAPTCHA_UNSOLVABLE"),
        (Step::Redirected, "refused the request: status 307"),
        (Step::Garbage, "gave an answer that cannot be understood"),
        (Step::OtherJson, "gave an answer that cannot be understood"),
        (Step::Huge, "answered with more than 1048576 bytes"),
        (Step::Empty, "gave an answer that cannot be understood"),
    ] {
        let plan = Plan::new(&[step, Step::Ok]);
        let answer = services.solve(&site, &plan).await?;
        assert_eq!(answer.worker_error(500)?, format!("The captcha service {told}"), "{step}");
        assert_eq!(services.paid(&plan).await?, (1, 0), "{step}");
    }
    Ok(())
}

#[tokio::test]
async fn a_question_that_gets_lost_is_asked_again() -> anyhow::Result<()> {
    let services = Services::new().await?;
    let site = services.site().await?;
    for steps in [
        [Step::Ok, Step::Closed, Step::Ok],
        [Step::Ok, Step::Cut, Step::Ok],
        [Step::Ok, Step::Processing, Step::Slow(300)],
    ] {
        let plan = Plan::new(&steps);
        let told = services.solve(&site, &plan).await?.success(200)?;
        assert_eq!((&told["cost"], services.paid(&plan).await?), (&json!(0.002_99), (1, 2)), "{steps:?}");
    }
    for (step, told) in [
        (Step::RefusedIn200, "refused the request: ERROR_CAPTCHA_UNSOLVABLE"),
        (Step::Empty, "gave an empty answer"),
        (Step::Status(503), "refused the request: status 503, ERROR_INTERNAL"),
        (Step::Garbage, "gave an answer that cannot be understood"),
        (Step::Huge, "answered with more than 1048576 bytes"),
    ] {
        let plan = Plan::new(&[Step::Ok, step, Step::Ok]);
        let answer = services.solve(&site, &plan).await?;
        let error = answer.worker_error(500)?;
        assert!(error.starts_with(&format!("The captcha service {told}")), "{step}: {error}");
        assert_eq!(services.paid(&plan).await?, (1, 1), "{step}");
    }
    Ok(())
}

#[tokio::test]
async fn the_same_request_with_its_key_is_paid_for_once() -> anyhow::Result<()> {
    let services = Services::new().await?;
    let site = services.site().await?;
    let plan = Plan::new(&[Step::Slow(300), Step::Processing, Step::Ok]);
    let answers = try_join_all((0..8).map(|_| services.solve_once("together", &site, &plan))).await?;
    let first = answers[0].success(200)?;
    for answer in answers {
        assert_eq!(answer.success(200)?, first);
    }
    assert_eq!(services.solve_once("together", &site, &plan).await?.success(200)?, first);
    assert_eq!(services.paid(&plan).await?.0, 1);
    let other = services.solve_once("together", &site, &Plan::new(&[Step::Ok])).await?;
    assert!(other.worker_error(400)?.contains("Idempotency-Key"));
    // Without a key, each request is another captcha.
    let plan = Plan::new(&[Step::Ok]);
    for _ in 0..2 {
        services.solve(&site, &plan).await?.success(200)?;
    }
    assert_eq!(services.paid(&plan).await?.0, 2);
    Ok(())
}

#[tokio::test]
async fn a_solution_that_comes_too_late_is_had_by_asking_again() -> anyhow::Result<()> {
    let services = Services::new().await?;
    let site = services.site().await?;
    let impatient = services.process(&[("PROVIDER_TIMEOUT_SECONDS", "1")]).await?;
    // No question is answered in time, and then one is.
    let plan = Plan::new(&[Step::Ok, Step::Slow(20_000), Step::Ok]);
    let began = Instant::now();
    let late = services.ask(&impatient, PATH, Some("late"), &body(&site, &plan)).await?;
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    let told = "The captcha service did not answer within 1 seconds; the same request with the same Idempotency-Key goes on waiting";
    assert_eq!((late.status, late.body), (500, json!({"error": told})));
    let logged = late.log.iter().find(|line| line["level"] == "ERROR").and_then(|line| line["task_id"].as_str());
    let logged = logged.context("its task is not in the log")?.to_owned();
    let solved = services.solve_once("late", &site, &plan).await?.success(200)?;
    assert_eq!(solved["task_id"], logged);
    assert_eq!(services.paid(&plan).await?, (1, 2));
    // What will never be solved is begun anew.
    let plan = Plan::new(&[Step::Ok, Step::RefusedIn200, Step::Ok, Step::Ok]);
    services.solve_once("hopeless", &site, &plan).await?.worker_error(500)?;
    services.solve_once("hopeless", &site, &plan).await?.success(200)?;
    assert_eq!(services.paid(&plan).await?, (2, 2));
    Ok(())
}

#[tokio::test]
async fn without_a_key_it_is_off_and_without_a_server_it_says_so() -> anyhow::Result<()> {
    let services = Services::new().await?;
    let site = services.site().await?;
    let plan = Plan::new(&[Step::Ok]);
    let off = services.process(&[("PROVIDER_KEYS", "/drover/nowhere")]).await?;
    let told = "The captcha service is off: the parameter /drover/nowhere/captcha is not set";
    let answer = services.ask(&off, PATH, None, &body(&site, &plan)).await?;
    assert_eq!((answer.status, answer.body), (500, json!({"error": told})));
    let port = tokio::net::TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
    let gone = services.process(&[("CAPTCHA_URL", &format!("http://127.0.0.1:{port}"))]).await?;
    let answer = services.ask(&gone, PATH, None, &body(&site, &plan)).await?;
    assert_eq!((answer.status, answer.body), (500, json!({"error": "The captcha service could not be reached"})));
    // Nothing was asked, so it was tried once more.
    let retries = answer.log.iter().filter(|line| line["message"] == "asking a service again").count();
    assert_eq!(retries, 1, "{:?}", answer.log);
    assert_eq!(services.paid(&plan).await?, (0, 0));
    Ok(())
}

#[tokio::test]
async fn all_that_is_wrong_with_a_captcha_is_told_at_once() -> anyhow::Result<()> {
    let services = Services::new().await?;
    let data = ["data.page_url", "data.site_domain", "data.site_key"];
    for (wrong, fields) in [
        (json!({}), [&["captcha_type"][..], &data].concat()),
        (json!({"captcha_type": "recaptcha_v3", "data": {}}), [&["captcha_type"][..], &data].concat()),
        (json!({"captcha_type": 7, "data": []}), vec!["captcha_type", "data"]),
        (
            json!({"captcha_type": "hcaptcha", "data": {
                "site_key": "two words", "page_url": "example.com", "campaign_id": "5", "site_domain": "com",
            }}),
            vec!["data.campaign_id", "data.page_url", "data.site_domain", "data.site_key"],
        ),
    ] {
        let answer = services.worker.elsewhere()?.send(Method::POST, PATH, &wrong).await?;
        assert_eq!(answer.worker_faults()?, fields, "{wrong}");
    }
    Ok(())
}

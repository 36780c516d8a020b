//! `/api/llm/generate`, with stand-ins for OpenAI and DeepSeek.

use std::time::{Duration, Instant};

use drover_tests::CROWD;
use drover_tests::answer::Answer;
use drover_tests::providers::{Plan, Step};
use futures::future::try_join_all;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::services::{Services, alone};

/// Longer than anybody waits.
const NEVER: u64 = 120_000;

const PATH: &str = "/llm/generate";

fn body(plan: &Plan) -> Json {
    json!({"prompt": format!("{plan} Write a comment."), "options": {"model": "gpt-4o-mini"}})
}

impl Services {
    async fn generate(&self, plan: &Plan) -> anyhow::Result<Answer> {
        self.worker.elsewhere()?.send(Method::POST, PATH, &body(plan)).await
    }

    async fn generate_once(&self, key: &str, body: &Json) -> anyhow::Result<Answer> {
        let request = self.worker.elsewhere()?.request(Method::POST, PATH).header("Idempotency-Key", key);
        Answer::of(request.json(body).send().await?).await
    }
}

#[tokio::test]
async fn the_contracts_example_is_answered_as_documented() -> anyhow::Result<()> {
    let services = Services::new().await?;
    let example = json!({
        "prompt": "Write a thoughtful comment for a blog post about SEO.",
        "options": {"max_tokens": 200, "temperature": 0.7, "model": "gpt-3.5-turbo"},
    });
    let answer = services.worker.send(Method::POST, PATH, &example).await?;
    let told = answer.success(200)?;
    let content = told["content"].as_str().unwrap_or_default();
    assert!(content.contains("Write a thoughtful comment"), "{told}");
    assert_eq!(told, json!({"success": true, "content": content}));
    assert_eq!(answer.number("x-ratelimit-limit")?, 30);
    Ok(())
}

#[tokio::test]
async fn each_provider_is_asked_as_it_documents() -> anyhow::Result<()> {
    let services = Services::new().await?;
    for (model, path, tokens) in [
        ("gpt-3.5-turbo", "/openai/v1/chat/completions", "max_completion_tokens"),
        ("deepseek-chat", "/deepseek/chat/completions", "max_tokens"),
    ] {
        let plan = Plan::new(&[Step::Ok]);
        let prompt = format!("{plan} \"Ünïcode\" \u{1F642}\n");
        let options = json!({"model": model, "max_tokens": 200, "temperature": 0.7, "stream": true, "n": 5});
        let asked = json!({"prompt": prompt, "options": options, "messages": []});
        services.worker.send(Method::POST, PATH, &asked).await?.success(200)?;
        let [seen] = &services.stand_ins.seen(&plan).await?[..] else { anyhow::bail!("not one request") };
        assert_eq!((seen.method.as_str(), seen.path.as_str(), seen.has_key), ("POST", path, true));
        let mut wanted = json!({"model": model, "messages": [{"role": "user", "content": prompt}], "temperature": 0.7});
        wanted[tokens] = json!(200);
        assert_eq!(seen.body, wanted);
    }
    // Without options: the usual model, and the provider's own limits.
    let plan = Plan::new(&[Step::Ok]);
    let asked = json!({"prompt": plan.to_string(), "options": null});
    services.worker.send(Method::POST, PATH, &asked).await?.success(200)?;
    let seen = services.stand_ins.seen(&plan).await?;
    let messages = json!([{"role": "user", "content": plan.to_string()}]);
    assert_eq!(seen[0].body, json!({"model": "gpt-4o-mini", "messages": messages}));
    Ok(())
}

#[tokio::test]
async fn a_connection_that_breaks_is_tried_once_more() -> anyhow::Result<()> {
    let services = Services::new().await?;
    for (steps, status) in [
        (&[Step::Closed, Step::Ok][..], 200),
        (&[Step::Cut, Step::Ok], 200),
        (&[Step::Closed, Step::Closed, Step::Ok], 500),
        (&[Step::Cut, Step::Closed, Step::Ok], 500),
        (&[Step::Closed, Step::Status(429), Step::Ok], 500),
    ] {
        let plan = Plan::new(steps);
        let answer = services.generate(&plan).await?;
        assert_eq!(answer.status, status, "{steps:?}: {answer:?}");
        assert_eq!(services.stand_ins.seen(&plan).await?.len(), 2, "{steps:?}");
        if status == 500 {
            assert!(answer.worker_error(500)?.starts_with("The LLM service openai "));
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_refusal_is_not_tried_again_and_nothing_of_its_words_is_told() -> anyhow::Result<()> {
    let services = Services::new().await?;
    for (step, told) in [
        (Step::Status(400), "refused the request: status 400, invalid_request_error"),
        (Step::Status(401), "refused the request: status 401, invalid_api_key"),
        (Step::Status(402), "refused the request: status 402, invalid_request_error"),
        (Step::Status(404), "refused the request: status 404, invalid_request_error"),
        (Step::Status(429), "refused the request: status 429, rate_limit_exceeded"),
        (Step::Status(500), "refused the request: status 500, server_error"),
        (Step::Status(503), "refused the request: status 503, server_error"),
        (Step::RefusedIn200, "refused the request: invalid_request_error"),
        (Step::Redirected, "refused the request: status 307"),
        (Step::Garbage, "gave an answer that cannot be understood"),
        (Step::OtherJson, "gave an answer that cannot be understood"),
        (Step::Huge, "answered with more than 1048576 bytes"),
        (Step::Empty, "gave an empty answer"),
    ] {
        let plan = Plan::new(&[step, Step::Ok]);
        let answer = services.generate(&plan).await?;
        assert_eq!(answer.worker_error(500)?, format!("The LLM service openai {told}"), "{step}");
        assert_eq!(services.stand_ins.seen(&plan).await?.len(), 1, "{step}");
    }
    // A key that was refused is read anew, and not held against the next request.
    services.generate(&Plan::new(&[Step::Ok])).await?.success(200)?;
    Ok(())
}

#[tokio::test]
async fn a_provider_that_is_slow_has_its_time_and_no_more() -> anyhow::Result<()> {
    let services = Services::new().await?;
    let patient = Plan::new(&[Step::Slow(2_000)]);
    services.generate(&patient).await?.success(200)?;

    let impatient = services.process(&[("PROVIDER_TIMEOUT_SECONDS", "2")]).await?;
    let (plan, began) = (Plan::new(&[Step::Slow(NEVER)]), Instant::now());
    let answer = services.ask(&impatient, PATH, None, &body(&plan)).await?;
    let told = json!({"error": "The LLM service openai did not answer within 2 seconds"});
    assert_eq!((answer.status, &answer.body), (500, &told));
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(services.stand_ins.seen(&plan).await?.len(), 1);
    // The time is that of both tries.
    let (plan, began) = (Plan::new(&[Step::Closed, Step::Slow(NEVER)]), Instant::now());
    assert_eq!(services.ask(&impatient, PATH, None, &body(&plan)).await?.body, told);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(services.stand_ins.seen(&plan).await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn without_a_key_it_is_off_and_without_a_server_it_says_so() -> anyhow::Result<()> {
    let services = Services::new().await?;
    let off = services.process(&[("PROVIDER_KEYS", "/drover/nowhere")]).await?;
    for (model, told) in [
        ("gpt-4o", "The LLM service openai is off: the parameter /drover/nowhere/openai is not set"),
        ("deepseek-chat", "The LLM service deepseek is off: the parameter /drover/nowhere/deepseek is not set"),
    ] {
        let asked = json!({"prompt": "Write.", "options": {"model": model}});
        let answer = services.ask(&off, PATH, None, &asked).await?;
        assert_eq!((answer.status, answer.body), (500, json!({"error": told})));
    }
    // Nobody listens on a port that was just given back.
    let port = tokio::net::TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
    let gone = services.process(&[("OPENAI_URL", &format!("http://127.0.0.1:{port}/v1"))]).await?;
    let answer = services.ask(&gone, PATH, None, &body(&Plan::new(&[Step::Ok]))).await?;
    assert_eq!(answer.body, json!({"error": "The LLM service openai could not be reached"}));
    let retries = answer.log.iter().filter(|line| line["message"] == "asking a service again").count();
    assert_eq!(retries, 1, "{:?}", answer.log);
    Ok(())
}

#[tokio::test]
async fn all_that_is_wrong_with_a_prompt_is_told_at_once() -> anyhow::Result<()> {
    let services = Services::new().await?;
    for (wrong, fields) in [
        (json!({}), vec!["prompt"]),
        (json!({"prompt": " \n"}), vec!["prompt"]),
        (json!({"prompt": 5, "options": []}), vec!["options", "prompt"]),
        (json!({"prompt": "x".repeat(100_001)}), vec!["prompt"]),
        (
            json!({"prompt": "", "options": {"max_tokens": 0, "temperature": -0.1, "model": ""}}),
            vec!["options.max_tokens", "options.model", "options.temperature", "prompt"],
        ),
        (
            json!({"prompt": "Write.", "options": {"max_tokens": 16_385, "temperature": 2.01}}),
            vec!["options.max_tokens", "options.temperature"],
        ),
        (json!({"prompt": "Write.", "options": {"model": "llama-3"}}), vec!["options.model"]),
        (json!({"prompt": "Write.", "options": {"model": "GPT-4"}}), vec!["options.model"]),
    ] {
        let answer = services.worker.elsewhere()?.send(Method::POST, PATH, &wrong).await?;
        assert_eq!(answer.worker_faults()?, fields, "{:.80}", wrong.to_string());
    }
    Ok(())
}

#[tokio::test]
async fn the_same_request_with_its_key_is_paid_for_once_and_answered_alike() -> anyhow::Result<()> {
    let services = Services::new().await?;
    let plan = Plan::new(&[Step::Slow(300)]);
    let asked = body(&plan);
    let answers = try_join_all((0..8).map(|_| services.generate_once("together", &asked))).await?;
    let first = answers[0].success(200)?;
    for answer in answers {
        assert_eq!(answer.success(200)?, first);
    }
    assert_eq!(services.generate_once("together", &asked).await?.success(200)?, first);
    assert_eq!(services.stand_ins.seen(&plan).await?.len(), 1);
    let other = services.generate_once("together", &body(&Plan::new(&[Step::Ok]))).await?;
    assert!(other.worker_error(400)?.contains("Idempotency-Key"));
    // Another token's key is another key.
    let stranger = Services::new().await?;
    stranger.generate_once("together", &body(&Plan::new(&[Step::Ok]))).await?.success(200)?;
    // What failed was not paid for, and is begun anew.
    let plan = Plan::new(&[Step::Status(500), Step::Ok]);
    services.generate_once("again", &body(&plan)).await?.worker_error(500)?;
    services.generate_once("again", &body(&plan)).await?.success(200)?;
    assert_eq!(services.stand_ins.seen(&plan).await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn thirty_requests_a_minute_pass() -> anyhow::Result<()> {
    let services = Services::new().await?;
    let _crowd = CROWD.lock().await;
    alone().await;
    let mut passed = 0;
    let empty = json!({});
    for answer in try_join_all((0..40).map(|_| services.worker.send(Method::POST, PATH, &empty))).await? {
        assert_eq!(answer.number("x-ratelimit-limit")?, 30);
        if answer.status == 429 {
            answer.worker_error(429)?;
            assert!((1..=60).contains(&answer.number("retry-after")?));
        } else {
            answer.worker_faults()?;
            passed += 1;
        }
    }
    assert_eq!(passed, 30);
    // Captchas are of the same count, tasks are not.
    assert_eq!(services.worker.send(Method::POST, "/captcha/solve", &json!({})).await?.status, 429);
    assert_eq!(services.worker.call(Method::GET, "/tasks/pending?campaign_id=1").await?.status, 200);
    Ok(())
}

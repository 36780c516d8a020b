//! contracts/credential-queue.md: the Python and curl examples.

use std::path::Path;

use anyhow::Context;
use drover_tests::Stack;
use drover_tests::scraper::{SECRET, email};
use reqwest::Method;
use serde_json::{Value as Json, json};
use tokio::process::Command;

use super::{FOLDER, Scratch, filled};

const BASE_URL: &str = "http://localhost:5000";
const KEY: &str = "sk_live_abc123";

/// The platform of the contract's examples, which every deployment knows.
const PLATFORM: &str = "linkedin";

#[tokio::test]
async fn the_python_client_runs_unchanged_but_for_base_url_and_key() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (admin, scraper) = (stack.administrator()?, stack.scraper().await?);
    let new = json!({"platform": PLATFORM, "name": "Account 1", "email": email(1), "password": format!("{SECRET}-1")});
    admin.admin(Method::POST, "/credentials", &new, 201).await?;
    let successes = async || {
        let pool = admin.admin_get(&format!("/credentials?platform={PLATFORM}&limit=100")).await?;
        let all = pool["credentials"].as_array().cloned().unwrap_or_default();
        anyhow::Ok(all.iter().filter_map(|one| one["success_count"].as_u64()).sum::<u64>())
    };
    let before = successes().await?;
    let told = run_client(&stack.url, &scraper.key, PLATFORM, "success").await?;
    // Which of the platform's credentials it was given is not the program's to choose.
    assert!(told.starts_with("signed in as ") && told.contains(" with "), "{told}");
    assert_eq!(successes().await?, before + 1);
    Ok(())
}

async fn run_client(url: &str, key: &str, platform: &str, outcome: &str) -> anyhow::Result<String> {
    let python = std::env::var("DROVER_PYTHON").context("DROVER_PYTHON is not set: run the suites by tests/run")?;
    let mut command = Command::new(&python);
    command.arg(Path::new(FOLDER).join("run_credential_queue_client.py"));
    command.arg(Path::new(FOLDER).join("credential_queue_client.py"));
    command.args([url, key, platform, outcome]);
    Scratch::new()?.run(&mut command).await
}

#[tokio::test]
async fn the_python_client_does_what_each_outcome_wants() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let signed_in = format!("signed in as {} with {SECRET}-1\n", email(1));
    for (outcome, credentials, told, shown) in [
        ("success", 1, signed_in.as_str(), json!(["available", 1, 0, null])),
        ("login_error", 1, &signed_in, json!(["failed", 0, 1, "Login failed: Invalid credentials"])),
        ("rate_limit", 1, &signed_in, json!(["cooldown", 0, 1, "Rate limited"])),
        ("success", 0, "No credentials available\n", Json::Null),
    ] {
        let pool = stack.pool(credentials).await?;
        assert_eq!(run_client(&stack.url, &pool.scraper.key, &pool.platform, outcome).await?, told, "{outcome}");
        for id in &pool.ids {
            let found = pool.admin.shown(*id).await?;
            let found = json!([found["status"], found["success_count"], found["failure_count"], found["last_error"]]);
            assert_eq!(found, shown, "{outcome}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_curl_examples_run_as_they_stand() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(1).await?;
    let scratch = Scratch::new()?;
    let id = pool.ids[0].to_string();
    let shell = async |file: &str, values: &[(&str, &str)]| -> anyhow::Result<Json> {
        let commands =
            filled(file, &[&[(BASE_URL, pool.stack.url.as_str()), (KEY, &pool.scraper.key)], values].concat())?;
        // What curl says of its progress is not for the tests' own terminal; `sh -c` has each command as it is written.
        Ok(serde_json::from_str(&scratch.run(Command::new("sh").arg("-c").arg(commands)).await?)?)
    };
    let platform = format!("/{}/", pool.platform);
    let (success, failure, release) = (format!("/{id}/success"), format!("/{id}/failure"), format!("/{id}/release"));
    for (file, documented, path, answer) in [
        (
            "credential_queue_success.sh",
            "/1/success",
            &success,
            json!({"message": "Credential released successfully", "status": "available"}),
        ),
        (
            "credential_queue_release.sh",
            "/1/release",
            &release,
            json!({"message": "Credential released", "status": "available"}),
        ),
        (
            "credential_queue_rate_limited.sh",
            "/1/failure",
            &failure,
            json!({"message": "Credential failure recorded", "status": "cooldown", "failure_count": 1}),
        ),
        (
            "credential_queue_failure.sh",
            "/1/failure",
            &failure,
            json!({"message": "Credential failure recorded", "status": "failed", "failure_count": 2}),
        ),
    ] {
        let claim = shell("credential_queue_next.sh", &[("/linkedin/", &platform)]).await?;
        assert_eq!((&claim["id"], &claim["email"]), (&json!(pool.ids[0]), &json!(email(1))), "before {file}");
        assert_eq!(pool.admin.shown(pool.ids[0]).await?["session_id"], "scraper-001");
        let told = shell(file, &[(documented, path)]).await?;
        for (name, value) in answer.as_object().into_iter().flatten() {
            assert_eq!(&told[name], value, "{file}");
        }
        if told["status"] == "cooldown" {
            pool.end_wait(pool.ids[0]).await?;
        }
    }
    Ok(())
}

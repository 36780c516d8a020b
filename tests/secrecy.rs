//! What no log may tell, looked back on at the end of a run. What no answer may tell is looked for as answers come (tests/src/leaks.rs).

use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};
use api::identity::Permission;
use drover_tests::Stack;
use drover_tests::leaks::{
    WEBHOOK_SECRET, api_key_in, pool_secret_in, provider_key_in, service_secrets, session_token_in, webhook_secret_in,
};
use drover_tests::providers::{Plan as Steps, Step};
use drover_tests::scraper::SECRET;
use drover_tests::store::StandInStore;
use extract::Plan;
use reqwest::Method;
use serde_json::json;
use table::Millis;

#[tokio::test]
#[ignore = "looks back on all other tests: tests/run runs it after them"]
async fn no_secret_is_in_any_log() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    // What is looked for is what the functions have, whichever tests were run.
    stack.set_provider_keys().await?;
    let prompt = Steps::new(&[Step::Ok]).to_string();
    let asked = json!({"prompt": prompt, "options": {"model": "gpt-4o-mini"}});
    stack.worker().await?.send(Method::POST, "/llm/generate", &asked).await?.success(200)?;
    // A checkout is made with one of the store's secrets, a webhook judged by the other.
    let shop = StandInStore::of(&stack).await?;
    let wanted = json!({"plan_id": "professional", "success_url": "https://app.example.com/ok"});
    stack
        .user_with(Plan::Free, 1_000, &[Permission::BillingManage])
        .await?
        .send(Method::POST, "/billing/create-checkout", &wanted)
        .await?
        .success(200)?;
    shop.tell(&[shop
        .sign(json!({"meta": {"event_name": "x"}, "data": {"type": "x", "id": "1", "attributes": {}}}).to_string())
        .await?])
        .await?;
    let groups = stack.log_groups().await?;
    ensure!(!groups.is_empty(), "there are no log groups");
    let mut lines = 0;
    let words: Vec<_> = [SECRET, WEBHOOK_SECRET, "sk_", "eyJ"].into_iter().chain(service_secrets()).collect();
    for group in groups {
        for word in &words {
            let found = stack.raw_log_lines(&group, Millis(0), &[word]).await?;
            lines += found.len();
            for line in found {
                ensure!(!is_secret_in(&line), "{group}: {line}");
            }
        }
    }
    // Were logs read at all?
    let answered = stack.log_lines("credential-queue", Millis(0), &["answered"]).await?;
    ensure!(!answered.is_empty(), "the credential queue has logged nothing");
    let folder = std::env::var("DROVER_FOLDER").context("DROVER_FOLDER is not set: run the suites by tests/run")?;
    let mut files = 0;
    for file in fs::read_dir(&folder)?.flatten().map(|entry| entry.path()) {
        if file.extension() == Some("log".as_ref()) {
            files += 1;
            check_file(&file)?;
        }
    }
    ensure!(files >= 2, "{folder} has the logs of the emulator and the front door");
    println!("{files} files, {lines} lines with a word that a secret has");
    Ok(())
}

fn check_file(file: &Path) -> anyhow::Result<()> {
    let content = fs::read(file)?;
    for line in String::from_utf8_lossy(&content).lines() {
        ensure!(!is_secret_in(line), "{}: {line}", file.display());
    }
    Ok(())
}

fn is_secret_in(line: &str) -> bool {
    pool_secret_in(line).is_some()
        || webhook_secret_in(line).is_some()
        || provider_key_in(line).is_some()
        || api_key_in(line).is_some()
        || session_token_in(line).is_some()
}

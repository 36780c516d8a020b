//! Credentials and proxies in a terminal.

use anyhow::{Context, ensure};
use drover_tests::scraper::SECRET;
use drover_tests::{Said, Stack, eventually};
use serde_json::{Value as Json, json};

/// What a list says of a credential.
fn status_of(listed: &Json, id: u64) -> anyhow::Result<&str> {
    let all = listed["credentials"].as_array().context("no credentials")?;
    let found = all.iter().find(|credential| credential["id"] == id).with_context(|| format!("no {id} in {listed}"))?;
    found["status"].as_str().context("no status")
}

#[tokio::test]
async fn a_stuck_credential_is_taken_back_switched_off_and_on() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let pool = stack.pool(2).await?;
    let claimed = pool.claim().await?;
    let id = claimed.id.to_string();
    let list = async || stack.operate(&["credentials", "list", &pool.platform]).await;

    ensure!(status_of(&list().await?, claimed.id)? == "in_use", "{}", list().await?);
    let held = stack.operate(&["credentials", "list", &pool.platform, "--status", "in-use"]).await?;
    ensure!(held["credentials"].as_array().map(Vec::len) == Some(1), "{held}");
    let shown = stack.droverctl(&["credentials", "show", &id]).await?;
    ensure!(shown.output.contains("in_use") && !shown.output.contains(SECRET), "{shown:?}");

    let asked = stack.droverctl(&["credentials", "release", &id]).await?;
    ensure!(asked.code == Some(4), "{asked:?}");
    let released = stack.operate(&["credentials", "release", &id, "--yes"]).await?;
    ensure!(released["done"] == "released" && released["on"] == format!("credential/{id}"), "{released}");
    let again = stack.droverctl(&["credentials", "release", &id, "--yes"]).await?;
    ensure!(again.code == Some(4), "it was released twice: {again:?}");

    for (act, done, status) in [("disable", "disabled", "disabled"), ("enable", "enabled", "available")] {
        let mut arguments = vec!["credentials", act, id.as_str()];
        if act == "disable" {
            arguments.push("--yes");
        }
        let told = stack.operate(&arguments).await?;
        ensure!(told["done"] == done, "{told}");
        ensure!(status_of(&list().await?, claimed.id)? == status, "after {act}: {}", list().await?);
    }
    let text = stack.droverctl(&["credentials", "list", &pool.platform]).await?;
    ensure!(text.output.starts_with("ID") && text.output.lines().count() == 3, "{}", text.output);
    Ok(())
}

#[tokio::test]
async fn credentials_are_imported_from_a_file_all_or_none() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let pool = stack.pool_with(json!({"secret": "email_password"}), 0).await?;
    let file = std::env::temp_dir().join(format!("drover-import-{}.csv", pool.platform));
    let path = file.to_str().context("no path")?;
    let import = async |text: &str| -> anyhow::Result<Said> {
        std::fs::write(&file, text)?;
        stack.droverctl(&["credentials", "import", &pool.platform, path, "--form", "csv", "--output", "json"]).await
    };
    let wrong = import("name,email,password\na,a@example.com,p1\nb,b@example.com\n").await?;
    ensure!(wrong.code == Some(2) && wrong.errors.contains("line"), "{wrong:?}");
    let right = import("name,email,password\na,a@example.com,p1\nb,b@example.com,p2\n").await?;
    ensure!(right.success, "{right:?}");
    let told: Json = serde_json::from_str(&right.output)?;
    ensure!(told["imported"] == 2, "{told}");
    std::fs::remove_file(&file)?;
    // It was sealed with the key that the functions open it with.
    ensure!(pool.claim().await?.body["email"].is_string(), "it cannot be claimed");
    let listed = stack.operate(&["credentials", "list", &pool.platform]).await?;
    ensure!(listed["credentials"].as_array().map(Vec::len) == Some(2), "{listed}");
    Ok(())
}

#[tokio::test]
async fn a_task_is_found_among_its_campaigns_cancelled_and_taken_up_again() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let administrator = stack.worker_administrator()?;
    let campaign = administrator.campaign().await?;
    let task = administrator.task(&json!({"campaign_id": campaign, "type": "comment"})).await?;
    let (id, campaign) = (task.to_string(), campaign.to_string());
    let is_listed = async |state: &str| {
        let arguments = ["tasks", "list", "--state", state, "--campaign", &campaign, "--type", "comment"];
        eventually(&format!("it is listed among those that are {state}"), async || {
            let listed = stack.operate(&arguments).await?;
            Ok((listed["tasks"][0]["id"] == task).then_some(()))
        })
        .await
    };
    is_listed("open").await?;
    let cancelled = stack.operate(&["tasks", "cancel", &id, "--yes"]).await?;
    ensure!(cancelled["done"] == "cancelled" && cancelled["on"] == format!("task/{id}"), "{cancelled}");
    let again = stack.droverctl(&["tasks", "cancel", &id, "--yes"]).await?;
    ensure!(again.code == Some(4) && again.errors.contains("had ended"), "{again:?}");
    is_listed("failed").await?;
    let retried = stack.operate(&["tasks", "retry", &id]).await?;
    ensure!(retried["done"] == "retried", "{retried}");
    let again = stack.droverctl(&["tasks", "retry", &id]).await?;
    ensure!(again.code == Some(4) && again.errors.contains("has not failed"), "{again:?}");
    is_listed("open").await
}

#[tokio::test]
async fn a_proxy_is_switched_off_and_on_and_shows_no_password() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let administrator = stack.worker_administrator()?;
    let password = "a-password-of-a-proxy";
    let body = json!({"proxies": [{"host": "p.example.com", "port": 8080, "username": "u", "password": password, "country": "DE"}]});
    let answer = administrator.request(reqwest::Method::POST, "/proxies").json(&body).send().await?;
    ensure!(answer.status().is_success(), "{answer:?}");
    let listed = stack.operate(&["proxies", "list", "--limit", "100"]).await?;
    let proxies = listed["proxies"].as_array().context("no proxies")?;
    let proxy = proxies.iter().find(|proxy| proxy["host"] == "p.example.com").with_context(|| listed.to_string())?;
    let id = proxy["id"].as_u64().context("no id")?.to_string();
    for (act, status) in [("disable", "disabled"), ("enable", "active")] {
        let mut arguments = vec!["proxies", act, id.as_str()];
        if act == "disable" {
            arguments.push("--yes");
        }
        let told = stack.operate(&arguments).await?;
        ensure!(told["on"] == format!("proxy/{id}"), "{told}");
        let shown = stack.droverctl(&["proxies", "show", &id, "--output", "json"]).await?;
        ensure!(!shown.output.contains(password), "{shown:?}");
        let shown: Json = serde_json::from_str(&shown.output)?;
        ensure!(shown["status"] == status && shown["has_password"] == true, "{shown}");
    }
    Ok(())
}

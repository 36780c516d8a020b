//! `/pwmr`.

use anyhow::{Context, ensure};
use drover_tests::Stack;
use portals::Portal;
use reqwest::Method;
use serde_json::json;
use table::Clock;

#[tokio::test]
async fn a_job_is_queued_and_shown_as_the_contract_shows_it() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let client = stack.unheard_portal_client().await?;
    let account = stack.portal_account(&client.tenant, Portal::Pwmr).await?;
    let queued = client.send(Method::POST, "/pwmr/scrape", &json!({"email": account.email, "other": 1})).await?;
    let queued = queued.success(200)?;
    let id = queued["job_id"].as_str().context("no id")?;
    let expected = json!({"job_id": id, "status": "queued", "message": "Job successfully queued"});
    ensure!(queued == expected, "{queued}");
    let shown = client.get(&format!("/pwmr/status/{id}")).await?;
    ensure!(shown["job_id"] == id && shown == client.get(&format!("/cpcb/queue/job/{id}")).await?, "{shown}");
    ensure!(client.get("/pwmr/jobs").await? == json!([shown]));
    Ok(())
}

#[tokio::test]
async fn jobs_of_other_portals_are_not_here() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (client, desk) = (stack.portal_client().await?, stack.portal_desk(Clock::system()).await?);
    let job = desk.jobs.create(&stack.portal_account(&client.tenant, Portal::Bwmr).await?).await?;
    ensure!(client.get("/pwmr/jobs").await? == json!([]));
    client.call(Method::GET, &format!("/pwmr/status/{}", job.id)).await?.portal_error(404)?;
    client.get(&format!("/cpcb/queue/job/{}", job.id)).await?;
    Ok(())
}

#[tokio::test]
async fn an_address_without_an_account_is_a_404_and_none_a_400() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let client = stack.portal_client().await?;
    let battery = stack.portal_account(&client.tenant, Portal::Bwmr).await?;
    for email in ["nobody@example.com", "", "\u{0}", battery.email.as_str(), &"a".repeat(10_000)] {
        let told = client.send(Method::POST, "/pwmr/scrape", &json!({"email": email})).await?.portal_error(404)?;
        ensure!(told == "Invalid user email.", "{told}");
    }
    for body in [json!({}), json!({"email": null}), json!({"email": 5}), json!({"email": ["a"]}), json!([])] {
        client.send(Method::POST, "/pwmr/scrape", &body).await?.portal_error(400)?;
    }
    Ok(())
}

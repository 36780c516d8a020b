//! What is whose: users of one tenant share accounts and jobs, and what is another's is not there.

use anyhow::ensure;
use drover_tests::Stack;
use portals::Portal;
use reqwest::Method;
use serde_json::json;
use table::Clock;

#[tokio::test]
async fn users_of_a_tenant_share_its_jobs_and_nobody_else_sees_them() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (alice, desk) = (stack.unheard_portal_client().await?, stack.portal_desk(Clock::system()).await?);
    let (bob, eve) = (stack.portal_client_of(&alice.tenant).await?, stack.unheard_portal_client().await?);
    let account = stack.portal_account(&alice.tenant, Portal::Pwmr).await?;
    let job = desk.jobs.create(&account).await?;
    let shown = alice.get("/cpcb/queue").await?;
    ensure!(shown[0]["job_id"] == job.id.to_string() && bob.get("/cpcb/queue").await? == shown, "{shown}");
    bob.call(Method::POST, &format!("/cpcb/pwmr?user_email={}", account.email)).await?.success(200)?;

    for path in [format!("/cpcb/queue/job/{}", job.id), format!("/pwmr/status/{}", job.id)] {
        ensure!(eve.call(Method::GET, &path).await?.portal_error(404)? == "Job not found");
    }
    eve.call(Method::DELETE, &format!("/cpcb/queue/job/{}", job.id)).await?.portal_error(404)?;
    ensure!(eve.get("/cpcb/queue").await? == json!([]) && eve.get("/pwmr/jobs").await? == json!([]));
    // One's own account of the same address is another account.
    let stolen = json!({"tenant": eve.tenant, "portal": "pwmr", "email": account.email, "password": "a guess"});
    eve.administer(Method::POST, "/accounts", Some(&stolen)).await?.success(201)?;
    eve.call(Method::POST, &format!("/cpcb/pwmr?user_email={}", account.email)).await?.success(200)?;
    ensure!(alice.get("/cpcb/queue").await?.as_array().map(Vec::len) == Some(2));
    Ok(())
}

#[tokio::test]
async fn a_cursor_of_anothers_list_leads_nowhere_but_ones_own() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (alice, desk) = (stack.portal_client().await?, stack.portal_desk(Clock::system()).await?);
    let eve = stack.portal_client().await?;
    let account = stack.portal_account(&alice.tenant, Portal::Pwmr).await?;
    for _ in 0..3 {
        desk.jobs.create(&account).await?;
    }
    for path in ["/cpcb/queue", "/pwmr/jobs"] {
        let page = alice.call(Method::GET, &format!("{path}?limit=1")).await?;
        let link = page.header("link").unwrap_or_default().to_owned();
        let query = link.trim_start_matches('<').split('>').next().unwrap_or_default().to_owned();
        ensure!(query.starts_with("?limit=1&cursor="), "{link}");
        ensure!(eve.get(&format!("{path}{query}")).await? == json!([]), "{path}");
    }
    Ok(())
}

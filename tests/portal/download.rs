//! `/cpcb/queue/job/{job_id}/download`, where there is nothing to be had.

use anyhow::ensure;
use drover_tests::Stack;
use portals::Portal;
use reqwest::Method;
use table::Clock;

#[tokio::test]
async fn what_is_not_there_is_a_404_and_another_form_a_400() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (client, desk) = (stack.portal_client().await?, stack.portal_desk(Clock::system()).await?);
    let eve = stack.portal_client().await?;
    let job = desk.jobs.create(&stack.portal_account(&client.tenant, Portal::Pwmr).await?).await?;
    let path = format!("/cpcb/queue/job/{}/download", job.id);
    for query in ["", "?format=csv", "?format=xlsx"] {
        let told = client.call(Method::GET, &format!("{path}{query}")).await?.portal_error(404)?;
        ensure!(told == "The job has no such file (yet)", "{told}");
        ensure!(eve.call(Method::GET, &format!("{path}{query}")).await?.portal_error(404)? == "Job not found");
    }
    for query in ["?format=json", "?format=CSV", "?format=csv%00", "?format=..%2F"] {
        client.call(Method::GET, &format!("{path}{query}")).await?.portal_error(400)?;
    }
    client.call(Method::GET, "/cpcb/queue/job/none/download").await?.portal_error(404)?;
    Ok(())
}

//! Two tenants, every route: what one of them has, the other cannot read, change or count.

use anyhow::ensure;
use drover_tests::{Stack, eventually};
use reqwest::Method;
use serde_json::json;
use table::Clock;

/// Every route with an id in it; the other tenant must be told that there is no such thing.
const OTHERS: [(&str, &str); 10] = [
    ("GET", "/jobs/{job}"),
    ("DELETE", "/jobs/{job}"),
    ("POST", "/jobs/{job}/cancel"),
    ("GET", "/videos/{video}"),
    ("POST", "/videos/{video}/retry"),
    ("DELETE", "/videos/{video}"),
    ("GET", "/scheduled-jobs/{schedule}"),
    ("PATCH", "/scheduled-jobs/{schedule}"),
    ("POST", "/scheduled-jobs/{schedule}/toggle"),
    ("DELETE", "/scheduled-jobs/{schedule}"),
];

#[tokio::test]
async fn nobody_reads_changes_or_counts_anothers_things() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let studio = stack.studio(Clock::system()).await?;
    let (tenant, other) = (stack.unheard_client().await?, stack.unheard_client().await?);
    let video = "7123456789012345678";
    let job = studio.listed(&tenant.tenant, "khaby.lame", &[video, "2"]).await?;
    let (run, failing) = studio.next(&job).await?.expect("one waits");
    studio.fail(run, &failing, videos::Stage::Downloading).await?;
    let schedule = tenant.schedule("Daily", 1_440).await?["id"].as_str().unwrap_or_default().to_owned();
    let belongings = async || {
        let mut all = Vec::new();
        for path in [format!("/jobs/{}", job.id), "/stats".to_owned(), "/scheduled-jobs".to_owned(), "/jobs".to_owned()]
        {
            all.push(tenant.get(&path).await?);
        }
        anyhow::Ok(all)
    };
    let before = belongings().await?;
    for (method, path) in OTHERS {
        let path =
            path.replace("{job}", &job.id.to_string()).replace("{video}", video).replace("{schedule}", &schedule);
        other.send(method.parse()?, &path, &json!({"name": "Mine now"})).await?.video_error(404)?;
    }
    for (path, nothing) in
        [("/jobs", json!([])), ("/scheduled-jobs", json!([])), ("/videos", json!({"total": 0, "videos": []}))]
    {
        ensure!(other.get(path).await? == nothing, "{path}");
    }
    let filtered = other.get("/videos?value=khaby.lame").await?;
    ensure!(filtered["total"] == 0, "{filtered}");
    let counted = other.get("/stats").await?;
    ensure!(counted.as_object().into_iter().flatten().all(|(_, count)| *count == 0), "{counted}");
    ensure!(belongings().await? == before, "something of the tenant's has changed");
    // Both may have found the same video: each has their own.
    studio.listed(&other.tenant, "khaby.lame", &[video]).await?;
    let theirs = eventually("the other's own video is there", async || {
        let answer = other.call(Method::GET, &format!("/videos/{video}")).await?;
        Ok((answer.status == 200).then_some(answer))
    });
    ensure!(theirs.await?.json()?["status"] == "pending");
    ensure!(tenant.get(&format!("/videos/{video}")).await?["status"] == "failed");
    Ok(())
}

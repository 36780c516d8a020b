//! `/scheduled-jobs`.

use anyhow::{Context, ensure};
use drover_tests::Stack;
use drover_tests::answer::is_timestamp;
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::{Clock, Millis};

fn moment(schedule: &Json, field: &str) -> anyhow::Result<u64> {
    let text = schedule[field].as_str().with_context(|| format!("no {field}: {schedule}"))?;
    ensure!(is_timestamp(text), "{text}");
    Ok(Millis::parse(text).context("no time")?.0)
}

fn is_near(found: u64, expected: u64) -> bool {
    found.abs_diff(expected) <= 30_000
}

#[tokio::test]
async fn a_schedule_is_created_listed_changed_toggled_and_deleted() -> anyhow::Result<()> {
    let client = Stack::from_environment()?.video_client().await?;
    let new = json!({
        "name": "Daily Scrape - @khaby.lame",
        "mode": "profile",
        "value": "khaby.lame",
        "limit": 50,
        "no_watermark": true,
        "interval_minutes": 1440,
        "enabled": true,
    });
    let now = Clock::system().now().0;
    let schedule = client.send(Method::POST, "/scheduled-jobs", &new).await?.success(201)?;
    for (field, value) in new.as_object().into_iter().flatten() {
        ensure!(schedule[field] == *value, "{field}: {schedule}");
    }
    let runs = ["total_runs", "successful_runs", "failed_runs"].map(|field| schedule[field].clone());
    ensure!(runs == [0, 0, 0].map(Json::from) && schedule["last_run_at"].is_null(), "{schedule}");
    ensure!(is_near(moment(&schedule, "next_run_at")?, now + 1_440 * 60_000), "{schedule}");
    let path = format!("/scheduled-jobs/{}", schedule["id"].as_str().context("no id")?);
    ensure!(client.get(&path).await? == schedule);

    let other = client.schedule("Other", 5).await?;
    let ids = async |query: &str| {
        let listed = client.get(&format!("/scheduled-jobs{query}")).await?;
        anyhow::Ok(listed.as_array().into_iter().flatten().map(|schedule| schedule["id"].clone()).collect::<Vec<_>>())
    };
    ensure!(ids("").await? == [other["id"].clone(), schedule["id"].clone()], "the newest first");

    // Any subset: what is not named stays.
    let changed = client.send(Method::PATCH, &path, &json!({"name": "Renamed", "limit": 7})).await?.success(200)?;
    ensure!(
        (&changed["name"], &changed["limit"], &changed["value"])
            == (&json!("Renamed"), &json!(7), &json!("khaby.lame"))
    );
    ensure!(changed["next_run_at"] == schedule["next_run_at"], "nothing of the time was changed: {changed}");
    let moved = client.send(Method::PATCH, &path, &json!({"interval_minutes": 60})).await?.success(200)?;
    ensure!(is_near(moment(&moved, "next_run_at")?, Clock::system().now().0 + 3_600_000), "{moved}");

    let disabled = client.call(Method::POST, &format!("{path}/toggle")).await?.success(200)?;
    ensure!(disabled["enabled"] == false && disabled["next_run_at"].is_null(), "{disabled}");
    ensure!(
        ids("?enabled=true").await? == [other["id"].clone()]
            && ids("?enabled=False").await? == [schedule["id"].clone()]
    );
    let enabled = client.send(Method::PATCH, &path, &json!({"enabled": true})).await?.success(200)?;
    ensure!(is_near(moment(&enabled, "next_run_at")?, Clock::system().now().0 + 3_600_000), "{enabled}");
    client.call(Method::DELETE, &path).await?.success_empty()?;
    client.call(Method::GET, &path).await?.video_error(404)?;
    ensure!(ids("").await? == [other["id"].clone()]);
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_with_a_schedule_is_told_field_by_field() -> anyhow::Result<()> {
    let client = Stack::from_environment()?.video_client().await?;
    let faults = client.send(Method::POST, "/scheduled-jobs", &json!({})).await?.video_faults()?;
    ensure!(faults == ["body.interval_minutes", "body.mode", "body.name", "body.value"], "{faults:?}");
    let wrong = json!({"name": "", "mode": "x", "value": "a b", "interval_minutes": 4, "limit": 201, "enabled": 1});
    let faults = client.send(Method::POST, "/scheduled-jobs", &wrong).await?.video_faults()?;
    let all = ["enabled", "interval_minutes", "limit", "mode", "name", "value"].map(|field| format!("body.{field}"));
    ensure!(faults == all, "{faults:?}");
    let id = client.schedule("A", 5).await?["id"].as_str().context("no id")?.to_owned();
    let change = json!({"interval_minutes": 0, "name": null});
    let faults = client.send(Method::PATCH, &format!("/scheduled-jobs/{id}"), &change).await?.video_faults()?;
    ensure!(faults == ["body.interval_minutes"], "{faults:?}");
    Ok(())
}

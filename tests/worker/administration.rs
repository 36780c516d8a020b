//! `/api/campaigns` and `/api/tasks` for administrators: make one or many, list, show.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use drover_tests::answer::is_timestamp;
use reqwest::Method;
use serde_json::json;

use super::Campaign;

#[tokio::test]
async fn a_campaign_is_made_shown_and_listed() -> anyhow::Result<()> {
    let admin = drover_tests::Stack::from_environment()?.worker_administrator()?;
    let new = json!({"name": "Spring", "settings": {"content_tone": "professional"}});
    let made = admin.send(Method::POST, "/campaigns", &new).await?.success(201)?;
    let campaign = &made["campaign"];
    assert_eq!(json!({"name": campaign["name"], "settings": campaign["settings"]}), new);
    assert!(campaign["created_at"].as_str().is_some_and(is_timestamp));
    let shown = admin.call(Method::GET, &format!("/campaigns/{}", campaign["id"])).await?.success(200)?;
    assert_eq!(&shown["campaign"], campaign);
    let listed = admin.call(Method::GET, "/campaigns?limit=100").await?.success(200)?;
    assert!(listed["campaigns"].as_array().context("no list")?.contains(campaign));
    for (wrong, fields) in [
        (json!({}), vec!["name"]),
        (json!({"name": " ", "settings": []}), vec!["name", "settings"]),
        (json!({"name": 5}), vec!["name"]),
        (json!({"name": "x", "settings": {"a": "x".repeat(33_000)}}), vec!["settings"]),
    ] {
        assert_eq!(admin.send(Method::POST, "/campaigns", &wrong).await?.worker_faults()?, fields, "{wrong}");
    }
    Ok(())
}

#[tokio::test]
async fn all_faults_of_a_task_are_told_at_once() -> anyhow::Result<()> {
    let campaign = Campaign::with_tasks(0).await?;
    for (wrong, fields) in [
        (json!({}), vec!["campaign_id", "type"]),
        (
            json!({"campaign_id": "5", "type": 7, "payload": [], "max_retries": -1}),
            vec!["campaign_id", "max_retries", "payload", "type"],
        ),
        (json!({"campaign_id": campaign.id, "type": "two words"}), vec!["type"]),
        (json!({"campaign_id": campaign.id, "type": "x", "max_retries": 101}), vec!["max_retries"]),
        (json!({"campaign_id": campaign.id, "type": "x", "payload": {"a": "x".repeat(33_000)}}), vec!["payload"]),
        (json!({"campaign_id": 9_007_199_254_740_991_u64, "type": "x"}), vec!["campaign_id"]),
    ] {
        assert_eq!(campaign.admin.send(Method::POST, "/tasks", &wrong).await?.worker_faults()?, fields, "{wrong}");
    }
    Ok(())
}

#[tokio::test]
async fn many_tasks_are_made_at_once_or_none() -> anyhow::Result<()> {
    let campaign = Campaign::with_tasks(0).await?;
    let task = json!({"campaign_id": campaign.id, "type": "comment"});
    let many = json!({"tasks": vec![task.clone(); 500]});
    let made = campaign.admin.send(Method::POST, "/tasks", &many).await?.success(201)?;
    assert_eq!(made["created"], 500);
    let ids: BTreeSet<_> =
        made["tasks"].as_array().context("no list")?.iter().filter_map(|one| one["id"].as_u64()).collect();
    assert_eq!(ids.len(), 500);
    assert_eq!(campaign.worker.pending(&format!("campaign_id={}&limit=100", campaign.id)).await?.len(), 100);

    let other = campaign.admin.campaign().await?;
    let wrong = json!({"tasks": [{"campaign_id": other, "type": "comment"}, {"campaign_id": other}, task]});
    let faults = campaign.admin.send(Method::POST, "/tasks", &wrong).await?.worker_faults()?;
    assert_eq!(faults, ["tasks[1].type"]);
    let none = campaign.worker.pending(&format!("campaign_id={other}")).await?;
    assert!(none.is_empty(), "all or none");
    let mut partial = wrong;
    partial["partial"] = json!(true);
    let told = campaign.admin.send(Method::POST, "/tasks", &partial).await?.success(201)?;
    assert_eq!(told["created"], 2);
    assert!(told["tasks"][1]["errors"]["type"][0].is_string() && told["tasks"][1].get("id").is_none());
    assert_eq!(campaign.worker.pending(&format!("campaign_id={other}")).await?.len(), 1);
    for wrong in [json!({"tasks": []}), json!({"tasks": vec![json!({}); 501]}), json!({"tasks": "all"})] {
        assert_eq!(campaign.admin.send(Method::POST, "/tasks", &wrong).await?.worker_faults()?, ["tasks"]);
    }
    Ok(())
}

#[tokio::test]
async fn tasks_are_listed_page_by_page_the_newest_first() -> anyhow::Result<()> {
    let campaign = Campaign::with_tasks(5).await?;
    let (mut found, mut cursor) = (Vec::new(), String::new());
    // Others make tasks meanwhile: those that were there are on one page each.
    while found.len() < 5 {
        let page =
            campaign.admin.call(Method::GET, &format!("/tasks?limit=100&cursor={cursor}")).await?.success(200)?;
        let tasks = page["tasks"].as_array().context("no list")?;
        found.extend(tasks.iter().filter_map(|task| task["id"].as_u64()).filter(|id| campaign.tasks.contains(id)));
        page["next_cursor"].as_str().unwrap_or_default().clone_into(&mut cursor);
        ensure!(found.len() >= 5 || !cursor.is_empty(), "the list has ended");
    }
    found.reverse();
    assert_eq!(found, campaign.tasks);
    assert_eq!(campaign.admin.call(Method::GET, "/tasks?cursor=x").await?.worker_faults()?, ["cursor"]);
    Ok(())
}

//! `/admin`: platforms, credentials, statistics, the audit trail.

use std::collections::BTreeSet;

use anyhow::Context;
use drover_tests::Stack;
use drover_tests::answer::{Answer, is_timestamp};
use drover_tests::scraper::{ADMIN, SECRET};
use reqwest::Method;
use serde_json::{Value as Json, json};

const NOTHING: Json = Json::Null;

#[tokio::test]
async fn a_platform_is_added_shown_and_changed() -> anyhow::Result<()> {
    let settings = json!({"secret": "credentials", "lease_seconds": 60, "order": "least_used", "cooldown_base_minutes": 5,
        "cooldown_cap_minutes": 50, "retire_after": 4});
    let pool = Stack::from_environment()?.pool_with(settings.clone(), 0).await?;
    let path = format!("/platforms/{}", pool.platform);
    let mut expected = settings;
    expected["name"] = json!(pool.platform);
    assert_eq!(pool.admin.admin_get(&path).await?, expected);
    // What is not given stays; null takes the limit away.
    for (change, name, value) in [
        (json!({"lease_seconds": 90, "unknown": 1}), "lease_seconds", json!(90)),
        (json!({"order": "least_recently_used"}), "order", json!("least_recently_used")),
        (json!({"retire_after": null}), "retire_after", NOTHING),
    ] {
        expected[name] = value;
        assert_eq!(pool.admin.admin(Method::PUT, &path, &change, 200).await?, expected);
    }
    let listed = pool.admin.admin_get("/platforms").await?;
    assert!(listed["platforms"].as_array().is_some_and(|platforms| platforms.contains(&expected)));

    pool.admin
        .send(Method::PUT, &format!("{ADMIN}{path}"), &json!({"secret": "email_password"}))
        .await?
        .queue_error(409)?;
    for wrong in [
        json!({"secret": "token"}),
        json!({"order": "random"}),
        json!({"lease_seconds": 29}),
        json!({"lease_seconds": 43_201}),
        json!({"cooldown_base_minutes": -1}),
        json!({"cooldown_cap_minutes": 43_201}),
        json!({"retire_after": 0}),
    ] {
        let status = if wrong.get("secret").is_some() { 409 } else { 400 };
        pool.admin.send(Method::PUT, &format!("{ADMIN}{path}"), &wrong).await?.queue_error(status)?;
    }
    assert_eq!(pool.admin.admin_get(&path).await?, expected);
    let nameless =
        pool.admin.send(Method::PUT, &format!("{ADMIN}/platforms/new-{}", pool.platform), &json!({})).await?;
    assert!(nameless.queue_error(400)?.contains("secret"));
    pool.admin.call(Method::GET, &format!("{ADMIN}/platforms/nothing")).await?.queue_error(404)?;
    pool.admin.call(Method::GET, &format!("{ADMIN}/pools/nothing")).await?.queue_error(404)?;
    Ok(())
}

#[tokio::test]
async fn a_credential_is_created_shown_and_edited() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(0).await?;
    let new =
        json!({"platform": pool.platform, "name": "Account 1", "email": "user@example.com", "password": "secret123"});
    let created = pool.admin.admin(Method::POST, "/credentials", &new, 201).await?;
    let id = created["id"].as_u64().context("no id")?;
    let fields: Vec<_> = created.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    let all = "id platform name status in_use_by session_id lease_token lease_expires_at cooldown_until failure_count \
               consecutive_failures success_count use_count last_error last_used_at created_at updated_at";
    assert_eq!(fields.join(" "), all);
    assert_eq!((&created["status"], &created["platform"]), (&json!("available"), &json!(pool.platform)));
    assert!(created["created_at"].as_str().is_some_and(is_timestamp));
    assert_eq!(pool.admin.shown(id).await?, created);

    let path = format!("/credentials/{id}");
    let renamed = pool.admin.admin(Method::PATCH, &path, &json!({"name": "Another"}), 200).await?;
    assert_eq!(renamed["name"], "Another");
    let secret = json!({"email": "new@example.com", "password": "newer"});
    pool.admin.admin(Method::PATCH, &path, &secret, 200).await?;
    let claim = pool.claim().await?.body;
    let told = (&claim["id"], &claim["name"], &claim["email"], &claim["password"]);
    assert_eq!(told, (&json!(id), &json!("Another"), &json!("new@example.com"), &json!("newer")));

    for wrong in [
        json!({"name": ""}),
        json!({"name": 1}),
        json!({"email": "half@example.com"}),
        json!({"email": 1, "password": 2}),
    ] {
        pool.admin.send(Method::PATCH, &format!("{ADMIN}{path}"), &wrong).await?.queue_error(400)?;
    }
    for (field, wrong) in [
        ("platform", json!("myspace")),
        ("platform", NOTHING),
        ("name", NOTHING),
        ("email", json!("")),
        ("password", json!(5)),
    ] {
        let mut new = new.clone();
        new[field] = wrong;
        pool.admin.send(Method::POST, &format!("{ADMIN}/credentials"), &new).await?.queue_error(400)?;
    }
    assert_eq!(pool.counts().await?, [1, 0, 1, 0, 0, 0]);
    Ok(())
}

#[tokio::test]
async fn listings_are_paged_and_filtered() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(23).await?;
    let all: BTreeSet<u64> = pool.ids.iter().copied().collect();
    for limit in [1, 7, 23, 100] {
        assert_eq!(pool.listed("", limit).await?, all, "pages of {limit}");
    }
    let mut by_status = [
        ("available", all.clone()),
        ("in_use", BTreeSet::new()),
        ("cooldown", BTreeSet::new()),
        ("failed", BTreeSet::new()),
        ("disabled", BTreeSet::new()),
    ];
    for number in 0..12 {
        let claim = pool.claim().await?;
        let place = 1 + number % 4;
        match place {
            2 => drop(
                pool.scraper
                    .report(claim.id, "failure", None, &json!({"error_message": "x", "cooldown_minutes": 9}))
                    .await?
                    .success(200)?,
            ),
            3 => drop(
                pool.scraper.report(claim.id, "failure", None, &json!({"error_message": "x"})).await?.success(200)?,
            ),
            4 => drop(pool.act(claim.id, "disable").await?.success(200)?),
            _ => {}
        }
        by_status[0].1.remove(&claim.id);
        by_status[place].1.insert(claim.id);
    }
    for limit in [2, 100] {
        assert_eq!(pool.listed("", limit).await?, all, "pages of {limit}");
        for (status, expected) in &by_status {
            assert_eq!(&pool.listed(&format!("status={status}"), limit).await?, expected, "{status}, pages of {limit}");
        }
    }
    assert_eq!(pool.counts().await?, [23, 11, 3, 3, 3, 3]);
    for wrong in ["status=gone", "limit=0", "limit=101", "limit=x", "cursor=x", "platform=myspace"] {
        pool.admin.call(Method::GET, &format!("{ADMIN}/credentials?{wrong}")).await?.queue_error(400)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_listing_goes_on_where_leases_ran_out_between_its_pages() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(6).await?;
    for _ in 0..6 {
        pool.claim().await?;
    }
    let path = format!("/credentials?platform={}&status=in_use&limit=2", pool.platform);
    let first = pool.admin.admin_get(&path).await?;
    let ended: Vec<_> =
        first["credentials"].as_array().into_iter().flatten().filter_map(|one| one["id"].as_u64()).collect();
    assert_eq!(ended.len(), 2);
    for id in &ended {
        pool.end_wait(*id).await?;
    }
    let cursor = first["next_cursor"].as_str().context("no cursor")?;
    let second = pool.admin.admin_get(&format!("{path}&cursor={cursor}")).await?;
    let others: Vec<_> =
        second["credentials"].as_array().into_iter().flatten().filter_map(|one| one["id"].as_u64()).collect();
    assert!(others.len() == 2 && others.iter().all(|id| !ended.contains(id)), "{ended:?}, then {others:?}");
    Ok(())
}

#[tokio::test]
async fn what_is_switched_off_is_not_given_out() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(1).await?;
    let id = pool.ids[0];
    pool.act(id, "enable").await?.queue_error(409)?;
    let claim = pool.claim().await?;
    // Also one that a scraper holds, which loses it.
    assert_eq!(pool.act(id, "disable").await?.success(200)?["status"], "disabled");
    assert_eq!(pool.act(id, "disable").await?.success(200)?["status"], "disabled");
    pool.scraper.report(id, "success", Some(claim.token), &json!({})).await?.queue_error(409)?;
    pool.scraper.report(id, "heartbeat", None, &json!({})).await?.queue_error(409)?;
    assert!(pool.scraper.claim(&pool.platform).await?.is_none());
    pool.act(id, "reset").await?.queue_error(409)?;
    assert_eq!(pool.act(id, "enable").await?.success(200)?["status"], "available");
    assert_eq!(pool.claim().await?.token, 2);
    Ok(())
}

#[tokio::test]
async fn reset_makes_a_failed_or_resting_one_available() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(1).await?;
    let id = pool.ids[0];
    pool.act(id, "reset").await?.queue_error(409)?;
    for minutes in [0, 60] {
        pool.claim().await?;
        let failure = json!({"error_message": "x", "cooldown_minutes": minutes});
        pool.scraper.report(id, "failure", None, &failure).await?.success(200)?;
        let reset = pool.act(id, "reset").await?.success(200)?;
        let told = json!([
            reset["status"],
            reset["failure_count"],
            reset["consecutive_failures"],
            reset["last_error"],
            reset["cooldown_until"]
        ]);
        assert_eq!(told, json!(["available", 0, 0, null, null]));
        assert_eq!(pool.counts().await?, [1, 1, 0, 0, 0, 0]);
    }
    Ok(())
}

#[tokio::test]
async fn a_held_one_can_be_taken_back() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(1).await?;
    let id = pool.ids[0];
    pool.act(id, "release").await?.queue_error(409)?;
    let claim = pool.claim().await?;
    assert_eq!(pool.act(id, "release").await?.success(200)?["status"], "available");
    for token in [Some(claim.token), None] {
        pool.scraper.report(id, "success", token, &json!({})).await?.queue_error(409)?;
    }
    assert_eq!(pool.claim().await?.token, claim.token + 1);
    Ok(())
}

#[tokio::test]
async fn what_is_deleted_is_gone_but_for_its_trail() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(2).await?;
    let claim = pool.claim().await?;
    let path = format!("{ADMIN}/credentials/{}", claim.id);
    pool.trail(claim.id, 2).await?;
    assert_eq!(pool.admin.call(Method::DELETE, &path).await?.status, 200);
    for (method, path) in
        [(Method::GET, path.clone()), (Method::DELETE, path.clone()), (Method::POST, format!("{path}/reset"))]
    {
        pool.admin.call(method, &path).await?.queue_error(404)?;
    }
    pool.admin.send(Method::PATCH, &path, &json!({"name": "x"})).await?.queue_error(404)?;
    for what in ["success", "release", "heartbeat"] {
        pool.scraper.report(claim.id, what, Some(claim.token), &json!({})).await?.queue_error(404)?;
    }
    assert_eq!(pool.counts().await?, [1, 1, 0, 0, 0, 0]);
    let trail = pool.trail(claim.id, 3).await?;
    assert_eq!(trail.last().map(|event| &event["action"]), Some(&json!("deleted")));
    // What was never there has none.
    pool.admin.call(Method::GET, &format!("{ADMIN}/credentials/999999999/audit")).await?.queue_error(404)?;
    Ok(())
}

#[tokio::test]
async fn the_trail_tells_what_was_done_by_whom() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(1).await?;
    let id = pool.ids[0];
    pool.scraper.ask_next(&pool.platform, "session_id=s-1").await?.success(200)?;
    pool.scraper.report(id, "success", None, &json!({"message": "50 jobs"})).await?.success(200)?;
    pool.claim().await?;
    pool.scraper.report(id, "failure", None, &json!({"error_message": "Locked"})).await?.success(200)?;
    pool.act(id, "reset").await?.success(200)?;
    pool.admin.admin(Method::PATCH, &format!("/credentials/{id}"), &json!({"name": "x"}), 200).await?;
    pool.claim().await?;
    pool.act(id, "release").await?.success(200)?;
    pool.act(id, "disable").await?.success(200)?;
    pool.act(id, "enable").await?.success(200)?;
    let trail = pool.trail(id, 10).await?;
    let told: Vec<_> = trail.iter().map(|event| json!([event["action"], event["detail"]])).collect();
    let expected = json!([
        ["created", null],
        ["claimed", "s-1"],
        ["success", "50 jobs"],
        ["claimed", null],
        ["failure", "Locked"],
        ["reset", null],
        ["edited", null],
        ["claimed", null],
        ["taken back", null],
        ["disabled", null],
        ["enabled", null]
    ]);
    let all = expected.as_array().context("no array")?;
    let trail = if told.len() < all.len() { pool.trail(id, all.len()).await? } else { trail };
    let told: Vec<_> = trail.iter().map(|event| json!([event["action"], event["detail"]])).collect();
    assert_eq!(&told, all);
    for event in &trail {
        let by_scraper = ["claimed", "success", "failure"].contains(&event["action"].as_str().unwrap_or_default());
        assert_eq!(event["by"] == pool.scraper.id.as_str(), by_scraper, "{event}");
        assert!(event["at"].as_str().is_some_and(is_timestamp), "{event}");
    }
    // In pages, the newest first.
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = pool.admin.admin_get(&format!("/credentials/{id}/audit?limit=4&cursor={cursor}")).await?;
        paged.extend(page["events"].as_array().cloned().unwrap_or_default());
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    paged.reverse();
    assert_eq!(paged, trail);
    Ok(())
}

#[tokio::test]
async fn recovery_writes_down_what_is_over() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(2).await?;
    let expired = pool.claim().await?;
    let resting = pool.claim().await?;
    let failure = json!({"error_message": "x", "cooldown_minutes": 5});
    pool.scraper.report(resting.id, "failure", None, &failure).await?.success(200)?;
    for id in &pool.ids {
        pool.end_wait(*id).await?;
    }
    pool.stack.run_recovery().await?;
    // Imported and claimed, and one of them failed, before that.
    for (id, events) in [(expired.id, 3), (resting.id, 4)] {
        let stored = pool.stack.table("credentials").get_item(&pool.key(id), true).await?.context("it is gone")?;
        assert_eq!(stored["status"].as_s().map(String::as_str), Ok("available"));
        assert!(pool.trail(id, events).await?.iter().any(|event| event["action"] == "recovered"));
    }
    // It takes nothing from whoever reports late.
    pool.scraper.report(expired.id, "success", Some(expired.token), &json!({})).await?.success(200)?;
    Ok(())
}

#[tokio::test]
async fn no_secret_is_listed_told_or_kept() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(3).await?;
    let claim = pool.claim().await?;
    let id = claim.id;
    pool.scraper.report(id, "failure", None, &json!({"error_message": "x"})).await?.success(200)?;
    let edit = json!({"email": format!("{SECRET}@example.com"), "password": format!("{SECRET}-new")});
    let wrong = json!({"email": format!("{SECRET}@example.com"), "password": [format!("{SECRET}-wrong")]});
    let new =
        json!({"platform": pool.platform, "name": "New", "email": format!("{SECRET}@example.com"), "password": SECRET});
    // Every answer is looked through for secrets as it comes (tests/src/leaks.rs).
    pool.admin.send(Method::PATCH, &format!("{ADMIN}/credentials/{id}"), &edit).await?;
    pool.admin.send(Method::PATCH, &format!("{ADMIN}/credentials/{id}"), &wrong).await?;
    pool.admin.send(Method::POST, &format!("{ADMIN}/credentials"), &new).await?;
    for action in ["reset", "disable", "enable"] {
        pool.act(id, action).await?;
    }
    let lines = format!(
        "{{\"name\":\"x\",\"email\":\"{SECRET}\",\"password\":7}}\n{{\"name\":\"x\",\"password\":\"{SECRET}\"\n"
    );
    for (media_type, text) in
        [("application/x-ndjson", lines), ("text/csv", format!("name,email,password\n{SECRET},{SECRET}\n"))]
    {
        let path = format!("{ADMIN}/credentials/import?platform={}", pool.platform);
        let request = pool.admin.request(Method::POST, &path).header("Content-Type", media_type).body(text);
        Answer::of(request.send().await?).await?;
    }
    pool.trail(id, 4).await?;
    for path in [
        format!("{ADMIN}/credentials/{id}"),
        format!("{ADMIN}/credentials/{id}/audit"),
        format!("{ADMIN}/credentials?platform={}", pool.platform),
        format!("{ADMIN}/pools/{}", pool.platform),
        format!("{ADMIN}/keys?limit=100"),
    ] {
        pool.admin.call(Method::GET, &path).await?;
    }
    // Not at rest either.
    for item in pool.stored().await? {
        assert!(!format!("{item:?}").contains(SECRET));
    }
    Ok(())
}

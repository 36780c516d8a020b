//! `POST /{id}/success`, `/failure` and `/release`: what they do, who may, and how often.

use drover_tests::Stack;
use drover_tests::answer::{Answer, is_timestamp};
use drover_tests::scraper::{QUEUE, Scraper};
use reqwest::Method;
use serde_json::{Value as Json, json};

/// A report of each kind, with what it is answered.
fn each_report() -> [(&'static str, Json, &'static str); 5] {
    [
        ("success", json!({}), "available"),
        ("success", json!({"message": "Scraped 50 jobs successfully"}), "available"),
        ("failure", json!({"error_message": "Account locked"}), "failed"),
        ("failure", json!({"error_message": "Rate limited", "cooldown_minutes": 60}), "cooldown"),
        ("release", json!({}), "available"),
    ]
}

#[tokio::test]
async fn each_report_answers_as_documented() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    for (what, body, status) in each_report() {
        let pool = stack.pool(1).await?;
        let claim = pool.claim().await?;
        let told = pool.scraper.report(claim.id, what, None, &body).await?.success(200)?;
        let message = match what {
            "success" => "Credential released successfully",
            "failure" => "Credential failure recorded",
            _ => "Credential released",
        };
        assert_eq!((&told["message"], &told["status"]), (&json!(message), &json!(status)), "{what} {body}");
        if what == "failure" {
            assert_eq!((&told["failure_count"], &told["consecutive_failures"]), (&json!(1), &json!(1)), "{told}");
            assert_eq!(told["cooldown_until"].as_str().is_some_and(is_timestamp), status == "cooldown", "{told}");
        }
        let shown = pool.admin.shown(claim.id).await?;
        let told = json!([shown["status"], shown["in_use_by"], shown["session_id"], shown["lease_expires_at"]]);
        assert_eq!(told, json!([status, null, null, null]), "{what}");
        assert_eq!(shown["success_count"], u64::from(what == "success"));
    }
    Ok(())
}

#[tokio::test]
async fn a_body_is_optional_where_it_says_nothing_needed() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(1).await?;
    for what in ["success", "release", "heartbeat", "release"] {
        if what != "release" || pool.counts().await?[2] == 0 {
            pool.claim().await?;
        }
        let path = format!("{QUEUE}/{}/{what}", pool.ids[0]);
        assert_eq!(pool.scraper.call(Method::POST, &path).await?.status, 200, "{what}");
    }
    Ok(())
}

#[tokio::test]
async fn failures_are_counted_and_a_success_ends_the_row() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(1).await?;
    let id = pool.ids[0];
    let failure = json!({"error_message": "Rate limited", "cooldown_minutes": 1});
    for (what, failures, consecutive) in [
        ("failure", 1, 1),
        ("failure", 2, 2),
        ("success", 2, 0),
        ("release", 2, 0),
        ("failure", 3, 1),
        ("release", 3, 1),
    ] {
        let claim = pool.claim().await?;
        let body = if what == "failure" { &failure } else { &json!({}) };
        pool.scraper.report(id, what, Some(claim.token), body).await?.success(200)?;
        pool.end_wait(id).await?;
        let shown = pool.admin.shown(id).await?;
        let told = (&shown["failure_count"], &shown["consecutive_failures"], &shown["status"]);
        assert_eq!(told, (&json!(failures), &json!(consecutive), &json!("available")), "{what}");
    }
    assert_eq!(pool.admin.shown(id).await?["last_error"], "Rate limited");
    Ok(())
}

#[tokio::test]
async fn a_failure_without_a_cooldown_is_for_good() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(1).await?;
    let claim = pool.claim().await?;
    let body = json!({"error_message": "Account locked by LinkedIn", "cooldown_minutes": 0});
    pool.scraper.report(claim.id, "failure", None, &body).await?.success(200)?;
    assert!(pool.scraper.claim(&pool.platform).await?.is_none());
    assert_eq!(pool.counts().await?, [1, 0, 0, 0, 1, 0]);
    Ok(())
}

#[tokio::test]
async fn a_cooldown_ends_by_itself() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(1).await?;
    let claim = pool.claim().await?;
    let body = json!({"error_message": "Rate limited", "cooldown_minutes": 43_200});
    pool.scraper.report(claim.id, "failure", None, &body).await?.success(200)?;
    assert!(pool.scraper.claim(&pool.platform).await?.is_none());
    assert_eq!(pool.counts().await?, [1, 0, 0, 1, 0, 0]);
    pool.end_wait(claim.id).await?;
    // Recovery has not run (and need not): the time alone counts.
    assert_eq!(pool.counts().await?, [1, 1, 0, 0, 0, 0]);
    assert_eq!(pool.claim().await?.token, 2);
    Ok(())
}

#[tokio::test]
async fn a_failure_says_what_went_wrong() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(1).await?;
    let claim = pool.claim().await?;
    for body in [
        json!({}),
        json!({"error_message": ""}),
        json!({"error_message": " \n"}),
        json!({"error_message": null}),
        json!({"error_message": 7}),
        json!({"error_message": "x", "cooldown_minutes": -1}),
        json!({"error_message": "x", "cooldown_minutes": 43_201}),
        json!({"error_message": "x", "cooldown_minutes": 1.5}),
        json!({"error_message": "x", "cooldown_minutes": "60"}),
        json!({"error_message": "x".repeat(2_001)}),
    ] {
        pool.scraper.report(claim.id, "failure", None, &body).await?.queue_error(400)?;
    }
    assert_eq!(pool.admin.shown(claim.id).await?["failure_count"], 0);
    Ok(())
}

#[tokio::test]
async fn a_token_that_is_not_the_current_one_is_refused() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(1).await?;
    pool.claim().await?;
    pool.end_wait(pool.ids[0]).await?;
    let claim = pool.claim().await?;
    assert_eq!(claim.token, 2);
    let before = pool.stored().await?;
    for (what, body, _) in each_report().into_iter().chain([("heartbeat", json!({}), "")]) {
        for wrong in [0, 1, 3, u64::MAX] {
            pool.scraper.report(claim.id, what, Some(wrong), &body).await?.queue_error(409)?;
        }
    }
    assert_eq!(pool.stored().await?, before, "nothing changes");
    // With the right one any scraper may report: a token is what a holder is known by.
    let other = pool.stack.scraper().await?;
    assert_eq!(other.report(claim.id, "success", Some(2), &json!({})).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn without_a_token_the_key_must_be_the_holders() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(1).await?;
    let other = pool.stack.scraper().await?;
    let claim = pool.claim().await?;
    let before = pool.stored().await?;
    for (what, body, _) in each_report().into_iter().chain([("heartbeat", json!({}), "")]) {
        other.report(claim.id, what, None, &body).await?.queue_error(409)?;
        pool.admin.report(claim.id, what, None, &body).await?.queue_error(409)?;
    }
    assert_eq!(pool.stored().await?, before, "nothing changes");
    assert_eq!(pool.scraper.report(claim.id, "success", None, &json!({})).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn what_was_never_claimed_cannot_be_reported_on() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(1).await?;
    let before = pool.stored().await?;
    for (what, body, _) in each_report().into_iter().chain([("heartbeat", json!({}), "")]) {
        for token in [None, Some(0), Some(1)] {
            pool.scraper.report(pool.ids[0], what, token, &body).await?.queue_error(409)?;
        }
    }
    assert_eq!(pool.stored().await?, before, "nothing changes");
    Ok(())
}

#[tokio::test]
async fn the_same_report_again_is_answered_alike() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(10).await?;
    for (what, body, _) in each_report() {
        for by_token in [true, false] {
            let claim = pool.claim().await?;
            let token = by_token.then_some(claim.token);
            let first = pool.scraper.report(claim.id, what, token, &body).await?.success(200)?;
            let stored = pool.stored().await?;
            for _ in 0..3 {
                let again = pool.scraper.report(claim.id, what, token, &body).await?.success(200)?;
                assert_eq!(again, first, "{what}");
            }
            assert_eq!(pool.stored().await?, stored, "counted twice: {what}");
            // Another report of a lease that has ended is not the same one.
            let different = json!({"error_message": "Something else", "cooldown_minutes": 5});
            pool.scraper.report(claim.id, "failure", token, &different).await?.queue_error(409)?;
            pool.scraper.report(claim.id, "heartbeat", token, &json!({})).await?.queue_error(409)?;
            assert_eq!(pool.stored().await?, stored, "{what}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_report_of_an_earlier_lease_does_not_stand_for_one_that_was_lost() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(1).await?;
    let id = pool.ids[0];
    for token in [Some(2), None] {
        let claim = pool.claim().await?;
        pool.scraper.report(id, "success", Some(claim.token), &json!({})).await?.success(200)?;
        pool.claim().await?;
        // The administrator takes it back: the same report as of the lease before is not of this one.
        pool.admin.admin(Method::POST, &format!("/credentials/{id}/release"), &json!({}), 200).await?;
        pool.scraper.report(id, "success", token, &json!({})).await?.queue_error(409)?;
        assert_eq!(pool.admin.shown(id).await?["success_count"], if token.is_some() { 1 } else { 2 });
    }
    Ok(())
}

#[tokio::test]
async fn a_late_report_is_taken_as_long_as_nobody_else_has_claimed() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(1).await?;
    let id = pool.ids[0];
    for (what, body, status) in each_report() {
        for by_token in [true, false] {
            let claim = pool.claim().await?;
            pool.end_wait(id).await?;
            let token = by_token.then_some(claim.token);
            let told = pool.scraper.report(id, what, token, &body).await?.success(200)?;
            assert_eq!(told["status"], status, "{what}");
            if status != "available" {
                pool.admin.admin(Method::POST, &format!("/credentials/{id}/reset"), &json!({}), 200).await?;
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_late_report_after_another_has_claimed_is_refused() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(1).await?;
    let (id, other) = (pool.ids[0], pool.stack.scraper().await?);
    let lost = pool.claim().await?;
    pool.end_wait(id).await?;
    let current = other.claim_one(&pool.platform).await?;
    let before = pool.stored().await?;
    for (what, body, _) in each_report().into_iter().chain([("heartbeat", json!({}), "")]) {
        for token in [Some(lost.token), None] {
            pool.scraper.report(id, what, token, &body).await?.queue_error(409)?;
        }
    }
    assert_eq!(pool.stored().await?, before, "nothing changes");
    other.report(id, "success", Some(current.token), &json!({})).await?.success(200)?;
    Ok(())
}

#[tokio::test]
async fn a_number_that_names_nothing_is_a_404() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(0).await?;
    let ask = async |caller: &Scraper, id: &str, what: &str| -> anyhow::Result<Answer> {
        let body = json!({"error_message": "x"});
        caller.send(Method::POST, &format!("{QUEUE}/{id}/{what}"), &body).await
    };
    for id in [
        "0",
        "-1",
        "1.0",
        "01",
        "+1",
        "1e3",
        "abc",
        "linkedin",
        "18446744073709551615",
        "18446744073709551616",
        "999999999",
    ] {
        for what in ["success", "failure", "release", "heartbeat"] {
            ask(&pool.scraper, id, what).await?.queue_error(404)?;
        }
    }
    Ok(())
}

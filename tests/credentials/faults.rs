//! Answers that are lost, functions that are killed, holders that come too late, a recovery that does not run.

use anyhow::{Context, ensure};
use drover_tests::Stack;
use drover_tests::answer::Answer;
use drover_tests::chaos::{Fault, Rule};
use drover_tests::scraper::{Claimed, Pool};
use serde_json::json;

const UPDATE: &str = "DynamoDB_20120810.UpdateItem";
/// How often an SDK client tries a call in all (shared/table/src/aws.rs).
const TRIES: u32 = 4;

impl FaultyPool {
    async fn new(credentials: usize) -> anyhow::Result<Self> {
        Ok(Self(Stack::from_environment()?.pool(credentials).await?))
    }

    /// A rule for the writes of the pool's only credential.
    fn rule(&self, times: u32, fault: Fault) -> Rule {
        Rule::new(UPDATE, &format!("\"CRED#{}\"", self.0.ids[0]), times, fault)
    }
}

struct FaultyPool(Pool);

#[tokio::test]
async fn a_claim_whose_answer_was_lost_is_answered_once() -> anyhow::Result<()> {
    for times in 1..TRIES {
        let faulty = FaultyPool::new(1).await?;
        let pool = &faulty.0;
        let lost = pool.stack.chaos(&faulty.rule(times, Fault::LoseAnswer)).await?;
        let claim = pool.claim().await?;
        ensure!(lost.end().await? == u64::from(times), "the rule did not strike as often as it should");
        assert_eq!((claim.id, claim.token), (pool.ids[0], 1), "claimed once");
        let shown = pool.admin.shown(claim.id).await?;
        assert_eq!(json!([shown["status"], shown["use_count"]]), json!(["in_use", 1]));
        pool.scraper.report(claim.id, "success", Some(1), &json!({})).await?.success(200)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_claim_whose_request_was_lost_is_made_again() -> anyhow::Result<()> {
    for fault in [Fault::LoseRequest, Fault::throttled()] {
        let faulty = FaultyPool::new(1).await?;
        let pool = &faulty.0;
        let lost = pool.stack.chaos(&faulty.rule(1, fault)).await?;
        assert_eq!(pool.claim().await?.token, 1);
        ensure!(lost.end().await? == 1, "the rule did not strike");
    }
    Ok(())
}

#[tokio::test]
async fn a_report_whose_answer_was_lost_counts_once() -> anyhow::Result<()> {
    let faulty = FaultyPool::new(1).await?;
    let pool = &faulty.0;
    let id = pool.ids[0];
    for (number, (what, body)) in [
        ("success", json!({})),
        ("failure", json!({"error_message": "Rate limited", "cooldown_minutes": 5})),
        ("release", json!({})),
        ("heartbeat", json!({"lease_seconds": 3_600})),
    ]
    .into_iter()
    .enumerate()
    {
        let claim = pool.claim().await?;
        let lost = pool.stack.chaos(&faulty.rule(2, Fault::LoseAnswer)).await?;
        pool.scraper.report(id, what, Some(claim.token), &body).await?.success(200)?;
        ensure!(lost.end().await? == 2, "the rule did not strike");
        pool.end_wait(id).await?;
        let shown = pool.admin.shown(id).await?;
        let counted = json!([shown["success_count"], shown["failure_count"], shown["use_count"]]);
        assert_eq!(counted, json!([1, u64::from(number > 0), number + 1]), "{what}");
    }
    Ok(())
}

#[tokio::test]
async fn a_claim_that_is_never_answered_is_held_only_until_its_lease_ends() -> anyhow::Result<()> {
    let faulty = FaultyPool::new(1).await?;
    let pool = &faulty.0;
    // All tries are done, and none is heard of.
    let lost = pool.stack.chaos(&faulty.rule(TRIES, Fault::LoseAnswer)).await?;
    pool.scraper.ask_next(&pool.platform, "").await?.queue_error(500)?;
    ensure!(lost.end().await? == u64::from(TRIES), "the rule did not strike as often as it should");
    let shown = pool.admin.shown(pool.ids[0]).await?;
    assert_eq!(json!([shown["status"], shown["lease_token"]]), json!(["in_use", 1]));
    assert!(pool.scraper.claim(&pool.platform).await?.is_none());
    pool.end_wait(pool.ids[0]).await?;
    assert_eq!(pool.claim().await?.token, 2);
    Ok(())
}

#[tokio::test]
async fn a_function_that_is_killed_between_claiming_and_answering_holds_only_until_the_lease_ends() -> anyhow::Result<()>
{
    let faulty = FaultyPool::new(1).await?;
    let pool = &faulty.0;
    let (id, other) = (pool.ids[0], pool.stack.scraper().await?);
    // The claim is applied, and the function waits for word of it when it dies.
    let applied = pool.stack.chaos(&faulty.rule(1, Fault::DelayAnswer { milliseconds: 60_000 })).await?;
    let claim = pool.scraper.ask_next(&pool.platform, "");
    let kill = async {
        drover_tests::eventually("the claim is applied", async || {
            let stored = pool.stack.table("credentials").get_item(&pool.key(id), true).await?;
            Ok(stored.and_then(|item| item.get("lease_owner").cloned()))
        })
        .await?;
        applied.kill_last().await
    };
    let (answer, killed) = tokio::join!(claim, kill);
    killed?;
    ensure!(answer?.status >= 500, "the function has answered all the same");
    ensure!(applied.end().await? == 1, "there was no second try of a dead function");
    let shown = pool.admin.shown(id).await?;
    assert_eq!(json!([shown["status"], shown["lease_token"], shown["use_count"]]), json!(["in_use", 1, 1]));
    assert!(other.claim(&pool.platform).await?.is_none(), "it is still the dead one's");
    pool.end_wait(id).await?;
    let next = other.claim_one(&pool.platform).await?;
    assert_eq!(next.token, 2);
    other.report(id, "success", Some(2), &json!({})).await?.success(200)?;
    Ok(())
}

#[tokio::test]
async fn a_holder_that_reports_after_another_has_claimed_changes_nothing() -> anyhow::Result<()> {
    let faulty = FaultyPool::new(1).await?;
    let pool = &faulty.0;
    let (id, other) = (pool.ids[0], pool.stack.scraper().await?);
    let lost = pool.claim().await?;
    // The report is on its way for so long that its lease ends, and another claims meanwhile.
    let late = pool.stack.chaos(&faulty.rule(1, Fault::Delay { milliseconds: 2_000 })).await?;
    let body = json!({"error_message": "Account locked"});
    let report = pool.scraper.report(id, "failure", Some(lost.token), &body);
    let overtake = async {
        drover_tests::eventually("the report is on its way", async || Ok((late.struck().await? == 1).then_some(())))
            .await?;
        pool.end_wait(id).await?;
        other.claim_one(&pool.platform).await
    };
    let (answer, current): (anyhow::Result<Answer>, anyhow::Result<Claimed>) = tokio::join!(report, overtake);
    answer?.queue_error(409)?;
    let current = current?;
    assert_eq!(current.token, lost.token + 1);
    let shown = pool.admin.shown(id).await?;
    let told = json!([shown["status"], shown["in_use_by"], shown["failure_count"]]);
    assert_eq!(told, json!(["in_use", other.id, 0]));
    other.report(id, "success", None, &json!({})).await?.success(200).context("the new holder's")?;
    Ok(())
}

#[tokio::test]
async fn cooldowns_and_leases_end_without_recovery() -> anyhow::Result<()> {
    // Nothing but the time is looked at: recovery, which the local cloud runs each minute, may write to these or not.
    let pool = Stack::from_environment()?.pool(2).await?;
    let failure = json!({"error_message": "Rate limited", "cooldown_minutes": 43_200});
    let resting = pool.claim().await?;
    pool.scraper.report(resting.id, "failure", None, &failure).await?.success(200)?;
    pool.claim().await?;
    for id in &pool.ids {
        // A day ago: further back than recovery ever looks.
        let past = table::Millis(table::Clock::system().now().0 - 24 * 3_600_000);
        pool.stack.table("credentials").update(&pool.key(*id), table::Update::new().set("claimable_at", past)).await?;
    }
    pool.stack.run_recovery().await?;
    for id in &pool.ids {
        let stored = pool.stack.table("credentials").get_item(&pool.key(*id), true).await?.context("it is gone")?;
        ensure!(stored["status"].as_s().is_ok_and(|status| status != "available"), "recovery has been at it");
    }
    assert_eq!(pool.counts().await?, [2, 2, 0, 0, 0, 0]);
    pool.claim().await?;
    pool.claim().await?;
    Ok(())
}

//! Credentials, from the API through the stream to what is counted. Each test has a platform of its own.

use anyhow::{Context, ensure};
use drover_tests::chaos::{Fault, Rule};
use drover_tests::scraper::{ADMIN, Claimed, Pool};
use drover_tests::{CROWD, Stack, eventually};
use reqwest::Method;
use serde_json::json;
use tallies::PoolTally;

use super::{claims, pool_of, tallies_of};

const TRANSACT: &str = "DynamoDB_20120810.TransactWriteItems";
/// How often an SDK client tries a call in all (shared/table/src/aws.rs): a fault that strikes so often is not mended by it.
const TRIES: u32 = 4;

/// How the API says that a pool stands.
async fn told(pool: &Pool) -> anyhow::Result<PoolTally> {
    let told = pool.admin.admin_get(&format!("/pools/{}", pool.platform)).await?;
    let number = |name: &str| told[name].as_u64().with_context(|| format!("no {name} in {told}"));
    let tally = PoolTally {
        platform: pool.platform.clone(),
        available: number("available")?,
        in_use: number("in_use")?,
        cooldown: number("cooldown")?,
        failed: number("failed")?,
        disabled: number("disabled")?,
    };
    ensure!(tally.total() == number("total")?, "it does not add up: {told}");
    Ok(tally)
}

/// Waits until what is counted of a pool is what the API says, and gives that.
async fn agreed(pool: &Pool) -> anyhow::Result<PoolTally> {
    let told = told(pool).await?;
    eventually(&format!("as the API says: {told:?}"), async || {
        Ok(pool_of(&pool.stack, &pool.platform).await?.filter(|counted| *counted == told))
    })
    .await
}

async fn claim(pool: &Pool) -> anyhow::Result<Claimed> {
    pool.scraper.claim_one(&pool.platform).await
}

async fn report(pool: &Pool, claimed: &Claimed, what: &str, cooldown_minutes: u64) -> anyhow::Result<()> {
    let body = match what {
        "failure" => json!({"error_message": "as the test wants it", "cooldown_minutes": cooldown_minutes}),
        _ => json!({}),
    };
    let answer = pool.scraper.report(claimed.id, what, Some(claimed.token), &body).await?;
    ensure!(answer.status == 200, "{answer:?}");
    Ok(())
}

/// One of each state, and more.
async fn use_them(pool: &Pool) -> anyhow::Result<()> {
    let claimed = [claim(pool).await?, claim(pool).await?, claim(pool).await?, claim(pool).await?, claim(pool).await?];
    report(pool, &claimed[0], "success", 0).await?;
    report(pool, &claimed[1], "release", 0).await?;
    report(pool, &claimed[2], "failure", 60).await?;
    report(pool, &claimed[3], "failure", 0).await
}

#[tokio::test]
async fn what_is_counted_of_a_platform_is_what_its_api_says() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(12).await?;
    let before = claims(&tallies_of(&pool.stack)).await?;
    ensure!(agreed(&pool).await?.available == 12, "not all are free");
    use_them(&pool).await?;
    let tally = agreed(&pool).await?;
    ensure!(
        (tally.available, tally.in_use, tally.cooldown, tally.failed, tally.disabled) == (9, 1, 1, 1, 0),
        "{tally:?}"
    );
    ensure!(claims(&tallies_of(&pool.stack)).await? >= before + 5, "five claims are not counted");

    // What administrators do is counted as well; of what is deleted nothing stays.
    let rested = pool.admin.admin_get(&format!("/credentials?platform={}&status=cooldown", pool.platform)).await?;
    let rested = rested["credentials"][0]["id"].as_u64().context("none rests")?;
    pool.admin.admin(Method::POST, &format!("/credentials/{rested}/reset"), &json!({}), 200).await?;
    let (disabled, deleted) = (pool.ids[10], pool.ids[11]);
    pool.admin.admin(Method::POST, &format!("/credentials/{disabled}/disable"), &json!({}), 200).await?;
    let gone = pool.admin.call(Method::DELETE, &format!("{ADMIN}/credentials/{deleted}")).await?;
    ensure!((200..300).contains(&gone.status), "{gone:?}");
    let tally = agreed(&pool).await?;
    ensure!((tally.cooldown, tally.disabled, tally.total()) == (0, 1, 11), "{tally:?}");
    Ok(())
}

/// A transaction whose answer is lost was made: by the first try, and not by those after it, nor by what is told again.
#[tokio::test]
async fn an_answer_that_is_lost_is_not_counted_again() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    for (times, fault) in [
        // The function tries again with the same token, by which the engine knows it.
        (1, Fault::LoseAnswer),
        // All its tries: it fails, and the stream tells of the same changes again, which only their marks tell.
        (TRIES, Fault::LoseAnswer),
        (TRIES, Fault::LoseRequest),
        (1, Fault::Twice),
    ] {
        let pool = stack.pool(6).await?;
        agreed(&pool).await?;
        let lost = stack.chaos(&Rule::new(TRANSACT, &format!("POOL#{}#", pool.platform), times, fault.clone())).await?;
        use_them(&pool).await?;
        eventually("all are struck", async || Ok((lost.struck().await? >= u64::from(times)).then_some(()))).await?;
        let tally = agreed(&pool).await?;
        ensure!((tally.available, tally.in_use, tally.cooldown, tally.failed) == (3, 1, 1, 1), "{fault:?}: {tally:?}");
        lost.end().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_function_that_is_killed_between_counting_and_saying_so_counts_once() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    // Whoever dies has others' changes too.
    let _alone = CROWD.lock().await;
    let pool = stack.pool(6).await?;
    agreed(&pool).await?;
    let about = format!("POOL#{}#", pool.platform);
    for fault in [Fault::DelayAnswer { milliseconds: 60_000 }, Fault::Delay { milliseconds: 60_000 }] {
        let held = stack.chaos(&Rule::new(TRANSACT, &about, 1, fault)).await?;
        let claimed = claim(&pool).await?;
        eventually("it is held", async || Ok((held.struck().await? > 0).then_some(()))).await?;
        held.kill_last().await?;
        held.end().await?;
        report(&pool, &claimed, "success", 0).await?;
        ensure!(agreed(&pool).await?.available == 6, "not all are free");
    }
    use_them(&pool).await?;
    agreed(&pool).await?;
    Ok(())
}

//! The bucket of a key: 20 requests at once, and 10 more a minute.

use anyhow::ensure;
use drover_tests::Stack;
use drover_tests::answer::Answer;
use reqwest::Method;

#[tokio::test]
async fn a_key_has_twenty_requests_at_once_and_another_key_has_its_own() -> anyhow::Result<()> {
    let client = Stack::from_environment()?.video_client().await?;
    let ask = async |key: &str| {
        Answer::of(client.anonymous(Method::GET, "/stats").header("X-API-Key", key).send().await?).await
    };
    let key = client.new_key().await?;
    let (mut allowed, mut least) = (0, u64::MAX);
    let refused = loop {
        let answer = ask(&key).await?;
        ensure!(answer.number("x-ratelimit-limit")? == 20, "{answer:?}");
        if answer.status == 429 {
            break answer;
        }
        answer.success(200)?;
        allowed += 1;
        least = least.min(answer.number("x-ratelimit-remaining")?);
        ensure!(allowed < 60, "nothing is ever refused");
    };
    // Those that flowed in meanwhile come on top: one every six seconds.
    ensure!(allowed >= 20 && least == 0, "{allowed} requests were allowed, {least} remained");
    refused.video_error(429)?;
    ensure!(refused.number("x-ratelimit-remaining")? == 0, "{refused:?}");
    ensure!((1..=6).contains(&refused.number("retry-after")?), "{refused:?}");
    ensure!(refused.number("x-ratelimit-reset")? > 0, "{refused:?}");
    ask(&client.new_key().await?).await?.success(200)?;
    Ok(())
}

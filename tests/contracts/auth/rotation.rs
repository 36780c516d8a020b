//! The key that signs sessions is replaced, and nobody is logged out.

use std::time::Duration;

use anyhow::{Context, ensure};
use api::identity::{PUBLIC_KEYS, RotationError, SIGNING_KEY, rotate};
use drover_tests::answer::Answer;
use drover_tests::aws::Call;
use drover_tests::sign_in::SignedIn;
use drover_tests::{Stack, eventually};
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::Clock;

async fn parameter(stack: &Stack, name: &str) -> anyhow::Result<String> {
    let asked = json!({"Name": format!("/{}/sessions/{name}", stack.name), "WithDecryption": true});
    let told = stack.operator().await?.ask(&Call::json("ssm", "AmazonSSM.GetParameter", &asked)).await?.json()?;
    told["Parameter"]["Value"].as_str().map(str::to_owned).context("no value")
}

async fn set(stack: &Stack, name: &str, value: &str) -> anyhow::Result<()> {
    let name = format!("/{}/sessions/{name}", stack.name);
    let new = json!({"Name": name, "Value": value, "Type": "SecureString", "Overwrite": true});
    stack.operator().await?.ask(&Call::json("ssm", "AmazonSSM.PutParameter", &new)).await?;
    Ok(())
}

async fn status(stack: &Stack, session: &SignedIn, path: &str) -> anyhow::Result<u16> {
    let request = stack.browser()?.request(Method::GET, path).bearer_auth(&session.token);
    Ok(Answer::of(request.send().await?).await?.status)
}

fn names(public_keys: &str) -> anyhow::Result<Vec<String>> {
    let keys: Json = serde_json::from_str(public_keys)?;
    let names = keys["keys"].as_array().context("no keys")?.iter().map(|key| key["kid"].as_str().map(str::to_owned));
    names.collect::<Option<_>>().context("no kid")
}

#[tokio::test]
async fn a_new_key_signs_and_what_the_old_one_signed_stays_good() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let before = stack.session_of(&user.id).await?;
    let (signing, public) = (parameter(&stack, SIGNING_KEY).await?, parameter(&stack, PUBLIC_KEYS).await?);
    // As if it was done later: keys that are young are not replaced. A stack that was kept may have had this test before.
    let mut now = Clock::system().now();
    let new = loop {
        match rotate(Some(&signing), Some(&public), false, now) {
            Ok(new) => break new,
            Err(RotationError::TooSoon) => now = now.after(Duration::from_hours(1)),
            Err(error) => return Err(error.into()),
        }
    };
    let (old_names, new_names) = (names(&public)?, names(&new.public_keys)?);
    ensure!(new_names.len() == 2 && old_names.contains(&new_names[1]), "{old_names:?} became {new_names:?}");
    set(&stack, PUBLIC_KEYS, &new.public_keys).await?;
    set(&stack, SIGNING_KEY, &new.signing_key).await?;

    let after = stack.session_of(&user.id).await?;
    for path in ["/tasks", "/api-keys"] {
        assert_eq!(status(&stack, &before, path).await?, 200, "{path}");
        // A function that has read the public keys a moment ago may not have the new one yet.
        eventually(&format!("{path} takes the new key"), async || {
            Ok((status(&stack, &after, path).await? == 200).then_some(()))
        })
        .await?;
        assert_eq!(status(&stack, &before, path).await?, 200, "{path}");
    }
    Ok(())
}

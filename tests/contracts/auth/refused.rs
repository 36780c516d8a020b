//! What an identity provider may say that lets nobody in.

use drover_tests::Stack;
use drover_tests::answer::Answer;
use drover_tests::sign_in::{Lie, Visitor};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::json;

/// How many sign-ins are under way at once.
const AT_ONCE: usize = 4;

/// Each lie, and what comes of it.
const LIES: [(Lie, u16, &str); 29] = [
    (Lie::Audience, 401, "authentication_error"),
    (Lie::TwoAudiences, 401, "authentication_error"),
    (Lie::Issuer, 401, "authentication_error"),
    (Lie::Expired, 401, "authentication_error"),
    (Lie::NotYet, 401, "authentication_error"),
    (Lie::IssuedLater, 401, "authentication_error"),
    (Lie::Nonce, 401, "authentication_error"),
    (Lie::NoNonce, 401, "authentication_error"),
    (Lie::UnknownKey, 401, "authentication_error"),
    (Lie::OtherKey, 401, "authentication_error"),
    (Lie::AlgorithmNone, 401, "authentication_error"),
    (Lie::PublicKeyAsSecret, 401, "authentication_error"),
    (Lie::ClientSecret, 401, "authentication_error"),
    (Lie::Tampered, 401, "authentication_error"),
    (Lie::Signature, 401, "authentication_error"),
    (Lie::Missing, 401, "authentication_error"),
    (Lie::NoEmail, 401, "authentication_error"),
    (Lie::LongSubject, 401, "authentication_error"),
    (Lie::Unverified, 403, "authorization_error"),
    (Lie::UnsaidVerified, 403, "authorization_error"),
    (Lie::NoToken, 502, "internal_server_error"),
    (Lie::NoSubject, 502, "internal_server_error"),
    (Lie::Slow, 502, "internal_server_error"),
    (Lie::Status500, 502, "internal_server_error"),
    (Lie::Redirected, 502, "internal_server_error"),
    (Lie::Huge, 502, "internal_server_error"),
    (Lie::Garbage, 502, "internal_server_error"),
    (Lie::Closed, 502, "internal_server_error"),
    (Lie::InvalidClient, 502, "internal_server_error"),
];

#[tokio::test]
async fn no_lie_of_a_provider_lets_anybody_in() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    stack.set_sign_in_secret().await?;
    let stack = &stack;
    let told = LIES.iter().map(|(lie, status, code)| async move {
        let answer = tried(stack, *lie).await?;
        let wrong = answer.error(*status, code).err().map(|error| format!("{lie:?}: {error:#}"));
        let opens = answer.header("set-cookie").map(|cookie| format!("{lie:?} sets {cookie}"));
        anyhow::Ok(wrong.or(opens))
    });
    let faults: Vec<Option<String>> = stream::iter(told).buffer_unordered(AT_ONCE).try_collect().await?;
    let faults: Vec<_> = faults.into_iter().flatten().collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

/// The control: the same way without a lie leads in, and a lie about the content's type alone is none about the token.
#[tokio::test]
async fn who_does_not_lie_is_let_in_the_same_way() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    stack.sign_in(&Visitor::new()).await?;
    let answer = tried(&stack, Lie::ContentType).await?;
    answer.error(502, "internal_server_error")?;
    Ok(())
}

async fn tried(stack: &Stack, lie: Lie) -> anyhow::Result<Answer> {
    let browser = stack.browser()?;
    let begun = browser.begin().await?;
    let code = browser.visit(&begun, &Visitor::with(lie)).await?;
    browser.finish(&json!({"code": code, "state": begun.state}), None).await
}

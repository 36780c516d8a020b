//! `/auth/logout`, and what else ends a session.

use api::identity::{Identity, UserChange};
use drover_tests::Stack;
use drover_tests::answer::Answer;
use drover_tests::sign_in::{SignedIn, Visitor};
use futures::future::try_join_all;
use reqwest::Method;
use table::Clock;

/// Where a session is tried: at every function that takes one.
const PLACES: [&str; 3] = ["/tasks", "/auth/me", "/api-keys"];

async fn status(stack: &Stack, session: &SignedIn, path: &str) -> anyhow::Result<u16> {
    let request = stack.browser()?.request(Method::GET, path).bearer_auth(&session.token);
    Ok(Answer::of(request.send().await?).await?.status)
}

async fn statuses(stack: &Stack, session: &SignedIn) -> anyhow::Result<Vec<u16>> {
    try_join_all(PLACES.iter().map(|path| status(stack, session, path))).await
}

#[tokio::test]
async fn a_session_that_is_ended_is_good_nowhere_from_then_on() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let visitor = Visitor::new();
    let (ended, other) = (stack.sign_in(&visitor).await?, stack.sign_in(&visitor).await?);
    // Every function has seen it, so that whatever it remembers is warm.
    assert_eq!(statuses(&stack, &ended).await?, [200, 200, 200]);
    let browser = stack.browser()?;
    let out = browser.request(Method::POST, "/auth/logout").bearer_auth(&ended.token);
    Answer::of(out.send().await?).await?.success(200)?;
    assert_eq!(statuses(&stack, &ended).await?, [401, 401, 401]);
    // It cannot be ended twice, and the user's other session goes on.
    let again = browser.request(Method::POST, "/auth/logout").bearer_auth(&ended.token);
    Answer::of(again.send().await?).await?.error(401, "authentication_error")?;
    assert_eq!(statuses(&stack, &other).await?, [200, 200, 200]);
    Ok(())
}

#[tokio::test]
async fn a_key_has_no_session_to_end() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    user.call(Method::POST, "/auth/logout").await?.error(403, "authorization_error")?;
    assert_eq!(user.call(Method::GET, "/tasks").await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn a_user_who_is_deactivated_is_out_and_can_come_back() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let visitor = Visitor::new();
    let session = stack.sign_in(&visitor).await?;
    let identity = Identity::new(stack.table("identity"), Clock::system());
    let set = async |is_active| {
        let change = UserChange { is_active: Some(is_active), ..UserChange::default() };
        identity.change_user(session.user()?, change).await?;
        anyhow::Ok(())
    };
    set(false).await?;
    assert_eq!(statuses(&stack, &session).await?, [401, 401, 401]);
    let browser = stack.browser()?;
    let begun = browser.begin().await?;
    let code = browser.visit(&begun, &visitor).await?;
    let answer = browser.finish(&serde_json::json!({"code": code, "state": begun.state}), None).await?;
    answer.error(403, "authorization_error")?;
    set(true).await?;
    assert_eq!(statuses(&stack, &session).await?, [200, 200, 200]);
    Ok(())
}

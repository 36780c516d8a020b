//! `/auth/google`: signing in.

use drover_tests::Stack;
use drover_tests::answer::is_timestamp;
use drover_tests::sign_in::{Algorithm, Lie, SignedIn, Visitor};
use serde_json::json;

#[tokio::test]
async fn who_has_never_been_here_becomes_a_user_of_the_free_plan() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    for algorithm in [Algorithm::Rs256, Algorithm::Es256] {
        let visitor = Visitor { algorithm, ..Visitor::new() };
        let signed_in = stack.sign_in(&visitor).await?;
        let answer = &signed_in.answer;
        assert_eq!((&answer["token_type"], &answer["expires_in"]), (&json!("bearer"), &json!(3_600)));
        let user = &answer["user"];
        assert_eq!((&user["email"], &user["full_name"]), (&json!(visitor.email), &json!("Jane Doe")));
        assert_eq!((&user["subscription_tier"], &user["compute_units_remaining"]), (&json!("free"), &json!(1_000)));
        assert_eq!(user["is_active"], true);
        assert!(is_timestamp(user["created_at"].as_str().unwrap_or_default()), "{user}");
    }
    Ok(())
}

#[tokio::test]
async fn who_comes_again_is_the_same_user_whatever_their_address_is_now() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let visitor = Visitor::new();
    let first = stack.sign_in(&visitor).await?;
    let moved =
        Visitor { email: format!("new-{}", visitor.email), name: Some("Somebody".to_owned()), ..visitor.clone() };
    let again = stack.sign_in(&moved).await?;
    assert_eq!(again.user()?, first.user()?);
    assert_eq!(again.answer["user"]["email"], json!(moved.email));
    assert_eq!(again.answer["user"]["full_name"], "Jane Doe", "a name is the user's own to change");
    assert_ne!(again.token, first.token);
    // Who has the address now is somebody else.
    let other = stack.sign_in(&Visitor { email: moved.email, ..Visitor::new() }).await?;
    assert_ne!(other.user()?, first.user()?);
    Ok(())
}

#[tokio::test]
async fn a_visitor_without_a_name_or_with_odd_ones_is_let_in() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let nameless = Visitor { name: None, picture: None, ..Visitor::new() };
    assert_eq!(stack.sign_in(&nameless).await?.answer["user"]["full_name"], json!(nameless.subject));
    let odd = Visitor {
        name: Some(format!("  {}\u{0}\n", "x".repeat(5_000))),
        picture: Some("javascript:alert(1)".to_owned()),
        ..Visitor::new()
    };
    let user = stack.sign_in(&odd).await?.answer["user"].clone();
    assert!(user["full_name"].as_str().is_some_and(|name| !name.is_empty() && name.chars().count() <= 200), "{user}");
    assert!(user["avatar_url"].is_null(), "{user}");
    Ok(())
}

#[tokio::test]
async fn the_state_comes_along_in_the_body_or_in_the_cookie() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    stack.set_sign_in_secret().await?;
    let browser = stack.browser()?;
    let begun = browser.begin().await?;
    let code = browser.visit(&begun, &Visitor::new()).await?;
    // As the contract's own body is.
    SignedIn::read(&browser.finish(&json!({"code": code}), Some(&begun.cookie)).await?)?;

    // Without either nobody knows where the code is from; a page that brings its own is not the one that began.
    let begun = browser.begin().await?;
    let code = browser.visit(&begun, &Visitor::new()).await?;
    assert_eq!(browser.finish(&json!({"code": code}), None).await?.invalid_fields()?, ["state"]);
    let foreign = browser.begin().await?;
    let answer = browser.finish(&json!({"code": code, "state": begun.state}), Some(&foreign.cookie)).await?;
    assert_eq!(answer.invalid_fields()?, ["state"]);
    // Nothing of that was a sign-in.
    SignedIn::read(&browser.finish(&json!({"code": code, "state": begun.state}), Some(&begun.cookie)).await?)?;
    Ok(())
}

#[tokio::test]
async fn a_state_and_a_code_count_once() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    stack.set_sign_in_secret().await?;
    let browser = stack.browser()?;
    let begun = browser.begin().await?;
    let code = browser.visit(&begun, &Visitor::new()).await?;
    let body = json!({"code": code, "state": begun.state});
    // Of many who bring the same at once, one is signed in.
    let callers: Vec<_> = (0..6).map(|_| stack.browser()).collect::<Result<_, _>>()?;
    let answers = futures::future::try_join_all(callers.iter().map(|caller| caller.finish(&body, None))).await?;
    let signed_in = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(signed_in, 1, "{answers:?}");
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(answer.invalid_fields()?, ["state"]);
    }
    // A code that was redeemed, with a sign-in that is fresh.
    let begun = browser.begin().await?;
    let answer = browser.finish(&json!({"code": code, "state": begun.state}), None).await?;
    assert_eq!(answer.invalid_fields()?, ["code"]);
    Ok(())
}

#[tokio::test]
async fn a_code_of_another_sign_in_is_refused() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    stack.set_sign_in_secret().await?;
    let browser = stack.browser()?;
    let (mine, theirs) = (browser.begin().await?, browser.begin().await?);
    let stolen = browser.visit(&theirs, &Visitor::new()).await?;
    // The verifier of my sign-in does not fit the challenge of theirs.
    let answer = browser.finish(&json!({"code": stolen, "state": mine.state}), None).await?;
    assert_eq!(answer.invalid_fields()?, ["code"]);
    Ok(())
}

#[tokio::test]
async fn a_key_that_the_provider_has_only_now_is_found() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    for _ in 0..3 {
        stack.sign_in(&Visitor::with(Lie::NewKey)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn of_each_sign_in_everything_is_new() -> anyhow::Result<()> {
    let browser = Stack::from_environment()?.browser()?;
    let (one, other) = (browser.begin().await?, browser.begin().await?);
    for name in ["state", "nonce", "code_challenge"] {
        let told = |begun: &drover_tests::sign_in::Begun| {
            begun.auth_url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        let (one, other) = (told(&one), told(&other));
        assert!(one.as_ref().is_some_and(|value| value.len() >= 32) && one != other, "{name}: {one:?} {other:?}");
    }
    Ok(())
}

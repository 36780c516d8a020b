//! `/auth/me`.

use drover_tests::Stack;
use drover_tests::answer::{Answer, is_timestamp};
use drover_tests::sign_in::Visitor;
use reqwest::Method;
use serde_json::{Value as Json, json};

#[tokio::test]
async fn who_is_signed_in_sees_themselves_with_their_units() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let visitor = Visitor::new();
    let signed_in = stack.sign_in(&visitor).await?;
    let browser = stack.browser()?;
    let request = browser.request(Method::GET, "/auth/me").bearer_auth(&signed_in.token);
    let me = Answer::of(request.send().await?).await?.success(200)?;
    let fields: Vec<_> = me.as_object().into_iter().flatten().map(|(field, _)| field.as_str()).collect();
    let expected = [
        "id",
        "email",
        "full_name",
        "avatar_url",
        "subscription_tier",
        "compute_units_used",
        "compute_units_limit",
        "is_active",
        "created_at",
        "updated_at",
    ];
    assert_eq!(fields, expected);
    assert_eq!((&me["id"], &me["email"]), (&json!(signed_in.user()?), &json!(visitor.email)));
    assert_eq!((&me["compute_units_used"], &me["compute_units_limit"]), (&json!(0), &json!(1_000)));
    assert!(is_timestamp(me["updated_at"].as_str().unwrap_or_default()), "{me}");
    Ok(())
}

#[tokio::test]
async fn a_key_shows_its_owner_and_changes_nothing_of_them() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user_with(extract::Plan::Professional, 10, &[]).await?;
    let me = user.get("/auth/me").await?;
    assert_eq!((&me["id"], &me["subscription_tier"]), (&json!(user.id), &json!("professional")));
    let change = json!({"full_name": "Somebody Else"});
    user.send(Method::PUT, "/auth/me", &change).await?.error(403, "authorization_error")?;
    assert_eq!(user.get("/auth/me").await?["full_name"], me["full_name"]);
    Ok(())
}

#[tokio::test]
async fn a_profile_is_changed_in_part() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let signed_in = stack.sign_in(&Visitor::new()).await?;
    let browser = stack.browser()?;
    let put = async |body: &Json| {
        let request = browser.request(Method::PUT, "/auth/me").bearer_auth(&signed_in.token).json(body);
        Answer::of(request.send().await?).await
    };
    let me =
        put(&json!({"full_name": "John Smith", "avatar_url": "https://example.com/new.jpg"})).await?.success(200)?;
    assert_eq!((&me["full_name"], &me["avatar_url"]), (&json!("John Smith"), &json!("https://example.com/new.jpg")));
    let me = put(&json!({"avatar_url": null, "email": "other@example.com", "is_active": false})).await?.success(200)?;
    assert_eq!((&me["full_name"], &me["avatar_url"]), (&json!("John Smith"), &Json::Null));
    assert_eq!((&me["email"], &me["is_active"]), (&signed_in.answer["user"]["email"], &json!(true)));
    for (body, fields) in [
        (json!({"full_name": ""}), vec!["full_name"]),
        (json!({"full_name": 5, "avatar_url": "ftp://example.com"}), vec!["full_name", "avatar_url"]),
        (json!({}), vec![""]),
        (json!([]), vec![""]),
    ] {
        assert_eq!(put(&body).await?.invalid_fields()?, fields, "{body}");
    }
    Ok(())
}

//! `/api-keys`.

use api::identity::{Identity, MOST_KEYS, Permission};
use drover_tests::answer::{Answer, is_timestamp};
use drover_tests::sign_in::Visitor;
use drover_tests::{Stack, User, eventually};
use extract::Plan;
use futures::stream::{self, StreamExt, TryStreamExt};
use reqwest::Method;
use secrets::ApiKey;
use serde_json::{Value as Json, json};
use table::{Clock, Condition, Millis, Update};

fn named(name: &str, permissions: &[&str]) -> Json {
    json!({"name": name, "description": "For a test", "permissions": permissions})
}

async fn made(user: &User, body: &Json) -> anyhow::Result<Json> {
    user.send(Method::POST, "/api-keys", body).await?.success(201)
}

#[tokio::test]
async fn a_key_is_shown_whole_once_and_by_its_preview_from_then_on() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let mut new = made(&user, &named("Production API Key", &["tasks:read", "tasks:create"])).await?;
    let key = new["api_key"].as_str().unwrap_or_default().to_owned();
    assert!(key.starts_with("sk_live_") && key.len() == "sk_live_".len() + 64);
    assert_eq!(new["key_preview"], format!("{}...", &key[..16]));
    assert_eq!((&new["last_used_at"], &new["is_active"]), (&Json::Null, &json!(true)));
    assert!(is_timestamp(new["created_at"].as_str().unwrap_or_default()), "{new}");
    new.as_object_mut().map(|new| new.remove("api_key"));
    let listed = user.get("/api-keys").await?;
    // The newest first; the other is the one that lists, made by an operator.
    assert_eq!(listed[0], new);
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
    let test = made(&user, &json!({"name": "T", "permissions": ["tasks:read"], "test": true})).await?;
    assert!(test["api_key"].as_str().is_some_and(|key| key.starts_with("sk_test_")));
    Ok(())
}

#[tokio::test]
async fn a_key_works_at_once_and_for_what_it_may_do() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let new = made(&user, &named("Reader", &["tasks:read"])).await?;
    let key = new["api_key"].as_str().unwrap_or_default();
    let ask = async |method, path| {
        Answer::of(user.anonymous(method, path).bearer_auth(key).json(&json!({})).send().await?).await
    };
    assert_eq!(ask(Method::GET, "/tasks").await?.status, 200);
    ask(Method::POST, "/tasks").await?.error(403, "authorization_error")?;
    ask(Method::GET, "/api-keys").await?.error(403, "authorization_error")?;
    Ok(())
}

#[tokio::test]
async fn no_key_may_do_what_its_maker_may_not() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user_with(Plan::Free, 10, &[Permission::KeysManage, Permission::TasksRead]).await?;
    let refused = user.send(Method::POST, "/api-keys", &named("More", &["tasks:read", "tasks:create"])).await?;
    assert!(refused.error(403, "authorization_error")?.contains("tasks:create"));
    made(&user, &named("As much", &["tasks:read", "keys:manage"])).await?;
    // A session may do everything.
    let session = stack.session_of(&user.id).await?;
    let all: Vec<_> = Permission::ALL.iter().map(|(name, _)| *name).collect();
    let request = user.anonymous(Method::POST, "/api-keys").bearer_auth(&session.token).json(&named("All", &all));
    assert_eq!(Answer::of(request.send().await?).await?.success(201)?["permissions"], json!(all));
    let without = stack.user_with(Plan::Free, 10, &[Permission::TasksRead]).await?;
    for (method, path) in [(Method::GET, "/api-keys"), (Method::POST, "/api-keys")] {
        without.send(method, path, &named("None", &["tasks:read"])).await?.error(403, "authorization_error")?;
    }
    Ok(())
}

#[tokio::test]
async fn a_key_that_is_deleted_is_listed_as_inactive_and_opens_nothing() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let new = made(&user, &named("Short-lived", &["tasks:read"])).await?;
    let path = format!("/api-keys/{}", new["id"].as_str().unwrap_or_default());
    let body = user.call(Method::DELETE, &path).await?.success(200)?;
    assert_eq!(body, json!({"message": "API key deactivated"}));
    // Again: it is so already.
    user.call(Method::DELETE, &path).await?.success(200)?;
    assert_eq!(user.get("/api-keys").await?[0]["is_active"], false);
    // No function has seen it yet; one that had would take it for 30 seconds more.
    let key = new["api_key"].as_str().unwrap_or_default();
    let request = user.anonymous(Method::GET, "/tasks").bearer_auth(key);
    Answer::of(request.send().await?).await?.error(401, "authentication_error")?;
    let missing = "/api-keys/00000000-0000-0000-0000-000000000000";
    user.call(Method::DELETE, missing).await?.error(404, "resource_not_found")?;
    Ok(())
}

#[tokio::test]
async fn a_user_has_fifty_keys_at_most_however_many_are_asked_for_at_once() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let session = stack.session_of(&user.id).await?;
    let ask = |number: u64| {
        let body = named(&format!("Key {number}"), &["tasks:read"]);
        let request = user.anonymous(Method::POST, "/api-keys").bearer_auth(&session.token).json(&body);
        async move { anyhow::Ok((number, Answer::of(request.send().await?).await?)) }
    };
    let answers: Vec<(u64, Answer)> = stream::iter(0..MOST_KEYS + 8).map(ask).buffer_unordered(8).try_collect().await?;
    let added = answers.iter().filter(|(_, answer)| answer.status == 201).count() as u64;
    // The one that the user began with counts.
    assert_eq!(added, MOST_KEYS - 1);
    for (_, answer) in answers.iter().filter(|(_, answer)| answer.status != 201) {
        answer.error(400, "validation_error")?;
    }
    let listed = user.get("/api-keys").await?;
    assert_eq!(listed.as_array().map(Vec::len), usize::try_from(MOST_KEYS).ok());
    // One that goes makes room.
    let path = format!("/api-keys/{}", listed[0]["id"].as_str().unwrap_or_default());
    user.call(Method::DELETE, &path).await?.success(200)?;
    made(&user, &named("In its place", &["tasks:read"])).await?;
    Ok(())
}

/// The note of a key's use is written by whoever sees it used first, and not again for five minutes.
#[tokio::test]
async fn the_last_use_of_a_key_is_noted_once_in_a_while() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let noted_in = |keys: &Json| keys[0]["last_used_at"].as_str().map(str::to_owned);
    let first = eventually("the use is noted", async || Ok(noted_in(&user.get("/api-keys").await?))).await?;
    for _ in 0..5 {
        assert_eq!(noted_in(&user.get("/api-keys").await?), Some(first.clone()));
    }
    // A function that has not seen the key notes its use where the note is old: as if one was deployed six minutes later.
    let hash = ApiKey::presented(&user.key).hash();
    let key = table::Key::new(format!("KEY#{}", hash.as_str()), "KEY");
    let old = Millis(Clock::system().now().0 - 6 * 60_000);
    stack.table("identity").update(&key, Update::new().set("last_used_at", old).when(Condition::Exists("pk"))).await?;
    let later = Identity::new(stack.table("identity"), Clock::system());
    let seen = later.find_cloud_key(&ApiKey::presented(&user.key)).await?;
    let unnoted = seen.and_then(|seen| seen.unnoted);
    assert!(unnoted.is_some(), "it should be noted");
    assert!(later.find_cloud_key(&ApiKey::presented(&user.key)).await?.is_some_and(|seen| seen.unnoted.is_none()));
    if let Some(hash) = unnoted {
        later.note_use(&hash).await?;
        let noted = user.get("/api-keys").await?;
        later.note_use(&hash).await?;
        assert_eq!(noted_in(&user.get("/api-keys").await?), noted_in(&noted));
        assert!(noted_in(&noted).is_some_and(|at| Millis::parse(&at) > Some(old)));
    }
    Ok(())
}

#[tokio::test]
async fn the_keys_of_who_signs_in_are_their_own() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let session = stack.sign_in(&Visitor::new()).await?;
    let browser = stack.browser()?;
    let list = browser.request(Method::GET, "/api-keys").bearer_auth(&session.token);
    assert_eq!(Answer::of(list.send().await?).await?.success(200)?, json!([]));
    let body = json!({"name": "First", "permissions": ["tasks:read", "tasks:create"]});
    let create = browser.request(Method::POST, "/api-keys").bearer_auth(&session.token).json(&body);
    let key = Answer::of(create.send().await?).await?.success(201)?;
    assert_eq!((&key["description"], &key["permissions"]), (&Json::Null, &json!(["tasks:read", "tasks:create"])));
    let tasks = browser.request(Method::GET, "/tasks").bearer_auth(key["api_key"].as_str().unwrap_or_default());
    assert_eq!(Answer::of(tasks.send().await?).await?.status, 200);
    Ok(())
}

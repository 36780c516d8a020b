//! What signing in, profiles and keys cost, and what a session costs at any endpoint.
//!
//! A session is asked for by one `BatchGetItem` of two items, of which the emulator tells no capacity: DynamoDB charges two read units more.
//! So it is with a list of keys: one unit more for each. What a cold function costs more is in [`COLD`].

use anyhow::{Context, ensure};
use drover_tests::sign_in::Visitor;
use drover_tests::{Stack, User};
use reqwest::{Method, RequestBuilder};
use serde_json::json;

use super::bound::{As, Bound};
use super::cost::Cost;
use super::requests::{cost_of, measured, over};

/// What a function costs more that has seen neither the key nor its owner, notes the key's use, and has read neither parameters nor what the
/// provider says of itself.
const COLD: Cost = Cost::new(3, 1.0, 1.0, 5);

/// `{key}` stands for a new key's id, `{missing}` for none's.
pub(super) fn bounds() -> Vec<Bound<As>> {
    let row = Bound::new;
    let key = Some(json!({"name": "A key", "permissions": ["tasks:read"]}));
    let unknown = Some(json!({"code": "4/0A", "state": "unknown"}));
    let (nothing, renamed) = (Some(json!({})), Some(json!({"full_name": "B"})));
    //                                                                                  DynamoDB, read, written, others
    vec![
        row("begin to sign in", Method::GET, "/auth/google", None, As::Nobody, 200, Cost::new(2, 0.0, 2.0, 0)),
        row("sign in, at fault", Method::POST, "/auth/google", nothing, As::Nobody, 400, Cost::new(1, 0.0, 1.0, 0)),
        row(
            "sign in, unknown state",
            Method::POST,
            "/auth/google",
            unknown,
            As::Nobody,
            400,
            Cost::new(2, 0.0, 2.0, 0),
        ),
        row("me, by key", Method::GET, "/auth/me", None, As::Key, 200, Cost::new(3, 2.0, 1.0, 0)),
        row("me, by session", Method::GET, "/auth/me", None, As::Session, 200, Cost::new(4, 2.0, 1.0, 0)),
        row("profile", Method::PUT, "/auth/me", renamed, As::Session, 200, Cost::new(4, 1.0, 2.0, 0)),
        row("log out", Method::POST, "/auth/logout", None, As::Session, 200, Cost::new(3, 0.0, 2.0, 0)),
        row("keys", Method::GET, "/api-keys", None, As::Key, 200, Cost::new(3, 1.0, 1.0, 0)),
        row("new key", Method::POST, "/api-keys", key, As::Key, 201, Cost::new(2, 0.0, 7.0, 0)),
        row("key goes", Method::DELETE, "/api-keys/{key}", None, As::Key, 200, Cost::new(3, 1.0, 7.0, 0)),
        row("no such key", Method::DELETE, "/api-keys/{missing}", None, As::Key, 404, Cost::new(2, 1.0, 1.0, 0)),
    ]
}

#[tokio::test]
async fn every_endpoint_of_users_is_within_its_budget() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let mut faults = Vec::new();
    for bound in bounds() {
        // Of each their own: of `/auth` a user may ask ten times a minute.
        let user = stack.user().await?;
        let limit = bound.cost.measurable_on(&stack);
        let costs = measured(&limit, async || {
            cost_of(&stack, "identity", request(&stack, &user, &bound).await?, bound.status).await
        });
        faults.extend(over(bound.what, &costs.await.context(bound.what)?, &limit, &COLD)?);
    }
    ensure!(faults.is_empty(), "over budget:\n{}", faults.join("\n"));
    Ok(())
}

/// A new person costs the transaction that makes them, once.
#[tokio::test]
async fn signing_in_is_within_its_budget() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    stack.set_sign_in_secret().await?;
    let known = Visitor::new();
    stack.sign_in(&known).await?;
    let mut faults = Vec::new();
    for (what, is_new, cost) in [
        ("sign in", false, Cost::new(5, 3.0, 2.0, 1)),
        ("sign in for the first time", true, Cost::new(5, 2.0, 12.0, 1)),
    ] {
        let limit = cost.measurable_on(&stack);
        let costs = measured(&limit, async || {
            let browser = stack.browser()?;
            let begun = browser.begin().await?;
            let visitor = if is_new { Visitor::new() } else { known.clone() };
            let code = browser.visit(&begun, &visitor).await?;
            let body = json!({"code": code, "state": begun.state});
            cost_of(&stack, "identity", browser.request(Method::POST, "/auth/google").json(&body), 200).await
        });
        faults.extend(over(what, &costs.await.context(what)?, &limit, &COLD)?);
    }
    ensure!(faults.is_empty(), "over budget:\n{}", faults.join("\n"));
    Ok(())
}

/// What a session costs at another function's endpoint, beside the same by a key.
#[tokio::test]
async fn a_session_costs_one_request_more_than_a_known_key() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let session = stack.session_of(&user.id).await?;
    let limit = Cost::new(3, 1.0, 1.0, 0).measurable_on(&stack);
    let costs = measured(&limit, async || {
        let list = user.anonymous(Method::GET, "/tasks").bearer_auth(&session.token);
        cost_of(&stack, "extract-tasks", list, 200).await
    });
    let fault = over("tasks, by session", &costs.await?, &limit, &COLD)?;
    ensure!(fault.is_none(), "over budget: {fault:?}");
    Ok(())
}

async fn request(stack: &Stack, user: &User, bound: &Bound<As>) -> anyhow::Result<RequestBuilder> {
    let mut path = bound.path.replace("{missing}", "00000000-0000-0000-0000-000000000000");
    if path.contains("{key}") {
        let body = json!({"name": "A key", "permissions": ["tasks:read"]});
        let new = user.send(Method::POST, "/api-keys", &body).await?.success(201)?;
        path = path.replace("{key}", new["id"].as_str().context("no id")?);
    }
    let request = user.anonymous(bound.method.clone(), &path);
    let request = match bound.by {
        As::Nobody => request,
        As::Key => request.bearer_auth(&user.key),
        // A session can be ended once.
        As::Session => request.bearer_auth(&stack.session_of(&user.id).await?.token),
    };
    Ok(bound.with_body(request))
}

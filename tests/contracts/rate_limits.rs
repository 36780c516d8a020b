//! Rate limits. A window may end while a test counts: each answer says in which window it was counted, by when that ends.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::ensure;
use drover_tests::Stack;
use drover_tests::answer::Answer;
use drover_tests::chaos::{Fault, Rule};
use drover_tests::routes::extract_cloud;
use futures::stream::{self, StreamExt, TryStreamExt};
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use table::Clock;

/// How many requests are under way at once.
const AT_ONCE: usize = 8;

/// Makes so many requests that one window sees more than `limit`, even if they fall into two; checks that each window takes exactly
/// `limit`, counts down to 0 and refuses the rest as the contract says; gives the answers that were let through.
async fn exhaust(limit: u64, request: impl Fn() -> RequestBuilder) -> anyhow::Result<Vec<Answer>> {
    let requests = (0..=2 * limit).map(|_| async { Answer::of(request().send().await?).await });
    let answers: Vec<Answer> = stream::iter(requests).buffer_unordered(AT_ONCE).try_collect().await?;
    let mut windows: BTreeMap<u64, Vec<Answer>> = BTreeMap::new();
    for answer in answers {
        assert_eq!(answer.number("x-ratelimit-limit")?, limit, "{answer:?}");
        windows.entry(answer.number("x-ratelimit-reset")?).or_default().push(answer);
    }
    assert!(windows.len() <= 2, "so many requests take longer than a minute: {:?}", windows.keys());
    let (mut passed, mut refused) = (Vec::new(), 0);
    for (reset, answers) in windows {
        assert_eq!(reset % 60, 0);
        let (stopped, allowed): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 429);
        let mut remaining: Vec<_> =
            allowed.iter().map(|answer| answer.number("x-ratelimit-remaining")).collect::<Result<_, _>>()?;
        remaining.sort_unstable_by(|a, b| b.cmp(a));
        let expected: Vec<_> = (0..limit).rev().take(remaining.len()).collect();
        assert_eq!(remaining, expected, "each request counts once");
        assert!(stopped.is_empty() || remaining.len() as u64 == limit, "refused before the limit");
        for answer in &stopped {
            answer.error(429, "rate_limit_exceeded")?;
            assert_eq!(answer.number("x-ratelimit-remaining")?, 0);
            assert!((1..=60).contains(&answer.number("retry-after")?), "{answer:?}");
        }
        refused += stopped.len();
        passed.extend(allowed);
    }
    assert!(refused > 0, "nothing was refused");
    Ok(passed)
}

#[tokio::test]
async fn thirty_tasks_may_be_created_a_minute() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    for answer in exhaust(30, || user.request(Method::POST, "/tasks").json(&json!({}))).await? {
        answer.error(400, "validation_error")?;
    }
    // Everything else is counted apart.
    assert_eq!(user.call(Method::GET, "/tasks").await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn a_hundred_other_requests_may_be_made_a_minute() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let path = "/tasks/00000000-0000-0000-0000-000000000000";
    for answer in exhaust(100, || user.request(Method::GET, path)).await? {
        answer.error(404, "resource_not_found")?;
    }
    Ok(())
}

#[tokio::test]
async fn a_guesser_of_keys_is_limited_by_address_whatever_it_claims() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let guess = || {
        let claimed = format!("203.0.113.{}", fastrand::u8(..));
        let key = format!("sk_live_{:064x}", fastrand::u128(..));
        user.anonymous(Method::GET, "/tasks").bearer_auth(key).header("X-Forwarded-For", claimed)
    };
    for answer in exhaust(100, guess).await? {
        answer.error(401, "authentication_error")?;
    }
    // Who has a key that works is counted for themselves.
    assert_eq!(user.call(Method::GET, "/tasks").await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn ten_requests_may_be_made_a_minute_of_who_one_is() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    for answer in exhaust(10, || user.request(Method::GET, "/auth/me")).await? {
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    assert_eq!(user.call(Method::GET, "/tasks").await?.status, 200);
    Ok(())
}

/// A user's keys and sessions do not add up: whichever a request comes with, it counts for the user.
#[tokio::test]
async fn a_second_key_or_a_session_is_no_second_limit() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let body = json!({"name": "Second", "permissions": ["tasks:read"]});
    let second = user.send(Method::POST, "/api-keys", &body).await?.success(201)?;
    let session = stack.session_of(&user.id).await?;
    let credentials = [&user.key, second["api_key"].as_str().unwrap_or_default(), &session.token].map(str::to_owned);
    let turn = std::sync::atomic::AtomicUsize::new(0);
    let next = || &credentials[turn.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % credentials.len()];
    // Another class than that of the request above, so that this begins with a whole one.
    for answer in exhaust(10, || user.anonymous(Method::GET, "/auth/me").bearer_auth(next())).await? {
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    Ok(())
}

/// The contract's class of an endpoint, by how many requests a minute it takes; and what a payment provider tells.
fn class_of(method: &str, route: &str) -> u64 {
    let is_under = |root: &str| route.starts_with(root);
    match (method, route) {
        ("POST", "/tasks") => 30,
        _ if is_under("/billing/webhooks/") => 3_000,
        _ if is_under("/billing/") => 5,
        _ if is_under("/auth/") => 10,
        _ => 100,
    }
}

/// An answer tells of this limit.
fn tells_of(answer: &Answer, limit: u64) -> anyhow::Result<()> {
    ensure!(answer.number("x-ratelimit-limit")? == limit, "the limit is {limit}: {answer:?}");
    ensure!(answer.number("x-ratelimit-remaining")? < limit, "{answer:?}");
    let now = Clock::system().now().epoch_seconds();
    ensure!((now..=now + 61).contains(&answer.number("x-ratelimit-reset")?), "{answer:?}");
    Ok(())
}

/// Each route, by one who may, by nobody, by a method that it does not know, and one below it that is not there.
#[tokio::test]
async fn every_answer_of_every_route_tells_of_its_limit() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (mut faults, mut seen) = (Vec::new(), BTreeSet::new());
    for (method, route) in extract_cloud()? {
        // One of their own for each: this is about what answers tell.
        let user = stack.user().await?;
        let path = route.split('/').map(|part| if part.starts_with('{') { user.id.as_str() } else { part });
        let (path, limit) = (path.collect::<Vec<_>>().join("/"), class_of(&method, &route));
        let known: Method = method.parse()?;
        for (what, request, limit) in [
            ("by a user", user.request(known.clone(), &path).json(&json!({})), limit),
            ("by nobody", user.anonymous(known, &path).json(&json!({})), limit),
            ("by another method", user.request(Method::PATCH, &path), class_of("PATCH", &route)),
            ("below it", user.request(Method::GET, &format!("{path}/of/nothing")), 100),
        ] {
            let answer = Answer::of(request.send().await?).await?;
            seen.insert(answer.status);
            if let Err(error) = tells_of(&answer, limit) {
                faults.push(format!("{method} {route} {what}: {error:#}"));
            }
        }
    }
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    ensure!([200, 400, 401, 403, 404, 405].iter().all(|status| seen.contains(status)), "only {seen:?} were seen");
    Ok(())
}

#[tokio::test]
async fn a_limiter_that_fails_lets_requests_pass_and_tells_of_the_limit_all_the_same() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let about = format!("RATE#USER#{}", user.id);
    let fails = Rule::new("DynamoDB_20120810.UpdateItem", &about, u32::MAX, Fault::not_authorized());
    let fails = stack.chaos(&fails).await?;
    let answer = user.call(Method::GET, "/tasks").await?;
    ensure!(answer.status == 200, "{answer:?}");
    tells_of(&answer, 100)?;
    ensure!(fails.end().await? == 1, "the limiter did not fail");
    Ok(())
}

#[tokio::test]
async fn every_answer_tells_of_the_limit() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    for (request, status, limit) in [
        (user.request(Method::GET, "/tasks"), 200, 100),
        (user.request(Method::POST, "/tasks"), 400, 30),
        (user.request(Method::GET, "/tasks?page=0"), 400, 100),
        (user.request(Method::GET, "/tasks/1"), 404, 100),
        (user.request(Method::PATCH, "/tasks"), 405, 100),
        (user.request(Method::GET, "/nothing"), 404, 100),
        (user.anonymous(Method::GET, "/tasks"), 401, 100),
        (user.anonymous(Method::POST, "/tasks"), 401, 30),
        (user.request(Method::GET, "/auth/me"), 200, 10),
        (user.request(Method::PATCH, "/auth/me"), 405, 10),
        (user.anonymous(Method::GET, "/auth/me"), 401, 10),
        (user.anonymous(Method::POST, "/auth/google"), 400, 10),
        (user.request(Method::GET, "/api-keys"), 200, 100),
        (user.anonymous(Method::POST, "/api-keys"), 401, 100),
        (user.anonymous(Method::PATCH, "/tasks"), 401, 100),
        (user.anonymous(Method::GET, "/nothing"), 404, 100),
        (user.anonymous(Method::GET, "/health"), 200, 100),
    ] {
        let answer = Answer::of(request.send().await?).await?;
        assert_eq!(answer.status, status, "{answer:?}");
        tells_of(&answer, limit)?;
    }
    Ok(())
}

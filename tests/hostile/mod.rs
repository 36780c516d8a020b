//! Hostile requests, in tables: none makes a 5xx, each gets the contract's error body, and nothing changes.

mod billing;
mod bodies;
mod configs;
mod dead_letters;
mod fields;
mod headers;
mod keys;
mod paths;
mod portal;
mod queries;
mod sockets;
mod tokens;
mod video;
mod webhooks;
mod worker;

use std::io::Write;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;
use drover_tests::answer::Answer;
use drover_tests::quiet::QuietTasks;
use drover_tests::raw::RawRequest;
use drover_tests::user::any_loopback_address;
use drover_tests::{Stack, User};
use extract::{Task, TaskType, account_key};
use futures::future::try_join_all;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::json;
use table::{Clock, Condition, Item, Query};

/// The methods that API Gateway passes on to functions.
const METHODS: [&str; 7] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];
/// How many requests are under way at once.
const AT_ONCE: usize = 4;

/// How many hostile requests the extraction cloud has withstood in this run.
static WITHSTOOD: AtomicUsize = AtomicUsize::new(0);

/// Counts requests that were withstood, and says how many it makes; past what keeps the words of tests that hold.
fn count(requests: usize) {
    let all = WITHSTOOD.fetch_add(requests, Ordering::Relaxed) + requests;
    let _ = writeln!(std::io::stdout(), "hostile requests to the extraction cloud: {requests} withstood, {all} in all");
}

/// A hostile request, and what it must be answered.
struct Case {
    name: String,
    request: RawRequest,
    status: u16,
    code: &'static str,
}

impl Case {
    fn new(name: impl Into<String>, request: RawRequest, status: u16) -> Self {
        let code = match status {
            400 => "validation_error",
            401 => "authentication_error",
            403 => "authorization_error",
            404 => "resource_not_found",
            405 => "method_not_allowed",
            _ => "unexpected",
        };
        Self { name: name.into(), request, status, code }
    }
}

/// The one under attack: a user with a task that has ended and one that has not.
struct Victim {
    stack: Stack,
    user: User,
    ended: Task,
    open: Task,
}

impl Victim {
    async fn new() -> anyhow::Result<Self> {
        let stack = Stack::from_environment()?;
        let user = stack.user().await?;
        let quiet = QuietTasks::new(&stack, Clock::system()).await?;
        let ended = quiet.pending(&user, "Ended", TaskType::SimpleScraping).await?;
        quiet.complete(&ended).await?;
        let open = quiet.pending(&user, "Open", TaskType::SimpleScraping).await?;
        Ok(Self { stack, user, ended, open })
    }

    /// All that a user has: the account, every task, the profile, every key and every webhook, as they are stored.
    async fn belongings(&self, user: &User) -> anyhow::Result<Vec<Item>> {
        let mut belongings = Vec::new();
        for context in ["extract", "identity", "webhooks"] {
            let all = Query::new(Condition::equal("pk", account_key(&user.id).pk)).consistent();
            belongings.extend(self.stack.table(context).query_items(all).await?.items);
        }
        Ok(belongings)
    }

    /// Attacks with every case, each from an address of its own, so that limits by address do not hide what is tried; finds that the
    /// victim and each attacker have what they had.
    async fn withstands(&self, cases: Vec<Case>, attackers: &[User]) -> anyhow::Result<()> {
        let users: Vec<_> = attackers.iter().chain([&self.user]).collect();
        let before = try_join_all(users.iter().map(|user| self.belongings(user))).await?;
        let attacks = cases.iter().map(|case| self.strike(case, any_loopback_address()));
        let faults: Vec<Option<String>> = stream::iter(attacks).buffer_unordered(AT_ONCE).try_collect().await?;
        let faults: Vec<_> = faults.into_iter().flatten().collect();
        assert!(faults.is_empty(), "{} of {} went through:\n{}", faults.len(), cases.len(), faults.join("\n"));
        assert_eq!(try_join_all(users.iter().map(|user| self.belongings(user))).await?, before);
        count(cases.len());
        Ok(())
    }

    /// What is wrong with the answer to a case, if anything.
    async fn strike(&self, case: &Case, address: IpAddr) -> anyhow::Result<Option<String>> {
        let answer = case.request.send(&self.stack.url, address).await.with_context(|| case.name.clone())?;
        let told = check(case, &answer);
        Ok(told.err().map(|error| format!("  {}: {error:#}", case.name)))
    }
}

/// Whether the answer is the one expected, and the contract's in every way.
fn check(case: &Case, answer: &Answer) -> anyhow::Result<()> {
    if answer.status == 403 && !METHODS.contains(&case.request.method.as_str()) {
        // API Gateway's own answer to other methods; not every emulator refuses them.
        anyhow::ensure!(answer.json()? == json!({"message": "Missing Authentication Token"}), "{answer:?}");
        return Ok(());
    }
    let limit = answer.number("x-ratelimit-limit")?;
    anyhow::ensure!([100, 30, 10, 5].contains(&limit), "limit {limit}");
    if case.request.method == "HEAD" {
        anyhow::ensure!(answer.status == case.status && answer.body.is_empty(), "{answer:?}");
        return Ok(());
    }
    answer.error(case.status, case.code).map(|_| ())
}

/// A request with a user's key.
fn by(user: &User, method: &str, target: &str) -> RawRequest {
    RawRequest::new(method, target).header("Authorization", format!("Bearer {}", user.key))
}

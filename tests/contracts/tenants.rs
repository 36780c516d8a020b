//! Two tenants, every route: what one of them owns, the other cannot read, change or count.
//!
//! The routes are those of the functions' own routers, the methods those that the deployed API says it knows (the header `Allow`). A route
//! without a case here fails the test, and so does a case without a route: who adds a route adds a line to [`CASES`].

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use drover_tests::answer::Answer;
use drover_tests::quiet::QuietTasks;
use drover_tests::routes::{extract_cloud, paths_of_template};
use drover_tests::store::StandInStore;
use drover_tests::{Stack, User};
use extract::{TaskType, account_key};
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::{Clock, Condition, Item, Query};

/// What the other tenant must see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// A 404, as if there was no such thing.
    NotFound,
    /// Their own, and nothing of the tenant's.
    Own,
    /// A 403: it is for operators of the deployment.
    Forbidden,
    /// Nothing that is of anybody: it needs nobody to be known.
    Public,
}

use Seen::{Forbidden, NotFound, Own, Public};

/// Every route, with what is sent, and what must be seen. `{task_id}` and the like stand for ids of the tenant's things: see [`Tenant::fill`].
const CASES: &[(&str, &str, Seen)] = &[
    ("GET", "/health", Public),
    ("GET", "/tasks", Own),
    ("POST", "/tasks", Own),
    ("GET", "/tasks/{task_id}", NotFound),
    ("PUT", "/tasks/{task_id}", NotFound),
    ("DELETE", "/tasks/{task_id}", NotFound),
    ("GET", "/tasks/{task_id}/logs", NotFound),
    ("GET", "/tasks/{task_id}/download", NotFound),
    ("GET", "/auth/google", Public),
    ("POST", "/auth/google", Public),
    ("GET", "/auth/me", Own),
    ("PUT", "/auth/me", Own),
    ("POST", "/auth/logout", Own),
    ("GET", "/api-keys", Own),
    ("POST", "/api-keys", Own),
    ("DELETE", "/api-keys/{key_id}", NotFound),
    ("GET", "/billing/plans", Public),
    ("GET", "/billing/subscription", Own),
    ("PUT", "/billing/subscription", NotFound),
    ("POST", "/billing/subscription/cancel", NotFound),
    ("POST", "/billing/subscription/resume", NotFound),
    ("POST", "/billing/create-checkout", Own),
    ("POST", "/billing/portal", NotFound),
    ("GET", "/billing/invoices", Own),
    ("POST", "/billing/webhooks/lemon-squeezy", Public),
    ("GET", "/analytics/usage", Own),
    ("GET", "/analytics/dashboard", Own),
    ("GET", "/admin/system-metrics", Forbidden),
    ("GET", "/admin/dead-letters", Forbidden),
    ("DELETE", "/admin/dead-letters", Forbidden),
    ("POST", "/admin/dead-letters/redrive", Forbidden),
    ("GET", "/admin/dead-letters/{letter_id}", Forbidden),
    ("DELETE", "/admin/dead-letters/{letter_id}", Forbidden),
    ("POST", "/admin/dead-letters/{letter_id}/redrive", Forbidden),
    ("GET", "/webhooks", Own),
    ("POST", "/webhooks", Own),
    ("GET", "/webhooks/{webhook_id}", NotFound),
    ("PUT", "/webhooks/{webhook_id}", NotFound),
    ("DELETE", "/webhooks/{webhook_id}", NotFound),
    ("POST", "/webhooks/{webhook_id}/rotate-secret", NotFound),
    ("POST", "/webhooks/{webhook_id}/test", NotFound),
    ("GET", "/webhooks/{webhook_id}/attempts", NotFound),
];

/// One who owns something of everything.
struct Tenant {
    user: User,
    task: String,
    key: String,
    webhook: String,
    /// What is in nobody else's answers.
    marks: Vec<String>,
}

impl Tenant {
    async fn new(stack: &Stack) -> anyhow::Result<Self> {
        let user = stack.user().await?;
        let quiet = QuietTasks::new(stack, Clock::system()).await?;
        let name = format!("Secret of {}", user.id);
        let ended = quiet.pending(&user, &name, TaskType::SimpleScraping).await?;
        quiet.complete(&ended).await?;
        let open = quiet.pending(&user, &name, TaskType::SimpleScraping).await?;
        let new = json!({"name": name, "permissions": ["tasks:read"]});
        let key = user.send(Method::POST, "/api-keys", &new).await?.success(201)?;
        let (key, preview) = (text(&key, "id")?, text(&key, "key_preview")?);
        // Of nothing that the tenant does: it would be delivered sooner or later, and change what is theirs.
        let new = json!({"url": "https://tenant.example/ends", "events": ["task.cancelled"]});
        let webhook = text(&user.send(Method::POST, "/webhooks", &new).await?.success(201)?, "id")?;
        // The address has the user's id in it.
        let (ended, open) = (ended.id.to_string(), open.id.to_string());
        let marks = vec![user.id.clone(), ended, open.clone(), name, key.clone(), preview, webhook.clone()];
        Ok(Self { task: open, key, webhook, marks, user })
    }

    /// A route with the tenant's things in it.
    fn fill(&self, route: &str) -> anyhow::Result<String> {
        // Of letters it does not matter whether there is one.
        let letter = format!("extract.1.{}", self.task);
        let ids = [
            ("{task_id}", &self.task),
            ("{key_id}", &self.key),
            ("{webhook_id}", &self.webhook),
            ("{letter_id}", &letter),
        ];
        let filled = ids.into_iter().fold(route.to_owned(), |route, (name, id)| route.replace(name, id));
        ensure!(!filled.contains('{'), "what does {route} name? Say it in Tenant::fill");
        Ok(filled)
    }

    /// All that the tenant has, as it is stored.
    async fn belongings(&self, stack: &Stack) -> anyhow::Result<Vec<Item>> {
        let mut all = Vec::new();
        for table in ["extract", "identity", "webhooks"] {
            let theirs = Query::new(Condition::equal("pk", account_key(&self.user.id).pk)).consistent();
            all.extend(stack.table(table).query_items(theirs).await?.items);
        }
        Ok(all)
    }
}

fn text(answer: &Json, field: &str) -> anyhow::Result<String> {
    answer[field].as_str().map(str::to_owned).with_context(|| format!("no {field} in {answer}"))
}

#[tokio::test]
async fn nobody_reads_changes_or_counts_anothers_things() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    StandInStore::of(&stack).await?;
    let tenant = Tenant::new(&stack).await?;
    let before = tenant.belongings(&stack).await?;
    ensure!(before.len() >= 5, "the tenant owns too little for a test: {before:?}");
    let mut faults = Vec::new();
    for (method, route, seen) in CASES {
        // One of their own for each, so that no limit hides what is tried, and nobody's leaving is another's.
        let other = stack.user().await?;
        let answer = attack(&stack, &tenant, &other, method, route).await?;
        if let Err(error) = check(&answer, *seen, &tenant) {
            faults.push(format!("{method} {route}: {error:#}"));
        }
        if tenant.belongings(&stack).await? != before {
            faults.push(format!("{method} {route} changed what is the tenant's"));
        }
    }
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

/// Asks as `other`, who may do everything, for what is the tenant's, in every way that a request has to name somebody.
async fn attack(stack: &Stack, tenant: &Tenant, other: &User, method: &str, route: &str) -> anyhow::Result<Answer> {
    let session = stack.session_of(&other.id).await?;
    let path = format!("{}?user_id={id}&owner={id}", tenant.fill(route)?, id = tenant.user.id);
    let request = other.anonymous(method.parse()?, &path).bearer_auth(&session.token);
    let request = request.header("X-User-Id", &tenant.user.id).json(&body(tenant));
    Answer::of(request.send().await?).await
}

/// One body for all: what any route takes, and the tenant's id wherever one could name an owner.
fn body(tenant: &Tenant) -> Json {
    json!({
        "user_id": tenant.user.id,
        "id": tenant.task,
        "name": "Mine",
        "full_name": "Somebody",
        "permissions": ["tasks:read"],
        "task_type": "simple_scraping",
        "config": {"urls": ["http://127.77.0.1:1/"], "selectors": {"title": "h1"}},
        "url": "https://other.example/ends",
        "plan_id": "professional",
        "success_url": "https://other.example/bought",
        "code": "of-nobody",
        "state": "of-nobody",
    })
}

fn check(answer: &Answer, seen: Seen, tenant: &Tenant) -> anyhow::Result<()> {
    let told = answer.text()?;
    let told_of = tenant.marks.iter().find(|mark| told.contains(mark.as_str()));
    ensure!(told_of.is_none(), "{told_of:?} is told: {told}");
    match seen {
        Seen::NotFound => answer.error(404, "resource_not_found").map(|_| ()),
        Seen::Forbidden => answer.error(403, "authorization_error").map(|_| ()),
        Seen::Own => {
            ensure!((200..300).contains(&answer.status), "{answer:?}");
            Ok(())
        }
        Seen::Public => {
            ensure!(answer.status < 500, "{answer:?}");
            Ok(())
        }
    }
}

#[tokio::test]
async fn every_route_has_a_case_and_every_case_a_route() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let written = extract_cloud()?;
    let mut deployed = BTreeSet::new();
    for route in written.iter().map(|(_, route)| route).collect::<BTreeSet<_>>() {
        // What no route knows as a method it answers with those that it knows.
        let path = route.split('/').map(|part| if part.starts_with('{') { user.id.as_str() } else { part });
        let path = path.collect::<Vec<_>>().join("/");
        let asker = stack.user().await?;
        let answer = asker.call(Method::PATCH, &path).await?;
        ensure!(answer.status == 405, "PATCH {path}: {answer:?}");
        let allowed = answer.header("allow").context("no Allow")?;
        let methods = allowed.split(',').map(str::trim).filter(|method| !matches!(*method, "HEAD" | "OPTIONS"));
        deployed.extend(methods.map(|method| (method.to_owned(), route.clone())));
    }
    ensure!(deployed == written, "deployed is {deployed:?}, and written {written:?}");
    let cases: BTreeSet<_> =
        CASES.iter().map(|(method, route, _)| ((*method).to_owned(), (*route).to_owned())).collect();
    let missing: Vec<_> = deployed.difference(&cases).collect();
    ensure!(missing.is_empty(), "routes without a case in tests/contracts/tenants.rs: {missing:?}");
    let gone: Vec<_> = cases.difference(&deployed).collect();
    ensure!(gone.is_empty(), "cases without a route: {gone:?}");
    Ok(())
}

/// The template sends the extraction cloud's paths to functions: of each there must be a route.
#[test]
fn every_path_of_the_template_has_a_route() -> anyhow::Result<()> {
    let (routes, paths) = (extract_cloud()?, paths_of_template()?);
    ensure!(paths.len() >= 7, "so few paths: {paths:?}");
    for (_, path) in paths {
        let root = path.trim_end_matches("/{proxy+}");
        ensure!(routes.iter().any(|(_, route)| route.starts_with(root)), "{path} leads to no route");
    }
    Ok(())
}

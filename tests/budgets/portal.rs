//! The cost of one request at each endpoint of the portal jobs: what a warm function is measured to need, and no more.
//!
//! Who is calling is read with each request: one read unit in each cost of a user's. What a `BatchGetItem` reads the emulator does not tell: DynamoDB
//! charges a unit for each item of a page. An address to download from is made without a request.

use anyhow::ensure;
use drover_tests::Stack;
use drover_tests::portal::{PortalClient, PortalDesk};
use jobs::{Level, Line, Place, Progress};
use portals::{Portal, PortalAccount, partition};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value as Json, json};
use table::{Clock, Update};
use uuid::Uuid;

use super::cost::Cost;
use super::requests::{KEY, cost_of, measured, over};

/// What a function costs more that has no key of the tokens' yet: one parameter, or of a login another.
const COLD_TOKEN: Cost = Cost::new(0, 0.0, 0.0, 2);
/// What a function costs more that has sealed nothing yet.
const COLD_SEAL: Cost = Cost::new(1, 0.5, 0.0, 1);

/// Who makes a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Nobody,
    User,
    Administrator,
}

/// What a path's `{…}` stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Thing {
    Nothing,
    /// The address of an account.
    Email,
    /// A job that waits.
    Waiting,
    /// A job that has ended.
    Ended,
    /// The name of a user.
    User,
    /// The path of an account.
    Account,
}

struct Bound {
    what: &'static str,
    by: By,
    method: Method,
    path: &'static str,
    thing: Thing,
    body: Option<Json>,
    status: u16,
    cost: Cost,
}

impl Bound {
    fn user(what: &'static str, method: Method, path: &'static str, thing: Thing, status: u16, cost: Cost) -> Self {
        Self { what, by: By::User, method, path, thing, body: None, status, cost }
    }

    fn administrator(
        what: &'static str,
        method: Method,
        path: &'static str,
        thing: Thing,
        status: u16,
        cost: Cost,
    ) -> Self {
        Self { by: By::Administrator, ..Self::user(what, method, path, thing, status, cost) }
    }

    fn sending(self, body: Json) -> Self {
        Self { body: Some(body), ..self }
    }
}

fn bounds() -> Vec<Bound> {
    use Thing::{Account, Email, Ended, Nothing, User, Waiting};
    let (get, post, delete) = (Method::GET, Method::POST, Method::DELETE);
    let fresh = Uuid::new_v4().simple().to_string();
    let user = json!({"username": format!("b-{fresh}"), "password": "long enough to be one"});
    let account = json!({"tenant": format!("b-{fresh}"), "portal": "pwmr", "email": "a@example.com", "password": "b"});
    //                                                                                  DynamoDB, read, written, others
    vec![
        Bound::user("start a job", post.clone(), "/cpcb/pwmr?user_email={}", Email, 200, Cost::new(3, 2.0, 13.0, 1)),
        Bound::user(
            "no such account",
            post.clone(),
            "/cpcb/pwmr?user_email=x",
            Nothing,
            404,
            Cost::new(2, 2.0, 0.0, 0),
        ),
        Bound::user("queue", get.clone(), "/cpcb/queue", Ended, 200, Cost::new(2, 2.0, 0.0, 0)),
        Bound::user("show job", get.clone(), "/cpcb/queue/job/{}", Ended, 200, Cost::new(2, 2.0, 0.0, 0)),
        Bound::user("delete waiting", delete.clone(), "/cpcb/queue/job/{}", Waiting, 200, Cost::new(4, 2.0, 19.0, 1)),
        Bound::user("delete ended", delete.clone(), "/cpcb/queue/job/{}", Ended, 200, Cost::new(4, 3.0, 7.0, 1)),
        Bound::user("download", get.clone(), "/cpcb/queue/job/{}/download", Ended, 404, Cost::new(2, 2.0, 0.0, 0)),
        Bound::user("plastic jobs", get.clone(), "/pwmr/jobs", Ended, 200, Cost::new(3, 2.0, 0.0, 0)),
        Bound::user("plastic job", get.clone(), "/pwmr/status/{}", Ended, 200, Cost::new(2, 2.0, 0.0, 0)),
        Bound { by: By::Nobody, ..Bound::user("no token", get.clone(), "/cpcb/queue", Nothing, 401, Cost::NOTHING) },
        Bound::administrator(
            "users",
            get.clone(),
            "/cpcb/admin/users?limit=1",
            Nothing,
            200,
            Cost::new(2, 0.5, 0.0, 0),
        ),
        Bound::administrator("show user", get.clone(), "/cpcb/admin/users/{}", User, 200, Cost::new(1, 1.0, 0.0, 0)),
        Bound::administrator("make user", post.clone(), "/cpcb/admin/users", Nothing, 201, Cost::new(1, 0.0, 3.0, 0))
            .sending(user),
        Bound::administrator(
            "lock user out",
            Method::PATCH,
            "/cpcb/admin/users/{}",
            User,
            200,
            Cost::new(1, 0.0, 1.0, 0),
        )
        .sending(json!({"is_active": false})),
        Bound::administrator(
            "delete user",
            delete.clone(),
            "/cpcb/admin/users/{}",
            User,
            200,
            Cost::new(1, 0.0, 3.0, 0),
        ),
        Bound::administrator(
            "accounts",
            get.clone(),
            "/cpcb/admin/accounts?limit=1",
            Account,
            200,
            Cost::new(2, 0.5, 0.0, 0),
        ),
        Bound::administrator("show account", get, "/cpcb/admin/accounts/{}", Account, 200, Cost::new(1, 1.0, 0.0, 0)),
        Bound::administrator("make account", post, "/cpcb/admin/accounts", Nothing, 201, Cost::new(1, 0.0, 2.0, 0))
            .sending(account),
        Bound::administrator(
            "new credentials",
            Method::PUT,
            "/cpcb/admin/accounts/{}",
            Account,
            200,
            Cost::new(1, 0.0, 1.0, 0),
        )
        .sending(json!({"password": "c"})),
        Bound::administrator(
            "delete account",
            delete,
            "/cpcb/admin/accounts/{}",
            Account,
            200,
            Cost::new(1, 0.0, 2.0, 0),
        ),
    ]
}

/// Makes what a request is about, and gives what names it.
async fn make(stack: &Stack, client: &PortalClient, desk: &PortalDesk, thing: Thing) -> anyhow::Result<String> {
    let account: PortalAccount = stack.portal_account(&client.tenant, Portal::Pwmr).await?;
    // The tenant's account is opened with its first job.
    let first = desk.jobs.create(&account).await?;
    desk.begin(&first).await?.complete_with(Update::new(), Vec::new(), Vec::new()).await?;
    Ok(match thing {
        Thing::Nothing => String::new(),
        Thing::Email => account.email,
        Thing::Waiting => desk.jobs.create(&account).await?.id.to_string(),
        Thing::Ended => first.id.to_string(),
        Thing::User => stack.portal_client().await?.name,
        Thing::Account => format!("{}/pwmr/{}", client.tenant, account.email),
    })
}

#[tokio::test]
async fn every_endpoint_of_portal_jobs_is_within_its_budget() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let desk = stack.portal_desk(Clock::system()).await?;
    let key = std::env::var("DROVER_ADMIN_KEY")?;
    let mut faults = Vec::new();
    for bound in &bounds() {
        let cost = bound.cost.measurable_on(&stack);
        let costs = measured(&cost, async || {
            let client = stack.portal_client().await?;
            let thing = Box::pin(make(&stack, &client, &desk, bound.thing)).await?;
            let request: RequestBuilder = client.anonymous(bound.method.clone(), &bound.path.replace("{}", &thing));
            let request = match bound.by {
                By::Nobody => request,
                By::User => request.bearer_auth(&client.token),
                By::Administrator => request.bearer_auth(&key),
            };
            let request = match &bound.body {
                Some(body) => request.json(&renewed(body)),
                None => request,
            };
            cost_of(&stack, "portal-jobs", request, bound.status).await
        })
        .await?;
        let cold = if bound.by == By::Administrator { KEY.plus(&COLD_SEAL) } else { COLD_TOKEN };
        faults.extend(over(bound.what, &costs, &cost, &cold)?);
    }
    ensure!(faults.is_empty(), "over budget:\n{}", faults.join("\n"));
    Ok(())
}

/// The body with names that nothing has: what is made must not be there.
fn renewed(body: &Json) -> Json {
    let mut body = body.clone();
    for field in ["username", "tenant"] {
        if body[field].is_string() {
            body[field] = json!(format!("b-{}", Uuid::new_v4().simple()));
        }
    }
    body
}

/// Each is counted by the rate limiter: a write unit. A stream costs a look, a request, each two seconds more.
#[tokio::test]
async fn a_look_at_the_live_log_is_within_its_budget() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let desk = stack.portal_desk(Clock::system()).await?;
    let feeds = portals::feeds(stack.table("events"), Clock::system());
    let mut faults = Vec::new();
    for (what, of_job, is_again, cost) in [
        ("all jobs' log", false, false, Cost::new(4, 3.0, 1.0, 0)),
        ("a job's log", true, false, Cost::new(5, 4.0, 1.0, 0)),
        ("nothing new", false, true, Cost::new(3, 2.0, 1.0, 0)),
    ] {
        let cost = cost.measurable_on(&stack);
        let costs = measured(&cost, async || {
            let client = stack.portal_client().await?;
            let job = desk.jobs.create(&stack.portal_account(&client.tenant, Portal::Ewmr).await?).await?;
            let line = Line::new(Clock::system().now(), Level::Info, "test", "one");
            desk.begin(&job).await?.record(Progress { percent: 1, units_used: 0 }, vec![line]).await?;
            let path = if of_job { format!("/logs/stream?job_id={}", job.id) } else { "/logs/stream".to_owned() };
            let request = client.request(Method::GET, &path);
            let request = if is_again {
                let end = feeds.read(&partition(&client.tenant), Place::default()).await?.end;
                request.header("Last-Event-ID", end.to_string())
            } else {
                request
            };
            cost_of(&stack, "log-stream", request, 200).await
        })
        .await?;
        faults.extend(over(what, &costs, &cost, &COLD_TOKEN)?);
    }
    ensure!(faults.is_empty(), "over budget:\n{}", faults.join("\n"));
    Ok(())
}

#[tokio::test]
async fn a_login_costs_as_much_for_an_unknown_name() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let cost = Cost::new(3, 1.0, 2.0, 0).measurable_on(&stack);
    let mut faults = Vec::new();
    for (what, is_known, status) in [("log in", true, 200), ("wrong password", true, 401), ("unknown name", false, 401)]
    {
        let costs = measured(&cost, async || {
            let client = stack.portal_client().await?;
            let name = if is_known { client.name.clone() } else { format!("{}-x", client.name) };
            let password = if status == 200 { client.password.as_str() } else { "a guess" };
            let request = client.elsewhere()?.anonymous(Method::POST, "/auth/login");
            let form = format!("username={name}&password={}", password.replace(' ', "+"));
            let request = request.header("Content-Type", "application/x-www-form-urlencoded").body(form);
            cost_of(&stack, "portal-jobs", request, status).await
        })
        .await?;
        faults.extend(over(what, &costs, &cost, &COLD_TOKEN)?);
    }
    ensure!(faults.is_empty(), "over budget:\n{}", faults.join("\n"));
    Ok(())
}

//! `proxy_rotation`: a task's pages go through the worker API's proxies in turn, and nowhere else. Those are everybody's, so that this
//! test wants them for itself: `tests/run` runs it when the others are done.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, ensure};
use api::identity::Permission;
use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::response::{Html, IntoResponse, Response};
use drover_tests::forward_proxy::ForwardProxy;
use drover_tests::site::Site;
use drover_tests::worker::Worker;
use drover_tests::{Stack, User};
use extract::Plan;
use reqwest::Method;
use serde_json::{Value as Json, json};

/// After how many failures a proxy is put to rest: template.yaml's default.
const ERRORS: usize = 5;
/// Every third page begins with the proxy that is dead: enough of them to put it to rest.
const PAGES: usize = 3 * ERRORS + 3;
/// As many calls as an address may make in a minute, with room for others.
const CALLS_OF_AN_ADDRESS: usize = 40;

/// A site that notes from where each of its paths was asked for.
struct Shop {
    site: Site,
    visits: Arc<Mutex<Vec<(String, IpAddr)>>>,
}

impl Shop {
    async fn open() -> anyhow::Result<Self> {
        let visits: Arc<Mutex<Vec<(String, IpAddr)>>> = Arc::default();
        let noted = Arc::clone(&visits);
        let pages = Router::new().fallback(move |ConnectInfo(visitor): ConnectInfo<SocketAddr>, request: Request| {
            let path = request.uri().path().to_owned();
            let answer = answer(&path);
            noted.lock().unwrap_or_else(PoisonError::into_inner).push((path, visitor.ip()));
            async { answer }
        });
        Ok(Self { site: Site::serve(pages).await?, visits })
    }

    /// The addresses that each path was asked for from. Whether the site may be scraped at all, is not asked for by a task.
    fn visitors(&self) -> BTreeMap<String, BTreeSet<IpAddr>> {
        let mut visitors: BTreeMap<String, BTreeSet<IpAddr>> = BTreeMap::new();
        for (path, visitor) in self.visits.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            if path != "/robots.txt" {
                visitors.entry(path.clone()).or_default().insert(*visitor);
            }
        }
        visitors
    }

    /// A task of so many pages, each with a script and data of its own.
    async fn scraped(&self, user: &User, pages: usize) -> anyhow::Result<Json> {
        let urls: Vec<_> = (0..pages).map(|page| self.site.url(&format!("/{page}/page"))).collect();
        let config = json!({
            "urls": urls, "selectors": {"name": ".name"}, "wait_for_selector": ".name", "timeout": 60, "proxy_rotation": true,
        });
        let body = json!({"name": "Shop", "task_type": "advanced_scraping", "config": config});
        let task = user.send(Method::POST, "/tasks", &body).await?.success(201)?;
        user.ended(&task).await
    }
}

fn answer(path: &str) -> Response {
    let in_folder = |name| path.strip_suffix(name).filter(|folder| folder.starts_with('/'));
    match (in_folder("/page"), in_folder("/script"), in_folder("/data")) {
        (Some(_), _, _) => Html("<body><script src=script></script></body>").into_response(),
        (_, Some(_), _) => {
            let script = "fetch('data').then(a => a.text()).then(t => document.body.insertAdjacentHTML('beforeend', `<p class=name>${t}</p>`))";
            ([("content-type", "text/javascript")], script).into_response()
        }
        (_, _, Some(folder)) => format!("Of {folder}").into_response(),
        _ => axum::http::StatusCode::NOT_FOUND.into_response(),
    }
}

/// Switches all proxies off that other tests have left.
async fn alone(admin: &Worker) -> anyhow::Result<()> {
    let mut others = Vec::new();
    let given = admin.elsewhere()?.proxies("active_only=true&limit=100").await?;
    for (count, proxy) in given.iter().enumerate() {
        if count % CALLS_OF_AN_ADDRESS == 0 {
            others.push(admin.elsewhere()?);
        }
        let caller = others.last().context("nobody calls")?;
        caller
            .send(Method::PUT, &format!("/proxies/{}", proxy["id"]), &json!({"is_active": false}))
            .await?
            .success(200)?;
    }
    Ok(())
}

#[tokio::test]
#[ignore = "wants all proxies for itself: tests/run runs it after the others"]
async fn pages_go_through_proxies_in_turn_and_through_nothing_else() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let admin = stack.worker_administrator()?;
    let user = stack.user_with(Plan::Enterprise, 1_000, &Permission::ALL.map(|(_, permission)| permission)).await?;
    let shop = Shop::open().await?;
    alone(&admin).await?;

    // Whoever asked for a proxy is not shown without.
    let task = shop.scraped(&user, 1).await?;
    let page = shop.site.url("/0/page");
    assert_eq!((&task["status"], &task["compute_units_consumed"]), (&json!("failed"), &json!(0)), "{task}");
    assert_eq!(task["error_message"], json!(format!("{page} was not fetched: there is no proxy to go through")));
    assert_eq!(shop.visitors(), BTreeMap::new());

    // Two that work, and one where nobody listens any more.
    let (one, two, dead) = (ForwardProxy::start().await?, ForwardProxy::start().await?, ForwardProxy::start().await?);
    let mut numbers = Vec::new();
    for proxy in [&one, &two, &dead] {
        numbers.push(admin.proxy(&proxy.record()).await?);
    }
    drop(dead);
    let task = shop.scraped(&user, PAGES).await?;
    assert_eq!((&task["status"], &task["error_message"]), (&json!("completed"), &Json::Null), "{task}");
    let visitors = shop.visitors();
    let mut pages_of: BTreeMap<IpAddr, usize> = BTreeMap::new();
    for page in 0..PAGES {
        let of = |name: &str| visitors.get(&format!("/{page}/{name}")).context("not asked for");
        let page = of("page")?;
        ensure!(
            page.len() == 1 && of("script")? == page && of("data")? == page,
            "one page, several ways: {visitors:?}"
        );
        *pages_of.entry(*page.first().context("nobody")?).or_default() += 1;
    }
    // In turn: of three pages, the dead one's goes on to the first.
    assert_eq!(pages_of.keys().copied().collect::<BTreeSet<_>>(), BTreeSet::from([one.ip(), two.ip()]));
    assert!(pages_of.values().all(|pages| *pages >= PAGES / 4), "{pages_of:?}");
    assert!(one.targets().iter().chain(&two.targets()).all(|target| *target == shop.site.address));

    // The dead one is known to be dead; what worked has not been blamed.
    let dead = admin.shown_proxy(numbers[2]).await?;
    assert!(dead["is_active"] == false && dead["error_count"].as_u64() >= Some(ERRORS as u64), "{dead}");
    for number in &numbers[..2] {
        let proxy = admin.shown_proxy(*number).await?;
        assert_eq!((&proxy["is_active"], &proxy["error_count"]), (&json!(true), &json!(0)), "{proxy}");
    }

    // All are dead: there is no other way.
    drop((one, two));
    let before = shop.visitors();
    let task = shop.scraped(&user, 1).await?;
    let page = shop.site.url("/0/page");
    assert_eq!((&task["status"], &task["compute_units_consumed"]), (&json!("failed"), &json!(0)), "{task}");
    let message = format!("{page} could not be reached through the proxy: it could not be connected to");
    assert_eq!(task["error_message"], json!(message));
    assert_eq!(shop.visitors(), before);
    for number in &numbers[..2] {
        assert!(admin.shown_proxy(*number).await?["error_count"].as_u64() > Some(0), "{number}");
        admin.send(Method::PUT, &format!("/proxies/{number}"), &json!({"is_active": false})).await?.success(200)?;
    }
    Ok(())
}

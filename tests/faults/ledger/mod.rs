//! The ledger under fire: many tasks of several users at once, their workers killed, every message sent twice, tasks cancelled, while plans change
//! by webhooks that come twice and in any order, and periods end. The books are read all the while, and add up each time.

mod books;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, ensure};
use api::identity::Permission;
use axum::Router;
use axum::extract::ConnectInfo;
use axum::response::Html;
use axum::routing::get;
use drover_tests::chaos::{Fault, Rule};
use drover_tests::site::Site;
use drover_tests::store::{Happening, Webhook};
use drover_tests::{CROWD, Stack, User, id_of};
use extract::{Plan, account_key};
use futures::future::{try_join, try_join_all};
use jobs::{Entry, Movement, Status};
use reqwest::Method;
use serde_json::json;
use table::{Clock, Condition, Key, Millis, Update};

use self::books::Books;
use super::{PAGE, SEND, assert_at_rest, kill_each};
use crate::contracts::billing::Shop;
use crate::contracts::billing::lives::doubled_and_shuffled;

/// How many users there are.
const USERS: usize = 3;
/// How many tasks each has. (A user may submit thirty in a minute.)
const TASKS: usize = 12;
/// Of how many, one is cancelled.
const CANCELLED: usize = 5;
/// How many tasks are submitted between two ends of periods.
const WAVE: usize = 4;
/// Of how many visits to a page, one costs its worker its life.
const DEADLY: usize = 9;
/// How long a page takes: long enough to die meanwhile.
const MOMENT: Duration = Duration::from_millis(100);
/// A month is over, and some days of the next.
const LONG_AGO: u64 = 40 * 24 * 3_600 * 1_000;
/// What happens to each subscription, told in lots: what is in one is told in any order.
const LIFE: [&[Happening]; 4] = [
    &[Happening::Renewed],
    &[Happening::PaymentFailed, Happening::GivenUp],
    &[Happening::Recovered, Happening::Renewed],
    &[Happening::Refunded],
];

/// A site whose visitors are remembered.
struct Visited {
    site: Site,
    visitors: Arc<Mutex<Vec<SocketAddr>>>,
}

impl Visited {
    async fn serve() -> anyhow::Result<Self> {
        let visitors = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&visitors);
        let page = get(async move |ConnectInfo(visitor): ConnectInfo<SocketAddr>| {
            seen.lock().unwrap_or_else(PoisonError::into_inner).push(visitor);
            tokio::time::sleep(MOMENT).await;
            Html(PAGE)
        });
        Ok(Self { site: Site::serve(Router::new().route("/{page}", page)).await?, visitors })
    }

    fn visitor(&self, visit: usize) -> Option<SocketAddr> {
        self.visitors.lock().unwrap_or_else(PoisonError::into_inner).get(visit).copied()
    }
}

/// Lets the month of an account that begins the next by itself be over, as time would; says whether it does. Each time it is another month.
async fn end_period(stack: &Stack, user: &User) -> anyhow::Result<bool> {
    let now = Clock::system().now();
    let over = Update::new()
        .set("period_end", Millis(now.0 - 1))
        .set("period_anchor", Millis(now.0 - LONG_AGO))
        .when(Condition::equal("renews_itself", true));
    match stack.table("extract").update(&account_key(&user.id), over).await {
        Ok(_) => Ok(true),
        Err(table::TableError::ConditionFailed(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Submits a user's tasks, in waves, before each of which a period ends that ends by itself; cancels some. Gives how many periods ended so.
async fn work(stack: &Stack, user: &User, site: &Site) -> anyhow::Result<usize> {
    let mut ended = 0;
    for wave in 0..TASKS / WAVE {
        ended += usize::from(end_period(stack, user).await?);
        let submitted = (0..WAVE).map(|place| async move {
            let number = wave * WAVE + place;
            let pages: Vec<_> = (0..=number % 3).map(|page| site.url(&format!("/{number}-{page}"))).collect();
            let config = json!({"urls": pages, "selectors": {"title": ".t"}});
            let priority = 1 + number % 10;
            let body = json!({"name": "Fire", "task_type": "simple_scraping", "priority": priority, "config": config});
            let task = user.send(Method::POST, "/tasks", &body).await?.success(201)?;
            if number.is_multiple_of(CANCELLED) {
                // Pending, running or, at worst, done: then it is deleted, which costs nobody anything.
                user.call(Method::DELETE, &format!("/tasks/{}", id_of(&task)?)).await?.success(200)?;
            }
            anyhow::Ok(())
        });
        try_join_all(submitted).await?;
        tokio::time::sleep(MOMENT * 10).await;
    }
    Ok(ended)
}

/// Lets a user buy a plan and live with it; gives all that was told of it.
async fn subscribe(shop: &Shop, user: &User, plan: Plan) -> anyhow::Result<Vec<Webhook>> {
    let bought = shop.sell(user.clone(), plan).await?;
    let mut told = bought.events;
    tell(shop, &told).await?;
    for lot in LIFE {
        let mut events = Vec::new();
        for what in lot {
            events.extend(shop.store.happen(bought.subscription, *what).await?);
        }
        tell(shop, &events).await?;
        told.extend(events);
    }
    Ok(told)
}

async fn tell(shop: &Shop, events: &[Webhook]) -> anyhow::Result<()> {
    let statuses = shop.store.deliver_at_once(&doubled_and_shuffled(events)).await?;
    ensure!(statuses.iter().all(|status| *status == 200), "webhooks were answered {statuses:?}");
    Ok(())
}

/// Reads and checks a user's books again and again until all is over; gives how often, while it was not.
async fn audit(stack: &Stack, user: &User, is_over: &AtomicBool) -> anyhow::Result<usize> {
    let (mut last, mut samples): (Option<Books>, usize) = (None, 0);
    while !is_over.load(Ordering::SeqCst) {
        let Some(books) = Books::read(stack, user).await? else { continue };
        books.check().with_context(|| format!("the books do not add up: {books:#?}"))?;
        if let Some(before) = &last {
            books.follows(before)?;
        }
        (last, samples) = (Some(books), samples + 1);
        tokio::time::sleep(MOMENT).await;
    }
    Ok(samples)
}

/// A user's books once all is over: what each task was charged is what it did, once, and all slots are back.
async fn final_books(stack: &Stack, user: &User) -> anyhow::Result<Books> {
    let books = Books::read(stack, user).await?.context("the account still moves")?;
    books.check()?;
    books.would_notice()?;
    let account = &books.account.account;
    ensure!((account.jobs_open, account.units_reserved) == (0, 0), "not at rest: {account:?}");
    ensure!(account.slots.slots_free == account.slots.slots, "slots are missing: {account:?}");
    let (reserved, settled) = (books.references(Movement::Reserve), books.references(Movement::Settle));
    ensure!(reserved.len() == TASKS && reserved == settled, "{reserved:?} were submitted, {settled:?} have ended");
    let charged: BTreeMap<_, _> = books
        .entries
        .iter()
        .filter(|entry| entry.movement == Movement::Settle)
        .map(|entry| (entry.reference.as_str(), entry.used))
        .collect();
    let mut ends = (0, 0, 0);
    for key in stack.task_keys(user).await? {
        let task = stack.stored_task(&key).await?.context("the task is gone")?;
        assert_at_rest(&task)?;
        let cost = i64::try_from(task.job.units_used)?;
        ensure!(charged.get(key.sk.as_str()) == Some(&cost), "charged was {charged:?} for {task:?}");
        match task.job.status {
            Status::Completed => {
                ends.0 += 1;
                ensure!(task.job.units_used == task.job.units_reserved, "each page costs one unit: {task:?}");
            }
            Status::Failed => ends.1 += 1,
            _ => ends.2 += 1,
        }
    }
    // Of those that were deleted after they had ended, only the account knows.
    let told = (account.jobs_completed, account.jobs_failed, account.jobs_cancelled);
    ensure!(told.0 + told.1 + told.2 == i64::try_from(TASKS)?, "{account:?}");
    ensure!(told.0 >= ends.0 && told.1 >= ends.1 && told.2 >= ends.2, "{account:?}, of which {ends:?} are there");
    Ok(books)
}

/// The control: an entry that is lost or doubled in the table itself is found by whoever reads the books.
async fn notices(stack: &Stack, user: &User, books: &Books) -> anyhow::Result<()> {
    let table = stack.table("extract");
    let entry = books.entries.iter().find(|entry| entry.movement == Movement::Settle).context("nothing has ended")?;
    let read = async || Books::read(stack, user).await?.context("the account moves");
    table.delete(&entry.key).await?;
    ensure!(read().await?.check().is_err() && read().await?.follows(books).is_err(), "a lost entry is not noticed");
    table.replace(entry).await?;
    read().await?.check()?;
    let key = Key::new(&entry.key.pk, format!("{}-again", entry.key.sk));
    table.replace(&Entry { key: key.clone(), ..entry.clone() }).await?;
    ensure!(read().await?.check().is_err(), "a doubled entry is not noticed");
    table.delete(&key).await?;
    Ok(())
}

#[tokio::test]
async fn the_books_add_up_at_every_moment_whatever_is_killed_doubled_or_told_in_any_order() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let stack = &shop.stack;
    let _alone = CROWD.lock().await;
    let all = Permission::ALL.map(|(_, permission)| permission);
    let new = (0..USERS).map(|_| stack.user_with(Plan::Free, Plan::Free.compute_units(), &all));
    let users = try_join_all(new).await?;
    let twice = users.iter().map(|user| Rule::new(SEND, &user.id, u32::MAX, Fault::Twice)).collect::<Vec<_>>();
    let twice = try_join_all(twice.iter().map(|rule| stack.chaos(rule))).await?;
    let pages = Visited::serve().await?;

    let (killed, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let fire = async {
        let worked = try_join_all(users.iter().map(|user| work(stack, user, &pages.site)));
        let bought = try_join_all(
            users
                .iter()
                .zip([Plan::Professional, Plan::Enterprise].into_iter().cycle())
                .map(|(user, plan)| subscribe(&shop, user, plan)),
        );
        let (worked, bought) = try_join(worked, bought).await?;
        for user in &users {
            for key in stack.task_keys(user).await? {
                stack.ended_by_recovery(&key).await?;
            }
        }
        // All of it once more changes nothing.
        try_join_all(bought.iter().map(|events| tell(&shop, events))).await?;
        is_over.store(true, Ordering::SeqCst);
        anyhow::Ok(worked)
    };
    let audits = try_join_all(users.iter().map(|user| audit(stack, user, &is_over)));
    let (ended, samples) = tokio::select! {
        done = try_join(fire, audits) => done?,
        never = kill_each(DEADLY, |visit| pages.visitor(visit), pages.site.address, &killed) => match never {},
    };

    let (killed, mut doubled) = (killed.into_inner(), 0);
    for rule in twice {
        doubled += rule.end().await?;
    }
    ensure!(killed >= 3, "only {killed} workers were killed");
    ensure!(doubled >= (USERS * TASKS) as u64, "only {doubled} messages were doubled");
    ensure!(ended.iter().all(|ended| *ended > 0), "periods that ended: {ended:?}");
    ensure!(samples.iter().all(|samples| *samples >= 10), "the books were read {samples:?} times");
    let mut entries = 0;
    for user in &users {
        let books = final_books(stack, user).await.with_context(|| user.id.clone())?;
        let periods = books.references(Movement::Grant).len();
        ensure!(periods >= 4, "only {periods} periods, and the subscription's are at least three");
        entries += books.entries.len();
        notices(stack, user, &books).await?;
    }
    println!(
        "{entries} entries, read {samples:?} times meanwhile, {killed} killed, {doubled} doubled, {ended:?} ended"
    );
    Ok(())
}

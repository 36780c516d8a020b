//! Telling who listens to a job how far it is now, whatever it was that changed: so it does not matter in which order changes are told of, or
//! how often, or whether one of them is lost.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use anyhow::Context;
use aws_lambda_events::dynamodb::EventRecord;
use futures::StreamExt;
use futures::future::try_join_all;
use futures::stream::iter;
use sockets::{GatewayError, Listener, Presence};
use table::cost::metered;
use table::{Item, Key, Millis};
use telemetry::within;
use tokio::time::sleep;
use tracing::field::Empty;
use tracing::info_span;
use videos::job_of_change;

use crate::App;
use crate::news::News;

/// How many jobs, and how many listeners of each, are told at once.
const JOBS_AT_ONCE: usize = 10;
const LISTENERS_AT_ONCE: usize = 20;
/// Visits stop so long before the function is stopped.
const MARGIN: Duration = Duration::from_secs(10);
/// The pauses in which a connection that is being opened is awaited.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(800),
];

/// Why listeners are spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Occasion {
    /// Something has changed: each is told what is news to it.
    Change,
    /// It was their time: each is told how far the job is, as a sign of life, though it knows.
    Visit,
}

/// Tells of each job that the changes are of.
pub(crate) async fn of_changes(app: &App, changes: &[EventRecord]) -> anyhow::Result<()> {
    let jobs: HashSet<Key> = changes.iter().filter_map(job_of).collect();
    let told = all(jobs, JOBS_AT_ONCE, async |job| {
        let telling = Box::pin(async {
            let listeners = app.listeners.of(&job).await?;
            tell(app, &job, listeners, Occasion::Change).await
        });
        with_its_cost("told", &job.sk, telling).await
    });
    told.await?;
    Ok(())
}

/// Tells those whose time it is, and gives how many that were. What is left when the function's time is nearly over is done by the next.
pub(crate) async fn of_visits(app: &App, deadline: Millis) -> anyhow::Result<usize> {
    let (mut visited, mut start) = (0, None);
    loop {
        let page = app.listeners.due(start.take()).await?;
        // By their lists: what there is to tell is the same for all of one.
        let mut lists: HashMap<String, Vec<Key>> = HashMap::new();
        for key in page.items {
            lists.entry(key.pk.clone()).or_default().push(key);
        }
        let told = all(lists, JOBS_AT_ONCE, async |(list, keys)| {
            with_its_cost("visited", &list, Box::pin(visit(app, &keys))).await
        });
        visited += told.await?.into_iter().sum::<usize>();
        match page.next {
            Some(next) if app.clock.now().after(MARGIN) < deadline => start = Some(next),
            _ => return Ok(visited),
        }
    }
}

/// Visits listeners of one list, but those whom somebody else has visited, and gives how many that were.
async fn visit(app: &App, keys: &[Key]) -> anyhow::Result<usize> {
    let found = try_join_all(keys.iter().map(|key| app.listeners.visit(key))).await?;
    let listeners: Vec<_> = found.into_iter().flatten().collect();
    let visited = listeners.len();
    if let Some(job) = listeners.first().map(|listener| listener.listens_to.clone()) {
        tell(app, &job, listeners, Occasion::Visit).await?;
    }
    Ok(visited)
}

/// The job that a change is of: of itself, of what its videos have in common, or of who listens to it.
fn job_of(change: &EventRecord) -> Option<Key> {
    let item: Item = change.change.new_image.clone().into();
    let listened_to = || table::decode::<Listener>(item.clone()).ok().map(|listener| listener.listens_to);
    job_of_change(&item).or_else(listened_to)
}

/// What is done about a job, with a line that tells what it has cost.
async fn with_its_cost<T>(what: &str, job: &str, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let telling = async {
        let (done, cost) = metered(work).await;
        cost.log(what);
        done
    };
    within(info_span!("telling", job, trace_id = Empty), Box::pin(telling)).await
}

async fn tell(app: &App, job: &Key, listeners: Vec<Listener>, occasion: Occasion) -> anyhow::Result<()> {
    if listeners.is_empty() {
        return Ok(());
    }
    let news = &News::of(app.jobs.at(job).await?.as_ref());
    all(listeners, LISTENERS_AT_ONCE, async |listener| tell_one(app, &listener, news, occasion).await).await?;
    Ok(())
}

/// Tells one: what is not the last once at most, since more comes after it; the last once at least.
async fn tell_one(app: &App, listener: &Listener, news: &News, occasion: Occasion) -> anyhow::Result<()> {
    let is_known = occasion == Occasion::Visit && listener.told == news.so_far;
    if !news.is_last && !is_known && !app.listeners.is_news(listener, news.so_far).await? {
        return Ok(());
    }
    match post(app, listener, &news.message).await.context("a listener was not told")? {
        Presence::There if news.is_last => {
            app.gateway.hang_up(&listener.connection).await.context("a listener was not let go")?;
            app.listeners.dismiss(listener).await?;
        }
        Presence::There => {}
        // Who is yet to come is told by a visit.
        Presence::Gone if app.listeners.is_opening(listener) => {}
        Presence::Gone => app.listeners.dismiss(listener).await?,
    }
    Ok(())
}

/// Sends a listener a message. Its connection is there when its handshake has been answered, which may be a moment after it is on the list.
async fn post(app: &App, listener: &Listener, message: &str) -> Result<Presence, GatewayError> {
    let mut presence = app.gateway.post(&listener.connection, message).await?;
    if listener.told < 0 {
        for pause in PAUSES {
            if presence == Presence::There || !app.listeners.is_opening(listener) {
                break;
            }
            sleep(pause).await;
            presence = app.gateway.post(&listener.connection, message).await?;
        }
    }
    Ok(presence)
}

/// Does the same with each, so many at once. All of it is done also where some fails: then an error is given.
async fn all<T, R>(
    each: impl IntoIterator<Item = T>,
    at_once: usize,
    work: impl AsyncFn(T) -> anyhow::Result<R>,
) -> anyhow::Result<Vec<R>> {
    let done: Vec<_> = iter(each).map(|item| work(item)).buffer_unordered(at_once).collect().await;
    done.into_iter().collect()
}

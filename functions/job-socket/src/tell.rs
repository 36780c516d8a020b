//! Telling who listens to a job how far it is now, whatever it was that changed: so it does not matter in which order changes are told of, or
//! how often.

use std::collections::HashSet;

use anyhow::Context;
use aws_lambda_events::dynamodb::EventRecord;
use futures::future::try_join_all;
use sockets::{Listener, Presence};
use table::{Item, Key};
use videos::job_of_change;

use crate::App;
use crate::news::News;

/// Tells of each job that the changes are of.
pub(crate) async fn tell(app: &App, changes: &[EventRecord]) -> anyhow::Result<()> {
    let jobs: HashSet<Key> = changes.iter().filter_map(job_of).collect();
    try_join_all(jobs.iter().map(|job| tell_of(app, job))).await?;
    Ok(())
}

/// The job that a change is of: of itself, of what its videos have in common, or of who listens to it.
fn job_of(change: &EventRecord) -> Option<Key> {
    let item: Item = change.change.new_image.clone().into();
    let listened_to = || table::decode::<Listener>(item.clone()).ok().map(|listener| listener.listens_to);
    job_of_change(&item).or_else(listened_to)
}

async fn tell_of(app: &App, job: &Key) -> anyhow::Result<()> {
    let listeners = app.listeners.of(job).await?;
    if listeners.is_empty() {
        return Ok(());
    }
    let news = News::of(app.jobs.at(job).await?.as_ref());
    try_join_all(listeners.iter().map(|listener| tell_one(app, listener, &news))).await?;
    Ok(())
}

/// Tells one: what is not the last once at most, since more comes after it; the last once at least.
async fn tell_one(app: &App, listener: &Listener, news: &News) -> anyhow::Result<()> {
    if !news.is_last && !app.listeners.is_news(listener, news.so_far).await? {
        return Ok(());
    }
    let mut presence =
        app.gateway.post(&listener.connection, &news.message).await.context("a listener was not told")?;
    if news.is_last && presence == Presence::There {
        presence = app.gateway.hang_up(&listener.connection).await.context("a listener was not let go")?;
    }
    if news.is_last || presence == Presence::Gone {
        app.listeners.dismiss(listener).await?;
    }
    Ok(())
}

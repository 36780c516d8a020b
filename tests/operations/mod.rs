//! What an operator does: `droverctl`, and the administrator's endpoints beside it.

pub(crate) mod console;
mod dead_letters;
mod droverctl;
mod lost;
mod maintenance;
mod pools;
mod schedules;
mod tallies;
mod traces;

use anyhow::Context;
use drover_tests::chaos::{Fault, Rule};
use drover_tests::{Stack, User, key_of};
use serde_json::json;
use table::{Clock, Key, Millis};

/// A task whose message the API could not send: nobody knows of it but the table.
async fn unannounced(stack: &Stack, user: &User, url: &str) -> anyhow::Result<Key> {
    let refused = stack.chaos(&Rule::new("AmazonSQS.SendMessage", &user.id, u32::MAX, Fault::not_authorized())).await?;
    let task = user.create_task(json!({"urls": [url], "selectors": {"title": ".t"}})).await?;
    refused.end().await.context("the message was sent")?;
    key_of(user, &task)
}

/// So many days ago.
fn days_ago(days: u64) -> Millis {
    Millis(Clock::system().now().0 - days * 24 * 3_600_000)
}

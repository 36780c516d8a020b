//! The cost of a handshake at `/ws/jobs/{job_id}`, and of telling those who listen.

use anyhow::{Context, ensure};
use drover_tests::video::{Studio, VideoClient};
use drover_tests::{Stack, eventually};
use serde_json::json;
use table::{Clock, Condition, Millis, Update};
use videos::VideoJob;

use super::cost::Cost;
use super::requests::{measured, over};
use super::video::COLD;

const FUNCTION: &str = "job-socket";
/// A handshake with a key that the function has not seen: the key, a token of its bucket, the job with its join, who listens already, and one more.
const HANDSHAKE: Cost = Cost::new(6, 3.5, 3.0, 0);
/// Telling one who listens something new: who listens, the job with its join, that it is told; one message.
const NEWS: Cost = Cost::new(4, 3.0, 1.0, 1);
/// Telling the end: who listens, the job with its join, and the list without it; one message, and the connection is closed.
const END: Cost = Cost::new(4, 3.0, 2.0, 2);
/// A change of a job that nobody listens to.
const NOBODY: Cost = Cost::new(1, 1.0, 0.0, 0);
/// A visit: that it is visited, the job with its join; one message. Who is to be visited is a query for up to a hundred.
const VISIT: Cost = Cost::new(3, 2.0, 3.0, 1);

/// A job whose one video waits.
struct Scene {
    client: VideoClient,
    studio: Studio,
    job: VideoJob,
    since: Millis,
}

impl Scene {
    async fn open(stack: &Stack) -> anyhow::Result<Self> {
        let (client, studio) = (stack.video_client().await?, stack.studio(Clock::system()).await?);
        let job = studio.listed(&client.tenant, "a", &["1"]).await?;
        Ok(Self { client, studio, job, since: Clock::system().now() })
    }

    /// What the lines of this kind about the job tell, of which there must be one that `is` it.
    async fn line(&self, stack: &Stack, message: &str, is: impl Fn(&Cost) -> bool) -> anyhow::Result<Cost> {
        eventually(&format!("a line {message} with such a cost"), async || {
            let lines = stack.log_lines(FUNCTION, self.since, &[&self.job.id.to_string(), message]).await?;
            let costs = lines.iter().map(Cost::logged).collect::<Result<Vec<_>, _>>()?;
            Ok(costs.into_iter().find(&is))
        })
        .await
    }
}

#[tokio::test]
async fn a_handshake_and_all_that_is_told_are_within_their_budgets() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let mut faults = Vec::new();
    for (what, bound) in
        [("handshake", HANDSHAKE), ("news", NEWS), ("the end", END), ("nobody", NOBODY), ("a visit", VISIT)]
    {
        let bound = bound.measurable_on(&stack);
        let costs = measured(&bound, async || Ok(Some(Box::pin(cost_of(&stack, what)).await?))).await.context(what)?;
        faults.extend(over(what, &costs, &bound, &COLD)?);
    }
    ensure!(faults.is_empty(), "over budget:\n{}", faults.join("\n"));
    Ok(())
}

async fn cost_of(stack: &Stack, what: &str) -> anyhow::Result<Cost> {
    let scene = Scene::open(stack).await?;
    if what == "nobody" {
        scene.studio.work_through(&scene.job, &[]).await?;
        return scene.line(stack, "told", |_| true).await;
    }
    let mut socket = stack.socket(scene.job.id, &scene.client.new_key().await?).await?;
    socket.next().await?.context("closed at once")?;
    match what {
        "handshake" => scene.line(stack, "answered", |_| true).await,
        "news" => scene.line(stack, "told", |cost| cost.others > 0).await,
        "the end" => {
            scene.studio.work_through(&scene.job, &[]).await?;
            while socket.next().await?.is_some() {}
            scene.line(stack, "told", |cost| cost.others > 1).await
        }
        _ => {
            let since = Clock::system().now();
            let table = stack.table("video");
            let listeners = sockets::Listeners::new(table.clone(), Clock::system());
            let listening = listeners.of(&scene.job.key).await?;
            let listener = listening.first().context("nobody listens")?;
            let now_due = Update::new().set("redeliver_at", Millis(0)).when(Condition::Exists("pk"));
            table.update(&listener.key, now_due).await?;
            stack.invoke(FUNCTION, &json!({"detail-type": "Scheduled Event"})).await?;
            socket.next().await?.context("closed")?;
            Scene { since, ..scene }.line(stack, "visited", |_| true).await
        }
    }
}

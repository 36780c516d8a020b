//! Who is on a job's list, and what becomes of those whom nothing is told any more.

use std::time::Duration;

use anyhow::{Context, ensure};
use drover_tests::eventually;
use drover_tests::socket::Handshake;
use futures::future::try_join_all;
use jobs::Status;
use serde_json::json;
use sockets::{Admission, Listener, Listeners, MOST_LISTENERS};
use table::{Clock, Condition, Item, Millis, Query, Update};

use super::{Scene, is, told};

impl Scene {
    fn listeners(&self, clock: Clock) -> Listeners {
        Listeners::new(self.stack.table("video"), clock)
    }

    /// Who listens to the job.
    async fn listening(&self) -> anyhow::Result<Vec<Listener>> {
        Ok(self.listeners(Clock::system()).of(&self.job.key).await?)
    }

    /// It is time for the one who listens to be visited.
    async fn visit(&self) -> anyhow::Result<()> {
        for listener in self.listening().await? {
            let now_due = Update::new().set("redeliver_at", Millis(0)).when(Condition::Exists("pk"));
            self.stack.table("video").update(&listener.key, now_due).await?;
        }
        self.stack.invoke("job-socket", &json!({"detail-type": "Scheduled Event", "source": "aws.events"})).await?;
        Ok(())
    }
}

#[tokio::test]
async fn what_was_not_told_is_told_by_a_visit() -> anyhow::Result<()> {
    let scene = Scene::open().await?;
    let mut socket = scene.listen().await?;
    scene.visit().await?;
    let again = socket.next().await?.context("closed")?;
    ensure!(is(&again, 0, "running"), "no sign of life, but {again}");

    // A change that the function never hears of: it listens to none of an item that goes, or comes.
    let mut job = scene.studio.reload(&scene.job).await?;
    job.job.status = Status::Completed;
    let table = scene.stack.table("video");
    table.delete(&job.key).await?;
    table.replace(&job).await?;
    scene.visit().await?;
    let end = told(&mut socket).await?;
    ensure!(end["status"] == "completed", "{end}");
    ensure!(socket.next().await?.is_none(), "not let go");
    let gone = eventually("it is off the list", async || Ok(scene.listening().await?.is_empty().then_some(())));
    gone.await
}

#[tokio::test]
async fn who_has_gone_is_off_the_list_with_the_next_that_is_told() -> anyhow::Result<()> {
    let scene = Scene::open().await?;
    let an_hour_ago = Millis(Clock::system().now().0 - 3_600_000);
    for connection in ["gone", "gone-too"] {
        scene.listeners(Clock::fake(an_hour_ago)).admit(&scene.job.key, connection).await?;
    }
    let gone = eventually("nobody is on the list", async || Ok(scene.listening().await?.is_empty().then_some(())));
    gone.await
}

#[tokio::test]
async fn no_list_is_longer_than_it_may_be_nor_kept_for_ever() -> anyhow::Result<()> {
    let scene = Scene::open().await?;
    let (now, listeners) = (Clock::system().now(), scene.listeners(Clock::system()));
    let nobodies: Vec<_> = (1..MOST_LISTENERS).map(|number| format!("nobody-{number}")).collect();
    let admitted = try_join_all(nobodies.iter().map(|nobody| listeners.admit(&scene.job.key, nobody))).await?;
    ensure!(admitted.iter().all(|admission| *admission == Admission::Admitted), "{admitted:?}");
    let key = scene.client.new_key().await?;
    let mut last = scene.stack.socket(scene.job.id, &key).await?;
    let one_more = scene.stack.handshake(&format!("/ws/jobs/{}", scene.job.id), Some(&key)).await?;
    ensure!(matches!(one_more, Handshake::Refused(status) if status < 500), "{one_more:?}");
    ensure!(is(&told(&mut last).await?, 0, "running"), "the last one is not told");

    let latest = now.after(Duration::from_hours(3)).epoch_seconds();
    let pk = Condition::equal("pk", listeners.of(&scene.job.key).await?[0].key.pk.as_str());
    for item in scene.stack.table("video").query_items(Query::new(pk)).await?.items {
        let expires_at = seconds(&item, "expires_at").context("it is kept for ever")?;
        ensure!((now.epoch_seconds()..latest).contains(&expires_at), "{item:?}");
    }
    Ok(())
}

fn seconds(item: &Item, name: &str) -> Option<u64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

//! Jobs that are handed on to the workers of another queue: they lose neither their slot nor, where a message is lost, themselves.

use std::time::Duration;

use anyhow::{Context, ensure};
use api::identity::Permission;
use aws_sdk_sqs::types::QueueAttributeName;
use drover_tests::{Stack, User, eventually};
use extract::{Plan, account_key};
use jobs::{Cancelled, Claimed, Hint, Job, Jobs, Logs, NewJob, Policy, Queue, Run, Status, place};
use serde::{Deserialize, Serialize};
use table::{Clock, Key, Millis, new_id};

use super::{Ends, GRANTED, assert_account};

/// The plan's slots.
const SLOTS: usize = 2;
/// What each job uses.
const UNITS: u64 = 3;

/// A job of nobody's kind.
#[derive(Serialize, Deserialize)]
struct TestJob {
    #[serde(flatten)]
    key: Key,
    #[serde(flatten)]
    job: Job,
    account: Key,
}

/// Jobs with queues, a kind and a clock of their own: no function of the stack looks at them, and time passes as the test wants it.
struct Workshop {
    stack: Stack,
    user: User,
    jobs: Jobs,
    queues: [String; 2],
    other: Queue,
}

impl Workshop {
    /// `kind` is one test's alone: what is due of it is that test's.
    async fn open(kind: &'static str) -> anyhow::Result<Self> {
        let stack = Stack::from_environment()?;
        let permissions = Permission::ALL.map(|(_, permission)| permission);
        let user = stack.user_with(Plan::Free, GRANTED.unsigned_abs(), &permissions).await?;
        let id = new_id(Clock::system().now());
        let mut queues = [const { String::new() }; 2];
        for (name, url) in ["own", "other"].iter().zip(&mut queues) {
            let created = stack.sqs().create_queue().queue_name(format!("{}-{name}-{id}", stack.name)).send().await?;
            *url = created.queue_url.context("no queue")?;
        }
        let [own, other] = queues.clone().map(|url| Queue::new(&stack.config, url));
        let jobs = Jobs {
            kind,
            table: stack.table("extract"),
            queue: own,
            logs: Logs::new(stack.table("events")),
            clock: Clock::fake(Clock::system().now()),
            policy: Policy { attempts: 3, ..Policy::with_lease(Duration::from_mins(1)) },
        };
        Ok(Self { stack, user, jobs, queues, other })
    }

    fn key(&self, name: &str) -> Key {
        Key::new(format!("HANDED#{}", self.user.id), name)
    }

    async fn submit(&self, name: &str) -> anyhow::Result<Key> {
        let (key, now, account) = (self.key(name), self.jobs.clock.now(), account_key(&self.user.id));
        // Two of one millisecond would have no order.
        self.jobs.clock.advance(Duration::from_millis(1));
        let job = Job::submitted(self.jobs.kind, now, UNITS, place(5, now.0), &self.jobs.policy);
        let item = TestJob { key: key.clone(), job: job.clone(), account: account.clone() };
        let new = NewJob { key: &key, item: &item, job: &job, account: &account, sort: "handed", only_if: &[] };
        self.jobs.submit(new).await?;
        Ok(key)
    }

    async fn take(&self, hint: &Hint) -> anyhow::Result<(Run, TestJob)> {
        match self.jobs.take::<TestJob>(hint, "test").await? {
            Claimed::Run(run, job) => Ok((*run, *job)),
            Claimed::Nothing(why) => anyhow::bail!("not claimed: {why}"),
        }
    }

    async fn refused(&self, hint: &Hint) -> anyhow::Result<&'static str> {
        match self.jobs.take::<TestJob>(hint, "test").await? {
            Claimed::Run(..) => anyhow::bail!("{hint:?} led to a job"),
            Claimed::Nothing(why) => Ok(why),
        }
    }

    async fn stored(&self, key: &Key) -> anyhow::Result<TestJob> {
        self.jobs.table.get(key).await?.context("the job is gone")
    }

    async fn slots_free(&self) -> anyhow::Result<i64> {
        Ok(self.stack.account(&self.user).await?.slots.slots_free)
    }

    /// Takes the first that waits, and hands it on.
    async fn hand_on(&self, key: &Key) -> anyhow::Result<()> {
        let (run, found) = self.take(&Hint::waits(key.clone())).await?;
        ensure!(found.key == *key, "{:?} was first in line", found.key);
        Ok(run.hand_on(&self.other).await?)
    }

    /// How many messages wait in the other queue.
    async fn other_has(&self, count: &str) -> anyhow::Result<()> {
        eventually("the other queue has its messages", async || {
            let waiting = QueueAttributeName::ApproximateNumberOfMessages;
            let of = self.stack.sqs().get_queue_attributes().queue_url(&self.queues[1]);
            let answer = of.attribute_names(waiting.clone()).send().await?;
            Ok(answer.attributes().and_then(|all| all.get(&waiting)).filter(|found| *found == count).map(|_| ()))
        })
        .await
    }

    async fn close(self, keys: &[&Key]) -> anyhow::Result<()> {
        for key in keys {
            self.jobs.table.delete(key).await?;
        }
        for queue in self.queues {
            self.stack.sqs().delete_queue().queue_url(queue).send().await?;
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_job_that_is_handed_on_keeps_its_slot_until_it_ends() -> anyhow::Result<()> {
    let shop = Workshop::open("kept-slots").await?;
    let (first, second, third) = (shop.submit("1").await?, shop.submit("2").await?, shop.submit("3").await?);
    shop.hand_on(&first).await?;
    shop.hand_on(&second).await?;
    shop.other_has("2").await?;
    let handed = shop.stored(&first).await?.job;
    let held = (handed.status, handed.holds_slot, &handed.turn, &handed.lease.lease_owner);
    ensure!(held == (Status::Running, true, &None, &None), "{handed:?}");

    // As many run as there are slots: the third waits, and no slot is taken for lost.
    ensure!(shop.slots_free().await? == 0);
    let why = shop.refused(&Hint::waits(third.clone())).await?;
    ensure!(why == "no slot is free", "{why}");

    // The other queue's worker has it, once: no slot more is taken, and no attempt is counted for the worker that only handed it on.
    let hint = Hint::goes_on(first.clone());
    let (run, found) = shop.take(&hint).await?;
    ensure!((&found.key, found.job.attempts, found.job.handed_on) == (&first, 1, 1), "{:?}", found.job);
    ensure!(shop.refused(&hint).await? == "no slot is free" && shop.slots_free().await? == 0);
    run.complete("nowhere", 0, None, UNITS, Vec::new()).await?;

    // One that ends before the other worker comes gives its slot back, and the message finds nothing.
    ensure!(shop.jobs.cancel(&second).await? == Cancelled::Now { children: None });
    ensure!(usize::try_from(shop.slots_free().await?)? == SLOTS);
    let (run, found) = shop.take(&Hint::goes_on(second.clone())).await?;
    ensure!(found.key == third, "the message of one that has ended is one for whoever waits: {:?}", found.key);
    run.complete("nowhere", 0, None, UNITS, Vec::new()).await?;
    let used = i64::try_from(2 * UNITS)?;
    assert_account(&shop.stack, &shop.user, used, Ends { completed: 2, cancelled: 1, ..Ends::default() }).await?;
    shop.close(&[&first, &second, &third]).await
}

#[tokio::test]
async fn a_job_whose_message_to_the_other_queue_is_lost_is_handed_on_again() -> anyhow::Result<()> {
    let shop = Workshop::open("lost-messages").await?;
    let key = shop.submit("1").await?;
    let mut patience = Duration::ZERO;
    // More often than it may fail.
    for times in 1..=5_u64 {
        if times == 1 {
            shop.hand_on(&key).await?;
        } else {
            let (run, found) = shop.take(&Hint::goes_on(key.clone())).await?;
            ensure!((found.job.attempts, found.job.handed_on) == (1, times - 1), "{:?}", found.job);
            run.hand_on(&shop.other).await?;
        }
        let now = shop.jobs.clock.now();
        let due = shop.stored(&key).await?.job.redeliver_at.context("nobody will come back for it")?;
        ensure!(
            now.until(due) >= patience,
            "each time it counts as lost later: {:?} after {patience:?}",
            now.until(due)
        );
        patience = now.until(due);
        shop.jobs.clock.advance(patience);
        eventually("recovery finds it", async || {
            let sent = shop.jobs.redeliver_due(Millis(u64::MAX)).await?;
            Ok((sent > 0).then_some(()))
        })
        .await?;
    }
    ensure!(shop.slots_free().await? == 1, "it has the one slot that it took first");
    let (run, _) = shop.take(&Hint::goes_on(key.clone())).await?;
    run.complete("nowhere", 0, None, UNITS, Vec::new()).await?;
    assert_account(&shop.stack, &shop.user, i64::try_from(UNITS)?, Ends { completed: 1, ..Ends::default() }).await?;
    shop.close(&[&key]).await
}

//! A job that hands its work out to children, with messages doubled and workers killed: every child counts once, and the job goes on once.

use std::time::Duration;

use anyhow::{Context, ensure};
use aws_sdk_sqs::types::Message;
use drover_tests::{Stack, User};
use extract::account_key;
use jobs::{
    Cancelled, Claimed, Hint, Job, Jobs, Join, Logs, Lost, NewJob, PartOf, Policy, Progress, Queue, Run, Status, place,
};
use serde::{Deserialize, Serialize};
use table::{Clock, Key, Millis, new_id};

use super::{Ends, assert_account, user};

/// How many children there are, and how many of them may run at once.
const CHILDREN: usize = 12;
const SLOTS: u32 = 3;
/// What each child uses.
const UNITS: u64 = 2;
/// How many messages are dealt with, at most: several times what it takes.
const PATIENCE: usize = 400;

/// A job of nobody's kind: a parent with an account, or a child with a parent.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Piece {
    #[serde(flatten)]
    key: Key,
    #[serde(flatten)]
    job: Job,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<Key>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    part_of: Option<PartOf>,
}

/// Jobs with a queue, a kind and a clock of their own: no function of the stack looks at them, and time passes as the test wants it.
struct Workshop {
    stack: Stack,
    user: User,
    jobs: Jobs,
    queue: String,
    parent: Key,
}

impl Workshop {
    async fn open() -> anyhow::Result<Self> {
        let stack = Stack::from_environment()?;
        let user = user(&stack).await?;
        let name = format!("{}-join-{}", stack.name, new_id(Clock::system().now()));
        let url = stack.sqs().create_queue().queue_name(&name).send().await?.queue_url.context("no queue")?;
        let jobs = Jobs {
            kind: "join",
            table: stack.table("extract"),
            queue: Queue::new(&stack.config, url.clone()),
            logs: Logs::new(stack.table("events")),
            clock: Clock::fake(Clock::system().now()),
            policy: Policy { attempts: 50, ..Policy::with_lease(Duration::from_mins(1)) },
        };
        let parent = Key::new(format!("JOINS#{}", user.id), "PARENT");
        let workshop = Self { stack, user, jobs, queue: url, parent };
        workshop.submit().await?;
        Ok(workshop)
    }

    async fn submit(&self) -> anyhow::Result<()> {
        let (now, account) = (self.jobs.clock.now(), account_key(&self.user.id));
        let job = Job::submitted(self.jobs.kind, now, 50, place(5, now.0), &self.jobs.policy);
        let item = Piece { key: self.parent.clone(), job: job.clone(), account: Some(account.clone()), part_of: None };
        let new = NewJob { key: &self.parent, item: &item, job: &job, account: &account, sort: "joins", only_if: &[] };
        Ok(self.jobs.submit(new).await?)
    }

    /// The parent hands out its children.
    async fn fan_out(&self, run: Run) -> anyhow::Result<()> {
        let (part_of, now) = (run.part_of(), self.jobs.clock.now());
        let children: Vec<_> = (0..CHILDREN)
            .map(|number| Piece {
                key: part_of.child(number),
                job: Job::submitted(self.jobs.kind, now, 0, place(5, number as u64), &self.jobs.policy),
                account: None,
                part_of: Some(part_of.clone()),
            })
            .collect();
        Ok(run.fan_out(&children, SLOTS, "handed out", Vec::new()).await?)
    }

    async fn parent(&self) -> anyhow::Result<Piece> {
        self.jobs.table.get(&self.parent).await?.context("the parent is gone")
    }

    async fn join(&self) -> anyhow::Result<Join> {
        let key = self.parent().await?.job.children.context("the parent has handed nothing out")?;
        self.jobs.join(&key).await?.context("there is no join")
    }

    async fn messages(&self) -> anyhow::Result<Vec<Message>> {
        let request = self.stack.sqs().receive_message().queue_url(&self.queue).max_number_of_messages(10);
        Ok(request.send().await?.messages.unwrap_or_default())
    }

    async fn close(self) -> anyhow::Result<()> {
        if let Some(join) = self.parent().await?.job.children {
            self.jobs.drop_children(&join).await?;
            ensure!(self.jobs.join(&join).await?.is_none(), "the join was not dropped");
        }
        self.jobs.table.delete(&self.parent).await?;
        self.stack.sqs().delete_queue().queue_url(self.queue).send().await?;
        Ok(())
    }
}

#[tokio::test]
async fn every_child_counts_once_and_the_parent_goes_on_once_whatever_dies_or_comes_twice() -> anyhow::Result<()> {
    let workshop = Workshop::open().await?;
    // Printed with a failure.
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let outcome = work_through(&workshop, &mut random).await.with_context(|| format!("seed {seed}"));
    workshop.close().await?;
    outcome
}

async fn work_through(workshop: &Workshop, random: &mut fastrand::Rng) -> anyhow::Result<()> {
    let (mut stale, mut merged): (Vec<Run>, usize) = (Vec::new(), 0);
    for _ in 0..PATIENCE {
        if workshop.parent().await?.job.status.is_final() {
            break;
        }
        let messages = workshop.messages().await?;
        if messages.is_empty() {
            // What was lost with a worker is found when its time is over.
            workshop.jobs.clock.advance(Duration::from_mins(3));
            workshop.jobs.redeliver_due(Millis(u64::MAX)).await?;
            continue;
        }
        for message in messages {
            let hint: Hint = serde_json::from_str(message.body().unwrap_or_default())?;
            for _ in 0..random.usize(1..=2) {
                merged += usize::from(act(workshop, &hint, random, &mut stale).await?);
            }
            let handle = message.receipt_handle().unwrap_or_default();
            workshop.stack.sqs().delete_message().queue_url(&workshop.queue).receipt_handle(handle).send().await?;
        }
    }
    ensure!(merged == 1, "the parent was put together {merged} times");
    let (parent, join) = (workshop.parent().await?, workshop.join().await?);
    ensure!(parent.job.status == Status::Completed, "{parent:?}");
    ensure!((join.children_open, join.units_used) == (0, UNITS * CHILDREN as u64), "{join:?}");
    ensure!(join.slots.slots_free == join.slots.slots, "{join:?}");
    // Those that were held up for so long end now, and change nothing.
    for run in stale {
        let late = run.fail("too late", 1, Vec::new()).await;
        ensure!(matches!(late, Err(Lost::Superseded(_))), "{late:?}");
    }
    ensure!(workshop.join().await? == join && workshop.parent().await?.job == parent.job, "what came late changed it");
    let charged = i64::try_from(join.units_used)?;
    assert_account(&workshop.stack, &workshop.user, charged, Ends { completed: 1, ..Ends::default() }).await
}

/// What a worker does with a hint: mostly its work; sometimes it dies, or is held up, or gives the work back. True if it put the parent together.
async fn act(
    workshop: &Workshop,
    hint: &Hint,
    random: &mut fastrand::Rng,
    stale: &mut Vec<Run>,
) -> anyhow::Result<bool> {
    let Claimed::Run(mut run, part) = workshop.jobs.take::<Piece>(hint, "a worker").await? else { return Ok(false) };
    match random.u8(..10) {
        // Dead, or held up until its lease is long over.
        0..=2 => {
            stale.push(*run);
            return Ok(false);
        }
        3 => {
            run.retry("as the test wants it", Vec::new()).await?;
            return Ok(false);
        }
        4 => run.record(Progress { percent: 1, units_used: 0 }, Vec::new()).await?,
        _ => {}
    }
    match (&part.part_of, &part.job.children) {
        (Some(_), _) if random.bool() => {
            run.fail("as the test wants it", UNITS, Vec::new()).await?;
            Ok(false)
        }
        (Some(_), _) => {
            run.complete("nowhere", 0, None, UNITS, Vec::new()).await?;
            Ok(false)
        }
        (None, None) => {
            workshop.fan_out(*run).await?;
            Ok(false)
        }
        (None, Some(join)) => {
            let join = workshop.jobs.join(join).await?.context("there is no join")?;
            ensure!(join.children_open == 0, "the parent goes on too early: {join:?}");
            run.complete("nowhere", 0, None, join.units_used, Vec::new()).await?;
            Ok(true)
        }
    }
}

#[tokio::test]
async fn a_cancelled_parent_lets_its_children_go_and_is_charged_for_those_that_ended() -> anyhow::Result<()> {
    let workshop = Workshop::open().await?;
    let outcome = cancelled(&workshop).await;
    workshop.close().await?;
    outcome
}

async fn cancelled(workshop: &Workshop) -> anyhow::Result<()> {
    let (jobs, first) = (&workshop.jobs, Hint::waits(workshop.parent.clone()));
    let Claimed::Run(run, _) = jobs.take::<Piece>(&first, "a worker").await? else { anyhow::bail!("not claimed") };
    let child = Hint::waits(run.part_of().child(0));
    workshop.fan_out(*run).await?;
    let Claimed::Run(run, _) = jobs.take::<Piece>(&child, "a worker").await? else { anyhow::bail!("not claimed") };
    run.complete("nowhere", 0, None, UNITS, Vec::new()).await?;
    let mut runs = Vec::new();
    while let Claimed::Run(run, part) = jobs.take::<Piece>(&child, "a worker").await? {
        runs.push((run, part.key));
    }
    ensure!(runs.len() == SLOTS as usize, "{} run at once", runs.len());

    ensure!(matches!(jobs.cancel(&workshop.parent).await?, Cancelled::Now { children: Some(_) }));
    for (mut run, key) in runs {
        let step = run.record(Progress { percent: 50, units_used: 1 }, Vec::new()).await;
        ensure!(matches!(step, Err(jobs::Lost::Superseded(_))), "a step went through: {step:?}");
        let end = run.complete("nowhere", 0, None, UNITS, Vec::new()).await;
        ensure!(matches!(end, Err(jobs::Lost::Superseded(_))), "an end went through: {end:?}");
        // Whoever is hinted at it later ends it: it is never begun again, and goes with its siblings.
        jobs.clock.advance(Duration::from_mins(3));
        let looked = jobs.take::<Piece>(&Hint::goes_on(key.clone()), "a worker").await?;
        ensure!(matches!(looked, Claimed::Nothing(_)), "{looked:?}");
        let part: Piece = jobs.table.get(&key).await?.context("it is gone")?;
        let waits = part.job.lease.claimable_at.is_some() || part.job.redeliver_at.is_some();
        ensure!(part.job.status == Status::Cancelled && !waits, "{part:?}");
    }
    ensure!(matches!(jobs.take::<Piece>(&child, "a worker").await?, Claimed::Nothing(_)), "a child began");
    ensure!(jobs.cancel(&workshop.parent).await? == Cancelled::AlreadyEnded);
    let parent = workshop.parent().await?;
    ensure!((parent.job.status, parent.job.units_used) == (Status::Cancelled, UNITS), "{parent:?}");
    assert_account(&workshop.stack, &workshop.user, 2, Ends { cancelled: 1, ..Ends::default() }).await
}

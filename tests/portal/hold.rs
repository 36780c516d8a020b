//! One job at a time signs in with an account: who holds it, as the table knows it.

use anyhow::{Context, ensure};
use drover_tests::Stack;
use drover_tests::portal::PortalDesk;
use futures::future::join_all;
use jobs::Run;
use portals::{Held, Portal, PortalJob};
use table::{Clock, Update};
use uuid::Uuid;

/// Jobs of one account, of which none is heard of.
async fn jobs(count: usize) -> anyhow::Result<(Stack, PortalDesk, Vec<PortalJob>)> {
    let stack = Stack::from_environment()?;
    let mut desk = stack.portal_desk(Clock::system()).await?;
    desk.jobs = portals::PortalJobs::new(desk.jobs.jobs, 100);
    let account = stack.portal_account(&format!("t-{}", Uuid::new_v4().simple()), Portal::Pwmr).await?;
    let mut jobs = Vec::new();
    for _ in 0..count {
        jobs.push(desk.jobs.create(&account).await?);
    }
    Ok((stack, desk, jobs))
}

async fn holds(desk: &PortalDesk, job: &PortalJob, run: &Run) -> anyhow::Result<bool> {
    match desk.jobs.hold_account(job, run.token()).await? {
        Held::Ours(_) => Ok(true),
        Held::Busy => Ok(false),
        Held::Gone => anyhow::bail!("the account is gone"),
    }
}

#[tokio::test]
async fn an_account_is_held_while_the_job_runs_and_no_longer() -> anyhow::Result<()> {
    let (_, desk, jobs) = jobs(4).await?;
    let [first, second, third, fourth] = jobs.as_slice() else { anyhow::bail!("four jobs") };
    let (one, two) = (desk.begin(first).await?, desk.begin(second).await?);
    ensure!(holds(&desk, first, &one).await? && holds(&desk, first, &one).await?, "it is free, and then its own");
    ensure!(!holds(&desk, second, &two).await?);
    // One that rests lets go, and finds that another has it when it goes on.
    one.retry("later", Vec::new()).await?;
    ensure!(holds(&desk, second, &two).await?);
    two.complete_with(Update::new(), Vec::new(), Vec::new()).await?;
    let three = desk.begin(third).await?;
    ensure!(holds(&desk, third, &three).await?, "one that has ended lets go");
    desk.jobs.jobs.cancel(&third.key).await?;
    let four = desk.begin(fourth).await?;
    ensure!(holds(&desk, fourth, &four).await?, "one that was cancelled lets go");
    Ok(())
}

#[tokio::test]
async fn of_many_who_want_a_free_account_one_gets_it() -> anyhow::Result<()> {
    let (_, desk, jobs) = jobs(8).await?;
    let mut running = Vec::new();
    for job in jobs {
        let run = desk.begin(&job).await?;
        running.push((job, run));
    }
    while !running.is_empty() {
        let held = join_all(running.iter().map(|(job, run)| holds(&desk, job, run))).await;
        let held: Vec<_> = held.into_iter().collect::<Result<_, _>>()?;
        ensure!(held.iter().filter(|held| **held).count() == 1, "of {}: {held:?}", running.len());
        // Whoever has it ends, and the others want it again.
        let (job, _) = running.remove(held.iter().position(|held| *held).context("nobody")?);
        desk.jobs.jobs.cancel(&job.key).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_account_that_is_gone_is_nobodys() -> anyhow::Result<()> {
    let (stack, desk, jobs) = jobs(1).await?;
    let job = jobs.first().context("no job")?;
    let run = desk.begin(job).await?;
    stack.portal_accounts().delete(&job.tenant, job.portal, &job.email).await?;
    ensure!(matches!(desk.jobs.hold_account(job, run.token()).await?, Held::Gone));
    Ok(())
}

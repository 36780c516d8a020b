//! A hundred portal jobs at once, whose workers are killed at random: each has whole files, or has failed and says truly why.

mod outcome;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use anyhow::ensure;
use drover_tests::chaos::Rule;
use drover_tests::portal_site::Reader;
use drover_tests::watchdog::Watchdog;
use drover_tests::{CROWD, eventually};
use portal_stand_in::{Account, Plan, What};
use portals::Portal;
use tokio::time::{Instant, sleep};

use self::outcome::{Outcome, assert_spoils_are_noticed, faults};
use super::{STORE, UPDATE};

/// How many tenants there are, and how many jobs each has, of an account of its own.
const TENANTS: usize = 10;
const JOBS: usize = 10;
/// How many workers are killed, unless all jobs have ended before; and how many it takes to show anything.
const KILLED: u64 = 40;
const ENOUGH: u64 = 10;
/// What ends an attempt: a server that fails once more than a page is tried in one.
const ENDS_AN_ATTEMPT: u32 = 4;
/// A moment between one worker's end and the next one's, at most, once enough were killed.
const MOMENT: Duration = Duration::from_millis(400);

/// What is wrong with the portal of every fifth job, for good, and how the message begins that says so.
const BROKEN: [(Portal, What, u32, &str); 4] = [
    (Portal::Pwmr, What::ColumnRenamed, 3, "Procurement, page 3: the page's layout has changed: "),
    (Portal::Bwmr, What::TotalWord, 2, "Transactions, page 2: the page's layout has changed: "),
    (Portal::Ewmr, What::BadDate, 2, "Producers, page 2: row 1: '"),
    (Portal::Bwmr, What::LoginForm, 2, "Transactions, page 2: the portal shows its login form"),
];

/// A job on its way.
struct Begun {
    /// Of which tenant it is, by place.
    tenant: usize,
    portal: Portal,
    email: String,
    id: String,
    /// Whether the portal fails for so long that an attempt ends.
    is_interrupted: bool,
    /// How its message must begin, if it cannot come to anything.
    reason: Option<&'static str>,
}

/// All jobs on their way, and who kills their workers.
struct Siege {
    readers: Vec<Reader>,
    jobs: Vec<Begun>,
}

impl Siege {
    async fn begin() -> anyhow::Result<Self> {
        let (mut readers, mut jobs) = (Vec::new(), Vec::new());
        for tenant in 0..TENANTS {
            let reader = Reader::open().await?;
            for number in 0..JOBS {
                jobs.push(begin(&reader, tenant, tenant * JOBS + number).await?);
            }
            readers.push(reader);
        }
        Ok(Self { readers, jobs })
    }

    /// Kills workers for as long as this is polled, until there are enough: while they read, store parts and files, and end jobs.
    async fn kill(&self, killed: &mut BTreeMap<&'static str, u64>) -> anyhow::Result<Infallible> {
        let stack = &self.readers[0].stack;
        let reading = stack.chaos(&Rule::count(UPDATE, "\"message\"")).await?;
        let storing = stack.chaos(&Rule::count(STORE, "/portals/")).await?;
        let holding = stack.chaos(&Rule::count(UPDATE, "\"held_by\"")).await?;
        while killed.values().sum::<u64>() < KILLED {
            let (step, requests) = match fastrand::u8(0..3) {
                0 => ("reading", &reading),
                1 => ("storing", &storing),
                _ => ("signing in", &holding),
            };
            let is_killed = requests.kill_next(MOMENT).await?;
            *killed.entry(step).or_default() += u64::from(is_killed);
            if killed.values().sum::<u64>() >= ENOUGH {
                sleep(MOMENT.mul_f64(fastrand::f64())).await;
            }
        }
        for requests in [reading, storing, holding] {
            requests.end().await?;
        }
        std::future::pending().await
    }

    /// Waits until all have ended.
    async fn watch(&self) -> anyhow::Result<()> {
        let mut watchdog = Watchdog::default();
        for job in &self.jobs {
            let reader = &self.readers[job.tenant];
            loop {
                reader.stack.run_recovery().await?;
                let told = reader.shown(&job.id).await?;
                if matches!(told["status"].as_str(), Some("completed" | "failed")) {
                    break;
                }
                watchdog.see(told)?;
                sleep(Duration::from_millis(300)).await;
            }
        }
        Ok(())
    }

    async fn outcomes(&self) -> anyhow::Result<Vec<Outcome>> {
        let mut outcomes = Vec::new();
        for Begun { tenant, portal, email, id, reason, .. } in &self.jobs {
            outcomes.push(Outcome::of(&self.readers[*tenant], (*portal, email.as_str()), id, *reason).await?);
        }
        Ok(outcomes)
    }

    /// Of the jobs whose portal ends an attempt, how many there are, and how many have gone on from what that had kept.
    async fn gone_on(&self) -> anyhow::Result<(usize, usize)> {
        let (mut interrupted, mut gone_on) = (0, 0);
        for job in self.jobs.iter().filter(|job| job.is_interrupted) {
            interrupted += 1;
            gone_on += usize::from(self.readers[job.tenant].has_gone_on(&job.id).await?);
        }
        Ok((interrupted, gone_on))
    }

    /// Deletes all jobs, after which nothing of them is left: no file of a killed worker either.
    async fn clear(&self) -> anyhow::Result<()> {
        for job in &self.jobs {
            let reader = &self.readers[job.tenant];
            let path = format!("/cpcb/queue/job/{}", job.id);
            reader.client.call(reqwest::Method::DELETE, &path).await?.success(200)?;
            eventually("nothing is left", async || Ok(reader.stored(&job.id).await?.is_empty().then_some(()))).await?;
        }
        Ok(())
    }
}

/// Begins a job whose portal is broken, if its number says so; whose sessions end, if it says that, or which fails for longer than an attempt has patience.
async fn begin(reader: &Reader, tenant: usize, number: usize) -> anyhow::Result<Begun> {
    let records = 300 + u64::try_from(number)? * 7;
    let is_interrupted = number % 5 != 4 && !number.is_multiple_of(2);
    let (portal, plan, reason) = if number % 5 == 4 {
        let (portal, what, page, reason) = BROKEN[number / 5 % BROKEN.len()];
        (portal, Plan::default().always(what, page), Some(reason))
    } else {
        let portal = Portal::ALL[number % Portal::ALL.len()];
        let plan = Plan::default().everywhere(What::Slow(100)).with(What::Status(503), 2, 1);
        let late = if portal == Portal::Pwmr { 5 } else { 2 };
        let plan =
            if is_interrupted { plan.with(What::Status(503), late, ENDS_AN_ATTEMPT) } else { plan.sessions_of(15) };
        (portal, plan, None)
    };
    let account = reader.account(portal, Account { records, plan, ..Account::default() }).await?;
    let id = reader.start(&account).await?;
    Ok(Begun { tenant, portal, email: account.email, id, is_interrupted, reason })
}

#[tokio::test]
#[ignore = "takes minutes, and kills workers that others' jobs would have too"]
async fn of_a_hundred_jobs_each_is_whole_or_says_why_not_though_workers_are_killed() -> anyhow::Result<()> {
    let _crowd = CROWD.lock().await;
    let begun = Instant::now();
    let siege = Siege::begin().await?;
    let mut killed = BTreeMap::new();
    tokio::select! {
        watched = siege.watch() => watched?,
        ended = siege.kill(&mut killed) => { ended?; }
    }
    let took = begun.elapsed();
    let outcomes = siege.outcomes().await?;
    let completed = outcomes.iter().filter(|outcome| outcome.is_completed()).count();
    let given_up = outcomes.iter().filter(|outcome| outcome.is_given_up()).count();
    println!(
        "{} jobs in {took:.1?}; workers killed: {killed:?}; {completed} completed, {given_up} given up after all their attempts",
        outcomes.len(),
    );
    let found = faults(&outcomes);
    ensure!(found.is_empty(), "{}", found.join("\n"));
    ensure!(killed.values().sum::<u64>() >= ENOUGH, "only these were killed: {killed:?}");
    let (interrupted, gone_on) = siege.gone_on().await?;
    println!("{gone_on} of {interrupted} whose portal failed for long have gone on from what was kept");
    ensure!(gone_on * 2 >= interrupted, "{gone_on} of {interrupted} have gone on: nothing is shown of the others");
    ensure!(given_up * 10 <= outcomes.len(), "{given_up} were given up: nothing is shown by those");

    assert_spoils_are_noticed(&outcomes)?;
    siege.clear().await
}

//! A fleet of workers, processes of their own, drains a campaign while a third of them is killed: every task ends exactly once. So many
//! calls are too many for the default emulator: functions' own processes answer them, on DynamoDB Local.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use api::identity::KeyKind;
use drover_tests::Stack;
use drover_tests::fleet::{Did, Told, Way};
use drover_tests::function::FunctionProcess;
use drover_tests::gateway::Gateway;
use drover_tests::second_engine::SecondEngine;
use drover_tests::worker::Worker;
use futures::future::try_join_all;
use reqwest::Method;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use crate::races::checker::{Violation, check};
use crate::races::history::{Event, What};

const WORKERS: usize = 40;
const KILLED: usize = WORKERS / 3;
/// How many processes of the function answer them.
const FUNCTIONS: usize = 8;
/// How many tasks are drained each way, unless `DROVER_FLEET_TASKS` says otherwise.
const TASKS: usize = 400;
/// How many tasks one call makes.
const BATCH: usize = 500;
/// The shortest lock there is: so long a killed worker's task is away.
const LEASE_SECONDS: u64 = 30;
/// How often it is told how far they are.
const PROGRESS: Duration = Duration::from_secs(20);
/// How often it is asked whether the last tasks are done.
const ASK_AGAIN: Duration = Duration::from_secs(2);
/// How long nothing at all may happen.
const PATIENCE: Duration = Duration::from_mins(3);

#[tokio::test]
#[ignore = "works all cores hard: tests/run runs it after the others"]
async fn a_fleet_of_which_a_third_is_killed_does_every_task_exactly_once() -> anyhow::Result<()> {
    let engine = SecondEngine::of(&Stack::from_environment()?).await?;
    let environment = engine.environment_of("worker-tasks").await?;
    let start = (0..FUNCTIONS).map(|_| FunctionProcess::start("worker-tasks", &environment));
    let gateway = Gateway::before(try_join_all(start).await?).await?;
    let admin = Worker::new(gateway.url.clone(), engine.administrator(KeyKind::Worker).await?)?;
    let tasks = std::env::var("DROVER_FLEET_TASKS").ok().map_or(Ok(TASKS), |tasks| tasks.parse())?;
    for way in [Way::PendingLock, Way::Claim] {
        let fleet = Fleet::of(&admin, &gateway.url, tasks).await?;
        let drained = fleet.drain(way).await?;
        let figures = drained.figures();
        println!("{:13} {figures}", way.as_str());
        drained.check(&fleet.admin).await?;
        ensure!(figures.killed_at_work > 0, "nobody was killed at work");
        ensure!(
            figures.locked >= tasks + figures.killed_at_work,
            "a task was done that came back to nobody: {figures}"
        );
        if way == Way::Claim {
            ensure!(figures.missed == 0, "a claim is one step: nothing can be missed");
        }
        drained.check_that_a_second_run_is_found()?;
    }
    Ok(())
}

/// A campaign with many tasks.
struct Fleet {
    url: String,
    admin: Worker,
    campaign: u64,
    tasks: BTreeSet<u64>,
}

/// What happened: of each worker what it told, and of those that were killed that they were.
struct Drained {
    tasks: BTreeSet<u64>,
    took: Duration,
    told: Vec<(usize, Told)>,
    killed: BTreeSet<usize>,
}

#[derive(Default)]
struct Figures {
    tasks: usize,
    took: Duration,
    calls: usize,
    locked: usize,
    missed: usize,
    looked_in_vain: usize,
    killed: usize,
    killed_at_work: usize,
    troubles: usize,
}

impl Fleet {
    async fn of(admin: &Worker, url: &str, count: usize) -> anyhow::Result<Self> {
        let campaign = admin.campaign().await?;
        let mut tasks = BTreeSet::new();
        while tasks.len() < count {
            let one = json!({"campaign_id": campaign, "type": "comment"});
            let some = vec![one; BATCH.min(count - tasks.len())];
            let made = admin.send(Method::POST, "/tasks", &json!({"tasks": some})).await?.success(201)?;
            let made = made["tasks"].as_array().context("no tasks")?;
            tasks.extend(made.iter().filter_map(|told| told["id"].as_u64()));
        }
        ensure!(tasks.len() == count, "{} tasks made", tasks.len());
        Ok(Self { url: url.to_owned(), admin: admin.elsewhere()?, campaign, tasks })
    }

    /// Lets the workers drain the campaign, and kills some on the way, each when some number of tasks has been done.
    async fn drain(&self, way: Way) -> anyhow::Result<Drained> {
        let (sender, mut lines) = mpsc::unbounded_channel();
        let mut workers = Vec::with_capacity(WORKERS);
        for who in 0..WORKERS {
            workers.push(self.worker(way, who, sender.clone())?);
        }
        drop(sender);
        let mut kills: Vec<usize> = (0..KILLED).map(|_| fastrand::usize(..self.tasks.len() * 9 / 10)).collect();
        kills.sort_unstable_by(|one, other| other.cmp(one));
        let begun = Instant::now();
        let (mut progress, mut asked, mut told) = (begun, begun, Vec::new());
        let (mut killed, mut at_work, mut left) = (BTreeSet::new(), BTreeSet::new(), self.tasks.clone());
        while !left.is_empty() {
            let line = tokio::time::timeout(PATIENCE, lines.recv()).await.context("the fleet stands still")?;
            let (who, line): (usize, Told) = line.context("all workers have ended")?;
            match line.what {
                Did::Locked { .. } => drop(at_work.insert(who)),
                Did::Reporting { .. } => drop(at_work.remove(&who)),
                Did::Reported { task, accepted: true, .. } => drop(left.remove(&task)),
                _ => {}
            }
            // Nothing is due, so what is left is done or away with a worker that was killed.
            if matches!(line.what, Did::Looked(0)) && left.len() <= KILLED && asked.elapsed() > ASK_AGAIN {
                self.take_out_the_done(&mut left).await?;
                asked = Instant::now();
            }
            told.push((who, line));
            if progress.elapsed() > PROGRESS {
                println!("{}: {} tasks are left", way.as_str(), left.len());
                progress = Instant::now();
            }
            while kills.last().is_some_and(|after| *after <= self.tasks.len() - left.len()) {
                kills.pop();
                let victim = victim(&killed, &at_work).context("nobody is left")?;
                workers[victim].start_kill()?;
                killed.insert(victim);
            }
        }
        let took = begun.elapsed();
        for worker in &mut workers {
            drop(worker.stdin.take());
        }
        // What they told until their ends.
        while let Some(line) = lines.recv().await {
            told.push(line);
        }
        for (who, worker) in workers.iter_mut().enumerate() {
            let status = worker.wait().await?;
            ensure!(status.success() != killed.contains(&who), "worker {who} ended with {status}");
        }
        Ok(Drained { tasks: self.tasks.clone(), took, told, killed })
    }

    /// Starts a worker, whose lines go to `lines`.
    fn worker(&self, way: Way, who: usize, lines: mpsc::UnboundedSender<(usize, Told)>) -> anyhow::Result<Child> {
        let mut worker = Command::new(env!("CARGO_BIN_EXE_fleet-worker"))
            .args(["--url", &self.url, "--name", &name(who), "--way", way.as_str()])
            .args(["--campaign", &self.campaign.to_string(), "--lease-seconds", &LEASE_SECONDS.to_string()])
            .env_clear()
            .env("DROVER_WORKER_TOKEN", &self.admin.token)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut output = BufReader::new(worker.stdout.take().context("no output")?).lines();
        tokio::spawn(async move {
            while let Ok(Some(line)) = output.next_line().await {
                // A worker that is killed may leave half a line.
                let Ok(line) = serde_json::from_str(&line) else { break };
                let _ = lines.send((who, line));
            }
        });
        Ok(worker)
    }

    /// Takes those out that have been done by a worker that was killed before it could tell.
    async fn take_out_the_done(&self, left: &mut BTreeSet<u64>) -> anyhow::Result<()> {
        let admin = self.admin.elsewhere()?;
        for task in left.clone() {
            if admin.shown_task(task).await?["status"] == "success" {
                left.remove(&task);
            }
        }
        Ok(())
    }
}

/// Who is killed next: every other time somebody who is at a task, else anybody.
fn victim(killed: &BTreeSet<usize>, at_work: &BTreeSet<usize>) -> Option<usize> {
    let alive: Vec<_> = (0..WORKERS).filter(|who| !killed.contains(who)).collect();
    let busy: Vec<_> = at_work.difference(killed).copied().collect();
    let victims = if killed.len().is_multiple_of(2) && !busy.is_empty() { busy } else { alive };
    fastrand::choice(&victims).copied()
}

fn name(who: usize) -> String {
    format!("fleet-{who}")
}

impl Drained {
    /// Nothing was held twice at the same time, and every task was done exactly once.
    async fn check(&self, admin: &Worker) -> anyhow::Result<()> {
        let violations = check(&self.history());
        ensure!(violations.is_empty(), "{violations:?}");
        let mut reports: BTreeMap<u64, Vec<(String, u64)>> = BTreeMap::new();
        let mut unanswered: BTreeSet<(String, u64, u64)> = BTreeSet::new();
        for (who, line) in &self.told {
            match line.what {
                Did::Reporting { task, token } => {
                    unanswered.insert((name(*who), task, token));
                }
                Did::Reported { task, token, accepted } => {
                    unanswered.remove(&(name(*who), task, token));
                    if accepted {
                        reports.entry(task).or_default().push((name(*who), token));
                    }
                }
                _ => {}
            }
        }
        let shown = self.shown(admin).await?;
        for task in &self.tasks {
            let found = shown.get(task).with_context(|| format!("task {task} is lost"))?;
            ensure!(found["status"] == "success", "{found}");
            let by = found["result"]["worker"].as_str().context("no worker")?.to_owned();
            let token = found["result"]["token"].as_u64().context("no token")?;
            let reported = reports.get(task).map_or(&[][..], Vec::as_slice);
            let told = reported == [(by.clone(), token)];
            // Its worker was killed before it had the answer.
            let unheard = reported.is_empty() && unanswered.contains(&(by, *task, token));
            ensure!(told || unheard, "task {task} was done by {reported:?}, and shows {found}");
        }
        Ok(())
    }

    /// All its tasks, as administrators see them.
    async fn shown(&self, admin: &Worker) -> anyhow::Result<BTreeMap<u64, Json>> {
        let (mut shown, mut admin) = (BTreeMap::new(), admin.elsewhere()?);
        let ids: Vec<_> = self.tasks.iter().copied().collect();
        let (first, mut path) = (ids.first().copied().unwrap_or_default(), "/tasks?limit=100".to_owned());
        for page in 1.. {
            if page % 100 == 0 {
                admin = admin.elsewhere()?;
            }
            let listed = admin.call(Method::GET, &path).await?.success(200)?;
            let tasks = listed["tasks"].as_array().context("no tasks")?;
            shown.extend(tasks.iter().filter_map(|task| Some((task["id"].as_u64()?, task.clone()))));
            // The newest come first.
            let Some(next) = listed["next_cursor"].as_str().filter(|_| shown.keys().next() > Some(&first)) else {
                break;
            };
            path = format!("/tasks?limit=100&cursor={next}");
        }
        Ok(shown)
    }

    /// Who held which task when.
    fn history(&self) -> Vec<Event> {
        let event = |(who, line): &(usize, Told)| {
            let (task, what) = match line.what {
                Did::Locked { task, token, until } => (task, What::Granted { token, until }),
                // From here on it does nothing for the task, whatever is answered.
                Did::Reporting { task, token } => (task, What::Released { token, accepted: false }),
                Did::Reported { task, token, accepted } => (task, What::Wrote { token, accepted }),
                Did::Looked(_) | Did::Missed | Did::Troubled(_) => return None,
            };
            let item = usize::try_from(task).ok()?;
            Some(Event { who: *who, item, called: line.called, answered: line.answered, what })
        };
        self.told.iter().filter_map(event).collect()
    }

    /// The negative control: had a task been given to another worker while its own was at it, the checker would say so.
    fn check_that_a_second_run_is_found(&self) -> anyhow::Result<()> {
        let mut history = self.history();
        let released: BTreeMap<_, _> = history
            .iter()
            .filter_map(|event| match event.what {
                What::Released { token, .. } => Some(((event.item, token), event.called)),
                _ => None,
            })
            .collect();
        let at_work = |event: &Event| match event.what {
            What::Granted { token, until } => {
                let end = released.get(&(event.item, token)).copied().unwrap_or(until);
                (end > event.answered + 1).then_some((*event, What::Granted { token: token + 1, until }))
            }
            _ => None,
        };
        let runs: Vec<_> = history.iter().filter_map(at_work).collect();
        let (one, what) = *fastrand::choice(&runs).context("nothing was done")?;
        let moment = one.answered + 1;
        history.push(Event { who: WORKERS, called: moment, answered: moment, what, ..one });
        let found = check(&history);
        ensure!(
            found.iter().any(|violation| matches!(violation, Violation::TwoHolders { item, .. } if *item == one.item)),
            "not found: {found:?}"
        );
        Ok(())
    }

    fn figures(&self) -> Figures {
        let mut figures =
            Figures { tasks: self.tasks.len(), took: self.took, killed: self.killed.len(), ..Figures::default() };
        let mut holding = BTreeSet::new();
        for (who, line) in &self.told {
            match &line.what {
                Did::Looked(due) => {
                    figures.calls += 1;
                    figures.looked_in_vain += usize::from(*due == 0);
                }
                Did::Missed => (figures.calls, figures.missed) = (figures.calls + 1, figures.missed + 1),
                Did::Locked { .. } => {
                    (figures.calls, figures.locked) = (figures.calls + 1, figures.locked + 1);
                    holding.insert(who);
                }
                Did::Reporting { .. } => {
                    figures.calls += 1;
                    holding.remove(who);
                }
                Did::Reported { .. } => {}
                Did::Troubled(why) => {
                    figures.troubles += 1;
                    println!("{}: {why}", name(*who));
                }
            }
        }
        figures.killed_at_work = holding.iter().filter(|who| self.killed.contains(who)).count();
        figures
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{} tasks by {WORKERS} workers in {:.0} s: {} calls, {} locks, {} wasted lock attempts, {} looks in vain; {} workers killed, \
             {} of them at work; {} calls without an answer",
            self.tasks,
            self.took.as_secs_f64(),
            self.calls,
            self.locked,
            self.missed,
            self.looked_in_vain,
            self.killed,
            self.killed_at_work,
            self.troubles,
        )
    }
}

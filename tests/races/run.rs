//! 64 claimants on 50 items, and what they saw.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use drover_tests::Stack;
use lease::{Claim, Lease, LeaseState, Lost, rules};
use serde::Serialize;
use table::{Clock, Condition, Key, Millis, Table, TableError, Update, new_id};
use tokio::task::JoinSet;

use super::checker::{Violation, check};
use super::history::{Event, Moment, What};

const CLAIMANTS: usize = 64;
const ITEMS: usize = 50;
/// How many rounds (a lease granted, used and let go) a run has at least.
const ROUNDS: usize = 3_000;
/// A lease that its holder gives back long before its end.
const LONG: Duration = Duration::from_secs(30);
/// A lease that its holder outlives.
const SHORT: Duration = Duration::from_millis(30);
/// When a run begins, by the clock that its leases are made by.
const EPOCH: Millis = Millis(1_700_000_000_000);

/// How a claim is made.
#[derive(Clone, Copy, Debug)]
enum Claiming {
    /// As production does it.
    Guarded,
    /// The negative control: the item is read, looked at, and written without condition.
    Unguarded,
}

/// What the claimants of a run share.
struct Run {
    claiming: Claiming,
    rounds: usize,
    /// Several clients, each shared by several claimants.
    tables: Vec<Table>,
    partition: String,
    began: Instant,
    granted: AtomicUsize,
    history: Mutex<Vec<Event>>,
}

#[derive(Serialize)]
struct LeasableItem {
    #[serde(flatten)]
    key: Key,
    #[serde(flatten)]
    lease: LeaseState,
}

impl Run {
    /// Lets all claimants loose, and gives what they saw.
    async fn recorded(claiming: Claiming, rounds: usize) -> anyhow::Result<(Vec<Event>, Duration)> {
        let stack = Stack::from_environment()?;
        let run = Self {
            claiming,
            rounds,
            tables: (0..4).map(|_| stack.table("extract")).collect(),
            partition: format!("RACE#{}", new_id(Clock::system().now())),
            began: Instant::now(),
            granted: AtomicUsize::new(0),
            history: Mutex::default(),
        };
        let items =
            (0..ITEMS).map(|item| LeasableItem { key: run.key(item), lease: LeaseState::claimable_from(EPOCH) });
        run.tables[0].put_many(&items.collect::<Vec<_>>()).await?;

        let run = Arc::new(run);
        let mut claimants = JoinSet::new();
        for who in 0..CLAIMANTS {
            claimants.spawn(Arc::clone(&run).claimant(who));
        }
        while let Some(claimant) = claimants.join_next().await {
            claimant??;
        }
        let history = std::mem::take(&mut *run.history.lock().unwrap_or_else(PoisonError::into_inner));
        Ok((history, run.began.elapsed()))
    }

    /// Claims, uses and lets go, until all have done enough of it together.
    async fn claimant(self: Arc<Self>, who: usize) -> anyhow::Result<()> {
        while self.granted.load(Ordering::Relaxed) < self.rounds {
            let item = fastrand::usize(..ITEMS);
            let outlives = fastrand::u8(..100) < 15;
            let duration = if outlives { SHORT } else { LONG };
            let Some(mut lease) = self.claim(who, item, duration).await? else { continue };
            self.granted.fetch_add(1, Ordering::Relaxed);

            if outlives {
                // Not to synchronise: this is the claimant that works on after its lease has run out.
                tokio::time::sleep(SHORT + Duration::from_millis(fastrand::u64(..60))).await;
                self.write(who, item, &lease).await?;
                if fastrand::bool() {
                    // Its end is sudden: nothing is given back.
                    continue;
                }
            } else {
                self.write(who, item, &lease).await?;
                if fastrand::u8(..100) < 30 && !self.renew(who, item, &mut lease).await? {
                    continue;
                }
            }
            self.release(who, item, lease).await?;
        }
        Ok(())
    }

    async fn claim(&self, who: usize, item: usize, duration: Duration) -> anyhow::Result<Option<Lease>> {
        let (key, table, called) = (self.key(item), self.table(who), self.now());
        let now = millis(called);
        let granted = match self.claiming {
            Claiming::Guarded => {
                match lease::claim(table, &key, now, &who.to_string(), duration, Update::new()).await? {
                    Claim::Granted(lease, _) => Some(lease),
                    Claim::Refused(_) => None,
                }
            }
            Claiming::Unguarded => claim_unguarded(table, &key, now, &who.to_string(), duration).await?,
        };
        let what = granted
            .as_ref()
            .map_or(What::Refused, |lease| What::Granted { token: lease.token, until: moment(lease.expires_at) });
        self.record(who, item, called, what);
        Ok(granted)
    }

    /// A write that only the holder may make.
    async fn write(&self, who: usize, item: usize, lease: &Lease) -> anyhow::Result<()> {
        let called = self.now();
        let write = Update::new()
            .set("written_by", who as u64)
            .set("written_under", lease.token)
            .when(rules::held(lease.token));
        let accepted = match self.table(who).update(&self.key(item), write).await {
            Ok(_) => true,
            Err(TableError::ConditionFailed(_)) => false,
            Err(error) => return Err(error.into()),
        };
        self.record(who, item, called, What::Wrote { token: lease.token, accepted });
        Ok(())
    }

    async fn renew(&self, who: usize, item: usize, lease: &mut Lease) -> anyhow::Result<bool> {
        let called = self.now();
        let until = millis(called).after(LONG);
        let renewed = lease::renew(self.table(who), &self.key(item), lease, until, Update::new()).await;
        let accepted = kept(renewed)?;
        self.record(who, item, called, What::Renewed { token: lease.token, until: moment(until), accepted });
        Ok(accepted)
    }

    async fn release(&self, who: usize, item: usize, lease: Lease) -> anyhow::Result<()> {
        let (called, token) = (self.now(), lease.token);
        let claimable_at = Some(millis(called));
        let released = lease::release(self.table(who), &self.key(item), lease, claimable_at, Update::new()).await;
        let accepted = kept(released)?;
        self.record(who, item, called, What::Released { token, accepted });
        Ok(())
    }

    fn record(&self, who: usize, item: usize, called: Moment, what: What) {
        let event = Event { who, item, called, answered: self.now(), what };
        self.history.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }

    fn table(&self, who: usize) -> &Table {
        &self.tables[who % self.tables.len()]
    }

    fn key(&self, item: usize) -> Key {
        Key::new(&self.partition, format!("ITEM#{item}"))
    }

    /// The one time of a run: leases are made by it and events recorded by it, so that the checker need not allow for two clocks.
    fn now(&self) -> Moment {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(Moment::MAX)
    }
}

/// The moment as a lease knows it: whole milliseconds, rounded down.
fn millis(moment: Moment) -> Millis {
    Millis(EPOCH.0 + moment / 1_000_000)
}

fn moment(millis: Millis) -> Moment {
    (millis.0 - EPOCH.0) * 1_000_000
}

fn kept<T>(answer: Result<T, Lost>) -> Result<bool, TableError> {
    match answer {
        Ok(_) => Ok(true),
        Err(Lost::Superseded(_)) => Ok(false),
        Err(Lost::Table(error)) => Err(error),
    }
}

/// What a claim would be without its condition: right as long as nobody else is there.
async fn claim_unguarded(
    table: &Table,
    key: &Key,
    now: Millis,
    owner: &str,
    duration: Duration,
) -> Result<Option<Lease>, TableError> {
    let found: Option<LeaseState> = table.get(key).await?;
    let Some(state) = found.filter(|state| state.claimable_at.is_some_and(|from| from <= now)) else { return Ok(None) };
    let (token, expires_at) = (state.lease_token + 1, now.after(duration));
    let take = Update::new().set("lease_owner", owner).set("lease_token", token).set("claimable_at", expires_at);
    table.update(key, take.when(Condition::Exists("pk"))).await?;
    Ok(Some(Lease { token, expires_at }))
}

/// How often what happened in a run.
fn tally(history: &[Event]) -> HashMap<&'static str, usize> {
    let mut tally = HashMap::new();
    for event in history {
        let name = match event.what {
            What::Granted { .. } => "granted",
            What::Refused => "refused",
            What::Renewed { accepted: true, .. } => "renewed",
            What::Renewed { accepted: false, .. } => "renewal refused",
            What::Wrote { accepted: true, .. } => "written",
            What::Wrote { accepted: false, .. } => "write refused",
            What::Released { accepted: true, .. } => "released",
            What::Released { accepted: false, .. } => "release refused",
        };
        *tally.entry(name).or_default() += 1;
    }
    tally
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_item_has_two_holders_and_no_old_token_is_obeyed() -> anyhow::Result<()> {
    let (history, took) = Run::recorded(Claiming::Guarded, ROUNDS).await?;
    let tally = tally(&history);
    println!("{} calls in {took:.1?}: {tally:?}", history.len());
    assert_eq!(check(&history), []);
    // A run in which nobody got into another's way, or came too late, would prove nothing.
    assert!(tally["granted"] >= ROUNDS);
    for rare in ["refused", "renewed", "write refused", "released"] {
        assert!(tally.get(rare).is_some_and(|count| *count >= 20), "{rare}: {tally:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_checker_catches_a_claim_without_its_condition() -> anyhow::Result<()> {
    let (history, took) = Run::recorded(Claiming::Unguarded, ROUNDS / 20).await?;
    let violations = check(&history);
    println!("{} calls in {took:.1?}: {} violations", history.len(), violations.len());
    let found = |kind: fn(&Violation) -> bool| violations.iter().filter(|violation| kind(violation)).count();
    assert!(found(|violation| matches!(violation, Violation::TwoHolders { .. })) > 0);
    assert!(found(|violation| matches!(violation, Violation::TokenDidNotGrow { .. })) > 0);
    Ok(())
}

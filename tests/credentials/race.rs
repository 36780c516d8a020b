//! 64 callers on 50 credentials, over HTTP and so through several functions at once: the recorded history, judged by the checker of the
//! lease's own races.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use drover_tests::scraper::{Claimed, Pool, Scraper};
use drover_tests::{CROWD, Stack};
use serde_json::json;
use table::{Clock, Millis};
use tokio::task::JoinSet;

use crate::races::checker::{Violation, check};
use crate::races::history::{Event, Moment, What};

const CALLERS: usize = 64;
const CREDENTIALS: usize = 50;
/// How many claims a run has at least.
const CLAIMS: usize = 2_000;

struct Run {
    pool: Pool,
    /// Several keys, each shared by several callers.
    scrapers: Vec<Scraper>,
    began: Instant,
    epoch: Millis,
    granted: AtomicUsize,
    history: Mutex<Vec<Event>>,
}

impl Run {
    /// Lets all callers loose, and gives what they saw.
    async fn recorded() -> anyhow::Result<(Vec<Event>, Duration)> {
        let stack = Stack::from_environment()?;
        let pool = stack.pool(CREDENTIALS).await?;
        let mut scrapers = Vec::new();
        for _ in 0..8 {
            scrapers.push(stack.scraper().await?);
        }
        let epoch = Clock::system().now();
        let run = Self {
            pool,
            scrapers,
            began: Instant::now(),
            epoch,
            granted: AtomicUsize::new(0),
            history: Mutex::default(),
        };
        let run = Arc::new(run);
        let mut callers = JoinSet::new();
        for who in 0..CALLERS {
            callers.spawn(Arc::clone(&run).caller(who));
        }
        while let Some(caller) = callers.join_next().await {
            caller??;
        }
        let history = std::mem::take(&mut *run.history.lock().unwrap_or_else(PoisonError::into_inner));
        Ok((history, run.began.elapsed()))
    }

    /// Claims, uses and lets go, until all have done enough of it together.
    async fn caller(self: Arc<Self>, who: usize) -> anyhow::Result<()> {
        while self.granted.load(Ordering::Relaxed) < CLAIMS {
            let Some(claim) = self.claim(who).await? else {
                // Not to synchronise: whoever found nothing leaves the others room.
                tokio::time::sleep(Duration::from_millis(fastrand::u64(5..40))).await;
                continue;
            };
            self.granted.fetch_add(1, Ordering::Relaxed);
            let chance = fastrand::u8(..100);
            if chance < 10 {
                // The lease ends under its holder, who does not know.
                self.cut_short(who, &claim).await?;
                tokio::time::sleep(Duration::from_millis(fastrand::u64(20..150))).await;
                self.heartbeat(who, &claim).await?;
            } else if chance < 20 {
                self.heartbeat(who, &claim).await?;
            }
            self.let_go(who, &claim).await?;
        }
        Ok(())
    }

    async fn claim(&self, who: usize) -> anyhow::Result<Option<Claimed>> {
        let called = self.now();
        let answer = self.scraper(who).ask_next(&self.pool.platform, "").await?;
        let answered = self.now();
        let Some(claim) = Claimed::read(&answer)? else { return Ok(None) };
        let until = self.moment(claim.body["lease_expires_at"].as_str().and_then(Millis::parse).context("no end")?);
        self.record(who, &claim, called, answered, What::Granted { token: claim.token, until });
        Ok(Some(claim))
    }

    /// Ends the lease, as time would, if it is still this one. From this call on its holder has no right to it: it is told as a release.
    async fn cut_short(&self, who: usize, claim: &Claimed) -> anyhow::Result<()> {
        let called = self.now();
        let past = Millis(Clock::system().now().0 - 1);
        let end = table::Update::new().set("claimable_at", past).when(lease::rules::held(claim.token));
        let accepted = match self.pool.stack.table("credentials").update(&self.pool.key(claim.id), end).await {
            Ok(_) => true,
            Err(table::TableError::ConditionFailed(_)) => false,
            Err(error) => return Err(error.into()),
        };
        self.record(who, claim, called, self.now(), What::Released { token: claim.token, accepted });
        Ok(())
    }

    async fn heartbeat(&self, who: usize, claim: &Claimed) -> anyhow::Result<()> {
        let called = self.now();
        let answer = self.scraper(who).report(claim.id, "heartbeat", Some(claim.token), &json!({})).await?;
        let answered = self.now();
        let accepted = accepted(answer.status)?;
        let until = if accepted {
            let body = answer.json()?;
            self.moment(body["lease_expires_at"].as_str().and_then(Millis::parse).context("no end")?)
        } else {
            0
        };
        self.record(who, claim, called, answered, What::Renewed { token: claim.token, until, accepted });
        Ok(())
    }

    async fn let_go(&self, who: usize, claim: &Claimed) -> anyhow::Result<()> {
        let what = if fastrand::bool() { "success" } else { "release" };
        let called = self.now();
        let answer = self.scraper(who).report(claim.id, what, Some(claim.token), &json!({})).await?;
        let accepted = accepted(answer.status)?;
        self.record(who, claim, called, self.now(), What::Released { token: claim.token, accepted });
        Ok(())
    }

    fn record(&self, who: usize, claim: &Claimed, called: Moment, answered: Moment, what: What) {
        let item = usize::try_from(claim.id - self.pool.ids[0]).unwrap_or(usize::MAX);
        self.history.lock().unwrap_or_else(PoisonError::into_inner).push(Event { who, item, called, answered, what });
    }

    fn scraper(&self, who: usize) -> &Scraper {
        &self.scrapers[who % self.scrapers.len()]
    }

    fn now(&self) -> Moment {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(Moment::MAX)
    }

    /// A moment of the functions' clock, which is this machine's: told in whole seconds, rounded down.
    fn moment(&self, told: Millis) -> Moment {
        told.0.saturating_sub(self.epoch.0) * 1_000_000
    }
}

fn accepted(status: u16) -> anyhow::Result<bool> {
    ensure!(status == 200 || status == 409, "answered {status}");
    Ok(status == 200)
}

fn tally(history: &[Event]) -> HashMap<&'static str, usize> {
    let mut tally = HashMap::new();
    for event in history {
        let name = match event.what {
            What::Granted { .. } => "granted",
            What::Renewed { accepted: true, .. } => "renewed",
            What::Renewed { accepted: false, .. } => "renewal refused",
            What::Released { accepted: true, .. } => "released",
            What::Released { accepted: false, .. } => "release refused",
            What::Refused | What::Wrote { .. } => "other",
        };
        *tally.entry(name).or_default() += 1;
    }
    tally
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_credential_has_two_holders_and_no_old_token_is_obeyed() -> anyhow::Result<()> {
    assert_no_violations().await
}

/// Records a run, and finds nothing in it that must not be.
pub(crate) async fn assert_no_violations() -> anyhow::Result<()> {
    let _crowd = CROWD.lock().await;
    let (history, took) = Run::recorded().await?;
    let tally = tally(&history);
    println!("{} calls in {took:.1?}: {tally:?}", history.len());
    assert_eq!(check(&history), []);
    assert!(tally["granted"] >= CLAIMS);
    for rare in ["renewed", "renewal refused", "release refused"] {
        assert!(tally.get(rare).is_some_and(|count| *count >= 10), "a run without {rare} proves nothing: {tally:?}");
    }
    for (what, history) in corrupted(&history)? {
        assert!(!check(&history).is_empty(), "not noticed: {what}");
    }
    let twice = &corrupted(&history)?[0].1;
    assert!(check(twice).iter().any(|violation| matches!(violation, Violation::TwoHolders { .. })));
    Ok(())
}

/// The negative control: this very history with one thing in it that must never be.
fn corrupted(history: &[Event]) -> anyhow::Result<Vec<(&'static str, Vec<Event>)>> {
    let grants: Vec<usize> =
        (0..history.len()).filter(|at| matches!(history[*at].what, What::Granted { .. })).collect();
    // A grant in the middle, so that there are others of the same credential before and after it.
    let at = grants[grants.len() / 2];
    let Event { item, called, answered, what: What::Granted { token, until }, .. } = history[at] else {
        anyhow::bail!("no grant")
    };
    let stranger = CALLERS;
    let with = |event: Event| history.iter().copied().chain([event]).collect::<Vec<_>>();
    let earlier = history.iter().find(|event| {
        event.item == item
            && event.answered < called
            && matches!(event.what, What::Granted { token: older, .. } if older < token)
    });
    let earlier = earlier.context("the credential was claimed once only")?;
    let What::Granted { token: older, .. } = earlier.what else { anyhow::bail!("no grant") };
    Ok(vec![
        (
            "given to another at the same time",
            with(Event {
                who: stranger,
                item,
                called,
                answered: answered + 1,
                what: What::Granted { token: u64::MAX, until },
            }),
        ),
        (
            "the same token twice",
            with(Event { who: stranger, item, called, answered, what: What::Granted { token, until: 0 } }),
        ),
        (
            "a report with an older token was taken",
            with(Event {
                called: answered + 1,
                answered: answered + 2,
                what: What::Released { token: older, accepted: true },
                ..*earlier
            }),
        ),
        (
            "a heartbeat with an older token was taken",
            with(Event {
                called: answered + 1,
                answered: answered + 2,
                what: What::Renewed { token: older, until, accepted: true },
                ..*earlier
            }),
        ),
    ])
}

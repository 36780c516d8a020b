//! What scrapers do: take the next credential, keep it, report on it, give it back. Each is one conditional write.

use std::time::Duration;

use lease::{Available, Holder, LeaseState, Pool, Wish, rules};
use secrets::SealError;
use table::{Condition, Item, Millis, TableError, Update, decode, new_nonce};
use thiserror::Error;

use crate::audit::Event;
use crate::credential::{Credential, Secret, Status};
use crate::guess::Guess;
use crate::health::Verdict;
use crate::platform::{Order, Platform};
use crate::store::Credentials;

/// How often a failure is counted anew that another writer got in the way of.
const TRIES: usize = 4;

/// A credential that was claimed.
pub struct Grant {
    /// The credential, as it is now.
    pub credential: Credential,
    /// What to sign in with.
    pub secret: Secret,
    /// The fencing token.
    pub token: u64,
    /// When the lease ends.
    pub expires_at: Millis,
}

/// What a scraper says of the credential it held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// It worked.
    Success {
        /// What the scraper did with it.
        message: Option<String>,
    },
    /// It did not work.
    Failure {
        /// What went wrong.
        error: String,
        /// The rest it needs; 0 if it is of no more use.
        cooldown_minutes: u64,
    },
    /// It was not used.
    Release,
}

/// What became of a credential that was reported on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reported {
    /// Where it stands.
    pub status: Status,
    /// How often it has failed since the last reset.
    pub failure_count: u64,
    /// How often in a row.
    pub consecutive_failures: u64,
    /// When it may be claimed again, if it rests.
    pub cooldown_until: Option<Millis>,
}

/// Why a report or a heartbeat was not taken.
#[derive(Debug, Error)]
pub enum ReportError {
    /// There is no such credential.
    #[error("no such credential")]
    Missing,
    /// The caller does not hold it (any more).
    #[error("the lease is not the caller's")]
    NotHeld,
    /// The table failed.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// Why no credential was given out.
#[derive(Debug, Error)]
pub enum ClaimError {
    /// The table failed.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The secret could not be opened.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// What was sealed is no secret.
    #[error("the secret is not one")]
    Secret,
}

/// What of an item decides on a report.
#[derive(serde::Deserialize)]
struct Held {
    #[serde(flatten)]
    lease: LeaseState,
    status: Status,
    failure_count: u64,
    consecutive_failures: u64,
    #[serde(default)]
    last_holder: Option<String>,
    #[serde(default)]
    last_report: Option<String>,
    #[serde(default)]
    policy: Option<String>,
}

impl Credentials {
    /// Claims the next credential of a platform for `caller`; none if none is free.
    pub async fn next(
        &self,
        platform: &Platform,
        caller: &str,
        session: Option<&str>,
        lease: Option<Duration>,
    ) -> Result<Option<Grant>, ClaimError> {
        let now = self.clock.now();
        let duration = lease.unwrap_or(Duration::from_secs(platform.policy.lease_seconds));
        let wish = Wish { now, owner: caller, duration };
        let claimed = Update::new()
            .set("status", Status::InUse.as_str())
            .set("last_used_at", now)
            .set("updated_at", now)
            .set_or_remove("session_id", session)
            // Ended another lease: a holder who loses this one must not be told that the same report has already been taken.
            .remove("last_report")
            .set("policy", platform.policy.to_text())
            .add("use_count", 1)
            .and(done("claimed", now, caller, session));
        let pool = Pool::new("claimable", "pool", platform.name.as_str());
        let Some((key, lease, item)) = self.pools.claim_any(&pool, wish, &claimed).await? else {
            return Ok(None);
        };
        let credential: Credential = decode(item)?;
        let consecutive_failures = credential.consecutive_failures;
        self.guesses.learn(credential.id, Guess { policy: platform.policy.clone(), consecutive_failures });
        match self.open(&credential).await {
            Ok(secret) => Ok(Some(Grant { credential, secret, token: lease.token, expires_at: lease.expires_at })),
            Err(error) => {
                // What cannot be handed out is not kept from others.
                let release = rules::release(lease.token, Available::From(now), &new_nonce());
                let release = release.set("status", Status::Available.as_str());
                if let Err(error) = self.table.update(&key, release).await {
                    tracing::warn!(%error, credential = credential.id, "not given back; its lease will run out");
                }
                Err(error)
            }
        }
    }

    async fn open(&self, credential: &Credential) -> Result<Secret, ClaimError> {
        let opened = self.sealer.open(&credential.key.pk, &credential.sealed).await?;
        serde_json::from_slice(&opened).map_err(|_| ClaimError::Secret)
    }

    /// Keeps a credential for `duration` from now (or as long as a claim of its platform lasts), and gives the token and the new end of
    /// the lease. A lease that already lasts longer stays as it is.
    pub async fn keep(
        &self,
        id: u64,
        holder: Holder<'_>,
        duration: Option<Duration>,
    ) -> Result<(u64, Millis), ReportError> {
        let mut guess = self.guesses.of(id);
        for _ in 0..TRIES {
            let length = duration.unwrap_or(Duration::from_secs(guess.policy.lease_seconds));
            let until = self.clock.now().after(length);
            let mut renewal = rules::renew(holder, until).set("status", Status::InUse.as_str());
            if duration.is_none() {
                renewal = renewal.when(Condition::equal("policy", guess.policy.to_text()));
            }
            let held: Held = match self.table.update(&Credential::key_of(id), renewal).await {
                Ok(item) => return Ok(decode::<Held>(item)?.term(until)),
                Err(TableError::ConditionFailed(items)) => {
                    let item = self.refused(id, items).await?;
                    if !rules::held(holder).holds(&item) {
                        return Err(ReportError::NotHeld);
                    }
                    decode(item)?
                }
                Err(error) => return Err(error.into()),
            };
            let known = held.guess();
            if duration.is_some() || known.policy == guess.policy {
                return Ok(held.term(until));
            }
            self.guesses.learn(id, known.clone());
            guess = known;
        }
        Err(ReportError::busy())
    }

    /// Takes a report on a credential, and ends the lease. The same report of the same lease again is answered alike.
    ///
    /// What a report does depends on the pool's policy and on how often the credential has failed in a row. Rather than read them first,
    /// the write guesses them (`guess.rs`); where it is wrong, the refused write brings the truth.
    pub async fn report(
        &self,
        id: u64,
        holder: Holder<'_>,
        caller: &str,
        report: &Report,
    ) -> Result<Reported, ReportError> {
        let mut guess = self.guesses.of(id);
        for _ in 0..TRIES {
            let item =
                match self.table.update(&Credential::key_of(id), self.ending(holder, caller, report, &guess)).await {
                    Ok(item) => {
                        let reported = Reported::read(item)?;
                        guess.consecutive_failures = reported.consecutive_failures;
                        self.guesses.learn(id, guess);
                        return Ok(reported);
                    }
                    Err(TableError::ConditionFailed(items)) => self.refused(id, items).await?,
                    Err(error) => return Err(error.into()),
                };
            let found: Held = decode(item.clone())?;
            if found.took(holder, caller, report) {
                return Ok(Reported::read(item)?);
            }
            if !rules::held(holder).holds(&item) {
                return Err(ReportError::NotHeld);
            }
            guess = found.guess();
        }
        Err(ReportError::busy())
    }

    /// The write that ends a lease with a report, if the guess is right.
    fn ending(&self, holder: Holder<'_>, caller: &str, report: &Report, guess: &Guess) -> Update {
        let now = self.clock.now();
        // In a pool in order of use, `claimable_at` is the count of uses: a moment long past, so free, and the fewest first.
        let at_once = match guess.policy.order {
            Order::LeastRecentlyUsed => Available::From(now),
            Order::LeastUsed => Available::InOrderOf("use_count"),
        };
        let (available, change) = match report {
            Report::Success { message } => (
                at_once,
                Update::new()
                    .set("status", Status::Available.as_str())
                    .set("consecutive_failures", 0_u64)
                    .add("success_count", 1)
                    .and(done("success", now, caller, message.as_deref())),
            ),
            Report::Release => (
                at_once,
                Update::new().set("status", Status::Available.as_str()).and(done("released", now, caller, None)),
            ),
            Report::Failure { error, cooldown_minutes } => {
                let consecutive = guess.consecutive_failures + 1;
                let (status, available) = match Verdict::after_failure(&guess.policy, consecutive, *cooldown_minutes) {
                    Verdict::Failed => (Status::Failed, Available::Never),
                    Verdict::Cooldown(rest) => (Status::Cooldown, Available::From(now.after(rest))),
                };
                let change = Update::new()
                    .set("status", status.as_str())
                    .set("last_error", error.as_str())
                    .set("consecutive_failures", consecutive)
                    .add("failure_count", 1)
                    .and(done("failure", now, caller, Some(error)))
                    .when(Condition::equal("consecutive_failures", guess.consecutive_failures));
                (available, change)
            }
        };
        let parked = match available {
            Available::Never => Update::new().copy("parked", "pool").set("parked_at", now),
            Available::From(_) | Available::InOrderOf(_) => Update::new(),
        };
        rules::release(holder, available, &new_nonce())
            .copy("last_holder", "lease_owner")
            .set("last_report", report.word_for_word())
            .set("updated_at", now)
            .when(Condition::equal("policy", guess.policy.to_text()))
            .and(change)
            .and(parked)
    }

    /// The item that refused a write.
    async fn refused(&self, id: u64, told: Vec<Option<Item>>) -> Result<Item, ReportError> {
        self.table.refused(&Credential::key_of(id), told).await?.ok_or(ReportError::Missing)
    }
}

impl ReportError {
    fn busy() -> Self {
        Self::Table(TableError::Unavailable("the credential changes faster than it can be written".to_owned()))
    }
}

impl Held {
    /// What to believe of the credential from now on.
    fn guess(&self) -> Guess {
        let policy = self.policy.as_ref().and_then(|policy| serde_json::from_str(policy).ok()).unwrap_or_default();
        Guess { policy, consecutive_failures: self.consecutive_failures }
    }

    /// The token, and the end of the lease.
    fn term(&self, asked: Millis) -> (u64, Millis) {
        (self.lease.lease_token, self.lease.claimable_at.unwrap_or(asked))
    }

    /// Whether this very report has already ended the lease.
    fn took(&self, holder: Holder<'_>, caller: &str, report: &Report) -> bool {
        let same_lease = match holder {
            Holder::Token(token) => self.lease.lease_token == token,
            Holder::Owner(_) => self.last_holder.as_deref() == Some(caller),
        };
        same_lease && self.lease.lease_owner.is_none() && self.last_report == Some(report.word_for_word())
    }
}

impl Report {
    /// The report as a text: equal texts are equal reports.
    fn word_for_word(&self) -> String {
        match self {
            Self::Success { message } => format!("success {}", message.as_deref().unwrap_or_default()),
            Self::Failure { error, cooldown_minutes } => format!("failure {cooldown_minutes} {error}"),
            Self::Release => "release".to_owned(),
        }
    }
}

impl Reported {
    fn read(item: Item) -> Result<Self, TableError> {
        let held: Held = decode(item)?;
        Ok(Self {
            status: held.status,
            failure_count: held.failure_count,
            consecutive_failures: held.consecutive_failures,
            cooldown_until: held.lease.claimable_at.filter(|_| held.status == Status::Cooldown),
        })
    }
}

/// What was done, for the audit trail.
pub(crate) fn done(action: &str, at: Millis, by: &str, detail: Option<&str>) -> Update {
    let event = Event { action: action.to_owned(), at, by: by.to_owned(), detail: detail.map(str::to_owned) };
    Update::new().set("last_event", event.to_text())
}

//! One attempt at a delivery, by the holder of its lease: claimed, made by whoever can send, and concluded.
//!
//! An attempt is recorded before its delivery is let go. Whoever is killed between has made an attempt that is told, and the delivery is tried
//! again under the next number: an attempt that was made is never told twice, and one that was told was made.
//!
//! An endpoint that is switched off has an owner who is to be told. That is written in the same write; and the delivery by which it happened is
//! not let go before it is done ([`Farewell`]), so that whoever is killed between leaves it to the next.

use std::time::Duration;

use jobs::{Hint, LONGEST_DELAY};
use lease::{Claim, Lease, Lost};
use table::{Condition, Key, Millis, TableError, Update, decode};

use crate::attempt::{Attempt, Stored};
use crate::deliveries::Deliveries;
use crate::delivery::{Delivery, DeliveryStatus, KEPT_SECONDS};
use crate::endpoint::Endpoint;
use crate::health::{Change, Sign, change};
use crate::keys::{attempt_key, attempt_place, endpoint_of_delivery};
use crate::places::Place;

/// How long after the end of a lease its delivery counts as abandoned.
const GRACE: Duration = Duration::from_secs(1);
/// Why a delivery ends that nobody is to be told of.
const SWITCHED_OFF: &str = "The webhook is switched off";
/// The status of an endpoint that is no more.
const GONE: u16 = 410;

/// A delivery that is ours to make, and where it goes.
pub struct Claimed {
    /// The delivery.
    pub delivery: Delivery,
    /// The endpoint as it is now.
    pub endpoint: Endpoint,
    lease: Lease,
    place: Place,
}

/// A delivery that is ours, of an endpoint that was switched off without a word to its owner so far. [`Deliveries::owner_told`] lets it go.
pub struct Farewell {
    /// The endpoint as it is now.
    pub endpoint: Endpoint,
    delivery: Key,
    lease: Lease,
    place: Place,
    fate: Fate,
    end: Update,
}

/// What a hint at a delivery leads to.
pub enum Taken {
    /// It is ours to make.
    Attempt(Box<Claimed>),
    /// Its endpoint's owner is to be told first.
    Farewell(Box<Farewell>),
    /// There is nothing to do: it has ended, is gone, is held by another, rests, or waits for a place among its user's attempts.
    Nothing,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// When it began.
    pub attempted_at: Millis,
    /// How long it took.
    pub took: Duration,
    /// The status and the beginning of the body of the answer, or why there was none.
    pub answer: Result<(u16, String), String>,
    /// How long the endpoint asked to be left alone.
    pub retry_after: Option<Duration>,
}

/// What becomes of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Delivered,
    Again(Millis),
    GivenUp,
}

impl Told {
    /// Whether it has arrived.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.sign() == Sign::Success
    }

    fn sign(&self) -> Sign {
        match self.answer {
            Ok((200..=299, _)) => Sign::Success,
            Ok((GONE, _)) => Sign::Gone,
            _ => Sign::Failure,
        }
    }

    /// Why the attempt counts as failed, if it does.
    fn error(&self) -> Option<String> {
        match &self.answer {
            Ok((200..=299, _)) => None,
            Ok((status @ 300..=399, _)) => {
                Some(format!("It answered with status {status}: redirects are not followed"))
            }
            Ok((status, _)) => Some(format!("It answered with status {status}")),
            Err(why) => Some(why.clone()),
        }
    }
}

impl Deliveries {
    /// Claims a delivery for `owner`. One that has nowhere to go any more ends here.
    pub async fn claim(&self, key: &Key, owner: &str) -> Result<Taken, TableError> {
        let Some(endpoint_key) = endpoint_of_delivery(key) else { return Ok(Taken::Nothing) };
        let Some(endpoint) = self.table.get::<Endpoint>(&endpoint_key).await? else {
            return self.end_unsent(key, owner).await;
        };
        let Some(place) = self.enter(key, &endpoint).await? else { return Ok(Taken::Nothing) };
        let Some((delivery, lease)) = self.begin(key, owner).await? else {
            self.leave(&endpoint.user_id, &place, false).await?;
            return Ok(Taken::Nothing);
        };
        let because = if endpoint.owner_untold && !delivery.is_test() {
            let (fate, end) = (Fate::GivenUp, Update::new().set("ended_because", SWITCHED_OFF));
            let delivery = delivery.key;
            return Ok(Taken::Farewell(Box::new(Farewell { endpoint, delivery, lease, place, fate, end })));
        } else if !endpoint.is_active && !delivery.is_test() {
            SWITCHED_OFF
        } else if delivery.is_overdue(self.clock.now()) {
            "It was given up: nobody could try it in time"
        } else {
            return Ok(Taken::Attempt(Box::new(Claimed { delivery, endpoint, lease, place })));
        };
        let (ended, left) =
            tokio::join!(self.end_because(&delivery, lease, because), self.leave(&endpoint.user_id, &place, false));
        ended?;
        left?;
        Ok(Taken::Nothing)
    }

    /// Ends a delivery whose endpoint is gone.
    async fn end_unsent(&self, key: &Key, owner: &str) -> Result<Taken, TableError> {
        if let Some((delivery, lease)) = self.begin(key, owner).await? {
            self.end_because(&delivery, lease, "The webhook was deleted").await?;
            // It took no place, and may have been woken to take one.
            self.pass_on(&delivery.user_id).await?;
        }
        Ok(Taken::Nothing)
    }

    /// Takes a delivery up, if it is to be made now.
    async fn begin(&self, key: &Key, owner: &str) -> Result<Option<(Delivery, Lease)>, TableError> {
        let now = self.clock.now();
        let begin = Update::new()
            .set("redeliver_at", now.after(self.policy.lease + GRACE))
            .set("redeliveries", 0_u64)
            .add("attempts", 1)
            .when(Condition::equal("status", DeliveryStatus::Pending.as_str()));
        match lease::claim(&self.table, key, now, owner, self.policy.lease, begin).await? {
            Claim::Granted(lease, item) => {
                let delivery: Delivery = decode(item)?;
                if let Some(trace) = &delivery.trace {
                    telemetry::go_on_with(trace);
                }
                Ok(Some((delivery, lease)))
            }
            Claim::Refused(_) => Ok(None),
        }
    }

    async fn end_because(&self, delivery: &Delivery, lease: Lease, because: &str) -> Result<(), TableError> {
        tracing::info!(delivery = delivery.id, because, "ended without an attempt");
        let end = Update::new().set("ended_because", because);
        self.let_go(&delivery.key, lease, Fate::GivenUp, end).await
    }

    /// Records what came of an attempt, and what becomes of the delivery and of its endpoint; the delivery is kept where the endpoint's owner is to be
    /// told first.
    pub async fn conclude(&self, claimed: Claimed, told: &Told) -> Result<Option<Farewell>, TableError> {
        let Claimed { delivery, endpoint, lease, place } = claimed;
        let fate = self.fate(&delivery, told, fastrand::f64());
        let attempt = attempt(&delivery, told, fate);
        let when = attempt_place(told.attempted_at, &delivery.id, delivery.attempts);
        let stored = Stored {
            key: attempt_key(&delivery.user_id, delivery.endpoint_id, &when),
            expires_at: told.attempted_at.epoch_seconds() + KEPT_SECONDS,
            attempt: &attempt,
        };
        self.table.replace(&stored).await?;
        // That a test fails says nothing.
        let says_something = !delivery.is_test() || told.is_success();
        let update = match change(&endpoint, told.sign(), self.clock.now()).filter(|_| says_something) {
            Some(Change::SwitchedOff(update)) => {
                if let Some(endpoint) = self.switch_off(&endpoint, update).await? {
                    let (delivery, end) = (delivery.key, Update::new());
                    return Ok(Some(Farewell { endpoint, delivery, lease, place, fate, end }));
                }
                None
            }
            Some(Change::Noted(update)) => Some(update),
            None => None,
        };
        let (released, noted, left) = tokio::join!(
            self.let_go(&delivery.key, lease, fate, Update::new()),
            self.note_health(&endpoint, update),
            self.leave(&endpoint.user_id, &place, told.is_success())
        );
        noted?;
        left?;
        released?;
        Ok(None)
    }

    /// Notes that an endpoint's owner was told, and lets the delivery go by which that came up.
    pub async fn owner_told(&self, farewell: Farewell) -> Result<(), TableError> {
        let Farewell { endpoint, delivery, lease, place, fate, end } = farewell;
        let told = Update::new().remove("owner_untold").add("version", 1).when(Condition::Exists("pk"));
        match self.table.update(&endpoint.key, told).await {
            Ok(_) | Err(TableError::ConditionFailed(_)) => {}
            Err(error) => return Err(error),
        }
        let (released, left) =
            tokio::join!(self.let_go(&delivery, lease, fate, end), self.leave(&endpoint.user_id, &place, false));
        left?;
        released
    }

    fn fate(&self, delivery: &Delivery, told: &Told, random: f64) -> Fate {
        let now = self.clock.now();
        let again =
            || self.schedule.next_attempt(delivery.attempts, now, delivery.give_up_at, told.retry_after, random);
        match told.sign() {
            Sign::Success => Fate::Delivered,
            Sign::Gone => Fate::GivenUp,
            Sign::Failure => again().map_or(Fate::GivenUp, Fate::Again),
        }
    }

    async fn let_go(&self, key: &Key, lease: Lease, fate: Fate, more: Update) -> Result<(), TableError> {
        let now = self.clock.now();
        let ended = |status: DeliveryStatus| {
            Update::new().set("status", status.as_str()).set("ended_at", now).remove("redeliver_at")
        };
        let (claimable_at, change, hint) = match fate {
            Fate::Delivered => (None, ended(DeliveryStatus::Delivered), None),
            Fate::GivenUp => (None, ended(DeliveryStatus::Failed), None),
            Fate::Again(at) => {
                let pause = now.until(at);
                // No message can wait for longer: recovery sends it when its time has come.
                let is_near = pause <= LONGEST_DELAY;
                let due = if is_near { at.after(self.policy.redelivery_pause(0)) } else { at };
                (Some(at), Update::new().set("redeliver_at", due), is_near.then_some(pause))
            }
        };
        match lease::release(&self.table, key, lease, claimable_at, change.and(more)).await {
            Ok(_) => {}
            Err(Lost::Superseded(_)) => {
                tracing::warn!(delivery = key.sk, "the attempt took longer than its lease");
                return Ok(());
            }
            Err(Lost::Table(error)) => return Err(error),
        }
        if let Some(pause) = hint {
            self.queue.hint(&Hint::goes_on(key.clone()), pause).await;
        }
        Ok(())
    }

    /// Writes what an attempt says of its endpoint, if it says anything new.
    async fn note_health(&self, endpoint: &Endpoint, update: Option<Update>) -> Result<(), TableError> {
        let Some(update) = update else { return Ok(()) };
        match self.table.update(&endpoint.key, update).await {
            // Or somebody has changed it meanwhile, or it is gone.
            Ok(_) | Err(TableError::ConditionFailed(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Switches an endpoint off, and gives it as it is then; none if somebody has changed it meanwhile, or it is gone.
    async fn switch_off(&self, endpoint: &Endpoint, update: Update) -> Result<Option<Endpoint>, TableError> {
        match self.table.update(&endpoint.key, update).await {
            Ok(item) => {
                tracing::warn!(endpoint = %endpoint.id, "switched off");
                Ok(Some(decode(item)?))
            }
            Err(TableError::ConditionFailed(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn attempt(delivery: &Delivery, told: &Told, fate: Fate) -> Attempt {
    let answer = told.answer.as_ref().ok();
    Attempt {
        delivery_id: delivery.id.clone(),
        event: delivery.event.clone(),
        task_id: delivery.task_id,
        number: delivery.attempts,
        attempted_at: told.attempted_at,
        duration_ms: u64::try_from(told.took.as_millis()).unwrap_or(u64::MAX),
        response_status: answer.map(|(status, _)| *status),
        response_body: answer.map(|(_, body)| body.clone()).filter(|body| !body.is_empty()),
        error: told.error(),
        next_attempt_at: if let Fate::Again(at) = fate { Some(at) } else { None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(answer: Result<(u16, String), String>) -> Told {
        Told { attempted_at: Millis(0), took: Duration::ZERO, answer, retry_after: None }
    }

    #[test]
    fn only_a_2xx_is_a_success_and_only_410_is_for_good() {
        for (status, sign, word) in [
            (200, Sign::Success, None),
            (202, Sign::Success, None),
            (299, Sign::Success, None),
            (302, Sign::Failure, Some("It answered with status 302: redirects are not followed")),
            (400, Sign::Failure, Some("It answered with status 400")),
            (404, Sign::Failure, Some("It answered with status 404")),
            (410, Sign::Gone, Some("It answered with status 410")),
            (429, Sign::Failure, Some("It answered with status 429")),
            (500, Sign::Failure, Some("It answered with status 500")),
        ] {
            let told = told(Ok((status, String::new())));
            assert_eq!((told.sign(), told.error().as_deref()), (sign, word), "{status}");
        }
        let silent = told(Err("It took longer than 15 seconds".to_owned()));
        assert_eq!((silent.sign(), silent.error()), (Sign::Failure, Some("It took longer than 15 seconds".to_owned())));
    }
}

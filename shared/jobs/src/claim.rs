//! How a worker comes to a job: by a hint that its group has work.

use std::time::Duration;

use lease::{Claim, Lease, Lost, rules};
use serde::de::DeserializeOwned;
use table::{Condition, Item, Key, Millis, TableError, Transaction, Update, decode, new_nonce};

use crate::desk::Jobs;
use crate::end::ended;
use crate::family::Standing;
use crate::join::PartOf;
use crate::line::Waiting;
use crate::owner::{Owner, Snapshot};
use crate::queue::Hint;
use crate::record::{Job, Status, place};
use crate::run::Run;
use crate::slots::Slots;

/// How many of the first in line are read at a time: others try them too.
const TRIED: u32 = 8;
/// How often the line is asked for one hint, while others take what was first in it.
const ROUNDS: u32 = 10;
/// When a hint comes again whose line moved too fast.
const LATER: Duration = Duration::from_secs(1);
/// The priority of a job that was submitted without a place, by a release before there were any.
const MEDIUM: u8 = 5;

/// Why a job is not claimed past the others of its group.
const WAITS: &str = "it waits for its turn";

/// The answer to a claim.
#[derive(Debug)]
pub enum Claimed<T> {
    /// The job is ours to do.
    Run(Box<Run>, Box<T>),
    /// There is nothing to do: it has ended, is gone, is held by another, rests, or waits for a slot. Its message can be dropped.
    Nothing(&'static str),
}

/// What came of a look at a job.
enum Look {
    /// It is ours.
    Ours(Lease, Item),
    /// Not this one.
    Not(&'static str),
    /// Not this one, nor any other of its group: no slot is free.
    NoSlot,
    /// It has joined the line.
    InLine,
}

/// What came of the first in line.
enum First {
    /// One of them is ours.
    Ours(Key, Lease, Item),
    /// Others have claimed all of them.
    Taken,
    /// No slot is free.
    NoSlot,
    /// Nothing waits.
    Nobody,
}

impl Jobs {
    /// Claims what a hint is about for `owner`: the job itself if it is to be gone on with, and else the best of its group's waiting ones. One
    /// that has used up its attempts is failed here, and there is nothing to do.
    pub async fn take<T: DeserializeOwned>(&self, hint: &Hint, owner: &str) -> Result<Claimed<T>, TableError> {
        let mut looked = false;
        if hint.first {
            looked = true;
            if let Look::Ours(lease, item) = self.look_at(&hint.job, owner).await? {
                return self.begin(&hint.job, lease, item).await;
            }
        }
        for _ in 0..ROUNDS {
            let line = self.line(&hint.job.pk, TRIED).await?;
            looked |= line.iter().any(|waiting| waiting.key == hint.job);
            let why = match self.first_of(line, owner).await? {
                First::Ours(key, lease, item) => return self.begin(&key, lease, item).await,
                First::Taken => continue,
                First::NoSlot => "no slot is free",
                First::Nobody => "nothing waits",
            };
            if looked {
                return Ok(Claimed::Nothing(why));
            }
            looked = true;
            match self.look_at(&hint.job, owner).await? {
                Look::Ours(lease, item) => return self.begin(&hint.job, lease, item).await,
                Look::InLine => {}
                Look::Not(why) => return Ok(Claimed::Nothing(why)),
                Look::NoSlot => return Ok(Claimed::Nothing(why)),
            }
        }
        self.queue.hint(hint, LATER).await;
        Ok(Claimed::Nothing("others were faster each time"))
    }

    /// Claims the first of the line that nobody else has claimed meanwhile.
    async fn first_of(&self, line: Vec<Waiting>, owner: &str) -> Result<First, TableError> {
        if line.is_empty() {
            return Ok(First::Nobody);
        }
        for waiting in line {
            match self.look_in_line(&waiting.key, owner).await? {
                Look::Ours(lease, item) => return Ok(First::Ours(waiting.key, lease, item)),
                Look::NoSlot => return Ok(First::NoSlot),
                Look::Not(_) | Look::InLine => {}
            }
        }
        Ok(First::Taken)
    }

    /// Claims this very job for `owner`, whatever waits before it.
    pub async fn claim<T: DeserializeOwned>(&self, key: &Key, owner: &str) -> Result<Claimed<T>, TableError> {
        let look = match self.look_at(key, owner).await? {
            Look::InLine | Look::Not(WAITS) => self.look_in_line(key, owner).await?,
            look => look,
        };
        match look {
            Look::Ours(lease, item) => self.begin(key, lease, item).await,
            Look::Not(why) => Ok(Claimed::Nothing(why)),
            Look::NoSlot | Look::InLine => Ok(Claimed::Nothing("no slot is free")),
        }
    }

    async fn begin<T: DeserializeOwned>(&self, key: &Key, lease: Lease, item: Item) -> Result<Claimed<T>, TableError> {
        let (job, snapshot): (Job, _) = (decode(item.clone())?, Snapshot::of(&item)?);
        // The message may have been another's.
        if let Some(trace) = &job.trace {
            telemetry::go_on_with(trace);
        }
        let run = Run::new(self.clone(), key.clone(), snapshot.owner()?, lease, &job);
        if job.attempts > self.policy.attempts {
            let last = job.error_message.as_deref().unwrap_or("the worker ended without a word");
            let reason = format!("Given up after {} attempts: {last}", self.policy.attempts);
            return match run.fail(&reason, 0, Vec::new()).await {
                Ok(()) | Err(Lost::Superseded(_)) => Ok(Claimed::Nothing("its attempts are used up")),
                Err(Lost::Table(error)) => Err(error),
            };
        }
        Ok(Claimed::Run(Box::new(run), Box::new(decode(item)?)))
    }

    /// Looks at a job that a hint is about: goes on with one that was left, and lets one that has rested join the line.
    async fn look_at(&self, key: &Key, owner: &str) -> Result<Look, TableError> {
        let Some(item) = self.table.get_item(key, true).await? else { return Ok(Look::Not("it is gone")) };
        let (job, now) = (Snapshot::of(&item)?, self.clock.now());
        match job.status {
            status if status.is_final() => Ok(Look::Not("it has ended")),
            Status::Pending if job.turn.is_some() => Ok(Look::Not(WAITS)),
            _ if !job.is_due(now) => Ok(Look::Not("another worker is at it, or it rests")),
            Status::Running => self.go_on(key, &job, now, owner).await,
            _ => self.join_line(key, item, now).await,
        }
    }

    /// Claims a job that was left: its lease ran out, or its children have ended. It keeps the slot that it holds.
    async fn go_on(&self, key: &Key, job: &Snapshot, now: Millis, owner: &str) -> Result<Look, TableError> {
        if let Owner::Parent(part_of) = job.owner()?
            && !self.is_wanted(&part_of).await?
        {
            return self.discard(key, &part_of).await;
        }
        let begin = self.beginning(now).when(Condition::equal("status", Status::Running.as_str()));
        match lease::claim(&self.table, key, now, owner, self.policy.lease, begin).await? {
            Claim::Granted(lease, item) => Ok(Look::Ours(lease, item)),
            Claim::Refused(_) => Ok(Look::Not("another worker is at it")),
        }
    }

    /// Gives a job its turn whose rest is over, or that a release before this one has given back.
    async fn join_line(&self, key: &Key, item: Item, now: Millis) -> Result<Look, TableError> {
        let place = match decode::<Job>(item)? {
            Job { place: Some(place), .. } => place,
            job => place(MEDIUM, job.created_at.0),
        };
        let join = Update::new()
            .set("job_kind", self.kind)
            .set("turn", place.as_str())
            .set("place", place.as_str())
            .when(Condition::equal("status", Status::Pending.as_str()))
            .when(Condition::Absent("turn"))
            .when(Condition::at_most("claimable_at", now));
        match self.table.update(key, join).await {
            Ok(_) | Err(TableError::ConditionFailed(_)) => Ok(Look::InLine),
            Err(error) => Err(error),
        }
    }

    /// Takes a job's turn that does not wait any more: a release that knows of no turns has claimed or ended it.
    async fn leave_line(&self, key: &Key, job: &Snapshot) -> Result<Look, TableError> {
        let leave = Update::new().remove("turn").when(Condition::equal("status", job.status.as_str()));
        match self.table.update(key, leave).await {
            Ok(_) | Err(TableError::ConditionFailed(_)) => Ok(Look::Not("it does not wait any more")),
            Err(error) => Err(error),
        }
    }

    /// Claims one that waits, with a slot of its group.
    async fn look_in_line(&self, key: &Key, owner: &str) -> Result<Look, TableError> {
        let Some(item) = self.table.get_item(key, true).await? else { return Ok(Look::Not("it is gone")) };
        let job = Snapshot::of(&item)?;
        if job.turn.is_none() {
            return Ok(Look::Not("another worker is at it"));
        }
        if job.status != Status::Pending {
            return self.leave_line(key, &job).await;
        }
        let belongs_to = job.owner()?;
        match self.claim_with_slot(key, item.clone(), &job, &belongs_to, owner).await? {
            Ok(look) => Ok(look),
            Err(slots) if self.heal(&key.pk, belongs_to.key(), slots).await? => {
                Ok(self.claim_with_slot(key, item, &job, &belongs_to, owner).await?.unwrap_or(Look::NoSlot))
            }
            Err(_) => Ok(Look::NoSlot),
        }
    }

    /// One transaction: the job is ours, and so is a slot. The slots as they are where none is free.
    async fn claim_with_slot(
        &self,
        key: &Key,
        mut item: Item,
        job: &Snapshot,
        belongs_to: &Owner,
        owner: &str,
    ) -> Result<Result<Look, Slots>, TableError> {
        let (now, lease) = (self.clock.now(), self.policy.lease);
        let claim = rules::claim(now, owner, lease, &new_nonce())
            .and(self.beginning(now))
            .set("holds_slot", true)
            .when(Condition::equal("status", Status::Pending.as_str()))
            .when(Condition::equal("lease_token", job.lease_token));
        let claimed = Transaction::new()
            .update(&self.table, key, claim.clone())?
            .update(&self.table, belongs_to.key(), belongs_to.take_slot())?
            .commit(&self.table)
            .await;
        match claimed {
            Ok(()) => {
                // As it is stored now: what its condition leaves open, nothing that an attempt works by, may differ.
                if !claim.apply(&mut item) {
                    return Err(TableError::Broken("a claim was granted that its job does not admit".to_owned()));
                }
                let lease = Lease { token: job.lease_token + 1, expires_at: now.after(lease) };
                Ok(Ok(Look::Ours(lease, item)))
            }
            Err(TableError::ConditionFailed(items)) => {
                let [lost, refused] = <[Option<Item>; 2]>::try_from(items).unwrap_or_default();
                match (lost, refused, belongs_to) {
                    (None, Some(refused), Owner::Account(_)) => Ok(Err(decode(refused)?)),
                    (None, Some(refused), Owner::Parent(part_of)) => {
                        if self.is_wanted(part_of).await? {
                            Ok(Err(decode(refused)?))
                        } else {
                            Ok(Ok(self.discard(key, part_of).await?))
                        }
                    }
                    _ => Ok(Ok(Look::Not("another worker was faster"))),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// What a claim changes of a job, beside its lease.
    fn beginning(&self, now: Millis) -> Update {
        Update::new()
            .set("status", Status::Running.as_str())
            .set("job_kind", self.kind)
            .set_if_absent("started_at", now)
            .set_if_absent("place", place(MEDIUM, now.0))
            .set("updated_at", now)
            .set("redeliver_at", self.abandoned_at(now))
            .set("redeliveries", 0_u64)
            .add("attempts", 1)
            .remove("turn")
    }

    /// Ends a child whose parent has let it go, as cancelled; deletes one that its parent has never wanted. A child whose join is yet to come is
    /// left for later.
    async fn discard(&self, key: &Key, part_of: &PartOf) -> Result<Look, TableError> {
        match self.standing(part_of).await? {
            Standing::MayBeWanted => return Ok(Look::Not("its parent is still handing out")),
            Standing::NeverWanted => drop(self.table.delete(key).await?),
            Standing::LetGo => {
                let cancel = ended(Update::new(), Status::Cancelled, 0, self.clock.now())
                    .remove("redeliver_at")
                    .remove("claimable_at")
                    .remove("lease_owner")
                    .when(Status::is_open());
                match self.table.update(key, cancel).await {
                    Ok(_) | Err(TableError::ConditionFailed(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(Look::Not("its parent does not want it any more"))
    }
}

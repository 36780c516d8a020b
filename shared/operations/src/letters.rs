//! Dead letters of every queue: listed, redriven, purged.

use std::time::Duration;

use jobs::{DeadLetter, Elsewhere, Hint, LetterId, Redriven, Reopened};
use table::{Condition, Key, TableError, Update, decode};
use videos::Work;

use crate::Operations;
use crate::audit::{Action, Outcome, Told};
use crate::jobs::kind::Kind;
use crate::operator::Operator;

/// The queue of deliveries, as its letters name it.
const WEBHOOKS: &str = "webhooks";
/// The queues whose letters are kept. Those of the queue of browsers are tasks' too, and are kept under `extract`.
pub const QUEUES: [&str; 4] = [Kind::Extract.as_str(), Kind::Portal.as_str(), Kind::Video.as_str(), WEBHOOKS];

/// How often a video is looked at that changes meanwhile.
const RACES: u32 = 10;

/// A page of letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterPage {
    /// The letters.
    pub letters: Vec<DeadLetter>,
    /// The last of them, if there may be more after it.
    pub next: Option<LetterId>,
}

/// How many letters were deleted.
struct Purged(usize);

impl Purged {
    fn one(was_there: bool) -> Self {
        Self(usize::from(was_there))
    }
}

impl Told for Purged {
    fn told(&self) -> (Outcome, Option<String>) {
        // One that is not there may be one that is deleted, and of which the answer was lost: gone it is.
        (Outcome::Done, Some(format!("{} deleted", self.0)))
    }
}

impl Told for Redriven {
    fn told(&self) -> (Outcome, Option<String>) {
        match self {
            Self::Waits => (Outcome::Done, None),
            Self::Sent => (Outcome::Done, Some("its message was sent again".to_owned())),
            Self::Before => (Outcome::Refused, Some("it was redriven before".to_owned())),
            Self::Impossible(why) => (Outcome::Refused, Some((*why).to_owned())),
        }
    }
}

impl Operations {
    /// Up to `limit` letters of a queue, the newest first, or of all of them one after the other; those after `after`.
    pub async fn letters(
        &self,
        queue: Option<&str>,
        after: Option<&LetterId>,
        limit: u32,
    ) -> Result<LetterPage, TableError> {
        let mut letters: Vec<DeadLetter> = Vec::new();
        let (mut after, first, mut more) = (after, after.map(LetterId::queue), false);
        let queues = QUEUES.into_iter().filter(|name| queue.is_none_or(|queue| queue == *name));
        for queue in queues.skip_while(|queue| first.is_some_and(|first| first != *queue)) {
            let wanted = limit.saturating_sub(u32::try_from(letters.len()).unwrap_or(limit));
            more = more || wanted == 0;
            if more {
                break;
            }
            // A page ends where it is full, or has come to a megabyte.
            let page = self.letters.list(queue, after.take(), wanted).await?;
            more = page.next.is_some();
            letters.extend(page.items);
        }
        let next = letters.last().filter(|_| more).map(DeadLetter::id);
        Ok(LetterPage { letters, next })
    }

    /// A letter.
    pub async fn letter(&self, id: &LetterId) -> Result<Option<DeadLetter>, TableError> {
        self.letters.get(id).await
    }

    /// Takes up what a letter's message was for, if it failed, or sends the message again, if it has not ended. A letter does it once.
    pub async fn redrive(&self, by: &Operator, letter: &DeadLetter) -> Result<Redriven, TableError> {
        if letter.redriven_at.is_some() {
            return Ok(Redriven::Before);
        }
        let asked = self.audit.asked(by, Action::RedriveLetter, &format!("letter/{}", letter.id())).await?;
        asked.told(Box::pin(self.take_up(letter)).await).await
    }

    async fn take_up(&self, letter: &DeadLetter) -> Result<Redriven, TableError> {
        let Ok(Hint { job, .. }) = serde_json::from_str(&letter.body) else {
            return Ok(Redriven::Impossible("it names no job"));
        };
        let mark = self.letters.redriven(&letter.id(), self.clock.now());
        let redriven = match letter.queue.as_str() {
            extract::QUEUE_KIND => self.jobs.redrive(&job, &Update::new(), &mark).await,
            portals::QUEUE_KIND => self.portals.redrive(&job, &mark).await,
            videos::QUEUE_KIND => self.redrive_video(&job, &mark).await,
            WEBHOOKS => self.redrive_delivery(&job, &mark).await,
            _ => Ok(Redriven::Impossible("its queue is not known")),
        };
        match redriven {
            // What its letter names is no job, nor will it be.
            Err(TableError::Broken(error)) => {
                tracing::warn!(error, letter = %letter.id(), "a letter cannot be redriven");
                Ok(Redriven::Impossible("what it names is not a job of its queue"))
            }
            redriven => redriven,
        }
    }

    /// Deletes a letter, and says whether it was there. Of its job nothing changes.
    pub async fn purge(&self, by: &Operator, id: &LetterId) -> Result<bool, TableError> {
        let asked = self.audit.asked(by, Action::PurgeLetters, &format!("letter/{id}")).await?;
        let purged = self.letters.delete_one(id).await.map(Purged::one);
        asked.told(purged).await.map(|purged| purged.0 > 0)
    }

    /// Deletes letters, whether they are there or not. Of their jobs nothing changes.
    pub async fn purge_these(&self, by: &Operator, ids: &[LetterId]) -> Result<(), TableError> {
        let Some(first) = ids.first() else { return Ok(()) };
        let on = if ids.len() == 1 { format!("letter/{first}") } else { format!("letter/{first} and others") };
        let asked = self.audit.asked(by, Action::PurgeLetters, &on).await?;
        let purged = self.letters.delete(ids).await.map(|()| Purged(ids.len()));
        asked.told(purged).await.map(drop)
    }

    /// Deletes up to `limit` letters of a queue, the newest first; says how many, and whether there may be more.
    pub async fn purge_some(&self, by: &Operator, queue: &str, limit: u32) -> Result<(usize, bool), TableError> {
        let asked = self.audit.asked(by, Action::PurgeLetters, &format!("letters/{queue}")).await?;
        let mut more = false;
        let purged = self.delete_some(queue, limit).await.map(|(purged, others)| {
            more = others;
            Purged(purged)
        });
        Ok((asked.told(purged).await?.0, more))
    }

    async fn delete_some(&self, queue: &str, limit: u32) -> Result<(usize, bool), TableError> {
        let page = self.letters.list(queue, None, limit).await?;
        let ids: Vec<_> = page.items.iter().map(DeadLetter::id).collect();
        self.letters.delete(&ids).await?;
        Ok((ids.len(), page.next.is_some()))
    }

    /// A video is a part of its job, and is taken up as its tenant would; a job is as any other.
    async fn redrive_video(&self, key: &Key, mark: &Elsewhere<'_>) -> Result<Redriven, TableError> {
        let jobs = &self.videos.jobs;
        for _ in 0..RACES {
            let Some(item) = jobs.table.get_item(key, true).await? else {
                return Ok(Redriven::Impossible("its job is gone"));
            };
            let video = match decode(item)? {
                Work::Video(video) => video,
                // What is left of it waits to be cleared away.
                Work::Job(job) if job.deleted => return Ok(Redriven::Impossible("its job is gone")),
                Work::Job(_) => return jobs.redrive(key, &Update::new(), mark).await,
            };
            if !video.job.status.is_final() {
                match jobs.send_again(key, video.job.status, mark).await? {
                    Some(redriven) => return Ok(redriven),
                    None => continue,
                }
            }
            match self.videos.reopen(&video, Some(mark)).await? {
                Reopened::Waits => return Ok(Redriven::Waits),
                Reopened::Elsewhere => return Ok(Redriven::Before),
                Reopened::NotFailed => return Ok(Redriven::Impossible("its video has not failed")),
                Reopened::NotWanted => return Ok(Redriven::Impossible("its job was cancelled")),
                Reopened::Missing => return Ok(Redriven::Impossible("its job is gone")),
                Reopened::Ending => break,
            }
        }
        Err(TableError::Unavailable("its job is just ending".to_owned()))
    }

    /// A delivery that goes on is due some time; one that has ended is due no more.
    async fn redrive_delivery(&self, key: &Key, mark: &Elsewhere<'_>) -> Result<Redriven, TableError> {
        let delivery = self.deliveries.table.get_item(key, true).await?;
        if !delivery.is_some_and(|delivery| Condition::Exists("redeliver_at").holds(&delivery)) {
            return Ok(Redriven::Impossible("its delivery has ended"));
        }
        match mark.table.update(&mark.key, mark.update.clone()).await {
            Ok(_) => {
                self.deliveries.queue.hint(&Hint::goes_on(key.clone()), Duration::ZERO).await;
                Ok(Redriven::Sent)
            }
            Err(TableError::ConditionFailed(_)) => Ok(Redriven::Before),
            Err(error) => Err(error),
        }
    }
}

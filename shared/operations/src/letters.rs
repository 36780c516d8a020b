//! Dead letters of every queue: listed, redriven, purged.

use jobs::{DeadLetter, Elsewhere, Hint, LetterId, Redriven, Reopened};
use table::{Condition, Key, TableError, decode};
use videos::Work;

use crate::Operations;
use crate::audit::{Action, Outcome, Told};
use crate::jobs::kind::Kind;
use crate::operator::Operator;

/// The queue of deliveries, as its letters name it.
const WEBHOOKS: &str = "webhooks";
/// The queues whose letters are kept. Those of the queue of browsers are tasks' too, and are kept under `extract`.
pub const QUEUES: [&str; 4] = [Kind::Extract.as_str(), Kind::Portal.as_str(), Kind::Video.as_str(), WEBHOOKS];

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
        let outcome = if self.0 == 0 { Outcome::Refused } else { Outcome::Done };
        (outcome, Some(format!("{} deleted", self.0)))
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
        let (mut after, first) = (after, after.map(LetterId::queue));
        let queues = QUEUES.into_iter().filter(|name| queue.is_none_or(|queue| queue == *name));
        for queue in queues.skip_while(|queue| first.is_some_and(|first| first != *queue)) {
            let wanted = limit.saturating_sub(u32::try_from(letters.len()).unwrap_or(limit));
            if wanted == 0 {
                break;
            }
            letters.extend(self.letters.list(queue, after.take(), wanted).await?);
        }
        let is_full = letters.len() >= limit as usize;
        let next = letters.last().filter(|_| is_full).map(DeadLetter::id);
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
        match letter.queue.as_str() {
            extract::QUEUE_KIND => self.jobs.redrive(&job, &mark).await,
            portals::QUEUE_KIND => self.portals.jobs.redrive(&job, &mark).await,
            videos::QUEUE_KIND => self.redrive_video(&job, &mark).await,
            WEBHOOKS => self.redrive_delivery(&job, &mark).await,
            _ => Ok(Redriven::Impossible("its queue is not known")),
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

    /// Deletes up to `limit` letters of a queue, the newest first, and says how many.
    pub async fn purge_some(&self, by: &Operator, queue: &str, limit: u32) -> Result<usize, TableError> {
        let asked = self.audit.asked(by, Action::PurgeLetters, &format!("letters/{queue}")).await?;
        let purged = self.delete_some(queue, limit).await.map(Purged);
        asked.told(purged).await.map(|purged| purged.0)
    }

    async fn delete_some(&self, queue: &str, limit: u32) -> Result<usize, TableError> {
        let ids: Vec<_> = self.letters.list(queue, None, limit).await?.iter().map(DeadLetter::id).collect();
        self.letters.delete(&ids).await?;
        Ok(ids.len())
    }

    /// A video is a part of its job, and is taken up as its tenant would; a job is as any other.
    async fn redrive_video(&self, key: &Key, mark: &Elsewhere<'_>) -> Result<Redriven, TableError> {
        let jobs = &self.videos.jobs;
        let Some(item) = jobs.table.get_item(key, true).await? else {
            return Ok(Redriven::Impossible("its job is gone"));
        };
        let Work::Video(video) = decode(item)? else { return jobs.redrive(key, mark).await };
        if !video.job.status.is_final() {
            return jobs.queue.send_again(key, mark).await;
        }
        match self.videos.reopen(&video, Some(mark)).await? {
            Reopened::Waits => Ok(Redriven::Waits),
            Reopened::Elsewhere => Ok(Redriven::Before),
            Reopened::NotFailed => Ok(Redriven::Impossible("its video has not failed")),
            Reopened::NotWanted => Ok(Redriven::Impossible("its job was cancelled")),
            Reopened::Missing => Ok(Redriven::Impossible("its job is gone")),
            Reopened::Ending => Err(TableError::Unavailable("its job is just ending".to_owned())),
        }
    }

    /// A delivery that goes on is due some time; one that has ended is due no more.
    async fn redrive_delivery(&self, key: &Key, mark: &Elsewhere<'_>) -> Result<Redriven, TableError> {
        let delivery = self.deliveries.table.get_item(key, true).await?;
        if delivery.is_some_and(|delivery| Condition::Exists("redeliver_at").holds(&delivery)) {
            return self.deliveries.queue.send_again(key, mark).await;
        }
        Ok(Redriven::Impossible("its delivery has ended"))
    }
}

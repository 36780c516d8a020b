//! What an operator does to a job: cancels it, takes it up again.

use jobs::{Cancelled, Redriven, Reopened, Status};
use table::{TableError, Update};
use videos::{Video, VideoJob, Work};

use super::detail::part_key;
use super::kind::Kind;
use super::name::JobName;
use super::record::Record;
use crate::Operations;
use crate::act::{Act, ActError, Acted};
use crate::audit::{Action, Asked};
use crate::operator::Operator;

/// How many videos of a job are taken up again at once.
const MOST_RETRIED: usize = 25;

impl Operations {
    /// Ends a job that has not ended, as its owner would: what it has used is charged, and a worker that is at it is told by its next step. That it was done
    /// is written down with it, in one transaction. Of a task whose batches were not all cleared away then, asking again clears them away.
    pub async fn cancel(&self, by: &Operator, name: &JobName) -> Act {
        let asked = self.audit.asked(by, Action::CancelJob, &name.to_string()).await?;
        let act = Box::pin(self.end(name, &asked)).await;
        asked.told(act).await
    }

    async fn end(&self, name: &JobName, asked: &Asked<'_>) -> Act {
        let Some(record) = self.record(name).await? else { return Err(ActError::Missing) };
        let done = asked.done();
        let cancelled = match &record {
            Record::Task(task) => self.tasks.cancel(&task.user_id, task.id, &self.results, &done).await?,
            Record::Portal(_) | Record::Video(_) => {
                self.jobs_of(name.kind).cancel_with(record.key(), Some(&done)).await?
            }
        };
        match cancelled {
            Cancelled::Now { .. } => Ok(Acted::DONE),
            Cancelled::AlreadyEnded => Ok(Acted::refused("it had ended before")),
            Cancelled::Missing => Err(ActError::Missing),
        }
    }

    /// Takes a job up again that has failed, as if it were submitted now; of a video job whose videos have failed, up to 25 of those. One that has not ended
    /// gets its message again. That it was done is written down with it, in one transaction; of several videos, with the first of them.
    pub async fn retry(&self, by: &Operator, name: &JobName) -> Act {
        let asked = self.audit.asked(by, Action::RetryJob, &name.to_string()).await?;
        let act = Box::pin(self.take_job_up(name, &asked)).await;
        asked.told(act).await
    }

    async fn take_job_up(&self, name: &JobName, asked: &Asked<'_>) -> Act {
        let Some(record) = self.record(name).await? else { return Err(ActError::Missing) };
        if let Record::Video(job) = &record
            && job.job.status.is_final()
            && job.job.children.is_some()
        {
            return self.take_videos_up(job, asked).await;
        }
        let done = asked.done();
        let redriven = match &record {
            Record::Portal(job) => self.portals.redrive(&job.key, &done).await?,
            Record::Task(_) | Record::Video(_) => {
                self.jobs_of(name.kind).redrive(record.key(), &Update::new(), &done).await?
            }
        };
        Ok(match redriven {
            Redriven::Waits => Acted::DONE,
            Redriven::Sent => Acted::Done(Some("it had not ended: its message was sent again".to_owned())),
            Redriven::Before => Acted::refused("it changed meanwhile"),
            Redriven::Impossible(why) => Acted::refused(why),
        })
    }

    /// Takes the failed videos of a job up again, some of them at a time. Once one is taken up, what hinders others is no refusal, nor a failure: it is told how
    /// many there were.
    async fn take_videos_up(&self, job: &VideoJob, asked: &Asked<'_>) -> Act {
        let mut retried = 0;
        let videos = self.videos.videos_of(job).await?;
        let failed: Vec<_> = videos.into_iter().filter(|video| video.job.status == Status::Failed).collect();
        for video in failed.iter().take(MOST_RETRIED) {
            let done = (retried == 0).then(|| asked.done());
            match self.videos.reopen(video, done.as_ref()).await {
                Ok(Reopened::Waits) => retried += 1,
                Ok(Reopened::NotFailed | Reopened::Missing | Reopened::Elsewhere) => {}
                obstacle if retried > 0 => {
                    tracing::warn!(?obstacle, job = job.key.sk, "not all of its videos were taken up again");
                    break;
                }
                Ok(Reopened::NotWanted) => return Ok(Acted::refused("the job was cancelled")),
                Ok(Reopened::Ending) => {
                    return Err(TableError::Unavailable("the job is just ending".to_owned()).into());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(match (retried, failed.len()) {
            (0, 0) => Acted::refused("none of its videos has failed"),
            (0, _) => Acted::refused("its videos changed meanwhile"),
            (retried, failed) => Acted::Done(Some(format!("{retried} of {failed} failed videos"))),
        })
    }

    /// Takes a part of a video job up again that has failed, by its number; the job runs again until it has ended. Parts of other jobs are settled with them.
    pub async fn retry_part(&self, by: &Operator, name: &JobName, number: u64) -> Act {
        let asked = self.audit.asked(by, Action::RetryJob, &format!("{name}#{number}")).await?;
        let act = Box::pin(self.take_part_up(name, number, &asked)).await;
        asked.told(act).await
    }

    async fn take_part_up(&self, name: &JobName, number: u64, asked: &Asked<'_>) -> Act {
        let Some(video) = self.video(name, number).await? else { return Err(ActError::Missing) };
        Ok(match self.videos.reopen(&video, Some(&asked.done())).await? {
            Reopened::Waits => Acted::DONE,
            Reopened::NotFailed => Acted::refused("it has not failed"),
            Reopened::NotWanted => Acted::refused("its job was cancelled"),
            Reopened::Elsewhere => Acted::refused("it changed meanwhile"),
            Reopened::Missing => return Err(ActError::Missing),
            Reopened::Ending => return Err(TableError::Unavailable("the job is just ending".to_owned()).into()),
        })
    }

    /// A video of a job; none of any other kind of job.
    async fn video(&self, name: &JobName, number: u64) -> Result<Option<Video>, TableError> {
        if name.kind != Kind::Video {
            return Ok(None);
        }
        let Some(record) = self.record(name).await? else { return Ok(None) };
        let Some(join) = &record.job().children else { return Ok(None) };
        let work: Option<Work> = self.videos.jobs.table.get(&part_key(join, number)).await?;
        Ok(match work {
            Some(Work::Video(video)) => Some(*video),
            Some(Work::Job(_)) | None => None,
        })
    }
}

//! Knows video jobs: what is asked for, the videos that a job has found and how far each is, schedules and when they are due, and what is counted
//! of it all. Knows nothing of HTTP, nor of how videos are fetched or kept. A tenant is whom an API key belongs to. Table `video`:
//!
//! | pattern | key condition | index |
//! |---|---|---|
//! | a tenant's account: slots, and how many jobs there are | `pk = TENANT#tenant`, `sk = ACCOUNT` | – |
//! | how many videos and schedules a tenant has | the same `pk`, `sk = COUNTS` | – |
//! | a tenant's jobs by creation | the same `pk`, `sk` begins with `JOB#`, ends with the job's id | – |
//! | a tenant's jobs of a status | the same `pk`, `status = running` | `by_status` (local) |
//! | those that wait, in their order | the same `pk`, ordered by `turn` | `by_turn` (local) |
//! | a tenant's schedules | the same `pk`, `sk` begins with `SCHEDULE#`, ends with its id | – |
//! | the videos of a job | `pk` of the job's join (`jobs::PartOf`), `sk` begins with `CHILD#` | – |
//! | schedules that are disabled | `listed_by = PAUSED`, ordered by `listed_as` | `listed` |
//! | a tenant's videos, newest job first | `listed_by = tenant`, ordered by `listed_as` | `listed` |
//! | those of a source | `source = tenant#value`, ordered by `listed_as` | `by_source` |
//! | the records of one video, newest first | `video_of = tenant#id`, ordered by `listed_as` | `by_video` |
//! | what is in a folder already | `pk = FOLDER#tenant#folder`, `sk = VIDEO#id` | – |
//! | jobs and videos whose message was lost | `job_kind = video`, `redeliver_at <= now` | `due` |
//! | schedules that are due | `job_kind = video-schedule`, `redeliver_at <= now` | `due` |
//! | deleted jobs that are not cleared away | `job_kind = video-deleted`, `redeliver_at <= now` | `due` |
//! | the job or schedule of an id | `id` | `ids` |
//! | when the scheduler last ran | `pk = SCHEDULER`, `sk = HEARTBEAT` | – |
//!
//! A video is a child of its job (`jobs::Run::fan_out`) and stays when that has ended: it is what the job has made. How far a job is, is told by
//! its join. Counts are changed in the transactions that change what they count.

mod counts;
mod deletion;
mod environment;
mod heartbeat;
mod input;
mod keys;
mod list;
mod order;
mod retry;
mod schedule;
mod schedules;
mod start;
mod store;
mod video;
mod work;

pub use counts::Counts;
pub use deletion::DeleteError;
pub use environment::{QUEUE_KIND, open, open_jobs};
pub use input::{InputError, LONGEST_VALUE, OrderForm, ScheduleForm};
pub use keys::{account_key, counts_key, job_key, job_of_change, schedule_key};
pub use list::{Filter, JobPage, ListError, VideoPage};
pub use order::{Mode, Order};
pub use retry::RetryError;
pub use schedule::{MOST_SCHEDULES, NewSchedule, Schedule, ScheduleChange};
pub use schedules::{ScheduleError, Schedules};
pub use start::{RunNow, SCHEDULE_KIND};
pub use store::{CancelError, Overview, Shown, VideoJob, VideoJobs};
pub use video::{Found, Metadata, Stage, Stored, Upload, Video, VideoStatus};
pub use work::{Failure, Work};

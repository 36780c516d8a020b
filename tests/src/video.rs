//! A caller of the video jobs, and a worker that does what the scraper does, but fetches nothing: a test says what a source lists, and what
//! becomes of each video.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, ensure};
use api::identity::{Identity, KeyKind, KeyRecord};
use jobs::{Claimed, Hint, Lost, Run};
use reqwest::{Method, RequestBuilder};
use secrets::ApiKey;
use serde_json::{Value as Json, json};
use table::Clock;
use tokio::sync::Mutex;
use uuid::Uuid;
use videos::{
    Failure, Found, Metadata, Mode, Order, Schedules, Shown, Stage, Stored, Video, VideoJob, VideoJobs, Work,
};

use crate::answer::Answer;
use crate::stack::Stack;
use crate::user::{any_loopback_address, client_from};

/// After how many requests a tenant takes another key: before the bucket of one is empty.
const REQUESTS_OF_A_KEY: usize = 15;

/// A tenant who calls. Its keys change before any of them reaches its limit.
#[derive(Clone, Debug)]
pub struct VideoClient {
    /// Whose the jobs are.
    pub tenant: String,
    identities: Identity,
    url: String,
    client: reqwest::Client,
    key: Arc<Mutex<String>>,
    calls: Arc<AtomicUsize>,
}

impl Stack {
    /// A new tenant.
    pub async fn video_client(&self) -> anyhow::Result<VideoClient> {
        let identities = Identity::new(self.table("identity"), Clock::system());
        let tenant = Uuid::new_v4().to_string();
        let key = add_key(&identities, &tenant).await?;
        Ok(VideoClient {
            tenant,
            identities,
            url: self.url.clone(),
            client: client_from(any_loopback_address())?,
            key: Arc::new(Mutex::new(key)),
            calls: Arc::default(),
        })
    }

    /// A new tenant of whose jobs no worker hears: what functions tell the queue of them is refused. So a test that calls the API is their only worker
    /// all the same, by a [`Studio`].
    pub async fn unheard_client(&self) -> anyhow::Result<VideoClient> {
        let client = self.video_client().await?;
        self.silence(&client.tenant).await?;
        Ok(client)
    }

    /// Video jobs whose messages nobody gets, of this clock's time. Those that the API sends of them are refused too: [`Stack::unheard_client`].
    pub async fn studio(&self, clock: Clock) -> anyhow::Result<Studio> {
        let mut jobs = self.unheard_jobs(videos::QUEUE_KIND, clock).await?;
        jobs.policy.attempts = 3;
        Ok(Studio { jobs: VideoJobs::new(jobs, 2, 3) })
    }
}

/// A key of this tenant.
async fn add_key(identities: &Identity, tenant: &str) -> anyhow::Result<String> {
    let key = ApiKey::generate("sk_test_").map_err(|_| anyhow::anyhow!("no randomness"))?;
    let record = KeyRecord {
        kind: KeyKind::Video,
        id: Uuid::new_v4().to_string(),
        user_id: tenant.to_owned(),
        is_operator: false,
        name: "test".to_owned(),
        description: None,
        preview: key.preview(),
        permissions: Vec::new(),
        is_active: true,
        last_used_at: None,
        created_at: Clock::system().now(),
    };
    identities.add_key(&key.hash(), &record).await?;
    Ok(key.reveal().to_owned())
}

impl VideoClient {
    /// A new key of this tenant.
    pub async fn new_key(&self) -> anyhow::Result<String> {
        add_key(&self.identities, &self.tenant).await
    }

    /// A request with a key of the tenant's.
    pub async fn request(&self, method: Method, path: &str) -> anyhow::Result<RequestBuilder> {
        let mut key = self.key.lock().await;
        if self.calls.fetch_add(1, Ordering::Relaxed) % REQUESTS_OF_A_KEY == REQUESTS_OF_A_KEY - 1 {
            *key = self.new_key().await?;
        }
        Ok(self.anonymous(method, path).header("X-API-Key", key.as_str()))
    }

    /// A request without a key.
    pub fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}/api/v1{path}", self.url))
    }

    /// Calls an endpoint, and gives whatever it answers.
    pub async fn call(&self, method: Method, path: &str) -> anyhow::Result<Answer> {
        Answer::of(self.request(method, path).await?.send().await?).await
    }

    /// Calls an endpoint with a body, and gives whatever it answers.
    pub async fn send(&self, method: Method, path: &str, body: &Json) -> anyhow::Result<Answer> {
        Answer::of(self.request(method, path).await?.json(body).send().await?).await
    }

    /// `GET`s a path, which must be there.
    pub async fn get(&self, path: &str) -> anyhow::Result<Json> {
        self.call(Method::GET, path).await?.success(200)
    }

    /// Makes a schedule, and gives it.
    pub async fn schedule(&self, name: &str, interval_minutes: u32) -> anyhow::Result<Json> {
        let new = json!({"name": name, "mode": "profile", "value": "khaby.lame", "interval_minutes": interval_minutes});
        self.send(Method::POST, "/scheduled-jobs", &new).await?.success(201)
    }
}

/// Video jobs whose messages go nowhere: a test decides what becomes of them, and when.
#[derive(Clone, Debug)]
pub struct Studio {
    /// The jobs.
    pub jobs: VideoJobs,
}

/// What a job of `value` is to fetch.
#[must_use]
pub fn order(value: &str) -> Order {
    Order {
        mode: Mode::Profile,
        value: value.to_owned(),
        limit: 50,
        no_watermark: true,
        since: None,
        until: None,
        drive_folder_id: None,
    }
}

/// A video as a source lists it, of `author`, with a hashtag.
#[must_use]
pub fn found(id: &str, author: &str) -> Found {
    let metadata = Metadata {
        url: format!("https://www.tiktok.com/@{author}/video/{id}"),
        author_username: Some(author.to_owned()),
        hashtags: vec!["Funny".to_owned()],
        views: Some(1_000_000),
        ..Metadata::default()
    };
    Found { id: id.to_owned(), metadata }
}

/// Where a video is stored, in Google Drive, of `bytes` bytes.
#[must_use]
pub fn stored(id: &str, bytes: u64) -> Stored {
    Stored {
        folder_path: "TikTok/profile/khaby.lame/2025/01".to_owned(),
        drive_file_id: Some(format!("file-{id}")),
        video_link: Some(format!("https://drive.google.com/file/d/file-{id}/view")),
        metadata_link: Some(format!("https://drive.google.com/file/d/metadata-{id}/view")),
        object_key: None,
        bytes,
    }
}

impl Studio {
    /// The schedules of these jobs.
    #[must_use]
    pub fn schedules(&self) -> Schedules {
        Schedules::new(self.jobs.clone())
    }

    /// A new job of this tenant that has listed these videos.
    pub async fn listed(&self, tenant: &str, value: &str, videos: &[&str]) -> anyhow::Result<VideoJob> {
        let job = self.jobs.create(tenant, order(value)).await?.job;
        let found = videos.iter().map(|id| found(id, value)).collect();
        self.list(&job, found).await?;
        self.reload(&job).await
    }

    /// The job lists what its source has.
    pub async fn list(&self, job: &VideoJob, found: Vec<Found>) -> anyhow::Result<()> {
        let Claimed::Run(run, work) = self.jobs.jobs.claim::<Work>(&job.key, "a worker").await? else {
            anyhow::bail!("the job is not to be had")
        };
        ensure!(matches!(*work, Work::Job(_)), "a video in place of its job");
        Ok(self.jobs.hand_out(*run, job, found, Vec::new()).await?)
    }

    /// The job as it is now.
    pub async fn reload(&self, job: &VideoJob) -> anyhow::Result<VideoJob> {
        Ok(self.shown(job).await?.job)
    }

    /// The job as it is now, and how far.
    pub async fn shown(&self, job: &VideoJob) -> anyhow::Result<Shown> {
        self.jobs.get(&job.tenant, job.id).await?.context("the job is gone")
    }

    /// The next of the job's videos that waits, if one does and a slot is free.
    pub async fn next(&self, job: &VideoJob) -> anyhow::Result<Option<(Run, Video)>> {
        let videos = self.jobs.videos_of(job).await?;
        let hint = Hint::waits(videos.first().context("the job has no videos")?.key.clone());
        match self.jobs.jobs.take::<Work>(&hint, "a worker").await? {
            Claimed::Run(run, work) => match *work {
                Work::Video(video) => Ok(Some((*run, *video))),
                Work::Job(_) => anyhow::bail!("a job in place of its video"),
            },
            Claimed::Nothing(_) => Ok(None),
        }
    }

    /// A worker downloads and stores a video.
    pub async fn upload(&self, mut run: Run, video: &Video, bytes: u64) -> Result<(), Lost> {
        let metadata = Metadata { file_size: Some(bytes), duration_ms: Some(15_500), ..video.metadata.clone() };
        VideoJobs::downloading(&mut run, &metadata).await?;
        VideoJobs::downloaded(&mut run, &metadata).await?;
        VideoJobs::uploading(&mut run).await?;
        VideoJobs::uploaded(run, video, metadata, stored(&video.video_id, bytes), Vec::new()).await
    }

    /// A worker gives a video up.
    pub async fn fail(&self, mut run: Run, video: &Video, stage: Stage) -> Result<(), Lost> {
        VideoJobs::downloading(&mut run, &video.metadata).await?;
        if stage != Stage::Downloading {
            VideoJobs::downloaded(&mut run, &video.metadata).await?;
        }
        VideoJobs::failed(run, video, Some(stage), Failure::Final, "The video is gone", Vec::new()).await
    }

    /// Works through a job's videos: those whose ids `fails` names fail.
    pub async fn work_through(&self, job: &VideoJob, fails: &[&str]) -> anyhow::Result<()> {
        while let Some((run, video)) = Box::pin(self.next(job)).await? {
            if fails.contains(&video.video_id.as_str()) {
                Box::pin(self.fail(run, &video, Stage::Downloading)).await?;
            } else {
                Box::pin(self.upload(run, &video, 1_000)).await?;
            }
        }
        Box::pin(self.conclude(job)).await
    }

    /// The job is put together whose videos have ended.
    pub async fn conclude(&self, job: &VideoJob) -> anyhow::Result<()> {
        let hint = Hint::goes_on(job.key.clone());
        let Claimed::Run(run, work) = self.jobs.jobs.take::<Work>(&hint, "a worker").await? else {
            anyhow::bail!("the job is not to be had")
        };
        let Work::Job(job) = *work else { anyhow::bail!("a video in place of its job") };
        Ok(self.jobs.conclude(*run, &job, Vec::new()).await?)
    }
}

impl Answer {
    /// What is told by the error of the video jobs, which this must be with this status: `{"detail": "…"}`.
    pub fn video_error(&self, status: u16) -> anyhow::Result<String> {
        let body = self.success(status)?;
        ensure!(self.header("content-type") == Some("application/json"), "not JSON by its header: {self:?}");
        ensure!(self.header("x-request-id").is_some(), "no X-Request-Id: {self:?}");
        ensure!(body.as_object().is_some_and(|body| body.len() == 1), "more than a detail: {body}");
        body["detail"].as_str().filter(|text| !text.is_empty()).map(str::to_owned).context("no detail")
    }

    /// That it is a 204, and says nothing.
    pub fn success_empty(&self) -> anyhow::Result<()> {
        ensure!(self.status == 204 && self.body.is_empty(), "not an empty 204: {self:?}");
        Ok(())
    }

    /// Where the faults are that a 422 of the video jobs names, as `body.mode`, sorted.
    pub fn video_faults(&self) -> anyhow::Result<Vec<String>> {
        let body = self.success(422)?;
        let mut places = Vec::new();
        for detail in body["detail"].as_array().with_context(|| format!("no list: {body}"))? {
            let fields: Vec<_> = detail.as_object().context("no object")?.keys().map(String::as_str).collect();
            ensure!(fields == ["loc", "msg", "type"], "another form: {detail}");
            let is_text = |field: &str| detail[field].as_str().is_some_and(|text| !text.is_empty());
            ensure!(is_text("msg") && is_text("type"), "nothing told: {detail}");
            let place = detail["loc"].as_array().context("no place")?.iter();
            let place: Vec<_> =
                place.map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned)).collect();
            places.push(place.join("."));
        }
        places.sort();
        Ok(places)
    }
}

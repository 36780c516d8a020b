//! What has come of a job of videos, and what of that is not as it should be.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::PathBuf;

use anyhow::{Context, ensure};
use drover_tests::process::{Workers, running};
use drover_tests::scene::{Scene, counts};
use drover_tests::video::Studio;
use drover_tests::video_platform::{Posted, file};
use google_drive_stand_in::Seen;
use jobs::Slots;
use serde_json::{Value as Json, json};
use table::Millis;
use videos::{Video, VideoJob};

/// As the folders of yt-dlp's runs are called.
const SCRATCH: &str = "drover-yt-dlp-";
/// How many videos a page has.
const PAGE: usize = 50;

/// What has come of a job, as its tenant, the table, Google Drive and this machine tell it.
#[derive(Clone)]
pub(super) struct Outcome {
    /// What the job is shown as.
    pub(super) told: Json,
    /// What the tenant's videos are listed as.
    pub(super) listed: Vec<Json>,
    stats: Json,
    /// What is stored of the videos.
    pub(super) videos: Vec<Video>,
    slots: Slots,
    /// The files and folders in Google Drive.
    pub(super) files: Vec<Seen>,
    /// What nobody who lives needs: temporary folders, programs.
    pub(super) left: Vec<PathBuf>,
}

/// What is spoilt of an outcome, to see whether it is noticed.
type Spoil = (&'static str, fn(&mut Outcome));

const SPOILS: [Spoil; 10] = [
    ("a video twice in Google Drive", |of| of.files.extend(of.files.iter().find(|file| file.size.is_some()).cloned())),
    ("a folder twice", |of| of.files.extend(of.files.iter().find(|file| file.size.is_none()).cloned())),
    ("nothing that is known of one", |of| {
        let place = of.files.iter().position(|file| file.mime_type == "application/json");
        drop(place.map(|place| of.files.remove(place)));
    }),
    ("a file cut short", |of| {
        let video = of.files.iter_mut().find(|file| file.mime_type == "video/mp4");
        video.and_then(|file| file.size.as_mut()).into_iter().for_each(|size| *size -= 1);
    }),
    ("one counted twice", |of| of.told["job"]["successful_downloads"] = json!(201)),
    ("bytes counted twice", |of| of.stats["total_storage_bytes"] = json!(1)),
    ("a video that did not end", |of| of.told["videos"][7]["status"] = json!("uploading")),
    ("a video listed twice", |of| of.listed.extend(of.listed.first().cloned())),
    ("a slot lost", |of| of.slots.slots_free -= 1),
    ("a folder left", |of| of.left.push(format!("{SCRATCH}0").into())),
];

impl Outcome {
    /// What has come of it by now.
    pub(super) async fn of(scene: &Scene, studio: &Studio, job: &VideoJob) -> anyhow::Result<Self> {
        let mut listed = Vec::new();
        loop {
            let page = scene.client.get(&format!("/videos?limit={PAGE}&offset={}", listed.len())).await?;
            let videos = page["videos"].as_array().context("no videos")?;
            listed.extend(videos.iter().cloned());
            if videos.len() < PAGE {
                break;
            }
        }
        let folder = std::env::var("DROVER_FOLDER").context("no DROVER_FOLDER")?;
        Ok(Self {
            told: scene.client.get(&format!("/jobs/{}", job.id)).await?,
            listed,
            stats: scene.client.get("/stats").await?,
            videos: studio.jobs.videos_of(&studio.reload(job).await?).await?,
            slots: studio.jobs.overview(&scene.client.tenant).await?.account.slots,
            files: scene.folder.everything().await?,
            left: left(&Workers::of(&folder, &format!("{}-video-scraper", scene.stack.name)), &scene.name)?,
        })
    }

    /// What is not as it should be of the one job of a tenant that was to fetch these videos of a profile.
    pub(super) fn faults(&self, ids: &[String], profile: &str) -> Vec<String> {
        let (mut faults, count) = (Vec::new(), ids.len() as u64);
        let mut expect = |is_so: bool, what: &str, found: String| {
            if !is_so {
                faults.push(format!("{what}: {found}"));
            }
        };
        let job = &self.told["job"];
        expect(
            job["status"] == "completed" && counts(&self.told) == (100, count, count, 0),
            "the job",
            job.to_string(),
        );
        let shown = self.told["videos"].as_array().map(Vec::as_slice).unwrap_or_default();
        for (what, videos) in [("the job's videos", shown), ("the tenant's videos", &self.listed)] {
            let is_each = videos.iter().map(|video| &video["id"]).eq(ids);
            let is_well = videos.iter().all(|video| video["status"] == "uploaded");
            expect(is_each && is_well, what, format!("{} of them", videos.len()));
        }
        let bytes: u64 = ids.iter().map(|id| size_of(id)).sum();
        let stats = json!({
            "total_jobs": 1, "pending_jobs": 0, "running_jobs": 0, "completed_jobs": 1, "failed_jobs": 0, "cancelled_jobs": 0,
            "total_videos": count, "downloaded_videos": count, "uploaded_videos": count, "failed_videos": 0,
            "total_storage_bytes": bytes, "scheduled_jobs_count": 0, "active_scheduled_jobs": 0,
        });
        expect(self.stats == stats, "the statistics", self.stats.to_string());
        expect(self.slots.slots == self.slots.slots_free, "the tenant's slots", format!("{:?}", self.slots));
        let held: Vec<_> = self.videos.iter().filter(|video| video.job.lease.lease_owner.is_some()).collect();
        expect(held.is_empty(), "what workers hold", format!("{held:?}"));
        let differs = self.differs(&expected_paths(ids, profile));
        expect(differs.is_empty(), "Google Drive", differs.join(", "));
        for (video, id) in self.videos.iter().zip(ids) {
            let wrong = self.wrong_files(video, id);
            expect(wrong.is_none(), id, wrong.unwrap_or_default());
        }
        expect(self.left.is_empty(), "what is left on this machine", format!("{:?}", self.left));
        faults
    }

    /// What is too much or missing in Google Drive.
    fn differs(&self, expected: &[String]) -> Vec<String> {
        let mut found: BTreeMap<&str, i64> = BTreeMap::new();
        for file in &self.files {
            *found.entry(&file.path).or_default() += 1;
        }
        for path in expected {
            *found.entry(path).or_default() -= 1;
        }
        let differs = found.into_iter().filter(|(_, count)| *count != 0);
        differs.map(|(path, count)| format!("{count:+} {path}")).collect()
    }

    /// What is wrong with a video's file, what is known of it, and the record of both.
    fn wrong_files(&self, video: &Video, id: &str) -> Option<String> {
        let named = |kind: &str| self.files.iter().find(|file| file.path.ends_with(&format!("/{id}.{kind}")));
        let (Some(file), Some(beside)) = (named("mp4"), named("json")) else { return Some("no files".to_owned()) };
        let Some(stored) = &video.stored else { return Some("no record".to_owned()) };
        let known: Json = serde_json::from_str(beside.text.as_deref().unwrap_or_default()).unwrap_or_default();
        let is_whole = file.size == Some(size_of(id)) && stored.bytes == size_of(id) && known["id"] == *id;
        let is_its = stored.drive_file_id.as_ref() == Some(&file.id)
            && stored.metadata_link.as_ref().is_some_and(|link| link.contains(&beside.id));
        (!is_whole || !is_its).then(|| format!("{file:?}, {known}, {stored:?}"))
    }

    /// The negative control: whatever of it is spoilt is noticed.
    pub(super) fn assert_spoils_are_noticed(&self, ids: &[String], profile: &str) -> anyhow::Result<()> {
        for (what, spoil) in SPOILS {
            let mut outcome = self.clone();
            spoil(&mut outcome);
            ensure!(!outcome.faults(ids, profile).is_empty(), "not noticed: {what}");
        }
        Ok(())
    }
}

fn size_of(id: &str) -> u64 {
    file(id, false).len() as u64
}

/// One folder of each name, and of each video its file and what is known of it.
fn expected_paths(ids: &[String], profile: &str) -> Vec<String> {
    let base = ["TikTok", "TikTok/profile"].map(str::to_owned);
    let profile = format!("TikTok/profile/{profile}");
    let (mut folders, mut files) = (Vec::from(base), Vec::new());
    for (hours, id) in (0..).zip(ids) {
        let created = Posted::videos(0).newest - hours * 3_600;
        let day = Millis(u64::try_from(created).unwrap_or(0) * 1_000).day();
        let year = format!("{profile}/{}", &day[..4]);
        let month = format!("{year}/{}", &day[5..7]);
        files.extend(["mp4", "json"].map(|kind| format!("{month}/{id}.{kind}")));
        folders.extend([profile.clone(), year, month]);
    }
    folders.sort();
    folders.dedup();
    [folders, files].concat()
}

/// The temporary folders of yt-dlp that nobody who lives has, or one of these workers; and the programs that still run for a profile.
fn left(workers: &Workers, profile: &str) -> anyhow::Result<Vec<PathBuf>> {
    let (open, mut left) = (workers.open_files()?, running(&format!("@{profile}"))?);
    for path in fs::read_dir(std::env::temp_dir())?.flatten().map(|entry| entry.path()) {
        let is_scratch = path.file_name().and_then(OsStr::to_str).is_some_and(|name| name.starts_with(SCRATCH));
        let is_dead = if path.extension() == Some(OsStr::new("lock")) {
            // Whose owner lives, of another stack too, is locked.
            File::open(&path).is_ok_and(|lock| lock.try_lock().is_ok())
        } else {
            !path.with_extension("lock").exists() && path.exists()
        };
        if is_scratch && (is_dead || open.contains(&path)) {
            left.push(path);
        }
    }
    Ok(left)
}

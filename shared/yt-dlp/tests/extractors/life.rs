//! What is left of a run that did not end by itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use drover_tests::video_platform::{Kind, Posted, Trouble};
use yt_dlp::{Access, Download, Fault, Listing, Settings, Source, Upstream, YtDlp};

use crate::setup::{World, names};

/// The processes that were started in this folder, or below it.
fn processes(folder: &Path) -> Vec<PathBuf> {
    let all = fs::read_dir("/proc").unwrap().filter_map(Result::ok).map(|entry| entry.path());
    all.filter(|process| fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder))).collect()
}

/// Waits for something that comes soon.
async fn until(what: &str, mut is: impl FnMut() -> bool) {
    let wait = async {
        while !is() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_mins(1), wait).await.is_ok(), "{what}");
}

#[tokio::test]
async fn what_takes_too_long_ends() {
    let world = World::new().await;
    let slow = world.video(Posted::videos(1).but(0, Trouble::Slow), 0);
    let wanted = Download { time_limit: Duration::from_secs(4), ..slow };
    assert_eq!(world.download(&wanted).await.map(|_| ()), Err(Fault::TimedOut { limit: Duration::from_secs(4) }));
    assert_eq!(world.leftovers(), Vec::<PathBuf>::new());
    until("the process ends", || processes(&world.settings.folder).is_empty()).await;
}

#[tokio::test]
async fn a_download_that_is_dropped_leaves_nothing() {
    let world = World::new().await;
    let wanted = world.video(Posted::videos(1).but(0, Trouble::Slow), 0);
    let (yt_dlp, access) = (world.yt_dlp(), Access::default());
    let parts =
        || names_below(&world.settings.folder).iter().any(|name| name.extension().is_some_and(|end| end == "part"));
    tokio::select! {
        ended = yt_dlp.download(&wanted, &access, |_| {}) => assert!(ended.is_err(), "it cannot end well"),
        () = until("a part of the file is there", parts) => {}
    }
    assert_eq!(world.leftovers(), Vec::<PathBuf>::new());
    until("the process ends", || processes(&world.settings.folder).is_empty()).await;
}

#[tokio::test]
async fn a_list_that_is_dropped_leaves_nothing() {
    let world = World::new().await;
    let _ = world.platform.post(Kind::Profile, "a", Posted::videos(200));
    let listing = Listing { source: Source::profile("a").unwrap(), limit: 200, since: None, until: None };
    let mut videos = world.yt_dlp().list(&listing, &Access::default()).await.unwrap();
    assert!(videos.next().await.unwrap().is_some());
    assert_eq!(processes(&world.settings.folder).len(), 1);
    drop(videos);
    assert_eq!(world.leftovers(), Vec::<PathBuf>::new());
    until("the process ends", || processes(&world.settings.folder).is_empty()).await;
}

const WORKER: &str = "YT_DLP_TEST_WORKER";

/// Not a test of its own: the worker that the next one kills. It is told where its settings are, and downloads for ever.
#[tokio::test]
async fn worker_that_is_killed() {
    let Ok(told) = std::env::var(WORKER) else { return };
    let [program, python, folder, certificates, proxy, url] = told.split('\n').collect::<Vec<_>>().try_into().unwrap();
    let mut settings = Settings::of(program.into(), python.into()).unwrap();
    settings.folder = folder.into();
    settings.certificates = Some(certificates.into());
    settings.addresses = "127.77.0.0/16".parse().unwrap();
    settings.proxy = Upstream::parse(proxy);
    let _ = YtDlp::new(settings).download(&Download::of(url.parse().unwrap()), &Access::default(), |_| {}).await;
}

#[tokio::test]
async fn what_a_killed_worker_left_is_removed_by_the_next_one() {
    let world = World::new().await;
    let settings = &world.settings;
    let wanted = world.video(Posted::videos(2).but(0, Trouble::Slow), 0);
    let certificates = settings.certificates.as_ref().unwrap().display().to_string();
    let told = [
        settings.program.display().to_string(),
        settings.python.display().to_string(),
        settings.folder.display().to_string(),
        certificates,
        format!("http://{}", world.platform.proxy),
        wanted.url.to_string(),
    ];
    let mut worker = Command::new(std::env::current_exe().unwrap());
    worker
        .args(["--exact", "life::worker_that_is_killed"])
        .env(WORKER, told.join("\n"))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut worker = worker.spawn().unwrap();
    let parts = || names_below(&settings.folder).iter().any(|name| name.extension().is_some_and(|end| end == "part"));
    until("the worker has a part of its file", parts).await;

    worker.kill().unwrap();
    worker.wait().unwrap();
    assert_eq!(world.leftovers().len(), 2, "a killed worker clears up nothing: its folder and its lock are there");
    // Its yt-dlp has no way out any more.
    until("the worker's process ends", || processes(&settings.folder).is_empty()).await;

    let _whole = world.download(&world.video(Posted::videos(2), 1)).await.unwrap();
    assert_eq!(world.leftovers().len(), 2, "the next one's folder and its lock, and no other");
    assert!(!parts(), "a part is left");
}

fn names_below(folder: &Path) -> Vec<PathBuf> {
    // Folders come and go meanwhile.
    let folders = names(folder).into_iter().filter(|name| name.is_dir());
    let files = folders.filter_map(|folder| fs::read_dir(folder).ok());
    files.flatten().filter_map(Result::ok).map(|entry| entry.path()).collect()
}

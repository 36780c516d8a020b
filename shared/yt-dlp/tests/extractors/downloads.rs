//! Files.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use drover_tests::video_platform::{Kind, Posted, Trouble, file};
use yt_dlp::{Access, Download, Watermark};

use crate::setup::World;

#[tokio::test]
async fn a_video_is_a_file_as_long_as_it_is_held() {
    let world = World::new().await;
    let wanted = world.video(Posted::videos(3), 1);
    let downloaded = world.download(&wanted).await.unwrap();
    let content = fs::read(&downloaded.path).unwrap();
    assert_eq!(content, file(&downloaded.video.id, false));
    assert_eq!(downloaded.size, content.len() as u64);
    assert_eq!((downloaded.extension.as_str(), downloaded.has_watermark), ("mp4", Some(false)));
    assert_eq!(downloaded.video.url, wanted.url);
    assert_eq!(downloaded.video.views, Some(999_999));
    assert_eq!(downloaded.info["uploader"], "author");
    let told = serde_json::to_string(&downloaded.info).unwrap();
    assert!(!told.contains("tiktokcdn") && !told.contains("cookie"), "{told}");
    // Nobody else of the machine may read it.
    let folder = downloaded.path.parent().unwrap().to_owned();
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);

    drop(downloaded);
    assert_eq!(world.leftovers(), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn the_watermarked_file_comes_where_it_is_asked_for() {
    let world = World::new().await;
    let wanted = Download { watermark: Watermark::Keep, ..world.video(Posted::videos(1), 0) };
    let downloaded = world.download(&wanted).await.unwrap();
    assert_eq!(fs::read(&downloaded.path).unwrap(), file(&downloaded.video.id, true));
    assert_eq!(downloaded.has_watermark, Some(true));
}

#[tokio::test]
async fn a_challenge_is_solved() {
    let world = World::new().await;
    let wanted = world.video(Posted::videos(1).but(0, Trouble::Challenge), 0);
    world.download(&wanted).await.unwrap();
    let pages = world.platform.seen().iter().filter(|seen| seen.contains("/video/")).count();
    assert_eq!(pages, 2);
}

#[tokio::test]
async fn progress_is_told() {
    let world = World::of_the_site().await;
    let ids = world.platform.post(Kind::Feed, "a", Posted::videos(1));
    let wanted = world.at(&format!("http://{}/watch/{}", world.platform.site, ids[0]));
    let mut told = Vec::new();
    let downloaded =
        world.yt_dlp().download(&wanted, &Access::default(), |progress| told.push(progress)).await.unwrap();
    let last = told.last().unwrap();
    assert_eq!((last.downloaded_bytes, last.total_bytes), (downloaded.size, Some(downloaded.size)));
    assert!(told.is_sorted_by_key(|progress| progress.downloaded_bytes), "{told:?}");
}

#[tokio::test]
async fn the_callers_folder_is_used() {
    let world = World::new().await;
    let folder = world.settings.folder.join("own");
    fs::create_dir(&folder).unwrap();
    let wanted = Download { folder: Some(folder.clone()), ..world.video(Posted::videos(1), 0) };
    let downloaded = world.download(&wanted).await.unwrap();
    assert_eq!(downloaded.path.parent().unwrap().parent().unwrap(), folder);
}

#[tokio::test]
async fn cookies_are_sent_and_stay_out_of_sight() {
    let world = World::new().await;
    let wanted = world.video(Posted::videos(1).but(0, Trouble::Slow), 0);
    let cookies =
        "# Netscape HTTP Cookie File\n.tiktok.com\tTRUE\t/\tTRUE\t2000000000\tsid_tt\ts3cr3t-cookie\n".to_owned();
    let access = Access { cookies: Some(cookies), ..Access::default() };
    let yt_dlp = world.yt_dlp();
    let download = yt_dlp.download(&wanted, &access, |_| {});
    let look = async {
        // While it downloads, its command line and its environment are there to be read.
        loop {
            if world.platform.seen().iter().any(|seen| seen.contains("tiktokcdn")) {
                return processes(&world.settings.folder.display().to_string());
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let seen = tokio::select! {
        ended = download => Err(ended.map(|_| ())),
        seen = look => Ok(seen),
    }
    .unwrap();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert!(
        seen[0].contains("--config-locations")
            && !seen[0].contains("s3cr3t")
            && !seen[0].contains("7355728856979392262"),
        "{seen:?}"
    );
    for ours in ["CARGO", "YT_DLP", "AWS_"] {
        assert!(!seen[0].contains(ours), "{ours}: {seen:?}");
    }
    assert_eq!(world.leftovers(), Vec::<PathBuf>::new());
    assert!(world.platform.cookies().iter().any(|cookie| cookie.contains("s3cr3t-cookie")));
}

/// The command lines and environments of processes that name this folder.
fn processes(folder: &str) -> Vec<String> {
    let read = |process: &std::path::Path, what: &str| {
        String::from_utf8_lossy(&fs::read(process.join(what)).unwrap_or_default()).replace('\0', " ")
    };
    let all = fs::read_dir("/proc").unwrap().filter_map(Result::ok).map(|entry| entry.path());
    let told = all.map(|process| format!("{} | {}", read(&process, "cmdline"), read(&process, "environ")));
    told.filter(|told| told.contains(folder)).collect()
}

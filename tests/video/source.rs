//! What the scraper does with what a source says, as whom it asks, and where it puts what it gets: a scraper of the test's own, set up for each.

use anyhow::{Context, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use drover_tests::own_scraper::OwnScraper;
use drover_tests::process::running;
use drover_tests::scraper::{Pool, SECRET};
use drover_tests::video_platform::{Kind, Posted, Trouble, file};
use drover_tests::{Stack, eventually};
use jobs::Status;
use serde_json::{Value as Json, json};
use table::{Clock, Millis};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use videos::{Video, VideoStatus};

/// What a video's record says of its last attempt.
fn said(video: &Video) -> &str {
    video.job.error_message.as_deref().unwrap_or_default()
}

#[tokio::test]
async fn what_is_wrong_with_a_video_is_told_apart_in_its_record() -> anyhow::Result<()> {
    // What is for good ends it; what may pass is tried again.
    let troubles = [
        (Trouble::Gone, VideoStatus::Failed, "The source: it does not exist, or not any more"),
        (Trouble::Private, VideoStatus::Failed, "The source: it is private"),
        (Trouble::Login, VideoStatus::Failed, "The source: the site wants somebody who is signed in"),
        (Trouble::Html, VideoStatus::Failed, "The source: what the site sent is not a video"),
        (Trouble::Large, VideoStatus::Failed, "The source: it is larger than 524288000 bytes"),
        (Trouble::Blocked, VideoStatus::Pending, "The source: the site blocks this system"),
        (Trouble::Limited, VideoStatus::Pending, "The source: the site has been asked too often"),
        (Trouble::Broken, VideoStatus::Pending, "The source: the site answered with status 503"),
        (Trouble::Cut, VideoStatus::Pending, "The source: the connection broke or took too long"),
    ];
    let own = OwnScraper::start(&[]).await?;
    let posted = Posted::videos(troubles.len() as u64);
    let posted = (0..).zip(&troubles).fold(posted, |posted, (place, (trouble, ..))| posted.but(place, *trouble));
    own.scene.platform.post(Kind::Profile, &own.scene.name, &posted).await?;
    let job = own.job().await?;
    for (place, (trouble, status, words)) in troubles.iter().enumerate() {
        let video = own.video(&job, place).await?;
        ensure!((video.status(), said(&video)) == (*status, *words), "{trouble:?}: {video:?}");
        let shown = own.scene.client.get(&format!("/videos/{}", video.video_id)).await?;
        ensure!(shown["error_message"] == *words, "{trouble:?}: {shown}");
        ensure!(own.left()?.is_empty(), "{trouble:?}: {:?} is left", own.left()?);
    }

    // What does not pass is given up.
    for attempt in 2..=6 {
        let video = own.video(&job, 6).await?;
        let is_last = attempt == 6;
        ensure!((video.status() == VideoStatus::Failed) == is_last, "attempt {attempt}: {video:?}");
    }
    let given_up = own.stored(&job, 6).await?;
    ensure!(
        said(&given_up) == "Given up after 5 attempts: The source: the site has been asked too often",
        "{given_up:?}"
    );
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_with_a_source_is_told_apart_in_its_job() -> anyhow::Result<()> {
    for (trouble, status, words) in [
        (Trouble::Private, Status::Failed, "The source: it is private"),
        (Trouble::Forbidden, Status::Pending, "The source: the site blocks this system"),
        (Trouble::Limited, Status::Pending, "The source: the site has been asked too often"),
        (Trouble::Broken, Status::Pending, "The source: the site answered with status 503"),
    ] {
        let own = OwnScraper::start(&[]).await?;
        own.scene.platform.post(Kind::Profile, &own.scene.name, &Posted::videos(1).in_trouble(trouble)).await?;
        let job = own.job().await?.job;
        ensure!((job.status, job.error_message.as_deref()) == (status, Some(words)), "{trouble:?}: {job:?}");
    }
    Ok(())
}

/// A pool of accounts, each of which is told by its cookie.
async fn accounts(stack: &Stack, names: &[&str]) -> anyhow::Result<Pool> {
    let mut pool = stack.pool_with(json!({"secret": "credentials"}), 0).await?;
    let account = |name: &&str| {
        let cookies =
            format!("# Netscape HTTP Cookie File\n.tiktok.com\tTRUE\t/\tTRUE\t0\tsessionid\t{SECRET}-{name}\n");
        json!({"name": name, "credentials": {"cookies": cookies}})
    };
    pool.import(&names.iter().map(account).collect::<Vec<_>>()).await?;
    Ok(pool)
}

/// For how many minutes a credential rests that is shown so; none if it does not.
fn rests(shown: &Json) -> anyhow::Result<Option<u64>> {
    if shown["status"] != "cooldown" {
        return Ok(None);
    }
    let end = shown["cooldown_until"].as_str().and_then(Millis::parse).context("no time")?;
    Ok(Some(Clock::system().now().until(end).as_secs().div_ceil(60)))
}

#[tokio::test]
async fn an_account_that_the_source_blocks_or_slows_down_rests() -> anyhow::Result<()> {
    let pool = accounts(&Stack::from_environment()?, &["one"]).await?;
    let own = OwnScraper::start(&[("VIDEO_CREDENTIALS", &pool.platform)]).await?;
    let posted = Posted::videos(5).but(1, Trouble::Gone).but(2, Trouble::Limited).but(4, Trouble::Blocked);
    own.scene.platform.post(Kind::Profile, &own.scene.name, &posted).await?;
    let job = own.job().await?;
    ensure!(pool.counts().await? == [1, 1, 0, 0, 0, 0], "not given back after the list: {:?}", pool.counts().await?);
    ensure!(own.video(&job, 0).await?.status() == VideoStatus::Uploaded);
    // What is wrong with a video is not its fault.
    ensure!(own.video(&job, 1).await?.status() == VideoStatus::Failed);
    ensure!(pool.counts().await? == [1, 1, 0, 0, 0, 0], "{:?}", pool.counts().await?);

    // As long as the site asks for (30 seconds, of which the queue counts minutes), or half an hour.
    own.video(&job, 2).await?;
    let shown = pool.admin.shown(pool.ids[0]).await?;
    ensure!(rests(&shown)? == Some(1), "{shown}");
    let nobody = own.video(&job, 3).await?;
    ensure!((nobody.status(), said(&nobody)) == (VideoStatus::Pending, "no account is free for it"), "{nobody:?}");
    pool.end_wait(pool.ids[0]).await?;
    ensure!(own.video(&job, 3).await?.status() == VideoStatus::Uploaded);
    own.video(&job, 4).await?;
    let shown = pool.admin.shown(pool.ids[0]).await?;
    ensure!(rests(&shown)? == Some(30), "{shown}");
    ensure!(shown["consecutive_failures"] == 1, "{shown}");

    let trail = pool.trail(pool.ids[0], 1).await?;
    ensure!(trail.iter().any(|event| event.to_string().contains("rate_limited")), "why is not told: {trail:?}");
    // The site knew who asked.
    let cookies = own.scene.platform.cookies(SECRET).await?;
    ensure!(cookies.iter().any(|cookie| cookie.contains(&format!("sessionid={SECRET}-one"))), "{cookies:?}");
    Ok(())
}

#[tokio::test]
async fn without_google_drive_videos_go_to_the_object_store() -> anyhow::Result<()> {
    let own = OwnScraper::start(&[("GOOGLE_DRIVE_FOLDER", "")]).await?;
    let ids = own.scene.platform.post(Kind::Profile, &own.scene.name, &Posted::videos(1)).await?;
    let job = own.job().await?;
    let video = own.video(&job, 0).await?;
    ensure!(video.status() == VideoStatus::Uploaded, "{video:?}");
    let stored = video.stored.context("nowhere")?;
    let folder = format!("TikTok/profile/{}/2026/11", own.scene.name);
    let key = format!("videos/{}/{folder}/{}", own.scene.client.tenant, ids[0]);
    ensure!((stored.object_key, stored.folder_path) == (Some(format!("{key}.mp4")), folder), "not there");
    ensure!((stored.drive_file_id, stored.video_link) == (None, None), "it is in Google Drive too");

    let object = async |kind: &str| own.scene.stack.object(&format!("{key}.{kind}")).await;
    ensure!(object("mp4").await? == file(&ids[0], false), "another file");
    let known: Json = serde_json::from_slice(&object("json").await?)?;
    ensure!(known["id"] == *ids[0] && known["author_username"] == own.scene.name, "{known}");
    ensure!(own.scene.folder.everything().await?.is_empty());
    ensure!(own.left()?.is_empty(), "{:?} is left", own.left()?);
    Ok(())
}

#[tokio::test]
async fn a_source_that_never_ends_is_given_up_in_time_and_leaves_nothing() -> anyhow::Result<()> {
    let own = OwnScraper::start(&[]).await?;
    own.scene.platform.post(Kind::Profile, &own.scene.name, &Posted::videos(1).but(0, Trouble::Slow)).await?;
    let job = own.job().await?;
    let video = own.video(&job, 0).await?;
    let told = ["The source: it took longer than", "It was not done in the time"];
    ensure!(
        video.status() == VideoStatus::Pending && told.iter().any(|why| said(&video).starts_with(why)),
        "{video:?}"
    );
    ensure!(video.job.attempts == 1 && video.job.lease.lease_owner.is_none(), "{video:?}");
    ensure!(own.left()?.is_empty(), "{:?} is left", own.left()?);
    eventually("yt-dlp has ended", async || Ok(running(&format!("@{}", own.scene.name))?.is_empty().then_some(())))
        .await
}

#[tokio::test]
async fn sources_are_asked_through_the_operators_proxy_and_by_no_other_way() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.77.0.1:0").await?;
    let proxy = format!("http://renter:{SECRET}@{}", listener.local_addr()?);
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        let mut head = vec![0; 4_096];
        let length = stream.read(&mut head).await?;
        stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n").await?;
        anyhow::Ok(String::from_utf8_lossy(&head[..length]).into_owned())
    });
    let own = OwnScraper::start(&[("YT_DLP_PROXY", &proxy)]).await?;
    own.scene.platform.post(Kind::Profile, &own.scene.name, &Posted::videos(1)).await?;
    let job = own.job().await?.job;
    let asked = asked.await??;
    ensure!(asked.starts_with("CONNECT www.tiktok.com:443 "), "{asked}");
    let renter = BASE64_STANDARD.encode(format!("renter:{SECRET}"));
    ensure!(asked.contains(&format!("Basic {renter}")), "not signed in at the proxy");
    let why = job.error_message.as_deref().unwrap_or_default();
    ensure!(job.status == Status::Pending && why.contains("through the proxy"), "{why}");
    ensure!(
        !why.contains(SECRET) && own.scene.platform.seen(&own.scene.name).await?.is_empty(),
        "another way was taken"
    );
    Ok(())
}

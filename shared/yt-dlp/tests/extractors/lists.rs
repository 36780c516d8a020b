//! Sources of every kind.

use drover_tests::video_platform::{Kind, Posted};
use yt_dlp::Source;

use crate::setup::World;

#[tokio::test]
async fn a_profile_is_listed_page_after_page() {
    let world = World::new().await;
    let ids = world.platform.post(Kind::Profile, "khaby.lame", Posted::videos(217));
    let videos = world.list(Source::profile("khaby.lame").unwrap(), 217).await.unwrap();
    assert_eq!(videos.iter().map(|video| video.id.as_str()).collect::<Vec<_>>(), ids);

    let first = &videos[0];
    assert_eq!(first.url.to_string(), format!("https://www.tiktok.com/@khaby.lame/video/{}", ids[0]));
    assert_eq!(first.author_username.as_deref(), Some("khaby.lame"));
    assert_eq!(first.author_nickname.as_deref(), Some("khaby.lame of the stand-in"));
    assert_eq!(first.description.as_deref(), Some("Clip 0 of a long day #funny #コメディ #clip0"));
    assert_eq!(first.hashtags, ["funny", "コメディ", "clip0"]);
    assert_eq!(
        (first.views, first.likes, first.comments, first.shares),
        (Some(1_000_000), Some(50_000), Some(1_000), Some(5_000))
    );
    assert_eq!(first.created_at, Some(1_793_500_000));
    assert_eq!(first.duration, Some(2.0));
    assert_eq!(
        (first.music_title.as_deref(), first.music_author.as_deref()),
        (Some("original sound"), Some("Nobody, Somebody"))
    );
}

#[tokio::test]
async fn no_more_is_asked_for_than_is_wanted() {
    let world = World::new().await;
    let ids = world.platform.post(Kind::Profile, "a", Posted::videos(200));
    let videos = world.list(Source::profile("a").unwrap(), 20).await.unwrap();
    assert_eq!(videos.iter().map(|video| video.id.as_str()).collect::<Vec<_>>(), ids[..20]);
    let pages = world.platform.seen().iter().filter(|seen| seen.contains("/item_list/")).count();
    assert!(pages <= 3, "{pages} pages of 15 were asked for, for 20 videos");
    assert_eq!(world.leftovers(), [""; 0].map(std::path::PathBuf::from));
}

#[tokio::test]
async fn a_profile_is_listed_between_two_times() {
    let world = World::new().await;
    let ids = world.platform.post(Kind::Profile, "a", Posted::videos(150));
    let at = |place: i64| Some(1_793_500_000 - place * 3_600);
    let videos = world.list_between(Source::profile("a").unwrap(), 100, at(25), at(10)).await.unwrap();
    assert_eq!(videos.iter().map(|video| video.id.as_str()).collect::<Vec<_>>(), ids[10..=25]);
    let pages = world.platform.seen().iter().filter(|seen| seen.contains("/item_list/")).count();
    assert!(pages < 10, "all {pages} pages were asked for");
}

#[tokio::test]
async fn a_profile_without_videos_is_an_empty_list() {
    let world = World::new().await;
    let _ = world.platform.post(Kind::Profile, "a", Posted::videos(0));
    assert_eq!(world.list(Source::profile("a").unwrap(), 9).await, Ok(vec![]));
}

#[tokio::test]
async fn a_hashtag_is_listed_with_addresses_that_can_be_downloaded() {
    let world = World::new().await;
    let ids = world.platform.post(Kind::Hashtag, "fypシ", Posted::videos(45));
    let videos = world.list(Source::hashtag("fypシ").unwrap(), 200).await.unwrap();
    assert_eq!(videos.iter().map(|video| video.id.as_str()).collect::<Vec<_>>(), ids);
    assert_eq!(videos[1].url.to_string(), format!("https://www.tiktok.com/@author1/video/{}", ids[1]));
    assert_eq!(videos[1].views, Some(999_999));
    assert_eq!(videos[1].hashtags, ["funny", "コメディ", "clip1"]);

    let file = world.download(&world.at(&videos[1].url.to_string())).await.unwrap();
    assert_eq!(file.video.id, ids[1]);
}

#[tokio::test]
async fn a_hashtag_needs_the_operators_app() {
    let mut world = World::new().await;
    let _ = world.platform.post(Kind::Hashtag, "a", Posted::videos(2));
    world.settings.tiktok.app_info = None;
    let fault = world.list(Source::hashtag("a").unwrap(), 9).await.unwrap_err();
    assert_eq!(fault.code(), "ours", "{fault}");
    assert!(fault.to_string().contains("TIKTOK_APP_INFO"), "{fault}");
}

#[tokio::test]
async fn a_feed_of_another_site_is_listed() {
    let world = World::of_the_site().await;
    let ids = world.platform.post(Kind::Feed, "daily", Posted::videos(30));
    let videos = world.list(Source::profile("daily").unwrap(), 25).await.unwrap();
    assert_eq!(videos.len(), 25);
    assert_eq!(videos[3].url.to_string(), format!("http://{}/watch/{}", world.platform.site, ids[3]));
    assert_eq!(videos[3].title.as_deref(), Some("Clip 3"));
    assert_eq!(videos[3].created_at, Some(1_793_500_000 - 3 * 3_600));
    assert_eq!(videos[3].hashtags, ["funny", "コメディ", "clip0"]);

    let file = world.download(&world.at(&videos[3].url.to_string())).await.unwrap();
    assert_eq!(std::fs::read(&file.path).unwrap(), drover_tests::video_platform::file(&ids[3], false));
}

#[tokio::test]
async fn a_page_with_video_elements_is_listed() {
    let world = World::of_the_site().await;
    let ids = world.platform.post(Kind::Page, "gallery", Posted::videos(3));
    let videos = world.list(Source::hashtag("gallery").unwrap(), 9).await.unwrap();
    let urls: Vec<String> = videos.iter().map(|video| video.url.to_string()).collect();
    assert_eq!(urls, ids.iter().map(|id| format!("http://{}/media/{id}.mp4", world.platform.site)).collect::<Vec<_>>());

    let file = world.download(&world.at(&urls[2])).await.unwrap();
    assert_eq!(std::fs::read(&file.path).unwrap(), drover_tests::video_platform::file(&ids[2], false));
}

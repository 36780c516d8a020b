//! What goes wrong, told apart.

use std::path::PathBuf;
use std::time::Duration;

use drover_tests::video_platform::{Kind, Posted, Trouble};
use yt_dlp::{Download, Fault, Source};

use crate::setup::World;

#[tokio::test]
async fn profiles() {
    let world = World::new().await;
    for (name, posted, expected) in [
        ("private", Posted::videos(3).in_trouble(Trouble::Private), Fault::Private),
        ("forbidden", Posted::videos(3).in_trouble(Trouble::Forbidden), Fault::Blocked),
        (
            "limited",
            Posted::videos(3).in_trouble(Trouble::Limited),
            Fault::RateLimited { retry_after: Some(Duration::from_secs(30)) },
        ),
        (
            "broken",
            Posted::videos(3).in_trouble(Trouble::Broken),
            Fault::Network("the site answered with status 503".to_owned()),
        ),
    ] {
        let _ = world.platform.post(Kind::Profile, name, posted);
        assert_eq!(world.list(Source::profile(name).unwrap(), 9).await, Err(expected), "{name}");
    }
    assert_eq!(world.list(Source::profile("nobody").unwrap(), 9).await, Err(Fault::Gone));
    assert_eq!(world.leftovers(), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn hashtags() {
    let world = World::new().await;
    for (name, trouble, expected) in [
        ("forbidden", Trouble::Forbidden, Fault::Blocked),
        ("limited", Trouble::Limited, Fault::RateLimited { retry_after: Some(Duration::from_secs(30)) }),
    ] {
        let _ = world.platform.post(Kind::Hashtag, name, Posted::videos(3).in_trouble(trouble));
        assert_eq!(world.list(Source::hashtag(name).unwrap(), 9).await, Err(expected), "{name}");
    }
    assert_eq!(world.list(Source::hashtag("nothing").unwrap(), 9).await, Err(Fault::Gone));
}

#[tokio::test]
async fn videos() {
    let world = World::new().await;
    for (trouble, expected) in [
        (Trouble::Gone, Fault::Gone),
        (Trouble::Private, Fault::Private),
        (Trouble::Blocked, Fault::Blocked),
        (Trouble::Login, Fault::LoginRequired),
        (Trouble::Forbidden, Fault::Blocked),
        (Trouble::Limited, Fault::RateLimited { retry_after: Some(Duration::from_secs(30)) }),
        (Trouble::Broken, Fault::Network("the site answered with status 503".to_owned())),
        (Trouble::Html, Fault::NotAVideo),
        (Trouble::Large, Fault::TooLarge { limit: 1_000_000 }),
        (Trouble::Endless, Fault::TooLarge { limit: 1_000_000 }),
        (Trouble::Cut, Fault::Network("the connection broke or took too long".to_owned())),
    ] {
        let wanted = Download { max_bytes: 1_000_000, ..world.video(Posted::videos(1).but(0, trouble), 0) };
        assert_eq!(world.download(&wanted).await.map(|_| ()), Err(expected), "{trouble:?}");
        assert_eq!(world.leftovers(), Vec::<PathBuf>::new(), "{trouble:?}");
    }
}

#[tokio::test]
async fn pages_of_another_site() {
    let world = World::of_the_site().await;
    let posted = Posted::videos(3).but(0, Trouble::Gone).but(1, Trouble::Metadata);
    let ids = world.platform.post(Kind::Feed, "a", posted);
    let site = world.platform.site;
    let refused = Fault::Refused("was refused: 169.254.169.254 is the address of a cloud metadata service".to_owned());
    for (url, expected) in [
        (format!("http://{site}/watch/{}", ids[0]), Fault::Gone),
        (format!("http://{site}/watch/{}", ids[1]), refused),
        (format!("http://{site}/nothing"), Fault::Gone),
        (
            format!("http://127.0.0.1:{}/", site.port()),
            Fault::Refused("was refused: 127.0.0.1 is a loopback address".to_owned()),
        ),
        (
            format!("http://[::ffff:10.0.0.1]:{}/", site.port()),
            Fault::Refused("was refused: ::ffff:10.0.0.1 is a private address".to_owned()),
        ),
    ] {
        assert_eq!(world.download(&world.at(&url)).await.map(|_| ()), Err(expected), "{url}");
    }
    let nobody = world.download(&world.at("http://127.77.0.99:9/watch")).await.unwrap_err();
    assert_eq!(nobody, Fault::Network("could not be reached: the connection was refused".to_owned()));
}

#[tokio::test]
async fn a_proxy_that_fails() {
    let mut world = World::new().await;
    world.settings.proxy = yt_dlp::Upstream::parse("http://127.77.0.99:9");
    let wanted = world.video(Posted::videos(1), 0);
    assert_eq!(world.download(&wanted).await.map(|_| ()), Err(Fault::Proxy("it could not be connected to")));
}

#[tokio::test]
async fn a_certificate_that_nobody_trusts() {
    let mut world = World::new().await;
    world.settings.certificates = None;
    let wanted = world.video(Posted::videos(1), 0);
    let fault = world.download(&wanted).await.unwrap_err();
    assert_eq!(fault.code(), "network", "{fault}");
    assert_eq!(world.platform.seen(), Vec::<String>::new());
}

#[tokio::test]
async fn a_program_that_is_not_there() {
    let mut world = World::new().await;
    let wanted = world.video(Posted::videos(1), 0);
    world.settings.program = "/nonexistent".into();
    assert_eq!(world.download(&wanted).await.unwrap_err().code(), "ours");
    world.settings.python = "/nonexistent".into();
    assert_eq!(world.download(&wanted).await.unwrap_err().code(), "ours");
    assert_eq!(world.leftovers(), Vec::<PathBuf>::new());
}

//! Redirects from a page that may be fetched to where nothing may be.

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header::LOCATION};
use axum::{Router, routing::get};
use drover_tests::site::Site;

use super::{Fate, Trap, each_meets_its_fate};

#[tokio::test]
async fn no_redirect_leads_inside() -> anyhow::Result<()> {
    let trap = Trap::set().await?;
    let port = trap.port;
    let targets = [
        (format!("http://127.0.0.1:{port}/"), "was refused: 127.0.0.1 is a loopback address"),
        (format!("http://2130706433:{port}/"), "127.0.0.1 is a loopback address"),
        (format!("//127.0.0.1:{port}/"), "127.0.0.1 is a loopback address"),
        (format!("\\\\127.0.0.1:{port}\\"), "127.0.0.1 is a loopback address"),
        (format!("http://[::1]:{port}/"), "::1 is a loopback address"),
        (format!("http://[::ffff:127.0.0.1]:{port}/"), "is a loopback address"),
        (format!("http://localhost:{port}/"), "localhost resolves to"),
        (format!("https://0.0.0.0:{port}/"), "0.0.0.0 is an unspecified address"),
        ("http://169.254.169.254/latest/meta-data/iam/".to_owned(), "the address of a cloud metadata service"),
        ("http://10.0.0.1/".to_owned(), "10.0.0.1 is a private address"),
        ("http://100.64.0.1/".to_owned(), "an address of carrier-grade NAT"),
        ("http://[fd00:ec2::254]/".to_owned(), "the address of a cloud metadata service"),
        ("file:///etc/passwd".to_owned(), "only http and https are fetched, not file"),
        ("ftp://127.0.0.1/".to_owned(), "only http and https are fetched, not ftp"),
        ("gopher://127.0.0.1:6379/_x".to_owned(), "only http and https are fetched, not gopher"),
        ("data:text/html,<h1>x</h1>".to_owned(), "only http and https are fetched, not data"),
        ("javascript:alert(1)".to_owned(), "only http and https are fetched, not javascript"),
        (format!("http://user:word@127.0.0.1:{port}/"), "must not carry a user name or password"),
        ("http://".to_owned(), "not with a valid place to go"),
        (String::new(), "redirected more than 5 times"),
    ];
    let locations: Vec<_> = targets.iter().map(|(target, _)| target.clone()).collect();
    let statuses = [
        StatusCode::MOVED_PERMANENTLY,
        StatusCode::FOUND,
        StatusCode::SEE_OTHER,
        StatusCode::TEMPORARY_REDIRECT,
        StatusCode::PERMANENT_REDIRECT,
    ];
    let redirect = async move |Path(at): Path<usize>| {
        let location = locations.get(at).and_then(|target| HeaderValue::from_str(target).ok());
        (
            statuses[at % statuses.len()],
            location.map(|location| HeaderMap::from_iter([(LOCATION, location)])).unwrap_or_default(),
        )
    };
    // A page behind a page: the second redirect is judged as the first.
    let twice = async |Path(at): Path<usize>| (StatusCode::FOUND, [(LOCATION, format!("/once/{at}"))]);
    let site = Site::serve(Router::new().route("/once/{at}", get(redirect)).route("/twice/{at}", get(twice))).await?;

    let mut addresses = Vec::new();
    for (at, (_, reason)) in targets.iter().enumerate() {
        addresses.push((site.url(&format!("/once/{at}")), Fate::Failed(reason)));
        addresses.push((site.url(&format!("/twice/{at}")), Fate::Failed(reason)));
    }
    each_meets_its_fate(addresses).await?;
    trap.stayed_empty().await
}

/// The site's robots.txt is fetched as a page is: it must not lead inside either.
#[tokio::test]
async fn no_robots_txt_leads_inside() -> anyhow::Result<()> {
    let trap = Trap::set().await?;
    let target = format!("http://127.0.0.1:{}/robots.txt", trap.port);
    let robots = async move || (StatusCode::FOUND, [(LOCATION, target)]);
    let pages =
        Router::new().route("/robots.txt", get(robots)).route("/", get(async || axum::response::Html("<h1>x</h1>")));
    let site = Site::serve(pages).await?;
    each_meets_its_fate(vec![(site.url("/"), Fate::Failed("127.0.0.1 is a loopback address"))]).await?;
    trap.stayed_empty().await
}

//! Sites that misbehave, or merely differ: errors, charsets, compression, redirects, slowness, size.

use std::io::Write as _;

use axum::http::StatusCode;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, LOCATION};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use axum::{Router, body::Body};
use drover_tests::held::HeldPage;
use drover_tests::site::Site;
use drover_tests::{Stack, User};
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use serde_json::{Value as Json, json};

/// The task of these pages, ended.
async fn ended(user: &User, config: Json) -> anyhow::Result<Json> {
    let task = user.create_task(config).await?;
    user.ended(&task).await
}

#[tokio::test]
async fn good_pages_count_and_bad_ones_are_told() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let pages = Router::new()
        .route("/good", get(async || Html("<h1>Good</h1>")))
        .route("/gone", get(async || StatusCode::GONE))
        .route("/broken", get(async || StatusCode::INTERNAL_SERVER_ERROR))
        .route("/picture", get(async || ([(CONTENT_TYPE, "image/png")], "not a page")))
        .route("/large", get(async || Html("x".repeat(10 * 1024 * 1024 + 1))));
    let site = Site::serve(pages).await?;
    let urls = ["/good", "/gone", "/broken", "/picture", "/large", "/good"].map(|path| site.url(path));
    let task = ended(&user, json!({"urls": urls, "selectors": {"title": "h1"}})).await?;
    assert_eq!((&task["status"], &task["progress"]), (&json!("completed"), &json!(100)), "{task}");
    assert_eq!((&task["compute_units_consumed"], &task["estimated_compute_units"]), (&json!(2), &json!(6)));
    assert_eq!(task["error_message"], format!("4 of 6 pages failed; the first: {} answered with status 410", urls[1]));
    let rows: Json = user.download(&task).await?.json().await?;
    assert_eq!(rows, json!([{"title": "Good"}, {"title": "Good"}]));

    let log = user.log(&task).await?;
    for reason in [
        "/gone answered with status 410",
        "/broken answered with status 500",
        "/picture is not a page of text: its content type is image/png",
        "/large is larger than 10485760 bytes",
    ] {
        assert!(log.iter().any(|line| line.starts_with("ERROR ") && line.ends_with(reason)), "{reason}: {log:#?}");
    }
    let account = stack.account(&user).await?;
    assert_eq!((account.units_available, account.units_reserved, account.units_used), (9_998, 0, 2));
    Ok(())
}

#[tokio::test]
async fn a_task_of_bad_pages_fails_and_costs_nothing() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let site = Site::serve(Router::new()).await?;
    let closed = Site::serve(Router::new()).await?;
    let refused = closed.url("/");
    drop(closed);
    for (urls, reason) in [
        (vec![site.url("/a")], format!("{} answered with status 404", site.url("/a"))),
        (
            vec![site.url("/a"), site.url("/b")],
            format!("2 of 2 pages failed; the first: {} answered with status 404", site.url("/a")),
        ),
        (vec![refused.clone()], format!("{refused} could not be reached: the connection was refused")),
    ] {
        let task = ended(&user, json!({"urls": urls, "selectors": {"title": "h1"}})).await?;
        assert_eq!((&task["status"], &task["compute_units_consumed"]), (&json!("failed"), &json!(0)), "{task}");
        assert_eq!(task["error_message"], reason);
        assert!(task["result_url"].is_null() && task["completed_at"].is_string(), "{task}");
    }
    let account = stack.account(&user).await?;
    assert_eq!((account.units_available, account.units_used, account.jobs_failed), (10_000, 0, 3));
    Ok(())
}

#[tokio::test]
async fn each_charset_is_read_as_browsers_read_it() -> anyhow::Result<()> {
    const TEXT: &str = "Crème brûlée: “£5 – €6”";
    let user = Stack::from_environment()?.user().await?;
    // Windows-1252, which is also what browsers take Latin-1 for.
    let windows: Vec<u8> = TEXT
        .chars()
        .map(|c| match c {
            '“' => 0x93,
            '”' => 0x94,
            '–' => 0x96,
            '€' => 0x80,
            c => u8::try_from(u32::from(c)).unwrap_or(b'?'),
        })
        .collect();
    let wide = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        format!("\u{feff}<h1>{TEXT}</h1>").encode_utf16().flat_map(bytes).collect()
    };
    let page = |head: &str, text: &[u8]| [head.as_bytes(), b"<h1>", text, b"</h1>"].concat();
    let pages: Vec<(&str, Vec<u8>)> = vec![
        ("text/html; charset=utf-8", page("", TEXT.as_bytes())),
        ("text/html", page("<meta charset=utf-8>", TEXT.as_bytes())),
        ("text/html", page("", TEXT.as_bytes())),
        ("text/html; charset=iso-8859-1", page("", &windows)),
        ("text/html; charset=\"Windows-1252\"", page("", &windows)),
        ("text/html", page("<meta http-equiv=Content-Type content='text/html; charset=ISO-8859-1'>", &windows)),
        ("text/html", page("", &windows)),
        ("text/html; charset=windows-1252", page("<meta charset=utf-8>", &windows)),
        ("text/html; charset=utf-16", wide(u16::to_le_bytes)),
        ("text/html", wide(u16::to_be_bytes)),
        ("text/html; charset=utf-16le", wide(u16::to_le_bytes)),
        ("application/xhtml+xml", page("<?xml version=\"1.0\" encoding=\"windows-1252\"?>", &windows)),
    ];
    let count = pages.len();
    let routes = pages.into_iter().enumerate().fold(Router::new(), |routes, (at, (content_type, body))| {
        routes.route(&format!("/{at}"), get(async move || ([(CONTENT_TYPE, content_type)], body)))
    });
    let site = Site::serve(routes).await?;
    let urls: Vec<_> = (0..count).map(|at| site.url(&format!("/{at}"))).collect();
    let task = ended(&user, json!({"urls": urls, "selectors": {"title": "h1"}})).await?;
    let rows: Json = user.download(&task).await?.json().await?;
    for (at, row) in rows.as_array().into_iter().flatten().enumerate() {
        assert_eq!(row["title"], TEXT, "page {at}");
    }
    assert_eq!(rows.as_array().map(Vec::len), Some(count));
    Ok(())
}

#[tokio::test]
async fn compressed_pages_are_read_and_bombs_are_not() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let html = b"<h1>Small</h1>";
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(html)?;
    let gzip = gzip.finish()?;
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    zlib.write_all(html)?;
    let zlib = zlib.finish()?;
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..64 {
        bomb.write_all(&vec![b' '; 1 << 20])?;
    }
    let bomb = bomb.finish()?;
    let page = |coding: &'static str, body: Vec<u8>| {
        get(async move || ([(CONTENT_ENCODING, coding), (CONTENT_TYPE, "text/html")], body))
    };
    let pages = Router::new()
        .route("/gzip", page("gzip", gzip.clone()))
        .route("/deflate", page("deflate", zlib))
        .route("/cut", page("gzip", gzip[..gzip.len() - 12].to_vec()))
        .route("/damaged", page("gzip", html.to_vec()))
        .route("/bomb", page("gzip", bomb));
    let site = Site::serve(pages).await?;
    let urls = ["/gzip", "/deflate", "/cut", "/damaged", "/bomb"].map(|path| site.url(path));
    let task = ended(&user, json!({"urls": urls, "selectors": {"title": "h1"}})).await?;
    assert_eq!((&task["status"], &task["compute_units_consumed"]), (&json!("completed"), &json!(2)), "{task}");
    let rows: Json = user.download(&task).await?.json().await?;
    assert_eq!(rows, json!([{"title": "Small"}, {"title": "Small"}]));
    let log = user.log(&task).await?.join("\n");
    assert!(log.contains("/damaged could not be read: its compressed content is damaged"), "{log}");
    assert!(log.contains("/bomb is larger than 10485760 bytes"), "{log}");
    Ok(())
}

#[tokio::test]
async fn redirects_are_followed_if_wanted() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let to = |target: &'static str, status: StatusCode| get(async move || (status, [(LOCATION, target)]));
    let pages = Router::new()
        .route("/old", to("/older?b=2", StatusCode::MOVED_PERMANENTLY))
        .route("/older", to("new/", StatusCode::TEMPORARY_REDIRECT))
        .route("/new/", get(async || Html("<h1>New</h1><a href=next>Next</a>")))
        .route("/circle", to("/circle", StatusCode::FOUND));
    let site = Site::serve(pages).await?;
    let selectors = json!({"title": "h1", "next": {"selector": "a", "type": "url"}});
    let (old, circle) = (site.url("/old"), site.url("/circle"));
    let task = ended(&user, json!({"urls": [old, circle], "selectors": selectors, "include_metadata": true})).await?;
    assert_eq!(task["error_message"], format!("1 of 2 pages failed; the first: {circle} redirected more than 5 times"));
    assert_eq!(task["compute_units_consumed"], 1);
    let rows: Json = user.download(&task).await?.json().await?;
    assert_eq!((&rows[0]["_url"], &rows[0]["_final_url"]), (&json!(old), &json!(site.url("/new/"))));
    assert_eq!((&rows[0]["title"], &rows[0]["next"]), (&json!("New"), &json!(site.url("/new/next"))));

    let task = ended(&user, json!({"urls": [old], "selectors": selectors, "follow_redirects": false})).await?;
    let reason = format!("{old} answered with status 301, a redirect, and following redirects is switched off");
    assert_eq!((&task["status"], &task["error_message"]), (&json!("failed"), &json!(reason)));
    Ok(())
}

#[tokio::test]
async fn a_slow_page_has_the_time_that_it_is_given() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let late = HeldPage::default();
    // Its headers come at once, its body never ends.
    let endless = async || {
        let first = futures::stream::iter([Ok::<_, std::convert::Infallible>("<h1>Endless</h1>")]);
        let body = Body::from_stream(futures::StreamExt::chain(first, futures::stream::pending()));
        ([(CONTENT_TYPE, "text/html")], body).into_response()
    };
    let pages = Router::new()
        .route("/late", late.handler("<h1>Late</h1>"))
        .route("/endless", get(endless))
        .route("/good", get(async || Html("<h1>Good</h1>")));
    let site = Site::serve(pages).await?;
    let urls = ["/late", "/endless", "/good"].map(|path| site.url(path));
    let task = ended(&user, json!({"urls": urls, "selectors": {"title": "h1"}, "timeout": 1})).await?;
    assert_eq!((&task["status"], &task["compute_units_consumed"]), (&json!("completed"), &json!(1)), "{task}");
    assert_eq!(
        task["error_message"],
        format!("2 of 3 pages failed; the first: {} took longer than 1 seconds", urls[0])
    );
    assert!(user.log(&task).await?.contains(&format!("ERROR {} took longer than 1 seconds", urls[1])));
    Ok(())
}

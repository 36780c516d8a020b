//! What is had of pages.

use axum::response::IntoResponse;
use browser::RenderOptions;
use indexmap::IndexMap;

use crate::site::{Site, html, redirect};
use crate::{Tested, options};

const LATE: &str =
    "<body><script>setTimeout(() => document.body.innerHTML += '<p class=late>late</p>', 300)</script></body>";

#[tokio::test]
#[ignore = "needs a browser: CHROMIUM"]
async fn what_scripts_build_is_there_and_without_scripts_it_is_not() {
    let site = Site::start(|path| match path {
        "/" => Some(html("<h1>static</h1><p id=p></p><script src=/built.js></script><noscript>none</noscript>")),
        "/built.js" => Some(
            ([("content-type", "text/javascript")], "fetch('/data').then(a => a.text()).then(t => p.textContent = t)")
                .into_response(),
        ),
        "/data" => Some("fetched".into_response()),
        _ => None,
    })
    .await;
    let tested = Tested::new();
    let page = tested.page(&site.url("/")).await;
    assert!(page.text.contains("<p id=\"p\">fetched</p>"), "{}", page.text);
    assert_eq!((page.status, page.final_url.as_str()), (200, site.url("/").as_str()));
    assert_eq!(page.content_type.as_deref(), Some("text/html; charset=utf-8"));
    assert_eq!(page.fetched_at.to_string(), "1994-11-06T08:49:37Z");

    let without = RenderOptions { javascript: false, ..options() };
    let page = tested.render(&site.url("/"), &without).await.unwrap();
    assert!(page.text.contains("<p id=\"p\"></p>") && page.text.contains("none"), "{}", page.text);
    assert_eq!(site.seen("/data").len(), 1);
}

#[tokio::test]
#[ignore = "needs a browser: CHROMIUM"]
async fn a_page_is_waited_for_until_the_selector_matches() {
    let site = Site::of(LATE).await;
    let tested = Tested::new();
    let waiting = |selector: &str| RenderOptions {
        wait_for_selector: Some(selector.to_owned()),
        timeout: std::time::Duration::from_secs(5),
        ..options()
    };
    let page = tested.render(&site.url("/"), &waiting("p.late")).await.unwrap();
    assert!(page.text.contains("late</p>"), "{}", page.text);
    let message = tested.message(&site.url("/"), &waiting("p.never")).await;
    assert_eq!(message, format!("{} was rendered, but nothing matched p.never within 5 seconds", site.url("/")));
    let message = tested.message(&site.url("/"), &waiting("p[[")).await;
    assert!(message.ends_with("the browser does not understand the selector p[["), "{message}");
}

#[tokio::test]
#[ignore = "needs a browser: CHROMIUM"]
async fn headers_and_cookies_go_to_the_site_alone_and_our_name_to_all() {
    let other = Site::start(|_| Some("".into_response())).await;
    let elsewhere = other.url("/elsewhere.js");
    let site = Site::start(move |path| match path {
        "/" => Some(html(&format!("<script src=/own.js></script><script src={elsewhere}></script>"))),
        "/own.js" => Some("".into_response()),
        _ => None,
    })
    .await;
    let map = |pairs: &[(&str, &str)]| -> IndexMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let asked = RenderOptions {
        headers: map(&[("User-Agent", "Custom Bot 1.0"), ("X-Key", "of the tenant"), ("Accept-Language", "cy")]),
        cookies: map(&[("session", "abc123")]),
        ..options()
    };
    let tested = Tested::new();
    tested.render(&site.url("/"), &asked).await.unwrap();
    let product = format!("Drover/{} (+https://bots.example/contact)", env!("CARGO_PKG_VERSION"));
    for path in ["/", "/own.js"] {
        let headers = &site.seen(path)[0].headers;
        assert_eq!(headers["user-agent"], format!("Custom Bot 1.0 {product}"));
        assert_eq!(
            (&headers["x-key"], &headers["accept-language"]),
            (&"of the tenant".parse().unwrap(), &"cy".parse().unwrap())
        );
        assert_eq!(headers["cookie"], "session=abc123");
    }
    let headers = &other.seen("/elsewhere.js")[0].headers;
    assert_eq!(headers["user-agent"], format!("Custom Bot 1.0 {product}"));
    assert!(!headers.contains_key("x-key") && headers.get("accept-language").is_none_or(|language| language != "cy"));

    tested.page(&site.url("/")).await;
    let agent = site.seen("/")[1].headers["user-agent"].to_str().unwrap().to_owned();
    assert!(agent.starts_with("Mozilla/5.0 ") && agent.ends_with(&product), "{agent}");
    assert!(!site.seen("/")[1].headers.contains_key("cookie"), "a cookie of another page's");
}

#[tokio::test]
#[ignore = "needs a browser: CHROMIUM"]
async fn redirects_and_scripts_that_go_on_are_followed_as_far_as_was_asked() {
    let site = Site::start(|path| match path {
        "/old" => Some(redirect("/new?x=1")),
        "/new?x=1" => Some(html("<h1>new</h1>")),
        "/script" => Some(html("<script>location = '/new?x=1'</script>")),
        "/loop" => Some(redirect("/loop")),
        "/nowhere" => Some(redirect("http://[")),
        "/spa" => Some(html("<script>history.pushState({}, '', '/deep')</script>")),
        _ => None,
    })
    .await;
    let tested = Tested::new();
    for path in ["/old", "/script"] {
        let page = tested.page(&site.url(path)).await;
        assert_eq!(
            (page.url.as_str(), page.final_url.as_str()),
            (site.url(path).as_str(), site.url("/new?x=1").as_str())
        );
        assert!(page.text.contains("<h1>new</h1>"), "{}", page.text);
    }
    assert_eq!(tested.page(&site.url("/spa")).await.final_url.as_str(), site.url("/deep"));
    let stay = RenderOptions { follow_redirects: false, ..options() };
    for (path, options, expected) in [
        ("/old", &stay, "answered with status 302, a redirect, and following redirects is switched off"),
        ("/loop", &options(), "redirected more than 5 times"),
        ("/nowhere", &options(), "answered with a redirect, but not with a valid place to go"),
    ] {
        assert_eq!(tested.message(&site.url(path), options).await, format!("{} {expected}", site.url(path)));
    }
}

#[tokio::test]
#[ignore = "needs a browser: CHROMIUM"]
async fn what_cannot_be_had_says_why() {
    let site = Site::start(|path| match path {
        "/robots.txt" => Some("User-agent: *\nDisallow: /private".into_response()),
        "/private" => Some(html("private")),
        "/to-private" => Some(redirect("/private")),
        "/script-to-private" => Some(html("<script>location = '/private'</script>")),
        "/image" => Some(([("content-type", "image/png")], "x").into_response()),
        "/file" => Some(
            ([("content-type", "text/html"), ("content-disposition", "attachment; filename=x")], "x").into_response(),
        ),
        "/empty" => Some(axum::http::StatusCode::NO_CONTENT.into_response()),
        "/gone" => Some((axum::http::StatusCode::GONE, "gone").into_response()),
        "/large" => Some(html(&"x".repeat(1024 * 1024))),
        "/blob" => {
            Some(html("<script>location = URL.createObjectURL(new Blob(['<p>x'], {type: 'text/html'}))</script>"))
        }
        _ => None,
    })
    .await;
    let tested = Tested::new();
    let private = format!("redirected: {} was not fetched: the site's robots.txt disallows it", site.url("/private"));
    for (path, expected) in [
        ("/private", "was not fetched: the site's robots.txt disallows it"),
        ("/to-private", private.as_str()),
        ("/script-to-private", private.as_str()),
        ("/image", "is not a page of text: its content type is image/png"),
        ("/file", "is a file to download and not a page"),
        ("/empty", "answered with nothing to show"),
        ("/gone", "answered with status 410"),
        ("/missing", "answered with status 404"),
        ("/large", "is larger than 1048576 bytes"),
        ("/blob", "went on to an address of the scheme blob"),
    ] {
        assert_eq!(tested.message(&site.url(path), &options()).await, format!("{} {expected}", site.url(path)));
    }
    assert!(site.seen("/private").is_empty());
    for (url, expected) in [
        ("not a url", "is not a valid URL"),
        ("file:///etc/passwd", "only http and https are fetched, not file"),
        ("chrome://version", "only http and https are fetched, not chrome"),
        ("data:text/html,x", "not data"),
        ("http://nowhere.invalid/", "could not be reached: the host name nowhere.invalid could not be resolved"),
        ("http://127.77.0.9:1/", "could not be reached: the connection was refused"),
        ("https://127.77.0.9:1/", "could not be reached: the connection was refused"),
    ] {
        let quick = RenderOptions { timeout: std::time::Duration::from_secs(6), ..options() };
        let message = tested.message(url, &quick).await;
        assert!(message.contains(expected), "{url}: {message}");
    }
}

#[tokio::test]
#[ignore = "needs a browser: CHROMIUM"]
async fn a_page_is_had_with_its_frames_and_not_later() {
    let site = Site::start(|path| match path {
        "/" => Some(html("<h1>page</h1><iframe src=/frame></iframe><iframe src=/missing></iframe><iframe srcdoc='<p>x</p>'></iframe>")),
        "/frame" => Some(html("<iframe src=/within></iframe>")),
        "/within" => Some(html("<script>parent.parent.document.body.insertAdjacentHTML('beforeend', '<p>of the frame</p>')</script>")),
        _ => None,
    })
    .await;
    let page = Tested::new().page(&site.url("/")).await;
    assert!(page.text.contains("<h1>page</h1>") && page.text.contains("<p>of the frame</p>"), "{}", page.text);
}

//! Visits: cookies, forms, and where they go.

use super::*;

const TIME: Duration = Duration::from_secs(5);

fn form(url: &str) -> Ask {
    Ask::form(
        url.parse().unwrap(),
        vec![("user".to_owned(), "a&b".to_owned()), ("pass word".to_owned(), "é=".to_owned())],
    )
}

fn page(url: &str) -> Ask {
    Ask::page(url.parse().unwrap())
}

impl Site {
    /// The requests that came for this path.
    fn asked(&self, path: &str) -> Vec<String> {
        self.heads.lock().unwrap().iter().filter(|head| path_of(head) == path).cloned().collect()
    }

    fn cookies(&self, path: &str) -> Vec<String> {
        let cookie = |head: &String| {
            let mut cookies: Vec<_> =
                head.lines().find_map(|line| line.strip_prefix("cookie: ")).unwrap_or_default().split("; ").collect();
            cookies.sort_unstable();
            cookies.join(" ")
        };
        self.asked(path).iter().map(cookie).collect()
    }
}

#[tokio::test]
async fn cookies_are_kept_for_a_visit_and_go_where_they_belong() {
    let site = Site::start(|request| match request.path.as_str() {
        "/login" => answer(
            302,
            "Location: /app/home\r\nSet-Cookie: a=1; Path=/; HttpOnly\r\nSet-Cookie: b=2; Path=/app\r\nSet-Cookie: c=3; Domain=other.example\r\nSet-Cookie: d=4; Secure\r\n",
            "",
        ),
        "/app/home" if request.earlier == 0 => answer(200, "Content-Type: text/html\r\nSet-Cookie: a=5; Path=/\r\nSet-Cookie: b=; Path=/app; Max-Age=0\r\n", "x"),
        "/app/home" | "/elsewhere" => html("x"),
        _ => None,
    })
    .await;
    let fetcher = fetcher(settings());
    let mut visit = fetcher.visit(&site.url("/").parse().unwrap());
    let home = visit.send(page(&site.url("/login")), TIME).await.unwrap();
    assert_eq!(home.final_url.as_str(), site.url("/app/home"));
    visit.send(page(&site.url("/app/home")), TIME).await.unwrap();
    visit.send(page(&site.url("/elsewhere")), TIME).await.unwrap();
    // Neither another visit nor a page that is merely fetched has them.
    fetcher.visit(&home.url).send(page(&site.url("/elsewhere")), TIME).await.unwrap();
    fetcher.fetch(&site.url("/elsewhere"), FetchOptions::default()).await.unwrap();
    assert_eq!(site.cookies("/login"), [""]);
    assert_eq!(site.cookies("/app/home"), ["a=1 b=2", "a=5"]);
    assert_eq!(site.cookies("/elsewhere"), ["a=5", "", ""]);
}

#[tokio::test]
async fn forms_are_posted_once_and_turn_into_pages_as_in_a_browser() {
    let site = Site::start(|request| match request.path.as_str() {
        "/302" => answer(302, "Location: /page\r\n", ""),
        "/303" => answer(303, "Location: /page\r\n", ""),
        "/307" => answer(307, "Location: /form\r\n", ""),
        "/503?token=secret" => answer(503, "", ""),
        _ => html("x"),
    })
    .await;
    let fetcher = fetcher(settings());
    let mut visit = fetcher.visit(&site.url("/").parse().unwrap());
    for path in ["/302", "/303", "/307"] {
        visit.send(form(&site.url(path)), TIME).await.unwrap();
    }
    let body = "\r\n\r\nuser=a%26b&pass+word=%C3%A9%3D";
    for (path, method, has_body) in
        [("/302", "POST", true), ("/page", "GET", false), ("/307", "POST", true), ("/form", "POST", true)]
    {
        for asked in site.asked(path) {
            assert!(asked.starts_with(method) && asked.ends_with(body) == has_body, "{asked}");
            assert_eq!(asked.contains(&format!("origin: http://{}\r\n", site.address)), has_body, "{asked}");
        }
    }
    assert_eq!(site.asked("/page").len(), 2);
    let error = visit.send(form(&site.url("/503?token=secret")), TIME).await.unwrap_err();
    assert_eq!(error.to_string(), format!("{} answered with status 503", site.url("/503")));
    assert_eq!(site.asked("/503?token=secret").len(), 1);
}

#[tokio::test]
async fn a_visit_never_leaves_its_site() {
    let other = Site::start_at("127.77.0.2", |_| html("x")).await;
    let place = other.url("/?token=secret");
    let site = Site::start(move |request| match request.path.as_str() {
        "/302" => answer(302, &format!("Location: {place}\r\n"), ""),
        "/307" => answer(307, &format!("Location: {place}\r\n"), ""),
        "/circle" => answer(302, "Location: /circle\r\n", ""),
        _ => None,
    })
    .await;
    let fetcher = fetcher(settings());
    let mut visit = fetcher.visit(&site.url("/").parse().unwrap());
    let expected =
        format!("{} was not fetched: who is signed in at http://{} stays there", other.url("/"), site.address);
    for ask in [
        page(&other.url("/?x")),
        form(&other.url("/")),
        page(&site.url("/302")),
        form(&site.url("/302")),
        form(&site.url("/307")),
    ] {
        assert_eq!(visit.send(ask, TIME).await.unwrap_err().to_string(), expected);
    }
    assert!(other.paths().is_empty());
    let circle = visit.send(page(&site.url("/circle")), TIME).await.unwrap_err();
    assert!(matches!(circle.fault, Fault::TooManyRedirects(_)), "{circle}");
}

#[tokio::test]
async fn a_visit_goes_by_the_rules_of_fetching() {
    let site = Site::start(|request| match request.path.as_str() {
        "/robots.txt" => answer(200, "Content-Type: text/plain\r\n", "User-agent: *\nDisallow: /private"),
        "/data" => answer(200, "Content-Type: application/json; charset=utf-8\r\n", "{}"),
        "/problem" => answer(200, "Content-Type: application/problem+json\r\n", "{}"),
        "/image" => answer(200, "Content-Type: image/png\r\n", "x"),
        "/large" => answer(200, "Content-Type: text/html\r\n", vec![b'x'; 2 * 1024 * 1024]),
        "/slow" => Some(Reply::Hang(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nx".to_vec())),
        "/cookies" => {
            let many: Vec<_> =
                (0..60).map(|number| format!("Set-Cookie: c{}{number}=x\r\n", request.earlier)).collect();
            answer(
                200,
                &format!("Content-Type: text/html\r\nSet-Cookie: big={}\r\n{}", "x".repeat(5_000), many.concat()),
                "x",
            )
        }
        _ => html("x"),
    })
    .await;
    let fetcher = fetcher(settings());
    let mut visit = fetcher.visit(&site.url("/").parse().unwrap());
    for (path, fault) in [
        ("/data", None),
        ("/problem", None),
        ("/image", Some("is not a page of text: its content type is image/png")),
        ("/private", Some("was not fetched: the site's robots.txt disallows it")),
        ("/large", Some("is larger than 1048576 bytes")),
        ("/slow", Some("took longer than 0.5 seconds")),
    ] {
        let error = visit.send(page(&site.url(path)), TIME / 10).await.err();
        assert_eq!(error.map(|error| error.fault.to_string()).as_deref(), fault, "{path}");
    }
    for _ in 0..5 {
        visit.send(page(&site.url("/cookies")), TIME).await.unwrap();
    }
    visit.send(page(&site.url("/after")), TIME).await.unwrap();
    let kept = &site.cookies("/after")[0];
    assert!(kept.split(' ').count() <= 180 && !kept.contains("big"), "{}", kept.len());
    // An inner address, by whatever name.
    let inner: Url = "http://127.0.0.1:1/".parse().unwrap();
    let error = fetcher.visit(&inner).send(Ask::page(inner), TIME).await.unwrap_err();
    assert!(matches!(error.fault, Fault::Address(_)), "{error}");
}

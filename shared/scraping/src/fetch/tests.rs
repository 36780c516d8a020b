//! Against small servers on loopback addresses, which the policy of these tests allows.

mod visits;

use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::config::BehaviorVersion;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::*;

/// What a server does with a request.
enum Reply {
    /// Sends these bytes and closes.
    Bytes(Vec<u8>),
    /// Sends these bytes and then nothing more, for longer than any test.
    Hang(Vec<u8>),
}

/// A request, and how many asked for the same path before it.
struct Request {
    path: String,
    earlier: usize,
}

/// A server on a port of its own. Answers 404 to what its handler leaves open.
struct Site {
    address: SocketAddr,
    /// What came: each request's head, with its body after it.
    heads: Arc<Mutex<Vec<String>>>,
}

impl Site {
    async fn start(answer: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static) -> Self {
        Self::start_at("127.77.0.1", answer).await
    }

    async fn start_at(host: &str, answer: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((host, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (Arc::clone(&heads), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        let Ok(byte) = stream.read_u8().await else { return };
                        head.push(byte);
                    }
                    let mut head = String::from_utf8(head).unwrap();
                    let mut body = vec![0; length_of(&head)];
                    if stream.read_exact(&mut body).await.is_err() {
                        return;
                    }
                    head.push_str(std::str::from_utf8(&body).unwrap());
                    let path = path_of(&head).to_owned();
                    let earlier = {
                        let mut seen = seen.lock().unwrap();
                        seen.push(head);
                        seen.iter().filter(|head| path_of(head) == path).count() - 1
                    };
                    match answer(&Request { path, earlier }) {
                        Some(Reply::Bytes(bytes)) => drop(stream.write_all(&bytes).await),
                        Some(Reply::Hang(bytes)) => {
                            drop(stream.write_all(&bytes).await);
                            tokio::time::sleep(Duration::from_mins(1)).await;
                        }
                        None => drop(stream.write_all(&reply(404, "", b"")).await),
                    }
                });
            }
        });
        Self { address, heads }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The paths that were asked for, in their order.
    fn paths(&self) -> Vec<String> {
        self.heads.lock().unwrap().iter().map(|head| path_of(head).to_owned()).collect()
    }
}

fn length_of(head: &str) -> usize {
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.map_or(0, |length| length.parse().unwrap())
}

fn path_of(head: &str) -> &str {
    head.split(' ').nth(1).unwrap()
}

/// An HTTP answer; `headers` as `Name: value\r\n…`.
fn reply(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n");
    [head.as_bytes(), body].concat()
}

#[expect(clippy::unnecessary_wraps, reason = "what handlers give")]
fn answer(status: u16, headers: &str, body: impl AsRef<[u8]>) -> Option<Reply> {
    Some(Reply::Bytes(reply(status, headers, body.as_ref())))
}

fn html(body: &str) -> Option<Reply> {
    answer(200, "Content-Type: text/html\r\n", body)
}

fn settings() -> Settings {
    Settings {
        contact: Some("https://bots.example/contact".to_owned()),
        addresses: "127.77.0.0/16".parse().unwrap(),
        host_interval: Duration::ZERO,
        max_page_bytes: 1024 * 1024,
        ..Settings::default()
    }
}

/// A fetcher whose table is never asked: the rate is switched off.
fn fetcher(settings: Settings) -> Fetcher {
    let config = aws_sdk_dynamodb::Config::builder().behavior_version(BehaviorVersion::latest()).build();
    let table = Table::new(aws_sdk_dynamodb::Client::from_conf(config), "limits");
    Fetcher::new(settings, table, Clock::fake(Millis(784_111_777_000))).unwrap()
}

async fn fetch(url: &str) -> Result<Page, FetchError> {
    fetcher(settings()).fetch(url, FetchOptions::default()).await
}

async fn message(url: &str) -> String {
    fetch(url).await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_page_comes_with_where_it_is_from() {
    let site = Site::start(|request| match request.path.as_str() {
        "/old?x=1" => answer(301, "Location: new/place#part\r\n", ""),
        "/new/place" => answer(308, "Location: ../page\r\n", ""),
        "/page" => answer(203, "Content-Type: text/html; charset=iso-8859-1\r\n", b"<p>caf\xe9"),
        _ => None,
    })
    .await;
    let page = fetch(&site.url("/old?x=1")).await.unwrap();
    assert_eq!(page.url.as_str(), site.url("/old?x=1"));
    assert_eq!(page.final_url.as_str(), site.url("/page"));
    assert_eq!((page.status, page.text.as_str()), (203, "<p>café"));
    assert_eq!(page.content_type.as_deref(), Some("text/html; charset=iso-8859-1"));
    assert_eq!(page.fetched_at.to_string(), "1994-11-06T08:49:37Z");
    assert_eq!(site.paths(), ["/robots.txt", "/old?x=1", "/new/place", "/page"]);
    for head in site.heads.lock().unwrap().iter() {
        let agent = format!("user-agent: Drover/{} (+https://bots.example/contact)\r\n", env!("CARGO_PKG_VERSION"));
        assert!(head.contains(&agent), "{head}");
        assert!(!head.contains("referer"), "{head}");
    }
}

#[tokio::test]
async fn what_must_not_be_fetched_is_refused_and_says_why() {
    for (url, expected) in [
        ("http://127.0.0.1/", "http://127.0.0.1/ was refused: 127.0.0.1 is a loopback address"),
        ("http://2130706433/x", "http://127.0.0.1/x was refused: 127.0.0.1 is a loopback address"),
        ("http://0x7f.1:8080/", "http://127.0.0.1:8080/ was refused: 127.0.0.1 is a loopback address"),
        ("https://[::1]/", "https://[::1]/ was refused: ::1 is a loopback address"),
        ("http://[::ffff:10.0.0.1]/", "http://[::ffff:a00:1]/ was refused: ::ffff:10.0.0.1 is a private address"),
        (
            "http://169.254.169.254/latest/meta-data/",
            "http://169.254.169.254/latest/meta-data/ was refused: 169.254.169.254 is the address of a cloud metadata service",
        ),
        ("http://100.64.0.1/", "http://100.64.0.1/ was refused: 100.64.0.1 is an address of carrier-grade NAT"),
        ("file:///etc/passwd", "file:///etc/passwd was refused: only http and https are fetched, not file"),
        ("ftp://a.example/", "ftp://a.example/ was refused: only http and https are fetched, not ftp"),
        ("data:text/html,x", "data:text/html,x was refused: only http and https are fetched, not data"),
        ("http://user:secret@8.8.8.8/", "http://8.8.8.8/ was refused: a URL must not carry a user name or password"),
        ("http://8.8.8.8@127.0.0.1/", "http://127.0.0.1/ was refused: a URL must not carry a user name or password"),
        ("/relative", "/relative is not a valid URL: relative URL without a base"),
        ("http://", "http:// is not a valid URL: empty host"),
        ("http://256.0.0.1/", "http://256.0.0.1/ is not a valid URL: invalid IPv4 address"),
        ("ht\u{0}tp", "ht\u{fffd}tp is not a valid URL: relative URL without a base"),
    ] {
        let error = fetch(url).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert!(!error.is_transient(), "{url}");
    }
    let long = message(&format!("file:///{}", "x".repeat(5_000))).await;
    assert!(long.len() < 500, "{long}");
}

#[tokio::test]
async fn a_name_that_resolves_to_a_private_address_is_refused() {
    let site = Site::start(|_| html("")).await;
    let url = format!("http://localhost:{}/", site.address.port());
    for obey_robots in [true, false] {
        let fetcher = fetcher(Settings { obey_robots, ..settings() });
        let error = fetcher.fetch(&url, FetchOptions::default()).await.unwrap_err();
        let Fault::ResolvedAddress { ref host, refusal } = error.fault else { panic!("{error}") };
        assert_eq!(host, "localhost");
        assert!(refusal.address.is_loopback());
        assert!(error.to_string().starts_with(&format!("{url} was refused: localhost resolves to ")), "{error}");
        assert!(error.to_string().ends_with(", which is a loopback address"), "{error}");
        assert!(!error.is_transient());
    }
    assert!(site.paths().is_empty());
}

#[tokio::test]
async fn a_name_may_resolve_to_what_the_operator_allows_whatever_the_port() {
    let site = Site::start_at("127.0.0.1", |_| html("page")).await;
    let port = site.address.port();
    let url = format!("http://localhost:{port}/");
    for (allowed, fetched) in [("127.0.0.1".to_owned(), true), (format!("127.0.0.1:{port}"), false)] {
        let settings = Settings { addresses: allowed.parse().unwrap(), ..settings() };
        let outcome = fetcher(settings).fetch(&url, FetchOptions::default()).await;
        assert_eq!(outcome.is_ok(), fetched, "{allowed}");
    }
    assert_eq!(site.paths().len(), 2);
}

#[tokio::test]
async fn a_redirect_is_judged_as_a_page_is() {
    for (target, reason) in [
        ("http://127.0.0.1/", "http://127.0.0.1/ was refused: 127.0.0.1 is a loopback address"),
        ("http://0177.0.0.1/", "http://127.0.0.1/ was refused: 127.0.0.1 is a loopback address"),
        ("//10.0.0.1/x", "http://10.0.0.1/x was refused: 10.0.0.1 is a private address"),
        ("http://[::ffff:7f00:1]/", "http://[::ffff:7f00:1]/ was refused: ::ffff:127.0.0.1 is a loopback address"),
        (
            "http://169.254.169.254/",
            "http://169.254.169.254/ was refused: 169.254.169.254 is the address of a cloud metadata service",
        ),
        ("file:///etc/passwd", "file:///etc/passwd was refused: only http and https are fetched, not file"),
        ("javascript:alert(1)", "javascript:alert(1) was refused: only http and https are fetched, not javascript"),
        ("http://a:b@8.8.8.8/", "http://8.8.8.8/ was refused: a URL must not carry a user name or password"),
    ] {
        let site = Site::start(move |request| match request.path.as_str() {
            "/" => answer(302, &format!("Location: {target}\r\n"), ""),
            _ => None,
        })
        .await;
        assert_eq!(message(&site.url("/")).await, format!("{} redirected: {reason}", site.url("/")));
    }
    let site = Site::start(|request| match request.path.as_str() {
        "/" => answer(302, "Location: http://localhost:1/\r\n", ""),
        _ => None,
    })
    .await;
    let refused = message(&site.url("/")).await;
    assert!(refused.contains("redirected: http://localhost:1/ was refused: localhost resolves to "), "{refused}");
}

#[tokio::test]
async fn redirects_are_bounded_and_can_be_switched_off() {
    let site = Site::start(|request| match request.path.as_str() {
        "/loop" => answer(302, "Location: /loop\r\n", ""),
        "/chain5" => answer(302, "Location: /chain4\r\n", ""),
        "/chain4" => answer(303, "Location: /chain3\r\n", ""),
        "/chain3" => answer(307, "Location: /chain2\r\n", ""),
        "/chain2" => answer(308, "Location: /chain1\r\n", ""),
        "/chain1" => answer(301, "Location: /end\r\n", ""),
        "/chain6" => answer(301, "Location: /chain5\r\n", ""),
        "/end" => html("end"),
        "/nowhere" => answer(302, "", ""),
        "/invalid" => answer(302, "Location: http://[\r\n", ""),
        "/unchanged" => answer(304, "", ""),
        _ => None,
    })
    .await;
    assert_eq!(fetch(&site.url("/chain5")).await.unwrap().text, "end");
    for (path, expected) in [
        ("/loop", "redirected more than 5 times"),
        ("/chain6", "redirected more than 5 times"),
        ("/nowhere", "answered with status 302, a redirect, but not with a valid place to go"),
        ("/invalid", "answered with status 302, a redirect, but not with a valid place to go"),
        ("/unchanged", "answered with status 304"),
    ] {
        assert_eq!(message(&site.url(path)).await, format!("{} {expected}", site.url(path)));
    }
    let options = FetchOptions { follow_redirects: false, ..FetchOptions::default() };
    let error = fetcher(settings()).fetch(&site.url("/chain1"), options).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{} answered with status 301, a redirect, and following redirects is switched off",
            site.url("/chain1")
        )
    );
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn the_size_limit_is_on_what_is_unpacked() {
    let bomb = gzip(&vec![b'0'; 50 * 1024 * 1024]);
    assert!(bomb.len() < 1024 * 1024);
    let site = Site::start(move |request| {
        let gzipped = "Content-Type: text/html\r\nContent-Encoding: gzip\r\n";
        match request.path.as_str() {
            "/fits" => html(&"x".repeat(1024 * 1024)),
            "/gzipped" => answer(200, gzipped, gzip(b"<p>packed")),
            "/large" => html(&"x".repeat(1024 * 1024 + 1)),
            "/endless" => Some(Reply::Hang([&b"HTTP/1.1 200 OK\r\n\r\n"[..], &vec![b'x'; 2 * 1024 * 1024]].concat())),
            "/bomb" => answer(200, gzipped, &bomb),
            "/damaged" => answer(200, gzipped, b"\x1f\x8bnot gzip at all"),
            _ => None,
        }
    })
    .await;
    assert_eq!(fetch(&site.url("/fits")).await.unwrap().text.len(), 1024 * 1024);
    assert_eq!(fetch(&site.url("/gzipped")).await.unwrap().text, "<p>packed");
    for path in ["/large", "/endless", "/bomb"] {
        assert_eq!(message(&site.url(path)).await, format!("{} is larger than 1048576 bytes", site.url(path)));
    }
    let damaged = message(&site.url("/damaged")).await;
    assert_eq!(damaged, format!("{} could not be read: its compressed content is damaged", site.url("/damaged")));
}

#[tokio::test]
async fn a_slow_page_is_given_up_in_time() {
    let site = Site::start(|request| match request.path.as_str() {
        "/silent" => Some(Reply::Hang(Vec::new())),
        "/slow" => Some(Reply::Hang(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<p>".to_vec())),
        _ => None,
    })
    .await;
    for path in ["/silent", "/slow"] {
        let options = FetchOptions { timeout: Duration::from_millis(500), ..FetchOptions::default() };
        let started = Instant::now();
        let error = fetcher(settings()).fetch(&site.url(path), options).await.unwrap_err();
        assert_eq!(error.to_string(), format!("{} took longer than 0.5 seconds", site.url(path)));
        assert!(error.is_transient());
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn faults_that_may_pass_are_tried_again() {
    let site = Site::start(|request| match (request.path.as_str(), request.earlier) {
        ("/busy", 0) => answer(503, "", ""),
        ("/limited", 0) => answer(429, "Retry-After: 1\r\n", ""),
        ("/dated", 0) => answer(503, "Retry-After: Sun, 06 Nov 1994 08:49:38 GMT\r\n", ""),
        ("/broken", 0) => Some(Reply::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<p>".to_vec())),
        ("/busy" | "/limited" | "/dated" | "/broken", _) => html("well"),
        ("/down", _) => answer(502, "", ""),
        ("/closed", _) => answer(503, "Retry-After: 3600\r\n", ""),
        ("/faulty", _) => answer(500, "", ""),
        _ => None,
    })
    .await;
    let fetcher = fetcher(Settings { obey_robots: false, ..settings() });
    let get = async |path: &str| {
        let started = Instant::now();
        let outcome = fetcher.fetch(&site.url(path), FetchOptions::default()).await;
        let tries = site.paths().iter().filter(|asked| *asked == path).count();
        (outcome.map(|page| page.text), tries, started.elapsed())
    };
    let (busy, limited, dated, broken, down, closed, faulty) = tokio::join!(
        get("/busy"),
        get("/limited"),
        get("/dated"),
        get("/broken"),
        get("/down"),
        get("/closed"),
        get("/faulty"),
    );
    for (outcome, tries, waited) in [busy, limited, dated, broken] {
        assert_eq!((outcome.unwrap().as_str(), tries), ("well", 2));
        assert!(waited >= Duration::from_millis(500), "{waited:?}");
    }
    for ((outcome, tries, _), expected_tries, transient) in [(down, 3, true), (closed, 1, true), (faulty, 1, false)] {
        let error = outcome.unwrap_err();
        assert_eq!((tries, error.is_transient()), (expected_tries, transient), "{error}");
    }
    let hurried = FetchOptions { timeout: Duration::from_millis(300), ..FetchOptions::default() };
    let error = fetcher.fetch(&site.url("/down"), hurried).await.unwrap_err();
    assert_eq!(error.to_string(), format!("{} answered with status 502", site.url("/down")));
}

#[tokio::test]
async fn a_host_that_does_not_answer_is_named_without_internals() {
    let closed = TcpListener::bind("127.77.0.2:0").await.unwrap().local_addr().unwrap();
    let error = fetch(&format!("http://{closed}/")).await.unwrap_err();
    assert_eq!(error.to_string(), format!("http://{closed}/ could not be reached: the connection was refused"));
    assert!(error.is_transient());

    let listener = TcpListener::bind("127.77.0.2:0").await.unwrap();
    let plain = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 This is not TLS\r\n\r\n").await.unwrap();
    });
    let error = fetch(&format!("https://{plain}/")).await.unwrap_err();
    assert!(error.to_string().starts_with(&format!("https://{plain}/ could not be reached securely: ")), "{error}");
    assert!(!error.is_transient());

    // A label of more than 63 characters: no name server is asked.
    let host = format!("{}.example", "x".repeat(64));
    let error = fetch(&format!("http://{host}/")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("http://{host}/ could not be reached: the host name {host} could not be resolved")
    );
}

#[tokio::test]
async fn only_text_is_accepted() {
    let site = Site::start(|request| match request.path.strip_prefix("/type/") {
        Some("") => answer(200, "", "x"),
        Some(content_type) => answer(200, &format!("Content-Type: {content_type}\r\n"), "x"),
        None => None,
    })
    .await;
    let fetcher = fetcher(settings());
    for (content_type, accepted) in [
        ("", true),
        ("text/html", true),
        ("TEXT/HTML;charset=utf-8", true),
        ("text/plain", true),
        ("application/xhtml+xml", true),
        ("application/xml", true),
        ("application/rss+xml", true),
        ("application/json", false),
        ("application/pdf", false),
        ("image/png", false),
        ("application/octet-stream", false),
    ] {
        let url = site.url(&format!("/type/{content_type}"));
        let outcome = fetcher.fetch(&url, FetchOptions::default()).await.map(|page| page.text);
        match outcome {
            Ok(text) => assert!(accepted && text == "x", "{content_type}"),
            Err(error) => {
                assert_eq!(
                    error.to_string(),
                    format!("{url} is not a page of text: its content type is {content_type}")
                );
                assert!(!accepted);
            }
        }
    }
}

#[tokio::test]
async fn robots_txt_is_asked_once_and_obeyed() {
    let site = Site::start(|request| match request.path.as_str() {
        "/robots.txt" => answer(302, "Location: /rules\r\n", ""),
        "/rules" => answer(200, "", "User-agent: *\nDisallow: /private\nAllow: /private/open\n"),
        "/leads-there" => answer(302, "Location: /private/x\r\n", ""),
        _ => html("page"),
    })
    .await;
    let fetcher = fetcher(settings());
    let get = async |path: &str| fetcher.fetch(&site.url(path), FetchOptions::default()).await;
    assert!(get("/public").await.is_ok());
    assert!(get("/private/open/1").await.is_ok());
    let disallowed = "was not fetched: the site's robots.txt disallows it";
    assert_eq!(get("/private/x").await.unwrap_err().to_string(), format!("{} {disallowed}", site.url("/private/x")));
    assert_eq!(
        get("/leads-there").await.unwrap_err().to_string(),
        format!("{} redirected: {} {disallowed}", site.url("/leads-there"), site.url("/private/x"))
    );
    assert_eq!(site.paths(), ["/robots.txt", "/rules", "/public", "/private/open/1", "/leads-there"]);

    let unruly = self::fetcher(Settings { obey_robots: false, ..settings() });
    assert!(unruly.fetch(&site.url("/private/x"), FetchOptions::default()).await.is_ok());
    assert_eq!(site.paths().len(), 6);
}

#[tokio::test]
async fn a_site_whose_robots_txt_is_out_of_order_is_left_alone_for_now() {
    let site = Site::start(|request| match request.path.as_str() {
        "/robots.txt" if request.earlier == 0 => answer(500, "", ""),
        "/robots.txt" if request.earlier == 1 => answer(302, "Location: http://10.0.0.1/robots.txt\r\n", ""),
        "/robots.txt" if request.earlier == 2 => answer(503, "", ""),
        "/robots.txt" => answer(403, "", ""),
        _ => html("page"),
    })
    .await;
    let (fetcher, url, robots) = (fetcher(settings()), site.url("/page"), site.url("/robots.txt"));
    let unknown = format!("{url} was not fetched: it is not known whether the site allows it: {robots}");
    let get = async || fetcher.fetch(&url, FetchOptions::default()).await;
    assert_eq!(get().await.unwrap_err().to_string(), format!("{unknown} answered with status 500"));
    assert_eq!(
        get().await.unwrap_err().to_string(),
        format!("{unknown} redirected: http://10.0.0.1/robots.txt was refused: 10.0.0.1 is a private address")
    );
    assert_eq!(get().await.unwrap().text, "page", "a 503 is tried again, a 403 allows everything");
    assert_eq!(site.paths(), ["/robots.txt", "/robots.txt", "/robots.txt", "/robots.txt", "/page"]);
}

#[tokio::test]
async fn those_who_want_the_same_robots_txt_share_it() {
    let site = Site::start(|request| match request.path.as_str() {
        "/robots.txt" => answer(200, "", "User-agent: *\nAllow: /"),
        _ => html("page"),
    })
    .await;
    let fetcher = fetcher(settings());
    let (a, b) = (site.url("/a"), site.url("/b"));
    let (a, b) = tokio::join!(fetcher.fetch(&a, FetchOptions::default()), fetcher.fetch(&b, FetchOptions::default()));
    assert!(a.is_ok() && b.is_ok());
    assert_eq!(site.paths().iter().filter(|path| *path == "/robots.txt").count(), 1);
}

#[test]
fn a_fetchers_futures_can_be_sent_between_threads() {
    fn assert_send(_: impl Send) {}
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let _entered = runtime.enter();
    assert_send(fetcher(settings()).fetch("http://a.example/", FetchOptions::default()));
}

#[test]
fn a_contact_that_cannot_be_a_header_is_refused() {
    let config = aws_sdk_dynamodb::Config::builder().behavior_version(BehaviorVersion::latest()).build();
    let table = Table::new(aws_sdk_dynamodb::Client::from_conf(config), "limits");
    let settings = Settings { contact: Some("a\r\nX-Evil: 1".to_owned()), ..settings() };
    assert!(matches!(Fetcher::new(settings, table, Clock::system()), Err(SetUpError::Contact)));
}

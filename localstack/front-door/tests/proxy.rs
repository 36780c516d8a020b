//! The front door in front of a server that answers with what it was asked.

#![allow(clippy::unwrap_used, reason = "Clippy's leave for tests does not reach their helpers")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener as Blocking, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use front_door::{Proxy, Upstream, serve};
use tokio::net::TcpListener;

const LIMIT: Duration = Duration::from_millis(300);

/// Answers each request with its own text, and `/…/slow` never.
fn echo() -> SocketAddr {
    let listener = Blocking::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let mut asked = Vec::new();
                let mut buffer = [0; 4096];
                while !is_whole(&asked) {
                    match stream.read(&mut buffer).unwrap() {
                        0 => return,
                        read => asked.extend_from_slice(&buffer[..read]),
                    }
                }
                if asked.starts_with(b"GET /restapis/a/s/_user_request_/slow ") {
                    thread::sleep(Duration::from_mins(1));
                }
                if asked.starts_with(b"GET /_aws/execute-api/w/s/?api_key=k&job_id=7 ") {
                    agree_and_echo(&mut stream, &asked);
                    return;
                }
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nKeep-Alive: timeout=5\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nX-End: 2\r\n\r\n",
                    asked.len()
                );
                stream.write_all(head.as_bytes()).unwrap();
                stream.write_all(&asked).unwrap();
            });
        }
    });
    address
}

/// Agrees to a handshake, tells what was asked in, and sends back what comes.
fn agree_and_echo(stream: &mut TcpStream, asked: &[u8]) {
    stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n").unwrap();
    stream.write_all(asked).unwrap();
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer).unwrap() {
            0 => return,
            read => stream.write_all(&buffer[..read]).unwrap(),
        }
    }
}

/// Whether a request's text ends where its length, or its last chunk, says.
fn is_whole(asked: &[u8]) -> bool {
    let text = String::from_utf8_lossy(asked).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    if head.contains("transfer-encoding: chunked") {
        return body.ends_with("0\r\n\r\n");
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    body.len() >= length
}

/// A front door before `emulator`.
fn front_door(emulator: SocketAddr) -> SocketAddr {
    let listener = Blocking::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let upstream = Upstream::new(&format!("http://{emulator}/restapis/a/s/_user_request_")).unwrap().unescaping(true);
    let sockets = Upstream::new(&format!("http://{emulator}/_aws/execute-api/w/s")).unwrap();
    thread::spawn(move || {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let proxy = Proxy::new(upstream, LIMIT).with_sockets(Some(sockets));
            serve(TcpListener::from_std(listener).unwrap(), Arc::new(proxy)).await;
        });
    });
    address
}

/// The answer to `request`, whose connection is to be closed after it, in lower case.
fn ask(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).to_lowercase()
}

#[test]
fn a_request_goes_to_the_stage_with_the_callers_true_address() {
    let emulator = echo();
    let answer = ask(
        front_door(emulator),
        b"GET /tasks/%2e%2e?q=%20 HTTP/1.1\r\nHost: localhost:8000\r\nX-Forwarded-For: 203.0.113.1\r\nForwarded: for=203.0.113.1\r\n\
          X-Real-IP: 203.0.113.1\r\nAuthorization: Bearer k\r\nConnection: close\r\n\r\n",
    );
    assert!(answer.contains("get /restapis/a/s/_user_request_/tasks/%252e%252e?q=%20 http/1.1\r\n"), "{answer}");
    assert!(answer.contains(&format!("host: {emulator}\r\n")), "{answer}");
    assert!(answer.contains("x-forwarded-for: 127.0.0.1\r\n"), "{answer}");
    assert!(answer.contains("authorization: bearer k\r\n"), "{answer}");
    assert!(!answer.contains("203.0.113.1"), "{answer}");
}

#[test]
fn an_answer_comes_back_without_its_connections_headers() {
    let answer = ask(front_door(echo()), b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    let (head, _) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("http/1.1 200 ok\r\n"), "{head}");
    assert!(head.contains("x-end: 2"), "{head}");
    assert!(!head.contains("x-hop") && !head.contains("keep-alive"), "{head}");
}

#[test]
fn bodies_pass_with_a_length_and_without() {
    let door = front_door(echo());
    let sized = ask(door, b"POST /tasks HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
    assert!(sized.ends_with("hello"), "{sized}");
    let chunked = b"PUT /tasks HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    assert!(ask(door, chunked).ends_with("3\r\nabc\r\n0\r\n\r\n"));
}

#[test]
fn a_lost_emulator_is_a_502() {
    let nobody = Blocking::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let answer = ask(front_door(nobody), b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    assert!(answer.starts_with("http/1.1 502 "), "{answer}");
    assert!(answer.contains("content-type: application/json") && answer.contains(r#"{"message":"#), "{answer}");
}

#[test]
fn a_slow_answer_is_a_504() {
    let answer = ask(front_door(echo()), b"GET /slow HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    assert!(answer.starts_with("http/1.1 504 "), "{answer}");
}

#[test]
fn a_jobs_socket_is_joined_to_the_emulators() {
    let mut stream = TcpStream::connect(front_door(echo())).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let handshake = b"GET /ws/jobs/7?api_key=k HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    stream.write_all(handshake).unwrap();
    let told = read_until(&mut stream, |text| text.matches("\r\n\r\n").count() == 2);
    assert!(told.starts_with("http/1.1 101 switching protocols\r\n"), "{told}");
    for header in
        ["connection: upgrade\r\n", "upgrade: websocket\r\n", "sec-websocket-key: dghlihnhbxbszsbub25jzq==\r\n"]
    {
        assert!(told.contains(header), "{header} in {told}");
    }
    stream.write_all(b"frame").unwrap();
    assert_eq!(read_until(&mut stream, |text| text.len() == 5), "frame");
}

#[test]
fn what_is_no_handshake_to_a_jobs_socket_is_refused() {
    for (request, status) in [
        ("GET /ws/jobs/7 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "426 upgrade required"),
        (
            "POST /ws/jobs/7 HTTP/1.1\r\nHost: h\r\nConnection: close\r\nUpgrade: websocket\r\n\r\n",
            "405 method not allowed",
        ),
        ("GET /ws/jobs/7/8 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "404 not found"),
    ] {
        let answer = ask(front_door(echo()), request.as_bytes());
        assert!(answer.starts_with(&format!("http/1.1 {status}\r\n")), "{answer}");
    }
}

/// What comes, in lower case, until it is enough.
fn read_until(stream: &mut TcpStream, is_enough: impl Fn(&str) -> bool) -> String {
    let (mut come, mut buffer) = (String::new(), [0; 4096]);
    while !is_enough(&come) {
        let read = stream.read(&mut buffer).unwrap();
        assert!(read > 0, "it ended after {come:?}");
        come.push_str(&String::from_utf8_lossy(&buffer[..read]).to_lowercase());
    }
    come
}

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
    thread::spawn(move || {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            serve(TcpListener::from_std(listener).unwrap(), Arc::new(Proxy::new(upstream, LIMIT))).await;
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

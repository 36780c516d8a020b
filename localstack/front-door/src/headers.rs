//! What a proxy may pass on of a message's headers.

use std::net::IpAddr;

use hyper::header::{
    CONNECTION, EXPECT, FORWARDED, HOST, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION,
    TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Headers that belong to one connection (RFC 9110, 7.6.1), not to the message.
const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Headers in which a caller could claim to be someone else.
const CLAIMED_ORIGIN: [HeaderName; 5] = [
    FORWARDED,
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-port"),
    HeaderName::from_static("x-forwarded-proto"),
];

/// Makes a caller's headers what the emulator is to see: its own `host`, and `peer` as the one origin.
pub fn towards_emulator(headers: &mut HeaderMap, host: HeaderValue, peer: IpAddr) {
    drop_hop_by_hop(headers);
    // The front door has itself answered `Expect: 100-continue` by now.
    headers.remove(EXPECT);
    for name in &CLAIMED_ORIGIN {
        headers.remove(name);
    }
    // An address is ASCII, so this cannot fail; were it to, no origin is better than a claimed one.
    headers.remove(X_FORWARDED_FOR);
    if let Ok(origin) = HeaderValue::from_str(&peer.to_canonical().to_string()) {
        headers.insert(X_FORWARDED_FOR, origin);
    }
    headers.insert(HOST, host);
}

/// Takes out what belongs to the connection that a message came by.
pub fn drop_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(given: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        towards_emulator(&mut headers, HeaderValue::from_static("127.0.0.1:4566"), "::ffff:192.0.2.7".parse().unwrap());
        let mut seen: Vec<_> =
            headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        seen.sort();
        seen
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_caller_cannot_choose_its_address() {
        let claims = [
            ("host", "localhost:8000"),
            ("x-forwarded-for", "203.0.113.1, 203.0.113.2"),
            ("x-forwarded-for", "203.0.113.3"),
            ("forwarded", "for=203.0.113.1"),
            ("x-real-ip", "203.0.113.1"),
            ("x-forwarded-host", "evil.example"),
        ];
        assert_eq!(passed(&claims), pairs(&[("host", "127.0.0.1:4566"), ("x-forwarded-for", "192.0.2.7")]));
    }

    #[test]
    fn a_connections_own_headers_stay_with_it() {
        let given = [
            ("accept", "*/*"),
            ("connection", "keep-alive, X-Secret-Hop"),
            ("expect", "100-continue"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "websocket"),
            ("x-request-id", "r-1"),
            ("x-secret-hop", "1"),
        ];
        let expected =
            [("accept", "*/*"), ("host", "127.0.0.1:4566"), ("x-forwarded-for", "192.0.2.7"), ("x-request-id", "r-1")];
        assert_eq!(passed(&given), pairs(&expected));
    }
}

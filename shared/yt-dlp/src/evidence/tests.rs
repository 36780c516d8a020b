//! Messages as yt-dlp 2026.10.26 says them, from its source and from its runs against the stand-in.

use super::*;

const SECONDARY: &str = "[tiktok:user] khaby: Unable to extract secondary user ID. If you are able to get the channel_id from a video posted by this user, \
    try using \"tiktokuser:channel_id\" as the input URL (replacing `channel_id` with its actual value)";

fn refusal(status: impl Into<Option<u16>>, retry_after: Option<&str>) -> Refusal {
    Refusal { status: status.into(), retry_after: retry_after.map(str::to_owned) }
}

/// The fault's kind, and its words if they are the site's.
fn kind(fault: &Fault) -> String {
    match fault {
        Fault::Unsupported(words) | Fault::Network(words) | Fault::Ours(words) => format!("{} {words}", fault.code()),
        Fault::RateLimited { retry_after: Some(rest) } => format!("{} {}", fault.code(), rest.as_secs()),
        _ => fault.code().to_owned(),
    }
}

const BROKEN: &str = "network the connection broke or took too long";

/// Messages with what they mean.
const MESSAGES: &[(&str, &str)] = &[
    ("[TikTok] 7: Your IP address is blocked from accessing this post", "blocked"),
    (
        "[TikTok] 7: You do not have permission to view this post. Log into an account that has access. Use --cookies-from-browser or --cookies",
        "private",
    ),
    ("[tiktok:user] a: This user's account is private. Log into an account that has access. Use --cookies", "private"),
    (
        "[tiktok:user] a: This user's account is likely either private or all of their videos are private. Log into an account that has access",
        "private",
    ),
    ("[tiktok:user] a: This account does not have any videos posted", "empty"),
    ("[TikTok] 7: TikTok is requiring login for access to this content. Use --cookies-from-browser", "login_required"),
    (
        "[TikTok] 7: This post may not be comfortable for some audiences. Log in for access. Use --cookies",
        "login_required",
    ),
    (
        "[TikTok] 7: Video not available, status code 10231; please report this issue on  https://github.com/yt-dlp",
        "gone",
    ),
    ("[TikTok] 7: Unable to solve JS challenge; please report", "blocked"),
    ("[TikTok] 7: Unexpected response from webpage request; please report", "blocked"),
    ("[tiktok:user] a: TikTok API keeps sending the same page. Taking measures to avoid an infinite loop", "blocked"),
    (
        "[TikTok] 7: Unable to download webpage: HTTP Error 403: Forbidden (caused by <HTTPError 403: Forbidden>)",
        "blocked",
    ),
    (
        "[TikTok] 7: Unable to download webpage: HTTP Error 429: Too Many Requests (caused by <HTTPError 429: Too Many Requests>)",
        "rate_limited 30",
    ),
    (
        "[TikTok] 7: Unable to download webpage: HTTP Error 404: Not Found (caused by <HTTPError 404: Not Found>)",
        "gone",
    ),
    ("unable to download video data: HTTP Error 403: Forbidden", "blocked"),
    ("unable to download video data: HTTP Error 410: Gone", "gone"),
    ("unable to download video data: HTTP Error 503: Service Unavailable", "network the site answered with status 503"),
    (
        "[generic] Unable to download webpage: HTTP Error 401: Unauthorized (caused by <HTTPError 401: Unauthorized>)",
        "login_required",
    ),
    (
        "[generic] Unable to download webpage: HTTP Error 418: I'm a teapot",
        "unsupported the site answered with status 418",
    ),
    (
        "[TikTok] 7: Unable to download webpage: Failed to perform, curl: (28) Operation timed out after 20000 milliseconds",
        BROKEN,
    ),
    (
        "[generic] Unable to download webpage: ('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))",
        BROKEN,
    ),
    ("[download] Got error: 5292 bytes read, 5292 more expected. Giving up after 2 retries", BROKEN),
    ("unable to download video data: HTTPSConnectionPool(host='v16.tiktokcdn.com', port=443): Read timed out.", BROKEN),
    ("Unable to download webpage: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", BROKEN),
    ("Unsupported URL: https://example.com/page", "unsupported Unsupported URL: https://example.com/page"),
    (
        "[TikTok] 7: No video formats found!; please report this issue on  https://github.com/yt-dlp",
        "unsupported [TikTok] 7: No video formats found!",
    ),
    (
        "[generic] x: Requested format is not available. Use --list-formats for a list of available formats",
        "unsupported [generic] x: Requested format is not available",
    ),
    (
        "[tiktok:tag] a: Unable to extract something new; please report",
        "unsupported [tiktok:tag] a: Unable to extract something new; please report",
    ),
    (
        "unable to write data: [Errno 28] No space left on device",
        "ours unable to write data: [Errno 28] No space left on device",
    ),
    (
        "[youtube] x: The uploader has not made this video available in your country; not available from your location",
        "blocked",
    ),
];

#[test]
fn messages_are_told_apart() {
    for (error, expected) in MESSAGES {
        let refusals = vec![refusal(429, Some("30"))];
        let fault =
            judge(&Evidence { error: Some((*error).to_owned()), refusals, status: Some(1), ..Evidence::default() });
        assert_eq!(kind(&fault), *expected, "{error}");
    }
}

#[test]
fn what_failed_before_tells_why_there_is_no_profile() {
    for (refusals, expected) in [
        (vec![], "gone"),
        (vec![refusal(404, None), refusal(404, None)], "gone"),
        (vec![refusal(404, None), refusal(400, None)], "gone"),
        (vec![refusal(429, Some("30")), refusal(404, None)], "rate_limited 30"),
        (vec![refusal(429, None), refusal(403, None)], "rate_limited"),
        (vec![refusal(403, None), refusal(404, None)], "blocked"),
        (vec![refusal(None, None), refusal(404, None)], "network the connection broke or took too long"),
        (vec![refusal(502, None), refusal(502, None)], "network the site answered with status 502"),
    ] {
        let fault =
            judge(&Evidence { error: Some(SECONDARY.to_owned()), refusals, status: Some(1), ..Evidence::default() });
        assert_eq!(kind(&fault), expected);
    }
}

#[test]
fn an_address_that_was_refused_says_so() {
    let policy = scraping::AddressPolicy::default();
    let refused = policy.check("169.254.169.254:80".parse().unwrap()).unwrap_err();
    let connections = vec![scraping::Fault::Connect("the connection was refused"), scraping::Fault::Address(refused)];
    let evidence =
        Evidence { error: Some("Unable to connect to proxy".to_owned()), connections, ..Evidence::default() };
    assert_eq!(
        judge(&evidence).to_string(),
        "it led to an address that was refused: 169.254.169.254 is the address of a cloud metadata service"
    );
}

#[test]
fn what_the_proxy_did_not_connect_to_is_told_as_that() {
    let connections = || vec![scraping::Fault::UnknownHost("a.example".to_owned())];
    let named = "network could not be reached: the host name a.example could not be resolved";
    for (error, connections, expected) in [
        ("[generic] Unable to download webpage: HTTP Error 502: Bad Gateway", connections(), named),
        ("[generic] Unable to download webpage: Tunnel connection failed: 502 Bad Gateway", connections(), named),
        (
            "[generic] Unable to download webpage: HTTP Error 502: Bad Gateway",
            vec![],
            "network the site answered with status 502",
        ),
        ("[generic] Unable to download webpage: HTTP Error 404: Not Found", connections(), "gone"),
    ] {
        let evidence = Evidence { error: Some(error.to_owned()), connections, status: Some(1), ..Evidence::default() };
        assert_eq!(kind(&judge(&evidence)), expected, "{error}");
    }
}

#[test]
fn without_an_error_it_is_our_own_fault() {
    for (status, words, expected) in [
        (Some(0), "", "ours yt-dlp ended well and brought nothing"),
        (
            Some(2),
            "yt-dlp: error: no such option: --x\nmore",
            "ours yt-dlp ended with status 2: yt-dlp: error: no such option: --x",
        ),
        (
            Some(1),
            "ModuleNotFoundError: No module named 'yt_dlp'",
            "ours yt-dlp ended with status 1: ModuleNotFoundError: No module named 'yt_dlp'",
        ),
        (None, "", "ours yt-dlp was killed"),
    ] {
        let evidence = Evidence { status, last_words: words.to_owned(), ..Evidence::default() };
        assert_eq!(kind(&judge(&evidence)), expected);
    }
}

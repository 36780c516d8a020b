//! Sessions' tokens, malformed, forged, of another time; and what is sent to sign in, to a profile and to keys.

use std::time::Duration;

use anyhow::Context;
use api::identity::{PUBLIC_KEYS, Sessions};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use drover_tests::aws::Call;
use drover_tests::raw::RawRequest;
use drover_tests::{Stack, User};
use parameters::Parameters;
use ring::hmac;
use serde_json::{Value as Json, json};
use table::{Clock, Condition, Item, Millis, Query};

use super::{Case, Victim, by};

/// How many requests one user may make of `/auth/me` in a minute.
const PER_USER: usize = 8;

/// What of a user is in the table `identity`.
async fn profile_of(stack: &Stack, user: &User) -> anyhow::Result<Vec<Item>> {
    let all = Query::new(Condition::equal("pk", format!("USER#{}", user.id))).consistent();
    Ok(stack.table("identity").query_items(all).await?.items)
}

fn encoded(json: &Json) -> String {
    BASE64.encode(json.to_string())
}

/// A token of a user as a deployment whose clock is elsewhere would issue it.
async fn issued_at(stack: &Stack, user: &str, now: Millis) -> anyhow::Result<String> {
    let parameters = Parameters::new(&stack.config, format!("/{}/sessions", stack.name));
    Ok(Sessions::new(parameters, Clock::fake(now)).issue(user).await?.1)
}

#[tokio::test]
async fn no_token_but_one_of_ours_and_of_now_opens_anything() -> anyhow::Result<()> {
    let victim = Victim::new().await?;
    let (stack, user) = (&victim.stack, &victim.user);
    let token = stack.session_of(&user.id).await?.token;
    let [header, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else { anyhow::bail!("{token}") };
    let read = |part: &str| anyhow::Ok(serde_json::from_slice::<Json>(&BASE64.decode(part)?)?);
    let (head, said) = (read(header)?, read(claims)?);
    let changed = |json: &Json, name: &str, value: Json| {
        let mut json = json.clone();
        json[name] = value;
        encoded(&json)
    };
    let public = json!({"Name": format!("/{}/sessions/{PUBLIC_KEYS}", stack.name), "WithDecryption": true});
    let public = stack.operator().await?.ask(&Call::json("ssm", "AmazonSSM.GetParameter", &public)).await?.json()?;
    let public: Json = serde_json::from_str(public["Parameter"]["Value"].as_str().context("no public keys")?)?;
    let x = BASE64.decode(public["keys"][0]["x"].as_str().context("no key")?)?;
    let by_secret = |header: String, secret: &[u8]| {
        let message = format!("{header}.{claims}");
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
        format!("{message}.{}", BASE64.encode(tag.as_ref()))
    };
    let other = stack.session_of(&stack.user().await?.id).await?.token;
    let [_, other_claims, other_signature] = other.split('.').collect::<Vec<_>>()[..] else { anyhow::bail!("{other}") };
    let now = Clock::system().now();
    let tokens = [
        ("not signed", format!("{header}.{claims}.")),
        ("alg none", format!("{}.{claims}.", changed(&head, "alg", json!("none")))),
        ("alg None", format!("{}.{claims}.", changed(&head, "alg", json!("None")))),
        ("alg none, signed", format!("{}.{claims}.{signature}", changed(&head, "alg", json!("none")))),
        ("the public key as a secret", by_secret(changed(&head, "alg", json!("HS256")), &x)),
        (
            "the public key's text as a secret",
            by_secret(changed(&head, "alg", json!("HS256")), BASE64.encode(&x).as_bytes()),
        ),
        ("an empty secret", by_secret(changed(&head, "alg", json!("HS256")), b"")),
        (
            "HS256 by its word, ours by its signature",
            format!("{}.{claims}.{signature}", changed(&head, "alg", json!("HS256"))),
        ),
        ("RS256 by its word", format!("{}.{claims}.{signature}", changed(&head, "alg", json!("RS256")))),
        ("an unknown algorithm", format!("{}.{claims}.{signature}", changed(&head, "alg", json!("ROT13")))),
        ("an algorithm that is a number", format!("{}.{claims}.{signature}", changed(&head, "alg", json!(5)))),
        ("no kid", format!("{}.{claims}.{signature}", encoded(&json!({"alg": "EdDSA"})))),
        ("another kid", format!("{}.{claims}.{signature}", changed(&head, "kid", json!("nobody")))),
        ("a kid that is a path", format!("{}.{claims}.{signature}", changed(&head, "kid", json!("../../dev/null")))),
        ("a kid that is an object", format!("{}.{claims}.{signature}", changed(&head, "kid", json!({})))),
        ("a key of its own", format!("{}.{claims}.{signature}", changed(&head, "jwk", public["keys"][0].clone()))),
        ("another user", format!("{header}.{}.{signature}", changed(&said, "sub", json!("somebody")))),
        ("a later end", format!("{header}.{}.{signature}", changed(&said, "exp", json!(99_999_999_999_u64)))),
        ("another issuer", format!("{header}.{}.{signature}", changed(&said, "iss", json!("me")))),
        ("another session", format!("{header}.{}.{signature}", changed(&said, "jti", json!("other")))),
        ("another's words", format!("{header}.{other_claims}.{signature}")),
        ("another's signature", format!("{header}.{claims}.{other_signature}")),
        ("a signature of nothing", format!("{header}.{claims}.{}", BASE64.encode([0_u8; 64]))),
        ("a short signature", format!("{header}.{claims}.{}", BASE64.encode([1_u8; 63]))),
        ("a long signature", format!("{header}.{claims}.{signature}AAAA")),
        ("words that are no JSON", format!("{header}.{}.{signature}", BASE64.encode("{"))),
        ("words that are a list", format!("{header}.{}.{signature}", BASE64.encode("[]"))),
        ("a header that is no JSON", format!("{}.{claims}.{signature}", BASE64.encode("\u{0}"))),
        ("a header that is nothing", format!(".{claims}.{signature}")),
        ("nothing", "..".to_owned()),
        ("a fourth part", format!("{token}.{signature}")),
        ("two parts", format!("{header}.{claims}")),
        ("other letters", token.to_uppercase()),
        ("padded", format!("{token}==")),
        ("very long", format!("{header}.{}.{signature}", "A".repeat(6_000))),
        ("expired a second ago", issued_at(stack, &user.id, Millis(now.0 - 3_601_000)).await?),
        ("expired a year ago", issued_at(stack, &user.id, Millis(now.0 - 365 * 24 * 3_600_000)).await?),
        ("of the first hour of all", issued_at(stack, &user.id, Millis(0)).await?),
        ("of tomorrow", issued_at(stack, &user.id, now.after(Duration::from_hours(24))).await?),
        ("of nobody", issued_at(stack, "00000000-0000-0000-0000-000000000000", now).await?),
    ];
    let open = format!("/tasks/{}", victim.open.id);
    let mut cases = Vec::new();
    for (name, token) in tokens {
        let asked = RawRequest::new("DELETE", &open);
        cases.push(Case::new(
            format!("in a header: {name}"),
            asked.clone().header("Authorization", format!("Bearer {token}")),
            401,
        ));
        let cookie = asked.header("Cookie", format!("__Host-session={token}")).header("X-CSRF-Token", "x");
        cases.push(Case::new(format!("in a cookie: {name}"), cookie, 401));
    }
    cases.extend(misplaced(&open, &token, said["csrf"].as_str().unwrap_or_default()));
    let before = profile_of(stack, user).await?;
    victim.withstands(cases, &[]).await?;
    assert_eq!(profile_of(stack, user).await?, before);
    Ok(())
}

/// A token that is good, where none is looked for, or not meant.
fn misplaced(open: &str, token: &str, csrf: &str) -> Vec<Case> {
    [
        (
            "twice",
            RawRequest::new("DELETE", open).header("Cookie", format!("__Host-session={token}; __Host-session={token}")),
            401,
        ),
        (
            "by another name",
            RawRequest::new("DELETE", open).header("Cookie", format!("session={token}; __Secure-session={token}")),
            401,
        ),
        ("in the query", RawRequest::new("DELETE", &format!("{open}?token={token}&access_token={token}")), 401),
        ("as Basic", RawRequest::new("DELETE", open).header("Authorization", format!("Basic {token}")), 401),
        ("in a key's header", RawRequest::new("DELETE", open).header("X-API-Key", token.as_bytes()), 401),
        (
            "without its secret",
            RawRequest::new("DELETE", open).header("Cookie", format!("__Host-session={token}")),
            403,
        ),
        (
            "with another's secret",
            RawRequest::new("DELETE", open)
                .header("Cookie", format!("__Host-session={token}"))
                .header("X-CSRF-Token", "guessed"),
            403,
        ),
        (
            "with its secret in a cookie alone",
            RawRequest::new("DELETE", open).header("Cookie", format!("__Host-session={token}; __Host-csrf={csrf}")),
            403,
        ),
    ]
    .into_iter()
    .map(|(name, request, status)| Case::new(name, request, status))
    .collect()
}

#[tokio::test]
async fn nothing_that_is_sent_to_sign_in_is_taken() -> anyhow::Result<()> {
    let victim = Victim::new().await?;
    let long = "x".repeat(5_000);
    let bodies = [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "\"code\"".to_owned(),
        "{".to_owned(),
        "{\"code\":".to_owned(),
        "code=4/0A&state=x".to_owned(),
        json!({}).to_string(),
        json!({"state": "x"}).to_string(),
        json!({"code": null}).to_string(),
        json!({"code": 4}).to_string(),
        json!({"code": ["4/0A"]}).to_string(),
        json!({"code": {"$ne": null}}).to_string(),
        json!({"code": ""}).to_string(),
        json!({"code": "4 0A"}).to_string(),
        json!({"code": "4/0A\u{0}"}).to_string(),
        json!({"code": "4/0A\r\nHost: evil"}).to_string(),
        json!({"code": "\u{e9}"}).to_string(),
        json!({"code": long}).to_string(),
        json!({"code": "4/0A"}).to_string(),
        json!({"code": "4/0A", "state": ""}).to_string(),
        json!({"code": "4/0A", "state": null}).to_string(),
        json!({"code": "4/0A", "state": 7}).to_string(),
        json!({"code": "4/0A", "state": "unknown"}).to_string(),
        json!({"code": "4/0A", "state": "SIGNIN#x"}).to_string(),
        json!({"code": "4/0A", "state": "a".repeat(64)}).to_string(),
        json!({"code": "4/0A", "state": "a".repeat(129)}).to_string(),
        json!({"code": "4/0A", "state": {"a": 1}}).to_string(),
        json!({"code": "4/0A&client_secret=x", "state": "x"}).to_string(),
        json!({"code": "4/0A", "state": "x", "nonce": "x", "redirect_uri": "https://evil.example"}).to_string(),
    ];
    let mut cases: Vec<_> = bodies
        .into_iter()
        .map(|body| {
            let shown: String = body.chars().take(60).collect();
            Case::new(format!("sign in: {shown}"), RawRequest::new("POST", "/auth/google").body(body), 400)
        })
        .collect();
    let code = json!({"code": "4/0A"}).to_string();
    for cookie in
        ["__Host-sign-in=", "__Host-sign-in=unknown", "__Host-sign-in=a; __Host-sign-in=b", "__Host-sign-in=\u{e9}"]
    {
        let request =
            RawRequest::new("POST", "/auth/google").header("Cookie", cookie.as_bytes().to_vec()).body(code.clone());
        cases.push(Case::new(format!("sign in by a cookie: {cookie}"), request, 400));
    }
    for method in ["PUT", "PATCH", "DELETE", "OPTIONS"] {
        cases.push(Case::new(format!("{method} to sign in"), RawRequest::new(method, "/auth/google"), 405));
    }
    for path in ["/auth", "/auth/", "/auth/google/", "/auth/googles", "/auth/me/x", "/auth/logout/all", "/Auth/google"]
    {
        cases.push(Case::new(format!("nothing at {path}"), RawRequest::new("GET", path), 404));
    }
    victim.withstands(cases, &[]).await
}

#[tokio::test]
async fn no_profile_takes_what_is_none() -> anyhow::Result<()> {
    let victim = Victim::new().await?;
    let stack = &victim.stack;
    let bodies = [
        String::new(),
        "{".to_owned(),
        "null".to_owned(),
        "[]".to_owned(),
        json!({}).to_string(),
        json!({"email": "other@example.com"}).to_string(),
        json!({"is_operator": true, "is_active": true, "plan": "enterprise"}).to_string(),
        json!({"full_name": ""}).to_string(),
        json!({"full_name": "   "}).to_string(),
        json!({"full_name": "a\u{0}b"}).to_string(),
        json!({"full_name": "a\nb"}).to_string(),
        json!({"full_name": "x".repeat(201)}).to_string(),
        json!({"full_name": 5}).to_string(),
        json!({"full_name": ["A"]}).to_string(),
        json!({"avatar_url": ""}).to_string(),
        json!({"avatar_url": "javascript:alert(1)"}).to_string(),
        json!({"avatar_url": "data:image/png;base64,AAAA"}).to_string(),
        json!({"avatar_url": "//example.com/a.png"}).to_string(),
        json!({"avatar_url": "https://user:word@example.com/a.png"}).to_string(),
        json!({"avatar_url": format!("https://example.com/{}", "x".repeat(3_000))}).to_string(),
        json!({"avatar_url": "https://exa\nmple.com"}).to_string(),
        json!({"avatar_url": 1}).to_string(),
        json!({"full_name": "Good", "avatar_url": "bad"}).to_string(),
        json!({"full_name": null, "avatar_url": {"a": 1}}).to_string(),
    ];
    for bodies in bodies.chunks(PER_USER) {
        let user = stack.user().await?;
        let token = stack.session_of(&user.id).await?.token;
        let before = profile_of(stack, &user).await?;
        let cases = bodies.iter().map(|body| {
            let shown: String = body.chars().take(60).collect();
            let request = RawRequest::new("PUT", "/auth/me").header("Authorization", format!("Bearer {token}"));
            Case::new(format!("profile: {shown}"), request.body(body.clone()), 400)
        });
        victim.withstands(cases.collect(), &[]).await?;
        assert_eq!(profile_of(stack, &user).await?, before);
    }
    Ok(())
}

#[tokio::test]
async fn no_key_is_made_or_found_by_what_is_none() -> anyhow::Result<()> {
    let victim = Victim::new().await?;
    let (stack, user) = (&victim.stack, &victim.user);
    let read = ["tasks:read"];
    let bodies = [
        String::new(),
        "{".to_owned(),
        "[]".to_owned(),
        "5".to_owned(),
        json!({}).to_string(),
        json!({"name": "A"}).to_string(),
        json!({"permissions": read}).to_string(),
        json!({"name": "", "permissions": read}).to_string(),
        json!({"name": " ", "permissions": read}).to_string(),
        json!({"name": "a\u{7}", "permissions": read}).to_string(),
        json!({"name": "x".repeat(201), "permissions": read}).to_string(),
        json!({"name": 7, "permissions": read}).to_string(),
        json!({"name": "A", "permissions": []}).to_string(),
        json!({"name": "A", "permissions": null}).to_string(),
        json!({"name": "A", "permissions": "tasks:read"}).to_string(),
        json!({"name": "A", "permissions": {"tasks:read": true}}).to_string(),
        json!({"name": "A", "permissions": ["*"]}).to_string(),
        json!({"name": "A", "permissions": ["TASKS:READ"]}).to_string(),
        json!({"name": "A", "permissions": ["tasks:read "]}).to_string(),
        json!({"name": "A", "permissions": ["tasks:read", "admin"]}).to_string(),
        json!({"name": "A", "permissions": [null]}).to_string(),
        json!({"name": "A", "permissions": [["tasks:read"]]}).to_string(),
        json!({"name": "A", "permissions": vec!["tasks:read"; 101]}).to_string(),
        json!({"name": "A", "permissions": read, "description": 5}).to_string(),
        json!({"name": "A", "permissions": read, "description": "x".repeat(1_001)}).to_string(),
        json!({"name": "A", "permissions": read, "description": "a\u{0}"}).to_string(),
        json!({"name": "A", "permissions": read, "test": "true"}).to_string(),
        json!({"name": "A", "permissions": read, "test": 1}).to_string(),
    ];
    let mut cases: Vec<_> = bodies
        .into_iter()
        .map(|body| {
            let shown: String = body.chars().take(60).collect();
            Case::new(format!("key: {shown}"), by(user, "POST", "/api-keys").body(body), 400)
        })
        .collect();
    for id in [
        "1",
        "*",
        "%00",
        "..%2f..",
        "APIKEY%23x",
        "00000000000000000000000000000000",
        "00000000-0000-0000-0000-000000000000",
    ] {
        cases.push(Case::new(format!("delete {id}"), by(user, "DELETE", &format!("/api-keys/{id}")), 404));
    }
    for query in
        ["after=x", "after=APIKEY%23", "after=%00", "after=../..", "after=00000000-0000-0000-0000-00000000000g"]
    {
        cases.push(Case::new(format!("list by {query}"), by(user, "GET", &format!("/api-keys?{query}")), 400));
    }
    for (method, path) in
        [("PUT", "/api-keys"), ("DELETE", "/api-keys"), ("GET", "/api-keys/x"), ("PATCH", "/api-keys/x")]
    {
        cases.push(Case::new(format!("{method} {path}"), by(user, method, path), 405));
    }
    let before = profile_of(stack, user).await?;
    victim.withstands(cases, &[]).await?;
    assert_eq!(profile_of(stack, user).await?, before);
    Ok(())
}

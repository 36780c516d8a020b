//! A browser's session: the token in a cookie, with a secret that every change repeats.

use drover_tests::Stack;
use drover_tests::answer::Answer;
use drover_tests::sign_in::{SignedIn, Visitor};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn signing_in_sets_cookies_and_logging_out_takes_them_away() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    stack.set_sign_in_secret().await?;
    let browser = stack.browser()?;
    let begun = browser.begin().await?;
    let code = browser.visit(&begun, &Visitor::new()).await?;
    let answer = browser.finish(&json!({"code": code}), Some(&begun.cookie)).await?;
    let signed_in = SignedIn::read(&answer)?;
    let set: Vec<_> = answer.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok()).collect();
    assert_eq!(
        set,
        [
            format!("__Host-session={}; Path=/; Max-Age=3600; Secure; HttpOnly; SameSite=Lax", signed_in.token),
            format!("__Host-csrf={}; Path=/; Max-Age=3600; Secure; SameSite=Lax", signed_in.csrf),
            "__Host-sign-in=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax".to_owned(),
        ]
    );
    let request = browser.request(Method::POST, "/auth/logout").header("cookie", session_cookie(&signed_in));
    let answer = Answer::of(request.header("x-csrf-token", &signed_in.csrf).send().await?).await?;
    answer.success(200)?;
    let gone: Vec<_> = answer.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok()).collect();
    assert!(
        gone.len() == 2 && gone.iter().all(|cookie| cookie.contains("=; ") && cookie.contains("Max-Age=0")),
        "{gone:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_cookie_reads_and_changes_only_what_a_page_of_ours_means() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (mine, theirs) = (stack.sign_in(&Visitor::new()).await?, stack.sign_in(&Visitor::new()).await?);
    let browser = stack.browser()?;
    for path in ["/tasks", "/auth/me", "/api-keys"] {
        let request = browser.request(Method::GET, path).header("cookie", session_cookie(&mine));
        assert_eq!(Answer::of(request.send().await?).await?.status, 200, "{path}");
    }
    let key = json!({"name": "A key", "permissions": ["tasks:read"]});
    for (method, path) in [(Method::POST, "/tasks"), (Method::POST, "/api-keys"), (Method::PUT, "/auth/me")] {
        for token in [None, Some(""), Some("x"), Some(theirs.csrf.as_str())] {
            let mut request = browser.request(method.clone(), path).header("cookie", session_cookie(&mine)).json(&key);
            if let Some(token) = token {
                request = request.header("x-csrf-token", token);
            }
            Answer::of(request.send().await?).await?.error(403, "authorization_error")?;
        }
    }
    let request = browser.request(Method::POST, "/api-keys").header("cookie", session_cookie(&mine)).json(&key);
    let answer = Answer::of(request.header("x-csrf-token", &mine.csrf).send().await?).await?;
    assert_eq!(answer.status, 201, "{answer:?}");
    Ok(())
}

#[tokio::test]
async fn a_header_goes_before_a_cookie() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, signed_in) = (stack.user().await?, stack.sign_in(&Visitor::new()).await?);
    let cookie = session_cookie(&signed_in);
    let request = user.request(Method::GET, "/auth/me").header("cookie", &cookie);
    assert_eq!(Answer::of(request.send().await?).await?.success(200)?["id"], json!(user.id));
    // One that does not work is not made up for by the other.
    let request = user.anonymous(Method::GET, "/auth/me").bearer_auth("sk_live_forged").header("cookie", &cookie);
    Answer::of(request.send().await?).await?.error(401, "authentication_error")?;
    Ok(())
}

fn session_cookie(signed_in: &SignedIn) -> String {
    format!("theme=dark; __Host-session={}; __Host-csrf={}", signed_in.token, signed_in.csrf)
}

//! Who may see the console, and how one comes in and goes out.

use std::time::Duration;

use anyhow::{Context, ensure};
use api::identity::{Identity, UserChange};
use api::{RateLimit, RateLimiter};
use drover_tests::Stack;
use drover_tests::answer::Answer;
use drover_tests::console::{Console, told_at};
use reqwest::Method;
use secrets::fingerprint;
use table::Clock;

const PASSWORD: &str = "correct horse battery staple";
/// Every page that needs somebody.
const PAGES: [&str; 11] = [
    "",
    "/audit",
    "/credentials",
    "/credentials/import",
    "/dead-letters",
    "/jobs",
    "/proxies",
    "/schedules",
    "/usage",
    "/worker-tasks",
    "/jobs/find?id=018d0a7c-5f80-7000-8000-000000000001",
];

/// That a request was sent to the sign-in, and was shown nothing.
fn was_sent_to_sign_in(path: &str, answer: &Answer) -> anyhow::Result<()> {
    ensure!(answer.status == 303 && answer.body.is_empty(), "{path}: {} {}", answer.status, answer.text()?);
    ensure!(told_at(path, answer)?.starts_with("/sign-in"), "{path}: {answer:?}");
    Ok(())
}

/// The form's token, and the browser with its cookie.
pub(super) async fn at_the_door(stack: &Stack) -> anyhow::Result<Console> {
    let nobody = stack.console_of_nobody()?;
    let asked = nobody.get("/sign-in").await?;
    ensure!(asked.status == 200 && asked.text()?.contains("name=\"password\""), "no form: {}", asked.text()?);
    let page = asked.text()?;
    let token = page.split_once("name=\"csrf\" value=\"").and_then(|(_, rest)| rest.split('"').next());
    Ok(Console { csrf: token.context("no token")?.to_owned(), ..nobody.with_cookies_of(&asked) })
}

#[tokio::test]
async fn who_is_not_signed_in_sees_nothing() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let nobody = stack.console_of_nobody()?;
    let other = stack.session_of(&stack.operating_user().await?.id).await?.token;
    for cookies in
        [String::new(), "__Host-console=x.y.z".to_owned(), format!("__Host-console={other}"), "a=b".to_owned()]
    {
        let somebody = Console { cookies, ..nobody.clone() };
        for path in PAGES {
            was_sent_to_sign_in(path, &somebody.get(path).await?)?;
        }
        // A script gets no page in the place of a part of one.
        let part = somebody.request(Method::GET, "/jobs").header("x-part", "1").send().await?;
        ensure!(part.status() == 401 && !part.text().await?.contains("password"), "a part");
    }
    Ok(())
}

#[tokio::test]
async fn who_is_no_operator_sees_nothing() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let stranger = stack.console_of(&stack.user().await?).await?;
    for path in PAGES {
        let answer = stranger.get(path).await?;
        let page = answer.text()?;
        ensure!(
            answer.status == 403 && page.contains("Only who runs this deployment"),
            "{path}: {} {page}",
            answer.status
        );
        ensure!(!page.contains("<table") && !page.contains("<nav"), "{path}: {page}");
    }
    let answer = stranger.send("/credentials/1/disable", &[]).await?;
    ensure!(answer.status == 403, "{}", answer.status);
    Ok(())
}

#[tokio::test]
async fn who_is_no_operator_any_more_can_go() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let operator = stack.operating_user().await?;
    let inside = stack.console_of(&operator).await?;
    inside.page("/audit").await?;
    let identity = Identity::new(stack.table("identity"), Clock::system());
    identity.change_user(&operator.id, UserChange { is_operator: Some(false), ..UserChange::default() }).await?;
    let refused = inside.get("/audit").await?;
    ensure!(refused.status == 403 && refused.text()?.contains("Sign out"), "{}", refused.text()?);
    let forged = Console { csrf: "another".to_owned(), ..inside.clone() }.send("/sign-out", &[]).await?;
    ensure!(forged.status == 403, "{forged:?}");
    let out = inside.send("/sign-out", &[]).await?;
    ensure!(out.status == 303 && told_at("/sign-out", &out)? == "/sign-in", "{out:?}");
    was_sent_to_sign_in("/audit", &inside.get("/audit").await?)
}

#[tokio::test]
async fn a_form_that_is_sent_too_late_leads_back_to_its_page() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let nobody = stack.console_of_nobody()?;
    for (path, next) in [
        ("/credentials/7/disable", "/sign-in?next=%2Fcredentials%2F7"),
        ("/jobs/video/1/retry?tenant=a", "/sign-in?next=%2Fjobs%2Fvideo%2F1%3Ftenant%3Da"),
        ("/theme", "/sign-in"),
    ] {
        let answer = nobody.send(path, &[]).await?;
        ensure!(answer.status == 303 && told_at(path, &answer)? == next, "{path}: {answer:?}");
    }
    Ok(())
}

/// Somebody else's code is not redeemed: only what this browser has begun goes on in it.
#[tokio::test]
async fn only_a_sign_in_that_this_browser_began_is_finished_in_it() -> anyhow::Result<()> {
    let nobody = Stack::from_environment()?.console_of_nobody()?;
    for (cookies, query, goes_on) in [
        ("", "?code=theirs&state=theirs", false),
        ("__Host-sign-in=mine", "?code=theirs&state=theirs", false),
        ("__Host-sign-in=mine", "?code=theirs", false),
        ("__Host-sign-in=", "?code=theirs&state=", false),
        ("__Host-sign-in=theirs; __Host-sign-in=mine", "?code=theirs&state=theirs", false),
        ("__Host-sign-in=mine", "?code=mine&state=mine", true),
    ] {
        let browser = Console { cookies: cookies.to_owned(), ..nobody.clone() };
        let request =
            browser.request(Method::GET, &format!("/signed-in{query}")).header("sec-fetch-site", "cross-site");
        let answer = Answer::of(request.send().await?).await?;
        let page = answer.text()?;
        ensure!(answer.status == 200 && page.contains("data-redeem") == goes_on, "{cookies} {query}: {page}");
        ensure!(goes_on || page.contains("Begin again"), "{cookies} {query}: {page}");
    }
    Ok(())
}

#[tokio::test]
async fn a_password_is_taken_away_whatever_its_users_address_is_by_then() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let operator = stack.operating_user().await?;
    let identity = Identity::new(stack.table("identity"), Clock::system());
    let address = |name: &str| format!("{name}-{}@example.com", operator.id);
    let opens = async |email: &str| -> anyhow::Result<bool> {
        let door = at_the_door(&stack).await?;
        Ok(door.send("/sign-in", &[("email", email), ("password", PASSWORD)]).await?.status == 303)
    };
    let moved = async |email: String| {
        let change = UserChange { email: Some(email), is_operator: Some(true), ..UserChange::default() };
        identity.change_user(&operator.id, change).await
    };
    moved(address("old")).await?;
    stack.set_console_password(&operator, PASSWORD).await?;
    ensure!(opens(&address("old")).await?, "it does not open");
    let user = moved(address("new")).await?;
    ensure!(opens(&address("old")).await?, "it is for the address that it was set for");
    // Set again, it is for the address of now, and for no other.
    stack.set_console_password(&operator, PASSWORD).await?;
    ensure!(opens(&address("new")).await? && !opens(&address("old")).await?, "two addresses");
    let user = api::identity::User { email: address("third"), ..user };
    ensure!(identity.remove_password(&user).await?, "there was none");
    ensure!(!opens(&address("new")).await? && !opens(&address("old")).await?, "it still opens");
    ensure!(!identity.remove_password(&user).await?, "there was still one");
    Ok(())
}

#[tokio::test]
async fn an_operator_comes_in_with_a_password_and_goes_out_again() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let operator = stack.operating_user().await?;
    stack.set_console_password(&operator, PASSWORD).await?;
    let email = format!("{}@example.com", operator.id);
    let door = at_the_door(&stack).await?;

    for (name, word) in [(email.as_str(), "another"), ("nobody@example.com", PASSWORD), (email.as_str(), "")] {
        let refused = door.send("/sign-in", &[("email", name), ("password", word)]).await?;
        let page = refused.text()?;
        ensure!(refused.status == 401 && page.contains("The address or the password is not right"), "{name}: {page}");
        ensure!(!page.contains(PASSWORD) && !refused.headers.contains_key("location"), "{name}: {page}");
    }
    let fields = [("email", email.as_str()), ("password", PASSWORD), ("next", "/jobs?kind=video")];
    let let_in = door.send("/sign-in", &fields).await?;
    ensure!(let_in.status == 303 && told_at("/sign-in", &let_in)? == "/jobs?kind=video", "{let_in:?}");
    let mut cookies = let_in.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    let cookie = cookies.find(|cookie| cookie.starts_with("__Host-console=")).context("no cookie")?;
    for part in ["; Path=/", "; Secure", "; HttpOnly", "; SameSite=Strict"] {
        ensure!(cookie.contains(part), "{part} in {cookie}");
    }
    let inside = door.with_cookies_of(&let_in);
    let page = inside.page("/jobs").await?;
    ensure!(page.contains(&email), "{page}");
    let csrf =
        page.split_once("name=\"csrf\" value=\"").and_then(|(_, rest)| rest.split('"').next()).context("no token")?;
    let inside = Console { csrf: csrf.to_owned(), ..inside };

    let out = inside.send("/sign-out", &[]).await?;
    ensure!(out.status == 303 && told_at("/sign-out", &out)? == "/sign-in", "{out:?}");
    // Not only the cookie is gone: the token is good for nothing.
    was_sent_to_sign_in("/jobs", &inside.get("/jobs").await?)
}

#[tokio::test]
async fn the_extraction_clouds_session_is_carried_on_and_both_end_together() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let operator = stack.operating_user().await?;
    let session = stack.session_of(&operator.id).await?;
    let door = at_the_door(&stack).await?;
    let with_session =
        Console { cookies: format!("{}; __Host-session={}", door.cookies, session.token), ..door.clone() };
    let let_in = with_session.send("/sign-in/session", &[]).await?;
    ensure!(let_in.status == 303, "{}: {}", let_in.status, let_in.text()?);
    let inside = door.with_cookies_of(&let_in);
    inside.page("").await?;
    let logged_out = operator.anonymous(Method::POST, "/auth/logout").bearer_auth(&session.token).send().await?;
    ensure!(logged_out.status() == 200, "{logged_out:?}");
    was_sent_to_sign_in("", &inside.get("").await?)?;

    let stranger = stack.session_of(&stack.user().await?.id).await?;
    let stranger = Console { cookies: format!("{}; __Host-session={}", door.cookies, stranger.token), ..door };
    let refused = stranger.send("/sign-in/session", &[]).await?;
    ensure!(refused.status == 403 && !refused.headers.contains_key("set-cookie"), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn who_is_deactivated_is_out_at_once() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let operator = stack.operating_user().await?;
    let inside = stack.console_of(&operator).await?;
    inside.page("/audit").await?;
    let identity = Identity::new(stack.table("identity"), Clock::system());
    identity.change_user(&operator.id, UserChange { is_active: Some(false), ..UserChange::default() }).await?;
    was_sent_to_sign_in("/audit", &inside.get("/audit").await?)
}

#[tokio::test]
async fn passwords_are_not_guessed_for_long() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let operator = stack.operating_user().await?;
    let email = format!("{}@example.com", operator.id);
    let (mut refused, mut limited) = (0, 0);
    let door = at_the_door(&stack).await?;
    for _ in 0..22 {
        let answer = door.send("/sign-in", &[("email", &email), ("password", "a guess")]).await?;
        match answer.status {
            401 => refused += 1,
            429 => {
                answer.number("retry-after")?;
                limited += 1;
            }
            other => anyhow::bail!("{other}: {}", answer.text()?),
        }
    }
    // Two windows of a minute at most are met.
    ensure!((10..=20).contains(&refused) && limited >= 2, "{refused} refused, {limited} limited");
    // Who guesses from one address keeps nobody out at another.
    stack.set_console_password(&operator, PASSWORD).await?;
    let elsewhere = at_the_door(&stack).await?;
    let let_in = elsewhere.send("/sign-in", &[("email", &email), ("password", PASSWORD)]).await?;
    ensure!(let_in.status == 303, "{}: {}", let_in.status, let_in.text()?);
    Ok(())
}

/// From many addresses at once no more than a hundred a minute are tried.
#[tokio::test]
async fn a_name_has_a_limit_of_its_own() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let email = format!("{}@example.com", stack.operating_user().await?.id);
    let subject = format!("NAME#{}", fingerprint(&email));
    let limiter = RateLimiter::new(stack.table("limits"), Clock::system());
    let limit = RateLimit { scope: "console-sign-in-name", requests: 100, window: Duration::from_mins(1) };
    // A minute may end between the two.
    for _ in 0..3 {
        while limiter.hit(&subject, limit).await?.allowed {}
        let answer = at_the_door(&stack).await?.send("/sign-in", &[("email", &email), ("password", "a guess")]).await?;
        if answer.status == 429 {
            return Ok(());
        }
        ensure!(answer.status == 401, "{}: {}", answer.status, answer.text()?);
    }
    anyhow::bail!("a name that was tried a hundred times is tried on")
}

#[tokio::test]
async fn no_other_site_signs_a_browser_in() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let operator = stack.operating_user().await?;
    stack.set_console_password(&operator, PASSWORD).await?;
    let email = format!("{}@example.com", operator.id);
    let door = at_the_door(&stack).await?;
    let fields = [("email", email.as_str()), ("password", PASSWORD), ("csrf", door.csrf.as_str())];
    let elsewhere = Answer::of(door.form_from("cross-site", "/sign-in", &fields).send().await?).await?;
    ensure!(elsewhere.status == 403, "{elsewhere:?}");
    for (cookies, csrf) in
        [(String::new(), door.csrf.as_str()), (door.cookies.clone(), "another"), (door.cookies.clone(), "")]
    {
        let wrong = Console { cookies, csrf: csrf.to_owned(), ..door.clone() };
        let refused = wrong.send("/sign-in", &fields[..2]).await?;
        ensure!(refused.status == 401 && refused.text()?.contains("too old"), "{}", refused.text()?);
    }
    Ok(())
}

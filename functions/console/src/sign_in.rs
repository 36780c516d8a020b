//! Signing in and out. An operator signs in with the identity provider, as users of the extraction cloud do, and that session is carried on here; or with
//! a password, where the deployment has those. Either way the console has a token and a cookie of its own, that no page of another site can have sent.

use std::time::Duration;

use api::extract_cloud::{SESSION_COOKIE, SIGN_IN_COOKIE, cookie, strict_cookie};
use api::identity::{SESSION_LENGTH, Session};
use api::query::Parameters;
use api::{RateLimit, source_address};
use axum::extract::{Extension, Request, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use maud::{Markup, html};
use secrets::{Password, PasswordError, fingerprint};
use table::new_nonce;

use crate::App;
use crate::fault::Fault;
use crate::forgery::{TOKEN_FIELD, repeats};
use crate::frame::{bare_page, see_other};
use crate::gate::{COOKIE, Form, STRANGER, Visitor};
use crate::root::{Root, page_within};
use crate::view::pager::escaped;

/// How often it may be tried from an address, whatever comes of it.
const ATTEMPTS: RateLimit = RateLimit { scope: "console-sign-in", requests: 10, window: Duration::from_mins(1) };
/// How often with a name, from all addresses: so much that nobody at one address keeps another out, and too little to guess by.
const ATTEMPTS_AT_A_NAME: RateLimit =
    RateLimit { scope: "console-sign-in-name", requests: 100, window: Duration::from_mins(1) };
/// The cookie whose value the form repeats: nobody can sign somebody else's browser in.
const ATTEMPT_COOKIE: &str = "__Host-console-sign-in";
/// The cookie that remembers, while somebody is at the identity provider, which page they wanted.
const NEXT_COOKIE: &str = "__Host-console-next";
/// How long a form may lie.
const PATIENCE: Duration = Duration::from_hours(1);
/// The longest address and password that are looked at, in characters.
const LONGEST: usize = 256;

/// How one signs in to this deployment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ways {
    /// With a password that `droverctl` has set.
    pub(crate) by_password: bool,
    /// With the identity provider.
    pub(crate) provider: Provider,
}

/// What the identity provider is to the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Provider {
    /// There is none.
    None,
    /// It sends people back to another front end: they sign in there.
    Elsewhere,
    /// It sends people back to the console.
    Here,
}

impl Provider {
    /// Of a deployment with this client at the provider, who sends people back to this address.
    pub(crate) fn of(client: &str, redirect: &str) -> Self {
        match client {
            "" => Self::None,
            _ if redirect.ends_with("/console/signed-in") => Self::Here,
            _ => Self::Elsewhere,
        }
    }
}

/// `GET /console/sign-in`.
pub(crate) async fn ask(State(app): State<App>, uri: Uri, headers: HeaderMap) -> Response {
    let parameters = Parameters::of_form(uri.query().unwrap_or_default());
    let next = parameters.text("next", 500).ok().flatten().and_then(page_within).unwrap_or_default().to_owned();
    let form = SignInForm { root: Root::seen_from(uri.path()), next: &next, email: "", fault: None };
    let mut page = form.page(app.ways, &headers);
    if app.ways.provider == Provider::Here {
        let kept = if next.is_empty() { Duration::ZERO } else { PATIENCE };
        page.headers_mut().extend(strict_cookie(NEXT_COOKIE, &escaped(&next), kept).map(|next| (SET_COOKIE, next)));
    }
    page
}

/// `POST /console/sign-in`: with a password.
pub(crate) async fn with_password(State(app): State<App>, request: Request) -> Result<Response, Fault> {
    if !app.ways.by_password {
        return Err(Fault::NotFound("Nobody signs in here with a password"));
    }
    let form = sent(&request)?;
    let (root, headers) = (Root::seen_from(request.uri().path()), request.headers());
    let next = form.text("next", 500)?.and_then(page_within).unwrap_or_default();
    let email = form.text("email", LONGEST)?.unwrap_or_default();
    let again = |fault| SignInForm { root: root.clone(), next, email, fault: Some(fault) };
    if !is_of_this_browser(&form, headers) {
        return Ok(again("This form was too old. Try again").refused(app.ways, headers));
    }
    app.count(&format!("IP#{}", source_address(&request)), ATTEMPTS).await?;
    let password = Password::given(form.text("password", LONGEST)?.unwrap_or_default());
    let by_name = format!("NAME#{}", fingerprint(&email.to_lowercase()));
    let (counted, found) =
        tokio::join!(app.count(&by_name, ATTEMPTS_AT_A_NAME), app.gate.identity.find_password(email));
    // Before anything is hashed: that is what guessing would cost us.
    counted?;
    let found = found?;
    let opens = app.passwords.verify(&password, found.as_ref().map(|found| &found.password_hash)).await?;
    let user = match found.filter(|_| opens) {
        Some(found) => app.gate.identity.find_user(&found.user_id).await?,
        None => None,
    };
    // Of who may not sign in is told what is told of everybody.
    let Some(user) = user.filter(|user| user.is_active && user.is_operator) else {
        tracing::warn!(address = source_address(&request), "a sign-in with a password was refused");
        return Ok(again("The address or the password is not right").refused(app.ways, headers));
    };
    let issued = app.gate.sessions.issue(&user.id).await?;
    tracing::info!(user = user.id, "an operator signed in with a password");
    Ok(signed_in(&root, next, &issued))
}

/// `POST /console/sign-in/session`: with the extraction cloud's session, which this browser has.
pub(crate) async fn with_session(State(app): State<App>, request: Request) -> Result<Response, Fault> {
    let form = sent(&request)?;
    let (root, headers) = (Root::seen_from(request.uri().path()), request.headers());
    let kept = Parameters::of_form(&format!("next={}", cookie(headers, NEXT_COOKIE).unwrap_or_default()));
    let wanted = form.text("next", 500)?.or(kept.text("next", 500).ok().flatten());
    let next = wanted.and_then(page_within).unwrap_or_default();
    let again = |fault| SignInForm { root: root.clone(), next, email: "", fault: Some(fault) };
    if !is_of_this_browser(&form, headers) {
        return Ok(again("This form was too old. Try again").refused(app.ways, headers));
    }
    match app.gate.cloud_visitor(headers).await? {
        Visitor::Nobody => Ok(again("That session is over. Sign in again").refused(app.ways, headers)),
        Visitor::Stranger(_) => Err(Fault::Forbidden(STRANGER)),
        Visitor::Operator(operator) => {
            let carried = app.gate.sessions.carry_on(&operator.session).await?;
            tracing::info!(user = operator.user.id, "an operator came from the extraction cloud");
            Ok(signed_in(&root, next, &carried))
        }
    }
}

/// `GET /console/signed-in`: where the identity provider sends somebody back to, if the deployment has told it so. The page's script redeems the
/// code as any web front end does, and goes on with the session that it is given. Only of a sign-in that this very browser began: else a link with somebody
/// else's code would sign it in as them.
pub(crate) async fn came_back(uri: Uri, headers: HeaderMap) -> Response {
    let root = Root::seen_from(uri.path());
    let parameters = Parameters::of_form(uri.query().unwrap_or_default());
    let told = parameters.text("state", LONGEST).ok().flatten();
    if !repeats(told, cookie(&headers, SIGN_IN_COOKIE).unwrap_or_default()) {
        let body = html! {
            p role="alert" { "This sign-in was not begun in this browser, or more than ten minutes ago. Nothing was done." }
            p { a href=(root.to("/sign-in")) { "Begin again" } }
        };
        return bare_page(&root, "Signing in", &body);
    }
    let token = attempt(&headers);
    let body = html! {
        p #redeem data-redeem=(root.beside("auth/google")) role="status" { "One moment: you are being signed in." }
        noscript { p { "Signing in with the identity provider needs JavaScript." } }
        form #carry-on method="post" action=(root.to("/sign-in/session")) {
            input type="hidden" name=(TOKEN_FIELD) value=(token);
            button { "Go on" }
        }
        p { a href=(root.to("/sign-in")) { "Back to the sign-in" } }
    };
    with_attempt(bare_page(&root, "Signing in", &body), &token)
}

/// `POST /console/sign-out`: ends the session, and the extraction cloud's that it carries on.
pub(crate) async fn sign_out(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    uri: Uri,
) -> Result<Response, Fault> {
    app.gate.identity.end_session(&session).await?;
    let mut response = see_other(&Root::seen_from(uri.path()).to("/sign-in"));
    response.headers_mut().extend(strict_cookie(COOKIE, "", Duration::ZERO).map(|gone| (SET_COOKIE, gone)));
    Ok(response)
}

/// The page that asks for it.
struct SignInForm<'text> {
    root: Root,
    /// The page that was asked for.
    next: &'text str,
    email: &'text str,
    fault: Option<&'static str>,
}

impl SignInForm<'_> {
    fn refused(&self, ways: Ways, headers: &HeaderMap) -> Response {
        let mut response = self.page(ways, headers);
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        response
    }

    fn page(&self, ways: Ways, headers: &HeaderMap) -> Response {
        let token = attempt(headers);
        let hidden = html! {
            input type="hidden" name=(TOKEN_FIELD) value=(token);
            input type="hidden" name="next" value=(self.next);
        };
        let has_session = cookie(headers, SESSION_COOKIE).is_some();
        let body = html! {
            @if let Some(fault) = self.fault { p.fault role="alert" { (fault) "." } }
            p { "For who runs this deployment." }
            @if ways.by_password { (self.password_form(&hidden)) }
            @if has_session {
                form method="post" action=(self.root.to("/sign-in/session")) {
                    (hidden)
                    button { "Go on as who is signed in to the extraction cloud" }
                }
            }
            @if ways.provider == Provider::Here {
                p #provider hidden {
                    button type="button" data-begin=(self.root.beside("auth/google")) { "Sign in with the identity provider" }
                }
                noscript { p { "Signing in with the identity provider needs JavaScript." } }
            }
            @if ways.provider == Provider::Elsewhere && !has_session {
                p { "Sign in to the extraction cloud at its front end, in this browser; then load this page again." }
            }
            @if !ways.by_password && ways.provider == Provider::None {
                p { "This deployment has neither an identity provider nor passwords: see docs/operations.md." }
            }
        };
        with_attempt(bare_page(&self.root, "Sign in", &body), &token)
    }

    fn password_form(&self, hidden: &Markup) -> Markup {
        html! {
            form method="post" action=(self.root.to("/sign-in")) {
                (hidden)
                label for="email" { "E-mail address" }
                input #email type="email" name="email" value=(self.email) autocomplete="username" required maxlength=(LONGEST);
                label for="password" { "Password" }
                input #password type="password" name="password" autocomplete="current-password" required maxlength=(LONGEST);
                button { "Sign in" }
            }
        }
    }
}

/// The form that came with a request.
fn sent(request: &Request) -> Result<Form, Fault> {
    let form = request.extensions().get::<Form>().cloned();
    form.ok_or_else(|| Fault::Invalid("There is no form".to_owned()))
}

fn is_of_this_browser(form: &Form, headers: &HeaderMap) -> bool {
    let told = form.text(TOKEN_FIELD, 200).ok().flatten();
    cookie(headers, ATTEMPT_COOKIE).is_some_and(|kept| repeats(told, kept))
}

/// What a form must repeat: what the browser has already, or something new.
fn attempt(headers: &HeaderMap) -> String {
    let kept = cookie(headers, ATTEMPT_COOKIE);
    let is_one = |text: &&str| {
        (8..=100).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    kept.filter(is_one).map_or_else(new_nonce, str::to_owned)
}

fn with_attempt(mut response: Response, token: &str) -> Response {
    response.headers_mut().extend(strict_cookie(ATTEMPT_COOKIE, token, PATIENCE).map(|kept| (SET_COOKIE, kept)));
    response
}

fn signed_in(root: &Root, next: &str, (_, token): &(Session, String)) -> Response {
    let mut response = see_other(&root.to(next));
    let gone = |name| strict_cookie(name, "", Duration::ZERO);
    let cookies = [strict_cookie(COOKIE, token, SESSION_LENGTH), gone(ATTEMPT_COOKIE), gone(NEXT_COOKIE)];
    for cookie in cookies.into_iter().flatten() {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

impl App {
    /// Counts an attempt. One that cannot be counted is not made: else guesses were free whenever the table is slow.
    async fn count(&self, by: &str, limit: RateLimit) -> Result<(), Fault> {
        let decision = self.limiter.hit(by, limit).await?;
        if decision.allowed { Ok(()) } else { Err(Fault::TooMany(decision.retry_after)) }
    }
}

impl From<PasswordError> for Fault {
    fn from(error: PasswordError) -> Self {
        tracing::error!(%error, "a password was not verified");
        Self::Internal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_provider_is_offered_where_it_leads_back_here() {
        for (client, redirect, provider) in [
            ("", "", Provider::None),
            ("", "https://api.example.com/live/console/signed-in", Provider::None),
            ("c", "https://api.example.com/live/console/signed-in", Provider::Here),
            ("c", "https://app.example.com/callback", Provider::Elsewhere),
            ("c", "", Provider::Elsewhere),
        ] {
            assert_eq!(Provider::of(client, redirect), provider, "{client} {redirect}");
        }
    }
}

//! Who may see the console, and change anything by it: somebody signed in who runs this deployment. Asked before anything else, of every page; and of
//! every request that changes something, whether a page of the console made it.

use std::sync::Arc;

use api::extract_cloud::{SESSION_COOKIE, cookie};
use api::identity::{Identity, Session, Sessions, TokenError, User};
use api::query::Parameters;
use axum::body::Bytes;
use axum::extract::{FromRequest, MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use input::Fault as InputFault;
use maud::html;
use url::form_urlencoded::byte_serialize;

use crate::App;
use crate::fault::Fault;
use crate::forgery::{TOKEN_FIELD, comes_from_elsewhere, comes_from_here, repeats};
use crate::frame::{bare_page, below_console, is_part, see_other};
use crate::root::{Root, page_of};

/// The cookie that holds the console's own token.
pub(crate) const COOKIE: &str = "__Host-console";
/// What is said to who is signed in and is no operator.
pub(crate) const STRANGER: &str = "Only who runs this deployment may see the console";
/// Whom the console's tokens are for.
pub(crate) const AUDIENCE: &str = "console";
/// Where nobody need be signed in.
const PUBLIC: [&str; 4] =
    ["/console/assets/{name}", "/console/sign-in", "/console/sign-in/session", "/console/signed-in"];
/// Where whoever is signed in may go, an operator or not.
const SIGN_OUT: &str = "/console/sign-out";

/// Somebody who runs this deployment, and is signed in.
#[derive(Clone)]
pub(crate) struct Operator {
    pub(crate) user: User,
    pub(crate) session: Session,
}

/// A form that was sent, by whom it may be sent.
#[derive(Clone)]
pub(crate) struct Form(Arc<Parameters>);

impl Form {
    /// A field of at most `longest` characters; an empty one counts as not given.
    pub(crate) fn text(&self, name: &str, longest: usize) -> Result<Option<&str>, InputFault> {
        self.0.text(name, longest)
    }

    /// A field that is a whole number and must be there.
    pub(crate) fn number(&self, name: &str) -> Result<u64, InputFault> {
        self.0.number(name, 0, u64::MAX)?.ok_or_else(|| InputFault::new(name, "is required"))
    }
}

/// What the gate asks.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) identity: Identity,
    /// The console's own sessions.
    pub(crate) sessions: Sessions,
    /// The extraction cloud's.
    pub(crate) cloud: Sessions,
}

/// Whom a request is of.
pub(crate) enum Visitor {
    Nobody,
    /// Signed in, but no operator.
    Stranger(Box<Session>),
    Operator(Box<Operator>),
}

impl Gate {
    /// Whom the console's own cookie speaks for. One request, which sees every end of a session before it.
    async fn visitor(&self, headers: &HeaderMap) -> Result<Visitor, Fault> {
        let Some(token) = cookie(headers, COOKIE) else { return Ok(Visitor::Nobody) };
        let Some(session) = self.sessions.verify(token).await? else { return Ok(Visitor::Nobody) };
        self.of_session(session).await
    }

    /// Whom the extraction cloud's cookie speaks for.
    pub(crate) async fn cloud_visitor(&self, headers: &HeaderMap) -> Result<Visitor, Fault> {
        let Some(token) = cookie(headers, SESSION_COOKIE) else { return Ok(Visitor::Nobody) };
        let Some(session) = self.cloud.verify(token).await? else { return Ok(Visitor::Nobody) };
        self.of_session(session).await
    }

    async fn of_session(&self, session: Session) -> Result<Visitor, Fault> {
        Ok(match self.identity.owner_of(&session).await? {
            None => Visitor::Nobody,
            Some(user) if user.is_operator => Visitor::Operator(Box::new(Operator { user, session })),
            Some(_) => Visitor::Stranger(Box::new(session)),
        })
    }
}

/// Lets in whoever may come in.
pub(crate) async fn admit(State(app): State<App>, request: Request, next: Next) -> Response {
    match admitted(&app, request).await {
        Ok(request) => next.run(request).await,
        Err(refusal) => refusal,
    }
}

async fn admitted(app: &App, mut request: Request) -> Result<Request, Response> {
    let refused = |fault: Fault| fault.into_response();
    if !request.method().is_safe() && !comes_from_here(request.headers()) {
        return Err(refused(Fault::Forbidden("Another site has sent this. Nothing was done")));
    }
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    if route.as_deref().is_some_and(|route| PUBLIC.contains(&route)) {
        return Ok(request);
    }
    let session = match app.gate.visitor(request.headers()).await.map_err(refused)? {
        Visitor::Nobody => return Err(to_sign_in(request)),
        Visitor::Stranger(session) if route.as_deref() == Some(SIGN_OUT) => *session,
        Visitor::Stranger(session) => return Err(to_stranger(&request, &session)),
        Visitor::Operator(operator) => {
            let session = operator.session.clone();
            request.extensions_mut().insert(*operator);
            session
        }
    };
    request.extensions_mut().insert(session);
    Ok(request)
}

/// Reads the form of a request that changes something, of whoever was let in: none is acted on that does not repeat its session's secret.
pub(crate) async fn accept(request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    let (request, form) = match with_form(request).await {
        Ok(read) => read,
        Err(fault) => return fault.into_response(),
    };
    // Where nobody need be signed in, what a form repeats is its page's own.
    let told = form.text(TOKEN_FIELD, 200).ok().flatten();
    if request.extensions().get::<Session>().is_some_and(|session| !repeats(told, &session.csrf)) {
        let why = "The form is of another session, or older than this one. Load its page again";
        return Fault::Forbidden(why).into_response();
    }
    next.run(request).await
}

/// What somebody is told who is signed in and is no operator, or not any more: they can go.
fn to_stranger(request: &Request, session: &Session) -> Response {
    let root = Root::seen_from(request.uri().path());
    let body = html! {
        p { (STRANGER) "." }
        form method="post" action=(root.to("/sign-out")) {
            input type="hidden" name=(TOKEN_FIELD) value=(session.csrf);
            button { "Sign out" }
        }
    };
    let mut page = bare_page(&root, "That is not allowed", &body);
    *page.status_mut() = StatusCode::FORBIDDEN;
    page
}

/// Reads a request's form, for handlers to find among its extensions.
async fn with_form(request: Request) -> Result<(Request, Form), Fault> {
    let (parts, body) = request.into_parts();
    let read = Bytes::from_request(Request::from_parts(parts.clone(), body), &()).await;
    let bytes = read.map_err(|rejection| {
        let is_large = rejection.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE;
        if is_large { Fault::TooLarge } else { Fault::Invalid("The form cannot be read".to_owned()) }
    })?;
    let text = std::str::from_utf8(&bytes).map_err(|_| Fault::Invalid("The form is not UTF-8".to_owned()))?;
    let form = Form(Arc::new(Parameters::of_form(text)));
    let mut request = Request::from_parts(parts, axum::body::Body::empty());
    request.extensions_mut().insert(form.clone());
    Ok((request, form))
}

/// Where somebody goes who is not signed in, to come back to the page that they wanted, or that their form was on. A browser that comes from another site has held the cookie back: asked again by a page of ours, it sends it.
fn to_sign_in(request: Request) -> Response {
    let is_asked = request.method() == Method::GET;
    let (parts, _) = request.into_parts();
    if is_part(&parts.headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let (root, here) = (Root::seen_from(parts.uri.path()), below_console(&parts));
    if is_asked && comes_from_elsewhere(&parts.headers) {
        let address = root.to(&here);
        let again = format!("0; url={address}");
        return bare_page(
            &root,
            "Opening the console",
            &html! {
                meta http-equiv="refresh" content=(again);
                p { a href=(address) { "Go on to the console" } }
            },
        );
    }
    let next = if is_asked { here } else { page_of(&here).path };
    let next: String = byte_serialize(next.as_bytes()).collect();
    let query = if next.is_empty() { String::new() } else { format!("?next={next}") };
    see_other(&root.to(&format!("/sign-in{query}")))
}

impl From<TokenError> for Fault {
    fn from(error: TokenError) -> Self {
        tracing::error!(%error, "sessions cannot be judged");
        Self::Internal
    }
}

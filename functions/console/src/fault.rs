//! What is answered instead of what was asked for: a page that says what is wrong, and nothing that whoever reads it cannot use.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{ALLOW, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use input::Fault as InputFault;
use maud::html;
use table::TableError;

use crate::App;
use crate::frame::{Frame, Section, bare_page, below_console};
use crate::root::{Root, page_of};
use crate::view::text::shown;

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// 400: what is wrong with the request.
    Invalid(String),
    /// 403: it may not be done.
    Forbidden(&'static str),
    /// 404: there is no such thing.
    NotFound(&'static str),
    /// 405: nothing is done so at this address.
    MethodNotAllowed,
    /// 409: it cannot be done as things are.
    Conflict(String),
    /// 413: more than is read.
    TooLarge,
    /// 429: too often; again in so many seconds.
    TooMany(u64),
    /// 500: our fault. The cause is logged and not told.
    Internal,
    /// 500: our fault, after a part was done. How it goes on.
    Unfinished(&'static str),
}

impl Fault {
    fn told(&self) -> (StatusCode, &'static str, String) {
        match self {
            Self::Invalid(what) => (StatusCode::BAD_REQUEST, "That cannot be read", what.clone()),
            Self::Forbidden(why) => (StatusCode::FORBIDDEN, "That is not allowed", (*why).to_owned()),
            Self::NotFound(what) => (StatusCode::NOT_FOUND, "Not found", (*what).to_owned()),
            Self::MethodNotAllowed => {
                (StatusCode::METHOD_NOT_ALLOWED, "That cannot be done here", "Go back, and try again".to_owned())
            }
            Self::Conflict(why) => (StatusCode::CONFLICT, "Nothing was done", why.clone()),
            Self::TooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "That is too much", "At most 1 MiB is read at once".to_owned())
            }
            Self::TooMany(seconds) => {
                (StatusCode::TOO_MANY_REQUESTS, "Too many attempts", format!("Try again in {seconds} s"))
            }
            Self::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something went wrong on our side",
                "Try again. The function's log tells what it was".to_owned(),
            ),
            Self::Unfinished(next) => (StatusCode::INTERNAL_SERVER_ERROR, "It was not finished", (*next).to_owned()),
        }
    }

    fn of_status(status: StatusCode) -> Option<Self> {
        match status {
            StatusCode::NOT_FOUND => Some(Self::NotFound("There is no such page")),
            StatusCode::METHOD_NOT_ALLOWED => Some(Self::MethodNotAllowed),
            StatusCode::PAYLOAD_TOO_LARGE => Some(Self::TooLarge),
            status if status.is_server_error() => Some(Self::Internal),
            // Told to a script, which needs no page.
            status if status.is_client_error() && status != StatusCode::UNAUTHORIZED => {
                Some(Self::Invalid("The request cannot be read".to_owned()))
            }
            _ => None,
        }
    }
}

/// Marks a page that is whole.
#[derive(Clone, Copy)]
pub(crate) struct Whole;

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut response = self.told().0.into_response();
        if let Self::TooMany(seconds) = self {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// The fault that an answer is, if it is one and no page yet: ours, or a bare status of the layers below.
fn fault_of(response: &Response) -> Option<Fault> {
    if response.extensions().get::<Whole>().is_some() {
        return None;
    }
    response.extensions().get::<Fault>().cloned().or_else(|| Fault::of_status(response.status()))
}

/// The page that is shown in the place of a bare answer, with the headers that it has more.
fn in_place_of(response: &Response, status: StatusCode, mut page: Response) -> Response {
    *page.status_mut() = status;
    for name in [RETRY_AFTER, ALLOW] {
        page.headers_mut().extend(response.headers().get(&name).map(|value| (name, value.clone())));
    }
    page
}

/// Makes a page for an operator of what is none: with the menu, and a link to the page that it was done from.
pub(crate) async fn framed(State(app): State<App>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let frame = Frame::from_request_parts(&mut parts, &app).await.ok();
    let back = page_of(&below_console(&parts));
    let response = next.run(Request::from_parts(parts, body)).await;
    let (Some(fault), Some(frame)) = (fault_of(&response), frame) else { return response };
    let (status, title, what) = fault.told();
    let body = html! {
        h1 { (title) }
        p.sentence { (shown(&what)) "." }
        p { a href=(frame.to(&back.path)) { (back.called) } }
    };
    in_place_of(&response, status, frame.page(Section::of(&back.path), title, &body))
}

/// Makes a page of what is none, for anybody else.
pub(crate) async fn dress(request: Request, next: Next) -> Response {
    let root = Root::seen_from(request.uri().path());
    let response = next.run(request).await;
    let Some(fault) = fault_of(&response) else { return response };
    let (status, title, what) = fault.told();
    let body = html! {
        p.sentence { (shown(&what)) "." }
        p { a href=(root.to("")) { "To the overview" } }
    };
    in_place_of(&response, status, bare_page(&root, title, &body))
}

impl From<InputFault> for Fault {
    fn from(InputFault { field, message }: InputFault) -> Self {
        Self::Invalid(if field.is_empty() { message } else { format!("{field}: {message}") })
    }
}

impl From<Vec<InputFault>> for Fault {
    fn from(faults: Vec<InputFault>) -> Self {
        let told: Vec<_> = faults.into_iter().map(|fault| format!("{}: {}", fault.field, fault.message)).collect();
        Self::Invalid(told.join("; "))
    }
}

impl From<TableError> for Fault {
    fn from(error: TableError) -> Self {
        tracing::error!(%error, "a table failed");
        Self::Internal
    }
}

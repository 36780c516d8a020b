//! The pages, and what those of lists and acts have in common.

pub(crate) mod audit;
pub(crate) mod credentials;
#[cfg(test)]
mod hostile;
pub(crate) mod import;
pub(crate) mod job;
pub(crate) mod jobs;
pub(crate) mod letters;
pub(crate) mod overview;
pub(crate) mod proxies;
pub(crate) mod schedule;
pub(crate) mod schedules;
pub(crate) mod tasks;
pub(crate) mod usage;

use api::query::Parameters;
use axum::response::Response;
use maud::{Markup, html};
use operations::{Act, ActError, Acted, ListError, Paging};
use serde::Serialize;
use serde_json::Value as Json;

use crate::fault::Fault;
use crate::frame::Frame;
use crate::notice::Notice;

/// How many of anything a page shows.
pub(crate) const PAGE: u32 = 25;
/// The longest cursor, in characters.
const LONGEST_CURSOR: usize = 2_000;
/// The longest name of a tenant, in bytes.
const LONGEST_TENANT: usize = 200;

/// The page that a query string asks for.
pub(crate) fn paging(parameters: &Parameters) -> Result<Paging<'_>, Fault> {
    Ok(Paging::new(PAGE, parameters.text("cursor", LONGEST_CURSOR)?))
}

/// Whether it is the first page.
pub(crate) fn is_first(parameters: &Parameters) -> bool {
    matches!(parameters.text("cursor", LONGEST_CURSOR), Ok(None))
}

/// The tenant that a query string names. It stands there and not in the path, since it may hold anything but control characters.
pub(crate) fn tenant(parameters: &Parameters) -> Result<Option<&str>, Fault> {
    let given = parameters.text("tenant", LONGEST_TENANT)?.map(str::trim).filter(|tenant| !tenant.is_empty());
    let is_none = |tenant: &&str| tenant.len() > LONGEST_TENANT || tenant.contains(char::is_control);
    if given.as_ref().is_some_and(is_none) {
        return Err(Fault::Invalid("tenant: nobody can be called so".to_owned()));
    }
    Ok(given)
}

/// What has come of an act: on to a page that says so, or why nothing was done.
pub(crate) fn acted(frame: &Frame, act: Act, back: &str, notice: Notice) -> Result<Response, Fault> {
    match act? {
        Acted::Done(_) => Ok(frame.done(back, notice)),
        Acted::Refused(why) => Err(Fault::Conflict(why)),
    }
}

/// A word as it is written in JSON.
pub(crate) fn word(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Json::String(word)) => word,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

/// One of several lists, as links side by side: what each is called, its address below the console, and which one is shown.
pub(crate) fn tabs(frame: &Frame, label: &str, tabs: &[(&str, String, bool)]) -> Markup {
    html! {
        nav aria-label=(label) {
            ul.tabs {
                @for (name, path, is_shown) in tabs {
                    li { a href=(frame.to(path)) aria-current=[is_shown.then_some("page")] { (name) } }
                }
            }
        }
    }
}

impl From<ListError> for Fault {
    fn from(error: ListError) -> Self {
        match error {
            ListError::Cursor => Self::Invalid("cursor: it is of no such list. Begin with its first page".to_owned()),
            ListError::Table(error) => error.into(),
        }
    }
}

impl From<ActError> for Fault {
    fn from(error: ActError) -> Self {
        match error {
            ActError::Missing => Self::NotFound("It is not there any more"),
            ActError::Table(error) => error.into(),
            ActError::Results(error) => {
                tracing::error!(%error, "a job's files were not deleted");
                Self::Internal
            }
        }
    }
}

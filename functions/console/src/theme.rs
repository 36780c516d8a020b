//! Light or dark: as the system has it, or as somebody has chosen, which a cookie keeps.

use std::time::Duration;

use api::extract_cloud::{cookie, strict_cookie};
use axum::extract::Extension;
use axum::http::HeaderMap;
use axum::http::header::SET_COOKIE;
use axum::response::Response;

use crate::fault::Fault;
use crate::frame::{Frame, see_other};
use crate::gate::Form;
use crate::root::page_within;

const COOKIE: &str = "__Host-console-theme";
/// For how long a choice is kept.
const KEPT: Duration = Duration::from_hours(365 * 24);

/// A choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Theme {
    /// As the system has it.
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    pub(crate) fn kept_in(headers: &HeaderMap) -> Self {
        cookie(headers, COOKIE).and_then(Self::named).unwrap_or_default()
    }

    fn named(name: &str) -> Option<Self> {
        [Self::System, Self::Light, Self::Dark].into_iter().find(|theme| theme.as_str() == name)
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// What the switch turns it to.
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::System => Self::Dark,
            Self::Dark => Self::Light,
            Self::Light => Self::System,
        }
    }

    /// What the switch is called that turns to it.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::System => "Follow system colours",
            Self::Light => "Light colours",
            Self::Dark => "Dark colours",
        }
    }

    /// What was chosen, if something was.
    pub(crate) fn chosen(self) -> Option<&'static str> {
        (self != Self::System).then(|| self.as_str())
    }

    /// The schemes that a page has.
    pub(crate) const fn schemes(self) -> &'static str {
        match self {
            Self::System => "light dark",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// `POST /console/theme`: keeps a choice, and goes back to the page that it was made on.
pub(crate) async fn choose(frame: Frame, Extension(form): Extension<Form>) -> Result<Response, Fault> {
    let theme = form.text("theme", 10)?.and_then(Theme::named);
    let theme = theme.ok_or_else(|| Fault::Invalid("theme: must be system, light or dark".to_owned()))?;
    let back = form.text("back", 500)?.and_then(page_within).unwrap_or_default();
    let mut response = see_other(&frame.to(back));
    response.headers_mut().extend(strict_cookie(COOKIE, theme.as_str(), KEPT).map(|kept| (SET_COOKIE, kept)));
    Ok(response)
}

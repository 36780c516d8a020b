//! What stands around every page: where one is, where one can go, who is signed in; and for who is not, a page without.

use axum::extract::FromRequestParts;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use table::Millis;

use crate::App;
use crate::asset::{LOGO, SCRIPT, STYLE};
use crate::fault::{Fault, Whole};
use crate::forgery::TOKEN_FIELD;
use crate::gate::Operator;
use crate::notice::Notice;
use crate::page::tasks;
use crate::root::{Root, page_of};
use crate::theme::Theme;
use crate::view::text::shown;

/// A part of the console, as its menu has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Overview,
    Jobs,
    Schedules,
    DeadLetters,
    Credentials,
    Proxies,
    Usage,
    Audit,
}

impl Section {
    /// Every part, in the order of the menu.
    const ALL: [Self; 8] = [
        Self::Overview,
        Self::Jobs,
        Self::Schedules,
        Self::DeadLetters,
        Self::Credentials,
        Self::Proxies,
        Self::Usage,
        Self::Audit,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Jobs => "Jobs",
            Self::Schedules => "Schedules",
            Self::DeadLetters => "Dead letters",
            Self::Credentials => "Credentials",
            Self::Proxies => "Proxies",
            Self::Usage => "Usage",
            Self::Audit => "Audit log",
        }
    }

    /// The part that a page is in, by its address below the console.
    pub(crate) fn of(page: &str) -> Self {
        let is_in = |section: &&Self| **section != Self::Overview && page.starts_with(section.path());
        let is_task = page.starts_with(tasks::PATH);
        Self::ALL.iter().find(is_in).copied().unwrap_or(if is_task { Self::Jobs } else { Self::Overview })
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Overview => "",
            Self::Jobs => "/jobs",
            Self::Schedules => "/schedules",
            Self::DeadLetters => "/dead-letters",
            Self::Credentials => "/credentials",
            Self::Proxies => "/proxies",
            Self::Usage => "/usage",
            Self::Audit => "/audit",
        }
    }
}

/// What a page is made for: by whom it was asked, and where it will stand.
#[derive(Clone)]
pub(crate) struct Frame {
    pub(crate) root: Root,
    pub(crate) operator: Operator,
    /// When it was asked for.
    pub(crate) now: Millis,
    /// Whether a script of ours asks for what has changed.
    pub(crate) is_part: bool,
    theme: Theme,
    notice: Option<Notice>,
    /// The address of the page itself, below the console; of what is no page, that of the page that it was sent from.
    here: String,
}

impl FromRequestParts<App> for Frame {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Fault> {
        let operator = parts.extensions.get::<Operator>().cloned();
        Ok(Self {
            root: Root::seen_from(parts.uri.path()),
            operator: operator.ok_or(Fault::Forbidden("Sign in first"))?,
            now: app.clock.now(),
            is_part: is_part(&parts.headers),
            theme: Theme::kept_in(&parts.headers),
            notice: Notice::told_by(parts.uri.query().unwrap_or_default()),
            here: if parts.method.is_safe() { below_console(parts) } else { page_of(&below_console(parts)).path },
        })
    }
}

/// A page's address below the console, with its query.
pub(crate) fn below_console(parts: &Parts) -> String {
    let path = parts.uri.path().strip_prefix("/console").unwrap_or_default();
    match parts.uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    }
}

impl Frame {
    /// A whole page.
    pub(crate) fn page(&self, section: Section, title: &str, body: &Markup) -> Response {
        let content = html! {
            header.top {
                (brand(&self.root))
                details.menu {
                    summary { "Menu" }
                    nav aria-label="Console" { (self.menu(section)) }
                }
                (self.account())
            }
            nav.side aria-label="Console" { (self.menu(section)) }
            main #main tabindex="-1" {
                @if let Some(notice) = &self.notice { (notice.shown()) }
                (body)
            }
        };
        // A page's title is what is read out first.
        let said = self.notice.map(|notice| format!("{} {title}", notice.said()));
        let mut response = document(&self.root, self.theme, said.as_deref().unwrap_or(title), &content);
        response.extensions_mut().insert(Whole);
        response
    }

    /// Who does what is asked for here, as the audit log tells.
    pub(crate) fn actor(&self) -> operations::Operator {
        let user = &self.operator.user;
        operations::Operator::administrator(&user.email, &user.id)
    }

    /// The address of a page below the console.
    pub(crate) fn to(&self, path: &str) -> String {
        self.root.to(path)
    }

    /// A form that does something, by a button, with whatever fields it has.
    pub(crate) fn form(&self, path: &str, fields: &Markup) -> Markup {
        html! {
            form method="post" action=(self.to(path)) {
                input type="hidden" name=(TOKEN_FIELD) value=(self.operator.session.csrf);
                (fields)
            }
        }
    }

    /// The answer that sends a browser on to a page, where it is told what was done.
    pub(crate) fn done(&self, path: &str, notice: Notice) -> Response {
        let joint = if path.contains('?') { '&' } else { '?' };
        see_other(&self.to(&format!("{path}{joint}{}", notice.query())))
    }

    fn menu(&self, current: Section) -> Markup {
        html! {
            ul {
                @for section in Section::ALL {
                    li {
                        a href=(self.to(section.path())) aria-current=[(section == current).then_some("page")] {
                            (section.name())
                        }
                    }
                }
            }
        }
    }

    fn account(&self) -> Markup {
        let other = self.theme.other();
        html! {
            div.account {
                span.who title="Signed in" { (shown(&self.operator.user.email)) }
                (self.form("/theme", &html! {
                    input type="hidden" name="back" value=(self.here);
                    button.quiet name="theme" value=(other.as_str()) { (other.label()) }
                }))
                (self.form("/sign-out", &html! { button.quiet { "Sign out" } }))
            }
        }
    }
}

/// A page for who is not signed in.
pub(crate) fn bare_page(root: &Root, title: &str, body: &Markup) -> Response {
    let content = html! {
        header.top { (brand(root)) }
        main.narrow #main tabindex="-1" { h1 { (title) } (body) }
    };
    let mut response = document(root, Theme::System, title, &content);
    response.extensions_mut().insert(Whole);
    response
}

/// The answer that sends a browser on to another page.
pub(crate) fn see_other(address: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    match HeaderValue::from_str(address) {
        Ok(address) => drop(response.headers_mut().insert(LOCATION, address)),
        Err(_) => return Fault::Internal.into_response(),
    }
    response
}

/// A part of a page, for a script that puts it in its place.
pub(crate) fn fragment(body: &Markup) -> Response {
    let mut response = html_of(body.0.clone());
    response.extensions_mut().insert(Whole);
    response
}

/// Whether a script of ours asks, which shows no sign-in page in a page's place.
pub(crate) fn is_part(headers: &HeaderMap) -> bool {
    headers.contains_key("x-part")
}

fn brand(root: &Root) -> Markup {
    html! {
        a.brand href=(root.to("")) {
            img src=(root.to(&LOGO.path())) alt="" width="28" height="28";
            "Drover"
        }
    }
}

fn document(root: &Root, theme: Theme, title: &str, content: &Markup) -> Response {
    let document = html! {
        (DOCTYPE)
        html lang="en" data-theme=[theme.chosen()] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content=(theme.schemes());
                title { (shown(title)) " · Drover" }
                link rel="icon" type="image/svg+xml" href=(root.to(&LOGO.path()));
                link rel="stylesheet" href=(root.to(&STYLE.path()));
                script src=(root.to(&SCRIPT.path())) defer {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                (content)
                p #announcements role="status" aria-live="polite" {}
            }
        }
    };
    html_of(document.into_string())
}

fn html_of(text: String) -> Response {
    ([(CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response()
}

#[cfg(test)]
impl Frame {
    /// The frame of a page at this path, for an operator of this address.
    pub(crate) fn sample(path: &str, email: &str) -> Self {
        let session =
            serde_json::json!({"iss": "drover", "iat": 0, "exp": 0, "sub": "u", "jti": "s", "csrf": "secret"});
        let user =
            serde_json::json!({"id": "u", "email": email, "full_name": "U", "is_operator": true, "created_at": 0});
        Self {
            root: Root::seen_from(path),
            operator: Operator {
                user: serde_json::from_value(user).unwrap(),
                session: serde_json::from_value(session).unwrap(),
            },
            now: Millis(1_705_314_600_000),
            is_part: false,
            theme: Theme::System,
            notice: None,
            here: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    #[tokio::test]
    async fn every_page_has_its_landmarks_and_every_form_its_secret() {
        let frame = Frame::sample("/console/jobs", "<b>eve</b>@example.com");
        let body = html! { h1 { "Jobs" } (frame.form("/jobs/x", &html! { button { "Do" } })) };
        let answer = frame.page(Section::Jobs, "Jobs", &body);
        let page = String::from_utf8(to_bytes(answer.into_body(), 100_000).await.unwrap().to_vec()).unwrap();
        for part in [
            "<!DOCTYPE html><html lang=\"en\">",
            "<title>Jobs · Drover</title>",
            "<a class=\"skip\" href=\"#main\">",
            "<main id=\"main\" tabindex=\"-1\">",
            "<nav class=\"side\" aria-label=\"Console\">",
            "href=\"../console/jobs\" aria-current=\"page\"",
            "&lt;b&gt;eve&lt;/b&gt;@example.com",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
        assert_eq!(page.matches("<form").count(), 3, "{page}");
        assert_eq!(page.matches("name=\"csrf\" value=\"secret\"").count(), 3, "{page}");
        assert!(!page.contains(" style=") && !page.contains("<script>"), "{page}");
    }

    #[tokio::test]
    async fn what_was_done_is_said_by_the_title_too() {
        let told = Frame { notice: Some(Notice::of("cancelled")), ..Frame::sample("/console/jobs", "a@example.com") };
        let answer = told.page(Section::Jobs, "Jobs", &html! { h1 { "Jobs" } });
        let page = String::from_utf8(to_bytes(answer.into_body(), 100_000).await.unwrap().to_vec()).unwrap();
        assert!(page.contains("<title>The job was cancelled. Jobs · Drover</title>"), "{page}");
        assert!(page.contains("tabindex=\"-1\">The job was cancelled.</p>"), "{page}");
    }

    #[test]
    fn a_page_that_follows_is_told_what_was_done() {
        let frame = Frame::sample("/console/jobs/video/1/cancel", "a@example.com");
        for (path, location) in [
            ("/jobs", "../../../../console/jobs?done=cancelled"),
            ("/jobs?kind=video", "../../../../console/jobs?kind=video&done=cancelled"),
        ] {
            let answer = frame.done(path, Notice::of("cancelled"));
            assert_eq!(
                (answer.status(), &answer.headers()[LOCATION]),
                (StatusCode::SEE_OTHER, &location.parse().unwrap())
            );
        }
    }
}

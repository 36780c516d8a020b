//! Addresses of the console's pages, relative to the page that they stand on: what a deployment is called, and below which stage, only the browser
//! knows.

/// Where the console is, as seen from a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Root(String);

impl Root {
    /// From the page at this path, as it stands in the request: `/console/jobs`.
    pub(crate) fn seen_from(path: &str) -> Self {
        let depth = path.matches('/').count().saturating_sub(1);
        Self("../".repeat(depth))
    }

    /// The address of something below the console: of `/jobs`; of the console itself where that is empty.
    pub(crate) fn to(&self, path: &str) -> String {
        format!("{}console{path}", self.0)
    }

    /// The address of something beside the console: of `auth/google`.
    pub(crate) fn beside(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

/// What a page is asked for by after a sign-in, if it is one of the console's: `/jobs?kind=video`. Nothing else is gone to.
pub(crate) fn page_within(text: &str) -> Option<&str> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\\"'<>".contains(&byte));
    let is_ours = text.is_empty() || text.starts_with('?') || (text.starts_with('/') && !text.starts_with("//"));
    (is_plain && is_ours && text.len() <= 500 && !text.contains("..")).then_some(text)
}

/// What the link to the first page is called.
const OVERVIEW: &str = "To the overview";

/// A page that one can go back to from what went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Back {
    /// Where it is, below the console.
    pub(crate) path: String,
    /// What the link to it is called.
    pub(crate) called: &'static str,
}

/// The page that something is on, or is done from, by its address below the console: of `/jobs/video/1/cancel?tenant=a` that of the job, of a job that of
/// the list.
pub(crate) fn page_of(address: &str) -> Back {
    // Of jobs and schedules the query tells whose they are.
    let (path, whose) = address.split_at(address.find('?').unwrap_or(address.len()));
    let parts: Vec<_> = path.split('/').skip(1).collect();
    let (path, called) = match parts.as_slice() {
        ["credentials", "import"] => ("/credentials/import".to_owned(), "Back to the form"),
        ["jobs", kind, id, _, ..] => (format!("/jobs/{kind}/{id}{whose}"), "Back to the job"),
        ["schedules", kind, id, _, ..] => (format!("/schedules/{kind}/{id}{whose}"), "Back to the schedule"),
        ["credentials", id, _, ..] => (format!("/credentials/{id}"), "Back to the credential"),
        ["dead-letters", id, _, ..] => (format!("/dead-letters/{id}"), "Back to the letter"),
        ["worker-tasks", id, _, ..] => (format!("/worker-tasks/{id}"), "Back to the task"),
        [list @ ("jobs" | "schedules" | "credentials" | "dead-letters" | "worker-tasks" | "proxies" | "audit"), ..] => {
            (format!("/{list}"), "Back to the list")
        }
        ["usage", ..] => ("/usage".to_owned(), "Back to the form"),
        _ => (String::new(), OVERVIEW),
    };
    if page_within(&path).is_some() { Back { path, called } } else { Back { path: String::new(), called: OVERVIEW } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_relative_to_their_page() {
        for (page, jobs) in [
            ("/console", "console/jobs"),
            ("/console/jobs", "../console/jobs"),
            ("/console/jobs/video/1", "../../../console/jobs"),
        ] {
            let base = url::Url::parse("https://api.example.com/live").unwrap();
            let page_at = url::Url::parse(&format!("{base}{page}")).unwrap();
            let root = Root::seen_from(page);
            assert_eq!(root.to("/jobs"), jobs, "{page}");
            assert_eq!(page_at.join(&root.to("/jobs")).unwrap().path(), "/live/console/jobs", "{page}");
            assert_eq!(page_at.join(&root.to("")).unwrap().path(), "/live/console", "{page}");
            assert_eq!(page_at.join(&root.beside("auth/google")).unwrap().path(), "/live/auth/google", "{page}");
        }
    }

    #[test]
    fn from_what_went_wrong_one_goes_back_to_the_page_that_it_was_done_from() {
        for (address, page) in [
            ("/jobs/video/1/cancel?tenant=a", "/jobs/video/1?tenant=a"),
            ("/jobs/video/1/parts/7/retry?tenant=a", "/jobs/video/1?tenant=a"),
            ("/jobs/video/1?tenant=a", "/jobs"),
            ("/jobs?kind=x", "/jobs"),
            ("/schedules/monitor/1/run?tenant=a", "/schedules/monitor/1?tenant=a"),
            ("/credentials/7/release", "/credentials/7"),
            ("/credentials/7", "/credentials"),
            ("/credentials/import", "/credentials/import"),
            ("/dead-letters/video.1.a/redrive", "/dead-letters/video.1.a"),
            ("/dead-letters/purge?queue=video", "/dead-letters"),
            ("/proxies/7/disable", "/proxies"),
            ("/worker-tasks/7/release", "/worker-tasks/7"),
            ("/usage?kind=x", "/usage"),
            ("/theme", ""),
            ("/nothing/at/all", ""),
            ("/jobs/..%2f/x/y", ""),
            ("", ""),
        ] {
            assert_eq!(page_of(address).path, page, "{address}");
        }
    }

    #[test]
    fn after_a_sign_in_only_the_consoles_own_pages_are_gone_to() {
        for (text, is_one) in [
            ("", true),
            ("/jobs", true),
            ("/jobs?kind=video&cursor=e30", true),
            ("//evil.example", false),
            ("https://evil.example", false),
            ("/\\evil.example", false),
            ("/../auth/logout", false),
            ("/jobs\r\nSet-Cookie: a=b", false),
            ("/\"><script>", false),
            ("javascript:alert(1)", false),
        ] {
            assert_eq!(page_within(text).is_some(), is_one, "{text}");
        }
    }
}

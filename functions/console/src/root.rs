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

    /// The address of something below the console: of `/jobs`, or of `` for the console itself.
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

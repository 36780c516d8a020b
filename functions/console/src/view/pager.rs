//! From page to page of a list, by its cursor.

use maud::{Markup, html};
use url::form_urlencoded::byte_serialize;

use crate::view::table::table;

/// Which page of a list is shown.
pub(crate) struct Page<'text> {
    /// The list's own address, with whatever filters it has.
    pub(crate) address: &'text str,
    pub(crate) is_first: bool,
    /// Where the next goes on, if there is one.
    pub(crate) next: Option<&'text str>,
}

impl Page<'_> {
    /// The page as a table, and the links to others. `empty` is said where the list has nothing; a page may have nothing while more follows.
    pub(crate) fn listed(&self, caption: &str, columns: &[&str], rows: &[Vec<Markup>], empty: &str) -> Markup {
        let empty = match (self.next, self.is_first) {
            (Some(_), _) => "None on this page.",
            (None, true) => empty,
            (None, false) => "There are no more.",
        };
        html! {
            (table(caption, columns, rows, empty))
            (self.links())
        }
    }

    /// The links to the first page, where this is another, and to the next.
    fn links(&self) -> Markup {
        if self.is_first && self.next.is_none() {
            return html! {};
        }
        html! {
            nav.pager aria-label="Pages" {
                @if !self.is_first { a href=(self.address) { "First page" } }
                @if let Some(next) = self.next { a rel="next" href=(with(self.address, "cursor", next)) { "Next page" } }
            }
        }
    }
}

/// An address with one more parameter.
pub(crate) fn with(address: &str, name: &str, value: &str) -> String {
    let joint = if address.contains('?') { '&' } else { '?' };
    format!("{address}{joint}{name}={}", escaped(value))
}

/// A text as part of an address.
pub(crate) fn escaped(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_says_where_it_goes_on() {
        assert_eq!(Page { address: "jobs", is_first: true, next: None }.links().into_string(), "");
        let page = Page { address: "jobs?kind=video", is_first: false, next: Some("a b&c") }.links().into_string();
        assert!(page.contains("href=\"jobs?kind=video\""), "{page}");
        assert!(page.contains("href=\"jobs?kind=video&amp;cursor=a+b%26c\""), "{page}");
    }

    #[test]
    fn a_page_without_anything_is_not_taken_for_a_list_without_anything() {
        for (is_first, next, said) in [
            (true, None, "There are none here."),
            (true, Some("a"), "None on this page."),
            (false, Some("a"), "None on this page."),
            (false, None, "There are no more."),
        ] {
            let page = Page { address: "jobs", is_first, next }.listed("Jobs", &["Job"], &[], "There are none here.");
            assert!(page.into_string().contains(&format!("<p class=\"empty\">{said}</p>")), "{said}");
        }
    }
}

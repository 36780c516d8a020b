//! From page to page of a list, by its cursor.

use maud::{Markup, html};
use url::form_urlencoded::byte_serialize;

/// The links to the first page, where this is another, and to the next, if there is one. `address` is the list's own, with whatever filters it has.
pub(crate) fn pager(address: &str, is_first: bool, next: Option<&str>) -> Markup {
    if is_first && next.is_none() {
        return html! {};
    }
    html! {
        nav.pager aria-label="Pages" {
            @if !is_first { a href=(address) { "First page" } }
            @if let Some(next) = next { a rel="next" href=(with(address, "cursor", next)) { "Next page" } }
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
        assert_eq!(pager("jobs", true, None).into_string(), "");
        let page = pager("jobs?kind=video", false, Some("a b&c")).into_string();
        assert!(page.contains("href=\"jobs?kind=video\""), "{page}");
        assert!(page.contains("href=\"jobs?kind=video&amp;cursor=a+b%26c\""), "{page}");
    }
}

//! A page's HTML as a tree.

use std::time::Instant;

use html5ever::driver::{ParseOpts, parse_document};
use html5ever::tendril::TendrilSink;
use scraper::{ElementRef, Html, HtmlTreeSink, Selector};
use url::Url;

/// How much is parsed between two looks at the time.
const STEP_BYTES: usize = 4 * 1024;

/// Parses a page, or gives up at the deadline: elements nested without end take the parser time that grows with their square.
#[must_use]
pub fn parse(html: &str, deadline: Instant) -> Option<Html> {
    let mut parser = parse_document(HtmlTreeSink::new(Html::new_document()), ParseOpts::default());
    let mut rest = html;
    while !rest.is_empty() {
        let (step, after) = rest.split_at(rest.floor_char_boundary(STEP_BYTES));
        parser.process(step.into());
        rest = after;
        if Instant::now() > deadline {
            return None;
        }
    }
    Some(parser.finish())
}

/// What a selector matches, in the document's order. (`Html::select` has the order in which the parser made the elements.)
pub fn select<'a>(document: &'a Html, selector: &'a Selector) -> impl Iterator<Item = ElementRef<'a>> {
    let root = document.root_element();
    Some(root).filter(|root| selector.matches(root)).into_iter().chain(root.select(selector))
}

/// What the page's relative URLs are relative to: its `<base href>`, or its own URL.
#[must_use]
pub fn base_url(document: &Html, url: &Url) -> Url {
    let base = Selector::parse("base[href]").ok();
    let base = base.and_then(|base| document.select(&base).next()?.attr("href"));
    base.and_then(|base| url.join(base.trim()).ok()).unwrap_or_else(|| url.clone())
}

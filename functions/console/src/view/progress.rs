//! How far something is.

use maud::{Markup, html};

/// So many of so many; of what total is not known, only how many.
pub(crate) fn progress(label: &str, done: u64, total: Option<u64>) -> Markup {
    match total.filter(|total| *total > 0) {
        Some(total) => {
            let done = done.min(total);
            html! {
                span.progress {
                    progress max=(total) value=(done) aria-label=(label) { (done) " of " (total) }
                    span.count { (done) " / " (total) }
                }
            }
        }
        None => html! { span.count { (done) } },
    }
}

/// So many percent.
pub(crate) fn percent(label: &str, percent: u64) -> Markup {
    let percent = percent.min(100);
    html! {
        span.progress {
            progress max="100" value=(percent) aria-label=(label) { (percent) " %" }
            span.count { (percent) " %" }
        }
    }
}

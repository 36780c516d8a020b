//! What there is to know of one thing: names and values.

use maud::{Markup, html};

/// A list of names, each with its value.
pub(crate) fn facts(facts: &[(&str, Markup)]) -> Markup {
    html! {
        dl.facts {
            @for (name, value) in facts {
                div { dt { (name) } dd { (value) } }
            }
        }
    }
}

//! What a parameter holds.

use std::sync::Arc;

/// A secret. It has neither `Debug` nor `Serialize`, so that it cannot slip into a log or an answer.
#[derive(Clone)]
pub struct Value(Arc<str>);

impl Value {
    /// A secret that can stand in a header: visible ASCII, whatever white space was pasted around it.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())).then(|| Self(Arc::from(text)))
    }

    /// The secret itself, for the service that it is for.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_visible_ascii_without_the_space_around_it() {
        assert_eq!(Value::read(" sk-proj-1\n").unwrap().reveal(), "sk-proj-1");
        for wrong in ["", " \n", "two words", "sk-\u{e9}", "a\nb"] {
            assert!(Value::read(wrong).is_none(), "{wrong:?}");
        }
    }
}

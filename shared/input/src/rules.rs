//! Rules for single values, for `#[garde(custom(…))]`.

use garde::Error;

/// A name for people: something of up to 200 characters, none of them a control character.
pub fn name(name: &str, (): &()) -> garde::Result {
    match name.chars().count() {
        0 => Err(Error::new("must not be empty")),
        201.. => Err(Error::new("must have at most 200 characters")),
        _ if name.trim().is_empty() => Err(Error::new("must not be blank")),
        _ if name.chars().any(char::is_control) => Err(Error::new("must not have control characters")),
        _ => Ok(()),
    }
}

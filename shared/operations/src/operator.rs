//! Who does it.

use std::fmt;

use serde::Serialize;

/// The longest name that is kept, in characters.
const LONGEST: usize = 320;

/// Who does something, as the audit log tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "by", content = "name", rename_all = "lowercase")]
pub enum Operator {
    /// An administrator who is signed in, by the e-mail address, or else the id, of the user.
    Administrator(String),
    /// Whoever runs `droverctl`, by the identity that AWS knows, or else the name of the machine's user.
    Droverctl(String),
}

impl Operator {
    /// An administrator who is signed in.
    #[must_use]
    pub fn administrator(email: &str) -> Self {
        Self::Administrator(plain(email))
    }

    /// Whoever runs `droverctl`.
    #[must_use]
    pub fn droverctl(identity: &str) -> Self {
        Self::Droverctl(plain(identity))
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Administrator(email) => f.write_str(email),
            Self::Droverctl(identity) => write!(f, "droverctl:{identity}"),
        }
    }
}

/// A name as it is kept: bounded, and without what a terminal would obey.
fn plain(name: &str) -> String {
    name.chars().filter(|character| !character.is_control()).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_bounded_and_plain() {
        for (operator, shown) in [
            (Operator::administrator("ada@example.com"), "ada@example.com".to_owned()),
            (
                Operator::droverctl("arn:aws:iam::1:user/ada\u{1b}[2J\n"),
                "droverctl:arn:aws:iam::1:user/ada[2J".to_owned(),
            ),
            (Operator::administrator(&"x".repeat(1_000)), "x".repeat(LONGEST)),
        ] {
            assert_eq!(operator.to_string(), shown);
        }
    }
}

//! Who does it.

use std::fmt;

use serde::Serialize;

/// The longest name that is kept, in characters.
const LONGEST: usize = 320;

/// Who does something, as the audit log tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "by", content = "name", rename_all = "lowercase")]
pub enum Operator {
    /// An administrator, by the id of the user, behind the e-mail address where that is known: an address may change, and need not be one user's alone.
    Administrator(String),
    /// Whoever runs `droverctl`, by the identity that AWS knows, or else the name of the machine's user.
    Droverctl(String),
}

impl Operator {
    /// An administrator who is signed in.
    #[must_use]
    pub fn administrator(email: &str, id: &str) -> Self {
        Self::Administrator(format!("{} ({})", plain(email), plain(id)))
    }

    /// An administrator of whom a key tells the id and nothing else.
    #[must_use]
    pub fn of_id(id: &str) -> Self {
        Self::Administrator(plain(id))
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
            Self::Administrator(name) => f.write_str(name),
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
            (Operator::administrator("ada@example.com", "u-7"), "ada@example.com (u-7)".to_owned()),
            (Operator::of_id("u-7"), "u-7".to_owned()),
            (
                Operator::droverctl("arn:aws:iam::1:user/ada\u{1b}[2J\n"),
                "droverctl:arn:aws:iam::1:user/ada[2J".to_owned(),
            ),
            (Operator::administrator(&"x".repeat(1_000), "u-7"), format!("{} (u-7)", "x".repeat(LONGEST))),
        ] {
            assert_eq!(operator.to_string(), shown);
        }
    }
}

//! Rules for names, addresses and passwords, with the schemas that tell them.

#![expect(clippy::trivially_copy_pass_by_ref, reason = "as garde wants its rules")]

use garde::Error;
use input::schema;
use secrets::Password;

/// The longest name of a user or tenant, in characters.
pub const LONGEST_NAME: usize = 100;
/// The longest e-mail address (RFC 5321).
pub const LONGEST_EMAIL: usize = 254;
/// The shortest and the longest password of a user, in characters.
pub const SHORTEST_PASSWORD: usize = 12;
/// The longest password, of a user or at a portal, in characters.
pub const LONGEST_PASSWORD: usize = 256;

/// A name that may stand in a path and in a key: letters, digits and a few signs. An e-mail address is one.
pub(crate) fn name(name: &str, (): &()) -> garde::Result {
    let may_begin = |byte: u8| byte.is_ascii_alphanumeric();
    let may_follow = |byte: u8| may_begin(byte) || b"._@+-".contains(&byte);
    let fits = (1..=LONGEST_NAME).contains(&name.len());
    if fits && name.bytes().all(may_follow) && name.bytes().next().is_some_and(may_begin) {
        return Ok(());
    }
    Err(Error::new(format!(
        "must be 1 to {LONGEST_NAME} letters, digits and . _ @ + -, and begin with a letter or digit"
    )))
}

/// A new password of a user. What it is made of is its owner's business (NIST SP 800-63B): long ones are good ones.
pub(crate) fn new_password(password: &Password, (): &()) -> garde::Result {
    of_characters(password, SHORTEST_PASSWORD)
}

/// A password at a portal, as it is.
pub(crate) fn portal_password(password: &Password, (): &()) -> garde::Result {
    of_characters(password, 1)
}

fn of_characters(password: &Password, shortest: usize) -> garde::Result {
    let password = password.reveal();
    if password.contains('\0') {
        return Err(Error::new("must not hold a NUL character"));
    }
    match password.chars().count() {
        length if (shortest..=LONGEST_PASSWORD).contains(&length) => Ok(()),
        _ => Err(Error::new(format!("must have {shortest} to {LONGEST_PASSWORD} characters"))),
    }
}

pub(crate) fn name_schema() -> schema::schema::Object {
    schema::pattern(1, LONGEST_NAME, "^[A-Za-z0-9][A-Za-z0-9._@+-]*$")
}

pub(crate) fn new_password_schema() -> schema::schema::Object {
    schema::text::<SHORTEST_PASSWORD, LONGEST_PASSWORD>()
}

pub(crate) fn portal_password_schema() -> schema::schema::Object {
    schema::text::<1, LONGEST_PASSWORD>()
}

pub(crate) fn email_schema() -> schema::schema::Object {
    schema::email::<LONGEST_EMAIL>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_of_letters_digits_and_few_signs() {
        let long = "a".repeat(LONGEST_NAME + 1);
        for (text, is_one) in [
            ("alice", true),
            ("Alice.B+c_d-1@example.com", true),
            ("7", true),
            (&long[..LONGEST_NAME], true),
            (long.as_str(), false),
            ("", false),
            (".alice", false),
            ("@", false),
            ("a b", false),
            ("a#b", false),
            ("a/b", false),
            ("a\n", false),
            ("\u{e4}", false),
        ] {
            assert_eq!(name(text, &()).is_ok(), is_one, "{text:?}");
        }
    }

    #[test]
    fn passwords_are_counted_in_characters() {
        for (text, length, is_new, is_portals) in [
            ("x", 1, false, true),
            ("\u{e9}", 12, true, true),
            ("x", 11, false, true),
            ("\u{e9}", 256, true, true),
            ("x", 257, false, false),
            ("x\0", 12, false, false),
        ] {
            let password = Password::given(&text.repeat(length));
            assert_eq!(new_password(&password, &()).is_ok(), is_new, "{length} of {text}");
            assert_eq!(portal_password(&password, &()).is_ok(), is_portals, "{length} of {text}");
        }
        assert!(portal_password(&Password::given(""), &()).is_err());
    }
}

//! What callers say of a credential: types and bounds, each fault with what would be right. No fault repeats a secret.

use serde_json::{Value as Json, json};
use thiserror::Error;

use crate::admin::NewCredential;
use crate::credential::{Secret, SecretShape};

/// The longest name, in characters.
pub const LONGEST_NAME: usize = 200;
/// The longest e-mail address or password, in characters.
pub const LONGEST_WORD: usize = 1_000;
/// The largest set of credentials, in bytes of JSON.
const LARGEST_SET: usize = 64 * 1024;

/// What is wrong with what was sent, for its sender to read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct FieldError(String);

impl FieldError {
    fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

/// An optional text of a body; null counts as not given.
pub fn text<'body>(body: &'body Json, name: &str, longest: usize) -> Result<Option<&'body str>, FieldError> {
    match body.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) => bounded(name, text, longest).map(Some),
        Some(_) => Err(FieldError::new(format!("{name} must be a string"))),
    }
}

/// A text of a body that must be there and hold something.
pub fn needed<'body>(body: &'body Json, name: &str, longest: usize) -> Result<&'body str, FieldError> {
    let given = text(body, name, longest)?.filter(|text| !text.trim().is_empty());
    given.ok_or_else(|| FieldError::new(format!("{name} is required")))
}

fn bounded<'text>(name: &str, text: &'text str, longest: usize) -> Result<&'text str, FieldError> {
    if text.chars().count() > longest {
        return Err(FieldError::new(format!("{name} must have at most {longest} characters")));
    }
    if text.contains('\0') {
        return Err(FieldError::new(format!("{name} must not hold a NUL character")));
    }
    Ok(text)
}

impl Secret {
    /// Reads a secret of a platform's shape: of a JSON body, or of a line of an import.
    pub fn read(shape: SecretShape, body: &Json) -> Result<Self, FieldError> {
        // What a platform does not want is not kept, but has a type all the same.
        for word in ["email", "password"] {
            text(body, word, LONGEST_WORD)?;
        }
        let given = match body.get("credentials") {
            None | Some(Json::Null) => None,
            Some(Json::Object(given)) => Some(given),
            Some(_) => return Err(FieldError::new("credentials must be an object of names and values")),
        };
        match shape {
            SecretShape::EmailPassword => Ok(Self::EmailPassword {
                email: needed(body, "email", LONGEST_WORD)?.to_owned(),
                password: needed(body, "password", LONGEST_WORD)?.to_owned(),
            }),
            SecretShape::Credentials => {
                let given = given
                    .filter(|given| !given.is_empty())
                    .ok_or_else(|| FieldError::new("credentials is required: an object of names and values"))?;
                if json!(given).to_string().len() > LARGEST_SET {
                    return Err(FieldError::new(format!("credentials must have at most {LARGEST_SET} bytes")));
                }
                Ok(Self::Credentials { credentials: given.clone() })
            }
        }
    }
}

impl NewCredential {
    /// Reads a credential to be added.
    pub fn read(shape: SecretShape, body: &Json) -> Result<Self, FieldError> {
        let name = needed(body, "name", LONGEST_NAME)?.to_owned();
        Ok(Self { name, secret: Secret::read(shape, body)? })
    }
}

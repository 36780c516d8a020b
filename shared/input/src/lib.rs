//! Knows how a body is read into a type, with all that is wrong with it told at once, field by field. Knows nothing of any one body, nor
//! of how its API tells a fault.

mod batch;
pub mod rules;
pub mod schema;

pub use batch::{Batch, Naming};

use std::collections::BTreeSet;

use garde::Validate;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use serde_path_to_error::{Path, Segment};

/// How many fields of a wrong type are told of one body.
const MOST_WRONG_TYPES: usize = 100;

/// What is wrong with an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The field, as a path: `config.urls[0]`; empty for the whole.
    pub field: String,
    /// What is wrong with it, and what would be right.
    pub message: String,
}

impl Fault {
    /// A fault of a field.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }

    /// The fault, told of the whole that its field is in.
    #[must_use]
    pub fn within(self, outer: &str) -> Self {
        Self { field: join(outer, &self.field), ..self }
    }
}

/// Reads a value of a type; where it has another one, says which field it was, the first alone.
pub fn typed<T: DeserializeOwned>(json: &Json, at: &str) -> Result<T, Vec<Fault>> {
    if !json.is_object() {
        return Err(vec![Fault::new(at, "must be a JSON object")]);
    }
    serde_path_to_error::deserialize(json)
        .map_err(|error| vec![Fault::new(join(at, &path_of(&error)), error.inner().to_string())])
}

/// The rules of its type that a value breaks.
pub fn broken_rules<T: Validate<Context = ()>>(value: &T, at: &str) -> Vec<Fault> {
    let Err(report) = value.validate() else { return Vec::new() };
    // A field whose name is a word of Rust's is told as callers know it.
    let name = |path: &garde::Path| path.to_string().replace("r#", "");
    report.iter().map(|(path, error)| Fault::new(join(at, &name(path)), error.message())).collect()
}

/// Reads a form: a type whose fields are all optional or have a default, those that are needed by `#[garde(required)]`. Wrong types and
/// broken rules of all fields are told at once.
pub fn form<T: DeserializeOwned + Validate<Context = ()>>(json: &Json) -> Result<T, Vec<Fault>> {
    form_needing(json, &[])
}

/// Reads a form that needs these fields here, though elsewhere it does not: what is made needs what a change of it does not.
pub fn form_needing<T>(json: &Json, needed: &[&str]) -> Result<T, Vec<Fault>>
where
    T: DeserializeOwned + Validate<Context = ()>,
{
    if !json.is_object() {
        return Err(vec![Fault::new("", "must be a JSON object")]);
    }
    let is_missing = |field: &&&str| json.get(**field).is_none_or(Json::is_null);
    let mut faults: Vec<_> = needed.iter().filter(is_missing).map(|field| Fault::new(*field, "is required")).collect();
    let missing = faults.len();
    let mut json = json.clone();
    let form: T = loop {
        match serde_path_to_error::deserialize(&json) {
            Ok(form) => break form,
            Err(error) if make_whole(&mut json, error.path()) => {}
            Err(error) => {
                let path = path_of(&error);
                faults.push(Fault::new(&path, error.inner().to_string()));
                // Taken out, so that the next wrong one shows.
                let taken = json.as_object_mut().and_then(|fields| fields.shift_remove(outermost(&path)));
                if taken.is_none() || faults.len() - missing == MOST_WRONG_TYPES {
                    return Err(faults);
                }
            }
        }
    };
    let wrong_types: BTreeSet<_> = faults.iter().map(|fault| outermost(&fault.field).to_owned()).collect();
    // What was taken out is not missing.
    faults.extend(broken_rules(&form, "").into_iter().filter(|fault| !wrong_types.contains(outermost(&fault.field))));
    if faults.is_empty() { Ok(form) } else { Err(faults) }
}

/// Reads a form of which one field is a form too; one that is not there is empty. The faults of both are told at once.
pub fn form_with<T, U>(json: &Json, inner: &str) -> Result<(T, U), Vec<Fault>>
where
    T: DeserializeOwned + Validate<Context = ()>,
    U: DeserializeOwned + Validate<Context = ()>,
{
    if !json.is_object() {
        return Err(vec![Fault::new("", "must be a JSON object")]);
    }
    let nothing = Json::Object(serde_json::Map::new());
    let within = match json.get(inner) {
        None | Some(Json::Null) => &nothing,
        Some(within) => within,
    };
    let (whole, part) = (form(json), form(within));
    match (whole, part) {
        (Ok(whole), Ok(part)) => Ok((whole, part)),
        (whole, part) => {
            let within = |fault: Fault| fault.within(inner);
            let faults = whole.err().into_iter().flatten();
            Err(faults.chain(part.err().into_iter().flatten().map(within)).collect())
        }
    }
}

/// Writes a whole number that has a fraction of nothing, as 16.0, without it, and says whether it was one: to JSON the two are the same number
/// (RFC 8259, section 6), and some languages have no other.
fn make_whole(json: &mut Json, path: &Path) -> bool {
    let place = path.iter().try_fold(json, |within, segment| match segment {
        Segment::Seq { index } => within.get_mut(*index),
        Segment::Map { key } => within.get_mut(key.as_str()),
        Segment::Enum { .. } | Segment::Unknown => None,
    });
    let Some(place) = place.filter(|place| place.is_f64()) else { return false };
    // Beyond, a float is not one number.
    let exact = 2_f64.powi(53);
    let Some(number) = place.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < exact) else {
        return false;
    };
    #[expect(clippy::cast_possible_truncation, reason = "it is whole, and below 2^53")]
    let whole = number as i64;
    *place = whole.into();
    true
}

/// The outermost field on the way to `path`: one that holds a wrong value is wrong as a whole.
fn outermost(path: &str) -> &str {
    path.split(['.', '[']).next().unwrap_or_default()
}

fn path_of(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let path = error.path().to_string();
    if path == "." { String::new() } else { path }
}

fn join(outer: &str, inner: &str) -> String {
    match (outer, inner) {
        ("", path) | (path, "") => path.to_owned(),
        (outer, inner) => format!("{outer}.{inner}"),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize, Validate)]
    struct Account {
        #[garde(required, length(chars, min = 1, max = 5))]
        name: Option<String>,
        #[garde(required, range(min = 1))]
        number: Option<u64>,
        #[garde(inner(length(max = 2)))]
        tags: Option<Vec<String>>,
    }

    #[test]
    fn all_faults_of_all_fields_are_told_at_once() {
        for (body, fields) in [
            (json!({"name": "abc", "number": 1, "other": [1]}), vec![]),
            (json!({"name": "abc", "number": 1, "tags": null}), vec![]),
            (json!({"name": "abc", "number": 1.0}), vec![]),
            (json!({"name": "abc", "number": 1e300}), vec!["number"]),
            (json!({"name": 1.0, "number": -1.0}), vec!["name", "number"]),
            (json!({}), vec!["name", "number"]),
            (json!({"name": null, "number": null}), vec!["name", "number"]),
            (json!({"name": 1, "number": "1"}), vec!["name", "number"]),
            (json!({"name": "abcdef", "number": 0}), vec!["name", "number"]),
            (json!({"name": {}, "number": -1, "tags": ["a", 2]}), vec!["name", "number", "tags[1]"]),
            (json!({"name": "", "number": 1.5, "tags": ["a", "b", "c"]}), vec!["number", "name", "tags"]),
            (json!([]), vec![""]),
            (json!("text"), vec![""]),
        ] {
            let told = form::<Account>(&body).err().unwrap_or_default();
            assert_eq!(told.iter().map(|fault| fault.field.as_str()).collect::<Vec<_>>(), fields, "{body}");
            assert!(told.iter().all(|fault| !fault.message.is_empty()));
        }
    }

    #[test]
    fn what_a_body_needs_is_told_with_all_else() {
        for (body, fields) in [
            (json!({"name": "abc", "number": 1, "tags": []}), vec![]),
            (json!({"name": 1, "number": 0}), vec!["tags", "name", "number"]),
            (json!({"name": "abc", "number": 1, "tags": null}), vec!["tags"]),
            (json!({"name": "abc", "number": 1, "tags": 5}), vec!["tags"]),
        ] {
            let told = form_needing::<Account>(&body, &["tags"]).err().unwrap_or_default();
            assert_eq!(told.iter().map(|fault| fault.field.as_str()).collect::<Vec<_>>(), fields, "{body}");
        }
    }

    #[derive(Debug, Deserialize, Validate)]
    struct Owner {
        #[garde(required)]
        email: Option<String>,
    }

    #[test]
    fn the_faults_of_a_form_within_a_form_are_told_with_those_around_it() {
        for (body, fields) in [
            (json!({"email": "a", "account": {"name": "abc", "number": 1}}), vec![]),
            (json!({"email": "a"}), vec!["account.name", "account.number"]),
            (json!({"account": {"name": 1, "number": 1}}), vec!["email", "account.name"]),
            (json!({"email": 1, "account": []}), vec!["email", "account"]),
            (json!({"email": "a", "account": null}), vec!["account.name", "account.number"]),
            (json!([]), vec![""]),
        ] {
            let told = form_with::<Owner, Account>(&body, "account").err().unwrap_or_default();
            assert_eq!(told.iter().map(|fault| fault.field.as_str()).collect::<Vec<_>>(), fields, "{body}");
        }
    }
}

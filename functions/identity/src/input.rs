//! What callers say.

use api::extract_cloud::{Detail, Error};
use api::identity::{AvatarChange, Permission, UserChange};
use garde::Validate;
use input::{Fault, form, rules, schema};
use serde::Deserialize;
use serde_json::Value as Json;
use utoipa::ToSchema;

/// The longest code of an identity provider's.
const LONGEST_CODE: usize = 4_096;
/// The longest state: ours have 64 characters.
const LONGEST_STATE: usize = 128;
/// The longest description of a key.
const LONGEST_DESCRIPTION: usize = 1_000;
/// The longest list of permissions.
const MOST_PERMISSIONS: usize = 100;

fn permissions() -> schema::schema::Array {
    let mut some = schema::any_of(Permission::ALL.map(|(name, _)| name));
    (some.min_items, some.max_items) = (Some(1), Some(MOST_PERMISSIONS));
    some
}

/// A callback's body.
#[derive(Deserialize, Validate, ToSchema)]
#[schema(as = SignInCallback)]
pub(crate) struct Callback {
    #[garde(required, inner(custom(visible(LONGEST_CODE))))]
    #[schema(schema_with = schema::visible::<LONGEST_CODE>)]
    code: Option<String>,
    #[garde(inner(custom(visible(LONGEST_STATE))))]
    #[schema(schema_with = schema::visible::<LONGEST_STATE>)]
    state: Option<String>,
}

#[derive(Deserialize, Validate, ToSchema)]
#[schema(as = ProfileForm)]
pub(crate) struct Profile {
    #[garde(inner(custom(rules::name)))]
    #[schema(schema_with = schema::name)]
    full_name: Option<String>,
    #[garde(inner(custom(rules::web_address)))]
    #[schema(schema_with = schema::web_address)]
    avatar_url: Option<String>,
}

#[derive(Deserialize, Validate, ToSchema)]
pub(crate) struct NewKeyForm {
    /// What it is called.
    #[garde(required, inner(custom(rules::name)))]
    #[schema(schema_with = schema::name)]
    name: Option<String>,
    /// What its owner says of it.
    #[garde(inner(custom(rules::line(LONGEST_DESCRIPTION))))]
    #[schema(schema_with = schema::line::<LONGEST_DESCRIPTION>)]
    description: Option<String>,
    /// What it may do.
    #[garde(required, inner(length(min = 1, max = MOST_PERMISSIONS)))]
    #[schema(schema_with = permissions)]
    permissions: Option<Vec<String>>,
    /// Whether it is for tests, and begins with `sk_test_`.
    #[garde(skip)]
    test: Option<bool>,
}

/// A key that is asked for.
pub(crate) struct NewKey {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) permissions: Vec<Permission>,
    pub(crate) is_test: bool,
}

/// The code, and the state where it is given.
pub(crate) fn callback(body: &Json) -> Result<(String, Option<String>), Error> {
    let Callback { code, state } = form(body).map_err(invalid)?;
    Ok((code.unwrap_or_default(), state))
}

/// A change of a profile: `avatar_url` may be null, which takes it away.
pub(crate) fn profile(body: &Json) -> Result<UserChange, Error> {
    let Profile { full_name, avatar_url } = form(body).map_err(invalid)?;
    let goes = body.get("avatar_url").is_some_and(Json::is_null);
    let avatar = match avatar_url {
        Some(address) => AvatarChange::At(address),
        None if goes => AvatarChange::Goes,
        None => AvatarChange::Stays,
    };
    if full_name.is_none() && avatar == AvatarChange::Stays {
        return Err(Error::invalid("", "must have full_name, avatar_url or both"));
    }
    Ok(UserChange { full_name, avatar, ..UserChange::default() })
}

pub(crate) fn new_key(body: &Json) -> Result<NewKey, Error> {
    let form: NewKeyForm = form(body).map_err(invalid)?;
    let named: Vec<_> = form.permissions.unwrap_or_default();
    let known = |name: &String| Permission::ALL.into_iter().find(|(known, _)| known == name).map(|(_, found)| found);
    let unknown = named.iter().enumerate().filter(|(_, name)| known(name).is_none());
    let faults: Vec<_> = unknown.map(|(at, _)| Fault::new(format!("permissions[{at}]"), one_of())).collect();
    if !faults.is_empty() {
        return Err(invalid(faults));
    }
    let asked: Vec<_> = named.iter().filter_map(known).collect();
    // Each once, in the order of the contract.
    let permissions = Permission::all().into_iter().filter(|each| asked.contains(each)).collect();
    Ok(NewKey {
        name: form.name.unwrap_or_default(),
        description: form.description,
        permissions,
        is_test: form.test.unwrap_or_default(),
    })
}

fn one_of() -> String {
    format!("must be one of {}", Permission::ALL.map(|(name, _)| name).join(", "))
}

/// Visible ASCII, as codes and states are.
fn visible(longest: usize) -> impl Fn(&str, &()) -> garde::Result {
    move |text, ()| {
        let fits = (1..=longest).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        let wrong = || garde::Error::new(format!("must be 1 to {longest} visible ASCII characters"));
        fits.then_some(()).ok_or_else(wrong)
    }
}

pub(crate) fn invalid(faults: Vec<Fault>) -> Error {
    Error::Validation(faults.into_iter().map(|Fault { field, message }| Detail { field, message }).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields<T>(told: Result<T, Error>) -> Vec<String> {
        match told.err() {
            Some(Error::Validation(details)) => details.into_iter().map(|detail| detail.field).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn a_profile_is_changed_in_part_and_a_null_takes_the_picture_away() {
        let name = |name: &str| Some(name.to_owned());
        for (body, change) in [
            (json!({"full_name": "A"}), UserChange { full_name: name("A"), ..UserChange::default() }),
            (json!({"avatar_url": null}), UserChange { avatar: AvatarChange::Goes, ..UserChange::default() }),
            (
                json!({"full_name": null, "avatar_url": "https://example.com/a.png", "email": "x"}),
                UserChange {
                    avatar: AvatarChange::At("https://example.com/a.png".to_owned()),
                    ..UserChange::default()
                },
            ),
        ] {
            assert_eq!(profile(&body).ok(), Some(change), "{body}");
        }
        for (body, wrong) in [
            (json!({}), vec![""]),
            (json!({"full_name": ""}), vec!["full_name"]),
            (json!({"full_name": "x".repeat(201)}), vec!["full_name"]),
            (json!({"full_name": "a\u{0}"}), vec!["full_name"]),
            (json!({"avatar_url": "javascript:alert(1)"}), vec!["avatar_url"]),
            (json!({"full_name": 1, "avatar_url": []}), vec!["full_name", "avatar_url"]),
        ] {
            assert_eq!(fields(profile(&body)), wrong, "{body}");
        }
    }

    #[test]
    fn a_key_has_a_name_and_permissions_that_there_are() {
        let body = json!({"name": "A", "permissions": ["tasks:create", "tasks:read", "tasks:create"]});
        let key = new_key(&body).ok().unwrap();
        assert_eq!(key.permissions, [Permission::TasksRead, Permission::TasksCreate]);
        for (body, wrong) in [
            (json!({}), vec!["name", "permissions"]),
            (json!({"name": "A", "permissions": []}), vec!["permissions"]),
            (json!({"name": "A", "permissions": ["tasks:read", "all", "*"]}), vec!["permissions[1]", "permissions[2]"]),
            (json!({"name": "A", "permissions": "tasks:read"}), vec!["permissions"]),
            (json!({"name": "A", "permissions": ["tasks:read"], "test": "yes"}), vec!["test"]),
            (
                json!({"name": "A", "permissions": ["tasks:read"], "description": "x".repeat(1_001)}),
                vec!["description"],
            ),
        ] {
            assert_eq!(fields(new_key(&body)), wrong, "{body}");
        }
    }

    #[test]
    fn a_code_is_visible_ascii() {
        assert_eq!(callback(&json!({"code": "4/0A-x", "state": "s"})).ok(), Some(("4/0A-x".into(), Some("s".into()))));
        for code in [json!(""), json!("a b"), json!("\u{e9}"), json!("x".repeat(4_097)), json!(5), json!(null)] {
            assert_eq!(fields(callback(&json!({"code": code}))), ["code"], "{code}");
        }
        assert_eq!(fields(callback(&json!({"code": "c", "state": ""}))), ["state"]);
    }
}

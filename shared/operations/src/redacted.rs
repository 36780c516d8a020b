//! Leaving out of what is shown what may be secret: pure.

use serde_json::Value as Json;
use url::Url;

/// What stands in place of a value.
pub const HIDDEN: &str = "•••";
/// What the name of a parameter of an address has in it whose value may let somebody in.
const TELLING: [&str; 14] =
    ["auth", "code", "cred", "jwt", "key", "nonce", "otp", "pass", "pin", "pwd", "secret", "session", "sig", "token"];

/// Hides all values of an object: names are no secret.
pub(crate) fn values(object: &mut Json) {
    for value in object.as_object_mut().into_iter().flat_map(|object| object.values_mut()) {
        *value = HIDDEN.into();
    }
}

/// Hides in a list of addresses what may let somebody in.
pub(crate) fn addresses(list: &mut Json) {
    for each in list.as_array_mut().into_iter().flatten() {
        if let Some(text) = each.as_str() {
            *each = address(text).into();
        }
    }
}

/// An address without what may let somebody in: a user's name and password, and the values of parameters by whose name they may be secret. What is no
/// address is hidden whole.
#[must_use]
pub fn address(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else { return HIDDEN.to_owned() };
    let has_user = !url.username().is_empty() || url.password().is_some();
    let is_telling = |name: &str| {
        let name = name.to_ascii_lowercase();
        TELLING.iter().any(|telling| name.contains(telling))
    };
    let is_clean = !has_user && !url.query_pairs().any(|(name, _)| is_telling(&name)) && url.fragment().is_none();
    if is_clean {
        return text.to_owned();
    }
    let pairs: Vec<(String, String)> = url
        .query_pairs()
        .map(|(name, value)| {
            let value = if is_telling(&name) { HIDDEN.to_owned() } else { value.into_owned() };
            (name.into_owned(), value)
        })
        .collect();
    url.set_fragment(None);
    if has_user && (url.set_username("").is_err() || url.set_password(None).is_err()) {
        return HIDDEN.to_owned();
    }
    url.set_query(None);
    let query: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if query.is_empty() { url.to_string() } else { format!("{url}?{}", query.join("&")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_may_let_somebody_in_is_left_out_of_an_address() {
        for (given, shown) in [
            ("https://example.com/list?page=2&sort=price", "https://example.com/list?page=2&sort=price"),
            ("https://example.com/a b", "https://example.com/a b"),
            ("https://example.com/list?page=2&api_key=s3cret", "https://example.com/list?page=2&api_key=•••"),
            ("https://example.com/?X-Amz-Signature=abc&a=1", "https://example.com/?X-Amz-Signature=•••&a=1"),
            ("https://u:p@example.com/", "https://example.com/"),
            ("https://example.com/#access_token=s3cret", "https://example.com/"),
            ("s3cret", "•••"),
        ] {
            assert_eq!(address(given), shown);
        }
    }

    #[test]
    fn names_stay_and_values_go() {
        let mut headers = json!({"Authorization": "Bearer x", "Accept": "text/html"});
        values(&mut headers);
        assert_eq!(headers, json!({"Authorization": "•••", "Accept": "•••"}));
        let mut list = json!(["https://example.com/?token=x", 7]);
        addresses(&mut list);
        assert_eq!(list, json!(["https://example.com/?token=•••", 7]));
        let mut nothing = Json::Null;
        values(&mut nothing);
        addresses(&mut nothing);
        assert!(nothing.is_null());
    }
}

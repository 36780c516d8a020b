//! Leaving out of what is shown what may be secret: pure.

use serde_json::Value as Json;
use url::Url;

/// What stands in place of a value.
pub const HIDDEN: &str = "•••";
/// What the name of a parameter of an address has in it whose value may let somebody in.
const TELLING: [&str; 14] =
    ["auth", "code", "cred", "jwt", "key", "nonce", "otp", "pass", "pin", "pwd", "secret", "session", "sig", "token"];

/// What an address in a text begins with.
const SCHEMES: [&str; 2] = ["http://", "https://"];
/// What ends it: an address that is written as it should be has none of these.
const ENDING: fn(char) -> bool = |c| c.is_whitespace() || matches!(c, '"' | '<' | '>');
/// What may follow it without a space.
const CLOSING: [char; 10] = ['.', ',', ';', ':', '!', '?', ')', ']', '}', '\''];

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

/// Hides in a text of which nobody knows what is in it, such as an error or a line of a log, what of the addresses in it may let somebody in.
#[must_use]
pub fn text(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let begins = lower.match_indices("http").map(|(begin, _)| begin);
    let (mut shown, mut end) = (String::with_capacity(text.len()), 0);
    for begin in begins.filter(|begin| SCHEMES.iter().any(|scheme| lower[*begin..].starts_with(scheme))) {
        // An address may have another one in its query.
        if begin < end {
            continue;
        }
        let run = &text[begin..];
        let run = &run[..run.find(ENDING).unwrap_or(run.len())];
        // What ends a sentence, or closes a bracket, is none of it.
        let of_address = run.trim_end_matches(CLOSING);
        shown.push_str(&text[end..begin]);
        shown.push_str(&address(of_address));
        end = begin + of_address.len();
    }
    shown.push_str(&text[end..]);
    shown
}

/// Hides in all texts of a value, however deep, what [`text`] hides.
pub(crate) fn texts(value: &mut Json) {
    match value {
        Json::String(found) => *found = text(found),
        Json::Array(list) => list.iter_mut().for_each(texts),
        Json::Object(object) => object.values_mut().for_each(texts),
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
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
    fn what_may_let_somebody_in_is_left_out_of_the_addresses_of_a_text() {
        for (given, shown) in [
            ("Fetched https://example.com/list?page=2: 7 rows", "Fetched https://example.com/list?page=2: 7 rows"),
            ("Fetched https://example.com/?api_key=s3cret: 7 rows", "Fetched https://example.com/?api_key=•••: 7 rows"),
            (
                "https://example.com/?token=s3cret did not answer in time",
                "https://example.com/?token=••• did not answer in time",
            ),
            ("error for url (HTTPS://u:s3cret@example.com/a).", "error for url (https://example.com/a)."),
            (
                "http://a.example/?sig=s3cret, http://b.example/?page=1",
                "http://a.example/?sig=•••, http://b.example/?page=1",
            ),
            (
                "{\"next\":\"https://example.com/?key=s3cret\",\"page\":2}",
                "{\"next\":\"https://example.com/?key=•••\",\"page\":2}",
            ),
            ("https://a.example/?key=1&next=https://b.example/", "https://a.example/?key=•••&next=https://b.example/"),
            ("no address: a?key=b, https://", "no address: a?key=b, •••"),
            ("é https://é.example/?key=s3cret é", "é https://xn--9ca.example/?key=••• é"),
            ("", ""),
        ] {
            assert_eq!(text(given), shown);
        }
        let mut metadata =
            json!({"url": "https://example.com/?key=s3cret", "rows": 7, "more": ["https://e.com/#s3cret"]});
        texts(&mut metadata);
        assert_eq!(metadata, json!({"url": "https://example.com/?key=•••", "rows": 7, "more": ["https://e.com/"]}));
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

//! What a caller may say of an endpoint: every bound and type, with all faults told at once.

use std::collections::BTreeSet;
use utoipa::ToSchema;

use garde::Validate;
pub use input::Fault;
use input::{form, form_needing, rules, schema};
use scraping::AddressPolicy;
use scraping::fetch::literal_address;
use serde::Deserialize;
use serde_json::Value as Json;
use url::Url;

use crate::event::TaskEvent;

/// What is said of an endpoint; what is none stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Validate, ToSchema)]
pub struct EndpointFields {
    /// Where it is: https, up to 2,048 bytes, without user name and password.
    #[garde(inner(custom(rules::web_address)))]
    #[schema(schema_with = schema::secure_address)]
    pub url: Option<String>,
    /// What its owner says of it.
    #[garde(inner(custom(rules::line(LONGEST_DESCRIPTION))))]
    #[schema(schema_with = schema::line::<LONGEST_DESCRIPTION>)]
    pub description: Option<String>,
    /// What it is told of: 1 to 3 events.
    #[garde(inner(length(min = 1, max = TaskEvent::ALL.len())))]
    #[schema(min_items = 1, max_items = 3)]
    pub events: Option<Vec<TaskEvent>>,
    /// Whether it is told anything.
    #[garde(skip)]
    pub is_active: Option<bool>,
}

/// The longest description, in characters.
const LONGEST_DESCRIPTION: usize = 200;

impl EndpointFields {
    /// The fields without which none is made.
    pub const NEEDED: [&str; 1] = ["url"];

    /// Reads the body of a request for a new endpoint; `addresses` says where it may be besides public addresses.
    pub fn read_new(body: &Json, addresses: &AddressPolicy) -> Result<Self, Vec<Fault>> {
        judged(form_needing(body, &Self::NEEDED), body, addresses)
    }

    /// Reads the body of a request for a change.
    pub fn read_change(body: &Json, addresses: &AddressPolicy) -> Result<Self, Vec<Fault>> {
        judged(form(body), body, addresses)
    }

    /// The events, each once, in their order.
    pub(crate) fn events_in_order(&self) -> Option<Vec<TaskEvent>> {
        let events: BTreeSet<_> = self.events.as_ref()?.iter().copied().collect();
        Some(events.into_iter().collect())
    }
}

/// The form, if its address may be one, or what is wrong with both.
fn judged(
    read: Result<EndpointFields, Vec<Fault>>,
    body: &Json,
    addresses: &AddressPolicy,
) -> Result<EndpointFields, Vec<Fault>> {
    let url = body.get("url").and_then(Json::as_str).and_then(|url| Url::parse(url).ok());
    let why = url.and_then(|url| refusal(&url, addresses));
    let is_told = |faults: &[Fault]| faults.iter().any(|fault| fault.field == "url");
    match (read, why) {
        (Ok(_), Some(why)) => Err(vec![Fault::new("url", why)]),
        (Err(mut faults), Some(why)) if !is_told(&faults) => {
            faults.push(Fault::new("url", why));
            Err(faults)
        }
        (read, _) => read,
    }
}

/// Why an endpoint may not be at this address, as far as the address itself says. What a name resolves to is judged when it is connected to.
fn refusal(url: &Url, addresses: &AddressPolicy) -> Option<String> {
    let literal = literal_address(url);
    if let Some(Err(refusal)) = literal.map(|address| addresses.check(address)) {
        return Some(format!("must be a public address: {refusal}"));
    }
    let is_allowed = literal.is_some_and(|address| addresses.is_exception(address));
    (url.scheme() != "https" && !is_allowed).then(|| "must begin with https://".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields_at_fault(body: &Json) -> Vec<String> {
        let addresses: AddressPolicy = "127.77.0.0/16".parse().unwrap();
        let told = EndpointFields::read_new(body, &addresses).err().unwrap_or_default();
        assert!(told.iter().all(|fault| !fault.message.is_empty()));
        told.into_iter().map(|fault| fault.field).collect()
    }

    #[test]
    fn only_addresses_of_the_web_that_may_be_public_and_are_https_are_taken() {
        for (url, is_taken) in [
            ("https://example.com/hook", true),
            ("https://example.com:8443/hook?token=1#part", true),
            ("HTTPS://EXAMPLE.COM", true),
            ("https://93.184.216.34/hook", true),
            ("http://127.77.1.2:9000/hook", true),
            ("https://127.77.1.2/hook", true),
            ("http://example.com/hook", false),
            ("http://93.184.216.34/hook", false),
            ("https://127.0.0.1/hook", false),
            ("https://127.1/hook", false),
            ("https://2130706433/hook", false),
            ("https://[::1]/hook", false),
            ("https://[::ffff:10.0.0.1]/hook", false),
            ("https://169.254.169.254/latest/meta-data", false),
            ("https://user:word@example.com/hook", false),
            ("https://user@example.com/hook", false),
            ("https://", false),
            ("example.com/hook", false),
            ("ftp://example.com/hook", false),
            ("javascript:alert(1)", false),
            ("https://exa\nmple.com/", false),
            (&format!("https://example.com/{}", "x".repeat(2_048)), false),
            ("", false),
        ] {
            assert_eq!(fields_at_fault(&json!({"url": url})).is_empty(), is_taken, "{url}");
        }
    }

    #[test]
    fn every_fault_is_told_with_its_field() {
        for (body, fields) in [
            (json!({}), vec!["url"]),
            (json!({"url": null}), vec!["url"]),
            (json!({"url": 5}), vec!["url"]),
            (json!({"url": "https://10.0.0.1/", "description": 5}), vec!["description", "url"]),
            (json!({"url": "https://example.com", "description": "x".repeat(201)}), vec!["description"]),
            (json!({"url": "https://example.com", "description": "a\nb"}), vec!["description"]),
            (json!({"url": "https://example.com", "events": []}), vec!["events"]),
            (json!({"url": "https://example.com", "events": vec!["task.completed"; 4]}), vec!["events"]),
            (json!({"url": "https://example.com", "events": ["task.created"]}), vec!["events[0]"]),
            (json!({"url": "https://example.com", "events": ["webhook.test"]}), vec!["events[0]"]),
            (json!({"url": "https://example.com", "events": "task.completed"}), vec!["events"]),
            (json!({"url": "https://example.com", "is_active": "yes"}), vec!["is_active"]),
            (json!({"url": "https://example.com", "future": true}), vec![]),
            (json!([]), vec![""]),
        ] {
            assert_eq!(fields_at_fault(&body), fields, "{body}");
        }
    }

    #[test]
    fn a_change_may_say_anything_or_nothing() {
        let addresses = AddressPolicy::default();
        assert_eq!(EndpointFields::read_change(&json!({}), &addresses), Ok(EndpointFields::default()));
        let events = json!({"events": ["task.cancelled", "task.completed", "task.cancelled"]});
        let change = EndpointFields::read_change(&events, &addresses).unwrap();
        assert_eq!(change.events_in_order(), Some(vec![TaskEvent::Completed, TaskEvent::Cancelled]));
        assert!(EndpointFields::read_change(&json!({"url": "http://example.com"}), &addresses).is_err());
    }
}

//! Webhooks: <https://docs.lemonsqueezy.com/help/webhooks/webhook-requests>, <https://docs.lemonsqueezy.com/help/webhooks/event-types>.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::digest::{SHA256, digest};
use ring::hmac;
use serde::Deserialize;
use serde_json::Value as Json;
use thiserror::Error;

use crate::document::{Resource, Untyped};
use crate::resources::{Invoice, Order, Subscription};

/// The header with the signature of the body.
pub const SIGNATURE: &str = "x-signature";

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// As `subscription_updated`.
    pub name: String,
    /// Of what.
    pub subject: Subject,
    custom: Json,
}

/// A thing as it is after an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A subscription.
    Subscription(Resource<Subscription>),
    /// An invoice of one.
    Invoice(Resource<Invoice>),
    /// An order.
    Order(Resource<Order>),
    /// Something that does not matter here.
    Other,
}

/// The body is no event.
#[derive(Debug, Error)]
#[error("no event of Lemon Squeezy's: {0}")]
pub struct Unreadable(#[from] serde_json::Error);

#[derive(Deserialize)]
struct Body {
    meta: Meta,
    data: Untyped,
}

#[derive(Deserialize)]
struct Meta {
    event_name: String,
    #[serde(default)]
    custom_data: Json,
}

impl Event {
    /// Reads the body of a webhook whose signature is right.
    pub fn read(body: &[u8]) -> Result<Self, Unreadable> {
        let Body { meta, data } = serde_json::from_slice(body)?;
        let subject = match data.r#type.as_str() {
            "subscriptions" => Subject::Subscription(data.typed()?),
            "subscription-invoices" => Subject::Invoice(data.typed()?),
            "orders" => Subject::Order(data.typed()?),
            _ => Subject::Other,
        };
        Ok(Self { name: meta.event_name, subject, custom: meta.custom_data })
    }

    /// What the checkout was given under this name.
    #[must_use]
    pub fn custom(&self, name: &str) -> Option<&str> {
        self.custom.get(name)?.as_str()
    }

    /// Of which store the event is, and whether of its test mode; none for what does not matter here.
    #[must_use]
    pub const fn store(&self) -> Option<(u64, bool)> {
        match &self.subject {
            Subject::Subscription(Resource { attributes, .. }) => Some((attributes.store_id, attributes.test_mode)),
            Subject::Invoice(Resource { attributes, .. }) => Some((attributes.store_id, attributes.test_mode)),
            Subject::Order(Resource { attributes, .. }) => Some((attributes.store_id, attributes.test_mode)),
            Subject::Other => None,
        }
    }
}

/// Whether `signature` is the HMAC-SHA256 of `body` under `secret`, in hex. Takes as long wherever it differs.
#[must_use]
pub fn is_signed(secret: &str, body: &[u8], signature: &str) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    unhex(signature).is_some_and(|tag| hmac::verify(&key, body, &tag).is_ok())
}

/// By what a body is known that has come before: its SHA-256. (Lemon Squeezy numbers its events, but does not say what the number stands for.)
#[must_use]
pub fn fingerprint(body: &[u8]) -> String {
    BASE64.encode(digest(&SHA256, body))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect::<Option<_>>();
    bytes.filter(|_| rest.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_is_signed_by_its_secret_alone() {
        // RFC 4231, test case 2.
        let (secret, body) = ("Jefe", b"what do ya want for nothing?".as_slice());
        let right = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert!(is_signed(secret, body, right) && is_signed(secret, body, &right.to_uppercase()));
        for wrong in
            ["", "5b", &right[..62], &format!("{right}00"), &right.replace('5', "6"), &format!("+{}", &right[1..])]
        {
            assert!(!is_signed(secret, body, wrong), "{wrong}");
        }
        assert!(!is_signed("jefe", body, right) && !is_signed(secret, b"what do ya want for nothing!", right));
    }

    #[test]
    fn events_are_read_as_they_are_documented() {
        let subscription = json!({
            "meta": {"event_name": "subscription_updated", "test_mode": true, "custom_data": {"checkout": "c-1", "number": 5}},
            "data": {"type": "subscriptions", "id": "1652021", "attributes": {
                "store_id": 217_313, "customer_id": 7_137_295, "order_id": 6_859_465, "variant_id": 972_634, "status": "active",
                "card_last_four": "4242", "renews_at": "2025-12-19T11:04:52.000000Z", "ends_at": null,
                "created_at": "2025-11-19T11:04:54.000000Z", "updated_at": "2025-11-19T11:05:01.000000Z", "test_mode": true,
            }},
        });
        let event = Event::read(subscription.to_string().as_bytes()).unwrap();
        assert_eq!((event.name.as_str(), event.store()), ("subscription_updated", Some((217_313, true))));
        assert_eq!((event.custom("checkout"), event.custom("number"), event.custom("x")), (Some("c-1"), None, None));
        let Subject::Subscription(read) = event.subject else { panic!("{event:?}") };
        assert_eq!(read.attributes.updated_at, table::Millis(1_763_550_301_000));

        let other = json!({"meta": {"event_name": "license_key_created"}, "data": {"type": "license-keys", "id": "1", "attributes": {}}});
        assert_eq!(Event::read(other.to_string().as_bytes()).unwrap().subject, Subject::Other);
        for wrong in ["", "{}", "[]", r#"{"meta": {"event_name": 1}, "data": {}}"#] {
            assert!(Event::read(wrong.as_bytes()).is_err(), "{wrong}");
        }
        for (field, value) in [
            ("status", json!("frozen")),
            ("updated_at", json!("now")),
            ("variant_id", json!(-1)),
            ("renews_at", json!(5)),
        ] {
            let mut wrong = subscription.clone();
            wrong["data"]["attributes"][field] = value;
            assert!(Event::read(wrong.to_string().as_bytes()).is_err(), "{field}");
        }
    }
}

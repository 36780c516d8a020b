//! A proxy as it is stored, as it is asked for, and whether it may be used.

use garde::Validate;
use input::{Fault, form_needing, rules, schema};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value as Json;
use table::{Key, Millis, Update};
use utoipa::ToSchema;

use crate::records::Kind;

/// The longest name of a user and the longest password, in characters.
const LONGEST_WORD: usize = 255;
/// The last port.
const LAST_PORT: u64 = 65_535;

/// What is spoken with a proxy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProxyType {
    /// HTTP.
    #[default]
    Http,
    /// HTTP over TLS.
    Https,
    /// SOCKS, version 4.
    Socks4,
    /// SOCKS, version 5.
    Socks5,
}

impl ProxyType {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Socks4 => "socks4",
            Self::Socks5 => "socks5",
        }
    }
}

/// Whether a proxy may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Active,
    /// It has failed, and rests until this moment.
    Resting(Millis),
    /// An administrator has switched it off.
    Disabled,
}

/// A proxy as it is stored. Its password is sealed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proxy {
    /// Where it is.
    #[serde(flatten)]
    pub key: Key,
    /// `proxy`.
    pub kind: Kind,
    /// Its number.
    pub id: u64,
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u64,
    /// Who signs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// What with, sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_password: Option<String>,
    /// What is spoken with it. Not `type`, which is the key of an index of tasks.
    pub proxy_type: ProxyType,
    /// Where it comes out: the key of the indexes by country.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// From when on it may be used; none if an administrator has switched it off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimable_at: Option<Millis>,
    /// `proxy`, of one that was put to rest until recovery or a success has written down that the rest is over: the key of the index
    /// `resting`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resting: Option<Kind>,
    /// How often it has failed since it last worked.
    pub error_count: u64,
    /// How often it was put to rest since it last worked: each rest is twice as long as the one before.
    #[serde(default)]
    pub rests: u64,
    /// The mark of the last report that came without an idempotency key, by which its writer knows its own write again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_nonce: Option<String>,
    /// When it last failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failed_at: Option<Millis>,
    /// When it last worked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_succeeded_at: Option<Millis>,
    /// When it was made.
    pub created_at: Millis,
    /// When it was last changed.
    pub updated_at: Millis,
}

impl Proxy {
    /// Whether it may be used at `now`: a rest that is over holds nobody off, whether or not that has been written down.
    #[must_use]
    pub fn standing(&self, now: Millis) -> Standing {
        match self.claimable_at {
            None => Standing::Disabled,
            Some(until) if self.resting.is_some() && until > now => Standing::Resting(until),
            Some(_) => Standing::Active,
        }
    }
}

/// What callers send of a proxy.
#[derive(Deserialize, Validate, ToSchema)]
pub struct ProxyFields {
    /// Its name or address.
    #[garde(inner(custom(rules::host)))]
    #[schema(schema_with = schema::host)]
    host: Option<String>,
    /// Its port.
    #[garde(inner(range(min = 1, max = LAST_PORT)))]
    #[schema(schema_with = schema::whole::<1, LAST_PORT>)]
    port: Option<u64>,
    /// Who signs in; an empty one is none.
    #[garde(inner(custom(rules::line(LONGEST_WORD))))]
    #[schema(schema_with = schema::line::<LONGEST_WORD>)]
    username: Option<String>,
    /// What with; an empty one is none.
    #[garde(dive)]
    #[schema(schema_with = schema::line::<LONGEST_WORD>)]
    pub(crate) password: Option<Password>,
    #[garde(skip)]
    r#type: Option<ProxyType>,
    /// Where it comes out (ISO 3166-1).
    #[garde(inner(custom(rules::country)))]
    #[schema(schema_with = schema::country)]
    country: Option<String>,
    /// Whether it may be used: switches it on, which forgets its failures, or off.
    #[garde(skip)]
    is_active: Option<bool>,
}

/// A password in clear; an empty one is none. It has neither `Debug` nor `Serialize`, so that it cannot slip into a log or a listing, and
/// what is wrong with it is told without it.
#[derive(Validate)]
#[garde(transparent)]
pub(crate) struct Password(#[garde(custom(rules::line(LONGEST_WORD)))] pub(crate) String);

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Json::deserialize(deserializer)? {
            Json::String(text) => Ok(Self(text)),
            _ => Err(serde::de::Error::custom("must be a text")),
        }
    }
}

impl ProxyFields {
    /// The fields without which none is made.
    pub const NEEDED: [&str; 2] = ["host", "port"];

    /// Reads what a new proxy is to be.
    pub fn read(json: &Json) -> Result<Self, Vec<Fault>> {
        form_needing(json, &Self::NEEDED)
    }

    /// The proxy with this number.
    pub(crate) fn at(self, id: u64, created_at: Millis, sealed_password: Option<String>) -> Proxy {
        Proxy {
            key: Kind::Proxy.key(id),
            kind: Kind::Proxy,
            id,
            host: self.host.unwrap_or_default(),
            port: self.port.unwrap_or_default(),
            username: self.username.filter(|name| !name.is_empty()),
            sealed_password,
            proxy_type: self.r#type.unwrap_or_default(),
            country: self.country.map(|country| country.to_ascii_uppercase()),
            claimable_at: self.is_active.unwrap_or(true).then_some(created_at),
            resting: None,
            error_count: 0,
            rests: 0,
            report_nonce: None,
            last_failed_at: None,
            last_succeeded_at: None,
            created_at,
            updated_at: created_at,
        }
    }

    /// What becomes of a proxy that is there, whose new password, if it is to have one, is this.
    pub(crate) fn change(self, now: Millis, sealed_password: Option<String>) -> Update {
        let change = Update::new()
            .set_given("host", self.host)
            .set_given("port", self.port)
            .set_given("proxy_type", self.r#type.map(ProxyType::as_str))
            .set_given("country", self.country.map(|country| country.to_ascii_uppercase()));
        let change = match self.username {
            Some(name) => change.set_or_remove("username", Some(name).filter(|name| !name.is_empty())),
            None => change,
        };
        let change =
            if self.password.is_some() { change.set_or_remove("sealed_password", sealed_password) } else { change };
        match self.is_active {
            Some(on) => change.and(switched(on, now)),
            None => change,
        }
    }
}

/// What switching a proxy on or off changes.
pub(crate) fn switched(on: bool, now: Millis) -> Update {
    if on {
        // What was before is forgotten: the administrator knows better.
        Update::new().set("claimable_at", now).set("error_count", 0_u64).remove("rests").remove("resting")
    } else {
        Update::new().remove("claimable_at").remove("resting")
    }
}

#[cfg(test)]
mod tests {
    use input::form;
    use serde_json::json;
    use table::{Item, decode};

    use super::*;

    const NOW: Millis = Millis(1_000);

    fn stored(body: &Json) -> Item {
        serde_dynamo::to_item(ProxyFields::read(body).ok().unwrap().at(7, Millis(5), None)).unwrap()
    }

    fn changed(item: &mut Item, body: &Json) -> Proxy {
        assert!(form::<ProxyFields>(body).ok().unwrap().change(NOW, Some("sealed".to_owned())).apply(item));
        decode(item.clone()).unwrap()
    }

    #[test]
    fn all_faults_are_told_at_once_and_no_password_with_them() {
        let wrong = json!({
            "host": "http://proxy", "port": 65_536, "username": "a\r\nb", "password": 1_234_567, "type": "ftp", "country": "USA",
            "is_active": "yes",
        });
        for (body, fields) in [
            (json!({"host": "proxy.example.com", "port": 8_080}), vec![]),
            (json!({}), vec!["host", "port"]),
            (json!({"host": "p", "port": 0, "password": "x".repeat(256)}), vec!["password", "port"]),
            (wrong, vec!["password", "type", "is_active", "country", "host", "port", "username"]),
        ] {
            let faults = ProxyFields::read(&body).err().unwrap_or_default();
            assert_eq!(faults.iter().map(|fault| fault.field.as_str()).collect::<Vec<_>>(), fields, "{body}");
            assert!(faults.iter().all(|fault| !fault.message.contains("1234567")), "{faults:?}");
        }
    }

    #[test]
    fn any_field_can_be_changed_and_what_is_not_sent_stays() {
        let mut item = stored(&json!({"host": "a.example.com", "port": 80, "username": "u", "country": "us"}));
        let before: Proxy = decode(item.clone()).unwrap();
        assert_eq!((before.country.as_deref(), before.claimable_at), (Some("US"), Some(Millis(5))));
        let proxy = changed(&mut item, &json!({"port": 81, "type": "socks5", "country": "gb", "password": "p"}));
        assert_eq!((proxy.host.as_str(), proxy.port, proxy.proxy_type), ("a.example.com", 81, ProxyType::Socks5));
        assert_eq!((proxy.country.as_deref(), proxy.username.as_deref()), (Some("GB"), Some("u")));
        assert_eq!(proxy.sealed_password.as_deref(), Some("sealed"));
        assert_eq!(changed(&mut item, &json!({"username": ""})).username, None);
        assert!(form::<ProxyFields>(&json!({"x": 1, "host": null})).ok().unwrap().change(NOW, None).is_empty());
    }

    #[test]
    fn an_administrator_switches_it_off_and_on() {
        let mut item = stored(&json!({"host": "a", "port": 80}));
        assert_eq!(changed(&mut item, &json!({"is_active": false})).standing(NOW), Standing::Disabled);
        assert_eq!(changed(&mut item, &json!({"port": 81})).standing(NOW), Standing::Disabled);
        assert_eq!(changed(&mut item, &json!({"is_active": true})).standing(NOW), Standing::Active);
        let off: Proxy = decode(stored(&json!({"host": "a", "port": 80, "is_active": false}))).unwrap();
        assert_eq!(off.standing(NOW), Standing::Disabled);
    }
}

//! The sites whose captchas may be solved: those that an administrator has listed, as the operator's own or as ones that may be tested. A name
//! stands for itself alone: `example.com` is neither `www.example.com` nor what a stranger puts below it.

use std::fmt;
use std::str::FromStr;

use input::rules;
use serde::{Deserialize, Serialize};
use table::{Condition, Key, Millis, Query, TableError, cursor};
use thiserror::Error;
use url::{Host, Url};

use crate::records::{Listing, Records};

const PARTITION: &str = "CAPTCHA_DOMAINS";

/// A domain name, in small ASCII letters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainName(String);

/// This is no domain name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be a domain name, as example.com")]
pub struct NoDomainName;

/// A domain that is listed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaptchaDomain {
    /// Where it is.
    #[serde(flatten)]
    pub key: Key,
    /// Its name.
    pub domain: DomainName,
    /// The token of the administrator who says so.
    pub listed_by: String,
    /// Since when.
    pub created_at: Millis,
}

impl DomainName {
    /// The name of the host that a page is on.
    pub fn of_page(page: &Url) -> Result<Self, NoDomainName> {
        page.host_str().unwrap_or_default().parse()
    }

    fn key(&self) -> Key {
        Key::new(PARTITION, &self.0)
    }
}

impl FromStr for DomainName {
    type Err = NoDomainName;

    fn from_str(text: &str) -> Result<Self, NoDomainName> {
        let Ok(Host::Domain(name)) = Host::parse(text) else { return Err(NoDomainName) };
        rules::domain(&name, &()).map_err(|_| NoDomainName)?;
        Ok(Self(name))
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Records {
    /// Whether captchas of this domain may be solved.
    pub async fn find_captcha_domain(&self, domain: &DomainName) -> Result<Option<CaptchaDomain>, TableError> {
        self.table.get(&domain.key()).await
    }

    /// Lists a domain, and gives it as it stands: one that is listed already stays as it is.
    pub async fn list_captcha_domain(&self, domain: DomainName, by: &str) -> Result<CaptchaDomain, TableError> {
        let listed =
            CaptchaDomain { key: domain.key(), domain, listed_by: by.to_owned(), created_at: self.clock.now() };
        match self.table.put(&listed, Condition::Absent("pk")).await {
            Ok(()) => Ok(listed),
            Err(TableError::ConditionFailed(_)) => {
                Ok(self.find_captcha_domain(&listed.domain).await?.unwrap_or(listed))
            }
            Err(error) => Err(error),
        }
    }

    /// Takes a domain off the list; whether it was on it.
    pub async fn unlist_captcha_domain(&self, domain: &DomainName) -> Result<bool, TableError> {
        self.table.delete(&domain.key()).await
    }

    /// A page of the list, by name. None if `after` is no cursor of ours.
    pub async fn captcha_domains(
        &self,
        limit: u32,
        after: Option<&str>,
    ) -> Result<Option<Listing<CaptchaDomain>>, TableError> {
        let after: Option<DomainName> = match after.map(cursor::read) {
            Some(None) => return Ok(None),
            position => position.flatten(),
        };
        // A forged name would be an invalid key.
        if after.as_ref().is_some_and(|name| name.0.parse().as_ref() != Ok(name)) {
            return Ok(None);
        }
        let query = Query::new(Condition::equal("pk", PARTITION)).consistent().limit(limit);
        let page = self.table.query::<CaptchaDomain>(query.start(after.map(|name| name.key().into_item()))).await?;
        let next = page.items.last().filter(|_| page.next.is_some()).and_then(|last| cursor::write(&last.domain));
        Ok(Some(Listing { records: page.items, next }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_a_whole_name_however_it_is_written() {
        for (text, name) in [
            ("example.com", "example.com"),
            ("WWW.Example.COM", "www.example.com"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("a-b.c1.example", "a-b.c1.example"),
        ] {
            assert_eq!(text.parse::<DomainName>().map(|name| name.to_string()), Ok(name.to_owned()), "{text}");
        }
        let long = format!("{}.com", "a.".repeat(125));
        for wrong in [
            "",
            "com",
            "localhost",
            "127.0.0.1",
            "1.2",
            "[::1]",
            "0x7f.1",
            "example.com.",
            ".example.com",
            "a..b",
            "*.a.com",
            "a_b.com",
            "-a.com",
            "a-.com",
            "a b.com",
            "a.com/",
            "https://a.com",
            "a.com:80",
            "u@a.com",
            "a.com#",
            "a%2eb.com#",
            &format!("{}.com", "x".repeat(64)),
            &long,
        ] {
            assert_eq!(wrong.parse::<DomainName>(), Err(NoDomainName), "{wrong}");
        }
    }

    #[test]
    fn a_page_is_on_its_host_whatever_else_stands_in_its_address() {
        for (page, name) in [
            ("https://example.com/register", Some("example.com")),
            ("https://EXAMPLE.com:8443/?a=other.com#x", Some("example.com")),
            ("https://example.com@other.com/", Some("other.com")),
            ("https://example.com.other.com/", Some("example.com.other.com")),
            ("https://127.0.0.1/", None),
            ("https://[::1]/", None),
            ("data:text/html,x", None),
        ] {
            let found = DomainName::of_page(&page.parse().unwrap()).ok().map(|name| name.to_string());
            assert_eq!(found.as_deref(), name, "{page}");
        }
    }
}

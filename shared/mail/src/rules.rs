//! Whom letters may be sent to, and how many: else whoever has an account could have anybody written to, as often as he likes.

use table::aws::SettingError;

/// How many letters a day one owner's jobs send at most, unless the operator says otherwise.
const A_DAY: u64 = 50;

/// How many letters a day one owner's jobs send at most: what `MAILS_A_DAY` says, or 50.
pub fn mails_a_day() -> Result<u64, SettingError> {
    let given = std::env::var("MAILS_A_DAY").ok().filter(|given| !given.is_empty());
    given.map_or(Ok(A_DAY), |given| given.parse().map_err(|_| SettingError::Unusable("MAILS_A_DAY", given)))
}

/// Whom users may have letters sent to, besides themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailRules {
    domains: Vec<String>,
}

impl MailRules {
    /// What `MAIL_ALLOW` names: domains with commas between them, `*` for every one; empty: nobody.
    #[must_use]
    pub fn from_environment() -> Self {
        Self::read(&std::env::var("MAIL_ALLOW").unwrap_or_default())
    }

    /// Reads such a list.
    #[must_use]
    pub fn read(list: &str) -> Self {
        let domains = list.split(',').map(|domain| domain.trim().trim_start_matches('@').to_lowercase());
        Self { domains: domains.filter(|domain| !domain.is_empty()).collect() }
    }

    /// Whether letters may go to the address, whoever asks for it. A domain's subdomains are others.
    #[must_use]
    pub fn allow(&self, address: &str) -> bool {
        let domain = address.rsplit_once('@').map(|(_, domain)| domain.to_lowercase());
        domain.is_some_and(|domain| self.domains.iter().any(|allowed| allowed == "*" || *allowed == domain))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_allowed_by_name() {
        for (list, address, is_allowed) in [
            ("", "a@example.com", false),
            ("example.com", "a@example.com", true),
            ("example.com", "a@EXAMPLE.com", true),
            ("@Example.com , other.example", "a@other.example", true),
            ("example.com", "a@mail.example.com", false),
            ("example.com", "a@notexample.com", false),
            ("example.com", "example.com@evil.example", false),
            ("example.com", "a@example.com@evil.example", false),
            ("*", "anybody@anywhere.example", true),
            ("*", "nobody", false),
            (",", "a@", false),
        ] {
            assert_eq!(MailRules::read(list).allow(address), is_allowed, "{list} {address}");
        }
    }
}

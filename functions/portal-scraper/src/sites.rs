//! Where the portals are: each portal's base URL is the operator's to say, in `PORTAL_PWMR_URL`, `PORTAL_BWMR_URL` and `PORTAL_EWMR_URL`.

use portals::Portal;
use table::aws::SettingError;
use url::Url;

/// The portals' base URLs; none of a portal that this deployment does not read.
pub(crate) struct Sites([Option<Url>; Portal::ALL.len()]);

impl Sites {
    pub(crate) fn from_environment() -> Result<Self, SettingError> {
        let [pwmr, bwmr, ewmr] =
            Portal::ALL.map(variable).map(|name| site(name, &std::env::var(name).unwrap_or_default()));
        Ok(Self([pwmr?, bwmr?, ewmr?]))
    }

    /// The base URL of a portal.
    pub(crate) fn of(&self, portal: Portal) -> Option<&Url> {
        let place = Portal::ALL.into_iter().position(|other| other == portal)?;
        self.0.get(place)?.as_ref()
    }
}

const fn variable(portal: Portal) -> &'static str {
    match portal {
        Portal::Pwmr => "PORTAL_PWMR_URL",
        Portal::Bwmr => "PORTAL_BWMR_URL",
        Portal::Ewmr => "PORTAL_EWMR_URL",
    }
}

fn site(variable: &'static str, text: &str) -> Result<Option<Url>, SettingError> {
    if text.is_empty() {
        return Ok(None);
    }
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.map(Some).ok_or_else(|| SettingError::Unusable(variable, text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_portal_is_at_a_url_or_nowhere() {
        for (text, is_read) in [
            ("", Some(false)),
            ("https://portal.example/epr/", Some(true)),
            ("http://127.77.0.1:8080/pwmr", Some(true)),
            ("portal.example", None),
            ("ftp://portal.example/", None),
            ("mailto:a@example.com", None),
        ] {
            let site = site("PORTAL_PWMR_URL", text);
            assert_eq!(site.ok().map(|site| site.is_some()), is_read, "{text}");
        }
    }
}

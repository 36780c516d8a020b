//! The operator's rules of fetching, from the environment:
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `FETCH_CONTACT` | an address in the User-Agent where site owners can complain | none |
//! | `FETCH_ALLOW` | addresses that may be connected to although they are not public: `IP[/bits][:port]`, with commas | none |
//! | `FETCH_OBEY_ROBOTS` | `false` switches robots.txt off | `true` |
//! | `CHROMIUM` | the browser; without one, tasks that need it are another function's | none |
//! | `CHROMIUM_SANDBOX` | `false` switches the browser's own sandbox off | `true` |
//! | `FETCH_HOST_INTERVAL_MS` | the least time between two requests to one host, by all functions together | `1000` |

use std::time::Duration;

use scraping::Settings;
use table::aws::SettingError;

fn given(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The rules of the browser, if there is one.
pub(crate) fn browser_from_environment() -> Result<Option<browser::Settings>, SettingError> {
    let Some(executable) = given("CHROMIUM") else { return Ok(None) };
    let mut settings = browser::Settings::of(executable.into());
    if let Some(sandboxed) = given("CHROMIUM_SANDBOX") {
        settings.sandboxed = sandboxed.parse().map_err(|_| SettingError::Unusable("CHROMIUM_SANDBOX", sandboxed))?;
    }
    Ok(Some(settings))
}

pub(crate) fn from_environment() -> Result<Settings, SettingError> {
    let mut settings = Settings { contact: given("FETCH_CONTACT"), ..Settings::default() };
    if let Some(allowed) = given("FETCH_ALLOW") {
        settings.addresses =
            allowed.parse().map_err(|error| SettingError::Unusable("FETCH_ALLOW", format!("{error}")))?;
    }
    if let Some(obey) = given("FETCH_OBEY_ROBOTS") {
        settings.obey_robots = obey.parse().map_err(|_| SettingError::Unusable("FETCH_OBEY_ROBOTS", obey))?;
    }
    if let Some(interval) = given("FETCH_HOST_INTERVAL_MS") {
        let millis = interval.parse().map_err(|_| SettingError::Unusable("FETCH_HOST_INTERVAL_MS", interval))?;
        settings.host_interval = Duration::from_millis(millis);
    }
    Ok(settings)
}

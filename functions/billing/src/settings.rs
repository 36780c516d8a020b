//! The operator's store, from the environment:
//!
//! | variable | meaning |
//! |---|---|
//! | `LEMON_SQUEEZY_URL` | the base URL of Lemon Squeezy's API |
//! | `LEMON_SQUEEZY_STORE` | the id of the store; 0 if there is none |
//! | `LEMON_SQUEEZY_MODE` | `live`, or `test` for test cards |
//! | `LEMON_SQUEEZY_PLANS` | what is sold: `PLAN=VARIANT@PRICE`, with commas, as `professional=123@29.99` |
//! | `LEMON_SQUEEZY_SECRETS` | the folder of SSM parameters with `api-key` and `webhook-secret` |
//! | `PROVIDER_TIMEOUT_SECONDS` | how long Lemon Squeezy may take, everything included |

use std::time::Duration;

use lemon_squeezy::Store;
use subscriptions::Offers;
use table::aws::{SettingError, setting};
use url::Url;

/// The operator's store.
pub(crate) struct Settings {
    pub(crate) store: Store,
    pub(crate) offers: Offers,
    pub(crate) secrets: String,
    pub(crate) time_limit: Duration,
}

pub(crate) fn from_environment() -> Result<Settings, SettingError> {
    Ok(Settings {
        store: Store {
            address: read("LEMON_SQUEEZY_URL", address)?,
            id: read("LEMON_SQUEEZY_STORE", |text| text.parse().ok())?,
            test_mode: read("LEMON_SQUEEZY_MODE", mode)?,
        },
        offers: read("LEMON_SQUEEZY_PLANS", |text| text.parse().ok())?,
        secrets: setting("LEMON_SQUEEZY_SECRETS")?,
        time_limit: Duration::from_secs(read("PROVIDER_TIMEOUT_SECONDS", |text| text.parse().ok())?),
    })
}

fn read<T>(name: &'static str, reader: impl Fn(&str) -> Option<T>) -> Result<T, SettingError> {
    let text = setting(name)?;
    reader(&text).ok_or(SettingError::Unusable(name, text))
}

fn mode(text: &str) -> Option<bool> {
    match text {
        "live" => Some(false),
        "test" => Some(true),
        _ => None,
    }
}

/// A base URL, to which paths are added.
fn address(text: &str) -> Option<String> {
    let is_base =
        text.parse::<Url>().is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.query().is_none());
    is_base.then(|| text.trim_end_matches('/').to_owned())
}

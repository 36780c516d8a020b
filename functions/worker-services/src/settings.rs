//! The operator's choice of providers, from the environment:
//!
//! | variable | meaning |
//! |---|---|
//! | `PROVIDER_KEYS` | the folder of SSM parameters that hold the keys, each named as its provider: `openai`, `deepseek`, `captcha` |
//! | `PROVIDER_TIMEOUT_SECONDS` | how long a provider may take, everything included |
//! | `LLM_MODELS` | which models go to which provider: rules such as `gpt-*=openai`, with commas; the first that fits counts |
//! | `LLM_DEFAULT_MODEL` | the model of a request that names none |
//! | `OPENAI_URL`, `DEEPSEEK_URL`, `CAPTCHA_URL` | the providers' base URLs |
//! | `CAPTCHA_FIRST_WAIT_MS`, `CAPTCHA_INTERVAL_MS` | what is waited before a captcha's solution is first asked for, and between two questions |

use std::time::Duration;

use providers::{Models, captcha, llm};
use table::aws::{SettingError, setting};
use url::Url;

/// The operator's choice of providers.
pub(crate) struct Settings {
    pub(crate) keys: String,
    pub(crate) addresses: llm::Addresses,
    pub(crate) texts: TextSettings,
    pub(crate) captchas: captcha::Settings,
    pub(crate) time_limit: Duration,
}

/// Who writes texts.
pub(crate) struct TextSettings {
    pub(crate) models: Models,
    pub(crate) default_model: String,
}

pub(crate) fn from_environment() -> Result<Settings, SettingError> {
    let time_limit = Duration::from_secs(number("PROVIDER_TIMEOUT_SECONDS")?);
    let models = setting("LLM_MODELS")?.parse().map_err(|error| SettingError::Unusable("LLM_MODELS", error))?;
    Ok(Settings {
        keys: setting("PROVIDER_KEYS")?,
        addresses: llm::Addresses { openai: address("OPENAI_URL")?, deepseek: address("DEEPSEEK_URL")? },
        texts: TextSettings { models, default_model: setting("LLM_DEFAULT_MODEL")? },
        captchas: captcha::Settings {
            address: address("CAPTCHA_URL")?,
            first_wait: Duration::from_millis(number("CAPTCHA_FIRST_WAIT_MS")?),
            interval: Duration::from_millis(number("CAPTCHA_INTERVAL_MS")?),
            time_limit,
        },
        time_limit,
    })
}

fn number(name: &'static str) -> Result<u64, SettingError> {
    let text = setting(name)?;
    text.parse().map_err(|_| SettingError::Unusable(name, text))
}

/// A base URL, to which paths are added.
fn address(name: &'static str) -> Result<String, SettingError> {
    let text = setting(name)?;
    let is_base =
        text.parse::<Url>().is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.query().is_none());
    if is_base { Ok(text.trim_end_matches('/').to_owned()) } else { Err(SettingError::Unusable(name, text)) }
}

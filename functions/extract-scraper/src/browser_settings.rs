//! The operator's rules of the browser, from the environment:
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `CHROMIUM` | the browser; without one, tasks that need it are another function's | none |
//! | `CHROMIUM_SANDBOX` | `false` switches the browser's own sandbox off | `true` |

use browser::Settings;
use table::aws::SettingError;

/// The rules of the browser, if there is one.
pub(crate) fn from_environment() -> Result<Option<Settings>, SettingError> {
    let given = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let Some(executable) = given("CHROMIUM") else { return Ok(None) };
    let mut settings = Settings::of(executable.into());
    if let Some(sandboxed) = given("CHROMIUM_SANDBOX") {
        settings.sandboxed = sandboxed.parse().map_err(|_| SettingError::Unusable("CHROMIUM_SANDBOX", sandboxed))?;
    }
    Ok(Some(settings))
}

//! Rules for single values of what is asked of the services, for `#[garde(custom(…))]`.

#![expect(clippy::trivially_copy_pass_by_ref, reason = "the validator's signature")]

use input::rules;
use providers::captcha::CaptchaType;
use worker::DomainName;

use super::type_of;

/// The longest prompt, in characters.
pub(super) const LONGEST_PROMPT: usize = 100_000;
/// The longest key of a site: those of either kind have 36 to 40 characters.
pub(super) const LONGEST_SITE_KEY: usize = 100;

/// What may be asked of a language model.
pub(super) fn prompt(text: &str, (): &()) -> garde::Result {
    if text.trim().is_empty() {
        return Err(garde::Error::new("must not be blank"));
    }
    if text.contains('\0') {
        return Err(garde::Error::new("must not hold a NUL character"));
    }
    if text.chars().count() > LONGEST_PROMPT {
        return Err(garde::Error::new(format!("must have at most {LONGEST_PROMPT} characters")));
    }
    Ok(())
}

/// A kind of captcha.
pub(super) fn captcha_type(name: &str, (): &()) -> garde::Result {
    let known = CaptchaType::ALL.map(|(name, _)| name).join(", ");
    if type_of(name).is_some() { Ok(()) } else { Err(garde::Error::new(format!("must be one of {known}"))) }
}

/// A site's key at the maker of its captchas.
pub(super) fn site_key(key: &str, (): &()) -> garde::Result {
    let is_key = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if (1..=LONGEST_SITE_KEY).contains(&key.len()) && key.bytes().all(is_key) {
        return Ok(());
    }
    Err(garde::Error::new(format!("must be 1 to {LONGEST_SITE_KEY} letters, digits, dashes or underscores")))
}

/// A page's address. What some read as another host than others do is none.
pub(super) fn page(url: &str, (): &()) -> garde::Result {
    if url.contains([' ', '\\']) {
        return Err(garde::Error::new("must have neither spaces nor backslashes"));
    }
    rules::web_address(url, &())
}

/// A site's domain.
pub(super) fn domain(domain: &str, (): &()) -> garde::Result {
    domain.parse::<DomainName>().map(|_| ()).map_err(|error| garde::Error::new(error.to_string()))
}

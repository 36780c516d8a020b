//! What callers ask of the services.

use api::worker::Error;
use garde::Validate;
use input::{Fault, form_with};
use providers::captcha::{CaptchaType, Challenge};
use providers::llm::Prompt;
use providers::Provider;
use serde::Deserialize;
use serde_json::Value as Json;
use url::Url;
use worker::DomainName;

use crate::settings::TextSettings;

/// The longest prompt, in characters.
const LONGEST_PROMPT: usize = 100_000;
/// The most tokens that a text may have.
const MOST_TOKENS: u32 = 16_384;
/// The longest name of a model.
const LONGEST_MODEL: usize = 100;
/// The longest key of a site: those of either kind have 36 to 40 characters.
const LONGEST_SITE_KEY: usize = 100;
/// The longest address of a page.
const LONGEST_PAGE_URL: usize = 2_048;

#[derive(Deserialize, Validate)]
struct PromptForm {
    #[garde(required, inner(custom(check_prompt)))]
    prompt: Option<String>,
}

#[derive(Deserialize, Validate)]
struct OptionsForm {
    #[garde(inner(range(min = 1, max = MOST_TOKENS)))]
    max_tokens: Option<u32>,
    #[garde(inner(range(min = 0.0, max = 2.0)))]
    temperature: Option<f32>,
    #[garde(inner(length(chars, min = 1, max = LONGEST_MODEL)))]
    model: Option<String>,
}

/// What is to be written, and by whom.
pub(crate) fn prompt(body: &Json, settings: &TextSettings) -> Result<(Provider, Prompt), Error> {
    let (PromptForm { prompt }, options) = form_with::<PromptForm, OptionsForm>(body, "options")?;
    let model = options.model.unwrap_or_else(|| settings.default_model.clone());
    let unknown = || Fault::new("options.model", "is no model that a provider is configured for");
    let provider = settings.models.provider_of(&model).ok_or_else(unknown)?;
    let text = prompt.unwrap_or_default();
    Ok((provider, Prompt { model, text, max_tokens: options.max_tokens, temperature: options.temperature }))
}

#[derive(Deserialize, Validate)]
struct CaptchaForm {
    #[garde(required, inner(custom(check_type)))]
    captcha_type: Option<String>,
}

#[derive(Deserialize, Validate)]
struct PageForm {
    #[garde(required, inner(custom(check_site_key)))]
    site_key: Option<String>,
    #[garde(required, inner(custom(check_page)))]
    page_url: Option<String>,
    #[garde(inner(range(min = 1)))]
    #[expect(dead_code, reason = "callers tell it for their own records: it must be a number, and is used for nothing")]
    campaign_id: Option<u64>,
    #[garde(required, inner(custom(check_domain)))]
    site_domain: Option<String>,
}

/// What is to be solved, and on which site.
pub(crate) fn challenge(body: &Json) -> Result<(Challenge, DomainName), Error> {
    let (CaptchaForm { captcha_type }, page) = form_with::<CaptchaForm, PageForm>(body, "data")?;
    let captcha_type = captcha_type.as_deref().and_then(type_of).ok_or_else(|| Fault::new("captcha_type", "is required"))?;
    let page_url = page.page_url.unwrap_or_default();
    let site = page.site_domain.and_then(|domain| domain.parse().ok());
    let site: DomainName = site.ok_or_else(|| Fault::new("data.site_domain", "is required"))?;
    let host = page_url.parse().ok().and_then(|page| DomainName::of_page(&page).ok());
    if host.as_ref() != Some(&site) {
        return Err(Fault::new("data.page_url", "must be a page of data.site_domain").into());
    }
    Ok((Challenge { captcha_type, site_key: page.site_key.unwrap_or_default(), page_url }, site))
}

fn type_of(name: &str) -> Option<CaptchaType> {
    CaptchaType::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, captcha_type)| captcha_type)
}

fn check_prompt(text: &str, (): &()) -> garde::Result {
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

fn check_type(name: &str, (): &()) -> garde::Result {
    let known = CaptchaType::ALL.map(|(name, _)| name).join(", ");
    if type_of(name).is_some() { Ok(()) } else { Err(garde::Error::new(format!("must be one of {known}"))) }
}

fn check_site_key(key: &str, (): &()) -> garde::Result {
    let is_key = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if (1..=LONGEST_SITE_KEY).contains(&key.len()) && key.bytes().all(is_key) {
        return Ok(());
    }
    Err(garde::Error::new(format!("must be 1 to {LONGEST_SITE_KEY} letters, digits, dashes or underscores")))
}

fn check_page(url: &str, (): &()) -> garde::Result {
    let is_page = |url: Url| {
        matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none()
    };
    if url.len() <= LONGEST_PAGE_URL && url.parse().is_ok_and(is_page) {
        return Ok(());
    }
    let wanted = format!("must be an http or https URL of at most {LONGEST_PAGE_URL} characters, without user name and password");
    Err(garde::Error::new(wanted))
}

fn check_domain(domain: &str, (): &()) -> garde::Result {
    domain.parse::<DomainName>().map(|_| ()).map_err(|error| garde::Error::new(error.to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings() -> TextSettings {
        TextSettings { models: "gpt-*=openai,deepseek-*=deepseek".parse().unwrap(), default_model: "gpt-x".to_owned() }
    }

    fn fields(error: &Error) -> Vec<String> {
        error.body()["errors"].as_object().unwrap().keys().cloned().collect()
    }

    #[test]
    fn a_prompt_names_its_model_or_gets_the_usual_one() {
        for (options, model, provider) in [
            (json!({"model": "gpt-3.5-turbo", "max_tokens": 200, "temperature": 0.7}), "gpt-3.5-turbo", Provider::OpenAi),
            (json!({"model": "deepseek-chat", "other": []}), "deepseek-chat", Provider::DeepSeek),
            (json!({}), "gpt-x", Provider::OpenAi),
            (json!(null), "gpt-x", Provider::OpenAi),
        ] {
            let (found, prompt) = prompt(&json!({"prompt": "Write.", "options": options}), &settings()).unwrap();
            assert_eq!((found, prompt.model.as_str()), (provider, model));
        }
        let wrong = json!({"prompt": " ", "options": {"max_tokens": 0, "temperature": 2.1, "model": ""}});
        let told = prompt(&wrong, &settings()).unwrap_err();
        assert_eq!(fields(&told), ["options.max_tokens", "options.model", "options.temperature", "prompt"]);
        let unknown = json!({"prompt": "Write.", "options": {"model": "llama-3"}});
        assert_eq!(fields(&prompt(&unknown, &settings()).unwrap_err()), ["options.model"]);
    }

    #[test]
    fn a_captchas_page_is_of_its_site_and_nothing_else_passes_for_it() {
        let body = |page: &str, domain: &str| {
            json!({"captcha_type": "hcaptcha", "data": {"site_key": "k", "page_url": page, "site_domain": domain}})
        };
        for (page, domain) in [
            ("https://example.com/register", "example.com"),
            ("http://Example.com:8080/", "EXAMPLE.com"),
            ("https://www.example.com/", "www.example.com"),
        ] {
            assert!(challenge(&body(page, domain)).is_ok(), "{page}");
        }
        for (page, domain, field) in [
            ("https://www.example.com/", "example.com", "data.page_url"),
            ("https://example.com.evil.test/", "example.com", "data.page_url"),
            ("https://example.com@evil.test/", "example.com", "data.page_url"),
            ("https://evil.test/?example.com", "example.com", "data.page_url"),
            ("https://example.com./", "example.com", "data.page_url"),
            ("ftp://example.com/", "example.com", "data.page_url"),
            ("example.com", "example.com", "data.page_url"),
            ("https://127.0.0.1/", "127.0.0.1", "data.site_domain"),
            ("https://example.com/", "*.com", "data.site_domain"),
        ] {
            assert_eq!(fields(&challenge(&body(page, domain)).unwrap_err()), [field], "{page}");
        }
    }
}

//! What callers ask of the services.

mod rules;

use api::worker::Error;
use garde::Validate;
use input::{Fault, form_with, schema};
use providers::Provider;
use providers::captcha::{CaptchaType, Challenge};
use providers::llm::Prompt;
use serde::Deserialize;
use serde_json::Value as Json;
use url::Url;
use utoipa::ToSchema;
use worker::DomainName;

use crate::settings::TextSettings;

/// The most tokens that a text may have.
const MOST_TOKENS: u32 = 16_384;
/// The longest name of a model.
const LONGEST_MODEL: usize = 100;
/// The highest temperature.
const HOTTEST: f32 = 2.0;

fn temperature() -> schema::schema::Object {
    let number = schema::schema::ObjectBuilder::new().schema_type(schema::schema::Type::Number);
    number.minimum(Some(0.0)).maximum(Some(f64::from(HOTTEST))).build()
}

#[derive(Deserialize, Validate, ToSchema)]
pub(crate) struct PromptForm {
    /// What is to be written.
    #[garde(required, inner(custom(rules::prompt)))]
    #[schema(schema_with = schema::words::<{ rules::LONGEST_PROMPT }>)]
    prompt: Option<String>,
}

#[derive(Deserialize, Validate, ToSchema)]
pub(crate) struct OptionsForm {
    /// How long it may be.
    #[garde(inner(range(min = 1, max = MOST_TOKENS)))]
    #[schema(schema_with = schema::whole::<1, { MOST_TOKENS as u64 }>)]
    max_tokens: Option<u32>,
    /// How freely it is written.
    #[garde(inner(range(min = 0.0, max = HOTTEST)))]
    #[schema(schema_with = temperature)]
    temperature: Option<f32>,
    /// By which model: one that a provider is configured for.
    #[garde(inner(length(chars, min = 1, max = LONGEST_MODEL), custom(::input::rules::text)))]
    #[schema(schema_with = schema::text::<1, LONGEST_MODEL>)]
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

#[derive(Deserialize, Validate, ToSchema)]
pub(crate) struct CaptchaForm {
    /// The kind of captcha.
    #[garde(required, inner(custom(rules::captcha_type)))]
    #[schema(schema_with = captcha_types)]
    captcha_type: Option<String>,
}

#[derive(Deserialize, Validate, ToSchema)]
pub(crate) struct PageForm {
    /// The site's key at the maker of its captchas.
    #[garde(required, inner(custom(rules::site_key)))]
    #[schema(schema_with = site_key)]
    site_key: Option<String>,
    /// The page that shows it, of `site_domain`.
    #[garde(required, inner(custom(rules::page)))]
    #[schema(schema_with = schema::web_address)]
    page_url: Option<String>,
    /// For the caller's own records: it must be a number, and is used for nothing.
    #[garde(inner(range(min = 1)))]
    #[schema(schema_with = schema::number)]
    campaign_id: Option<u64>,
    /// The site, which an administrator must have listed.
    #[garde(required, inner(custom(rules::domain)))]
    #[schema(schema_with = schema::domain)]
    site_domain: Option<String>,
}

/// What is to be solved, and on which site.
pub(crate) fn challenge(body: &Json) -> Result<(Challenge, DomainName), Error> {
    let (CaptchaForm { captcha_type }, page) = form_with::<CaptchaForm, PageForm>(body, "data")?;
    let captcha_type =
        captcha_type.as_deref().and_then(type_of).ok_or_else(|| Fault::new("captcha_type", "is required"))?;
    let site: Option<DomainName> = page.site_domain.and_then(|domain| domain.parse().ok());
    let site = site.ok_or_else(|| Fault::new("data.site_domain", "is required"))?;
    let page_url = page.page_url.and_then(|page| page.parse::<Url>().ok());
    let page_url = page_url.filter(|page| DomainName::of_page(page).as_ref() == Ok(&site));
    let page_url = page_url.ok_or_else(|| Fault::new("data.page_url", "must be a page of data.site_domain"))?;
    // As it was understood here: the service must not understand another.
    let page_url = page_url.to_string();
    Ok((Challenge { captcha_type, site_key: page.site_key.unwrap_or_default(), page_url }, site))
}

fn captcha_types() -> schema::schema::Object {
    schema::one_of(CaptchaType::ALL.map(|(name, _)| name))
}

fn site_key() -> schema::schema::Object {
    schema::pattern(1, rules::LONGEST_SITE_KEY, "^[A-Za-z0-9_-]+$")
}

fn type_of(name: &str) -> Option<CaptchaType> {
    CaptchaType::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, captcha_type)| captcha_type)
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
            (
                json!({"model": "gpt-3.5-turbo", "max_tokens": 200, "temperature": 0.7}),
                "gpt-3.5-turbo",
                Provider::OpenAi,
            ),
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
        let body = |page: &str, domain: &str| json!({"captcha_type": "hcaptcha", "data": {"site_key": "k", "page_url": page, "site_domain": domain}});
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
            ("https://example.com\\@evil.test/", "example.com", "data.page_url"),
            ("https://exam\tple.com/", "example.com", "data.page_url"),
            ("ftp://example.com/", "example.com", "data.page_url"),
            ("example.com", "example.com", "data.page_url"),
            ("https://127.0.0.1/", "127.0.0.1", "data.site_domain"),
            ("https://example.com/", "*.com", "data.site_domain"),
        ] {
            assert_eq!(fields(&challenge(&body(page, domain)).unwrap_err()), [field], "{page}");
        }
    }
}

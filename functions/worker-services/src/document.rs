//! Bodies as the document tells them: each a form with another one in it.

use ::input::schema::{self, PartialSchema, ToSchema};
use serde_json::json;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use crate::input::{CaptchaForm, OptionsForm, PageForm, PromptForm};

/// What is to be written, and how.
pub(crate) enum PromptBody {}

impl PartialSchema for PromptBody {
    fn schema() -> RefOr<Schema> {
        let options = schema::form(OptionsForm::schema(), &[]);
        let body = schema::with_field(schema::form(PromptForm::schema(), &["prompt"]), "options", options, false);
        let example = json!({
            "prompt": "Generate a blog comment about SEO tools",
            "options": {"max_tokens": 200, "temperature": 0.7, "model": "gpt-4o-mini"},
        });
        schema::shown(body, "What is to be written, and how.", example)
    }
}

impl ToSchema for PromptBody {}

/// What is to be solved, and on which site.
pub(crate) enum CaptchaBody {}

impl PartialSchema for CaptchaBody {
    fn schema() -> RefOr<Schema> {
        let data = schema::form(PageForm::schema(), &["site_key", "page_url", "site_domain"]);
        let body = schema::with_field(schema::form(CaptchaForm::schema(), &["captcha_type"]), "data", data, true);
        let example = json!({
            "captcha_type": "recaptcha_v2",
            "data": {
                "site_key": "6Le-wvkSAAAAAPBMRTvw0Q4Muexq9bi0DJwx_mJ-", "page_url": "https://example.com/register",
                "campaign_id": 45, "site_domain": "example.com",
            },
        });
        schema::shown(body, "What is to be solved, and on which site.", example)
    }
}

impl ToSchema for CaptchaBody {}

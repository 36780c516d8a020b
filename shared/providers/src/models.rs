//! Which LLM is whose.

use std::str::FromStr;

/// A provider of LLMs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// OpenAI.
    OpenAi,
    /// DeepSeek, whose API is OpenAI's.
    DeepSeek,
}

impl Provider {
    /// Every provider, as settings, keys and messages name it.
    pub const ALL: [(&'static str, Self); 2] = [("openai", Self::OpenAi), ("deepseek", Self::DeepSeek)];

    /// The provider's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::DeepSeek => "deepseek",
        }
    }
}

/// Which models go to which provider: rules such as `gpt-*=openai`, of which the first that fits counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Models(Vec<Rule>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    name: String,
    /// Whether it is the beginning of names.
    is_prefix: bool,
    provider: Provider,
}

impl Models {
    /// Who has this model.
    #[must_use]
    pub fn provider_of(&self, model: &str) -> Option<Provider> {
        self.0.iter().find(|rule| rule.fits(model)).map(|rule| rule.provider)
    }
}

impl Rule {
    fn fits(&self, model: &str) -> bool {
        if self.is_prefix { model.starts_with(&self.name) } else { model == self.name }
    }
}

impl FromStr for Models {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rules: Vec<_> = text.split(',').map(str::trim).map(rule).collect::<Result<_, _>>()?;
        Ok(Self(rules))
    }
}

fn rule(text: &str) -> Result<Rule, String> {
    let wrong = || format!("{text:?} is no rule such as gpt-*=openai");
    let (name, provider) = text.split_once('=').ok_or_else(wrong)?;
    let (_, provider) = Provider::ALL.into_iter().find(|(known, _)| *known == provider).ok_or_else(wrong)?;
    let (name, is_prefix) = name.strip_suffix('*').map_or((name, false), |beginning| (beginning, true));
    if name.is_empty() || name.contains('*') {
        return Err(wrong());
    }
    Ok(Rule { name: name.to_owned(), is_prefix, provider })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_fits_counts() {
        let models: Models = "gpt-deep=deepseek, gpt-*=openai,deepseek-*=deepseek,o3=openai".parse().unwrap();
        for (model, provider) in [
            ("gpt-3.5-turbo", Some(Provider::OpenAi)),
            ("gpt-deep", Some(Provider::DeepSeek)),
            ("gpt-deeper", Some(Provider::OpenAi)),
            ("deepseek-chat", Some(Provider::DeepSeek)),
            ("o3", Some(Provider::OpenAi)),
            ("o3-mini", None),
            ("GPT-4", None),
            ("my-gpt-4", None),
            ("", None),
        ] {
            assert_eq!(models.provider_of(model), provider, "{model}");
        }
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for wrong in ["", "gpt-*", "gpt-*=", "=openai", "*=openai", "g*t=openai", "gpt-*=claude", "gpt-*=openai,"] {
            assert!(wrong.parse::<Models>().is_err(), "{wrong}");
        }
    }
}

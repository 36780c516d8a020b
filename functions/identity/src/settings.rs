//! The operator's choice of an identity provider, and what API keys begin with.

use openidconnect::{ClientId, IssuerUrl, RedirectUrl};
use table::aws::{SettingError, setting};

/// The identity provider, and what this deployment is to it. Its client secret is a parameter of SSM's.
pub(crate) struct ProviderSettings {
    /// As the provider calls itself.
    pub(crate) issuer: IssuerUrl,
    /// As it calls this deployment; empty where nobody can sign in.
    pub(crate) client: ClientId,
    /// Where it sends people back to: a page of the web front end's.
    pub(crate) redirect: Option<RedirectUrl>,
    /// The folder of its parameters.
    pub(crate) secrets: String,
}

pub(crate) fn provider_from_environment() -> Result<ProviderSettings, SettingError> {
    let (issuer, redirect) = (setting("OIDC_ISSUER")?, setting("OIDC_REDIRECT_URL")?);
    let unusable = |name, error: url::ParseError| SettingError::Unusable(name, error.to_string());
    Ok(ProviderSettings {
        issuer: IssuerUrl::new(issuer).map_err(|error| unusable("OIDC_ISSUER", error))?,
        client: ClientId::new(setting("OIDC_CLIENT_ID")?),
        redirect: match redirect.as_str() {
            "" => None,
            _ => Some(RedirectUrl::new(redirect).map_err(|error| unusable("OIDC_REDIRECT_URL", error))?),
        },
        secrets: setting("OIDC_SECRETS")?,
    })
}

/// What new API keys begin with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyPrefixes {
    live: &'static str,
}

impl KeyPrefixes {
    pub(crate) fn from_environment() -> Result<Self, SettingError> {
        let live = match setting("PRODUCTION")?.as_str() {
            "true" => "sk_prod_",
            _ => "sk_live_",
        };
        Ok(Self { live })
    }

    /// Of a key for tests, or of another one.
    pub(crate) const fn of(self, is_test: bool) -> &'static str {
        if is_test { "sk_test_" } else { self.live }
    }
}

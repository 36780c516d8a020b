//! The identity provider: where people sign in, and what it gives for a code.

use std::time::Duration;

use api::identity::SignIn;
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreErrorResponseType};
use openidconnect::{
    AuthorizationCode, ClientSecret, CsrfToken, Nonce, PkceCodeChallenge, PkceCodeVerifier, RequestTokenError, Scope,
    TokenResponse,
};
use outbound::Fault;
use parameters::{ParameterError, Parameters};
use secrets::ApiKey;
use table::aws::SdkConfig;
use thiserror::Error;

use crate::discovery::{Discovery, Http};
use crate::settings::ProviderSettings;
use crate::token::{Judged, judge};

/// How long one request to the provider may take. A sign-in makes five at most, and API Gateway waits for 29 seconds.
const TIME_LIMIT: Duration = Duration::from_secs(5);
/// How long the provider's metadata and keys are trusted.
const TRUSTED: Duration = Duration::from_hours(1);
/// How old they may be when a token names a key that is not among them. Tokens come from the provider itself, so nobody else can make us read
/// them again.
const FRESH: Duration = Duration::ZERO;
/// The parameter that holds our secret at the provider.
const CLIENT_SECRET: &str = "client-secret";

/// The identity provider of a deployment. One per process: it keeps connections and keys.
pub(crate) struct Provider {
    settings: ProviderSettings,
    secrets: Parameters,
    discovery: Discovery,
}

/// A sign-in that has begun. It has no `Debug`: it holds secrets.
pub(crate) struct Begun {
    /// Where the person signs in.
    pub(crate) url: String,
    /// What comes back with them.
    pub(crate) state: String,
    /// What must be the same then.
    pub(crate) sign_in: SignIn,
}

/// Whom the provider vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) issuer: String,
    pub(crate) subject: String,
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) picture: Option<String>,
}

/// Why nobody is signed in.
#[derive(Debug, Error)]
pub(crate) enum SignInError {
    /// The operator has set no provider up.
    #[error("Sign-in is not set up on this deployment: {0}")]
    Off(&'static str),
    /// The provider fails.
    #[error("The identity provider {0}")]
    Provider(String),
    /// The provider does not take the code.
    #[error("was refused by the identity provider: it was used before, is too old, or is of another sign-in")]
    Code,
    /// The token is not what it should be.
    #[error("the ID token was refused: {0}")]
    Token(String),
    /// The provider has not verified the person's address.
    #[error("The identity provider has not verified this account's e-mail address")]
    Unverified,
}

impl Provider {
    pub(crate) fn new(config: &SdkConfig, settings: ProviderSettings) -> Self {
        let secrets = Parameters::new(config, settings.secrets.clone());
        let discovery = Discovery::new(settings.issuer.clone(), Http::new(TIME_LIMIT));
        Self { settings, secrets, discovery }
    }

    /// Begins a sign-in.
    pub(crate) async fn begin(&self) -> Result<Begun, SignInError> {
        let redirect = self.redirect()?;
        let metadata = self.discovery.metadata(TRUSTED).await?;
        let client = CoreClient::from_provider_metadata((*metadata).clone(), self.settings.client.clone(), None);
        let state = ApiKey::generate("").map_err(|_| SignInError::Off("the system has no randomness to give"))?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state, nonce) = client
            .set_redirect_uri(redirect)
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || CsrfToken::new(state.reveal().to_owned()),
                || Nonce::new_random_len(32),
            )
            .add_scopes(["email", "profile"].map(|scope| Scope::new(scope.to_owned())))
            .set_pkce_challenge(challenge)
            .url();
        let sign_in = SignIn { nonce: nonce.secret().clone(), pkce_verifier: verifier.into_secret() };
        Ok(Begun { url: url.into(), state: state.into_secret(), sign_in })
    }

    /// Whom a code is of.
    pub(crate) async fn redeem(&self, code: String, sign_in: SignIn) -> Result<Person, SignInError> {
        let SignIn { nonce, pkce_verifier } = sign_in;
        let (redirect, metadata) = (self.redirect()?, self.discovery.metadata(TRUSTED).await?);
        let secret = ClientSecret::new(self.secret().await?);
        let client =
            CoreClient::from_provider_metadata((*metadata).clone(), self.settings.client.clone(), Some(secret));
        let unable = |_| SignInError::Provider("names no address where codes are taken".to_owned());
        let client = client.set_redirect_uri(redirect);
        let exchange = client.exchange_code(AuthorizationCode::new(code)).map_err(unable)?;
        let exchange = exchange.set_pkce_verifier(PkceCodeVerifier::new(pkce_verifier));
        let answer = exchange.request_async(self.discovery.http()).await.map_err(|error| self.sorted(error))?;
        let token = answer.id_token().ok_or_else(|| SignInError::Token("there is none".to_owned()))?;
        let nonce = Nonce::new(nonce);
        match judge(token, &metadata, &self.settings.client, &nonce)? {
            Judged::Of(person) => Ok(*person),
            Judged::ByUnknownKey => {
                let metadata = self.discovery.metadata(FRESH).await?;
                match judge(token, &metadata, &self.settings.client, &nonce)? {
                    Judged::Of(person) => Ok(*person),
                    Judged::ByUnknownKey => {
                        Err(SignInError::Token("it names a key that is not the provider's".to_owned()))
                    }
                }
            }
        }
    }

    fn redirect(&self) -> Result<openidconnect::RedirectUrl, SignInError> {
        if self.settings.client.is_empty() {
            return Err(SignInError::Off("it has no client id"));
        }
        self.settings.redirect.clone().ok_or(SignInError::Off("it has no redirect URL"))
    }

    async fn secret(&self) -> Result<String, SignInError> {
        match self.secrets.get(CLIENT_SECRET).await {
            Ok(secret) => Ok(secret.reveal().to_owned()),
            Err(ParameterError::Unset(_)) => Err(SignInError::Off("its client secret is not set")),
            Err(ParameterError::Unreadable(_)) => Err(SignInError::Off("its client secret cannot be read")),
        }
    }

    /// Sorts what may go wrong when a code is redeemed. Nothing that the provider says is told: it may repeat the code or our secret.
    fn sorted(&self, error: openidconnect::core::CoreRequestTokenError<Fault>) -> SignInError {
        match error {
            RequestTokenError::ServerResponse(refusal) => match refusal.error() {
                CoreErrorResponseType::InvalidGrant => SignInError::Code,
                CoreErrorResponseType::InvalidClient | CoreErrorResponseType::UnauthorizedClient => {
                    // The operator may have set another by the next time.
                    self.secrets.forget_refused(CLIENT_SECRET);
                    SignInError::Provider("does not take this deployment's client secret".to_owned())
                }
                _ => SignInError::Provider("refused the request".to_owned()),
            },
            RequestTokenError::Request(fault) => SignInError::Provider(fault.to_string()),
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
                SignInError::Provider("gave an answer that cannot be understood".to_owned())
            }
        }
    }
}

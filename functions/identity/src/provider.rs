//! The identity provider: what it says of itself, where people sign in, and what it gives for a code. Its metadata and keys are read when they are first
//! needed, again after an hour, and when a token names a key that is not among them.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use api::identity::SignIn;
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreErrorResponseType, CoreProviderMetadata};
use openidconnect::{
    AsyncHttpClient, AuthorizationCode, ClientSecret, CsrfToken, DiscoveryError, HttpRequest, HttpResponse, Nonce,
    PkceCodeChallenge, PkceCodeVerifier, RequestTokenError, Scope, TokenResponse,
};
use outbound::{Fault, Outbound};
use parameters::{ParameterError, Parameters};
use reqwest::{Method, Request, StatusCode};
use secrets::ApiKey;
use table::aws::SdkConfig;
use thiserror::Error;

use crate::settings::ProviderSettings;
use crate::token::{Judged, judge};

/// How long one request to the provider may take. A sign-in makes four at most, and API Gateway waits for 29 seconds.
const TIME_LIMIT: Duration = Duration::from_secs(6);
/// How long the provider's metadata and keys are trusted.
const TRUSTED: Duration = Duration::from_hours(1);
/// How old they must be to be read again for a key that is not among them: who makes up keys makes us read no oftener.
const YOUNGEST_REREAD: Duration = Duration::from_secs(10);
/// The parameter that holds our secret at the provider.
const CLIENT_SECRET: &str = "client-secret";

/// The identity provider of a deployment. One per process: it keeps connections and keys.
pub(crate) struct Provider {
    settings: ProviderSettings,
    secrets: Parameters,
    http: Http,
    known: Mutex<Option<Known>>,
}

/// What the provider says of itself.
#[derive(Clone)]
struct Known {
    metadata: Arc<CoreProviderMetadata>,
    at: Instant,
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
        Self { settings, secrets, http: Http(Outbound::new(TIME_LIMIT)), known: Mutex::default() }
    }

    /// Begins a sign-in.
    pub(crate) async fn begin(&self) -> Result<Begun, SignInError> {
        let redirect = self.redirect()?;
        let metadata = self.metadata(TRUSTED).await?;
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
        let (redirect, metadata) = (self.redirect()?, self.metadata(TRUSTED).await?);
        let secret = ClientSecret::new(self.secret().await?);
        let client =
            CoreClient::from_provider_metadata((*metadata).clone(), self.settings.client.clone(), Some(secret));
        let unable = |_| SignInError::Provider("names no address where codes are taken".to_owned());
        let client = client.set_redirect_uri(redirect);
        let exchange = client.exchange_code(AuthorizationCode::new(code)).map_err(unable)?;
        let exchange = exchange.set_pkce_verifier(PkceCodeVerifier::new(pkce_verifier));
        let answer = exchange.request_async(&self.http).await.map_err(|error| self.sorted(error))?;
        let token = answer.id_token().ok_or_else(|| SignInError::Token("there is none".to_owned()))?;
        let nonce = Nonce::new(nonce);
        match judge(token, &metadata, &self.settings.client, &nonce)? {
            Judged::Of(person) => Ok(*person),
            Judged::ByUnknownKey => {
                let metadata = self.metadata(YOUNGEST_REREAD).await?;
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

    /// What the provider says of itself, read within the last `age`.
    async fn metadata(&self, age: Duration) -> Result<Arc<CoreProviderMetadata>, SignInError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known.filter(|known| known.at.elapsed() < age) {
            return Ok(known.metadata);
        }
        let read = CoreProviderMetadata::discover_async(self.settings.issuer.clone(), &self.http).await;
        let metadata = Arc::new(read.map_err(|error| SignInError::Provider(told(&error)))?);
        let known = Known { metadata: Arc::clone(&metadata), at: Instant::now() };
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
        Ok(metadata)
    }

    /// Sorts what may go wrong when a code is redeemed. Nothing that the provider says is told: it may repeat the code or our secret.
    fn sorted(&self, error: openidconnect::core::CoreRequestTokenError<Fault>) -> SignInError {
        match error {
            RequestTokenError::ServerResponse(refusal) => match refusal.error() {
                CoreErrorResponseType::InvalidGrant => SignInError::Code,
                CoreErrorResponseType::InvalidClient | CoreErrorResponseType::UnauthorizedClient => {
                    // The operator may have set another by the next time.
                    self.secrets.forget(CLIENT_SECRET);
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

/// Sends what `openidconnect` asks the way that all of our requests go. What is only read is asked for once more after a fault of the connection; a code is sent
/// again only if it was not sent at all.
struct Http(Outbound);

impl<'client> AsyncHttpClient<'client> for Http {
    type Error = Fault;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Fault>> + Send + 'client>>;

    fn call(&'client self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let reads = request.method() == Method::GET;
            let request = Request::try_from(request).map_err(|_| Fault::Unreachable)?;
            let again = move |fault: &Fault| *fault == Fault::Unreachable || (reads && fault.is_of_transport());
            let reply = self.0.send(request, again).await?;
            let mut response = HttpResponse::new(reply.body);
            *response.status_mut() = StatusCode::from_u16(reply.status).map_err(|_| Fault::BrokenOff)?;
            *response.headers_mut() = reply.headers;
            Ok(response)
        })
    }
}

/// What went wrong when the provider was asked what it says of itself.
fn told(error: &DiscoveryError<Fault>) -> String {
    match error {
        DiscoveryError::Request(fault) => fault.to_string(),
        DiscoveryError::Response(status, ..) if status.as_u16() != 200 => {
            format!("answered with status {}", status.as_u16())
        }
        DiscoveryError::Validation(_) => "calls itself otherwise than it is configured here".to_owned(),
        _ => "gave an answer that cannot be understood".to_owned(),
    }
}

//! Clients of AWS, made once per process. Nothing here waits or reads a certificate store: nothing blocks the first poll.

use std::str::FromStr;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::{SharedTimeSource, SystemTimeSource};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
pub use aws_types::SdkConfig;
use thiserror::Error;

use crate::cost::DynamoDbMeter;

/// The certificate authorities of AWS's own endpoints (<https://www.amazontrust.com/repository/>), compiled in: reading the system's
/// store takes longer than all the rest of a cold start. `AWS_CA_BUNDLE` takes their place where it is set.
const AMAZON_ROOTS: &str = include_str!("amazon-roots.pem");

/// One attempt of one call may take so long.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);
/// All attempts of one call together may take so long.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a call is tried in all.
const ATTEMPTS: u32 = 4;

/// What is missing from the environment.
#[derive(Debug, Error)]
pub enum SettingError {
    /// A variable that must be set is not.
    #[error("the environment variable {0} is not set")]
    Missing(&'static str),
    /// A file that is named cannot be read, or what it says cannot be used.
    #[error("{0}: {1}")]
    Unusable(&'static str, String),
}

/// The value of an environment variable.
pub fn setting(name: &'static str) -> Result<String, SettingError> {
    std::env::var(name).map_err(|_| SettingError::Missing(name))
}

/// The same, as a number or another thing that a text may be.
pub fn setting_as<T: FromStr>(name: &'static str) -> Result<T, SettingError> {
    let text = setting(name)?;
    text.parse().map_err(|_| SettingError::Unusable(name, text))
}

/// The configuration that every client is made of: region, credentials and endpoint from the variables that Lambda (or a shell)
/// sets, with time limits on everything.
pub fn configure() -> Result<SdkConfig, SettingError> {
    let credentials = Credentials::new(
        setting("AWS_ACCESS_KEY_ID")?,
        setting("AWS_SECRET_ACCESS_KEY")?,
        std::env::var("AWS_SESSION_TOKEN").ok(),
        None,
        "environment",
    );
    let endpoint = std::env::var("AWS_ENDPOINT_URL").ok();
    let client = if endpoint.as_deref().is_some_and(|url| url.starts_with("http://")) {
        Builder::new().build_http()
    } else {
        let trusted = match std::env::var("AWS_CA_BUNDLE") {
            Ok(path) => {
                std::fs::read(&path).map_err(|error| SettingError::Unusable("AWS_CA_BUNDLE", error.to_string()))?
            }
            Err(_) => AMAZON_ROOTS.as_bytes().to_vec(),
        };
        let tls = TlsContext::builder().with_trust_store(TrustStore::empty().with_pem_certificate(trusted)).build();
        let tls = tls.map_err(|error| SettingError::Unusable("AWS_CA_BUNDLE", error.to_string()))?;
        Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(tls).build_https()
    };
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build();
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(setting("AWS_REGION")?))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(client)
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .time_source(SharedTimeSource::new(SystemTimeSource::new()))
        .retry_config(
            RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(Duration::from_millis(50)),
        )
        .timeout_config(timeouts);
    config.set_endpoint_url(endpoint);
    Ok(config.build())
}

/// The DynamoDB client of this process. `AWS_ENDPOINT_URL_DYNAMODB` goes before `AWS_ENDPOINT_URL`, as in every AWS SDK.
#[must_use]
pub fn dynamodb(config: &SdkConfig) -> aws_sdk_dynamodb::Client {
    let endpoint = std::env::var("AWS_ENDPOINT_URL_DYNAMODB").ok();
    metered(config, endpoint.as_deref().or(config.endpoint_url()))
}

/// A DynamoDB client of the engine at `endpoint`, whatever the environment says.
#[must_use]
pub fn dynamodb_at(config: &SdkConfig, endpoint: &str) -> aws_sdk_dynamodb::Client {
    metered(config, Some(endpoint))
}

fn metered(config: &SdkConfig, endpoint: Option<&str>) -> aws_sdk_dynamodb::Client {
    let mut config = aws_sdk_dynamodb::config::Builder::from(config).interceptor(DynamoDbMeter);
    config.set_endpoint_url(endpoint.map(str::to_owned));
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

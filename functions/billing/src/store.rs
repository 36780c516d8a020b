//! The way to Lemon Squeezy, and its faults as callers are told of them.

use std::sync::Arc;
use std::time::Duration;

use api::extract_cloud::Error;
use lemon_squeezy::{Fault, LemonSqueezy, webhook};
use outbound::Outbound;
use parameters::{ParameterError, Parameters};
use table::aws::SdkConfig;

use crate::settings::Settings;

/// As the parameter of the secret is called that webhooks are signed with.
const WEBHOOK_SECRET: &str = "webhook-secret";
/// How old a secret is at most that a signature was found wrong by: so often a forger can have it read again.
const SECRET_AGE: Duration = Duration::from_mins(1);

/// Where plans are sold.
#[derive(Clone)]
pub(crate) struct SalesDesk {
    pub(crate) store: LemonSqueezy,
    pub(crate) time_limit: Duration,
    secrets: Parameters,
}

impl SalesDesk {
    pub(crate) fn new(config: &SdkConfig, settings: Settings) -> Self {
        let Settings { store, secrets, time_limit, .. } = settings;
        let secrets = Parameters::new(config, secrets);
        let outbound = Arc::new(Outbound::new(time_limit));
        Self { store: LemonSqueezy::new(outbound, secrets.clone(), store), time_limit, secrets }
    }

    /// Goes on only if Lemon Squeezy has signed this. The operator may have changed the secret since it was read. Where there is none, nothing is sold,
    /// and there is nobody to listen to.
    pub(crate) async fn check_signature(&self, body: &str, signature: &str) -> Result<(), Error> {
        let is_signed = |secret: &parameters::Value| webhook::is_signed(secret.reveal(), body.as_bytes(), signature);
        let off = |error| match error {
            ParameterError::Unset(_) => Error::NotFound("Lemon Squeezy is not listened to: its secret is not set"),
            ParameterError::Unreadable(_) => refused(&Fault::from(error)),
        };
        if is_signed(&self.secrets.get(WEBHOOK_SECRET).await.map_err(off)?)
            || is_signed(&self.secrets.get_fresh(WEBHOOK_SECRET, SECRET_AGE).await.map_err(off)?)
        {
            return Ok(());
        }
        Err(Error::Authentication("The signature is not that of this body"))
    }
}

/// What a caller is told of a fault of Lemon Squeezy's.
pub(crate) fn refused(fault: &Fault) -> Error {
    if matches!(fault, Fault::Service(outbound::Fault::Off(_))) {
        // Nobody has set it up: no news to whoever has not.
        tracing::info!(%fault, "Lemon Squeezy was not asked");
    } else {
        tracing::error!(%fault, "Lemon Squeezy did not do it");
    }
    let again = fault.retry_after().map(|seconds| format!("; try again in {seconds} s")).unwrap_or_default();
    Error::Dependency(format!("Lemon Squeezy, where payments are made, {fault}{again}"))
}

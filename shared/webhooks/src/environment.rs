//! Webhooks, as a function's environment names their table, queue and key.

use std::time::Duration;

use jobs::Queue;
use secrets::Sealer;
use table::aws::{SdkConfig, SettingError, dynamodb, setting};
use table::cost::RequestMeter;
use table::{Clock, Table};

use crate::deliveries::Deliveries;
use crate::endpoints::Endpoints;
use crate::schedule::Schedule;

/// The longest pause before the second attempt, unless `WEBHOOK_RETRY_BASE_MS` says otherwise.
const USUAL_BASE: Duration = Duration::from_secs(10);

/// The endpoints that `WEBHOOKS_TABLE` names, their secrets sealed by the key that `WEBHOOKS_KEY` names.
pub fn open_endpoints(config: &SdkConfig, clock: Clock) -> Result<Endpoints, SettingError> {
    Ok(Endpoints::new(open_table(config)?, open_sealer(config)?, clock))
}

/// The deliveries that `WEBHOOKS_TABLE` and `WEBHOOKS_QUEUE_URL` name; `WEBHOOK_RETRY_BASE_MS` says how soon they are tried again.
pub fn open_deliveries(config: &SdkConfig, clock: Clock) -> Result<Deliveries, SettingError> {
    const BASE: &str = "WEBHOOK_RETRY_BASE_MS";
    let base = match std::env::var(BASE) {
        Ok(text) => Duration::from_millis(text.parse().map_err(|_| SettingError::Unusable(BASE, text))?),
        Err(_) => USUAL_BASE,
    };
    let queue = Queue::new(config, setting("WEBHOOKS_QUEUE_URL")?);
    Ok(Deliveries::new(open_table(config)?, queue, clock, Schedule { base }))
}

/// What opens the secrets of endpoints: the key that `WEBHOOKS_KEY` names.
pub fn open_sealer(config: &SdkConfig) -> Result<Sealer, SettingError> {
    let kms = aws_sdk_kms::config::Builder::from(config).interceptor(RequestMeter).build();
    Ok(Sealer::new(aws_sdk_kms::Client::from_conf(kms), setting("WEBHOOKS_KEY")?))
}

fn open_table(config: &SdkConfig) -> Result<Table, SettingError> {
    Ok(Table::new(dynamodb(config), &setting("WEBHOOKS_TABLE")?))
}

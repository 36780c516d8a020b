//! Knows how secrets are read that an operator sets: encrypted parameters of SSM's, in one folder. Each is read when it is first needed, and
//! again after it was forgotten, as when the service that it is for has refused it, or when somebody wants it fresher. Knows nothing of what
//! they open.

mod value;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_sdk_ssm::Client;
use aws_sdk_ssm::error::DisplayErrorContext;
use aws_sdk_ssm::operation::get_parameter::GetParameterError;
use table::aws::SdkConfig;
use table::cost::RequestMeter;
use thiserror::Error;

pub use value::Value;

/// Why there is no value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParameterError {
    /// The parameter of this name is not set.
    #[error("the parameter {0} is not set")]
    Unset(String),
    /// It cannot be read, or holds what can be no value. Why is in the log.
    #[error("the parameter {0} cannot be read")]
    Unreadable(String),
}

/// A value, and when it was read.
#[derive(Clone)]
struct Read {
    value: Value,
    at: Instant,
}

/// The parameters of one folder. One per process: it keeps what it has read.
#[derive(Clone)]
pub struct Parameters {
    client: Client,
    folder: String,
    known: Arc<Mutex<HashMap<&'static str, Read>>>,
}

impl Parameters {
    /// Those in `folder`, as `/drover/providers`.
    #[must_use]
    pub fn new(config: &SdkConfig, folder: String) -> Self {
        let config = aws_sdk_ssm::config::Builder::from(config).interceptor(RequestMeter);
        Self { client: Client::from_conf(config.build()), folder, known: Arc::default() }
    }

    /// The value of the parameter `name`. That there is none is not remembered: set, it counts at once.
    pub async fn get(&self, name: &'static str) -> Result<Value, ParameterError> {
        if let Some(read) = self.known().get(name) {
            return Ok(read.value.clone());
        }
        self.read(name).await
    }

    /// The value of the parameter `name`, read within the last `age`. If it cannot be read just now, one that was read before serves.
    pub async fn get_fresh(&self, name: &'static str, age: Duration) -> Result<Value, ParameterError> {
        let before = self.known().get(name).cloned();
        match before {
            Some(read) if read.at.elapsed() < age => Ok(read.value),
            Some(read) => match self.read(name).await {
                Err(ParameterError::Unreadable(_)) => {
                    // And it serves as long again: where SSM does not answer, not every request should wait for that.
                    self.known().insert(name, Read { at: Instant::now(), ..read.clone() });
                    Ok(read.value)
                }
                told => told,
            },
            None => self.read(name).await,
        }
    }

    /// Forgets a value that was refused, so that it is read again when it is next needed: by then the operator may have set another. It is counted,
    /// since nobody else may tell the operator.
    pub fn forget_refused(&self, name: &'static str) {
        telemetry::counter!("SecretsRefused").increment(1);
        self.known().remove(name);
    }

    async fn read(&self, name: &'static str) -> Result<Value, ParameterError> {
        let path = format!("{}/{name}", self.folder);
        let answer = match self.client.get_parameter().name(&path).with_decryption(true).send().await {
            Ok(answer) => answer,
            Err(error) if error.as_service_error().is_some_and(GetParameterError::is_parameter_not_found) => {
                return Err(ParameterError::Unset(path));
            }
            Err(error) => {
                tracing::error!(error = %DisplayErrorContext(error), name = path, "a parameter cannot be read");
                return Err(ParameterError::Unreadable(path));
            }
        };
        let text = answer.parameter.and_then(|parameter| parameter.value);
        let Some(value) = text.as_deref().and_then(Value::read) else {
            tracing::error!(name = path, "this parameter holds no value that could be sent");
            return Err(ParameterError::Unreadable(path));
        };
        self.known().insert(name, Read { value: value.clone(), at: Instant::now() });
        Ok(value)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<&'static str, Read>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

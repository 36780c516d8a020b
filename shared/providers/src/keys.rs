//! The keys that providers are called with: parameters of SSM's, encrypted, that the operator sets. Each is read when it is first needed, and
//! again only after its provider has refused it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_ssm::Client;
use aws_sdk_ssm::error::DisplayErrorContext;
use aws_sdk_ssm::operation::get_parameter::GetParameterError;
use table::aws::SdkConfig;
use table::cost::RequestMeter;

use crate::fault::Fault;

/// A provider's key. It has neither `Debug` nor `Serialize`, so that it cannot slip into a log or an answer.
#[derive(Clone)]
pub(crate) struct Key(Arc<str>);

impl Key {
    /// A key that can stand in a header: visible ASCII, whatever white space was pasted around it.
    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())).then(|| Self(Arc::from(text)))
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

/// The keys of a deployment.
#[derive(Clone)]
pub struct Keys {
    client: Client,
    folder: String,
    known: Arc<Mutex<HashMap<&'static str, Key>>>,
}

impl Keys {
    /// Those in the folder of parameters `folder`, as `/drover/providers`.
    #[must_use]
    pub fn new(config: &SdkConfig, folder: String) -> Self {
        let config = aws_sdk_ssm::config::Builder::from(config).interceptor(RequestMeter);
        Self { client: Client::from_conf(config.build()), folder, known: Arc::default() }
    }

    /// The key of a provider. That there is none is not remembered: set, it counts at once.
    pub(crate) async fn of(&self, provider: &'static str) -> Result<Key, Fault> {
        if let Some(key) = self.known().get(provider) {
            return Ok(key.clone());
        }
        let name = format!("{}/{provider}", self.folder);
        let request = self.client.get_parameter().name(&name).with_decryption(true);
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) if error.as_service_error().is_some_and(GetParameterError::is_parameter_not_found) => {
                return Err(Fault::Off(name));
            }
            Err(error) => {
                tracing::error!(error = %DisplayErrorContext(error), name, "a key cannot be read");
                return Err(Fault::Key);
            }
        };
        let value = answer.parameter.and_then(|parameter| parameter.value);
        let Some(key) = value.as_deref().and_then(Key::read) else {
            tracing::error!(name, "this parameter is no key");
            return Err(Fault::Key);
        };
        self.known().insert(provider, key.clone());
        Ok(key)
    }

    /// Forgets a key that its provider refuses: by the next request the operator may have set another.
    pub(crate) fn forget_if_refused(&self, provider: &'static str, fault: &Fault) {
        if fault.is_of_key() {
            self.known().remove(provider);
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<&'static str, Key>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_visible_ascii_without_the_space_around_it() {
        assert_eq!(Key::read(" sk-proj-1\n").unwrap().reveal(), "sk-proj-1");
        for wrong in ["", " \n", "two words", "sk-\u{e9}", "a\nb"] {
            assert!(Key::read(wrong).is_none(), "{wrong:?}");
        }
    }
}

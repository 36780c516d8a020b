//! Parameters of SSM's, as an operator sets them.

use anyhow::Context;
use aws_sdk_ssm::Client;
use aws_sdk_ssm::operation::get_parameter::GetParameterError;
use aws_sdk_ssm::types::ParameterType;

use crate::call::CallFault;
use crate::deployment::Deployment;

/// A deployment's parameters in one folder.
pub(crate) struct Folder {
    client: Client,
    path: String,
}

impl Deployment {
    /// Its parameters in `folder`.
    pub(crate) fn folder(&self, folder: &str) -> Folder {
        Folder { client: Client::new(&self.config), path: format!("/{}/{folder}", self.stack) }
    }
}

impl Folder {
    /// The value of a parameter, if it is set.
    pub(crate) async fn get(&self, name: &str) -> anyhow::Result<Option<String>> {
        let path = format!("{}/{name}", self.path);
        match self.client.get_parameter().name(&path).with_decryption(true).send().await {
            Ok(answer) => Ok(answer.parameter.and_then(|parameter| parameter.value)),
            Err(error) if error.as_service_error().is_some_and(GetParameterError::is_parameter_not_found) => Ok(None),
            Err(error) => Err(CallFault::of(&error)).with_context(|| format!("{path} cannot be read")),
        }
    }

    /// Sets a parameter, encrypted.
    pub(crate) async fn set(&self, name: &str, value: String) -> anyhow::Result<()> {
        let path = format!("{}/{name}", self.path);
        let request = self.client.put_parameter().name(&path).value(value).r#type(ParameterType::SecureString);
        let put = request.overwrite(true).send().await.map_err(|error| CallFault::of(&error));
        put.map(|_| ()).with_context(|| format!("{path} cannot be set"))
    }
}

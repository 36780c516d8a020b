//! Speaking to a connection: API Gateway's own interface (`@connections`).

use aws_sdk_apigatewaymanagement::Client;
use aws_sdk_apigatewaymanagement::config::Builder;
use aws_sdk_apigatewaymanagement::error::{DisplayErrorContext, SdkError};
use aws_sdk_apigatewaymanagement::operation::delete_connection::DeleteConnectionError;
use aws_sdk_apigatewaymanagement::operation::post_to_connection::PostToConnectionError;
use aws_sdk_apigatewaymanagement::primitives::Blob;
use table::aws::{SdkConfig, SettingError, setting};
use table::cost::RequestMeter;
use thiserror::Error;

/// API Gateway did not do as it was asked.
#[derive(Debug, Error)]
#[error("API Gateway: {0}")]
pub struct GatewayError(String);

/// Whether somebody is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// The connection is open.
    There,
    /// It has ended.
    Gone,
}

/// The connections of one stage of a WebSocket API.
#[derive(Clone, Debug)]
pub struct Gateway {
    client: Client,
}

impl Gateway {
    /// The stage that `SOCKETS_API` and `SOCKETS_STAGE` name, at the address that AWS gives it, or where the emulator has it.
    pub fn from_environment(config: &SdkConfig) -> Result<Self, SettingError> {
        let (api, stage) = (setting("SOCKETS_API")?, setting("SOCKETS_STAGE")?);
        let address = match config.endpoint_url() {
            // An emulator is one host: the stage is in the path, as both emulators have it.
            Some(emulator) => format!("{emulator}/_aws/execute-api/{api}/{stage}"),
            None => format!("https://{api}.execute-api.{}.amazonaws.com/{stage}", setting("AWS_REGION")?),
        };
        let config = Builder::from(config).endpoint_url(address).interceptor(RequestMeter).build();
        Ok(Self { client: Client::from_conf(config) })
    }

    /// Sends a message.
    pub async fn post(&self, connection: &str, message: &str) -> Result<Presence, GatewayError> {
        let request = self.client.post_to_connection().connection_id(connection).data(Blob::new(message));
        presence(request.send().await, PostToConnectionError::is_gone_exception)
    }

    /// Ends a connection.
    pub async fn hang_up(&self, connection: &str) -> Result<Presence, GatewayError> {
        let request = self.client.delete_connection().connection_id(connection);
        presence(request.send().await, DeleteConnectionError::is_gone_exception)
    }
}

fn presence<T, E: std::error::Error + 'static, R: std::fmt::Debug + 'static>(
    answer: Result<T, SdkError<E, R>>,
    is_gone: impl Fn(&E) -> bool,
) -> Result<Presence, GatewayError> {
    match answer {
        Ok(_) => Ok(Presence::There),
        Err(error) if error.as_service_error().is_some_and(is_gone) => Ok(Presence::Gone),
        Err(error) => Err(GatewayError(DisplayErrorContext(error).to_string())),
    }
}

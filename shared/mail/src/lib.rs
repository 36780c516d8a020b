//! Knows how e-mail is sent: plain text to one address, through SES, from the address that the operator has set. Knows nothing of what is
//! told, nor of who may be told it.

mod letter;
mod rules;

use std::time::Duration;

use aws_sdk_ses::Client;
use aws_sdk_ses::config::Builder;
use aws_sdk_ses::config::retry::RetryConfig;
use aws_sdk_ses::config::timeout::TimeoutConfig;
use aws_sdk_ses::error::{DisplayErrorContext, SdkError};
use aws_sdk_ses::operation::send_email::SendEmailError;
use aws_sdk_ses::types::{Body, Content, Destination, Message};
use table::aws::SdkConfig;
use table::cost::RequestMeter;
use thiserror::Error;

pub use letter::Letter;
pub use rules::{MailRules, mails_a_day};

/// How long SES may take.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// Why a letter was not sent.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MailError {
    /// This deployment sends none: no sender is set.
    #[error("this deployment sends no e-mail")]
    Off,
    /// It was refused for good: sent again it would be refused again. Why is in the log.
    #[error("the e-mail was refused")]
    Refused,
    /// It was not sent, or it is not known whether it was. Sent again it may go. Why is in the log.
    #[error("the e-mail service does not answer")]
    Unavailable,
}

/// Sends letters. One per process.
#[derive(Clone, Debug)]
pub struct Mailer {
    client: Client,
    from: Option<String>,
}

impl Mailer {
    /// What the environment names: `MAIL_FROM`, the sender; without one no letter is sent.
    #[must_use]
    pub fn from_environment(config: &SdkConfig) -> Self {
        let limits = TimeoutConfig::builder().connect_timeout(Duration::from_secs(1)).operation_timeout(TIME_LIMIT);
        let config = Builder::from(config)
            .timeout_config(limits.build())
            // A letter whose answer was lost may have gone: whether it is sent again is for the one who knows whether it was meant to.
            .retry_config(RetryConfig::disabled())
            .interceptor(RequestMeter)
            .build();
        let from = std::env::var("MAIL_FROM").ok().filter(|from| !from.is_empty());
        Self { client: Client::from_conf(config), from }
    }

    /// Whether letters are sent at all.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.from.is_some()
    }

    /// Sends a letter, once. The fields of a message are SES's own here: it writes the headers, so that no text becomes one.
    pub async fn send(&self, letter: &Letter) -> Result<(), MailError> {
        let from = self.from.as_deref().ok_or(MailError::Off)?;
        let text = |data: &str| Content::builder().data(data).charset("UTF-8").build();
        let (Ok(subject), Ok(body)) = (text(letter.subject()), text(letter.text())) else {
            return Err(MailError::Refused);
        };
        let message = Message::builder().subject(subject).body(Body::builder().text(body).build()).build();
        let to = Destination::builder().to_addresses(letter.to()).build();
        match self.client.send_email().source(from).destination(to).message(message).send().await {
            Ok(_) => Ok(()),
            Err(error) => {
                let sorted = sorted(&error);
                tracing::warn!(error = %DisplayErrorContext(error), "an e-mail was not sent");
                Err(sorted)
            }
        }
    }
}

/// What SES says of a letter is final where it is the letter's fault, or the configuration's: those are 4xx, but for being asked too fast.
fn sorted(error: &SdkError<SendEmailError>) -> MailError {
    let SdkError::ServiceError(told) = error else { return MailError::Unavailable };
    let is_hasty = told.err().meta().code().is_some_and(|code| code.starts_with("Throttling"));
    if told.raw().status().is_client_error() && !is_hasty { MailError::Refused } else { MailError::Unavailable }
}

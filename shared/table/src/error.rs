//! What may go wrong with a table.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::AttributeValue;
use thiserror::Error;

/// An item as DynamoDB gives it.
pub type Item = HashMap<String, AttributeValue>;

/// What may go wrong with a table.
#[derive(Debug, Error)]
pub enum TableError {
    /// The condition did not hold and nothing was changed. The item as it was, where there is one and the engine returns it;
    /// of a transaction, the item of each action whose condition failed.
    #[error("the condition did not hold")]
    ConditionFailed(Vec<Option<Item>>),
    /// The table could not be reached, was throttled, or is at odds with another transaction, and retries did not help. What was asked
    /// may or may not have been done.
    #[error("the table is unavailable: {0}")]
    Unavailable(String),
    /// DynamoDB refused the request, or an item does not have the shape it should: a fault of ours.
    #[error("{0}")]
    Broken(String),
}

impl TableError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl From<serde_dynamo::Error> for TableError {
    fn from(error: serde_dynamo::Error) -> Self {
        Self::Broken(format!("an item does not have its shape: {error}"))
    }
}

/// Sorts the SDK's error into ours. `E` is any operation's; a failed condition must have been handled before.
pub(crate) fn classify<E, R>(error: &SdkError<E, R>) -> TableError
where
    E: ProvideErrorMetadata + std::fmt::Debug,
    R: std::fmt::Debug,
{
    const TRANSIENT: [&str; 8] = [
        "InternalServerError",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottlingException",
        "TransactionConflictException",
        "TransactionInProgressException",
    ];
    match error {
        SdkError::ServiceError(service) => {
            let (code, message) = (service.err().code().unwrap_or("?"), service.err().message().unwrap_or(""));
            let text = format!("{code}: {message}");
            if TRANSIENT.contains(&code) || message.contains("Rate exceeded") {
                TableError::Unavailable(text)
            } else {
                TableError::Broken(text)
            }
        }
        SdkError::TimeoutError(_) => TableError::Unavailable("no answer in time".to_owned()),
        SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => TableError::Unavailable("no answer".to_owned()),
        other => TableError::Broken(format!("{other:?}")),
    }
}

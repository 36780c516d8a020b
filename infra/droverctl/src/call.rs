//! What may go wrong with a call of AWS, sorted by what it means for an operator.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use thiserror::Error;

use crate::failure::Exit;

/// What a call came to that was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// What it is about is not there.
    Missing,
    /// This cloud does not know the operation, as an emulator may not.
    NotKnown,
    /// The caller's credentials are not good, or may not do that.
    Denied,
    /// Nobody answered, or not in time.
    Unreachable,
    /// Anything else.
    Other,
}

/// A call that was not done.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{text}")]
pub(crate) struct CallFault {
    /// What it means.
    pub(crate) trouble: Trouble,
    text: String,
}

const MISSING: [&str; 10] = [
    "AliasNotFound",
    "NotFoundException",
    "NonExistentQueue",
    "NoSuchBucket",
    "NotFound",
    "ParameterNotFound",
    "QueueDoesNotExist",
    "ResourceNotFound",
    "ResourceNotFoundException",
    "TableNotFoundException",
];
const NOT_KNOWN: [&str; 6] = [
    "InvalidAction",
    "NotImplemented",
    "NotImplementedException",
    "UnknownOperation",
    "UnknownOperationException",
    "UnsupportedOperation",
];
const DENIED: [&str; 13] = [
    "AccessDenied",
    "AccessDeniedException",
    "AuthFailure",
    "AuthorizationError",
    "ExpiredToken",
    "ExpiredTokenException",
    "Forbidden",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "UnauthorizedOperation",
    "UnrecognizedClientException",
];

impl CallFault {
    /// What to do when nobody answered.
    pub(crate) const TRY_AGAIN: &str =
        "is AWS_REGION the stack's, and AWS_ENDPOINT_URL right (unset for AWS itself)? If they are, try again";

    /// Sorts the SDK's error.
    pub(crate) fn of<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Self {
        let unreachable = |text: &str| Self { trouble: Trouble::Unreachable, text: text.to_owned() };
        match error {
            SdkError::ServiceError(service) => {
                let (code, message) = (service.err().code().unwrap_or("?"), service.err().message().unwrap_or(""));
                Self::of_answer(service.raw().status().as_u16(), code, message)
            }
            SdkError::TimeoutError(_) => unreachable("it did not answer in time"),
            SdkError::DispatchFailure(_) => unreachable("it was not reached"),
            SdkError::ResponseError(_) => unreachable("its answer broke off, or cannot be read"),
            _ => Self { trouble: Trouble::Other, text: "the request could not be made".to_owned() },
        }
    }

    /// Sorts an answer that is an error.
    pub(crate) fn of_answer(status: u16, code: &str, message: &str) -> Self {
        let known = code.split(['#', '.']).next_back().unwrap_or(code);
        let trouble = match known {
            _ if status == 501 || NOT_KNOWN.contains(&known) => Trouble::NotKnown,
            _ if DENIED.contains(&known) => Trouble::Denied,
            _ if MISSING.contains(&known) || message.contains("does not exist") => Trouble::Missing,
            // A body that nobody can read: how S3 answers a HEAD.
            "?" if status == 404 => Trouble::Missing,
            "?" if status == 403 => Trouble::Denied,
            _ if status == 503 || status == 429 => Trouble::Unreachable,
            _ => Trouble::Other,
        };
        Self { trouble, text: if message.is_empty() { known.to_owned() } else { format!("{known}: {message}") } }
    }

    /// The same of a text that begins with the code, as the errors of tables do. None if it does not.
    pub(crate) fn of_code(text: &str) -> Option<Self> {
        let (code, message) = text.split_once(": ")?;
        let fault = Self::of_answer(400, code, message);
        (fault.trouble != Trouble::Other).then_some(fault)
    }

    /// The same of what a library tells of a call of its own: the code stands somewhere in it. None if there is none that is known.
    pub(crate) fn of_story(text: &str) -> Option<Self> {
        let fault = |trouble| Some(Self { trouble, text: text.to_owned() });
        let has = |codes: &[&str]| text.split(|c: char| !c.is_alphanumeric()).any(|word| codes.contains(&word));
        if has(&DENIED) {
            fault(Trouble::Denied)
        } else if has(&MISSING) {
            fault(Trouble::Missing)
        } else if ["dispatch failure", "timed out", "timeout"].iter().any(|words| text.contains(words)) {
            fault(Trouble::Unreachable)
        } else {
            None
        }
    }

    /// This cloud does not know it, or does not keep it.
    pub(crate) fn not_known() -> Self {
        Self { trouble: Trouble::NotKnown, text: "this cloud does not know it".to_owned() }
    }

    /// What was answered cannot be understood.
    pub(crate) fn unreadable() -> Self {
        Self { trouble: Trouble::Other, text: "what was answered cannot be understood".to_owned() }
    }

    /// Nobody answered.
    pub(crate) fn unreachable(text: impl Into<String>) -> Self {
        Self { trouble: Trouble::Unreachable, text: text.into() }
    }

    /// How it ends the command.
    pub(crate) const fn exit(&self) -> Exit {
        match self.trouble {
            Trouble::Missing => Exit::NotFound,
            Trouble::NotKnown | Trouble::Other => Exit::Fault,
            Trouble::Denied | Trouble::Unreachable => Exit::Unreachable,
        }
    }

    /// What to do next.
    pub(crate) fn next(&self) -> Option<String> {
        let next = match self.trouble {
            Trouble::Missing => {
                "is --stack the stack's name, and AWS_REGION its region? `droverctl doctor` says what is there"
            }
            Trouble::Denied => {
                "the credentials are not good, or not allowed it: docs/operations.md, chapter Permissions, has what each command needs"
            }
            Trouble::Unreachable => Self::TRY_AGAIN,
            Trouble::NotKnown | Trouble::Other => return None,
        };
        Some(next.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_sorted_by_what_they_mean() {
        for (status, code, message, trouble) in [
            (400, "ResourceNotFoundException", "Requested resource not found", Trouble::Missing),
            (400, "AWS.SimpleQueueService.NonExistentQueue", "", Trouble::Missing),
            (400, "ValidationError", "Stack with id drover does not exist", Trouble::Missing),
            (404, "?", "", Trouble::Missing),
            (400, "com.amazonaws.dynamodb.v20120810#UnknownOperationException", "", Trouble::NotKnown),
            (501, "InternalFailure", "not included in your license plan", Trouble::NotKnown),
            (403, "AccessDenied", "", Trouble::Denied),
            (400, "UnrecognizedClientException", "The security token is invalid", Trouble::Denied),
            (503, "ServiceUnavailable", "", Trouble::Unreachable),
            (400, "ValidationException", "one value is too long", Trouble::Other),
        ] {
            assert_eq!(CallFault::of_answer(status, code, message).trouble, trouble, "{status} {code}");
        }
    }
}

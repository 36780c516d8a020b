//! How the command ends: its exit codes, and what it says when it has not done what it was told.

use std::process::ExitCode;

use jobs::ResultsError;
use secrets::SealError;
use serde_json::{Value as Json, json};
use table::TableError;
use table::aws::SettingError;
use thiserror::Error;

use crate::call::CallFault;
use crate::output::Format;
use crate::plain::plain;

/// How the command ends. The numbers are documented, and stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It has done what it was told.
    Done = 0,
    /// Something failed, or `doctor` found a fault.
    Fault = 1,
    /// It was told something that it does not understand, or not told what it needs.
    Usage = 2,
    /// What was named is not there.
    NotFound = 3,
    /// The state of things does not allow it, or nobody said yes.
    Refused = 4,
    /// AWS or the API was not reached, or does not let these credentials.
    Unreachable = 5,
}

impl Exit {
    const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Fault => "fault",
            Self::Usage => "usage",
            Self::NotFound => "not_found",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why it was not done, and what to do next.
#[derive(Debug, Error)]
#[error("{message}")]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
    next: Option<String>,
}

impl Failure {
    const fn new(exit: Exit, message: String) -> Self {
        Self { exit, message, next: None }
    }

    /// What was named is not there.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(Exit::NotFound, message.into())
    }

    /// The state of things does not allow it.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::new(Exit::Refused, message.into())
    }

    /// What it was told makes no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message.into())
    }

    /// With what to do next.
    pub(crate) fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}

/// How an error ends the command, and what to do next.
fn judge(error: &anyhow::Error) -> (Exit, Option<String>) {
    for cause in error.chain() {
        if let Some(failure) = cause.downcast_ref::<Failure>() {
            return (failure.exit, failure.next.clone());
        }
        if let Some(fault) = cause.downcast_ref::<CallFault>() {
            return (fault.exit(), fault.next());
        }
        if cause.is::<SettingError>() {
            return (Exit::Usage, Some("set it: `droverctl --help` says what there is to set".to_owned()));
        }
        if let Some(error) = cause.downcast_ref::<TableError>() {
            return of_table(error);
        }
        // KMS and S3, as the libraries tell of them.
        if cause.is::<SealError>() || cause.is::<ResultsError>() {
            return CallFault::of_story(&cause.to_string())
                .map_or((Exit::Fault, None), |fault| (fault.exit(), fault.next()));
        }
    }
    (Exit::Fault, None)
}

/// How an error ends the command.
pub(crate) fn exit_of(error: &anyhow::Error) -> Exit {
    judge(error).0
}

fn of_table(error: &TableError) -> (Exit, Option<String>) {
    match error {
        TableError::ConditionFailed(_) => {
            (Exit::Refused, Some("it has just changed: look at it, and try again".to_owned()))
        }
        TableError::Unavailable(_) => (Exit::Unreachable, Some(CallFault::TRY_AGAIN.to_owned())),
        TableError::Broken(text) => match CallFault::of_code(text) {
            Some(fault) => (fault.exit(), fault.next()),
            None => (Exit::Fault, None),
        },
    }
}

/// Says on standard error why it was not done, in the form that answers have.
pub(crate) fn complain(error: &anyhow::Error, format: Format) -> Exit {
    let (exit, next) = judge(error);
    let message = plain(&format!("{error:#}"));
    match format {
        Format::Json => anstream::eprint!("{}", format.render(&as_json(exit, &message, next.as_deref()))),
        Format::Text => {
            let style = anstyle::Style::new().bold().fg_color(Some(anstyle::AnsiColor::Red.into()));
            anstream::eprintln!("{style}error:{style:#} {message}");
            if let Some(next) = next {
                anstream::eprintln!("  {}", plain(&next));
            }
        }
    }
    exit
}

fn as_json(exit: Exit, message: &str, next: Option<&str>) -> Json {
    json!({"error": {"code": exit.name(), "exit_code": exit as u8, "message": message, "next": next}})
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn an_error_ends_the_command_by_what_is_at_its_bottom() {
        let broken = |text: &str| TableError::Broken(text.to_owned()).into();
        let kms = |text: &str| SealError::Kms(text.to_owned()).into();
        let cases: [(anyhow::Error, Exit); 12] = [
            (Failure::not_found("there is no job x").into(), Exit::NotFound),
            (Failure::refused("it has ended").into(), Exit::Refused),
            (Failure::usage("not so").into(), Exit::Usage),
            (SettingError::Missing("AWS_REGION").into(), Exit::Usage),
            (TableError::Unavailable("no answer".to_owned()).into(), Exit::Unreachable),
            (TableError::ConditionFailed(Vec::new()).into(), Exit::Refused),
            (broken("ResourceNotFoundException: no such table"), Exit::NotFound),
            (broken("AccessDeniedException: not authorized"), Exit::Unreachable),
            (broken("an item does not have its shape"), Exit::Fault),
            (kms("service error: AccessDeniedException: not authorized (ServiceError(…))"), Exit::Unreachable),
            (kms("dispatch failure: io error (DispatchFailure(…))"), Exit::Unreachable),
            (SealError::Damaged.into(), Exit::Fault),
        ];
        for (error, exit) in cases {
            assert_eq!(judge(&error).0, exit, "{error:?}");
            let wrapped = Err::<(), _>(error).context("more about it").unwrap_err();
            assert_eq!(judge(&wrapped).0, exit, "{wrapped:?}");
        }
    }

    #[test]
    fn what_a_program_reads_has_the_code_and_what_to_do() {
        let error = Failure::not_found("there is no job x").next("droverctl jobs list").into();
        let (exit, next) = judge(&error);
        let told = as_json(exit, "there is no job x", next.as_deref());
        let expected =
            json!({"code": "not_found", "exit_code": 3, "message": "there is no job x", "next": "droverctl jobs list"});
        assert_eq!(told["error"], expected);
    }
}

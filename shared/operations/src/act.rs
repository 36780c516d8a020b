//! What comes of what an operator does.

use jobs::ResultsError;
use serde::Serialize;
use table::TableError;
use thiserror::Error;

use crate::audit::{Outcome, Told};

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", content = "detail", rename_all = "snake_case")]
pub enum Acted {
    /// It is done. Why it is not all that could be, or how many, if there is more to say.
    Done(Option<String>),
    /// Nothing was done: this is why.
    Refused(String),
}

/// Why it is not known to be done.
#[derive(Debug, Error)]
pub enum ActError {
    /// There is no such thing.
    #[error("there is no such thing")]
    Missing,
    /// The table failed.
    #[error(transparent)]
    Table(#[from] TableError),
    /// What a job has made was not deleted; the job is cancelled.
    #[error(transparent)]
    Results(#[from] ResultsError),
}

impl From<extract::UpdateError> for ActError {
    fn from(error: extract::UpdateError) -> Self {
        match error {
            extract::UpdateError::Missing | extract::UpdateError::Ended => Self::Missing,
            extract::UpdateError::Table(error) => Self::Table(error),
            extract::UpdateError::Results(error) => Self::Results(error),
        }
    }
}

/// What came of an act, or why that is not known.
pub type Act = Result<Acted, ActError>;

impl Acted {
    pub(crate) const DONE: Self = Self::Done(None);

    pub(crate) fn refused(why: &str) -> Self {
        Self::Refused(why.to_owned())
    }
}

impl Told for Acted {
    fn told(&self) -> (Outcome, Option<String>) {
        match self {
            Self::Done(more) => (Outcome::Done, more.clone()),
            Self::Refused(why) => (Outcome::Refused, Some(why.clone())),
        }
    }
}

impl Told for ActError {
    fn told(&self) -> (Outcome, Option<String>) {
        match self {
            Self::Missing => (Outcome::Refused, Some(self.to_string())),
            Self::Table(error) => error.told(),
            Self::Results(_) => (Outcome::Failed, Some("its files were not deleted".to_owned())),
        }
    }
}

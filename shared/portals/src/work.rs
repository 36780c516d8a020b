//! What a worker says of a job, with a step or with its end.

use ::jobs::{Line, Lost, Run};
use table::{AttributeValue, TableError, Update, encode};

use crate::job::JobFile;
use crate::jobs::PortalJobs;

/// What a worker says of a job, besides how far it is.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// Its own name.
    pub worker: &'a str,
    /// Whom the account is of, once the portal has said so.
    pub entity_name: Option<&'a str>,
    /// What it does, or has done.
    pub message: &'a str,
}

impl Report<'_> {
    /// What is so of the job's item from now on.
    #[must_use]
    pub fn update(&self) -> Update {
        Update::new().set("worker", self.worker).set("message", self.message).set_given("entity_name", self.entity_name)
    }
}

impl PortalJobs {
    /// Ends a job well, with its files.
    pub async fn complete(run: Run, files: &[JobFile], report: Report<'_>, lines: Vec<Line>) -> Result<(), Lost> {
        let files = files.iter().map(|file| encode(file).map(AttributeValue::M));
        let files: Vec<_> = files.collect::<Result<_, TableError>>()?;
        run.complete_with(report.update().set("files", AttributeValue::L(files)), Vec::new(), lines).await
    }

    /// Ends a job badly, for good. Its message is the reason.
    pub async fn fail(run: Run, report: Report<'_>, lines: Vec<Line>) -> Result<(), Lost> {
        run.fail_with(report.message, report.update(), Vec::new(), lines).await
    }
}

//! How a job ends, and that the account's owner is told.
//!
//! The e-mail is sent after the end is decided and recorded, and before the job ends: so whoever goes on with it sends it. It is sent at least once, and
//! again only if a worker dies, or its answer is lost, between the two.

use jobs::{Level, Lines};
use mail::MailError;
use portals::{JobFile, PortalJob};
use serde::{Deserialize, Serialize};
use table::TableError;

use crate::App;
use crate::letter::letter;

/// How a job ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum End {
    /// With so many records, in these files.
    Completed { files: Vec<JobFile>, records: u64 },
    /// With nothing.
    Failed { reason: String },
}

/// What came of wanting to tell the owner.
pub(crate) enum Told {
    /// It is done, or is not to be done.
    Done,
    /// It may be done later.
    Later,
}

impl End {
    pub(crate) fn failed(reason: impl Into<String>) -> Self {
        Self::Failed { reason: reason.into() }
    }

    /// What is said of it.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Completed { records, .. } => format!("Scrape completed successfully: {records} records"),
            Self::Failed { reason } => reason.clone(),
        }
    }
}

/// Tells the owner of a job's account how the job ends, if this deployment sends e-mail, and has not sent too many for the tenant. `is_counted` says whether
/// this e-mail is among those, and is kept with the job: one that could not be sent is not another one when it is tried again.
pub(crate) async fn tell(
    app: &App,
    job: &PortalJob,
    end: &End,
    is_counted: &mut bool,
    lines: &mut Lines,
) -> Result<Told, TableError> {
    let (to, most) = (&job.email, app.mails_a_day);
    if !app.mailer.is_on() {
        return Ok(Told::Done);
    }
    if !*is_counted && !app.jobs.count_mail(&job.tenant, most).await? {
        lines.say(Level::Warning, "mail", format!("No e-mail is sent: there were {most} today"));
        return Ok(Told::Done);
    }
    *is_counted = true;
    match app.mailer.send(&letter(job, end)).await {
        Ok(()) => {
            telemetry::counter!("MailsSent").increment(1);
            lines.say(Level::Info, "mail", format!("Told {to} of it"));
            Ok(Told::Done)
        }
        Err(error @ (MailError::Refused | MailError::Off)) => {
            telemetry::counter!("MailsRefused").increment(1);
            lines.say(Level::Error, "mail", format!("{to} was not told: {error}"));
            Ok(Told::Done)
        }
        Err(MailError::Unavailable) => Ok(Told::Later),
    }
}

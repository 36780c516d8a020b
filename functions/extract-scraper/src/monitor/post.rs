//! The e-mail of a check.

use anyhow::Context;
use jobs::{Level, Lost};
use mail::MailError;

use super::Check;
use super::files::Files;
use super::letter::letter;
use super::memory::Done;
use super::watched::Change;

impl Check<'_> {
    /// Tells the owner of the changes, if that is wanted and may be. False if it has to be tried again.
    pub(super) async fn tell_owner(&mut self, done: &Done) -> Result<bool, Lost> {
        let Some(to) = &self.own.notification_email else { return Ok(true) };
        if !self.app.mailer.is_on() {
            self.lines.say(Level::Warning, "mail", "No e-mail is sent: this deployment sends none");
            return Ok(true);
        }
        let changes = match self.changes().await {
            Ok(changes) => changes,
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "the changes cannot be read");
                return Ok(false);
            }
        };
        let most = self.app.mails_a_day;
        if !self.app.accounts.count_mail(&self.task.user_id, most).await? {
            self.lines.say(Level::Warning, "mail", format!("No e-mail is sent: there were {most} today"));
            return Ok(true);
        }
        let listed: Vec<_> = changes.iter().filter(|change| change.reported).collect();
        let checked_at = changes.last().map_or_else(|| self.lines.now(), |change| change.checked_at);
        let letter = letter(self.task, to, checked_at, &listed, done.reported);
        match self.app.mailer.send(&letter).await {
            Ok(()) => {
                telemetry::counter!("MailsSent").increment(1);
                self.lines.say(Level::Info, "mail", format!("Told {to} of {} changes", done.reported));
                Ok(true)
            }
            Err(error @ (MailError::Refused | MailError::Off)) => {
                telemetry::counter!("MailsRefused").increment(1);
                self.lines.say(Level::Error, "mail", format!("{to} was not told: {error}"));
                Ok(true)
            }
            Err(MailError::Unavailable) => Ok(false),
        }
    }

    /// The changes that this check has found, or those that were stored by the attempt that made it.
    async fn changes(&self) -> anyhow::Result<Vec<Change>> {
        if !self.found.is_empty() {
            return Ok(self.found.clone());
        }
        let files = Files { results: &self.app.results, task: self.task };
        let known = files.watched(self.memory.files).await.context("what is known cannot be read")?;
        let check = self.memory.checks + 1;
        Ok(known.changes.into_iter().filter(|change| change.check == check).collect())
    }
}

//! The e-mail to whom an endpoint belongs that was switched off.

use mail::{Letter, MailError};
use webhooks::Endpoint;

use crate::App;

/// The longest address that is shown, in characters.
const LONGEST_ADDRESS: usize = 300;

impl App {
    /// Tells the owner, if there is one and e-mail is sent. An error means that it is to be tried again.
    pub(crate) async fn tell_owner(&self, endpoint: &Endpoint) -> anyhow::Result<()> {
        if !self.mailer.is_on() {
            return Ok(());
        }
        let Some(owner) = self.identity.find_user(&endpoint.user_id).await? else { return Ok(()) };
        match self.mailer.send(&letter(&owner.email, endpoint)).await {
            Ok(()) => telemetry::counter!("MailsSent").increment(1),
            // Why is in the log. That nobody can be told is no reason to keep the delivery.
            Err(MailError::Refused | MailError::Off) => telemetry::counter!("MailsRefused").increment(1),
            Err(error @ MailError::Unavailable) => return Err(error.into()),
        }
        Ok(())
    }
}

fn letter(to: &str, endpoint: &Endpoint) -> Letter {
    let address = Letter::quoted(&endpoint.url, LONGEST_ADDRESS);
    let (id, reason) = (endpoint.id, endpoint.disabled_reason.as_deref().unwrap_or("It has failed"));
    let since = endpoint.disabled_at.map(|at| format!("Since: {at}\n")).unwrap_or_default();
    let text = format!(
        "A webhook of yours was switched off: nothing is sent to it any more.\n\n\
         Webhook: {address}\nWhy: {reason}\n{since}\n\
         What was tried: GET /webhooks/{id}/attempts\n\
         To switch it on again: PUT /webhooks/{id} with {{\"is_active\": true}}\n"
    );
    Letter::new(to, &format!("A webhook was switched off: {address}"), &text)
}

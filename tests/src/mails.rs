//! The e-mails that the stack has sent, as the emulator keeps them.

use anyhow::Context;
use serde_json::Value as Json;

use crate::answer::Answer;
use crate::stack::Stack;
use crate::user::User;

/// What e-mail is sent from: `localstack/up` has it verified.
pub const SENDER: &str = "drover@drover.example";

/// An e-mail that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// What it is about.
    pub subject: String,
    /// What it says.
    pub text: String,
}

impl User {
    /// The address that the user signs in with.
    #[must_use]
    pub fn email(&self) -> String {
        format!("{}@example.com", self.id)
    }
}

impl Stack {
    /// The e-mails that were sent to an address, the oldest first. Each emulator keeps them in its own way.
    pub async fn mails_to(&self, address: &str) -> anyhow::Result<Vec<Mail>> {
        let endpoint = std::env::var("DROVER_AWS_ENDPOINT").context("DROVER_AWS_ENDPOINT is not set")?;
        let is_localstack = std::env::var("DROVER_BACKEND").is_ok_and(|backend| backend == "localstack");
        let path = if is_localstack { "/_aws/ses" } else { "/_ministack/ses/messages" };
        let kept = Answer::of(self.client().get(format!("{endpoint}{path}")).send().await?).await?.success(200)?;
        let all = match &kept["messages"] {
            Json::Object(accounts) => {
                accounts.values().flat_map(|mails| mails.as_array().cloned().unwrap_or_default()).collect()
            }
            mails => mails.as_array().cloned().context("no messages")?,
        };
        let mut found = Vec::new();
        for mail in all {
            let to = if is_localstack { &mail["Destination"]["ToAddresses"] } else { &mail["To"] };
            if to.as_array().is_some_and(|to| to.iter().any(|to| to == address)) {
                anyhow::ensure!(mail["Source"] == SENDER, "not from the sender: {mail}");
                let text = if is_localstack { &mail["Body"]["text_part"] } else { &mail["BodyText"] };
                let [subject, text] = [&mail["Subject"], text].map(|part| part.as_str().unwrap_or_default().to_owned());
                found.push(Mail { subject, text });
            }
        }
        Ok(found)
    }
}

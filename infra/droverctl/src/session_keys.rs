//! `droverctl session-keys`.

use api::identity::{PUBLIC_KEYS, PUBLISHED_AHEAD, SIGNING_KEY, rotate};
use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

use crate::Deployment;

#[derive(Subcommand)]
pub(crate) enum SessionKeyCommand {
    /// Make the first key; where there is one, do nothing
    Create,
    /// Replace the key that signs. What it has signed stays good: nobody is logged out
    Rotate(Rotate),
}

#[derive(Args)]
pub(crate) struct Rotate {
    /// Let no session go on that the old keys have signed, as when one was stolen: from five minutes on they are good nowhere
    #[arg(long)]
    log_everybody_out: bool,
}

impl SessionKeyCommand {
    pub(crate) async fn run(self, deployment: &Deployment) -> anyhow::Result<Json> {
        let folder = deployment.folder("sessions");
        let (signing, public) = tokio::try_join!(folder.get(SIGNING_KEY), folder.get(PUBLIC_KEYS))?;
        let all_out = match self {
            Self::Create if signing.is_some() => return Ok(json!({"created": false})),
            Self::Create => false,
            Self::Rotate(Rotate { log_everybody_out }) => log_everybody_out,
        };
        let new = rotate(signing.as_deref(), public.as_deref(), all_out, deployment.clock.now())?;
        folder.set(PUBLIC_KEYS, new.public_keys).await?;
        // No token of the new key must meet a function that cannot find the key.
        if signing.is_some() {
            tokio::time::sleep(PUBLISHED_AHEAD).await;
        }
        folder.set(SIGNING_KEY, new.signing_key).await?;
        Ok(json!({"created": true, "kid": new.kid}))
    }
}

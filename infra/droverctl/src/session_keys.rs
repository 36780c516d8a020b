//! `droverctl session-keys`.

use api::identity::{PUBLIC_KEYS, PUBLISHED_AHEAD, RotationError, SIGNING_KEY, rotate};
use clap::{Args, Subcommand, ValueEnum};
use operations::Action;
use serde_json::{Value as Json, json};

use crate::confirm::{Sure, confirm};
use crate::deployment::Deployment;
use crate::failure::Failure;
use crate::operator::Deed;

#[derive(Subcommand)]
pub(crate) enum SessionKeyCommand {
    /// Make the first keys, of each API that has users who log in; where there are some, do nothing
    Create,
    /// Replace the key that signs. What it has signed stays good: nobody is logged out
    Rotate(Rotate),
}

#[derive(Args)]
pub(crate) struct Rotate {
    /// The API whose key it is
    #[arg(long, value_enum, default_value_t = Api::Cloud)]
    api: Api,
    /// Let no session go on that the old keys have signed, as when one was stolen: from five minutes on they are good nowhere. Asks, unless --yes
    #[arg(long)]
    log_everybody_out: bool,
    #[command(flatten)]
    sure: Sure,
}

/// An API with keys of its own.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Api {
    /// The extraction cloud
    Cloud,
    /// The portal jobs
    Portal,
    /// The console
    Console,
}

impl Api {
    /// Where its keys are.
    const fn folder(self) -> &'static str {
        match self {
            Self::Cloud => "sessions",
            Self::Portal => "portal-sessions",
            Self::Console => "console-sessions",
        }
    }
}

impl SessionKeyCommand {
    pub(crate) async fn run(self, deployment: &Deployment) -> anyhow::Result<Json> {
        match self {
            Self::Create => {
                let (cloud, portal, console) = tokio::try_join!(
                    create(Api::Cloud, deployment),
                    create(Api::Portal, deployment),
                    create(Api::Console, deployment)
                )?;
                Ok(json!({"cloud": cloud, "portal": portal, "console": console}))
            }
            Self::Rotate(Rotate { api, log_everybody_out, sure: Sure { yes } }) => {
                confirm("Everybody who is logged in is logged out.", yes || !log_everybody_out)?;
                let all_out = if log_everybody_out { "everybody is logged out" } else { "nobody is logged out" };
                let deed = Deed::new(Action::RotateSessionKeys, api.folder()).detail(all_out);
                Box::pin(deployment.audited(deed, replace(api, log_everybody_out, deployment))).await
            }
        }
    }
}

async fn create(api: Api, deployment: &Deployment) -> anyhow::Result<Json> {
    if deployment.folder(api.folder()).get(SIGNING_KEY).await?.is_some() {
        return Ok(json!({"created": false}));
    }
    let deed = Deed::new(Action::CreateSessionKeys, api.folder());
    Box::pin(deployment.audited(deed, replace(api, false, deployment))).await
}

async fn replace(api: Api, log_everybody_out: bool, deployment: &Deployment) -> anyhow::Result<Json> {
    let folder = deployment.folder(api.folder());
    let (signing, public) = tokio::try_join!(folder.get(SIGNING_KEY), folder.get(PUBLIC_KEYS))?;
    let new = match rotate(signing.as_deref(), public.as_deref(), log_everybody_out, deployment.clock.now()) {
        Err(RotationError::TooSoon) => {
            let next = "wait until then; if a key was stolen: droverctl session-keys rotate --log-everybody-out";
            return Err(Failure::refused(RotationError::TooSoon.to_string()).next(next).into());
        }
        new => new?,
    };
    folder.set(PUBLIC_KEYS, new.public_keys).await?;
    // No token of the new key must meet a function that cannot find the key.
    if signing.is_some() {
        let seconds = PUBLISHED_AHEAD.as_secs();
        anstream::eprintln!("waiting {seconds} s, until every function knows the new key: do not interrupt it");
        tokio::time::sleep(PUBLISHED_AHEAD).await;
    }
    folder.set(SIGNING_KEY, new.signing_key).await?;
    Ok(json!({"created": true, "kid": new.kid}))
}

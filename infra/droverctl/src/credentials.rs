//! `droverctl credentials`.

use std::fs::File;
use std::io::{Read, stdin};

use anyhow::Context;
use aws_sdk_cloudformation::Client;
use clap::{Args, Subcommand, ValueEnum};
use credentials::{Credentials, ImportError, ImportForm, Status};
use operations::{CredentialAct, Pools};
use serde_json::{Value as Json, json};

use crate::call::CallFault;
use crate::confirm::{Sudden, Sure, confirm};
use crate::deployment::Deployment;
use crate::failure::Failure;
use crate::output::{Answer, columns};
use crate::pages::{Page, acted, listed, of_list};

/// What a list shows of a credential.
const SHOWN: [&str; 8] =
    ["id", "name", "status", "in_use_by", "lease_expires_at", "cooldown_until", "consecutive_failures", "last_error"];
/// The key that seals credentials, as template.yaml calls it.
const KEY: &str = "CredentialsKey";
/// The largest text that is imported, in bytes.
const LARGEST_IMPORT: u64 = 8 * 1024 * 1024;

#[derive(Subcommand)]
pub(crate) enum CredentialCommand {
    /// List platforms, and how their pools are run
    Platforms,
    /// List a platform's credentials: the free ones first, then who has which until when, then those that failed and why
    List(List),
    /// Show one, without its secret
    Show(Named),
    /// List what was done to one, the newest first; also of one that is deleted
    Trail(Trail),
    /// Make a failed or resting one available, its failures forgotten
    Reset(Named),
    /// Switch one on
    Enable(Named),
    /// Switch one off; who holds it loses it. Asks, unless --yes
    Disable(Sudden<Named>),
    /// Take one from who holds it, as when a scraper died. Asks, unless --yes
    Release(Sudden<Named>),
    /// Add credentials to a platform from a file, one a line
    Import(Import),
}

#[derive(Args)]
pub(crate) struct List {
    /// The platform
    platform: String,
    /// Only those that stand so
    #[arg(long, value_enum)]
    status: Option<StatusName>,
    #[command(flatten)]
    page: Page,
}

#[derive(Args)]
pub(crate) struct Named {
    /// The credential's number, as `list` tells it
    id: u64,
}

#[derive(Args)]
pub(crate) struct Trail {
    #[command(flatten)]
    credential: Named,
    #[command(flatten)]
    page: Page,
}

#[derive(Args)]
pub(crate) struct Import {
    /// The platform
    platform: String,
    /// The file; - is standard input
    file: String,
    /// How its lines are written, as the queue's API takes them
    #[arg(long, value_enum)]
    form: Form,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A header with `name`, and `email` and `password`, or other columns, then one credential a line
    Csv,
    /// One JSON object a line, as the queue's API takes one credential
    JsonLines,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum StatusName {
    /// Free
    Available,
    /// Held by a scraper
    InUse,
    /// Resting
    Cooldown,
    /// Failed until it is reset
    Failed,
    /// Switched off
    Disabled,
}

impl From<StatusName> for Status {
    fn from(name: StatusName) -> Self {
        match name {
            StatusName::Available => Self::Available,
            StatusName::InUse => Self::InUse,
            StatusName::Cooldown => Self::Cooldown,
            StatusName::Failed => Self::Failed,
            StatusName::Disabled => Self::Disabled,
        }
    }
}

impl CredentialCommand {
    pub(crate) async fn run(self, deployment: &Deployment) -> anyhow::Result<Answer> {
        // Only what is added is sealed.
        let pools = || deployment.pools(String::new());
        match self {
            Self::Platforms => platforms(&pools()).await,
            Self::List(List { platform, status, page }) => {
                match pools().credentials(&platform, status.map(Status::from), page.paging()).await {
                    Ok(None) => Err(no_platform(&platform)),
                    Ok(Some(found)) => listed("credentials", &SHOWN, Ok(found)),
                    Err(error) => Err(of_list(error)),
                }
            }
            Self::Show(Named { id }) => {
                let missing = || {
                    Failure::not_found(format!("there is no credential {id}"))
                        .next("droverctl credentials list PLATFORM")
                };
                Ok(serde_json::to_value(pools().credential(id).await?.ok_or_else(missing)?)?.into())
            }
            Self::Trail(Trail { credential: Named { id }, page }) => {
                listed("events", &["at", "action", "by", "detail"], pools().trail(id, page.paging()).await)
            }
            Self::Reset(Named { id }) => act(deployment, CredentialAct::Reset, id, None).await,
            Self::Enable(Named { id }) => act(deployment, CredentialAct::Enable, id, None).await,
            Self::Disable(Sudden { what: Named { id }, sure: Sure { yes } }) => {
                confirm(&format!("Credential {id} is switched off; who holds it loses it."), yes)?;
                act(deployment, CredentialAct::Disable, id, None).await
            }
            Self::Release(Sudden { what: Named { id }, sure: Sure { yes } }) => {
                let seen = pools().credential(id).await?.map(|credential| credential.lease_token);
                confirm(&format!("Credential {id} is taken from who holds it."), yes)?;
                act(deployment, CredentialAct::Release, id, seen).await
            }
            Self::Import(import) => import.run(deployment).await,
        }
    }
}

async fn platforms(pools: &Pools) -> anyhow::Result<Answer> {
    let platforms: Json = serde_json::to_value(pools.platforms().await?)?;
    let shown = ["name", "secret", "lease_seconds", "order", "cooldown_base_minutes", "retire_after"];
    let text = match platforms.as_array().map(Vec::as_slice) {
        None | Some([]) => "platforms: none\n".to_owned(),
        Some(some) => columns(some, &shown),
    };
    Ok(Answer { text: Some(text), ..Answer::from(json!({"platforms": platforms})) })
}

async fn act(deployment: &Deployment, act: CredentialAct, id: u64, lease: Option<u64>) -> anyhow::Result<Answer> {
    let done = match act {
        CredentialAct::Reset => "reset",
        CredentialAct::Enable => "enabled",
        CredentialAct::Disable => "disabled",
        CredentialAct::Release => "released",
    };
    let pools = deployment.pools(String::new());
    acted(&format!("credential/{id}"), done, pools.act(&deployment.operator(), act, id, lease).await)
}

fn no_platform(platform: &str) -> anyhow::Error {
    Failure::not_found(format!("there is no platform {platform}")).next("droverctl credentials platforms").into()
}

impl Import {
    async fn run(self, deployment: &Deployment) -> anyhow::Result<Answer> {
        let text = read(&self.file)?;
        let form = match self.form {
            Form::Csv => ImportForm::Csv,
            Form::JsonLines => ImportForm::JsonLines,
        };
        let pools = deployment.pools(deployment.credentials_key().await?);
        let imported =
            pools.import(&deployment.operator(), &self.platform, form, &text, None).await.map_err(of_import)?;
        let imported = imported.ok_or_else(|| no_platform(&self.platform))?;
        Ok(json!({
            "platform": self.platform,
            "imported": imported.imported,
            "first_id": imported.first_id,
            "last_id": imported.last_id,
        })
        .into())
    }
}

/// A file's text, or standard input's, as far as it may be imported.
fn read(file: &str) -> anyhow::Result<String> {
    let mut text = String::new();
    let mut source: Box<dyn Read> = if file == "-" {
        Box::new(stdin().lock())
    } else {
        Box::new(File::open(file).map_err(|error| Failure::usage(format!("{file} cannot be read: {error}")))?)
    };
    source
        .by_ref()
        .take(LARGEST_IMPORT + 1)
        .read_to_string(&mut text)
        .with_context(|| format!("{file} cannot be read"))?;
    if text.len() as u64 > LARGEST_IMPORT {
        return Err(Failure::usage(format!("{file} is larger than {LARGEST_IMPORT} bytes"))
            .next("import it in parts")
            .into());
    }
    Ok(text)
}

fn of_import(error: ImportError) -> anyhow::Error {
    match error {
        ImportError::Lines(faults) => {
            let told: Vec<_> = faults.iter().map(|fault| format!("line {}: {}", fault.line, fault.message)).collect();
            Failure::usage(format!("nothing was imported: {}", told.join("; "))).into()
        }
        ImportError::TooMany | ImportError::Another => Failure::usage(error.to_string()).into(),
        ImportError::Table(error) => error.into(),
        ImportError::Seal(error) => error.into(),
    }
}

impl Deployment {
    /// The credential queue's pools, whose new secrets are sealed with `key`.
    fn pools(&self, key: String) -> Pools {
        let credentials = Credentials::new(&self.config, self.table("credentials"), self.clock.clone(), key);
        Pools::new(credentials, self.table("events"), self.clock.clone())
    }

    /// The key that seals credentials: CloudFormation knows which it made.
    async fn credentials_key(&self) -> anyhow::Result<String> {
        let asked =
            Client::new(&self.config).describe_stack_resource().stack_name(&self.stack).logical_resource_id(KEY);
        let answer = asked.send().await.map_err(|error| CallFault::of(&error));
        let answer = answer.with_context(|| format!("the key of the stack {}'s credentials", self.stack))?;
        let id = answer.stack_resource_detail.and_then(|detail| detail.physical_resource_id);
        id.with_context(|| format!("the stack {} has no {KEY}", self.stack))
    }
}

//! `droverctl users` and `droverctl keys`.

use anyhow::{Context, bail};
use api::identity::{Identity, KeyKind, KeyRecord, Permission, User, UserChange};
use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use extract::{Accounts, Plan};
use secrets::ApiKey;
use serde_json::{Value as Json, json};
use table::{Millis, TableError, new_id};

use crate::{Deployment, passwords};

#[derive(Subcommand)]
pub(crate) enum UserCommand {
    /// Add a user, with an account of compute units
    Create(NewUser),
    /// Let a user call no more: neither keys nor sessions work, from 30 seconds on
    Deactivate(Named),
    /// Let a user call again
    Activate(Named),
    /// Let a user run this deployment, as one who signs in with the identity provider
    Promote(Named),
    /// Let a user run this deployment no more; keys of other APIs than the extraction cloud that they were given stay as they are
    Demote(Named),
    /// Set what an operator signs in to the console with, beside their address: a password that is read from standard input
    SetPassword(Named),
    /// Let an operator sign in to the console with a password no more; sessions go on
    RemovePassword(Named),
}

#[derive(Args)]
pub(crate) struct Named {
    /// The user's id
    #[arg(long)]
    user: String,
}

#[derive(Args)]
pub(crate) struct NewUser {
    /// The address the user signs in with
    #[arg(long)]
    email: String,
    /// What the user is called
    #[arg(long)]
    name: String,
    /// The user's plan
    #[arg(long, value_enum, default_value_t = PlanName::Free)]
    plan: PlanName,
    /// Compute units a month; the plan's, unless given
    #[arg(long)]
    units: Option<u64>,
    /// Let the user run this deployment
    #[arg(long)]
    operator: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum PlanName {
    Free,
    Professional,
    Enterprise,
}

impl From<PlanName> for Plan {
    fn from(name: PlanName) -> Self {
        match name {
            PlanName::Free => Self::Free,
            PlanName::Professional => Self::Professional,
            PlanName::Enterprise => Self::Enterprise,
        }
    }
}

#[derive(Subcommand)]
pub(crate) enum KeyCommand {
    /// Make an API key for a user; it is shown once
    Create(NewKey),
}

/// The API that a key is for; an operator's key works for all of them.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Api {
    /// The extraction cloud
    Cloud,
    /// The credential queue
    Scraper,
    /// The worker API
    Worker,
    /// The video jobs; all keys of a user have the same jobs and schedules
    Video,
}

impl From<Api> for KeyKind {
    fn from(api: Api) -> Self {
        match api {
            Api::Cloud => Self::Cloud,
            Api::Scraper => Self::Scraper,
            Api::Worker => Self::Worker,
            Api::Video => Self::Video,
        }
    }
}

#[derive(Args)]
#[command(group = ArgGroup::new("what").args(["all_permissions", "permission"]))]
pub(crate) struct NewKey {
    /// The user's id, as `users create` told it
    #[arg(long)]
    user: String,
    /// What the key is called
    #[arg(long)]
    name: String,
    /// The API that the key is for
    #[arg(long, value_enum, default_value_t = Api::Cloud)]
    api: Api,
    /// Let the key do everything that the user may; of the extraction cloud this or --permission is needed
    #[arg(long)]
    all_permissions: bool,
    /// Let the key do this, such as tasks:read; may be given several times
    #[arg(long, value_parser = permission)]
    permission: Vec<Permission>,
    /// Mark the key as one for tests (sk_test_…)
    #[arg(long)]
    test: bool,
}

fn permission(name: &str) -> Result<Permission, String> {
    let found = Permission::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, permission)| permission);
    found.ok_or_else(|| format!("no such permission; there are {}", Permission::ALL.map(|(name, _)| name).join(", ")))
}

impl UserCommand {
    pub(crate) async fn run(self, deployment: &Deployment) -> anyhow::Result<Json> {
        match self {
            Self::Create(new) => create(new, deployment).await,
            Self::Deactivate(Named { user }) => set_active(&user, false, deployment).await,
            Self::Activate(Named { user }) => set_active(&user, true, deployment).await,
            Self::Promote(Named { user }) => set_operator(&user, true, deployment).await,
            Self::Demote(Named { user }) => set_operator(&user, false, deployment).await,
            Self::SetPassword(Named { user }) => passwords::set(&deployment.identity(), &user).await,
            Self::RemovePassword(Named { user }) => passwords::remove(&deployment.identity(), &user).await,
        }
    }
}

async fn set_active(user: &str, is_active: bool, deployment: &Deployment) -> anyhow::Result<Json> {
    let change = UserChange { is_active: Some(is_active), ..UserChange::default() };
    let user = match deployment.identity().change_user(user, change).await {
        Err(TableError::ConditionFailed(_)) => bail!("there is no user {user}"),
        user => user?,
    };
    Ok(json!({"user_id": user.id, "email": user.email, "is_active": user.is_active}))
}

async fn set_operator(user: &str, is_operator: bool, deployment: &Deployment) -> anyhow::Result<Json> {
    let change = UserChange { is_operator: Some(is_operator), ..UserChange::default() };
    let user = match deployment.identity().change_user(user, change).await {
        Err(TableError::ConditionFailed(_)) => bail!("there is no user {user}"),
        user => user?,
    };
    Ok(json!({"user_id": user.id, "email": user.email, "is_operator": user.is_operator}))
}

async fn create(new: NewUser, deployment: &Deployment) -> anyhow::Result<Json> {
    let now = deployment.clock.now();
    let plan = Plan::from(new.plan);
    let user = User {
        id: new_id(now).to_string(),
        email: new.email,
        full_name: new.name,
        avatar_url: None,
        is_operator: new.operator,
        is_active: true,
        created_at: now,
        updated_at: None,
    };
    let units = new.units.unwrap_or_else(|| plan.compute_units());
    deployment.identity().add_user(&user).await.context("the user was not added")?;
    let opened = deployment.accounts().open(&user.id, plan, Some(units)).await;
    opened.context("the user was added, but has no account")?;
    Ok(json!({"user_id": user.id, "email": user.email, "plan": plan, "compute_units": units}))
}

impl KeyCommand {
    pub(crate) async fn run(self, deployment: &Deployment) -> anyhow::Result<Json> {
        let Self::Create(new) = self;
        let identity = deployment.identity();
        let Some(user) = identity.find_user(&new.user).await? else {
            bail!("there is no user {}; add one with: droverctl users create", new.user);
        };
        if new.api == Api::Cloud && !new.all_permissions && new.permission.is_empty() {
            bail!(
                "a key of the extraction cloud needs --all-permissions, or --permission for each thing that it may do"
            );
        }
        let prefix = if new.test { "sk_test_" } else { "sk_live_" };
        let key = ApiKey::generate(prefix).map_err(|_| anyhow::anyhow!("the system has no randomness to give"))?;
        let now = deployment.clock.now();
        let record = key_record(&user, &new, &key, now);
        identity.add_key(&key.hash(), &record).await.context("the key was not added")?;
        Ok(json!({"key_id": record.id, "user_id": user.id, "permissions": record.permissions, "api_key": key.reveal()}))
    }
}

fn key_record(user: &User, new: &NewKey, key: &ApiKey, now: Millis) -> KeyRecord {
    KeyRecord {
        kind: new.api.into(),
        id: new_id(now).to_string(),
        user_id: user.id.clone(),
        is_operator: user.is_operator,
        name: new.name.clone(),
        description: None,
        preview: key.preview(),
        permissions: if new.all_permissions { Permission::all() } else { new.permission.clone() },
        is_active: true,
        last_used_at: None,
        created_at: now,
    }
}

impl Deployment {
    fn identity(&self) -> Identity {
        Identity::new(self.table("identity"), self.clock.clone())
    }

    fn accounts(&self) -> Accounts {
        Accounts::new(self.table("extract"), self.clock.clone())
    }
}

//! `droverctl users` and `droverctl keys`.

use anyhow::Context;
use api::identity::{AddKeyError, Identity, KeyKind, KeyRecord, Permission, User, UserChange};
use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use extract::{Accounts, Plan};
use operations::{Action, Listing};
use secrets::ApiKey;
use serde_json::{Value as Json, json};
use table::{Millis, TableError, new_id};

use crate::confirm::{Sudden, Sure, confirm};
use crate::deployment::Deployment;
use crate::failure::Failure;
use crate::operator::Deed;
use crate::output::Answer;
use crate::pages::listed;
use crate::passwords;

/// What a list shows of a key.
const SHOWN_KEY: [&str; 7] = ["id", "name", "preview", "permissions", "is_active", "created_at", "last_used_at"];

#[derive(Subcommand)]
pub(crate) enum UserCommand {
    /// Add a user, with an account of compute units
    Create(NewUser),
    /// Let a user call no more: neither keys nor sessions work, from 30 seconds on. Asks, unless --yes
    Deactivate(Sudden<Named>),
    /// Let a user call again
    Activate(Named),
    /// Let a user run this deployment, as one who signs in with the identity provider
    Promote(Named),
    /// Let a user run this deployment no more; keys of other APIs than the extraction cloud that they were given stay as they are
    Demote(Named),
    /// Set what an operator signs in to the console with, beside their address: a password that is read from standard input
    SetPassword(Named),
    /// Let a user, operator or no longer one, sign in to the console with a password no more; sessions go on. Asks, unless --yes
    RemovePassword(Sudden<Named>),
    /// Show a user
    Show(Named),
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
    /// List a user's keys of the extraction cloud, the newest first; those that work no more for 90 days
    List(KeyList),
    /// Let a user's key of the extraction cloud work no more, from 30 seconds on. Asks, unless --yes
    Revoke(RevokedKey),
}

#[derive(Args)]
pub(crate) struct KeyList {
    /// The user's id
    #[arg(long)]
    user: String,
    /// How many, at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=i64::from(operations::MOST)))]
    limit: u32,
    /// Those that come after, as `next` of the page before told it
    #[arg(long, value_name = "NEXT")]
    after: Option<String>,
}

#[derive(Args)]
pub(crate) struct RevokedKey {
    /// The user's id
    #[arg(long)]
    user: String,
    /// The key's id, as `list` tells it
    id: String,
    #[command(flatten)]
    sure: Sure,
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
            Self::Deactivate(Sudden { what: Named { user }, sure: Sure { yes } }) => {
                confirm(
                    &format!("The user {user} can call no more: their sessions end, and their keys work no more."),
                    yes,
                )?;
                set_active(&user, false, deployment).await
            }
            Self::Activate(Named { user }) => set_active(&user, true, deployment).await,
            Self::Promote(Named { user }) => set_operator(&user, true, deployment).await,
            Self::Demote(Named { user }) => set_operator(&user, false, deployment).await,
            Self::SetPassword(Named { user }) => passwords::set(deployment, &user).await,
            Self::RemovePassword(Sudden { what: Named { user }, sure: Sure { yes } }) => {
                confirm(&format!("The user {user} can sign in with a password no more."), yes)?;
                passwords::remove(deployment, &user).await
            }
            Self::Show(Named { user }) => {
                let found = deployment.identity().find_user(&user).await?.ok_or_else(|| no_user(&user))?;
                Ok(shown(&found))
            }
        }
    }
}

fn shown(user: &User) -> Json {
    json!({
        "user_id": user.id,
        "email": user.email,
        "name": user.full_name,
        "is_active": user.is_active,
        "is_operator": user.is_operator,
        "created_at": user.created_at.to_string(),
        "updated_at": user.updated_at.map(|at| at.to_string()),
    })
}

async fn set_active(user: &str, is_active: bool, deployment: &Deployment) -> anyhow::Result<Json> {
    let action = if is_active { Action::ActivateUser } else { Action::DeactivateUser };
    let change = UserChange { is_active: Some(is_active), ..UserChange::default() };
    let user = changed(action, user, change, deployment).await?;
    Ok(json!({"user_id": user.id, "email": user.email, "is_active": user.is_active}))
}

async fn set_operator(user: &str, is_operator: bool, deployment: &Deployment) -> anyhow::Result<Json> {
    let action = if is_operator { Action::PromoteUser } else { Action::DemoteUser };
    let change = UserChange { is_operator: Some(is_operator), ..UserChange::default() };
    let user = changed(action, user, change, deployment).await?;
    Ok(json!({"user_id": user.id, "email": user.email, "is_operator": user.is_operator}))
}

async fn changed(action: Action, user: &str, change: UserChange, deployment: &Deployment) -> anyhow::Result<User> {
    let act = async {
        match deployment.identity().change_user(user, change).await {
            Err(TableError::ConditionFailed(_)) => Err(no_user(user).into()),
            changed => Ok(changed?),
        }
    };
    Box::pin(deployment.audited(Deed::new(action, on_user(user)), act)).await
}

/// A user, as the audit log names them.
pub(crate) fn on_user(id: &str) -> String {
    format!("user/{id}")
}

pub(crate) fn no_user(user: &str) -> Failure {
    Failure::not_found(format!("there is no user {user}")).next("add one with: droverctl users create")
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
    let standing = if user.is_operator { "an operator" } else { "no operator" };
    let deed = Deed::new(Action::CreateUser, on_user(&user.id)).detail(format!("{}, {standing}", user.email));
    let act = async {
        deployment.identity().add_user(&user).await.context("the user was not added")?;
        let opened = deployment.accounts().open(&user.id, plan, Some(units)).await;
        opened.context("the user was added, but has no account")?;
        Ok(json!({"user_id": user.id, "email": user.email, "plan": plan, "compute_units": units}))
    };
    Box::pin(deployment.audited(deed, act)).await
}

impl KeyCommand {
    pub(crate) async fn run(self, deployment: &Deployment) -> anyhow::Result<Answer> {
        match self {
            Self::Create(new) => Ok(Box::pin(create_key(new, deployment)).await?.into()),
            Self::List(list) => list.run(deployment).await,
            Self::Revoke(key) => Ok(Box::pin(key.run(deployment)).await?.into()),
        }
    }
}

async fn create_key(new: NewKey, deployment: &Deployment) -> anyhow::Result<Json> {
    let identity = deployment.identity();
    let Some(user) = identity.find_user(&new.user).await? else {
        return Err(no_user(&new.user).into());
    };
    if new.api == Api::Cloud && !new.all_permissions && new.permission.is_empty() {
        let message =
            "a key of the extraction cloud needs --all-permissions, or --permission for each thing that it may do";
        return Err(Failure::usage(message).into());
    }
    let prefix = if new.test { "sk_test_" } else { "sk_live_" };
    let key = ApiKey::generate(prefix).map_err(|_| anyhow::anyhow!("the system has no randomness to give"))?;
    let record = key_record(&user, &new, &key, deployment.clock.now());
    let deed = Deed::new(Action::CreateKey, on_key(&record.id)).detail(format!("of {}, {}", user.email, key.preview()));
    let add = async { identity.add_key(&key.hash(), &record).await.map_err(of_adding) };
    Box::pin(deployment.audited(deed, add)).await?;
    Ok(json!({"key_id": record.id, "user_id": user.id, "permissions": record.permissions, "api_key": key.reveal()}))
}

fn on_key(id: &str) -> String {
    format!("key/{id}")
}

/// Why a key was not added. What is at the bottom of it says how the command ends.
fn of_adding(error: AddKeyError) -> anyhow::Error {
    match error {
        AddKeyError::Table(error) => anyhow::Error::new(error).context("the key was not added"),
        AddKeyError::TooMany => {
            Failure::refused(error.to_string()).next("droverctl keys list --user ID; droverctl keys revoke").into()
        }
        AddKeyError::NoUser => Failure::refused(error.to_string()).next("droverctl users activate --user ID").into(),
    }
}

impl KeyList {
    async fn run(self, deployment: &Deployment) -> anyhow::Result<Answer> {
        let identity = deployment.identity();
        if identity.find_user(&self.user).await?.is_none() {
            return Err(no_user(&self.user).into());
        }
        let keys = identity.keys_of(&self.user, self.limit, self.after.as_deref()).await?;
        let is_full = u32::try_from(keys.len()).is_ok_and(|count| count == self.limit);
        let next = keys.last().filter(|_| is_full).map(|key| key.id.clone());
        listed("keys", &SHOWN_KEY, Ok(Listing { items: keys.iter().map(shown_key).collect(), next }))
    }
}

/// A key without what it may be used with.
fn shown_key(key: &KeyRecord) -> Json {
    json!({
        "id": key.id,
        "name": key.name,
        "preview": key.preview,
        "permissions": key.permissions,
        "is_active": key.is_active,
        "created_at": key.created_at.to_string(),
        "last_used_at": key.last_used_at.map(|at| at.to_string()),
    })
}

impl RevokedKey {
    async fn run(self, deployment: &Deployment) -> anyhow::Result<Json> {
        let Self { user, id, sure: Sure { yes } } = self;
        confirm(&format!("The key {id} works no more."), yes)?;
        let act = async {
            if deployment.identity().deactivate_key(&user, &id).await? {
                return Ok(json!({"key_id": id, "user_id": user, "is_active": false}));
            }
            let next = format!("droverctl keys list --user {user}");
            Err(Failure::not_found(format!("the user {user} has no key {id}")).next(next).into())
        };
        let deed = Deed::new(Action::RevokeKey, on_key(&id)).detail(format!("of user/{user}"));
        Box::pin(deployment.audited(deed, act)).await
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
    pub(crate) fn identity(&self) -> Identity {
        Identity::new(self.table("identity"), self.clock.clone())
    }

    fn accounts(&self) -> Accounts {
        Accounts::new(self.table("extract"), self.clock.clone())
    }
}

//! `droverctl portal-users` and `droverctl portal-accounts`.

use std::io::{self, BufRead};

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use portals::{
    AccountFields, Accounts, CredentialFields, LONGEST_PASSWORD, Portal, PortalAccount, User, UserChange, UserError,
    UserFields, Users,
};
use secrets::Passwords;
use serde_json::{Value as Json, json};

use crate::Deployment;

/// How many are listed at a time.
const PAGE: u32 = 100;

#[derive(Subcommand)]
pub(crate) enum PortalUserCommand {
    /// Add a user, who logs in with a name and the password that is read from standard input
    Create(NewUser),
    /// List all users
    List,
    /// Give a user another password, read from standard input; they have to log in again
    SetPassword(Named),
    /// Let a user call no more, from now on
    Deactivate(Named),
    /// Let a user call again
    Activate(Named),
    /// Delete a user; the accounts and jobs of their tenant stay
    Delete(Named),
}

#[derive(Args)]
pub(crate) struct NewUser {
    /// What the user logs in with; upper and lower case are the same
    #[arg(long)]
    name: String,
    /// With whom the user shares accounts and jobs; with nobody unless given
    #[arg(long)]
    tenant: Option<String>,
}

#[derive(Args)]
pub(crate) struct Named {
    /// What the user logs in with
    #[arg(long)]
    name: String,
}

#[derive(Subcommand)]
pub(crate) enum PortalAccountCommand {
    /// Add a tenant's account at a portal; its password there is read from standard input
    Create(NewAccount),
    /// List all accounts, or a tenant's
    List(Listed),
    /// Change what an account logs in with; its password is read from standard input
    SetPassword(NewAccount),
    /// Delete an account; its jobs stay
    Delete(Account),
}

#[derive(Args)]
pub(crate) struct Account {
    /// Whose it is
    #[arg(long)]
    tenant: String,
    /// Where it is an account
    #[arg(long, value_enum)]
    portal: PortalName,
    /// The address that callers name it by
    #[arg(long)]
    email: String,
}

#[derive(Args)]
pub(crate) struct NewAccount {
    #[command(flatten)]
    account: Account,
    /// The user's name at the portal; the address unless given
    #[arg(long)]
    username: Option<String>,
}

#[derive(Args)]
pub(crate) struct Listed {
    /// Whose
    #[arg(long)]
    tenant: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum PortalName {
    /// Plastic waste
    Pwmr,
    /// Battery waste
    Bwmr,
    /// Electronic waste
    Ewmr,
}

impl From<PortalName> for Portal {
    fn from(name: PortalName) -> Self {
        match name {
            PortalName::Pwmr => Self::Pwmr,
            PortalName::Bwmr => Self::Bwmr,
            PortalName::Ewmr => Self::Ewmr,
        }
    }
}

impl PortalUserCommand {
    pub(crate) async fn run(self, deployment: &Deployment) -> anyhow::Result<Json> {
        let users = deployment.portal_users()?;
        let change = async |name: &str, change: Json| {
            let change = read(UserChange::read(&change))?;
            Ok::<_, anyhow::Error>(shown(&named(name, users.change(name, change).await)?))
        };
        match self {
            Self::Create(NewUser { name, tenant }) => {
                let new = json!({"username": name, "password": password()?, "tenant": tenant});
                Ok(shown(&named(&name, users.create(read(UserFields::read(&new))?).await)?))
            }
            Self::List => {
                let mut found = Vec::new();
                let mut after = None;
                loop {
                    let page = users.list(PAGE, after.as_deref()).await?.context("the list was lost")?;
                    found.extend(page.items.iter().map(shown));
                    match page.next {
                        Some(next) => after = Some(next),
                        None => return Ok(json!({"users": found})),
                    }
                }
            }
            Self::SetPassword(Named { name }) => change(&name, json!({"password": password()?})).await,
            Self::Deactivate(Named { name }) => change(&name, json!({"is_active": false})).await,
            Self::Activate(Named { name }) => change(&name, json!({"is_active": true})).await,
            Self::Delete(Named { name }) => {
                named(&name, users.delete(&name).await)?;
                Ok(json!({"username": name, "deleted": true}))
            }
        }
    }
}

impl PortalAccountCommand {
    pub(crate) async fn run(self, deployment: &Deployment) -> anyhow::Result<Json> {
        let accounts = deployment.portal_accounts();
        match self {
            Self::Create(NewAccount { account: Account { tenant, portal, email }, username }) => {
                let portal = Portal::from(portal);
                let new = json!({
                    "tenant": tenant, "portal": portal, "email": email, "username": username, "password": password()?,
                });
                Ok(told(&accounts.create(read(AccountFields::read(&new))?).await?))
            }
            Self::List(Listed { tenant }) => {
                let mut found = Vec::new();
                let mut after = None;
                loop {
                    let page = accounts.list(tenant.as_deref(), PAGE, after.as_deref()).await?;
                    let page = page.context("the list was lost")?;
                    found.extend(page.items.iter().map(told));
                    match page.next {
                        Some(next) => after = Some(next),
                        None => return Ok(json!({"accounts": found})),
                    }
                }
            }
            Self::SetPassword(NewAccount { account: Account { tenant, portal, email }, username }) => {
                let new = read(CredentialFields::read(&json!({"username": username, "password": password()?})))?;
                let tenant = tenant.to_lowercase();
                Ok(told(&accounts.change(&tenant, portal.into(), &email, new).await?))
            }
            Self::Delete(Account { tenant, portal, email }) => {
                accounts.delete(&tenant.to_lowercase(), portal.into(), &email).await?;
                Ok(json!({"email": email, "deleted": true}))
            }
        }
    }
}

/// A password, which nobody sees in a list of processes or of commands: the first line of standard input.
pub(crate) fn password() -> anyhow::Result<String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).context("no password was read")?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() || password.chars().count() > LONGEST_PASSWORD {
        bail!(
            "give a password of up to {LONGEST_PASSWORD} characters by standard input, as: read -rs P; printf %s \"$P\" | droverctl …"
        );
    }
    Ok(password.to_owned())
}

/// What was read, or all that is wrong with it.
fn read<T>(form: Result<T, Vec<input::Fault>>) -> anyhow::Result<T> {
    form.map_err(|faults| {
        let told: Vec<_> = faults.iter().map(|fault| format!("{} {}", fault.field, fault.message)).collect();
        anyhow::anyhow!(told.join("; "))
    })
}

fn named<T>(name: &str, done: Result<T, UserError>) -> anyhow::Result<T> {
    done.map_err(|error| match error {
        UserError::Missing => anyhow::anyhow!("there is no user {name}; add one with: droverctl portal-users create"),
        error => error.into(),
    })
}

fn shown(user: &User) -> Json {
    json!({"username": user.name, "tenant": user.tenant, "is_active": user.is_active, "created_at": user.created_at.to_string()})
}

fn told(account: &PortalAccount) -> Json {
    json!({
        "tenant": account.tenant, "portal": account.portal, "email": account.email, "updated_at": account.updated_at.to_string(),
    })
}

impl Deployment {
    fn portal_users(&self) -> anyhow::Result<Users> {
        Ok(Users::new(self.table("portal"), self.clock.clone(), Passwords::new()?))
    }

    /// Those that are sealed under the key whose alias template.yaml makes.
    fn portal_accounts(&self) -> Accounts {
        Accounts::new(&self.config, self.table("portal"), self.clock.clone(), format!("alias/{}-portal", self.stack))
    }
}

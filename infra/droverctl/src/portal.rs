//! `droverctl portal-users` and `droverctl portal-accounts`.

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use operations::Action;
use portals::{
    AccountError, AccountFields, Accounts, CredentialFields, Portal, PortalAccount, User, UserChange, UserError,
    UserFields, Users,
};
use secrets::Passwords;
use serde_json::{Value as Json, json};

use crate::confirm::{Sudden, Sure, confirm};
use crate::deployment::Deployment;
use crate::failure::Failure;
use crate::operator::Deed;
use crate::typed::password;

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
    /// Let a user call no more, from now on. Asks, unless --yes
    Deactivate(Sudden<Named>),
    /// Let a user call again
    Activate(Named),
    /// Delete a user; the accounts and jobs of their tenant stay. Asks, unless --yes
    Delete(Sudden<Named>),
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
    /// Delete an account; its jobs stay. Asks, unless --yes
    Delete(DeletedAccount),
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
pub(crate) struct DeletedAccount {
    #[command(flatten)]
    account: Account,
    #[command(flatten)]
    sure: Sure,
}

#[derive(Args)]
pub(crate) struct NewAccount {
    #[command(flatten)]
    account: Account,
    /// The user's name at the portal; unless given, what it is already, and of a new account the address
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
        let change = async |action, name: &str, change: Json| {
            let change = read(UserChange::read(&change))?;
            let act = async { named(name, users.change(name, change).await) };
            Ok::<_, anyhow::Error>(shown(&Box::pin(deployment.audited(Deed::new(action, on_user(name)), act)).await?))
        };
        match self {
            Self::Create(NewUser { name, tenant }) => {
                let new = json!({"username": name, "password": password()?, "tenant": tenant});
                let fields = read(UserFields::read(&new))?;
                let act = async { named(&name, users.create(fields).await) };
                let deed = Deed::new(Action::CreatePortalUser, on_user(&name));
                Ok(shown(&Box::pin(deployment.audited(deed, act)).await?))
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
            Self::SetPassword(Named { name }) => {
                change(Action::SetPortalPassword, &name, json!({"password": password()?})).await
            }
            Self::Deactivate(Sudden { what: Named { name }, sure: Sure { yes } }) => {
                confirm(&format!("The user {name} can call no more."), yes)?;
                change(Action::DeactivatePortalUser, &name, json!({"is_active": false})).await
            }
            Self::Activate(Named { name }) => {
                change(Action::ActivatePortalUser, &name, json!({"is_active": true})).await
            }
            Self::Delete(Sudden { what: Named { name }, sure: Sure { yes } }) => {
                confirm(&format!("The user {name} goes."), yes)?;
                let act = async { named(&name, users.delete(&name).await) };
                Box::pin(deployment.audited(Deed::new(Action::DeletePortalUser, on_user(&name)), act)).await?;
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
                let fields = read(AccountFields::read(&new))?;
                let act = async { of_tenant(&tenant, accounts.create(fields).await) };
                let deed = Deed::new(Action::CreatePortalAccount, on_account(&tenant, portal, &email));
                Ok(told(&Box::pin(deployment.audited(deed, act)).await?))
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
                let (tenant, portal) = (tenant.to_lowercase(), Portal::from(portal));
                let act = async { of_tenant(&tenant, accounts.change(&tenant, portal, &email, new).await) };
                let deed = Deed::new(Action::ChangePortalAccount, on_account(&tenant, portal, &email));
                Ok(told(&Box::pin(deployment.audited(deed, act)).await?))
            }
            Self::Delete(DeletedAccount { account: Account { tenant, portal, email }, sure: Sure { yes } }) => {
                confirm(&format!("The account {email} of {tenant} goes."), yes)?;
                let (tenant, portal) = (tenant.to_lowercase(), Portal::from(portal));
                let act = async { of_tenant(&tenant, accounts.delete(&tenant, portal, &email).await) };
                let deed = Deed::new(Action::DeletePortalAccount, on_account(&tenant, portal, &email));
                Box::pin(deployment.audited(deed, act)).await?;
                Ok(json!({"email": email, "deleted": true}))
            }
        }
    }
}

/// A user, as the audit log names them.
fn on_user(name: &str) -> String {
    format!("portal-user/{}", name.to_lowercase())
}

/// An account, as the audit log names it.
fn on_account(tenant: &str, portal: Portal, email: &str) -> String {
    format!("portal-account/{tenant}/{}/{email}", portal.as_str())
}

/// What was read, or all that is wrong with it.
fn read<T>(form: Result<T, Vec<input::Fault>>) -> anyhow::Result<T> {
    form.map_err(|faults| {
        let told: Vec<_> = faults.iter().map(|fault| format!("{} {}", fault.field, fault.message)).collect();
        Failure::usage(told.join("; ")).into()
    })
}

fn named<T>(name: &str, done: Result<T, UserError>) -> anyhow::Result<T> {
    done.map_err(|error| match error {
        UserError::Missing => Failure::not_found(format!("there is no user {name}"))
            .next("add one with: droverctl portal-users create")
            .into(),
        UserError::Taken => Failure::refused(error.to_string()).into(),
        // Itself, not what wraps it, says how the command ends.
        UserError::Table(error) => error.into(),
        error => error.into(),
    })
}

fn of_tenant<T>(tenant: &str, done: Result<T, AccountError>) -> anyhow::Result<T> {
    done.map_err(|error| match error {
        AccountError::Missing => {
            let next = format!("droverctl portal-accounts list --tenant {tenant}");
            Failure::not_found(format!("{tenant} has no such account")).next(next).into()
        }
        AccountError::Taken => {
            let next = "change it with: droverctl portal-accounts set-password";
            Failure::refused(error.to_string()).next(next).into()
        }
        AccountError::Incomplete => Failure::usage(error.to_string()).into(),
        AccountError::Table(error) => error.into(),
        AccountError::Seal(error) => error.into(),
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

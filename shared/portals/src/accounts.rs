//! Accounts at portals, made, listed, changed and deleted by administrators, and opened for jobs. Each change is one conditional write.

use secrets::{Password, SealError, Sealer};
use serde::Serialize;
use table::aws::{SdkConfig, SettingError, dynamodb, setting};
use table::cost::RequestMeter;
use table::{Clock, Condition, Key, Table, TableError, Update, decode};
use thiserror::Error;

use crate::account::{AccountFields, CredentialFields, NewAccount, PortalAccount, PortalCredentials};
use crate::keys::portal_account_key;
use crate::listing::{Listed, Listing, page};
use crate::portal::Portal;

/// What accounts are listed by.
const LISTED_BY: &str = "LOGINS";

/// Why nothing was done.
#[derive(Debug, Error)]
pub enum AccountError {
    /// There is no such account.
    #[error("there is no such account")]
    Missing,
    /// The tenant has it already.
    #[error("the tenant has this account already")]
    Taken,
    /// Fields are missing that make one.
    #[error("an account needs a tenant, a portal, an address and a password")]
    Incomplete,
    /// Credentials were not sealed, or not opened.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The table failed.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// The accounts of the table `portal`.
#[derive(Clone)]
pub struct Accounts {
    table: Table,
    clock: Clock,
    sealer: Sealer,
}

#[derive(Serialize)]
struct Stored<'account> {
    #[serde(flatten)]
    account: &'account PortalAccount,
    #[serde(flatten)]
    listed: Listed,
}

impl Accounts {
    /// Those in the table that `PORTAL_TABLE` names, sealed with the KMS key that `PORTAL_KEY` names.
    pub fn from_environment(config: &SdkConfig, clock: Clock) -> Result<Self, SettingError> {
        Ok(Self::new(config, Table::new(dynamodb(config), &setting("PORTAL_TABLE")?), clock, setting("PORTAL_KEY")?))
    }

    /// Those in `table`, sealed with the KMS key of this id, ARN or alias.
    #[must_use]
    pub fn new(config: &SdkConfig, table: Table, clock: Clock, kms_key: String) -> Self {
        let kms = aws_sdk_kms::config::Builder::from(config).interceptor(RequestMeter).build();
        Self { table, clock, sealer: Sealer::new(aws_sdk_kms::Client::from_conf(kms), kms_key) }
    }

    /// Makes an account.
    pub async fn create(&self, fields: AccountFields) -> Result<PortalAccount, AccountError> {
        let new = fields.new_account().ok_or(AccountError::Incomplete)?;
        let NewAccount { tenant, portal, email, username, password } = new;
        let (key, now) = (portal_account_key(&tenant, portal, &email), self.clock.now());
        let listed_as = format!("{tenant}#{}#{}", portal.as_str(), email.to_lowercase());
        let (sealed_username, sealed_password) = self.seal(&key, username.as_ref(), &password).await?;
        let account = PortalAccount {
            key,
            tenant,
            portal,
            email,
            sealed_username,
            sealed_password,
            held_by: None,
            created_at: now,
            updated_at: now,
        };
        let stored = Stored { account: &account, listed: Listed { listed_by: LISTED_BY, listed_as } };
        match self.table.put(&stored, Condition::Absent("pk")).await {
            Ok(()) => Ok(account),
            Err(TableError::ConditionFailed(told)) => {
                let there = self.table.refused(&account.key, told).await?.map(decode::<PortalAccount>).transpose()?;
                // Done, but its answer was lost: nothing is sealed alike twice.
                if there.as_ref() == Some(&account) { Ok(account) } else { Err(AccountError::Taken) }
            }
            Err(error) => Err(error.into()),
        }
    }

    /// A tenant's account of an address, in whatever case.
    pub async fn find(&self, tenant: &str, portal: Portal, email: &str) -> Result<Option<PortalAccount>, TableError> {
        self.table.get(&portal_account_key(tenant, portal, email)).await
    }

    /// A page of all accounts, or of a tenant's, by tenant, portal and address. None if `after` is no cursor of this list.
    pub async fn list(
        &self,
        tenant: Option<&str>,
        limit: u32,
        after: Option<&str>,
    ) -> Result<Option<Listing<PortalAccount>>, TableError> {
        let prefix = tenant.map(|tenant| format!("{}#", tenant.to_lowercase())).unwrap_or_default();
        page(&self.table, LISTED_BY, &prefix, limit, after).await
    }

    /// Gives an account another password, and another name at the portal, if one is given; jobs that begin from now on log in with them.
    pub async fn change(
        &self,
        tenant: &str,
        portal: Portal,
        email: &str,
        fields: CredentialFields,
    ) -> Result<PortalAccount, AccountError> {
        let key = portal_account_key(tenant, portal, email);
        let password = fields.password.ok_or(AccountError::Incomplete)?;
        let (username, password) = self.seal(&key, fields.username.as_ref(), &password).await?;
        let mut change = Update::new().set("sealed_password", password).set("updated_at", self.clock.now());
        if let Some(username) = username {
            change = change.set("sealed_username", username);
        }
        let change = change.when(Condition::Exists("pk"));
        match self.table.update(&key, change).await {
            Ok(item) => Ok(decode(item)?),
            Err(TableError::ConditionFailed(_)) => Err(AccountError::Missing),
            Err(error) => Err(error.into()),
        }
    }

    /// Deletes an account. Its jobs stay; one that has not begun will fail.
    pub async fn delete(&self, tenant: &str, portal: Portal, email: &str) -> Result<(), AccountError> {
        let is_gone = self.table.delete(&portal_account_key(tenant, portal, email)).await?;
        if is_gone { Ok(()) } else { Err(AccountError::Missing) }
    }

    /// What is logged in with: the name is the address, as it was registered, unless there is another.
    pub async fn open(&self, account: &PortalAccount) -> Result<PortalCredentials, SealError> {
        let password = self.open_one(&account.key, "password", &account.sealed_password).await?;
        let username = match &account.sealed_username {
            Some(sealed) => self.open_one(&account.key, "username", sealed).await?,
            None => Password::given(&account.email),
        };
        Ok(PortalCredentials { username, password })
    }

    async fn open_one(&self, key: &Key, what: &str, sealed: &str) -> Result<Password, SealError> {
        let opened = self.sealer.open(&sealed_for(key, what), sealed).await?;
        String::from_utf8(opened).map(|text| Password::given(&text)).map_err(|_| SealError::Damaged)
    }

    /// Seals each for itself: who may seal and not open can set one and keep the other.
    async fn seal(
        &self,
        key: &Key,
        username: Option<&Password>,
        password: &Password,
    ) -> Result<(Option<String>, String), SealError> {
        let seal =
            async |what, secret: &Password| self.sealer.seal(&sealed_for(key, what), secret.reveal().as_bytes()).await;
        let sealed_password = seal("password", password).await?;
        Ok(match username {
            Some(username) => (Some(seal("username", username).await?), sealed_password),
            None => (None, sealed_password),
        })
    }
}

/// What nothing but this field of the item of this key is opened for. No tenant has a line break in it: no two keys are one text.
fn sealed_for(key: &Key, what: &str) -> String {
    format!("{}\n{}\n{what}", key.pk, key.sk)
}

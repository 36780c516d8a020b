//! An account at a portal: what a job logs in with there.

use garde::Validate;
use input::{Fault, form, form_needing};
use secrets::Password;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use table::{Key, Millis};
use utoipa::ToSchema;

use crate::hold::Holder;
use crate::input::{LONGEST_EMAIL, email_schema, name, name_schema, portal_password, portal_password_schema};
use crate::portal::Portal;

/// An account as it is stored. Its credentials are sealed for its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortalAccount {
    /// Where it is.
    #[serde(flatten)]
    pub key: Key,
    /// Whose it is.
    pub tenant: String,
    /// Where it is an account.
    pub portal: Portal,
    /// What callers name it by, as it was registered.
    pub email: String,
    /// The user's name there; none where it is the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sealed_username: Option<String>,
    pub(crate) sealed_password: String,
    /// Which attempt at which job was the last to hold it ([`Holder`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) held_by: Option<Holder>,
    /// When it was made.
    pub created_at: Millis,
    /// When its credentials were last changed.
    pub updated_at: Millis,
}

/// What is logged in with at a portal. It has neither `Debug` nor `Serialize`, so that it cannot slip into a log or a listing.
#[derive(Clone)]
pub struct PortalCredentials {
    /// The user's name there.
    pub username: Password,
    /// The password there.
    pub password: Password,
}

/// What administrators send of an account.
#[derive(Deserialize, Validate, ToSchema)]
pub struct AccountFields {
    /// Whose it is.
    #[garde(inner(custom(name)))]
    #[schema(schema_with = name_schema)]
    tenant: Option<String>,
    /// Where it is an account.
    #[garde(skip)]
    portal: Option<Portal>,
    /// What callers name it by.
    #[garde(inner(email, length(chars, max = LONGEST_EMAIL)))]
    #[schema(schema_with = email_schema)]
    email: Option<String>,
    /// The user's name at the portal; the address unless given.
    #[garde(inner(custom(portal_password)))]
    #[schema(schema_with = portal_password_schema)]
    username: Option<Password>,
    /// The password at the portal.
    #[garde(inner(custom(portal_password)))]
    #[schema(schema_with = portal_password_schema)]
    password: Option<Password>,
}

/// New credentials of an account.
#[derive(Deserialize, Validate, ToSchema)]
pub struct CredentialFields {
    /// The user's name at the portal; it stays what it is unless given.
    #[garde(inner(custom(portal_password)))]
    #[schema(schema_with = portal_password_schema)]
    pub(crate) username: Option<Password>,
    /// The password at the portal.
    #[garde(required, inner(custom(portal_password)))]
    #[schema(schema_with = portal_password_schema)]
    pub(crate) password: Option<Password>,
}

/// An account that is to be made.
pub(crate) struct NewAccount {
    pub(crate) tenant: String,
    pub(crate) portal: Portal,
    pub(crate) email: String,
    pub(crate) username: Option<Password>,
    pub(crate) password: Password,
}

impl AccountFields {
    /// The fields without which none is made.
    pub const NEEDED: [&str; 4] = ["tenant", "portal", "email", "password"];

    /// Reads a new account.
    pub fn read(body: &Json) -> Result<Self, Vec<Fault>> {
        form_needing(body, &Self::NEEDED)
    }

    pub(crate) fn new_account(self) -> Option<NewAccount> {
        let Self { tenant, portal, email, username, password } = self;
        Some(NewAccount {
            tenant: tenant?.to_lowercase(),
            portal: portal?,
            email: email?,
            username,
            password: password?,
        })
    }
}

impl CredentialFields {
    /// Reads new credentials.
    pub fn read(body: &Json) -> Result<Self, Vec<Fault>> {
        form(body)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_account_may_have_a_name_besides_its_address() {
        let account = json!({"tenant": "ACME", "portal": "bwmr", "email": "User@example.com", "password": "pass"});
        let new = AccountFields::read(&account).ok().and_then(AccountFields::new_account).unwrap();
        assert_eq!((new.tenant.as_str(), new.portal, new.email.as_str()), ("acme", Portal::Bwmr, "User@example.com"));
        assert!(new.username.is_none() && new.password.reveal() == "pass");
        let mut named = account;
        named["username"] = json!("BR-17");
        let new = AccountFields::read(&named).ok().and_then(AccountFields::new_account).unwrap();
        assert_eq!(new.username.unwrap().reveal(), "BR-17");
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let told = |body: Json| AccountFields::read(&body).err().unwrap_or_default();
        let fields = |body: Json| told(body).into_iter().map(|fault| fault.field).collect::<Vec<_>>();
        assert_eq!(fields(json!({})), ["tenant", "portal", "email", "password"]);
        let wrong = json!({"tenant": "a b", "portal": "xwmr", "email": "nobody", "password": ""});
        let mut wrong = fields(wrong);
        wrong.sort();
        assert_eq!(wrong, ["email", "password", "portal", "tenant"]);
        assert_eq!(CredentialFields::read(&json!({"username": "a"})).err().map(|faults| faults.len()), Some(1));
    }
}

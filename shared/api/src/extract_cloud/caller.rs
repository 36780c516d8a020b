//! Who is calling.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use identity::{CloudKey, Permission, Session, User};

use super::error::Error;

/// Who is calling, for handlers to ask for.
#[derive(Clone)]
pub struct Caller {
    /// The user.
    pub user_id: String,
    /// Whether the user runs this deployment.
    pub is_operator: bool,
    /// By what they call.
    pub credential: Credential,
    permissions: Vec<Permission>,
}

/// By what a user calls.
#[derive(Clone)]
pub enum Credential {
    /// An API key, by its id.
    Key(String),
    /// A session.
    Session(Session),
}

impl Caller {
    pub(super) fn by_key(key: CloudKey) -> Self {
        Self {
            user_id: key.owner.id,
            is_operator: key.owner.is_operator,
            credential: Credential::Key(key.record.id),
            permissions: key.record.permissions,
        }
    }

    /// A session may do everything that its user may.
    pub(super) fn by_session(session: Session, user: User) -> Self {
        Self {
            user_id: user.id,
            is_operator: user.is_operator,
            credential: Credential::Session(session),
            permissions: Permission::all(),
        }
    }

    /// Whether the caller may do this.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.permissions.contains(&permission)
    }

    /// Goes on only if the caller may do this.
    pub fn require(&self, permission: Permission) -> Result<(), Error> {
        if self.may(permission) {
            return Ok(());
        }
        Err(Error::Authorization(format!("This API key lacks the permission {}", permission.as_str())))
    }

    /// Goes on only if the caller is signed in: what is of the person is no key's business.
    pub fn session(&self) -> Result<&Session, Error> {
        match &self.credential {
            Credential::Session(session) => Ok(session),
            Credential::Key(_) => Err(Error::Authorization("An API key may not do this: sign in".to_owned())),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts.extensions.get().cloned().ok_or(Error::Authentication("Authentication required"))
    }
}

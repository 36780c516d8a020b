//! The manners of the extraction cloud (contracts/extract-cloud.md): who may call, how often, and how answers look.

mod body;
mod caller;
mod cookies;
mod error;
mod form;
mod guard;
mod limits;
mod presented;

pub use body::{Body, Path, Reply, Text};
pub use caller::{Caller, Credential};
pub use cookies::{SESSION_COOKIE, SIGN_IN_COOKIE, cookie, expired_cookie, new_cookie, strict_cookie};
pub(crate) use error::error_schema;
pub use error::{Detail, Error};
pub use guard::{Gate, gated};

//! Knows who may call: users, how they sign in, their sessions and API keys, in the table `identity`. Knows nothing of HTTP, nor of what
//! anybody may do with what they own.
//!
//! | pattern | key condition |
//! |---|---|
//! | the key that hashes to `hash` | `pk = KEY#hash`, `sk = KEY` |
//! | a user | `pk = USER#user`, `sk = PROFILE` |
//! | a user's keys, newest first | `pk = USER#user`, `sk` begins with `APIKEY#`, ends with the key's id; each names the key's hash |
//! | whether a session was ended | `pk = USER#user`, `sk = ENDED#session` (until the session would have ended by itself) |
//! | who signs in as a provider's subject | `pk = LOGIN#hash of issuer and subject`, `sk = LOGIN` |
//! | a sign-in under way | `pk = SIGNIN#hash of its state`, `sk = SIGNIN` (for ten minutes) |
//! | what an operator logs in with | `pk = USER#user`, `sk = PASSWORD` |
//! | who logs in with an address | `pk = PASSWORD#hash of the address`, `sk = PASSWORD` |
//! | the scrapers' keys, in the order they were made | `pk = SCRAPERS`, `sk` is the key's id |

mod directory;
mod key;
mod keys;
mod logins;
mod passwords;
mod permission;
mod scraper_keys;
mod session;
mod session_keys;
mod sessions;
mod sign_in;
mod signature;
mod tokens;
mod user;
mod users;

pub use directory::Identity;
pub use key::{KeyKind, KeyRecord};
pub use keys::{AddKeyError, CloudKey, MOST_KEYS};
pub use logins::Login;
pub use passwords::{OperatorPassword, SetPasswordError};
pub use permission::Permission;
pub use scraper_keys::ScraperKey;
pub use session::Session;
pub use session_keys::{PUBLIC_KEYS, PUBLISHED_AHEAD, Rotation, RotationError, SIGNING_KEY, rotate};
pub use sessions::Sessions;
pub use sign_in::{SIGN_IN_PATIENCE, SignIn};
pub use tokens::{Claims, SESSION_LENGTH, Term, TokenError, Tokens};
pub use user::{AvatarChange, User, UserChange};

//! Knows Google Drive's API, version 3, as far as Drover uses it, by the wire format that its documents describe: tokens for signed assertions,
//! files and folders whose names may be the same, pre-generated ids, resumable uploads. Fails as a test wishes ([`Plan`]), and tells a test what it
//! has and what it was asked. Knows nothing of Drover.
//!
//! A test starts one in its own process ([`StandIn::start`]); `google-drive-stand-in` serves one to a deployed stack, with the same for tests at
//! `/_control/…`.
//!
//! <https://developers.google.com/workspace/drive/api/reference/rest/v3>,
//! <https://developers.google.com/workspace/drive/api/guides/manage-uploads>

mod account;
mod answer;
mod control;
mod files;
mod plan;
mod query;
mod resumable;
mod server;
mod stand_in;
mod store;

pub use account::key_file;
pub use plan::{Call, Plan, Trouble, Way};
pub use server::serve;
pub use stand_in::{Asked, StandIn};
pub use store::{MY_DRIVE, SHARED_DRIVE, Seen};

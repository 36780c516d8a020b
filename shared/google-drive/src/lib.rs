//! Knows how files get into Google Drive: a service account's tokens, folders that are made once, uploads that go on where they were interrupted.
//! Knows nothing of what is in the files, nor of jobs.
//!
//! Nothing here makes a second file or folder, whatever is repeated, by whomever: each has an id that Drive gave out before
//! ([`Drive::generate_ids`]), and that the caller has stored before it is used. Faults that may pass are waited for, within bounds ([`Settings`]);
//! the rest is told as a [`Fault`].
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use std::time::Duration;
//! # use google_drive::{Content, Credentials, Drive, Fault, FileId, FolderError, Folders, KeepSession, NewFile, Session, Settings, Source};
//! # async fn example(
//! #     parameters: parameters::Parameters, table: table::Table, root: FileId, video: impl Source,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! // Once per process.
//! let outbound = Arc::new(outbound::Outbound::new(Duration::from_secs(60)));
//! let clock = table::Clock::system();
//! let settings = Settings::new("https://www.googleapis.com");
//! let drive = Drive::new(outbound, Credentials::Parameter(parameters), settings, clock.clone());
//! let folders = Folders::new(drive.clone(), table, clock);
//!
//! // Once per video: its ids, stored with it before they are used.
//! let ids = drive.generate_ids(2).await?;
//! let (video_id, metadata_id) = (&ids[0], &ids[1]);
//!
//! // As often as it takes, in whatever process: with the ids and the session that were stored.
//! struct Record { session: Option<Session> }
//! impl KeepSession for Record {
//!     type Error = Fault;
//!     async fn keep(&mut self, session: &Session) -> Result<(), Fault> {
//!         self.session = Some(session.clone()); // Here it is written to the table, fenced by the job's lease.
//!         Ok(())
//!     }
//! }
//! let mut record = Record { session: None };
//! let folder = folders.folder(&root, &["TikTok", "profile", "khaby.lame", "2025", "01"]).await?;
//! let new = NewFile { id: video_id, name: "7123456789012345678.mp4", media_type: "video/mp4", folder: &folder };
//! let mut content = Content::measure(video).await?;
//! let known = record.session.take();
//! let file = drive.upload(&new, &mut content, known, &mut record).await?;
//!
//! let metadata = NewFile { id: metadata_id, name: "7123456789012345678.json", media_type: "application/json", folder: &folder };
//! drive.create_document(&metadata, br#"{"id": "7123456789012345678"}"#).await?;
//! assert_eq!(file.id.link(), format!("https://drive.google.com/file/d/{video_id}/view"));
//! # Ok(())
//! # }
//! ```

mod account;
mod chunk;
mod client;
mod content;
mod fault;
mod file;
mod folders;
mod id;
mod patience;
mod tokens;
mod upload;

pub use account::{AccountError, ServiceAccount};
pub use client::{Drive, Settings};
pub use content::{Content, Source};
pub use fault::Fault;
pub use file::{File, NewFile};
pub use folders::{FolderError, Folders};
pub use id::FileId;
pub use tokens::Credentials;
pub use upload::{KeepSession, Session};

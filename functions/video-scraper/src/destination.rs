//! Where videos go: into Google Drive, or where that is not configured into the object store.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use google_drive::{Credentials, Drive, Fault, FileId, FolderError, Folders, Settings};
use jobs::{Jobs, Kept, Lost, Results, ResultsError, StoreError};
use outbound::Outbound;
use parameters::Parameters;
use table::aws::{SdkConfig, SettingError, setting};
use videos::{Failure, Stored, Video};
use yt_dlp::Downloaded;

use crate::drive::{self, IntoDrive};

/// A chunk of an upload must pass in this time.
const REQUEST_LIMIT: Duration = Duration::from_mins(1);

/// Where videos go.
pub(crate) enum Destination {
    /// Google Drive.
    Drive(Box<IntoDrive>),
    /// The object store.
    ObjectStore(Results),
}

/// Why a video was not stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StorageError {
    /// Google Drive did not take it.
    #[error("Google Drive {0}")]
    Drive(#[from] Fault),
    /// Google Drive gave no folder for it.
    #[error("{0}")]
    Folder(#[from] FolderError),
    /// The order names a folder that can be none.
    #[error("Google Drive has no folder of this id")]
    NoFolder,
    /// The object store failed.
    #[error("it could not be stored")]
    Results(#[from] ResultsError),
    /// The file could not be read, or not be written to the object store.
    #[error("it could not be stored")]
    File(#[from] io::Error),
    /// The video is not ours any more.
    #[error("it is another's")]
    Lost(#[from] Lost),
}

impl StorageError {
    /// Whether another attempt may help, and what the owner is told.
    pub(crate) fn told(self) -> Result<(Failure, String), Lost> {
        let is_final = match &self {
            // The next attempt has another token, or the key that an operator has set meanwhile; or other ids, or a folder in place of one that was deleted.
            Self::Drive(Fault::Unauthorised | Fault::Spent | Fault::Corrupt | Fault::Missing)
            | Self::Folder(FolderError::Drive(Fault::Unauthorised))
            | Self::Lost(_) => false,
            Self::Drive(fault) | Self::Folder(FolderError::Drive(fault)) => !fault.is_transient(),
            Self::NoFolder | Self::Folder(FolderError::Name) => true,
            Self::Results(_) | Self::File(_) | Self::Folder(FolderError::Table(_)) => {
                tracing::error!(error = ?self, "a video was not stored");
                false
            }
        };
        match self {
            Self::Lost(lost) => Err(lost),
            error => Ok((if is_final { Failure::Final } else { Failure::Transient }, error.to_string())),
        }
    }
}

impl From<StoreError> for StorageError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Written(error) => Self::File(error),
            StoreError::Stored(error) => Self::Results(error),
        }
    }
}

impl Destination {
    /// Google Drive, where `GOOGLE_DRIVE_FOLDER` names the folder to begin in, at `GOOGLE_DRIVE_URL`, with the key in the parameters of
    /// `GOOGLE_DRIVE_PARAMETERS`; else the bucket `RESULTS_BUCKET`.
    pub(crate) fn from_environment(config: &SdkConfig, jobs: &Jobs) -> Result<Self, SettingError> {
        let folder = setting("GOOGLE_DRIVE_FOLDER").unwrap_or_default();
        if folder.is_empty() {
            return Ok(Self::ObjectStore(Results::new(config, setting("RESULTS_BUCKET")?)));
        }
        let root = FileId::parse(&folder).ok_or(SettingError::Unusable("GOOGLE_DRIVE_FOLDER", folder))?;
        let credentials = Credentials::Parameter(Parameters::new(config, setting("GOOGLE_DRIVE_PARAMETERS")?));
        let outbound = Arc::new(Outbound::new(REQUEST_LIMIT));
        let drive = Drive::new(outbound, credentials, Settings::new(&setting("GOOGLE_DRIVE_URL")?), jobs.clock.clone());
        let folders = Folders::new(drive.clone(), jobs.table.clone(), jobs.clock.clone());
        Ok(Self::Drive(Box::new(IntoDrive { drive, folders, root })))
    }

    /// Stores a file, and what is known of it beside it.
    pub(crate) async fn store(&self, kept: &Kept, video: &Video, file: &Downloaded) -> Result<Stored, StorageError> {
        match self {
            Self::Drive(into) => into.store(kept, video, file).await,
            Self::ObjectStore(results) => into_object_store(results, video, file).await,
        }
    }
}

async fn into_object_store(results: &Results, video: &Video, file: &Downloaded) -> Result<Stored, StorageError> {
    let folder_path = drive::folder_of(video, file).join("/");
    let name = format!("videos/{}/{folder_path}/{}", video.listed_by, video.video_id);
    let key = format!("{name}.{}", file.extension);
    let mut content = File::open(&file.path)?;
    let copied = results.store_written(&key, media_type(file), move |parts| io::copy(&mut content, parts));
    let (_, bytes) = copied.await?;
    results.store(&format!("{name}.json"), described(file)?, "application/json").await?;
    Ok(Stored { folder_path, drive_file_id: None, video_link: None, metadata_link: None, object_key: Some(key), bytes })
}

/// What kind of file it is.
pub(crate) fn media_type(file: &Downloaded) -> &'static str {
    match file.extension.as_str() {
        "mp4" | "m4v" => "video/mp4",
        "webm" => "video/webm",
        "mov" => "video/quicktime",
        "mkv" => "video/x-matroska",
        _ => "application/octet-stream",
    }
}

/// What is known of a video, as it is kept beside it.
pub(crate) fn described(file: &Downloaded) -> io::Result<Vec<u8>> {
    serde_json::to_vec_pretty(&file.video).map_err(io::Error::other)
}

//! Into Google Drive: `TikTok/{mode}/{value}/{yyyy}/{mm}`, a video and its metadata. Whatever is tried again, by whomever, makes one file: its id is
//! stored with the video before it is used, and so is the upload, to be gone on with.

use google_drive::{Content, Drive, Fault, FileId, Folders, KeepSession, NewFile, Session};
use jobs::Kept;
use table::Millis;
use videos::{Stored, Upload, Video, VideoJobs};
use yt_dlp::Downloaded;

use crate::destination::{StorageError, described, media_type};

/// Google Drive, as it is configured.
pub(crate) struct IntoDrive {
    pub(crate) drive: Drive,
    pub(crate) folders: Folders,
    /// The folder to begin in, unless an order names another.
    pub(crate) root: FileId,
}

/// The video's item, as where an upload is kept.
struct InItem<'a> {
    kept: &'a Kept,
    upload: Upload,
}

impl KeepSession for InItem<'_> {
    type Error = StorageError;

    async fn keep(&mut self, session: &Session) -> Result<(), StorageError> {
        self.upload.session = serde_json::to_string(session).ok();
        Ok(VideoJobs::began_upload(&mut *self.kept.hold().await, Some(&self.upload)).await?)
    }
}

impl IntoDrive {
    pub(crate) async fn store(&self, kept: &Kept, video: &Video, file: &Downloaded) -> Result<Stored, StorageError> {
        let root = match &video.drive_folder_id {
            Some(id) => FileId::parse(id).ok_or(StorageError::NoFolder)?,
            None => self.root.clone(),
        };
        let path = folder_of(video, file);
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        let content = tokio::fs::File::open(&file.path).await?;
        let (folder, upload, content) =
            tokio::join!(self.folders.folder(&root, &names), self.begun(kept, video), Content::measure(content),);
        let (folder, upload, mut content) = (folder?, upload?, content?);
        let stored = self.upload(kept, video, file, &folder, upload, &mut content).await;
        match &stored {
            Err(StorageError::Drive(Fault::Missing)) => self.folders.forget(&root, &names),
            // Only other ids will do.
            Err(StorageError::Drive(Fault::Spent | Fault::Corrupt)) => {
                VideoJobs::began_upload(&mut *kept.hold().await, None).await?;
            }
            _ => {}
        }
        let (video_id, metadata_id, bytes) = stored?;
        Ok(Stored {
            folder_path: path.join("/"),
            video_link: Some(video_id.link()),
            metadata_link: Some(metadata_id.link()),
            drive_file_id: Some(video_id.as_str().to_owned()),
            object_key: None,
            bytes,
        })
    }

    /// The ids of the video's files: as an attempt before this one has stored them, or new ones, which are stored first.
    async fn begun(&self, kept: &Kept, video: &Video) -> Result<Upload, StorageError> {
        if let Some(upload) = &video.upload {
            return Ok(upload.clone());
        }
        let ids = self.drive.generate_ids(2).await?;
        let [file_id, metadata_id] = <[FileId; 2]>::try_from(ids).map_err(|_| Fault::Garbled)?;
        let upload = Upload { file_id: String::from(file_id), metadata_id: String::from(metadata_id), session: None };
        VideoJobs::began_upload(&mut *kept.hold().await, Some(&upload)).await?;
        Ok(upload)
    }

    async fn upload(
        &self,
        kept: &Kept,
        video: &Video,
        file: &Downloaded,
        folder: &FileId,
        upload: Upload,
        content: &mut Content<tokio::fs::File>,
    ) -> Result<(FileId, FileId, u64), StorageError> {
        let id = |text: &str| FileId::parse(text).ok_or(Fault::Garbled);
        let (file_id, metadata_id) = (id(&upload.file_id)?, id(&upload.metadata_id)?);
        let name = format!("{}.{}", video.video_id, file.extension);
        let new = NewFile { id: &file_id, name: &name, media_type: media_type(file), folder };
        let session = upload.session.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let mut keeper = InItem { kept, upload };
        let stored = self.drive.upload(&new, content, session, &mut keeper).await?;

        let name = format!("{}.json", video.video_id);
        let beside = NewFile { id: &metadata_id, name: &name, media_type: "application/json", folder };
        self.drive.create_document(&beside, &described(file)?).await?;
        Ok((file_id, metadata_id, stored.size))
    }
}

/// The names of a video's folders. The month is the video's own, so that it is the same whenever it is fetched; of one that does not say when it was
/// made, its job's.
pub(crate) fn folder_of(video: &Video, file: &Downloaded) -> [String; 5] {
    let made = file.video.created_at.and_then(|seconds| u64::try_from(seconds).ok()).map(|s| Millis(s * 1_000));
    let day = made.unwrap_or(video.job.created_at).day();
    let [year, month] = [day.get(..4), day.get(5..7)].map(|part| part.unwrap_or("0").to_owned());
    ["TikTok".to_owned(), video.mode.as_str().to_owned(), video.value.clone(), year, month]
}

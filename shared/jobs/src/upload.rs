//! A file that is stored while it is written: in parts, so that it need never be whole in memory.

use std::io::{self, Write};

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use thiserror::Error;
use tokio::sync::mpsc;

use crate::results::{Results, ResultsError, failed};

/// The bytes of a part: the least that the service takes of any but the last. Of at most 10,000 parts, that is 50 GB.
const PART: usize = 5 * 1024 * 1024;

/// Why a file was not stored.
#[derive(Debug, Error)]
pub enum StoreError {
    /// It was not written to its end.
    #[error(transparent)]
    Written(#[from] io::Error),
    /// The object store failed.
    #[error(transparent)]
    Stored(#[from] ResultsError),
}

impl Results {
    /// Stores what `write` writes, as it comes, and gives what it gave and the size of the file in bytes. `write` has a thread of its own,
    /// and may block. If it fails, or storing does, there is no file.
    ///
    /// At most four parts of 5 MiB are in memory. A file of one part is stored by one request.
    pub async fn store_written<T: Send + 'static>(
        &self,
        key: &str,
        content_type: &str,
        write: impl FnOnce(&mut Parts) -> io::Result<T> + Send + 'static,
    ) -> Result<(T, u64), StoreError> {
        let (sender, mut parts) = mpsc::channel(1);
        let writing = tokio::task::spawn_blocking(move || {
            let mut file = Parts { part: Vec::new(), sender };
            let made = write(&mut file)?;
            file.send()?;
            Ok(made)
        });
        let mut upload = Upload { results: self, key, content_type, id: None, sent: Vec::new(), last: None, bytes: 0 };
        let mut sent = Ok(());
        while let Some(part) = parts.recv().await {
            sent = upload.take(part).await;
            if sent.is_err() {
                // The writer is told by its next part.
                break;
            }
        }
        drop(parts);
        let made = writing.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        match (sent, made) {
            (Ok(()), Ok(made)) => Ok((made, upload.finish().await?)),
            (Err(error), _) => Err(upload.abort(error.into()).await),
            (_, Err(error)) => Err(upload.abort(error.into()).await),
        }
    }
}

/// The file as its writer sees it.
#[derive(Debug)]
pub struct Parts {
    part: Vec<u8>,
    sender: mpsc::Sender<Vec<u8>>,
}

impl Parts {
    fn send(&mut self) -> io::Result<()> {
        let part = std::mem::take(&mut self.part);
        self.sender.blocking_send(part).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }
}

impl Write for Parts {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.part.len() >= PART {
            self.send()?;
        }
        let taken = bytes.len().min(PART - self.part.len());
        self.part.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    /// Nothing: a part goes when it is full, the last at the end.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A file on its way.
struct Upload<'a> {
    results: &'a Results,
    key: &'a str,
    content_type: &'a str,
    id: Option<String>,
    sent: Vec<CompletedPart>,
    /// The newest part: held back, since a file of one part takes no more than one request.
    last: Option<Vec<u8>>,
    bytes: u64,
}

impl Upload<'_> {
    async fn take(&mut self, part: Vec<u8>) -> Result<(), ResultsError> {
        self.bytes += part.len() as u64;
        match self.last.replace(part) {
            Some(before) => self.send(before).await,
            None => Ok(()),
        }
    }

    async fn send(&mut self, part: Vec<u8>) -> Result<(), ResultsError> {
        let Results { client, bucket } = self.results;
        let id = if let Some(id) = &self.id {
            id.clone()
        } else {
            let request = client.create_multipart_upload().bucket(bucket).key(self.key);
            let begun = request.content_type(self.content_type).send().await.map_err(failed)?;
            let id = begun.upload_id.ok_or_else(|| ResultsError::new("an upload without an id"))?;
            self.id = Some(id.clone());
            id
        };
        let number = i32::try_from(self.sent.len() + 1).map_err(|error| ResultsError::new(error.to_string()))?;
        let request = client.upload_part().bucket(bucket).key(self.key).upload_id(id).part_number(number);
        let stored = request.body(ByteStream::from(part)).send().await.map_err(failed)?;
        self.sent.push(CompletedPart::builder().part_number(number).set_e_tag(stored.e_tag).build());
        Ok(())
    }

    async fn finish(mut self) -> Result<u64, ResultsError> {
        let last = self.last.take().unwrap_or_default();
        if self.id.is_none() {
            self.results.store(self.key, last, self.content_type).await?;
            return Ok(self.bytes);
        }
        let completed = async {
            self.send(last).await?;
            let parts = CompletedMultipartUpload::builder().set_parts(Some(std::mem::take(&mut self.sent))).build();
            let Results { client, bucket } = self.results;
            let request = client.complete_multipart_upload().bucket(bucket).key(self.key);
            request.set_upload_id(self.id.clone()).multipart_upload(parts).send().await.map_err(failed)?;
            Ok(())
        }
        .await;
        match completed {
            Ok(()) => Ok(self.bytes),
            Err(error) => Err(self.abort(error).await),
        }
    }

    /// Throws away what was sent, and gives the error back. If that fails too, the bucket's own rule does it within a day.
    async fn abort<E>(self, error: E) -> E {
        if let Some(id) = self.id {
            let Results { client, bucket } = self.results;
            let request = client.abort_multipart_upload().bucket(bucket).key(self.key).upload_id(id);
            if let Err(error) = request.send().await.map_err(failed) {
                tracing::warn!(%error, key = self.key, "an upload was not aborted");
            }
        }
        error
    }
}

//! The files that jobs make, in the object store.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::error::DisplayErrorContext;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use table::aws::SdkConfig;
use table::cost::RequestMeter;
use thiserror::Error;

/// How long a download address is good for.
const ADDRESS_LIFE: Duration = Duration::from_mins(5);
/// One attempt to move a file may take so long.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(20);
/// All attempts together may take so long.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(45);

/// How many files one request deletes at most (the service's limit).
const MOST_DELETED: usize = 1_000;

/// The object store did not do as asked.
#[derive(Debug, Error)]
#[error("the object store failed: {0}")]
pub struct ResultsError(String);

impl ResultsError {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

/// The bucket of result files.
#[derive(Clone, Debug)]
pub struct Results {
    pub(crate) client: Client,
    pub(crate) bucket: String,
}

impl Results {
    /// The files in `bucket`.
    #[must_use]
    pub fn new(config: &SdkConfig, bucket: String) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(1))
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(OPERATION_TIMEOUT)
            .build();
        let config = Builder::from(config)
            .timeout_config(timeouts)
            .interceptor(RequestMeter)
            .force_path_style(config.endpoint_url().is_some())
            .build();
        Self { client: Client::from_conf(config), bucket }
    }

    /// Stores a file.
    pub async fn store(&self, key: &str, bytes: Vec<u8>, content_type: &str) -> Result<(), ResultsError> {
        let request = self.client.put_object().bucket(&self.bucket).key(key).content_type(content_type);
        request.body(ByteStream::from(bytes)).send().await.map_err(failed)?;
        Ok(())
    }

    /// Reads a file.
    pub async fn read(&self, key: &str) -> Result<Vec<u8>, ResultsError> {
        let answer = self.client.get_object().bucket(&self.bucket).key(key).send().await.map_err(failed)?;
        // The client's limits end with the answer's head.
        let body = tokio::time::timeout(OPERATION_TIMEOUT, answer.body.collect()).await;
        let body = body.map_err(|error| ResultsError(error.to_string()))?;
        Ok(body.map_err(|error| ResultsError(error.to_string()))?.to_vec())
    }

    /// Opens a file of lines, to be read as it comes.
    pub async fn open(&self, key: &str) -> Result<StoredLines, ResultsError> {
        let answer = self.client.get_object().bucket(&self.bucket).key(key).send().await.map_err(failed)?;
        Ok(StoredLines { body: answer.body, rest: Vec::new() })
    }

    /// An address at which anyone may fetch the file for five minutes, named `file_name` when saved.
    pub async fn address(&self, key: &str, file_name: &str) -> Result<String, ResultsError> {
        let life = PresigningConfig::expires_in(ADDRESS_LIFE).map_err(|error| ResultsError(error.to_string()))?;
        let request = self.client.get_object().bucket(&self.bucket).key(key);
        let request = request.response_content_disposition(format!("attachment; filename=\"{file_name}\""));
        Ok(request.presigned(life).await.map_err(failed)?.uri().to_owned())
    }

    /// Deletes a file, if it is there.
    pub async fn delete(&self, key: &str) -> Result<(), ResultsError> {
        self.client.delete_object().bucket(&self.bucket).key(key).send().await.map_err(failed)?;
        Ok(())
    }

    /// Deletes these files, those that are there.
    pub async fn delete_these(&self, keys: &[String]) -> Result<(), ResultsError> {
        for some in keys.chunks(MOST_DELETED) {
            let objects = some.iter().map(|key| ObjectIdentifier::builder().key(key).build());
            let objects = objects.collect::<Result<_, _>>().map_err(|error| ResultsError(error.to_string()))?;
            let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build();
            let delete = delete.map_err(|error| ResultsError(error.to_string()))?;
            let answer =
                self.client.delete_objects().bucket(&self.bucket).delete(delete).send().await.map_err(failed)?;
            if let Some(error) = answer.errors().first() {
                let why = error.message().or(error.code()).unwrap_or("no reason given");
                return Err(ResultsError(format!("{} files were not deleted: {why}", answer.errors().len())));
            }
        }
        Ok(())
    }

    /// Deletes every file whose key begins with `prefix`.
    pub async fn delete_all(&self, prefix: &str) -> Result<(), ResultsError> {
        // What is deleted is listed no more: each round begins at the front.
        loop {
            let found = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix);
            let found = found.send().await.map_err(failed)?;
            let keys: Vec<_> = found.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect();
            self.delete_these(&keys).await?;
            if !found.is_truncated().unwrap_or(false) {
                return Ok(());
            }
        }
    }
}

/// A file of lines that is read as it comes: no more of it is in memory than what came last, and a line.
#[derive(Debug)]
pub struct StoredLines {
    body: ByteStream,
    /// The beginning of a line whose end is yet to come.
    rest: Vec<u8>,
}

impl StoredLines {
    /// The next lines, whole ones, each with its end; none at the end of the file.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, ResultsError> {
        loop {
            let chunk = tokio::time::timeout(ATTEMPT_TIMEOUT, self.body.next()).await;
            match chunk.map_err(|error| ResultsError(error.to_string()))? {
                Some(chunk) => self.rest.extend(chunk.map_err(|error| ResultsError(error.to_string()))?),
                None if self.rest.is_empty() => return Ok(None),
                None => return Ok(Some(std::mem::take(&mut self.rest))),
            }
            if let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') {
                let rest = self.rest.split_off(end + 1);
                return Ok(Some(std::mem::replace(&mut self.rest, rest)));
            }
        }
    }
}

pub(crate) fn failed<E: std::error::Error>(error: E) -> ResultsError {
    ResultsError(DisplayErrorContext(error).to_string())
}

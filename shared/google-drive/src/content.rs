//! What is to be uploaded: a file on disk, of which never more than a chunk is in memory.

use std::io::{self, SeekFrom};
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use md5::{Digest, Md5};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncSeek, AsyncSeekExt};

use crate::fault::Fault;

/// How much is read at once to be measured, in bytes.
const STEP: usize = 64 * 1024;

/// What a file is read from, as `tokio::fs::File`.
pub trait Source: AsyncRead + AsyncSeek + Unpin + Send {}

impl<R: AsyncRead + AsyncSeek + Unpin + Send> Source for R {}

/// A file with its size and its MD5, which is the hash that Drive has of every file.
pub struct Content<R> {
    reader: R,
    size: u64,
    md5: String,
}

impl<R: Source> Content<R> {
    /// Reads the whole file once. What it holds must not change any more: a chunk may be read again.
    pub async fn measure(mut reader: R) -> io::Result<Self> {
        let (mut buffer, mut size, mut hash) = (vec![0; STEP], 0, Md5::new());
        reader.rewind().await?;
        loop {
            let read = reader.read(&mut buffer).await?;
            if read == 0 {
                break;
            }
            hash.update(&buffer[..read]);
            size += read as u64;
        }
        Ok(Self { reader, size, md5: hex(&hash.finalize()) })
    }

    /// How many bytes it has.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Its MD5, in hexadecimal.
    #[must_use]
    pub fn md5(&self) -> &str {
        &self.md5
    }

    /// These bytes of it.
    pub(crate) async fn read(&mut self, range: &Range<u64>) -> Result<Bytes, Fault> {
        let failed = |error: io::Error| Fault::Source(error.kind());
        let length = usize::try_from(range.end - range.start).map_err(|_| Fault::Source(io::ErrorKind::OutOfMemory))?;
        let mut bytes = BytesMut::zeroed(length);
        self.reader.seek(SeekFrom::Start(range.start)).await.map_err(failed)?;
        self.reader.read_exact(&mut bytes).await.map_err(failed)?;
        Ok(bytes.freeze())
    }
}

/// The MD5 of what is in memory, in hexadecimal.
pub(crate) fn md5_of(bytes: &[u8]) -> String {
    hex(&Md5::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[tokio::test]
    async fn a_file_is_measured_from_its_beginning_and_read_anywhere() {
        let bytes: Vec<u8> = (0..200_000_u32).map(|number| number.to_le_bytes()[0]).collect();
        let mut reader = Cursor::new(bytes.clone());
        reader.set_position(77);
        let mut content = Content::measure(reader).await.unwrap();
        assert_eq!((content.size(), content.md5()), (200_000, md5_of(&bytes).as_str()));
        assert_eq!(content.read(&(150_000..150_010)).await.unwrap(), &bytes[150_000..150_010]);
        assert_eq!(content.read(&(0..3)).await.unwrap(), &bytes[..3]);
        assert_eq!(content.read(&(199_999..200_001)).await, Err(Fault::Source(io::ErrorKind::UnexpectedEof)));
    }

    #[test]
    fn the_hash_is_that_of_rfc_1321() {
        assert_eq!(md5_of(b""), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(md5_of(b"message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
    }
}

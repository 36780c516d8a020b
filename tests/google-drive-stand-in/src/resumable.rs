//! Resumable uploads: <https://developers.google.com/workspace/drive/api/guides/manage-uploads#resumable>.

use std::ops::Range;

use md5::{Digest, Md5};

use crate::store::{KEPT, Stored, Wanted};

/// What every part but the last must be a multiple of, in bytes.
const BLOCK: u64 = 256 * 1024;

/// What a request says it sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Nothing: it asks what has come.
    Question { size: Option<u64> },
    /// These bytes.
    Bytes { range: Range<u64>, size: Option<u64> },
}

/// An upload that goes on.
pub(crate) struct Session {
    pub(crate) wanted: Wanted,
    pub(crate) fields: String,
    pub(crate) all_drives: bool,
    /// How many bytes there will be, if it was said.
    size: Option<u64>,
    received: u64,
    hash: Md5,
    kept: Vec<u8>,
    /// The file it has become.
    pub(crate) file: Option<String>,
}

impl Part {
    /// What the header `Content-Range` says.
    pub(crate) fn read(header: &str) -> Option<Self> {
        let (range, size) = header.strip_prefix("bytes ")?.split_once('/')?;
        let size = if size == "*" { None } else { Some(size.parse().ok()?) };
        if range == "*" {
            return Some(Self::Question { size });
        }
        let (first, last) = range.split_once('-')?;
        let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
        let is_right = first <= last && size.is_none_or(|size| last < size);
        is_right.then(|| Self::Bytes { range: first..last + 1, size })
    }
}

impl Session {
    pub(crate) fn new(wanted: Wanted, fields: String, all_drives: bool, size: Option<u64>) -> Self {
        Self { wanted, fields, all_drives, size, received: 0, hash: Md5::new(), kept: Vec::new(), file: None }
    }

    /// Whether this part is the one that comes next, and why not.
    pub(crate) fn admit(&mut self, part: &Part, length: Option<u64>) -> Result<(), &'static str> {
        let said = match part {
            Part::Question { size } | Part::Bytes { size, .. } => *size,
        };
        if self.size.is_some() && said.is_some() && self.size != said {
            return Err("The size is another one than before.");
        }
        self.size = self.size.or(said);
        let Part::Bytes { range, .. } = part else { return Ok(()) };
        let count = range.end - range.start;
        if range.start != self.received {
            return Err("These bytes are not the next ones.");
        }
        if length != Some(count) {
            return Err("The body has another length than Content-Range says.");
        }
        if self.size != Some(range.end) && !count.is_multiple_of(BLOCK) {
            return Err("A part that is not the last must be a multiple of 256 KiB.");
        }
        Ok(())
    }

    /// Takes bytes.
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        self.received += bytes.len() as u64;
        self.hash.update(bytes);
        if self.kept.len() + bytes.len() <= KEPT {
            self.kept.extend_from_slice(bytes);
        }
    }

    /// The `Range` of a 308, if anything has come.
    pub(crate) fn range(&self) -> Option<String> {
        (self.received > 0).then(|| format!("bytes=0-{}", self.received - 1))
    }

    /// What is stored, once all has come. Corrupted, it has another hash.
    pub(crate) fn stored(&self, is_corrupted: bool) -> Option<Stored> {
        if self.size != Some(self.received) {
            return None;
        }
        let mut hash = self.hash.clone();
        if is_corrupted {
            hash.update(b"?");
        }
        let bytes = (self.kept.len() as u64 == self.received).then(|| self.kept.clone());
        Some(Stored { size: self.received, md5: hex(&hash.finalize()), bytes })
    }
}

/// The MD5 of bytes, in hexadecimal.
pub(crate) fn md5_of(bytes: &[u8]) -> String {
    hex(&Md5::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;

    fn session(size: Option<u64>) -> Session {
        let parent = "root".to_owned();
        let wanted = Wanted { id: None, name: "n".to_owned(), mime_type: None, parent, app_properties: Map::new() };
        Session::new(wanted, "id".to_owned(), true, size)
    }

    #[test]
    fn what_a_part_is_called_is_read() {
        for (header, part) in [
            ("bytes */*", Some(Part::Question { size: None })),
            ("bytes */10", Some(Part::Question { size: Some(10) })),
            ("bytes 0-9/10", Some(Part::Bytes { range: 0..10, size: Some(10) })),
            ("bytes 5-9/*", Some(Part::Bytes { range: 5..10, size: None })),
            ("bytes 5-10/10", None),
            ("bytes 5-4/10", None),
            ("0-9/10", None),
            ("bytes 0-9", None),
        ] {
            assert_eq!(Part::read(header), part, "{header}");
        }
    }

    #[test]
    fn only_the_next_part_is_taken_and_only_in_blocks() {
        let mut session = session(Some(BLOCK + 5));
        let bytes = |range: Range<u64>| Part::Bytes { range, size: Some(BLOCK + 5) };
        assert!(session.admit(&bytes(0..BLOCK - 1), Some(BLOCK - 1)).is_err());
        assert!(session.admit(&bytes(1..BLOCK + 1), Some(BLOCK)).is_err());
        assert!(session.admit(&bytes(0..BLOCK), Some(BLOCK - 1)).is_err());
        assert!(session.admit(&Part::Question { size: Some(4) }, Some(0)).is_err());
        assert!(session.admit(&bytes(0..BLOCK), Some(BLOCK)).is_ok());
        let whole = vec![7; 262_149];
        session.take(&whole[..262_144]);
        assert_eq!(session.range().as_deref(), Some("bytes=0-262143"));
        assert!(session.stored(false).is_none());
        assert!(session.admit(&bytes(BLOCK..BLOCK + 5), Some(5)).is_ok());
        session.take(&whole[262_144..]);
        assert_eq!(session.stored(false).unwrap().md5, md5_of(&whole));
    }
}

//! Folders by their paths, each made once, however many ask at once. Drive would let two have one name; a record says which one it is. It is
//! written before the folder is made, and holds the id that the folder will have: whoever finds it makes that folder, and Drive makes it once.
//!
//! | access | key | condition |
//! |---|---|---|
//! | the folder of a name in a folder | `pk = DRIVE#{parent}`, `sk = FOLDER#{name}` | |
//! | say which it is to be | the same | absent, or with the id of a folder that is gone |
//! | say that it is made | the same | still this id |

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use table::{Clock, Condition, Key, Millis, Table, TableError, Update, decode};
use thiserror::Error;

use crate::client::Drive;
use crate::fault::Fault;
use crate::id::FileId;

/// How long a process believes that a folder is where it was.
const BELIEVED: Duration = Duration::from_mins(30);
/// The longest name of a folder, in bytes: it is part of a sort key.
const LONGEST_NAME: usize = 900;
/// How many paths a process remembers.
const MOST_KNOWN: usize = 1_000;

/// Folders, and the table that remembers them. One per process; clones remember the same.
#[derive(Clone)]
pub struct Folders {
    drive: Drive,
    table: Table,
    clock: Clock,
    known: Arc<Mutex<HashMap<Path, Known>>>,
}

/// Why there is no folder.
#[derive(Debug, Error)]
pub enum FolderError {
    /// Drive did not give one. [`Fault::Missing`]: the folder to begin in is not there, or not shared with the service account.
    #[error("Google Drive {0}")]
    Drive(#[from] Fault),
    /// The table failed.
    #[error(transparent)]
    Table(#[from] TableError),
    /// No folder can be called so.
    #[error("a folder's name must have 1 to {LONGEST_NAME} bytes")]
    Name,
}

/// The folder to begin in, and the names from there.
type Path = (FileId, Vec<String>);

struct Known {
    id: FileId,
    until: Millis,
}

/// Which folder has a name.
#[derive(Serialize, Deserialize)]
struct Record {
    pk: String,
    sk: String,
    folder_id: FileId,
    /// Whether it was seen; else it may have to be made yet.
    is_made: bool,
}

/// Whether each folder on the way is looked for in Drive, or the table believed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    Table,
    Drive,
}

impl Folders {
    /// Folders of `drive`, remembered in `table`.
    #[must_use]
    pub fn new(drive: Drive, table: Table, clock: Clock) -> Self {
        Self { drive, table, clock, known: Arc::default() }
    }

    /// The folder at `names` below the folder `root`; what is missing is made. A folder that was there before us is taken. One that somebody has
    /// deleted or put into the trash is made anew.
    ///
    /// For a path known to the process it costs nothing for half an hour; else a stale read for each name, and one request to Drive.
    pub async fn folder(&self, root: &FileId, names: &[&str]) -> Result<FileId, FolderError> {
        if names.iter().any(|name| name.is_empty() || name.len() > LONGEST_NAME) {
            return Err(FolderError::Name);
        }
        let path: Path = (root.clone(), names.iter().map(|name| (*name).to_owned()).collect());
        let now = self.clock.now();
        if let Some(known) = self.known().get(&path).filter(|known| now < known.until) {
            return Ok(known.id.clone());
        }
        let id = self.find(root, names).await?;
        let mut known = self.known();
        if known.len() >= MOST_KNOWN {
            known.clear();
        }
        known.insert(path, Known { id: id.clone(), until: now.after(BELIEVED) });
        Ok(id)
    }

    /// Has the next call look for this folder again: Drive has said that it is not there.
    pub fn forget(&self, root: &FileId, names: &[&str]) {
        self.known().remove(&(root.clone(), names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()));
    }

    async fn find(&self, root: &FileId, names: &[&str]) -> Result<FileId, FolderError> {
        match self.walk(root, names, Trust::Table).await {
            Ok(id) if self.drive.has_folder(&id).await? => return Ok(id),
            Ok(_) | Err(FolderError::Drive(Fault::Missing)) => {}
            Err(error) => return Err(error),
        }
        // Somebody has taken a folder of the path away.
        let id = self.walk(root, names, Trust::Drive).await?;
        if self.drive.has_folder(&id).await? { Ok(id) } else { Err(Fault::Missing.into()) }
    }

    async fn walk(&self, root: &FileId, names: &[&str], trust: Trust) -> Result<FileId, FolderError> {
        let mut folder = root.clone();
        for name in names {
            folder = self.child(&folder, name, trust).await?;
        }
        Ok(folder)
    }

    async fn child(&self, parent: &FileId, name: &str, trust: Trust) -> Result<FileId, FolderError> {
        let key = Key::new(format!("DRIVE#{parent}"), format!("FOLDER#{name}"));
        let known = match trust {
            Trust::Table => self.table.get_stale::<Record>(&key).await?,
            Trust::Drive => self.table.get::<Record>(&key).await?,
        };
        let record = match known {
            None => self.claim(key, parent, name, Condition::Absent("pk")).await?,
            Some(record)
                if trust == Trust::Drive && record.is_made && !self.drive.has_folder(&record.folder_id).await? =>
            {
                let gone = Condition::equal("folder_id", record.folder_id.as_str());
                self.claim(key, parent, name, gone).await?
            }
            Some(record) => record,
        };
        if !record.is_made {
            self.make(&record, parent, name).await?;
        }
        Ok(record.folder_id)
    }

    /// Says which folder it is to be, unless somebody else has said so: then it is theirs.
    async fn claim(&self, key: Key, parent: &FileId, name: &str, free: Condition) -> Result<Record, FolderError> {
        let (folder_id, is_made) = match self.drive.find_folder(name, parent).await? {
            Some(id) => (id, true),
            None => (self.drive.generate_ids(1).await?.pop().ok_or(Fault::Garbled)?, false),
        };
        let record = Record { pk: key.pk.clone(), sk: key.sk.clone(), folder_id, is_made };
        match self.table.put(&record, free).await {
            Ok(()) => Ok(record),
            Err(TableError::ConditionFailed(told)) => {
                let theirs = self.table.refused(&key, told).await?;
                let theirs = theirs.ok_or_else(|| TableError::Unavailable("a folder's record is gone".to_owned()))?;
                Ok(decode(theirs)?)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn make(&self, record: &Record, parent: &FileId, name: &str) -> Result<(), FolderError> {
        self.drive.create_folder(&record.folder_id, name, parent).await?;
        let still_this = Condition::equal("folder_id", record.folder_id.as_str());
        let made = Update::new().set("is_made", true).when(still_this);
        match self.table.update(&Key::new(&record.pk, &record.sk), made).await {
            // Another one has taken its place: whoever asks next gets that.
            Ok(_) | Err(TableError::ConditionFailed(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<Path, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! A folder that a program writes to, gone when its owner is; also when the owner could not clear up: the next one does.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

const LOCK: &str = ".lock";
/// How often the folder of a program that is just ending is tried to be removed.
const REMOVALS: usize = 20;

/// A folder of one owner. The file beside it is locked as long as the owner lives, however that ends.
#[derive(Debug)]
pub struct Scratch {
    folder: PathBuf,
    lock_path: PathBuf,
    _lock: File,
}

impl Scratch {
    /// A new folder in `parent`, which nobody else may read, named after the program that writes to it. Those of the program's owners that have died
    /// are removed.
    pub fn new(parent: &Path, program: &str) -> io::Result<Self> {
        let prefix = format!("drover-{program}-");
        sweep(parent, &prefix);
        loop {
            let folder = parent.join(format!("{prefix}{:016x}", fastrand::u64(..)));
            let lock_path = lock_of(&folder);
            let lock = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&lock_path)?;
            // A sweep may have come between, and have taken it for a dead one's.
            if lock.try_lock().is_err() || !is_same(&lock, &lock_path) {
                continue;
            }
            DirBuilder::new().mode(0o700).create(&folder)?;
            return Ok(Self { folder, lock_path, _lock: lock });
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Its processes have been killed, and may not have ended yet.
        for _ in 0..REMOVALS {
            match fs::remove_dir_all(&self.folder) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => std::thread::sleep(Duration::from_millis(5)),
                _ => {
                    let _ = fs::remove_file(&self.lock_path);
                    return;
                }
            }
        }
        tracing::warn!("a folder was not removed; the next one of its program tries again");
    }
}

/// Removes the folders whose owners have died. What cannot be removed is left to the next.
fn sweep(parent: &Path, prefix: &str) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let Some(folder) = name.strip_suffix(LOCK).filter(|folder| folder.starts_with(prefix)) else { continue };
        let Ok(lock) = File::open(entry.path()) else { continue };
        if lock.try_lock().is_err() {
            continue;
        }
        match fs::remove_dir_all(parent.join(folder)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, "a dead owner's folder stays");
            }
            _ => drop(fs::remove_file(entry.path())),
        }
    }
}

fn lock_of(folder: &Path) -> PathBuf {
    let mut name = folder.as_os_str().to_owned();
    name.push(LOCK);
    name.into()
}

fn is_same(file: &File, path: &Path) -> bool {
    let inode = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    matches!((file.metadata().map(inode), fs::metadata(path).map(inode)), (Ok(ours), Ok(theirs)) if ours == theirs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_go_with_their_owners_and_those_of_the_dead_with_the_next_one() {
        let parent = std::env::temp_dir().join(format!("scratch-{:016x}", fastrand::u64(..)));
        fs::create_dir(&parent).unwrap();
        let names = || {
            let mut names: Vec<_> = fs::read_dir(&parent).unwrap().map(|entry| entry.unwrap().path()).collect();
            names.sort();
            names
        };
        // What a killed process leaves: a folder, and a file that nobody locks.
        let dead = parent.join("drover-browser-dead");
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join("Cookies"), "x").unwrap();
        fs::write(lock_of(&dead), "").unwrap();
        fs::create_dir(parent.join("somebody-elses")).unwrap();

        let one = Scratch::new(&parent, "browser").unwrap();
        let two = Scratch::new(&parent, "browser").unwrap();
        fs::write(one.path().join("Cookies"), "x").unwrap();
        let mut living =
            vec![one.path().to_owned(), one.lock_path.clone(), two.path().to_owned(), two.lock_path.clone()];
        living.push(parent.join("somebody-elses"));
        living.sort();
        assert_eq!(names(), living);
        drop((one, two));
        assert_eq!(names(), [parent.join("somebody-elses")]);
        fs::remove_dir_all(&parent).unwrap();
    }
}

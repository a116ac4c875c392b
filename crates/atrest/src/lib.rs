//! A data folder at rest on this machine's disk, as the judge reads it.
//!
//! Promises: while it is held, no server runs on it. Nothing outside of it is read: links are
//! listed and never followed, and what is no plain file is not opened: a pipe can wait for ever.
//!
//! Never: writes, or reads by the code that wrote what it reads.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use verify::folder::Folder;

/// Files of one folder; a log of 100 TB has a million.
const FILES_MAX: usize = 2_000_000;

/// A data folder that nobody changes.
#[derive(Debug)]
pub struct AtRest {
    path: PathBuf,
    /// Held shared: a server wants it alone.
    _lock: File,
}

/// Why a folder cannot be judged as it lies.
#[derive(Debug, thiserror::Error)]
pub enum NotAtRest {
    /// There is no `lock` in it, which every data folder has.
    #[error("{0} is no data folder: it has no file \"lock\"")]
    None(String, #[source] io::Error),
    /// It may not be read.
    #[error("{0} cannot be read: {1}; run as the server's user")]
    Closed(String, io::Error),
    /// A server has it.
    #[error("a server is running on {0}")]
    Held(String),
    /// Nobody can say whether a server has it: some file systems have no locks.
    #[error("the lock of {0} cannot be asked for: {1}")]
    NoLock(String, io::Error),
}

impl NotAtRest {
    fn of(error: TryLockError, name: String) -> NotAtRest {
        match error {
            TryLockError::WouldBlock => NotAtRest::Held(name),
            TryLockError::Error(error) => NotAtRest::NoLock(name, error),
        }
    }
}

impl AtRest {
    /// Takes hold of a folder.
    pub fn open(path: &Path) -> Result<AtRest, NotAtRest> {
        let name = path.display().to_string();
        let lock = File::open(path.join("lock")).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => NotAtRest::None(name.clone(), error),
            _ => NotAtRest::Closed(name.clone(), error),
        })?;
        lock.try_lock_shared().map_err(|error| NotAtRest::of(error, name))?;
        Ok(AtRest { path: path.to_owned(), _lock: lock })
    }

    fn walk(&self, folder: &str, found: &mut Vec<(String, u64)>) -> io::Result<()> {
        for entry in fs::read_dir(self.path.join(folder))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let name = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            let meta = fs::symlink_metadata(entry.path())?;
            if meta.is_dir() {
                self.walk(&name, found)?;
            } else if found.len() < FILES_MAX {
                found.push((name, meta.len()));
            } else {
                return Err(io::Error::other(format!("more than {FILES_MAX} files")));
            }
        }
        Ok(())
    }
}

impl Folder for AtRest {
    fn list(&self) -> Result<Vec<(String, u64)>, String> {
        let mut found = Vec::new();
        self.walk("", &mut found).map_err(|error| error.to_string())?;
        Ok(found)
    }

    fn read(&self, name: &str, offset: u64, out: &mut [u8]) -> Result<(), String> {
        let path = self.path.join(name);
        let read = fs::symlink_metadata(&path).and_then(|meta| match meta.is_file() {
            true => File::open(&path)?.read_exact_at(out, offset),
            false => Err(io::Error::other("no plain file")),
        });
        read.map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_cannot_be_asked_for_is_no_server_that_runs() {
        let said = |error| NotAtRest::of(error, "data".into()).to_string();
        assert_eq!(said(TryLockError::WouldBlock), "a server is running on data");
        let no_locks = io::Error::from(io::ErrorKind::Unsupported);
        assert_eq!(
            said(TryLockError::Error(no_locks)),
            "the lock of data cannot be asked for: unsupported"
        );
    }

    #[test]
    fn lists_and_reads_what_nobody_changes() {
        let path = std::env::temp_dir().join(format!("counterfoil-atrest-{}", std::process::id()));
        fs::create_dir_all(path.join("logs/a")).expect("a folder");
        assert!(matches!(AtRest::open(&path), Err(NotAtRest::None(..))));
        fs::write(path.join("lock"), "").expect("written");
        fs::write(path.join("logs/a/birth"), "abcdef").expect("written");
        std::os::unix::fs::symlink("/", path.join("logs/root")).expect("a link");
        let folder = AtRest::open(&path).expect("at rest");
        let mut listed = folder.list().expect("listed");
        listed.sort();
        let names: Vec<&str> = listed.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["lock", "logs/a/birth", "logs/root"], "a link is not followed");
        let mut part = [0; 3];
        folder.read("logs/a/birth", 2, &mut part).expect("read");
        assert_eq!(&part, b"cde");
        assert!(folder.read("logs/a/birth", 4, &mut part).is_err(), "past the end");
        std::os::unix::fs::symlink("/etc/passwd", path.join("head")).expect("a link");
        assert_eq!(folder.read("head", 0, &mut part), Err("no plain file".into()));
        drop(folder);
        let server = File::open(path.join("lock")).expect("opened");
        server.try_lock().expect("locked");
        assert!(matches!(AtRest::open(&path), Err(NotAtRest::Held(_))));
        fs::remove_dir_all(&path).expect("removed");
    }
}

//! Files, as the layers above see them.
//!
//! Names are relative to the disk's root, with `/` between folders. What a write makes durable and
//! what not is said at each call; the simulated disk takes every liberty these words leave.

use std::io;
use std::sync::Arc;

use crate::volume::Volume;

/// A folder of files.
pub trait Disk: Send + Sync {
    /// The names in a folder, in no order. A folder that is not there is an error.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;

    /// Makes a folder and those above it. Durable after [`Disk::sync_folder`] on the one above.
    fn create_folder(&self, folder: &str) -> io::Result<()>;

    /// Opens a file that is there, for reading and writing.
    fn open(&self, name: &str) -> io::Result<Arc<dyn File>>;

    /// Opens a file that is there, for reading alone: it may be one that nobody may write.
    fn open_to_read(&self, name: &str) -> io::Result<Arc<dyn File>> {
        self.open(name)
    }

    /// Makes a file; fails if there is one. The name is not durable before [`Disk::sync_folder`].
    fn create(&self, name: &str) -> io::Result<Arc<dyn File>>;

    /// Gives a file another name, replacing what has it. Atomic; durable after
    /// [`Disk::sync_folder`].
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file. Durable after [`Disk::sync_folder`].
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes the names in a folder durable.
    fn sync_folder(&self, folder: &str) -> io::Result<()>;

    /// How much room there is.
    fn volume(&self) -> io::Result<Volume>;

    /// Whether this user may make files in it.
    fn is_writable(&self) -> bool {
        true
    }

    /// Whether its folder still stands where it was opened. One that was moved, removed or
    /// unmounted takes writes to open files as before, and no start finds them.
    fn is_here(&self) -> bool {
        true
    }
}

/// An open file. Reads and writes name their place; there is no cursor.
pub trait File: Send + Sync {
    /// Bytes in the file.
    fn len(&self) -> io::Result<u64>;

    /// Whether the file has no byte.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Fills `out` from `offset`; an error if the file ends before.
    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()>;

    /// As [`File::read_at`], but from the device itself. After a failed sync the cache may hold
    /// what the device never got; recovery must not believe it.
    fn read_past_cache(&self, offset: u64, out: &mut [u8]) -> io::Result<()>;

    /// Writes at `offset`. Not durable, and not in order, before [`File::sync`] returns.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Makes everything written to this file durable. After an error nothing is known of what was
    /// written since the last success, and no later success changes that.
    fn sync(&self) -> io::Result<()>;
}

/// Whether this user may not write there, most likely because it is a mounted secret: no fault of
/// the disk.
pub fn may_not_write(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied)
}

fn folder_of(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

impl dyn Disk + '_ {
    /// Reads a whole file, which may have at most `bytes_max` bytes.
    pub fn read_small(&self, name: &str, bytes_max: u64) -> io::Result<Vec<u8>> {
        let file = self.open_to_read(name)?;
        let len = file.len()?;
        if len > bytes_max {
            let what = format!("{name} has {len} bytes, at most {bytes_max} are expected");
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        let mut bytes = vec![0; len as usize];
        file.read_at(0, &mut bytes)?;
        Ok(bytes)
    }

    /// Replaces a small file as a whole: after a crash it is the old one or the new one.
    pub fn replace_small(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let beside = format!("{name}.new");
        let file = self.create_anew(&beside)?;
        file.write_at(0, bytes)?;
        file.sync()?;
        self.rename(&beside, name)?;
        self.sync_folder(folder_of(name))
    }

    /// Makes a file that is about to get another name, in the place of what a process that ended
    /// may have left. That is gone for certain first: were the renaming to outlast a crash, and its
    /// own making not, the other name would be that of what was left.
    pub fn create_anew(&self, name: &str) -> io::Result<Arc<dyn File>> {
        match self.remove(name) {
            Ok(()) => self.sync_folder(folder_of(name))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        self.create(name)
    }
}

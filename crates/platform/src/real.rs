//! The machine's own disk, below one folder.

use std::fs::{self, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{Access, OFlags, access};

use crate::beneath::Beneath;
use crate::disk::{Disk, File};
use crate::durable::make_folders;
use crate::volume::{Volume, volume};

/// What such reads must be aligned to.
const ALIGN: usize = 4096;

/// A folder of the machine.
#[derive(Debug)]
pub struct RealDisk {
    names: Beneath,
    /// Itself, if it was there: as long as it is open, no other folder gets its inode.
    folder: Option<(fs::File, Inode)>,
}

/// Device and number.
type Inode = (u64, u64);

/// Keeps a second process out until it is dropped.
#[derive(Debug)]
pub struct Held(#[expect(dead_code, reason = "holds the lock")] fs::File);

impl RealDisk {
    /// The disk below `root`, which is made if it is not there, for this user alone and durably:
    /// what is acknowledged below it is worth no more than its own name.
    pub fn new(root: &Path) -> io::Result<RealDisk> {
        make_folders(root)?;
        Ok(RealDisk::at(root))
    }

    /// The disk below `root`, which need not be there: nothing can be read or made then.
    pub fn at(root: &Path) -> RealDisk {
        let names = Beneath { root: root.to_owned(), through_links: false };
        RealDisk { names, folder: folder_at(root) }
    }

    /// The same with links in it followed: what is mounted as a secret is made of them. For a
    /// folder that nobody else may write.
    #[must_use]
    pub fn through_links(mut self) -> RealDisk {
        self.names.through_links = true;
        self
    }

    /// Where this disk stands.
    pub fn root(&self) -> &Path {
        &self.names.root
    }

    /// Takes the folder for this process alone, until the answer is dropped. `None` if another has
    /// it.
    pub fn hold(&self) -> io::Result<Option<Held>> {
        let open = |flags| self.names.open("lock", flags);
        let file = open(OFlags::CREATE | OFlags::WRONLY | OFlags::APPEND);
        // Where nobody may write, a lock that is there can be taken all the same.
        let file = file.or_else(|error| open(OFlags::RDONLY).map_err(|_| error))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Held(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn open_with(&self, name: &str, flags: OFlags) -> io::Result<Arc<dyn File>> {
        let file = self.names.open(name, flags)?;
        Ok(Arc::new(RealFile { file, names: self.names.clone(), name: name.to_owned() }))
    }
}

impl Disk for RealDisk {
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        self.names.list(folder)
    }

    fn create_folder(&self, folder: &str) -> io::Result<()> {
        self.names.create_folder(folder)
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        self.open_with(name, OFlags::RDWR)
    }

    fn open_to_read(&self, name: &str) -> io::Result<Arc<dyn File>> {
        self.open_with(name, OFlags::RDONLY)
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        self.open_with(name, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.names.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.names.remove(name)
    }

    fn sync_folder(&self, folder: &str) -> io::Result<()> {
        self.names.sync_folder(folder)
    }

    fn volume(&self) -> io::Result<Volume> {
        volume(self.root())
    }

    fn is_writable(&self) -> bool {
        access(self.root(), Access::WRITE_OK | Access::EXEC_OK).is_ok()
    }

    fn is_here(&self) -> bool {
        let is_it = |(_, inode): &(_, Inode)| {
            fs::metadata(self.root()).is_ok_and(|there| inode_of(&there) == *inode)
        };
        self.folder.as_ref().is_none_or(is_it)
    }
}

fn folder_at(path: &Path) -> Option<(fs::File, Inode)> {
    let folder = fs::File::open(path).ok()?;
    let inode = inode_of(&folder.metadata().ok()?);
    Some((folder, inode))
}

fn inode_of(file: &fs::Metadata) -> Inode {
    (file.dev(), file.ino())
}

struct RealFile {
    file: fs::File,
    /// Where it was opened, to open it once more.
    names: Beneath,
    name: String,
}

impl File for RealFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(out, offset)
    }

    fn read_past_cache(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        match self.names.open(&self.name, OFlags::RDONLY | OFlags::DIRECT) {
            Ok(file) => read_aligned(&file, offset, out),
            // KNOWN: file systems without O_DIRECT (tmpfs) are read through the cache; they hold
            // nothing over a power failure anyway.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => self.read_at(offset, out),
            Err(error) => Err(error),
        }
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// Reads any range with aligned reads of at most 1 MiB.
fn read_aligned(file: &fs::File, offset: u64, out: &mut [u8]) -> io::Result<()> {
    let mut room = vec![0_u8; (1 << 20) + ALIGN];
    let skip = room.as_ptr().align_offset(ALIGN);
    let window = &mut room[skip..skip + (1 << 20)];
    let mut done = 0;
    while done < out.len() {
        let at = offset + done as u64;
        let start = at - at % ALIGN as u64;
        let lead = (at - start) as usize;
        let want = (lead + out.len() - done).next_multiple_of(ALIGN).min(window.len());
        let got = file.read_at(&mut window[..want], start)?;
        if got <= lead {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let take = (got - lead).min(out.len() - done);
        out[done..done + take].copy_from_slice(&window[lead..lead + take]);
        done += take;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_file_is_read_by_who_may_not_write_it() {
        let name = format!("counterfoil-real-{}", std::process::id());
        let disk = RealDisk::new(&std::env::temp_dir().join(name)).expect("a folder");
        let dynamic: &dyn Disk = &disk;
        dynamic.replace_small("key", b"secret").expect("written");
        let file = disk.open_to_read("key").expect("it opens");
        file.write_at(0, b"x").expect_err("it was opened for reading alone");
        disk.open("key").expect("it opens").write_at(0, b"S").expect("written");
        assert_eq!(dynamic.read_small("key", 6).expect("read"), b"Secret");
        assert!(disk.is_writable());
        // Who would wait for the other end of a pipe is told at once; a folder is no file.
        let pipe = disk.root().join("pipe");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0)
            .expect("a pipe");
        disk.create_folder("folder").expect("made");
        for name in ["pipe", "folder"] {
            let error = dynamic.read_small(name, 6).expect_err("no file");
            assert!(error.to_string().contains(&format!("it is a {name}")), "{error}");
        }
        disk.open("pipe").map(drop).expect_err("no file");
        fs::rename(&pipe, disk.root().join("lock")).expect("renamed");
        disk.hold().expect_err("no file");
        assert!(disk.is_here());
        fs::remove_dir_all(disk.root()).expect("removed");
        assert!(!disk.is_here());
        fs::create_dir(disk.root()).expect("made");
        assert!(!disk.is_here(), "another folder of its name");
        fs::remove_dir(disk.root()).expect("removed");
    }
}

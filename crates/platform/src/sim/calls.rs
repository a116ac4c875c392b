//! The calls that a process makes.

use std::io;
use std::sync::Arc;

use super::disk::SimDisk;
use super::names::join;
use crate::disk::{Disk, File};
use crate::volume::Volume;

struct SimFile {
    disk: SimDisk,
    inode: u64,
}

impl SimDisk {
    fn path(&self, name: &str) -> String {
        join(&self.root, name)
    }

    fn opened(&self, inode: u64) -> Arc<dyn File> {
        Arc::new(SimFile { disk: self.clone(), inode })
    }
}

impl Disk for SimDisk {
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        self.alive()?.names.list(&self.path(folder))
    }

    fn create_folder(&self, folder: &str) -> io::Result<()> {
        let path = self.path(folder);
        let step = format!("create_folder {path}");
        self.alive()?.step(step, |state| {
            state.names.create_folder(&path);
            Ok(())
        })
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let inode = self.alive()?.names.file(&self.path(name))?;
        Ok(self.opened(inode))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let path = self.path(name);
        let inode = self.alive()?.step(format!("create {path}"), |state| state.create(&path))?;
        Ok(self.opened(inode))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (from, to) = (self.path(from), self.path(to));
        self.alive()?.step(format!("rename {to}"), |state| state.names.rename(&from, &to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let path = self.path(name);
        let mut state = self.alive()?;
        // To ask for what is not there is no step.
        state.names.file(&path)?;
        state.step(format!("remove {path}"), |state| state.names.remove(&path))
    }

    fn sync_folder(&self, folder: &str) -> io::Result<()> {
        let path = self.path(folder);
        self.alive()?.step(format!("sync_folder {path}"), |state| state.names.sync(&path))
    }

    fn volume(&self) -> io::Result<Volume> {
        let state = self.alive()?;
        // It sets no bound on files.
        Ok(Volume { bytes: state.bytes_max, bytes_free: state.free(), inodes: 0, inodes_free: 0 })
    }
}

impl SimFile {
    fn read(&self, offset: u64, out: &mut [u8], past_cache: bool) -> io::Result<()> {
        let mut state = self.disk.alive()?;
        let file = state.file(self.inode)?;
        if offset.checked_add(out.len() as u64).is_none_or(|end| end > file.len()) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        file.read(offset, out, past_cache);
        Ok(())
    }
}

impl File for SimFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.alive()?.file(self.inode)?.len())
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.read(offset, out, false)
    }

    fn read_past_cache(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.read(offset, out, true)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.alive()?;
        let step = format!("write {}", state.names.path_of(self.inode));
        state.step(step, |state| state.write(self.inode, offset, bytes))
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.alive()?;
        let step = format!("sync {}", state.names.path_of(self.inode));
        let done = state.step(step, |state| {
            state.file(self.inode)?.sync();
            Ok(())
        });
        if done.is_err() && !state.dead {
            state.fail_sync(self.inode);
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Crash, Fault};
    use super::*;

    /// A disk with one durable file `a` of the byte 1 and one rename that no sync followed.
    fn disk(seed: u64) -> SimDisk {
        let disk = SimDisk::new(seed);
        let file = disk.create("a").unwrap();
        file.write_at(0, &[1]).unwrap();
        file.sync().unwrap();
        disk.sync_folder("").unwrap();
        disk.rename("a", "b").unwrap();
        disk
    }

    fn names(disk: &SimDisk) -> Vec<String> {
        disk.files().into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn a_name_is_kept_or_lost_whole() {
        let seen = |how| {
            let found = (0..64).map(|seed| names(&disk(seed).crash(how)));
            found.collect::<std::collections::BTreeSet<_>>()
        };
        assert_eq!(seen(Crash::Killed), [vec!["b".to_owned()]].into());
        assert_eq!(seen(Crash::PowerLossBare), [vec!["a".to_owned()]].into());
        assert_eq!(seen(Crash::PowerLoss), [vec!["a".to_owned()], vec!["b".to_owned()]].into());
    }

    #[test]
    fn a_name_that_changes_its_folder_is_never_in_both_or_in_none() {
        let moved = |seed| {
            let disk = SimDisk::new(seed);
            disk.create_folder("f").unwrap();
            disk.create("a").unwrap();
            disk.sync_folder("").unwrap();
            disk.rename("a", "f/b").unwrap();
            disk
        };
        let lost = |disk: SimDisk| names(&disk.crash(Crash::PowerLoss));
        let seen: std::collections::BTreeSet<_> = (0..64).map(|seed| lost(moved(seed))).collect();
        assert_eq!(seen, [vec!["a".to_owned()], vec!["f/b".to_owned()]].into());
        for folder in ["", "f"] {
            for seed in 0..64 {
                let disk = moved(seed);
                disk.sync_folder(folder).unwrap();
                assert_eq!(lost(disk), ["f/b"], "synced: {folder:?}");
            }
        }
    }

    #[test]
    fn a_dead_process_does_nothing_more() {
        let disk = disk(1);
        let file = disk.open("b").unwrap();
        disk.plan("write b", 1, Fault::DieAfter);
        file.write_at(1, &[2]).unwrap();
        file.write_at(2, &[3]).unwrap_err();
        file.write_at(3, &[4]).unwrap_err();
        let next = disk.crash(Crash::Killed);
        assert!(file.len().is_err());
        assert_eq!(next.read_small("b"), [1, 2, 3]);
    }

    #[test]
    fn a_full_disk_takes_what_fits() {
        let disk = disk(1);
        disk.fill_at(3);
        let file = disk.open("b").unwrap();
        let error = file.write_at(1, &[2; 4]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(disk.read_small("b"), [1, 2, 2]);
        disk.fill_at(4);
        file.write_at(1, &[3; 3]).unwrap();
        assert_eq!(disk.used(), 4);
    }

    impl SimDisk {
        fn read_small(&self, name: &str) -> Vec<u8> {
            (self as &dyn Disk).read_small(name, 99).unwrap()
        }
    }
}

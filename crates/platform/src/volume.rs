//! The file system below a folder: how much room it has, and of what kind it is.

use std::io;
use std::path::Path;

use rustix::fs::{StatVfs, statfs, statvfs};

/// Room of a file system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// Bytes it has in all.
    pub bytes: u64,
    /// Bytes that this user may still write.
    pub bytes_free: u64,
    /// Files and folders that it can have in all; 0 where it sets no bound.
    pub inodes: u64,
    /// Files and folders that may still be made.
    pub inodes_free: u64,
}

/// Kinds of file systems that an operator should know of, by the number that Linux gives them
/// (statfs(2)).
const KINDS: [(u64, &str); 14] = [
    (0x0102_1994, "tmpfs"),
    (0x8584_58f6, "ramfs"),
    (0xef53, "ext4"),
    (0x5846_5342, "xfs"),
    (0x9123_683e, "btrfs"),
    (0x2fc1_2fc1, "zfs"),
    (0x794c_7630, "overlayfs"),
    (0xf2f5_2010, "f2fs"),
    (0x6969, "nfs"),
    (0xff53_4d42, "cifs"),
    (0xfe53_4d42, "smb2"),
    (0x0102_1997, "9p"),
    (0x6573_5546, "fuse"),
    (0x00c3_6400, "ceph"),
];

/// Measures the file system that a folder stands on.
pub fn volume(folder: &Path) -> io::Result<Volume> {
    let found: StatVfs = statvfs(folder)?;
    let unit = found.f_frsize;
    Ok(Volume {
        bytes: found.f_blocks.saturating_mul(unit),
        bytes_free: found.f_bavail.saturating_mul(unit),
        inodes: found.f_files,
        inodes_free: found.f_favail,
    })
}

/// The kind of the file system that a folder stands on; `None` for one that has no name here.
pub fn volume_kind(folder: &Path) -> io::Result<Option<&'static str>> {
    // The number has 32 bits; machines differ in how wide a word they keep it in.
    let kind = statfs(folder)?.f_type as u64 & 0xffff_ffff;
    Ok(KINDS.iter().find(|(number, _)| *number == kind).map(|(_, name)| *name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_stands_on_a_file_system() {
        let found = volume(Path::new(".")).expect("measured");
        assert!(found.bytes > 0 && found.bytes_free <= found.bytes, "{found:?}");
        assert!(found.inodes_free <= found.inodes, "{found:?}");
        assert_eq!(volume_kind(Path::new("/dev/shm")).expect("Linux has it"), Some("tmpfs"));
        assert!(volume(Path::new("/nobody/made/this")).is_err());
    }
}

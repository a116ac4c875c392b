//! Files and folders that somebody names and relies on, so that a power failure does not take them.
//!
//! Promises: what is replaced is the old or the new one whenever the power fails, and the new one
//! once the call has returned; a folder that was made is still there then, with those above it.
//!
//! Never: for the files of a data folder, which are written through a [`Disk`](crate::Disk).

use std::fs::{DirBuilder, File, OpenOptions, remove_file, rename};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Replaces a small file as a whole. The new one has these permissions, less the process's umask.
pub fn replace_durably(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let beside = beside(path);
    // Gone for certain before it is made again, as in `Disk::create_anew`.
    match remove_file(&beside) {
        Ok(()) => sync_name(&beside)?,
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
    // Half a file is of no use to anybody.
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    let replaced = written.and_then(|()| rename(&beside, path));
    replaced.inspect_err(|_| drop(remove_file(&beside)))?;
    sync_name(path)
}

/// The file that is to take its place: of this process alone, for another one may replace the same.
fn beside(path: &Path) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.new", std::process::id()));
    PathBuf::from(beside)
}

/// Makes a folder and those above it, each for this user alone. One that is there stays as it is.
pub fn make_folders(path: &Path) -> io::Result<()> {
    let is_missing = |path: &&Path| !path.as_os_str().is_empty() && !path.is_dir();
    let missing: Vec<&Path> = path.ancestors().take_while(is_missing).collect();
    // A call that did not come to its end may have made the last one that is there.
    let there = path.ancestors().nth(missing.len());
    if let Some(there) = there.filter(|there| !there.as_os_str().is_empty()) {
        sync_found(there)?;
    }
    for folder in missing.into_iter().rev() {
        match DirBuilder::new().mode(0o700).create(folder) {
            // Another process was first, or it is `made/..`.
            Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => {}
            made => made?,
        }
        // A crash here leaves a folder without what was to be below: the next call goes on.
        sync_name(folder)?;
    }
    Ok(())
}

/// The same of a folder that was there: who may not open the one above it did not make it.
fn sync_found(folder: &Path) -> io::Result<()> {
    match sync_name(folder) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
        synced => synced,
    }
}

/// Makes the name of a file or folder durable.
pub fn sync_name(path: &Path) -> io::Result<()> {
    File::open(above(path))?.sync_all()
}

/// The folder in which a name stands: of `data`, that in which the process runs.
fn above(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => path,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn folder(name: &str) -> PathBuf {
        let name = format!("counterfoil-durable-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("a folder");
        folder
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("it is there").permissions().mode() & 0o777
    }

    fn names(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("one"));
        names.map(|entry| entry.file_name().into_string().expect("UTF-8")).collect()
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_or_left_as_it_was() {
        let folder = folder("file");
        let path = folder.join("saved");
        // What a process that ended left half-made is in nobody's way, and shows nowhere.
        fs::write(beside(&path), "half of something longer").expect("written");
        for text in ["one", "a second"] {
            replace_durably(&path, text.as_bytes(), 0o600).expect("replaced");
            assert_eq!(fs::read_to_string(&path).expect("read"), text);
        }
        assert_eq!((mode(&path), names(&folder)), (0o600, vec!["saved".to_owned()]));
        let taken = folder.join("taken");
        fs::create_dir(&taken).expect("made");
        replace_durably(&taken, b"x", 0o600).expect_err("it is a folder");
        assert!(!beside(&folder.join("taken")).exists(), "nothing half-made is left");
        replace_durably(&folder.join("none/x"), b"x", 0o600).expect_err("there is no folder");
        fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn folders_are_made_with_those_above_them_for_this_user_alone() {
        let folder = folder("folders");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("set");
        let deep = folder.join("a/b/../c");
        for _ in 0..2 {
            make_folders(&deep).expect("made, or there");
        }
        for made in ["a", "a/b", "a/c"] {
            assert_eq!(mode(&folder.join(made)), 0o700, "{made}");
        }
        assert_eq!(mode(&folder), 0o755, "what was there stays as it is");
        fs::write(folder.join("file"), "").expect("written");
        symlink("nowhere", folder.join("link")).expect("a link");
        for taken in ["file", "file/below", "link"] {
            make_folders(&folder.join(taken)).expect_err("no folder can be there");
        }
        fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn a_name_without_a_folder_stands_where_the_process_runs() {
        for (path, folder) in [("data", "."), ("a/data", "a"), ("/data", "/"), ("/", "/")] {
            assert_eq!(above(Path::new(path)), Path::new(folder), "{path}");
        }
        // Beside Cargo.toml, where the tests of a crate run.
        let name = format!("durable-{}", std::process::id());
        let data = Path::new(&name);
        make_folders(data).expect("made");
        replace_durably(data, b"x", 0o600).expect_err("it is a folder");
        fs::remove_dir(data).expect("it was made there");
        replace_durably(data, b"x", 0o600).expect("written there");
        fs::remove_file(data).expect("it was written there");
    }
}

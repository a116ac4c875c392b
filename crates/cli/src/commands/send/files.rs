//! Which files a sending has: those that were named, and those below the folders that were.
//!
//! Promises: the walk comes to its end, and nothing that it found keeps a reader waiting: a pipe is
//! read where somebody named it, and refused below a folder. A link to a folder is followed where
//! somebody named it, and refused below, for it may lead round; passed over, what it leads to would
//! be missed by nobody.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use crate::error::CliError;

/// Folders within folders.
const DEPTH_MAX: usize = 16;

/// A file to send.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) path: PathBuf,
    /// Whether it was found below a folder, not named by itself.
    is_found: bool,
}

impl Named {
    /// Its bytes on the disk.
    pub(super) fn size(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |meta| meta.len())
    }

    /// Reads it, decompressed, if it has no more bytes than that.
    pub(super) fn read(&self, bytes_max: u64) -> Result<Vec<u8>, CliError> {
        let path = &self.path;
        let opened: io::Result<Box<dyn Read>> = match self.is_found {
            true => platform::open_regular(path).map(|file| Box::new(file) as Box<dyn Read>),
            false if path == Path::new("-") => Ok(Box::new(io::stdin())),
            false => fs::File::open(path).map(|file| Box::new(file) as Box<dyn Read>),
        };
        let read = opened.and_then(|source| match path.extension().is_some_and(|e| e == "gz") {
            true => platform::read_bytes(MultiGzDecoder::new(source), bytes_max),
            false => platform::read_bytes(source, bytes_max),
        });
        read.map_err(|error| CliError::file(path, error))
    }
}

/// All files that were named, folders walked, in order of name. Names that begin with a dot are
/// passed over below a folder.
pub(super) fn named(paths: &[PathBuf]) -> Result<Vec<Named>, CliError> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            walk(path, 0, &mut found)?;
        } else {
            found.push(Named { path: path.clone(), is_found: false });
        }
    }
    Ok(found)
}

fn walk(folder: &Path, depth: usize, found: &mut Vec<Named>) -> Result<(), CliError> {
    if depth > DEPTH_MAX {
        let what = format!("{}: folders stand within at most {DEPTH_MAX} others", folder.display());
        return Err(CliError::usage(format!("{what}; nothing was sent")));
    }
    let names = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut names = names.map_err(|error| CliError::file(folder, error))?;
    names.retain(|entry| !entry.file_name().to_string_lossy().starts_with('.'));
    names.sort_by_key(fs::DirEntry::file_name);
    for entry in names {
        let path = entry.path();
        let kind = entry.file_type().map_err(|error| CliError::file(&path, error))?;
        if kind.is_dir() {
            walk(&path, depth + 1, found)?;
        } else if kind.is_symlink() && path.is_dir() {
            return Err(CliError::usage(format!(
                "{} is a link to a folder: name that folder as well, or leave the link out; \
                 nothing was sent",
                path.display()
            )));
        } else if fs::metadata(&path).is_ok_and(|meta| !meta.is_file()) {
            return Err(CliError::usage(format!(
                "{} is a pipe or a device: name it by itself, or leave it out; nothing was sent",
                path.display()
            )));
        } else {
            found.push(Named { path, is_found: true });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_folder_is_walked_once_and_no_link_leads_out_of_it_or_round() {
        let root = std::env::temp_dir().join(format!("counterfoil-send-{}", std::process::id()));
        let below = |name: &str| root.join(name);
        fs::create_dir_all(below("in/b")).expect("a folder");
        for name in ["in/b/2.json", "in/c.json", "in/a.json", "in/.hidden", "other.json"] {
            fs::write(below(name), "").expect("written");
        }
        symlink("../other.json", below("in/d.json")).expect("a link");
        symlink("in", below("link")).expect("a link");
        let names = |paths: &[&str]| {
            let paths: Vec<PathBuf> = paths.iter().map(|path| below(path)).collect();
            let found = named(&paths).map_err(|error| error.to_string())?;
            let name = |file: &Named| file.path.strip_prefix(&root).expect("below").to_owned();
            Ok::<Vec<PathBuf>, String>(found.iter().map(name).collect())
        };
        let all = ["a.json", "b/2.json", "c.json", "d.json"];
        let of = |folder: &str| Vec::from_iter(all.iter().map(|name| Path::new(folder).join(name)));
        assert_eq!(names(&["in"]), Ok(of("in")), "a link to a file is that file");
        assert_eq!(names(&["link"]), Ok(of("link")), "a link that was named is followed");
        assert_eq!(names(&["other.json", "none"]), Ok(vec!["other.json".into(), "none".into()]));
        symlink("..", below("in/b/loop")).expect("a link");
        let refused = names(&["in"]).expect_err("it leads round");
        assert!(refused.contains("in/b/loop is a link to a folder"), "{refused}");
        fs::remove_file(below("in/b/loop")).expect("removed");
        symlink("/dev/zero", below("in/b/device")).expect("a link");
        let refused = names(&["in"]).expect_err("it has no end");
        assert!(refused.contains("in/b/device is a pipe or a device"), "{refused}");
        let swapped = Named { path: below("in/b/device"), is_found: true }.read(9);
        let refused = swapped.expect_err("it was put there later").to_string();
        assert!(refused.ends_with("allowed is a regular file"), "{refused}");
        fs::remove_file(below("in/b/device")).expect("removed");
        fs::create_dir_all(below(&format!("in/{}", "x/".repeat(DEPTH_MAX)))).expect("made");
        assert_eq!(names(&["in"]), Ok(of("in")), "as deep as may be");
        fs::create_dir(below(&format!("in/{}x", "x/".repeat(DEPTH_MAX)))).expect("made");
        let refused = names(&["in"]).expect_err("too deep");
        assert!(refused.contains("within at most 16 others"), "{refused}");
        fs::remove_dir_all(&root).expect("removed");
    }
}

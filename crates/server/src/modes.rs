//! Who else may touch what only the server should, the folder of keys: keys, first tokens, the list
//! of tokens.
//!
//! Promises: what others may read is told, for whoever has read a log's key can sign as the log. A
//! start is refused only where anybody on the machine may write a file of it: it may be somebody
//! else's already. A group that may, and a folder that is open, are told of and no more: Kubernetes
//! gives a volume to a group of its own, and some of its volumes to all.
//!
//! Never: changes a mode. That would hide that it was open.

use std::fs::{self, Metadata};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::start_error::StartError;
use crate::tokens::NAME as TOKENS;

/// Files of a folder that are looked at.
const FILES_MAX: usize = 10_000;
/// Anybody but owner and group may write.
const ALL_WRITE: u32 = 0o002;
/// Anybody but the owner may do something.
const OTHERS: u32 = 0o077;

/// A file or folder that others may touch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// Where it is.
    pub path: PathBuf,
    /// Its mode, without its type.
    pub mode: u32,
}

/// The files that others than their owner may touch: of the folder of keys all, and the list of
/// tokens where it still stands in the data folder. What cannot be looked at is left out.
pub fn open_files(data: &Path, keys: &Path) -> Vec<Open> {
    let entries = fs::read_dir(keys).into_iter().flatten().flatten().take(FILES_MAX);
    let of_keys = entries.map(|entry| entry.path());
    let before = (!keys.join(TOKENS).exists()).then(|| data.join(TOKENS));
    of_keys.chain(before).filter_map(|path| open(path, Metadata::is_file)).collect()
}

/// Tells what is open to others; refuses where anybody may write.
pub(crate) fn check(data: &Path, keys: &Path) -> Result<(), StartError> {
    let folder = open(keys.to_owned(), Metadata::is_dir);
    let files = open_files(data, keys);
    for Open { path, mode } in folder.iter().chain(&files) {
        let (path, mode) = (path.display(), format!("{mode:o}"));
        let what = "open to others than its owner: counterfoil doctor has the mend";
        tracing::warn!(%path, mode, "{what}");
    }
    match files.into_iter().find(|open| open.mode & ALL_WRITE != 0) {
        Some(Open { path, mode }) => Err(StartError::Writable(path.display().to_string(), mode)),
        None => Ok(()),
    }
}

fn open(path: PathBuf, is_wanted: fn(&Metadata) -> bool) -> Option<Open> {
    let meta = fs::metadata(&path).ok().filter(is_wanted)?;
    let mode = meta.permissions().mode() & 0o7777;
    (mode & OTHERS != 0).then_some(Open { path, mode })
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;

    use super::*;

    #[test]
    fn what_others_may_read_is_told_and_what_all_may_write_is_refused() {
        let folder = std::env::temp_dir().join(format!("counterfoil-modes-{}", std::process::id()));
        let (data, keys) = (folder.join("data"), folder.join("keys"));
        let set = |path: &Path, mode| {
            fs::set_permissions(path, Permissions::from_mode(mode)).expect("set");
        };
        fs::create_dir_all(&keys).expect("a folder");
        set(&keys, 0o700);
        let (key, tokens) = (keys.join("a-0.key"), keys.join("tokens.json"));
        for path in [&key, &tokens] {
            fs::write(path, "x").expect("written");
            set(path, 0o600);
        }
        assert_eq!(open_files(&data, &keys), []);
        for (path, mode, is_refused) in [
            (&key, 0o640, false),
            (&key, 0o664, false),
            (&key, 0o602, true),
            (&tokens, 0o644, false),
            (&tokens, 0o666, true),
        ] {
            set(path, mode);
            assert_eq!(open_files(&data, &keys), [Open { path: path.clone(), mode }]);
            let refused = matches!(check(&data, &keys), Err(StartError::Writable(..)));
            assert_eq!(refused, is_refused, "{path:?} {mode:o}");
            set(path, 0o600);
        }
        fs::create_dir_all(&data).expect("a folder");
        fs::rename(&tokens, data.join(TOKENS)).expect("as an earlier server had it");
        set(&data.join(TOKENS), 0o606);
        assert!(matches!(check(&data, &keys), Err(StartError::Writable(..))));
        set(&data.join(TOKENS), 0o600);
        set(&keys, 0o777);
        assert!(check(&data, &keys).is_ok(), "a volume may be so");
        // A folder that stays does no harm.
        let _ = fs::remove_dir_all(&folder);
    }
}

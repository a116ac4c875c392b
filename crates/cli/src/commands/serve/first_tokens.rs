//! The files in which a first start without a terminal leaves the tokens of its admins.
//!
//! Promises: all of them are written or none; what cannot be written leaves nothing behind that
//! would be in the way of the next start. One that is there already is somebody's token, of this
//! data folder or of another one, and is not written over.

use std::fs::{File, OpenOptions, remove_file};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use server::FirstAdmins;

use crate::error::CliError;

/// Where a tenant's first token is written.
pub(super) fn path(keys: &Path, tenant: &str) -> PathBuf {
    keys.join(format!("first-token-{tenant}"))
}

/// Refuses a start that would have a token to write where a file is, before it makes anything.
pub(super) fn check(keys: &Path, admins: &FirstAdmins) -> Result<(), CliError> {
    let mut paths = admins.tenants.iter().map(|tenant| path(keys, tenant));
    let taken = paths.find(|path| path.symlink_metadata().is_ok());
    let refused = taken.map(|path| there_already(&path));
    refused.map_or(Ok(()), |error| Err(if admins.is_new { error } else { lost(&error, keys) }))
}

/// Why a first token of logs that are not new finds one of an earlier start.
pub(super) fn lost(error: &CliError, keys: &Path) -> CliError {
    let tokens = keys.join("tokens.json");
    CliError::Server(format!(
        "{error}. It was to be made because {} has no admin in force: if that file was lost, and \
         every token with it, put it back from a backup instead",
        tokens.display()
    ))
}

/// Writes the tokens, each with its tenant.
pub(super) fn write(keys: &Path, tokens: &[(String, String)]) -> Result<(), CliError> {
    let mut written: Vec<PathBuf> = Vec::new();
    for (tenant, token) in tokens {
        let path = path(keys, tenant);
        if let Err(error) = make(&path, |file| writeln!(file, "{token}")) {
            // What cannot be removed is out of force all the same.
            written.iter().for_each(|path| drop(remove_file(path)));
            return Err(match error.kind() {
                ErrorKind::AlreadyExists => there_already(&path),
                _ => CliError::file(&path, error),
            });
        }
        written.push(path);
    }
    Ok(())
}

/// Makes a file that is durable, or none.
fn make(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path)?;
    let kept = fill(&mut file).and_then(|()| file.sync_all());
    let kept = kept.and_then(|()| platform::sync_name(path));
    kept.inspect_err(|_| drop(remove_file(path)))
}

fn there_already(path: &Path) -> CliError {
    CliError::Server(format!(
        "{} is there already, and no token is written over it: move it elsewhere, then start again",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_written_is_not_in_the_way_of_the_next_start() {
        let keys = std::env::temp_dir().join(format!("counterfoil-first-{}", std::process::id()));
        std::fs::create_dir_all(&keys).expect("a folder");
        let [acme, beta] = ["acme", "beta"].map(|tenant| path(&keys, tenant));
        let full = |_: &mut File| Err(io::Error::from(ErrorKind::StorageFull));
        make(&acme, full).expect_err("no room");
        assert!(!acme.exists(), "an empty file would be taken for a token");
        let tokens = [("acme".to_owned(), "a".to_owned()), ("beta".to_owned(), "g".to_owned())];
        std::fs::write(&beta, "somebody's").expect("written");
        let error = write(&keys, &tokens).expect_err("one is taken");
        assert!(error.to_string().contains("first-token-beta is there already"), "{error}");
        assert!(!acme.exists() && std::fs::read(&beta).expect("read") == b"somebody's");
        let tenants = tokens.iter().map(|(tenant, _)| tenant.clone()).collect();
        let admins = FirstAdmins { tenants, is_new: true };
        check(&keys, &admins).expect_err("the same before");
        std::fs::remove_file(&beta).expect("moved");
        check(&keys, &admins).expect("none is there");
        write(&keys, &tokens).expect("written");
        assert_eq!(std::fs::read(&acme).expect("read"), b"a\n");
        std::fs::remove_dir_all(keys).expect("removed");
    }
}

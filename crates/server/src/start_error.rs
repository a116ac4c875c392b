//! Why a server does not start, in words for whoever starts it.
//!
//! Promises: whoever prints an error with what is behind it says nothing twice.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use commit::OpenError;

use crate::http::error::Failure;
use crate::owners::KeptError;
use crate::tokens::{NAME as TOKENS, TokenError};

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another process has the data folder.
    #[error("another process has the data folder {0}")]
    Held(String),
    /// A folder has what belongs into the other one.
    #[error(
        "{0} has {1}, which stands in a folder of {2}: are --data and --keys the right way round? \
         Nothing was made"
    )]
    Swapped(String, &'static str, &'static str),
    /// Another process signs with these keys.
    #[error(
        "another process has the folder of keys {0}: two servers with one log's key would sign two \
         histories of it; stop that one, or name the folder that belongs to {1} (--keys)"
    )]
    KeysHeld(String, String),
    /// A folder cannot be used.
    #[error("cannot use {0}")]
    Folder(String, #[source] std::io::Error),
    /// There are logs and no folder of keys.
    #[error(
        "the folder of keys {0} is not there, though the data folder has logs: name the right one \
         (--keys) or put it back; nothing was made"
    )]
    NoKeys(String),
    /// The keys have a data folder elsewhere.
    #[error(
        "{data} has no data folder, though the folder of keys {keys} has {key}, the key of a log \
         that would be made in it; nothing was made. Is it the right folder (--data), and its \
         volume mounted? To begin anew, move what {keys} has elsewhere first"
    )]
    Anew {
        /// Where the data would be.
        data: String,
        /// Where the keys are.
        keys: String,
        /// The key's file.
        key: String,
    },
    /// Anybody may write a key.
    #[error(
        "anybody on this machine may write {0} (mode {1:o}), so it may be somebody else's: \
         look at it, then chmod go-rwx it (counterfoil doctor has all that is open)"
    )]
    Writable(String, u32),
    /// Journal or head are damaged.
    #[error(
        "{0}; nothing was changed. A backup mends it, or on_damage = \"new-partition\" sets the \
         folder aside and goes on: docs/operations/damage.md"
    )]
    Damaged(OpenError),
    /// A small file is not what it was.
    #[error("{0}; nothing was changed. Put that file back as it was: docs/operations/damage.md")]
    File(OpenError),
    /// A key file is not there, cannot be read, or is none.
    #[error("the key file {0} {1}")]
    Key(String, String),
    /// The data folder cannot be opened.
    #[error(transparent)]
    Open(OpenError),
    /// The list of tokens is none.
    #[error(
        "{0} {1}: put it back from a backup. Without it all tokens are lost: a start that does not \
         find it makes a new admin and no other"
    )]
    TokenFile(String, &'static str),
    /// The tokens cannot be read.
    #[error(transparent)]
    Tokens(#[from] TokenError),
    /// The owners that are in force cannot be read.
    #[error(transparent)]
    Kept(#[from] KeptError),
    /// The rules of an audit scope cannot be read.
    #[error("{0}")]
    Scope(String),
    /// The schemas of actions cannot be used.
    #[error("schemas.json: {0}; put that file back as it was")]
    Schemas(String),
    /// The logs are named after another host than the one given.
    #[error(
        "the logs of this folder are named after {has}, not {given}: that is fixed when the first \
         log is made and stands in everything it signed; give {has}, or none"
    )]
    Origin {
        /// What they are named after.
        has: String,
        /// What was given.
        given: String,
    },
    /// The access log does not take what the start has to state.
    #[error("cannot state in the access log what the start does: {0}")]
    Unstated(String),
    /// The address cannot be listened on.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] std::io::Error),
}

/// Files beside one that is missing that are told of.
const BESIDE_MAX: usize = 5;

const UNREADABLE: &str =
    "may not be read by this user: give it to the user that the server runs as, mode 0400 or 0600";

/// What to do about a key file that is not there, and what looks like a copy of it.
fn missing(keys: &Path, name: &str) -> String {
    let entries = std::fs::read_dir(keys).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut beside: Vec<String> =
        names.filter(|other| other.starts_with(&format!("{name}."))).collect();
    // In what order a folder lists its files is its own affair.
    beside.sort();
    beside.truncate(BESIDE_MAX);
    let copies = match beside.is_empty() {
        true => String::new(),
        false => format!(" (beside it stands {})", beside.join(", ")),
    };
    format!(
        "is not there{copies}: put it back, from a backup of the folder of keys, or name the \
         folder that has it (--keys). No other key can take its place; nothing was made"
    )
}

/// Where the list of tokens is: an earlier server had it in the data folder.
fn tokens(data: &Path, keys: &Path) -> PathBuf {
    let (before, now) = (data.join(TOKENS), keys.join(TOKENS));
    if !now.exists() && before.exists() { before } else { now }
}

impl From<OpenError> for StartError {
    fn from(error: OpenError) -> StartError {
        match error {
            OpenError::Damaged(ref damage) if damage.is_of_journal() => StartError::Damaged(error),
            OpenError::Damaged(_) => StartError::File(error),
            other => StartError::Open(other),
        }
    }
}

impl StartError {
    /// Says of a file where it is, and of a key file what to do.
    pub(crate) fn in_folders(self, data: &Path, keys: &Path) -> StartError {
        let shown = |path: PathBuf| path.display().to_string();
        let (name, what) = match self {
            StartError::Open(OpenError::Key { name, what }) => (name, what),
            StartError::Open(OpenError::Io { what, source }) => {
                let name = what.strip_prefix("keys/").map(str::to_owned);
                match (name, source.kind()) {
                    (Some(name), ErrorKind::NotFound) => {
                        let what = missing(keys, &name);
                        (name, what)
                    }
                    (Some(name), ErrorKind::PermissionDenied) => (name, UNREADABLE.to_owned()),
                    (Some(name), _) => return StartError::Folder(shown(keys.join(name)), source),
                    // What is no file, such as a log, is named as it is.
                    (None, _) if what.contains(' ') => {
                        return StartError::Open(OpenError::Io { what, source });
                    }
                    (None, _) => return StartError::Folder(shown(data.join(what)), source),
                }
            }
            StartError::Tokens(TokenError::Io(source)) => {
                return StartError::Folder(shown(tokens(data, keys)), source);
            }
            StartError::Tokens(TokenError::Malformed(what)) => {
                return StartError::TokenFile(shown(tokens(data, keys)), what);
            }
            other => return other,
        };
        StartError::Key(shown(keys.join(name)), what)
    }

    pub(crate) fn unstated(failure: &Failure) -> StartError {
        StartError::Unstated(failure.code().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::io;

    use commit::journal::Damage;

    use super::*;

    #[test]
    fn setting_aside_is_offered_where_it_helps() {
        let refused = |file: &str| {
            let (file, what) = (file.to_owned(), "is missing".to_owned());
            let error = StartError::from(OpenError::Damaged(Damage { file, offset: 7, what }));
            assert!(error.source().is_none(), "it would be said twice");
            error.to_string()
        };
        for file in ["head", "journal/0000000000000001"] {
            let text = refused(file);
            let start = format!("the data folder is damaged: {file}, byte 7: is missing; nothing");
            assert!(text.starts_with(&start) && text.contains("on_damage"), "{text}");
        }
        for file in ["folder.json", "logs/acme-0/log.json", "logs/acme-0/keys.json"] {
            let text = refused(file);
            assert!(text.contains("Put that file back") && !text.contains("on_damage"), "{text}");
        }
    }

    #[test]
    fn a_file_is_named_with_its_folder_and_a_key_file_with_what_to_do() {
        let keys = std::env::temp_dir().join(format!("counterfoil-lost-{}", std::process::id()));
        std::fs::create_dir_all(&keys).expect("a folder");
        let of = |kind: ErrorKind, what: &str| {
            let (what, source) = (what.to_owned(), io::Error::from(kind));
            let error = StartError::from(OpenError::Io { what, source });
            let error = error.in_folders(Path::new("/the/data"), &keys);
            (error.source().is_some(), error.to_string())
        };
        let path = keys.join("a-0.key").display().to_string();
        let (_, lost) = of(ErrorKind::NotFound, "keys/a-0.key");
        assert!(lost.starts_with(&format!("the key file {path} is not there: put it")), "{lost}");
        std::fs::write(keys.join("a-0.key.1"), "x").expect("written");
        let (_, lost) = of(ErrorKind::NotFound, "keys/a-0.key");
        assert!(lost.contains("is not there (beside it stands a-0.key.1): "), "{lost}");
        for number in (2..=BESIDE_MAX + 3).rev() {
            std::fs::write(keys.join(format!("a-0.key.{number}")), "x").expect("written");
        }
        let (_, lost) = of(ErrorKind::NotFound, "keys/a-0.key");
        let first = (1..=BESIDE_MAX).map(|number| format!("a-0.key.{number}"));
        let first = first.collect::<Vec<_>>().join(", ");
        assert!(lost.contains(&format!("(beside it stands {first})")), "{lost}");
        let (_, unread) = of(ErrorKind::PermissionDenied, "keys/a-0.key");
        assert!(unread.starts_with(&format!("the key file {path} may not be read")), "{unread}");
        for (what, told) in [("head", "/the/data/head"), ("the log a-0", "the log a-0")] {
            let error = of(ErrorKind::NotFound, what);
            assert_eq!(error, (true, format!("cannot use {told}")));
        }
        let (_, other) = of(ErrorKind::IsADirectory, "keys/id.key");
        assert_eq!(other, format!("cannot use {}", keys.join("id.key").display()));
        std::fs::remove_dir_all(keys).expect("removed");
    }
}

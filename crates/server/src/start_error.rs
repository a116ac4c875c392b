//! Why a server does not start, in words for whoever starts it.

use std::net::SocketAddr;

use commit::OpenError;

use crate::http::error::Failure;
use crate::owners::KeptError;
use crate::tokens::TokenError;

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another process has the data folder.
    #[error("another process has the data folder {0}")]
    Held(String),
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
        "anybody on this machine may write {0} (mode {1:o}), so its keys may be somebody else's: \
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
    /// The data folder cannot be opened.
    #[error(transparent)]
    Open(OpenError),
    /// The tokens cannot be read.
    #[error(transparent)]
    Tokens(#[from] TokenError),
    /// The owners that are in force cannot be read.
    #[error(transparent)]
    Kept(#[from] KeptError),
    /// The rules of an audit scope cannot be read.
    #[error("{0}")]
    Scope(String),
    /// The schemas of actions cannot be read.
    #[error("{0}")]
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
    pub(crate) fn unstated(failure: &Failure) -> StartError {
        StartError::Unstated(failure.code().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

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
}

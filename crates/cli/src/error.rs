//! Why a command failed.

use std::fmt;
use std::path::Path;

use serde_json::{Value, json};

/// A failed command.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// The command line, or what it names, is wrong.
    #[error("{0}")]
    Usage(String),
    /// The server said no.
    #[error("{0}")]
    Refused(Refused),
    /// The server could not be reached, or said what cannot be understood.
    #[error("{0}")]
    Server(String),
    /// Nobody was reached: nothing was asked.
    #[error("{0}")]
    Unreached(String),
    /// A file could not be used.
    #[error("{what}: {why}")]
    File {
        /// Its name.
        what: String,
        /// Why.
        why: String,
    },
    /// Nothing was judged. For `verify` alone, where 1 is a verdict.
    #[error(transparent)]
    Unjudged(Box<CliError>),
    /// What was printed is not whole.
    #[error("standard output could not be written to its end")]
    Output,
}

impl CliError {
    pub(crate) fn usage(what: impl Into<String>) -> CliError {
        CliError::Usage(what.into())
    }

    pub(crate) fn file(path: &Path, error: impl std::fmt::Display) -> CliError {
        CliError::File { what: path.display().to_string(), why: error.to_string() }
    }

    /// An answer that lacks what every server of ours says.
    pub(crate) fn no_counterfoil() -> CliError {
        let what = "what answered is no Counterfoil server, or one of another version";
        CliError::Server(format!("{what}; another one: --url, or counterfoil context use NAME"))
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            CliError::Usage(_) | CliError::Unjudged(_) => 2,
            CliError::Refused(_)
            | CliError::Server(_)
            | CliError::Unreached(_)
            | CliError::File { .. }
            | CliError::Output => 1,
        }
    }
}

/// What a server said no with.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) status: u16,
    /// The stable code; a proxy in between has none.
    pub(crate) code: Option<String>,
    pub(crate) detail: String,
    /// By which the server's traces know the request.
    pub(crate) request_id: Option<String>,
    /// What this program suggests.
    pub(crate) next: Option<String>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server said {}: {}", self.status, self.detail)?;
        self.next.as_ref().map_or(Ok(()), |next| write!(f, "; {next}"))
    }
}

impl CliError {
    /// What stands below the message: where to read on, and what to ask the operator with.
    pub(crate) fn footnote(&self) -> Option<String> {
        let CliError::Refused(refused) = self.cause() else { return None };
        let known = refused.code.as_deref().filter(|code| server::errors::page(code).is_some());
        let page = known.map(|code| format!("what to do: counterfoil explain {code}"));
        let id = refused.request_id.as_ref().map(|id| format!("request {id}"));
        let parts: Vec<String> = page.into_iter().chain(id).collect();
        (!parts.is_empty()).then(|| parts.join("    "))
    }

    /// The same for a machine: one object on standard error.
    pub(crate) fn to_json(&self) -> Value {
        let detail = self.to_string();
        let kind = match self.cause() {
            CliError::Usage(_) => "usage",
            CliError::Refused(_) => "refused",
            CliError::Server(_) | CliError::Unreached(_) => "server",
            CliError::File { .. } => "file",
            CliError::Output => "output",
            CliError::Unjudged(_) => "unjudged",
        };
        let mut error = json!({"kind": kind, "detail": detail, "exit_code": self.exit_code()});
        if let CliError::Refused(refused) = self.cause() {
            error["status"] = refused.status.into();
            error["detail"] = refused.detail.clone().into();
            error["code"] = refused.code.clone().into();
            error["request_id"] = refused.request_id.clone().into();
        }
        json!({ "error": error })
    }

    fn cause(&self) -> &CliError {
        match self {
            CliError::Unjudged(cause) => cause.cause(),
            error => error,
        }
    }
}

impl From<verify::Usage> for CliError {
    fn from(usage: verify::Usage) -> CliError {
        CliError::Usage(usage.0)
    }
}

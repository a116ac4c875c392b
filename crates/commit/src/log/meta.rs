//! What is fixed when a log is created.

use event::Hash;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::hex;

/// What a log is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// It takes a tenant's events.
    #[default]
    Events,
    /// It takes what the server states about who used the tenant's events and changed its
    /// settings.
    Access,
}

impl Purpose {
    fn is_events(&self) -> bool {
        *self == Purpose::Events
    }
}

/// What is fixed when a log is created, as `logs/<log>/log.json` keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogMeta {
    /// `counterfoil.log/v1`.
    pub format: String,
    /// `<host>/tlog/<log>`.
    pub origin: String,
    /// Whose events these are.
    pub tenant: String,
    /// Whether anybody may read its tiles.
    pub public: bool,
    /// When it was created.
    pub opened_at: String,
    /// Origin of the log that it follows: of the partition that was closed when it was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<String>,
    /// What was found in the log that it follows, if that one was not closed but damaged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damage: Option<DamageNote>,
    /// What it is for; it stands in the file of an access log alone.
    #[serde(default, skip_serializing_if = "Purpose::is_events")]
    pub purpose: Purpose,
}

/// What was found in a log that was set aside, as the log that goes on states it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DamageNote {
    /// The folder below `damaged/` in which the log stands.
    pub number: u64,
    /// The file that is damaged.
    pub file: String,
    /// The byte at which that was noticed.
    pub offset: u64,
    /// What is wrong there.
    pub what: String,
    /// Entries that could be proved when this log was made.
    pub readable: u64,
    /// Entries under the newest signature that was found.
    pub signed: u64,
}

impl LogMeta {
    /// The value of `format`.
    pub const FORMAT: &str = "counterfoil.log/v1";

    /// The text of `logs/<log>/log.json`.
    pub(crate) fn file_text(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).expect("plain strings and booleans");
        line.push(b'\n');
        line
    }

    /// The digest of that text, as the log's first event states it.
    pub(crate) fn digest_text(&self) -> String {
        let digest: Hash = Sha256::digest(self.file_text()).into();
        format!("sha256:{}", hex(&digest))
    }

    /// Whether this log was made to follow another.
    pub(crate) fn is_behind(&self, other: &LogMeta) -> bool {
        self.follows.as_deref() == Some(other.origin.as_str())
    }

    /// The log's short name, the last part of its origin.
    pub fn name(&self) -> &str {
        self.origin.rsplit('/').next().unwrap_or(&self.origin)
    }
}

//! The authority to read.

use commit::LogMeta;

/// What a caller may read. Every read takes one; it is made after authentication and nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    tenant: String,
}

impl Scope {
    /// The logs of one tenant.
    pub fn of_tenant(tenant: &str) -> Scope {
        Scope { tenant: tenant.to_owned() }
    }

    /// Whether a log may be read.
    pub fn sees(&self, log: &LogMeta) -> bool {
        self.tenant == log.tenant
    }
}

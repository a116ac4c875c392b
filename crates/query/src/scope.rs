//! The authority to read.

use commit::LogMeta;

/// What a caller may read. Every read takes one; it is made after authentication and nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope(Sees);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Sees {
    Tenant(String),
    Everything,
}

impl Scope {
    /// The logs of one tenant.
    pub fn of_tenant(tenant: &str) -> Scope {
        Scope(Sees::Tenant(tenant.to_owned()))
    }

    /// Every log: for who runs the installation.
    pub fn everything() -> Scope {
        Scope(Sees::Everything)
    }

    /// Whether a log may be read.
    pub fn sees(&self, log: &LogMeta) -> bool {
        match &self.0 {
            Sees::Tenant(tenant) => *tenant == log.tenant,
            Sees::Everything => true,
        }
    }
}

//! The authority to read.

use commit::{LogMeta, Purpose};

/// What a caller may read. Every read takes one; it is made after authentication and nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    tenant: String,
    /// Whether access logs may be read at all.
    access: bool,
    /// The one log that this read is about.
    only: Option<String>,
}

impl Scope {
    /// The logs of one tenant.
    pub fn of_tenant(tenant: &str) -> Scope {
        Scope { tenant: tenant.to_owned(), access: false, only: None }
    }

    /// The same, and the tenant's access logs where they are asked for by name.
    #[must_use]
    pub fn with_access_logs(self) -> Scope {
        Scope { access: true, ..self }
    }

    /// Of what may be read, one log. Only so is an access log read: in a list of a tenant's events
    /// every list before it would stand.
    #[must_use]
    pub fn only(self, log: &str) -> Scope {
        Scope { only: Some(log.to_owned()), ..self }
    }

    /// Whether a log may be read by who asks for it by name.
    pub fn may_see(&self, log: &LogMeta) -> bool {
        self.tenant == log.tenant && (self.access || log.purpose == Purpose::Events)
    }

    /// Whether a log is read.
    pub fn sees(&self, log: &LogMeta) -> bool {
        let asked_for = match &self.only {
            Some(name) => name == log.name(),
            None => log.purpose == Purpose::Events,
        };
        asked_for && self.may_see(log)
    }
}

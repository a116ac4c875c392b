//! The authority to read, and the lesser one to know what logs there are.

use commit::{LogMeta, Purpose};

/// What a caller may read. Every read of an event takes one; it is made after authentication and
/// nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope(Overview);

/// What may be known of logs without an event of them: which there are and how large, who was heard
/// in them, what is missing. No function that shows an event takes one, and no [`Scope`] can be
/// made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    tenant: String,
    /// Whether access logs may be read at all.
    access: bool,
    /// The one log that this is about.
    only: Option<String>,
}

impl Scope {
    /// The logs of one tenant.
    pub fn of_tenant(tenant: &str) -> Scope {
        Scope(Overview { tenant: tenant.to_owned(), access: false, only: None })
    }

    /// The same, and the tenant's access logs where they are asked for by name.
    #[must_use]
    pub fn with_access_logs(self) -> Scope {
        Scope(Overview { access: true, ..self.0 })
    }

    /// Of what may be read, one log. Only so is an access log read: in a list of a tenant's events
    /// every list before it would stand.
    #[must_use]
    pub fn only(self, log: &str) -> Scope {
        Scope(Overview { only: Some(log.to_owned()), ..self.0 })
    }

    /// What may be known of the logs of this scope.
    pub fn overview(&self) -> Overview {
        self.0.clone()
    }

    /// Whether a log may be read by who asks for it by name.
    pub fn may_see(&self, log: &LogMeta) -> bool {
        self.0.may_see(log)
    }

    /// Whether a log is read.
    pub fn sees(&self, log: &LogMeta) -> bool {
        self.0.sees(log)
    }
}

impl Overview {
    /// Whether a log may be known by who asks for it by name.
    pub fn may_see(&self, log: &LogMeta) -> bool {
        self.tenant == log.tenant && (self.access || log.purpose == Purpose::Events)
    }

    /// Whether a log is looked at.
    pub fn sees(&self, log: &LogMeta) -> bool {
        let asked_for = match &self.only {
            Some(name) => name == log.name(),
            None => log.purpose == Purpose::Events,
        };
        asked_for && self.may_see(log)
    }
}

impl AsRef<Overview> for Scope {
    fn as_ref(&self) -> &Overview {
        &self.0
    }
}

impl AsRef<Overview> for Overview {
    fn as_ref(&self) -> &Overview {
        self
    }
}

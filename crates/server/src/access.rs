//! Who may do what.
//!
//! | role | sends | reads events, proofs | sees refusals, status | makes tokens |
//! | --- | --- | --- | --- | --- |
//! | producer | for its services | | | |
//! | forwarder | for any service | | | |
//! | reader | | its tenant | | |
//! | auditor | | its tenant | its tenant | |
//! | admin | for any service | its tenant | its tenant | for its tenant |

pub(crate) mod denials;
pub(crate) mod owed;
pub(crate) mod second;
pub(crate) mod stated;
pub(crate) mod strangers;
pub(crate) mod under_way;
pub(crate) mod verifications;

use std::fmt;
use std::str::FromStr;

use admit::{Identity, Peer, Speaks};
use query::{Overview, Scope};
use serde::{Deserialize, Serialize};

use crate::http::error::Failure;

/// What a token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sends events of its own services.
    Producer,
    /// Sends events of many services.
    Forwarder,
    /// Reads events and proofs.
    Reader,
    /// Reads, and sees what was refused.
    Auditor,
    /// All of it, and makes tokens.
    Admin,
}

impl Role {
    /// The roles by name.
    pub const ALL: [(&'static str, Role); 5] = [
        ("producer", Role::Producer),
        ("forwarder", Role::Forwarder),
        ("reader", Role::Reader),
        ("auditor", Role::Auditor),
        ("admin", Role::Admin),
    ];
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Role::ALL.iter().find(|(_, role)| role == self).map_or("", |(name, _)| name))
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(name: &str) -> Result<Role, String> {
        Role::ALL.iter().find(|(n, _)| *n == name).map(|(_, role)| *role).ok_or_else(|| {
            format!("{name:?} is no role; allowed: producer, forwarder, reader, auditor, admin")
        })
    }
}

/// An authenticated caller.
#[derive(Clone, Debug)]
pub struct Principal {
    /// Its name.
    pub name: String,
    /// The public part of its token.
    pub token_id: String,
    /// What it may do.
    pub role: Role,
    /// Whose events it deals with.
    pub tenant: String,
    /// A producer's services.
    pub services: Vec<String>,
}

impl Principal {
    /// The right to send.
    pub(crate) fn peer(&self) -> Result<Peer, Failure> {
        let speaks = match self.role {
            Role::Producer => Speaks::For(self.services.clone()),
            Role::Forwarder | Role::Admin => Speaks::ForMany,
            Role::Reader | Role::Auditor => return Err(self.lacks("send events")),
        };
        let identity = Identity { kind: "token", id: self.name.clone() };
        Ok(Peer { identity, tenant: self.tenant.clone(), speaks })
    }

    /// The right to read events and proofs. Only [`stated`] gives it out.
    fn scope(&self) -> Result<Scope, Failure> {
        let scope = Scope::of_tenant(&self.tenant);
        match self.role {
            Role::Reader => Ok(scope),
            Role::Auditor | Role::Admin => Ok(scope.with_access_logs()),
            Role::Producer | Role::Forwarder => Err(self.lacks("read events")),
        }
    }

    /// The right to see which logs there are, how large they are and what is missing in them. It
    /// shows no event, and nothing is stated about it.
    pub(crate) fn overview(&self) -> Result<Overview, Failure> {
        self.scope().map(|scope| scope.overview())
    }

    /// The right to see refusals and the state of the server.
    pub(crate) fn may_oversee(&self) -> Result<(), Failure> {
        match self.role {
            Role::Auditor | Role::Admin => Ok(()),
            _ => Err(self.lacks("see refusals and status, or agree to what somebody else does")),
        }
    }

    /// The right to make tokens.
    pub(crate) fn may_manage(&self) -> Result<(), Failure> {
        match self.role {
            Role::Admin => Ok(()),
            _ => Err(self.lacks("manage tokens, logs and keys")),
        }
    }

    /// The right to see the configuration and have it read again.
    pub(crate) fn may_configure(&self) -> Result<(), Failure> {
        match self.role {
            Role::Admin => Ok(()),
            _ => Err(self.lacks("see or reload the configuration")),
        }
    }

    /// The right to say what is admitted: schemas of actions, the audit scope.
    pub(crate) fn may_set_rules(&self) -> Result<(), Failure> {
        match self.role {
            Role::Admin => Ok(()),
            _ => Err(self.lacks("change what is admitted")),
        }
    }

    fn lacks(&self, what: &str) -> Failure {
        Failure::forbidden(self, format!("the role {} of this token may not {what}", self.role))
    }
}

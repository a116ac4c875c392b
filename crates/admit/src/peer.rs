//! Who is sending.

/// How a peer proved who it is, and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `token`, `certificate`, `oidc` or `local`.
    pub kind: &'static str,
    /// The principal's name.
    pub id: String,
}

/// For whom a peer may speak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// For these services alone; `*` at the end of a name stands for any rest.
    For(Vec<String>),
    /// For any service: a forwarder, whose ids are told apart by the producer it claims.
    ForMany,
}

/// An authenticated sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Who it is.
    pub identity: Identity,
    /// Whose events these are.
    pub tenant: String,
    /// For whom it may speak.
    pub speaks: Speaks,
}

impl Peer {
    /// The server itself, for the events that it makes.
    pub fn server(tenant: &str) -> Peer {
        Peer {
            identity: Identity { kind: "local", id: "counterfoil".into() },
            tenant: tenant.to_owned(),
            speaks: Speaks::For(vec!["counterfoil".into()]),
        }
    }

    /// Whether it may send events of `service`.
    pub fn speaks_for(&self, service: &str) -> bool {
        match &self.speaks {
            Speaks::ForMany => true,
            Speaks::For(names) => names.iter().any(|name| match name.strip_suffix('*') {
                Some(prefix) => service.starts_with(prefix),
                None => name == service,
            }),
        }
    }

    /// The one service that it may speak for, if it is one.
    pub fn only_service(&self) -> Option<&str> {
        match &self.speaks {
            Speaks::For(names) if names.len() == 1 && !names[0].ends_with('*') => Some(&names[0]),
            _ => None,
        }
    }

    /// The producer that ids are unique for: the principal; a forwarder's with whom it speaks for.
    pub fn producer(&self, claimed: &str) -> String {
        match self.speaks {
            Speaks::For(_) => self.identity.id.clone(),
            Speaks::ForMany => format!("{}\0{claimed}", self.identity.id),
        }
    }
}

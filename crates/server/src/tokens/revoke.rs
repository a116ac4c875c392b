//! Taking a token out of force: a tenant's last admin goes with a second person's word only.

use std::sync::Arc;

use super::token::Held;
use super::{Token, TokenError, Tokens};
use crate::access::Role;

/// What became of a token that was to be revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Revoked {
    Done,
    Absent,
    /// It is the tenant's last admin, and nobody else has agreed.
    NeedsSecondPerson,
}

impl Tokens {
    /// Takes a token out of force; whether a second person agrees is asked where it takes one.
    /// Writes to the disk.
    pub(crate) fn revoke(
        &self,
        tenant: &str,
        id: &str,
        is_agreed: impl FnOnce() -> bool,
    ) -> Result<Revoked, TokenError> {
        let _changing = self.changing.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut all = self.read().clone();
        let Some(held) = all.get(id).filter(|held| held.token.tenant == tenant) else {
            return Ok(Revoked::Absent);
        };
        if self.is_last_admin(held) && !is_agreed() {
            return Ok(Revoked::NeedsSecondPerson);
        }
        all.remove(id);
        self.replace(all)?;
        Ok(Revoked::Done)
    }

    /// What a revocation would come to, asked without a second person; nothing changes.
    pub(crate) fn would_revoke(&self, tenant: &str, id: &str) -> Revoked {
        let held = self.read().get(id).filter(|held| held.token.tenant == tenant).cloned();
        match held {
            None => Revoked::Absent,
            Some(held) if self.is_last_admin(&held) => Revoked::NeedsSecondPerson,
            Some(_) => Revoked::Done,
        }
    }

    /// Whether revoking a token would leave its tenant without an admin that lasts.
    fn is_last_admin(&self, held: &Held) -> bool {
        let Token { id, tenant, role, .. } = &held.token;
        let is_admin = *role == Role::Admin && !held.has_expired(self.clock.now());
        is_admin && self.lasting_admins_but(tenant, id) == 0
    }

    /// How many admins a tenant has beside one, in force until they are revoked: one that expires
    /// tomorrow leaves the tenant without any.
    fn lasting_admins_but(&self, tenant: &str, id: &str) -> usize {
        let all = self.read();
        let lasts = |held: &&Arc<Held>| {
            let token = &held.token;
            let is_admin = token.tenant == tenant && token.role == Role::Admin;
            is_admin && token.id != id && token.expires_at.is_none()
        };
        all.values().filter(lasts).count()
    }

    /// How many admins a tenant has whose tokens are in force.
    pub(crate) fn admins(&self, tenant: &str) -> usize {
        let (all, now) = (self.read(), self.clock.now());
        let is_one = |held: &&Arc<Held>| {
            let token = &held.token;
            token.tenant == tenant && token.role == Role::Admin && !held.has_expired(now)
        };
        all.values().filter(is_one).count()
    }
}

//! Room for tokens: each tenant's share of it, and what falls away to make more.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use super::token::Held;
use super::{Token, TokenError, Tokens};

/// Tokens of all tenants, shared out among them.
const TOKENS_MAX: usize = 10_000;
/// Tokens that a tenant may have, however many tenants there are.
pub(super) const EACH_MIN: usize = 100;
/// Bytes of that which the tenants share out; the rest is for those that have tokens and are no
/// longer configured.
pub(super) const SHARED_BYTES: usize = 128 << 20;
/// Expired tokens that fall away at once, so that one statement names them.
const FORGOTTEN_MAX: usize = 100;

/// How much room a token may take.
#[derive(Clone, Copy)]
pub(super) enum Room {
    /// What is left of its tenant's share.
    Share,
    /// What it needs.
    AsNeeded,
}

impl Tokens {
    /// Shares the room out among so many tenants.
    #[must_use]
    pub(crate) fn sharing(self, tenants: usize) -> Tokens {
        Tokens { tenants: tenants.max(1), ..self }
    }

    /// Refuses a list in which a tenant has more than its share, its expired tokens counted: those
    /// fall away first, see [`Tokens::expired`].
    pub(super) fn within_share(
        &self,
        tenant: &str,
        all: &BTreeMap<String, Arc<Held>>,
    ) -> Result<(), TokenError> {
        let own: Vec<&Token> =
            all.values().map(|held| &held.token).filter(|token| token.tenant == tenant).collect();
        let (each, bytes_each) = share(self.tenants);
        let full = |over: String| Err(TokenError::Full(format!("{over}; revoke one first")));
        if own.len() > each {
            return full(format!("a tenant has at most {each} tokens here"));
        }
        if serde_json::to_vec_pretty(&own).map_err(io::Error::other)?.len() > bytes_each {
            let what = format!("take at most {bytes_each} bytes here");
            return full(format!("a tenant's tokens, with their services, {what}"));
        }
        Ok(())
    }

    /// The ids of a tenant's tokens that expired, those first that did so first; not more than fall
    /// away at once.
    pub(crate) fn expired(&self, tenant: &str) -> Vec<String> {
        let (all, now) = (self.read(), self.clock.now());
        let own = all.values().filter(|held| held.token.tenant == tenant && held.has_expired(now));
        let mut own: Vec<&Token> = own.map(|held| &held.token).collect();
        own.sort_by(|a, b| a.expires_at.cmp(&b.expires_at));
        own.into_iter().take(FORGOTTEN_MAX).map(|token| token.id.clone()).collect()
    }

    /// Lets tokens fall away that open nothing: expired ones, or one that nobody has been given.
    /// Writes to the disk.
    pub(crate) fn forget(&self, ids: &[String]) -> Result<(), TokenError> {
        let _changing = self.changing.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut all = self.read().clone();
        all.retain(|id, _| !ids.contains(id));
        self.replace(all)?;
        Ok(())
    }
}

/// How many tokens each of so many tenants may have, and how many bytes of the file.
pub(super) fn share(tenants: usize) -> (usize, usize) {
    ((TOKENS_MAX / tenants).max(EACH_MIN), SHARED_BYTES / tenants)
}

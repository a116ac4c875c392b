//! The rules of admission, of each tenant its own, which may change while the server runs.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use admit::Policy;

/// The policies in force, by tenant.
#[derive(Default)]
pub(crate) struct Policies {
    /// A request takes the policy once and is judged by it to its end. Locked for as long as it
    /// takes to clone or to swap an `Arc`.
    by_tenant: RwLock<BTreeMap<String, Arc<Policy>>>,
}

impl Policies {
    /// What a tenant's events are admitted by.
    pub(crate) fn of(&self, tenant: &str) -> Arc<Policy> {
        let all = self.by_tenant.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        all.get(tenant).cloned().unwrap_or_default()
    }

    /// Puts a changed policy in force; `change` is given the one that was.
    pub(crate) fn change(&self, tenant: &str, change: impl FnOnce(Policy) -> Policy) {
        let mut all = self.by_tenant.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        let was = all.get(tenant).map(|policy| Policy::clone(policy)).unwrap_or_default();
        all.insert(tenant.to_owned(), Arc::new(change(was)));
    }
}

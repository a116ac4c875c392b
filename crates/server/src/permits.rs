//! Backpressure in bytes: a permit is taken as a body arrives and held until its answer.
//!
//! One tenant gets at most half of what is free, so that a flood from one leaves room for others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// The room for bodies in flight.
pub(crate) struct Permits {
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    bytes_max: usize,
    all: usize,
    by_tenant: HashMap<String, usize>,
}

/// Some bytes of that room; given back when dropped.
pub(crate) struct Permit {
    permits: Arc<Permits>,
    tenant: String,
    bytes: usize,
}

impl Permits {
    pub(crate) fn new(bytes_max: usize) -> Arc<Permits> {
        Arc::new(Permits { held: Mutex::new(Held { bytes_max, ..Held::default() }) })
    }

    /// Changes how much room there is. What is held stays held; where that is more than there is
    /// room for, nothing is given until enough has come back.
    pub(crate) fn resize(&self, bytes_max: usize) {
        self.lock().bytes_max = bytes_max;
    }

    /// A permit for nothing yet.
    pub(crate) fn permit(self: &Arc<Self>, tenant: &str) -> Permit {
        Permit { permits: self.clone(), tenant: tenant.to_owned(), bytes: 0 }
    }

    /// Bytes in flight.
    pub(crate) fn held(&self) -> usize {
        self.lock().all
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Permit {
    /// Takes `more` bytes; `false` if there is no room for them now.
    #[must_use]
    pub(crate) fn grow(&mut self, more: usize) -> bool {
        let mut held = self.permits.lock();
        if !held.has_room_for(more, &self.tenant) {
            return false;
        }
        held.all += more;
        *held.by_tenant.entry(self.tenant.clone()).or_default() += more;
        self.bytes += more;
        true
    }

    /// Whether there is room for `more` bytes now. None of it is taken.
    pub(crate) fn has_room_for(&self, more: usize) -> bool {
        self.permits.lock().has_room_for(more, &self.tenant)
    }
}

impl Held {
    fn has_room_for(&self, more: usize, tenant: &str) -> bool {
        let free = self.bytes_max.saturating_sub(self.all);
        let of_tenant = self.by_tenant.get(tenant).copied().unwrap_or_default();
        // What the tenant holds and would hold, against half of what others leave.
        more <= free && of_tenant + more <= (free + of_tenant) / 2
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut held = self.permits.lock();
        held.all -= self.bytes;
        if let Some(of_tenant) = held.by_tenant.get_mut(&self.tenant) {
            *of_tenant -= self.bytes;
            if *of_tenant == 0 {
                held.by_tenant.remove(&self.tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_tenant_leaves_room_for_another() {
        let permits = Permits::new(1000);
        let (mut loud, mut quiet) = (permits.permit("loud"), permits.permit("quiet"));
        assert!(loud.has_room_for(500) && !loud.has_room_for(501));
        assert!(loud.grow(500) && !loud.grow(1));
        assert!(quiet.grow(250) && !quiet.grow(1));
        drop(loud);
        assert!(quiet.grow(250));
        drop(quiet);
        assert_eq!(permits.held(), 0);
    }

    #[test]
    fn room_can_grow_and_shrink_under_what_is_held() {
        let permits = Permits::new(1000);
        let mut permit = permits.permit("a");
        assert!(permit.grow(500) && !permit.has_room_for(1));
        permits.resize(2000);
        assert!(permit.grow(500) && !permit.has_room_for(1));
        permits.resize(100);
        assert!(!permit.has_room_for(1) && !permits.permit("b").has_room_for(1));
        assert_eq!(permits.held(), 1000, "what is held stays held");
        drop(permit);
        assert!(permits.permit("b").has_room_for(50));
    }
}

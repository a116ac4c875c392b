//! Who follows: how many may, and what wakes them.
//!
//! Promises: no tenant takes the room of all others; who has no room is told so. A tail that waits
//! costs nothing but its connection.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::http::error::Failure;

/// Tails at once.
const TAILS_MAX: usize = 128;
/// Tails of one tenant at once.
const TENANT_TAILS_MAX: usize = 64;

/// The tails there are.
pub(crate) struct Tails {
    open: Mutex<BTreeMap<String, usize>>,
    /// Moves when something was committed.
    moved: watch::Sender<()>,
    stop: watch::Receiver<bool>,
}

/// The right to follow, while it lasts.
pub(crate) struct Seat {
    tails: Arc<Tails>,
    tenant: String,
}

impl Tails {
    /// None yet; all end when `stop` says so.
    pub(crate) fn new(stop: watch::Receiver<bool>) -> Arc<Tails> {
        Arc::new(Tails { open: Mutex::default(), moved: watch::Sender::new(()), stop })
    }

    /// A seat for a tail of this tenant.
    pub(crate) fn enter(self: &Arc<Tails>, tenant: &str) -> Result<Seat, Failure> {
        let mut open = self.lock();
        let all: usize = open.values().sum();
        let own = open.get(tenant).copied().unwrap_or(0);
        if all >= TAILS_MAX || own >= TENANT_TAILS_MAX {
            let what = format!(
                "{own} tails of this tenant and {all} in all are open; allowed are \
                 {TENANT_TAILS_MAX} and {TAILS_MAX}; end one, or retry soon"
            );
            return Err(Failure::busy("busy", what));
        }
        open.insert(tenant.to_owned(), own + 1);
        Ok(Seat { tails: self.clone(), tenant: tenant.to_owned() })
    }

    /// How many there are.
    #[cfg(test)]
    fn count(&self) -> usize {
        self.lock().values().sum()
    }

    /// Wakes those that wait for something new.
    pub(crate) fn wake(&self) {
        self.moved.send_replace(());
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// Says when something was committed.
    pub(crate) fn moved(&self) -> watch::Receiver<()> {
        self.tails.moved.subscribe()
    }

    /// Says when the server stops.
    pub(crate) fn stop(&self) -> watch::Receiver<bool> {
        self.tails.stop.clone()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.tails.lock();
        if let Some(own) = open.get_mut(&self.tenant) {
            *own -= 1;
            if *own == 0 {
                open.remove(&self.tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_tenant_leaves_room_for_another() {
        let (_stop, stopped) = watch::channel(false);
        let tails = Tails::new(stopped);
        let mut loud: Vec<Seat> = Vec::new();
        while let Ok(seat) = tails.enter("loud") {
            loud.push(seat);
        }
        assert_eq!(loud.len(), TENANT_TAILS_MAX);
        let quiet = tails.enter("quiet").expect("room for others");
        loud.pop();
        assert!(tails.enter("loud").is_ok(), "a seat that was left is free");
        drop((loud, quiet));
        assert_eq!(tails.count(), 0);
    }

    #[test]
    fn all_tails_have_a_bound() {
        let (_stop, stopped) = watch::channel(false);
        let tails = Tails::new(stopped);
        let tenants = (0..2 * TAILS_MAX).map(|n| format!("tenant-{n}"));
        let seats: Vec<_> = tenants.filter_map(|tenant| tails.enter(&tenant).ok()).collect();
        assert_eq!((seats.len(), tails.count()), (TAILS_MAX, TAILS_MAX));
    }
}

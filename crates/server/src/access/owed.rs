//! How changes ended, where the access log did not take it at once.
//!
//! Promises: who made a change that took force is not told to ask again; its end is stated by the
//! first pulse with which the log takes it, and tried once more at a stop. Where many ends are owed
//! no further change begins.
//!
//! KNOWN: a crash loses the ends that are owed. The log has the attempts.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use admit::Statement;
use commit::Purpose;

use crate::app::App;
use crate::http::error::Failure;

/// Ends that are owed at once; no change begins beyond them, and few are under way.
const OWED_MAX: usize = 1_000;

/// By tenant, in the order in which they came. Locked for as long as it takes to add or take one.
#[derive(Default)]
pub(crate) struct Owed(Mutex<VecDeque<(String, Statement)>>);

impl Owed {
    /// Whether a change may begin.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let has_room = self.lock().len() < OWED_MAX;
        let why = "the access log has to take first how earlier changes ended; nothing was done";
        has_room.then_some(()).ok_or_else(|| Failure::busy("disk", why))
    }

    /// Keeps an end until the log takes it.
    pub(crate) fn add(&self, tenant: String, end: Statement) {
        tracing::warn!(tenant, action = end.action(), "the end of a change is stated later");
        self.lock().push_back((tenant, end));
    }

    fn first(&self) -> Option<(String, Statement)> {
        self.lock().front().cloned()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(String, Statement)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// States what is owed, until the log takes no more. Called with every pulse and at a stop, never
/// twice at once.
pub(crate) async fn state(app: &Arc<App>) {
    while let Some((tenant, end)) = app.owed.first() {
        if app.state(&tenant, Purpose::Access, end).await.is_err() {
            return;
        }
        app.owed.lock().pop_front();
    }
}

/// The same when nothing comes after it.
pub(crate) async fn state_at_last(app: &Arc<App>) {
    state(app).await;
    for (tenant, end) in app.owed.lock().drain(..) {
        tracing::error!(tenant, action = end.action(), "the end of a change was not stated");
    }
}

//! What all requests share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use admit::Policy;
use commit::{Indexer, Log, Store};
use platform::Clock;
use query::Hot;

use crate::backlog::Backlog;
use crate::config::Limits;
use crate::metrics::Metrics;
use crate::permits::Permits;
use crate::refusals::Refusals;
use crate::tails::Tails;
use crate::tokens::Tokens;
use crate::turns::Turns;

/// The running server's parts.
pub(crate) struct App {
    pub(crate) store: Store,
    pub(crate) hot: Arc<Hot>,
    pub(crate) indexer: Arc<Indexer>,
    pub(crate) tokens: Tokens,
    /// A tenant's log as the configuration names it, by tenant. It may be closed by now; then one
    /// of those that followed it takes the tenant's events.
    pub(crate) open_logs: BTreeMap<String, String>,
    pub(crate) policy: Policy,
    pub(crate) limits: Limits,
    pub(crate) permits: Arc<Permits>,
    pub(crate) turns: Turns,
    pub(crate) tails: Arc<Tails>,
    pub(crate) refusals: Refusals,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) counters: Counters,
    pub(crate) metrics: Metrics,
    pub(crate) connections: Arc<Connections>,
    pub(crate) backlog: Backlog,
    /// Set when the journal has failed: `/readyz` says no from then on.
    pub(crate) failed: Arc<AtomicBool>,
    /// Set when the server stops: long reads end with what they have.
    pub(crate) stopping: AtomicBool,
}

impl App {
    /// The log that takes a tenant's events.
    pub(crate) fn open_log(&self, tenant: &str) -> Option<Arc<Log>> {
        self.store.newest(self.open_logs.get(tenant)?)
    }
}

/// The connections that there are.
pub(crate) struct Connections {
    pub(crate) max: usize,
    pub(crate) open: AtomicU64,
    /// Turned away at the bound.
    pub(crate) refused: AtomicU64,
}

impl Connections {
    pub(crate) fn new(max: usize) -> Arc<Connections> {
        Arc::new(Connections { max, open: AtomicU64::new(0), refused: AtomicU64::new(0) })
    }
}

/// What `/metrics` shows.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) requests: AtomicU64,
    pub(crate) events: AtomicU64,
    pub(crate) duplicates: AtomicU64,
    pub(crate) conflicts: AtomicU64,
}

//! What all requests share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};

use commit::{Indexer, Log, Purpose, Store};
use platform::Clock;
use query::Hot;
use tokio::sync::watch;

use crate::access::Principal;
use crate::access::denials::Denials;
use crate::access::owed::Owed;
use crate::access::second::{Act, SecondPerson, Word};
use crate::access::under_way::UnderWay;
use crate::access::verifications::Verifications;
use crate::backlog::Backlog;
use crate::books::Books;
use crate::config::Limits;
use crate::http::request_id::RequestIds;
use crate::left_out::LeftOut;
use crate::metrics::Metrics;
use crate::owners::Catalogues;
use crate::permits::Permits;
use crate::policies::Policies;
use crate::quotas::Quotas;
use crate::refusals::Refusals;
use crate::reload::Setup;
use crate::room::Room;
use crate::schemas::Registry;
use crate::tails::Tails;
use crate::tokens::Tokens;
use crate::turns::Turns;

/// The running server's parts.
pub(crate) struct App {
    pub(crate) store: Store,
    pub(crate) hot: Arc<Hot>,
    pub(crate) indexer: Arc<Indexer>,
    pub(crate) tokens: Tokens,
    pub(crate) second: SecondPerson,
    /// A tenant's logs as the configuration names them, by tenant. They may be closed by now; then
    /// those that followed them take what the tenant's take.
    pub(crate) books: BTreeMap<String, Books>,
    pub(crate) policies: Policies,
    pub(crate) catalogues: Catalogues,
    /// The configuration in force, and how it is read again.
    pub(crate) setup: Setup,
    pub(crate) schemas: Registry,
    pub(crate) left_out: LeftOut,
    pub(crate) permits: Arc<Permits>,
    pub(crate) turns: Turns,
    pub(crate) tails: Arc<Tails>,
    pub(crate) refusals: Refusals,
    pub(crate) room: Room,
    pub(crate) quotas: Quotas,
    pub(crate) verifications: Verifications,
    pub(crate) under_way: UnderWay,
    pub(crate) denials: Denials,
    /// Ends of changes that the access logs do not have yet.
    pub(crate) owed: Owed,
    pub(crate) request_ids: Arc<RequestIds>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) counters: Counters,
    pub(crate) metrics: Metrics,
    pub(crate) connections: Arc<Connections>,
    pub(crate) backlog: Backlog,
    /// Set when the journal has failed, or cannot be believed: `/readyz` says no from then on.
    pub(crate) failed: Arc<AtomicBool>,
    /// Set when the server stops: long reads end with what they have.
    pub(crate) stopping: AtomicBool,
    /// True once the server stops, or its journal has failed.
    pub(crate) stops: watch::Sender<bool>,
}

impl App {
    /// The bounds in force.
    pub(crate) fn limits(&self) -> Limits {
        self.setup.now().config.limits
    }

    /// The log of a tenant's that takes what has a purpose.
    pub(crate) fn open_log(&self, tenant: &str, purpose: Purpose) -> Option<Arc<Log>> {
        self.store.newest(self.books.get(tenant)?.name(purpose))
    }

    /// The open logs that nothing goes to, for no setting names them or what they followed: where a
    /// name is misspelt, or a tenant was left out.
    pub(crate) fn unnamed_logs(&self) -> Vec<Arc<Log>> {
        let named = self.books.values().flat_map(|books| [&books.events, &books.access]);
        let named: BTreeSet<String> = named
            .filter_map(|name| self.store.newest(name))
            .map(|log| log.meta.name().to_owned())
            .collect();
        let logs = self.store.logs();
        let open = logs.values().filter(|log| log.may_grow());
        open.filter(|log| !named.contains(log.meta.name())).cloned().collect()
    }

    /// The word of a second person for what a caller orders, if somebody in force has given it.
    pub(crate) fn second_word(&self, act: &Act, caller: &Principal) -> Option<Word> {
        self.second.word(act, caller, &self.tokens, self.clock.now())
    }

    /// Whether that word still counts; it is spent.
    pub(crate) fn spend_word(&self, word: &Word, tenant: &str) -> bool {
        self.second.spend(word, tenant, &self.tokens, self.clock.now())
    }
}

/// The connections that there are.
pub(crate) struct Connections {
    /// How many there may be; a reload may change it.
    pub(crate) max: AtomicUsize,
    /// How many of them one peer may have; the same.
    pub(crate) per_peer_max: AtomicUsize,
    pub(crate) open: AtomicU64,
    /// Turned away at the bound.
    pub(crate) refused: AtomicU64,
}

impl Connections {
    pub(crate) fn new(max: usize, per_peer_max: usize) -> Arc<Connections> {
        let (max, per_peer_max) = (AtomicUsize::new(max), AtomicUsize::new(per_peer_max));
        Arc::new(Connections {
            max,
            per_peer_max,
            open: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        })
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

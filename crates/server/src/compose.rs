//! The server's parts, put together on whatever world they are given.
//!
//! Promises: what is composed here is what runs: `serve` adds a socket and what beats by the
//! machine's time, a simulated day adds its own. Everything of a start is stated before anybody is
//! heard, and everything that was left out before the folder is closed.
//!
//! Never: opens a socket, or waits for time to pass.

mod settings;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;

use commit::{Fatal, OpenError, Progress, SetAside, Store, World};
use platform::{Clock, Disk};
use query::Hot;
use tokio::sync::watch;

use crate::access::denials::{self, Denials};
use crate::access::owed::{self, Owed};
use crate::access::second::SecondPerson;
use crate::access::under_way::UnderWay;
use crate::access::verifications::Verifications;
use crate::app::{App, Connections, Counters};
use crate::backlog::{self, Backlog};
use crate::config::Loaded;
use crate::descriptors;
use crate::first_tokens::first_tokens;
use crate::http::request_id::RequestIds;
use crate::left_out::LeftOut;
use crate::metrics::Metrics;
use crate::owners::{self, Catalogues};
use crate::permits::Permits;
use crate::quotas::{Quotas, Rates};
use crate::refusals::Refusals;
use crate::reload::{Setup, state_start};
use crate::room::{self, Room};
use crate::schemas::{self, Registry, RegistryError};
use crate::start_error::StartError;
use crate::tails::Tails;
use crate::tokens::{TokenError, Tokens};
use crate::turns::Turns;
use settings::{policies, settings};

/// What is next where an event was found that is not what was signed.
const NEXT: &str = "the next start looks at it before it takes anything, and refuses or sets the \
                    folder aside as on_damage says: docs/operations/damage.md";

/// An open log that nothing goes to.
const UNNAMED: &str = "an open log that no setting names takes nothing any more; is a log.name \
                       misspelt?";

/// A server that answers who calls its router.
pub(crate) struct Composed {
    pub(crate) app: Arc<App>,
    /// Says true once the server stops, or its journal has failed.
    pub(crate) stop: watch::Sender<bool>,
    /// The first admin token, made at the first start, by tenant.
    pub(crate) first_tokens: Vec<(String, String)>,
    backlog: JoinHandle<Result<(), OpenError>>,
}

impl Composed {
    /// Opens the data folder and states what a start states.
    pub(crate) async fn start(
        world: World,
        loaded: &Loaded,
        progress: &mut Progress<'_>,
    ) -> Result<Composed, StartError> {
        let (stop, _) = watch::channel(false);
        let app = open(world, loaded, progress, stop.clone())?;
        for log in app.unnamed_logs() {
            let (log, tenant) = (log.meta.name(), log.meta.tenant.as_str());
            tracing::warn!(log, tenant, "{UNNAMED}");
        }
        let first_tokens = first_tokens(&app, &loaded.config).await?;
        let backlog = catch_up(app.clone(), stop.clone())?;
        owners::start(&app).await;
        // Before the first body: a start on a full disk takes none in.
        room::watch(&app).await;
        // Before anybody is heard: what was changed while the server was down is told first.
        state_start(&app).await;
        Ok(Composed { app, stop, first_tokens, backlog })
    }

    /// Lets long reads and tails end, and what waits for a stop.
    pub(crate) fn begin_stop(&self) {
        self.app.stopping.store(true, Relaxed);
        self.stop.send_replace(true);
    }

    /// Closes the folder in order. Nobody calls the router any more, and nothing beats.
    pub(crate) async fn close(self) -> Result<(), String> {
        let Composed { app, backlog, .. } = self;
        // Changes whose callers are gone come to their ends, too.
        let _at_rest = app.under_way.at_rest().await;
        // Nobody is answered any more: what was left out until now is all there will be.
        app.state_all_left_out(true).await;
        denials::state(&app, true).await;
        owed::state_at_last(&app).await;
        app.backlog.stop();
        let close = move || {
            let caught_up = backlog.join().map_err(|_| "indexing panicked".to_owned())?;
            if let Err(cause) = app.tokens.keep_uses() {
                tracing::warn!(%cause, "when tokens were last used is not kept");
            }
            let closed = app.store.close();
            closed.map_err(|fatal| format!("{fatal}: {}", fatal.0))?;
            caught_up.and_then(|()| app.backlog.found_by_reads()).map_err(|error| match error {
                OpenError::Damaged(_) => format!("{error}; {NEXT}"),
                error => error.to_string(),
            })
        };
        let closed = tokio::task::spawn_blocking(close).await;
        closed.map_err(|error| error.to_string())?
    }
}

/// Opens the folder and makes every part; nothing moves yet but the lane.
fn open(
    world: World,
    loaded: &Loaded,
    progress: &mut Progress<'_>,
    stop: watch::Sender<bool>,
) -> Result<Arc<App>, StartError> {
    let config = &loaded.config;
    let (disk, clock) = (world.disk.clone(), world.clock.clone());
    let request_ids = RequestIds::new(world.entropy.as_ref());
    let (keys, entropy) = (world.keys.clone(), world.entropy.clone());
    let tokens = Tokens::of_folders(disk.clone(), keys.clone(), clock.clone(), entropy)?;
    let mut tokens = tokens.sharing(config.log.len());
    let sources = config.log.iter().map(|log| (log.tenant.clone(), log.catalogue.clone()));
    let catalogues = Catalogues::open(disk.clone(), sources)?;
    let schemas = schemas(&disk, &clock)?;
    let (settings, books) = settings(config, disk.as_ref())?;
    let hot = Arc::new(Hot::resuming(query::Settings::default()));
    let indexer = hot.indexer();
    let tails = Tails::new(stop.subscribe());
    let failed = Arc::new(AtomicBool::new(false));
    let stops = stop.clone();
    let died = dying(failed.clone(), stop);
    let connections_max = descriptors::connections(config.limits.connections_max);
    let store = Store::open(world, &settings, progress, &indexer, died)?;
    tell(&store);
    tokens.settle(&*disk, &keys).map_err(TokenError::from)?;
    Ok(Arc::new(App {
        store,
        hot,
        indexer,
        tokens,
        second: SecondPerson::default(),
        books,
        policies: policies(&schemas, config)?,
        catalogues,
        setup: Setup::new(loaded),
        schemas,
        left_out: LeftOut::default(),
        permits: Permits::new(config.limits.in_flight_bytes_max),
        turns: Turns::new(),
        tails,
        refusals: Refusals::default(),
        request_ids,
        room: Room::new(config.disk),
        quotas: Quotas::new(Rates::of_config(config)),
        metrics: Metrics::new(clock.now()),
        connections: Connections::new(connections_max, config.limits.connections_per_peer_max),
        verifications: Verifications::default(),
        under_way: UnderWay::default(),
        denials: Denials::default(),
        owed: Owed::default(),
        clock,
        counters: Counters::default(),
        backlog: Backlog::new(),
        failed,
        stopping: AtomicBool::new(false),
        stops,
    }))
}

/// Says what was found while the folder was opened.
fn tell(store: &Store) {
    for aside in store.set_aside() {
        let SetAside { number, file, offset, what, troubles, is_ours, .. } = aside;
        let more = troubles.join("; ");
        match is_ours {
            true => {
                tracing::warn!(number, file, offset, what, more, "a damaged folder was set aside");
            }
            false => tracing::warn!(number, more, "below damaged/ stands what is not ours"),
        }
    }
    for remark in store.remarks() {
        tracing::warn!("{remark}");
    }
}

/// What is done when the journal fails.
fn dying(failed: Arc<AtomicBool>, stop: watch::Sender<bool>) -> impl FnOnce(&Fatal) + Send {
    move |fatal| {
        tracing::error!(cause = %fatal.0, "the journal failed; this process ends");
        failed.store(true, Relaxed);
        // Nobody may be listening yet; then start-up itself reports the failure.
        let _ = stop.send(true);
    }
}

fn schemas(disk: &Arc<dyn Disk>, clock: &Arc<dyn Clock>) -> Result<Registry, StartError> {
    let opened = Registry::open(disk.clone(), clock.clone());
    opened.map_err(|error| match error {
        RegistryError::Io(source) => OpenError::Io { what: schemas::FILE.into(), source }.into(),
        error @ RegistryError::Wrong(_) => StartError::Schemas(error.to_string()),
    })
}

/// Ends the process for what it cannot do without.
pub(crate) fn fail(app: &App, stop: &watch::Sender<bool>, cause: &str) {
    tracing::error!(cause, "this process ends");
    app.failed.store(true, Relaxed);
    stop.send_replace(true);
}

/// Indexes and checks what the start found, on a thread of its own. Damage ends the process, as it
/// would have kept it from starting.
fn catch_up(
    app: Arc<App>,
    stop: watch::Sender<bool>,
) -> Result<JoinHandle<Result<(), OpenError>>, StartError> {
    let run = move || {
        // A panic is a failure like any other: reads would wait for ever.
        let panicked = |_| {
            let source = std::io::Error::other("indexing panicked");
            Err(OpenError::Io { what: "what the journal holds".into(), source })
        };
        let result =
            catch_unwind(AssertUnwindSafe(|| backlog::work(&app))).unwrap_or_else(panicked);
        if let Err(error) = &result {
            let cause = format!("what the journal holds cannot be believed: {error}");
            fail(&app, &stop, &cause);
        }
        result
    };
    let thread = std::thread::Builder::new().name("backlog".into()).spawn(run);
    thread.map_err(|error| StartError::Folder("a thread".into(), error))
}

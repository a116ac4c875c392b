//! Starting and stopping.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;

use admit::Statement;
use commit::{Fatal, OpenError, Progress, Purpose, Settings, Store, World, id_key};
use platform::{Clock, Disk, Entropy, Held, RealDisk, SystemClock, SystemEntropy};
use query::Hot;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::access::Role;
use crate::access::under_way::UnderWay;
use crate::access::verifications::Verifications;
use crate::app::{App, Connections, Counters};
use crate::backlog::{self, Backlog};
use crate::books;
use crate::config::{Config, Loaded};
use crate::descriptors;
use crate::http::request_id::RequestIds;
use crate::http::{self, Patience};
use crate::left_out::{self, LeftOut};
use crate::metrics::Metrics;
use crate::origin;
use crate::owners::{self, Catalogues};
use crate::permits::Permits;
use crate::policies::Policies;
use crate::pulse::Pulse;
use crate::quotas::Quotas;
use crate::refusals::Refusals;
use crate::reload::{Asker, Reloaded, Setup, reload, state_start};
use crate::room::{self, Room};
use crate::schemas::Registry;
use crate::scope_file;
use crate::start_error::StartError;
use crate::tails::Tails;
use crate::tokens::{NewToken, TokenError, Tokens};
use crate::turns::Turns;

/// What a start found and made.
#[derive(Clone)]
pub struct Started {
    /// Where it listens.
    pub address: SocketAddr,
    /// Public keys of the logs.
    pub vkeys: Vec<String>,
    /// The first admin token, made at the first start, by tenant.
    pub first_tokens: Vec<(String, String)>,
}

/// A running server.
pub struct Running {
    /// What the start found and made.
    pub started: Started,
    pub(crate) app: Arc<App>,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
    backlog: JoinHandle<Result<(), OpenError>>,
    pulse: Pulse,
    stating: tokio::task::JoinHandle<()>,
    _held: Held,
}

/// Opens the data folder and starts to listen.
pub async fn start(
    data: &Path,
    keys: &Path,
    loaded: &Loaded,
    progress: &mut Progress<'_>,
) -> Result<Running, StartError> {
    let config = &loaded.config;
    let folder = |path: &Path| {
        RealDisk::new(path).map_err(|error| StartError::Folder(path.display().to_string(), error))
    };
    let (data_disk, keys_disk) = (folder(data)?, folder(keys)?);
    let held = data_disk
        .hold()
        .map_err(|error| StartError::Folder(data.display().to_string(), error))?
        .ok_or_else(|| StartError::Held(data.display().to_string()))?;
    // Bound before the folder is opened: an address in use must not cost a recovery.
    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(|error| StartError::Listen(config.listen, error))?;
    let address =
        listener.local_addr().map_err(|error| StartError::Listen(config.listen, error))?;
    origin::check(&data_disk, config.origin.as_deref())?;
    let (stop, stopped) = watch::channel(false);
    let app = open(data_disk, keys_disk, loaded, progress, stop.clone())?;
    let first_tokens = first_tokens(&app, config).await?;
    let backlog = catch_up(app.clone(), stop.clone())?;
    owners::start(&app).await.map_err(|failure| StartError::unstated(&failure))?;
    let thread = |error| StartError::Folder("a thread".into(), error);
    // Before the first body: a start on a full disk takes none in.
    room::watch(&app).await;
    let pulse = Pulse::start(app.clone()).map_err(thread)?;
    let vkeys = app.store.logs().values().map(|log| log.vkey()).collect();
    // Before anybody is heard: what was changed while the server was down is told first.
    state_start(&app).await;
    let (router, connections) = (http::router(app.clone()), app.connections.clone());
    let stating = tokio::spawn(state_left_out(app.clone(), stopped.clone()));
    let (ids, patience) = (app.request_ids.clone(), Patience::default());
    let listening = http::listen(listener, router, connections, patience, ids, stopped);
    let task = tokio::spawn(listening);
    let started = Started { address, vkeys, first_tokens };
    Ok(Running { started, app, stop, task, backlog, pulse, stating, _held: held })
}

fn open(
    data: RealDisk,
    keys: RealDisk,
    loaded: &Loaded,
    progress: &mut Progress<'_>,
    stop: watch::Sender<bool>,
) -> Result<Arc<App>, StartError> {
    let config = &loaded.config;
    let disk: Arc<dyn Disk> = Arc::new(data);
    let keys: Arc<dyn Disk> = Arc::new(keys);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let request_ids = RequestIds::new(entropy.as_ref());
    let id_key = id_key(keys.as_ref(), entropy.as_ref())?;
    let tokens = Tokens::open(disk.clone(), clock.clone(), entropy.clone())?;
    let sources = config.log.iter().map(|log| (log.tenant.clone(), log.catalogue.clone()));
    let catalogues = Catalogues::open(disk.clone(), sources)?;
    let host = origin_host(config, disk.as_ref());
    let schemas = schemas(&disk, &clock)?;
    let world = World { disk, keys, clock: clock.clone(), entropy, id_key };
    let (logs, books) = books::books(config.logs()).map_err(OpenError::Setting)?;
    let mut settings = Settings::new(&host, logs);
    settings.partitions = config.partition.limits();
    settings.version = Some(env!("CARGO_PKG_VERSION").to_owned());
    let hot = Arc::new(Hot::resuming(query::Settings::default()));
    let indexer = hot.indexer();
    let tails = Tails::new(stop.subscribe());
    let failed = Arc::new(AtomicBool::new(false));
    let failing = failed.clone();
    let died = move |fatal: &Fatal| {
        tracing::error!(cause = %fatal.0, "the journal failed; this process ends");
        failing.store(true, Relaxed);
        // Nobody may be listening yet; then start-up itself reports the failure.
        let _ = stop.send(true);
    };
    let connections_max = descriptors::connections(config.limits.connections_max);
    let store = Store::open(world, &settings, progress, &indexer, died)?;
    Ok(Arc::new(App {
        store,
        hot,
        indexer,
        tokens,
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
        quotas: Quotas::new(&config.limits),
        metrics: Metrics::new(clock.now()),
        connections: Connections::new(connections_max, config.limits.connections_per_peer_max),
        verifications: Verifications::default(),
        under_way: UnderWay::default(),
        clock,
        counters: Counters::default(),
        backlog: Backlog::new(),
        failed,
        stopping: AtomicBool::new(false),
    }))
}

/// The name that logs made now begin with. It matters only while there is none yet.
fn origin_host(config: &Config, disk: &dyn Disk) -> String {
    let has_logs = disk.list("logs").is_ok_and(|logs| !logs.is_empty());
    let host = config.origin.clone().unwrap_or_else(host_name);
    if config.origin.is_none() && !has_logs {
        tracing::warn!(
            host,
            "no --origin was given: the logs made now are named after this machine, for ever"
        );
    }
    host
}

/// States what the audit scope left out, as it becomes due, until the server stops.
async fn state_left_out(app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    let mut every = tokio::time::interval(left_out::LOOKED_AT_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let is_over = tokio::select! {
            ended = stopped.wait_for(|stop| *stop) => { drop(ended); true }
            _ = every.tick() => false,
        };
        if is_over {
            return;
        }
        app.state_all_left_out(false).await;
    }
}

fn schemas(disk: &Arc<dyn Disk>, clock: &Arc<dyn Clock>) -> Result<Registry, StartError> {
    let opened = Registry::open(disk.clone(), clock.clone());
    opened.map_err(|error| StartError::Schemas(error.to_string()))
}

/// What each tenant's events are admitted by from the start.
fn policies(schemas: &Registry, config: &Config) -> Result<Policies, StartError> {
    let policies = Policies::default();
    for tenant in schemas.tenants() {
        let in_force = schemas.in_force(&tenant);
        policies.change(&tenant, |policy| policy.with_schemas(Some(in_force)));
    }
    for log in &config.log {
        let Some(file) = &log.scope else { continue };
        let shown = file.display();
        let rules =
            scope_file::read(file).map_err(|what| StartError::Scope(format!("{shown}: {what}")))?;
        for warning in rules.warnings() {
            tracing::warn!(file = %shown, warning, "a rule of the audit scope");
        }
        policies.change(&log.tenant, |policy| policy.with_scope(Some(rules)));
    }
    Ok(policies)
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
            let what = "what the journal holds cannot be believed; this process ends";
            tracing::error!(cause = %error, what);
            app.failed.store(true, Relaxed);
            stop.send_replace(true);
        }
        result
    };
    let thread = std::thread::Builder::new().name("backlog".into()).spawn(run);
    thread.map_err(|error| StartError::Folder("a thread".into(), error))
}

/// The machine's name as the host part of origins, where none was given.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim().to_ascii_lowercase();
    if crate::config::check_host(&name).is_ok() { name } else { "localhost".into() }
}

/// Where a tenant has no admin in force, nobody could make a token: it gets one. Who can start the
/// server can have it, and the access log says that it was made so.
async fn first_tokens(
    app: &Arc<App>,
    config: &Config,
) -> Result<Vec<(String, String)>, StartError> {
    let mut made = Vec::new();
    for tenant in config.log.iter().map(|log| &log.tenant) {
        if app.tokens.admins(tenant) > 0 {
            continue;
        }
        let taken: Vec<String> = app.tokens.list(tenant).into_iter().map(|t| t.name).collect();
        let mut names =
            std::iter::once("admin".to_owned()).chain((2..).map(|n| format!("admin-{n}")));
        let name = names.find(|name| !taken.contains(name)).unwrap_or_default();
        let statement = Statement::new("token.create", "audit", "create")
            .to("token", &name)
            .to("role", "admin")
            .because("the tenant had no admin in force when the server started");
        app.state(tenant, Purpose::Access, statement)
            .await
            .map_err(|failure| StartError::unstated(&failure))?;
        let role = Role::Admin;
        let new = NewToken { name, role, services: Vec::new(), expires_in_s: None };
        made.push((tenant.clone(), app.tokens.create(tenant, new)?));
    }
    Ok(made)
}

impl Running {
    /// Makes a token, as an admin of the tenant could.
    pub fn create_token(&self, tenant: &str, new: NewToken) -> Result<String, TokenError> {
        self.app.tokens.create(tenant, new)
    }

    /// Takes the first tokens out of force again: their texts could not be handed over.
    pub async fn forget_first_tokens(&self) -> Result<(), String> {
        for (tenant, text) in &self.started.first_tokens {
            let id = text.split('_').nth(1).unwrap_or_default();
            let statement = Statement::new("token.revoke", "audit", "revoke")
                .to("token", id)
                .because("its text could not be handed over");
            let stated = self.app.state(tenant, Purpose::Access, statement).await;
            stated.map_err(|failure| format!("the access log: {}", failure.code()))?;
            self.app.tokens.forget(id).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Resolves when the journal has failed.
    pub async fn failed(&self) {
        let mut stopped = self.stop.subscribe();
        // An error means that nothing can be sent any more, which is a failure too.
        let _ = stopped.wait_for(|stop| *stop).await;
    }

    /// Reads the configuration again, for a signal; the error says why nothing changed.
    pub async fn reload(&self) -> Result<Reloaded, String> {
        reload(&self.app, &Asker::Signal).await.map_err(|error| error.to_string())
    }

    /// How far indexing is: events done and events in all; `None` once all are.
    pub fn indexing(&self) -> Option<(u64, u64)> {
        let [indexed, _, events] = self.app.backlog.progress();
        (!self.app.backlog.is_open()).then_some((indexed, events))
    }

    /// Returns when the lane has been heard, and then true: it takes batches, and hangs in no
    /// write. False if it could not be asked.
    pub async fn lane_answers(&self) -> bool {
        let (told, heard) = tokio::sync::oneshot::channel();
        let asked = self.app.store.ping(move || {
            // Nobody may wait for it any more.
            let _ = told.send(());
        });
        asked && heard.await.is_ok()
    }

    /// Stops: no new connections, answers to what is worked on within ten seconds, then a folder
    /// closed in order. Returns whether all of it went well.
    pub async fn stop(self) -> Result<(), String> {
        self.app.stopping.store(true, Relaxed);
        let _ = self.stop.send(true);
        let listened = self.task.await;
        // Changes whose callers are gone come to their ends, too.
        let _at_rest = self.app.under_way.at_rest().await;
        // Nobody is answered any more: what was left out until now is all there will be.
        let stated = self.stating.await;
        self.app.state_all_left_out(true).await;
        let (app, backlog, pulse) = (self.app.clone(), self.backlog, self.pulse);
        app.backlog.stop();
        let close = move || {
            let caught_up = backlog.join().map_err(|_| "indexing panicked".to_owned())?;
            let beat = pulse.stop();
            if let Err(cause) = app.tokens.keep_uses() {
                tracing::warn!(%cause, "when tokens were last used is not kept");
            }
            let closed = app.store.close();
            closed.map_err(|fatal| format!("{fatal}: {}", fatal.0))?;
            beat?;
            caught_up.map_err(|damage| damage.to_string())
        };
        let closed = tokio::task::spawn_blocking(close).await;
        listened.map_err(|error| error.to_string())?;
        stated.map_err(|error| error.to_string())?;
        closed.map_err(|error| error.to_string())?
    }
}

//! Starting and stopping.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use admit::Statement;
use commit::{OpenError, Progress, Purpose, World, id_key};
use platform::{Disk, Held, RealDisk, SystemClock, SystemEntropy, may_not_write};
use tokio::net::TcpListener;

use crate::app::App;
use crate::books;
use crate::compose::Composed;
use crate::config::{Config, Loaded};
use crate::http::{self, Patience};
use crate::modes;
use crate::origin;
use crate::pulse::Pulse;
use crate::reload::{Asker, Reloaded, reload};
use crate::start_error::StartError;
use crate::tokens::NewToken;

/// What a folder of keys costs in which nothing can be made.
const UNWRITABLE: &str = "the folder of keys cannot be written: what is there serves, and until it \
                          can be written no log is closed for the next one, no key replaced and no \
                          token made or revoked";

/// What only the one folder has, and what only the other.
const OF_DATA: [&str; 3] = ["folder.json", "journal", "head"];
const OF_KEYS: [&str; 3] = ["frame.key", "id.key", "signed"];

/// What a start found and made.
#[derive(Clone)]
pub struct Started {
    /// Where it listens.
    pub address: SocketAddr,
    /// Public keys of the logs.
    pub vkeys: Vec<String>,
    /// The first admin token, made at the first start, by tenant.
    pub first_tokens: Vec<(String, String)>,
    /// Whether the data folder had no log: all that is in it was made now.
    pub is_new: bool,
}

/// A running server.
pub struct Running {
    /// What the start found and made.
    pub started: Started,
    pub(crate) app: Arc<App>,
    composed: Composed,
    task: tokio::task::JoinHandle<()>,
    pulse: Pulse,
    /// The data folder and the folder of keys.
    _held: (Held, Option<Held>),
}

/// Opens the data folder and starts to listen.
pub async fn start(
    data: &Path,
    keys: &Path,
    loaded: &Loaded,
    progress: &mut Progress<'_>,
) -> Result<Running, StartError> {
    let started = begin(data, keys, loaded, progress).await;
    started.map_err(|error| error.in_folders(data, keys))
}

async fn begin(
    data: &Path,
    keys: &Path,
    loaded: &Loaded,
    progress: &mut Progress<'_>,
) -> Result<Running, StartError> {
    let config = &loaded.config;
    check_new(data, keys, config)?;
    // Bound before any folder is made or opened: an address in use must not cost a recovery, nor
    // leave a trace.
    let not_bound = |error| StartError::Listen(config.listen, error);
    let listener = TcpListener::bind(config.listen).await.map_err(not_bound)?;
    let address = listener.local_addr().map_err(not_bound)?;
    let data_disk = folder(data)?;
    let has_logs = has_logs(&data_disk);
    // To make it anew would hide that it is gone, and leave one that looks like a folder of keys.
    if !keys.is_dir() && has_logs {
        return Err(StartError::NoKeys(keys.display().to_string()));
    }
    let keys_disk = folder(keys)?.through_links();
    modes::check(data, keys)?;
    let held = hold(&data_disk, &keys_disk)?;
    origin::check(&data_disk, config.origin.as_deref())?;
    let world = machine(data_disk, keys_disk)?;
    let composed = Composed::start(world, loaded, progress).await?;
    let app = composed.app.clone();
    let thread = |error| StartError::Folder("a thread".into(), error);
    let pulse = Pulse::start(app.clone(), composed.stop.clone()).map_err(thread)?;
    let vkeys = app.store.logs().values().map(|log| log.vkey()).collect();
    let (router, connections) = (http::router(app.clone()), app.connections.clone());
    let (ids, patience) = (app.request_ids.clone(), Patience::default());
    let stopped = composed.stop.subscribe();
    let task = tokio::spawn(http::listen(listener, router, connections, patience, ids, stopped));
    let first_tokens = composed.first_tokens.clone();
    let started = Started { address, vkeys, first_tokens, is_new: !has_logs };
    Ok(Running { started, app, composed, task, pulse, _held: held })
}

/// Refuses to begin anew beside keys that have a data folder, before anything is made.
pub(crate) fn check_new(data: &Path, keys: &Path, config: &Config) -> Result<(), StartError> {
    let (logs, _) = books::books(config.logs()).map_err(OpenError::Setting)?;
    let shown = |path: &Path| path.display().to_string();
    for (folder, names, what) in [(data, OF_KEYS, "keys"), (keys, OF_DATA, "data")] {
        if let Some(name) = names.into_iter().find(|name| folder.join(name).exists()) {
            return Err(StartError::Swapped(shown(folder), name, what));
        }
    }
    let checked =
        commit::check_new(&RealDisk::at(data), &RealDisk::at(keys).through_links(), &logs);
    checked.map_err(|error| match error {
        OpenError::Anew { key } => StartError::Anew { data: shown(data), keys: shown(keys), key },
        other => other.into(),
    })
}

pub(crate) fn has_logs(data: &RealDisk) -> bool {
    data.list("logs").is_ok_and(|logs| !logs.is_empty())
}

fn folder(path: &Path) -> Result<RealDisk, StartError> {
    RealDisk::new(path).map_err(|error| StartError::Folder(path.display().to_string(), error))
}

/// Takes both folders for this process alone: the data, and the keys, which a copy of the data
/// elsewhere could be given too.
fn hold(data: &RealDisk, keys: &RealDisk) -> Result<(Held, Option<Held>), StartError> {
    let shown = |disk: &RealDisk| disk.root().display().to_string();
    let held = |disk: &RealDisk| disk.hold().map_err(|e| StartError::Folder(shown(disk), e));
    let of_data = held(data)?.ok_or_else(|| StartError::Held(shown(data)))?;
    if !keys.is_writable() {
        tracing::warn!(keys = shown(keys), "{UNWRITABLE}");
    }
    let of_keys = match keys.hold() {
        // A mounted secret: whoever reads there cannot be kept out, and nobody makes a key.
        Err(error) if may_not_write(&error) => {
            let keys = shown(keys);
            tracing::warn!(keys, %error, "not looked at: whether another server uses these keys");
            None
        }
        Err(error) => return Err(StartError::Folder(shown(keys), error)),
        Ok(None) => return Err(StartError::KeysHeld(shown(keys), shown(data))),
        Ok(held) => held,
    };
    Ok((of_data, of_keys))
}

/// The world as this machine is.
fn machine(data: RealDisk, keys: RealDisk) -> Result<World, OpenError> {
    let id_key = id_key(&data, &keys, &SystemEntropy)?;
    Ok(World {
        disk: Arc::new(data),
        keys: Arc::new(keys),
        clock: Arc::new(SystemClock::new()),
        entropy: Arc::new(SystemEntropy),
        id_key,
    })
}

impl Running {
    /// Makes a token, as an admin of the tenant could; one of its name makes place for it.
    pub async fn renew_token(&self, tenant: &str, new: NewToken) -> Result<String, String> {
        let all = self.app.tokens.list(tenant);
        for former in all.iter().filter(|token| token.name == new.name) {
            self.forget(tenant, &former.id, "another takes its place").await?;
        }
        self.app.tokens.create(tenant, new).map_err(|error| error.to_string())
    }

    /// Takes the first tokens out of force again: their texts could not be handed over.
    pub async fn forget_first_tokens(&self) -> Result<(), String> {
        for (tenant, text) in &self.started.first_tokens {
            let id = text.split('_').nth(1).unwrap_or_default();
            self.forget(tenant, id, "its text could not be handed over").await?;
        }
        Ok(())
    }

    async fn forget(&self, tenant: &str, id: &str, why: &str) -> Result<(), String> {
        let statement =
            Statement::new("token.revoke", "audit", "revoke").to("token", id).because(why);
        let stated = self.app.state(tenant, Purpose::Access, statement).await;
        stated.map_err(|failure| format!("the access log: {}", failure.code()))?;
        self.app.tokens.forget(&[id.to_owned()]).map_err(|error| error.to_string())
    }

    /// Resolves when the journal has failed.
    pub async fn failed(&self) {
        let mut stopped = self.composed.stop.subscribe();
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
        let Running { composed, task, pulse, .. } = self;
        composed.begin_stop();
        let listened = task.await;
        let beat = tokio::task::spawn_blocking(move || pulse.stop()).await;
        composed.close().await?;
        listened.map_err(|error| error.to_string())?;
        beat.map_err(|error| error.to_string())?
    }
}

//! The configuration, changed while the server runs.
//!
//! Promises: a reload takes force as a whole or not at all: file and environment are read, what
//! cannot change without a restart is looked for, and every part of [`STEPS`] makes its candidate;
//! one that cannot refuses all. What changes, from what to what, and who asked for it stands in the
//! access logs before it takes force; a reload that failed stands there too. One reload at a time.
//!
//! Never: waits for requests. One that has begun ends under the bounds that it began with.

mod stated;
mod steps;

use std::sync::{Arc, RwLock};

use serde::{Deserialize, Serialize};

use crate::access::Principal;
use crate::app::App;
use crate::config::{Change, ConfigError, Loaded, Sources};
use crate::http::error::Failure;
use crate::http::request_id::outliving;
use crate::{outside, owners};
pub(crate) use stated::state_start;
use steps::{Candidate, STEPS};

/// What could not be done behind settings that took force.
const UNENDED: &str =
    "but the access log could not be written: it has the attempt, and not its end";
const UNREAD: &str = "but the catalogues of owners were not read again; those before stay";

/// What a reload changed, each as it is told; nothing if all was as before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    /// In the order of the table; behind it what other parts read anew.
    pub changes: Vec<Change>,
}

/// Why a reload changed nothing, or did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReloadError {
    /// There is nothing to read again.
    #[error("this server was started without a configuration that could be read again")]
    NoSource,
    /// What was read cannot be used.
    #[error(transparent)]
    Unusable(#[from] ConfigError),
    /// Settings differ that cannot change while the server runs.
    #[error("needs a restart, nothing was changed: {}", .0.join(", "))]
    Restart(Vec<String>),
    /// A part cannot use what it was given.
    #[error("{0}: {1}; nothing was changed")]
    Part(&'static str, String),
    /// It did not come to reading, or not to its end: the server stops, another reload is under
    /// way, or this one panicked.
    #[error("{}", .0.detail())]
    Unread(Failure),
    /// The access log did not take it, so it did not happen.
    #[error("the access log could not be written; nothing was changed")]
    Unstated(Failure),
    /// The settings took force, and what comes behind that could not be done.
    #[error("the settings are in force, {0}")]
    InForce(&'static str, Failure),
}

impl Reloaded {
    /// What a tenant may know of it.
    pub(crate) fn told_to_tenant(mut self, tenant: &str) -> Reloaded {
        self.changes.retain(|change| change.is_for(tenant));
        self
    }
}

impl ReloadError {
    /// What a tenant is told. Where there are several, what concerns logs would name the others,
    /// and stands in the server's traces alone.
    pub(crate) fn told_to_tenant(&self, app: &App) -> String {
        let elsewhere = "the server's traces say more";
        match self {
            error if app.setup.now().config.log.len() < 2 => error.to_string(),
            ReloadError::Unusable(_) | ReloadError::Part(..) => {
                format!("the configuration cannot be used, nothing was changed; {elsewhere}")
            }
            ReloadError::Restart(names) if names.iter().any(|name| name.starts_with("log")) => {
                let own = names.iter().filter(|name| !name.starts_with("log"));
                let own: Vec<&str> = own.map(String::as_str).chain(["settings of logs"]).collect();
                let own = own.join(", ");
                format!("needs a restart, nothing was changed: {own}; {elsewhere}")
            }
            other => other.to_string(),
        }
    }
}

/// Who asks for a reload.
#[derive(Clone, Debug)]
pub(crate) enum Asker {
    /// A signal: whoever may send one to this process.
    Signal,
    /// A principal, over HTTP.
    Principal(Principal),
}

/// The configuration in force, and where it is read again.
pub(crate) struct Setup {
    sources: Option<Sources>,
    now: RwLock<Arc<Loaded>>,
    /// Held by the reload that is under way.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Setup {
    pub(crate) fn new(loaded: &Loaded) -> Setup {
        Setup {
            sources: loaded.sources().cloned(),
            now: RwLock::new(Arc::new(loaded.clone())),
            turn: Arc::default(),
        }
    }

    /// What is in force.
    pub(crate) fn now(&self) -> Arc<Loaded> {
        self.now.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    fn replace(&self, next: Loaded) {
        *self.now.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = Arc::new(next);
    }
}

/// A reload that can no longer fail but in the access log.
struct Plan {
    next: Loaded,
    changes: Vec<Change>,
    candidates: Vec<Candidate>,
}

/// Reads the configuration again and, if all of it can be used, puts it in force. Who asked may
/// hang up: what has begun comes to its end, in the access log too, and a stop waits for that; it
/// does not wait for files.
pub(crate) async fn reload(app: &Arc<App>, asker: &Asker) -> Result<Reloaded, ReloadError> {
    let begun = app.under_way.begin().map_err(ReloadError::Unread)?;
    // A file may hang for as long as it likes: who comes meanwhile comes again. A signal cannot,
    // and there is never more than one that waits.
    let turn = app.setup.turn.clone();
    let turn = match asker {
        Asker::Signal => turn.lock_owned().await,
        Asker::Principal(_) => turn.try_lock_owned().map_err(|_| ReloadError::Unread(busy()))?,
    };
    let (app, asker) = (app.clone(), asker.clone());
    let task = outliving(async move {
        let (_begun, _turn) = (begun, turn);
        reload_all(&app, &asker).await
    });
    let done = task.await;
    done.unwrap_or_else(|error| Err(ReloadError::Unread(Failure::internal(&error))))
}

fn busy() -> Failure {
    Failure::busy("busy", "a reload is under way; nothing was read for this one")
}

async fn reload_all(app: &Arc<App>, asker: &Asker) -> Result<Reloaded, ReloadError> {
    let planning = app.clone();
    let planned = outside::read(app, move || plan(&planning)).await;
    let planned = planned.map_err(ReloadError::Unread)?;
    let plan = match planned {
        Ok(plan) => plan,
        Err(error) => {
            stated::failed(app, asker, &error).await.map_err(ReloadError::Unstated)?;
            return Err(error);
        }
    };
    let changes = enforce(app, asker, plan).await?;
    // Files of owners that cannot be taken change nothing, here neither, and state that themselves.
    owners::reload(app).await.map_err(|failure| ReloadError::InForce(UNREAD, failure))?;
    Ok(Reloaded { changes })
}

/// Puts in force what was decided, and states it before and after.
async fn enforce(app: &Arc<App>, asker: &Asker, plan: Plan) -> Result<Vec<Change>, ReloadError> {
    let operation =
        stated::begins(app, asker, &plan.changes).await.map_err(ReloadError::Unstated)?;
    // A crash from here on leaves an attempt without an end; the next start reads the same file and
    // states what it found.
    for candidate in plan.candidates {
        (candidate.take)(app);
    }
    app.setup.replace(plan.next);
    let ended = stated::ended(app, asker, &plan.changes, &operation).await;
    if let Err(failure) = ended {
        tracing::error!(code = failure.code(), "a reload took force, and its end is not stated");
        return Err(ReloadError::InForce(UNENDED, failure));
    }
    Ok(plan.changes)
}

/// Decides; nothing has changed when this returns.
fn plan(app: &Arc<App>) -> Result<Plan, ReloadError> {
    let sources = app.setup.sources.as_ref().ok_or(ReloadError::NoSource)?;
    let next = sources.load_again()?;
    let now = app.setup.now();
    let mut changes = now.changes(&next);
    let fixed: Vec<String> =
        changes.iter().filter(|change| !change.live).map(|change| change.name.clone()).collect();
    if !fixed.is_empty() {
        return Err(ReloadError::Restart(fixed));
    }
    let mut candidates = Vec::with_capacity(STEPS.len());
    for step in STEPS {
        let candidate = (step.prepare)(app, &next.config);
        let mut candidate = candidate.map_err(|why| ReloadError::Part(step.name, why))?;
        changes.append(&mut candidate.changes);
        candidates.push(candidate);
    }
    Ok(Plan { next, changes, candidates })
}

#[cfg(test)]
mod tests;

//! Owners: of each tenant the catalogue in force, and how another one takes its place.
//!
//! Promises: a change is durable in the access log before it takes force, with what differs. What
//! cannot be read changes nothing: what was in force stays, and why is told wherever the catalogue
//! is shown. A catalogue that says the same keeps its version and its time, also over a restart.
//!
//! Never: keeps the server from starting because a file of owners cannot be read.

mod files;
mod kept;
mod stated;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, RwLock};

use admit::{Owners, Policy};
use catalogue::{Catalogue, CatalogueError, Change};
use commit::Purpose;
use platform::Disk;
use tokio::sync::{Mutex, MutexGuard};

pub use files::read;
pub use kept::KeptError;

use crate::app::App;
use crate::http::error::Failure;
use crate::ingest::{WITH_DISK, work};
use crate::outside;
use kept::InForce;

/// How long until files are read again that could not be taken for want of room.
const AGAIN_AFTER_S: u64 = 10;

/// The catalogues of all tenants.
pub(crate) struct Catalogues {
    disk: Arc<dyn Disk>,
    /// Held over a whole change, the kept file included.
    changing: Mutex<()>,
    /// Locked for as long as it takes to look one up or to put another in its place.
    by_tenant: RwLock<BTreeMap<String, Standing>>,
    /// When the files are to be read again, in seconds since the start; 0 for not of itself.
    again_at_s: AtomicU64,
}

/// What is known of one tenant's catalogue.
#[derive(Clone, Default)]
pub(crate) struct Standing {
    /// File or folder that it is read from.
    pub(crate) source: Option<PathBuf>,
    pub(crate) in_force: Option<Arc<InForce>>,
    /// Why the source could not be taken when it was last read.
    pub(crate) refused: Option<String>,
}

/// What reading a catalogue again came to.
pub(crate) enum Taken {
    Same,
    Changed(Arc<InForce>, Change),
}

impl Catalogues {
    /// What the data folder keeps of some tenants, with where each is read from.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        sources: impl Iterator<Item = (String, Option<PathBuf>)>,
    ) -> Result<Catalogues, KeptError> {
        let standing = |(tenant, source): (String, Option<PathBuf>)| {
            let in_force = kept::read(disk.as_ref(), &tenant)?.map(Arc::new);
            Ok((tenant, Standing { source, in_force, refused: None }))
        };
        let by_tenant = RwLock::new(sources.map(standing).collect::<Result<_, KeptError>>()?);
        Ok(Catalogues { disk, changing: Mutex::new(()), by_tenant, again_at_s: AtomicU64::new(0) })
    }

    pub(crate) fn of(&self, tenant: &str) -> Standing {
        let all = self.by_tenant.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        all.get(tenant).cloned().unwrap_or_default()
    }

    fn tenants(&self) -> Vec<String> {
        let all = self.by_tenant.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        all.keys().cloned().collect()
    }

    fn put(&self, tenant: &str, change: impl FnOnce(&mut Standing)) {
        let mut all = self.by_tenant.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        change(all.entry(tenant.to_owned()).or_default());
    }
}

/// Puts in force what the folder keeps, then what stands in the files now. To be called before
/// anything is admitted. Where the disk has no room to state or keep what changed, what the folder
/// keeps stays in force, and the files are read again by [`again`].
pub(crate) async fn start(app: &Arc<App>) {
    for tenant in app.catalogues.tenants() {
        if let Some(in_force) = app.catalogues.of(&tenant).in_force {
            stamp(app, &tenant, &in_force);
        }
    }
    try_reload(app).await;
}

/// Reads the files again where the last time could not be finished, and some time has passed.
/// Called with every pulse.
pub(crate) async fn again(app: &Arc<App>) {
    let at = app.catalogues.again_at_s.load(Relaxed);
    if at > 0 && app.clock.elapsed().as_secs() >= at {
        try_reload(app).await;
    }
}

async fn try_reload(app: &Arc<App>) {
    let at = match reload(app).await {
        Ok(()) => 0,
        Err(failure) => {
            let what = "the catalogue of owners is not taken yet; trying again";
            tracing::warn!(code = failure.code(), "{what}");
            app.clock.elapsed().as_secs() + AGAIN_AFTER_S
        }
    };
    app.catalogues.again_at_s.store(at, Relaxed);
}

/// Reads the files of all tenants again. A refusal is traced and stated, and is no failure.
pub(crate) async fn reload(app: &Arc<App>) -> Result<(), Failure> {
    for tenant in app.catalogues.tenants() {
        let changing = app.catalogues.changing.lock().await;
        match take(app, &tenant, &changing).await? {
            Ok(Taken::Same) => {}
            Ok(Taken::Changed(now, _)) => {
                let (version, services) = (now.version, now.catalogue.len());
                tracing::info!(tenant, version, services, "another catalogue is in force");
            }
            Err(refused) => {
                tracing::warn!(tenant, %refused, "the catalogue of owners is refused; what was in \
                                                 force stays");
            }
        }
    }
    Ok(())
}

/// The same of one tenant, for somebody who can come again: nobody waits behind a file that hangs.
pub(crate) async fn try_take(
    app: &Arc<App>,
    tenant: &str,
) -> Result<Result<Taken, CatalogueError>, Failure> {
    let busy = || Failure::busy("busy", "owners are being read; nothing was read for this request");
    let changing = app.catalogues.changing.try_lock().map_err(|_| busy())?;
    take(app, tenant, &changing).await
}

/// Reads the files of one tenant again and puts in force what they say. The outer error is ours.
async fn take(
    app: &Arc<App>,
    tenant: &str,
    _changing: &MutexGuard<'_, ()>,
) -> Result<Result<Taken, CatalogueError>, Failure> {
    let catalogues = &app.catalogues;
    let Standing { source, in_force, refused } = catalogues.of(tenant);
    let read = outside::read(app, move || source.as_deref().map(read_source)).await?;
    let catalogue = match read.unwrap_or_else(|| Ok(Catalogue::default())) {
        Ok(catalogue) => catalogue,
        Err(error) => {
            refuse(app, tenant, refused, error.to_string()).await?;
            return Ok(Err(error));
        }
    };
    catalogues.put(tenant, |standing| standing.refused = None);
    let nothing = InForce::nothing();
    let before = in_force.as_deref().unwrap_or(&nothing);
    let digest = catalogue.digest();
    if digest == before.digest {
        return Ok(Ok(Taken::Same));
    }
    let change = Change::between(&before.catalogue, &catalogue);
    let as_of = app.clock.now();
    let now = Arc::new(InForce { version: before.version + 1, as_of, digest, catalogue });
    // A crash behind any of these steps leaves a change that is stated and not in force; the next
    // start reads the files again and states it anew, with its own time.
    app.state(tenant, Purpose::Access, stated::changed(tenant, before, &now, &change)).await?;
    keep(app, tenant, &now).await?;
    stamp(app, tenant, &now);
    catalogues.put(tenant, |standing| standing.in_force = Some(now.clone()));
    Ok(Ok(Taken::Changed(now, change)))
}

/// States why files are refused, once for the same reason.
async fn refuse(
    app: &Arc<App>,
    tenant: &str,
    before: Option<String>,
    reason: String,
) -> Result<(), Failure> {
    if before.as_ref() == Some(&reason) {
        return Ok(());
    }
    app.state(tenant, Purpose::Access, stated::refused(tenant, &reason)).await?;
    app.catalogues.put(tenant, |standing| standing.refused = Some(reason));
    Ok(())
}

async fn keep(app: &App, tenant: &str, now: &Arc<InForce>) -> Result<(), Failure> {
    let (disk, tenant, now) = (app.catalogues.disk.clone(), tenant.to_owned(), now.clone());
    let kept = work(WITH_DISK, move || kept::write(disk.as_ref(), &tenant, &now)).await?;
    kept.map_err(|error| Failure::internal(&error))
}

fn read_source(path: &Path) -> Result<Catalogue, CatalogueError> {
    Catalogue::read(&files::read(path)?)
}

/// Lets admission stamp the owners of a catalogue.
fn stamp(app: &App, tenant: &str, now: &InForce) {
    let teams = now.catalogue.services().map(|(name, service)| (name.into(), service.team.clone()));
    let owners = Arc::new(Owners::new(now.as_of, teams));
    app.policies.change(tenant, |policy| Policy { owners, ..policy });
}

#[cfg(test)]
mod tests;

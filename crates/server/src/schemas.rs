//! The schemas that teams have registered for their actions, with their versions.
//!
//! Promises: what is in force is in `schemas.json` first; a schema that cannot be used is never in
//! force; a version keeps its number and its text for as long as it is kept.
//!
//! Never: says who may register one, or states it; HTTP does.

mod file;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, RwLock, RwLockReadGuard};

use admit::schemas::{ActionSchema, Enforcement, Schemas, check_action};
use platform::{Clock, Disk};
use serde_json::value::RawValue;

pub(crate) use file::NAME as FILE;
use file::{Action, Version};

/// Actions of a tenant that have a schema.
const ACTIONS_MAX: usize = 1_000;
/// Versions of one action's schema that are kept, the newest.
const VERSIONS_MAX: usize = 20;
/// Bytes of all versions of a tenant's schemas, and of all tenants'.
const TENANT_BYTES_MAX: usize = 8 << 20;
const ALL_BYTES_MAX: usize = 64 << 20;
/// Parts and patterns of a tenant's schemas in force: they stay in memory, compiled.
const TENANT_PARTS_MAX: usize = 200_000;
const TENANT_PATTERNS_MAX: usize = 500;

/// Why a schema cannot be registered or found.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RegistryError {
    /// The request is wrong.
    #[error("{0}")]
    Wrong(String),
    /// The file could not be read or written.
    #[error("cannot use {}", file::NAME)]
    Io(#[from] io::Error),
}

/// What is asked of an action's schema: a text, an enforcement, or both.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wish {
    /// The schema; without one the text stays as it is.
    pub(crate) schema: Option<Box<RawValue>>,
    /// Without one it stays as it is; a new action's is `warn`.
    pub(crate) enforcement: Option<Enforcement>,
}

/// One action's schema, as it is shown.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct Shown {
    pub(crate) action: String,
    pub(crate) version: u32,
    /// Of the newest version; an older one is in force no more.
    pub(crate) enforcement: Enforcement,
    pub(crate) made_at: String,
    pub(crate) made_by: String,
    /// Events checked and failed since this version and enforcement are in force here, or since
    /// the server started.
    pub(crate) checked: u64,
    pub(crate) failed: u64,
    /// Versions that are kept.
    pub(crate) versions: Vec<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) schema: Option<Box<RawValue>>,
}

/// A registered action.
#[derive(Clone)]
struct Kept {
    action: Action,
    newest: Arc<ActionSchema>,
}

type Tenants = BTreeMap<String, BTreeMap<String, Kept>>;

/// All registered schemas.
pub(crate) struct Registry {
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    /// Held over every change, the file's included.
    changing: Mutex<()>,
    /// Locked for as long as it takes to look one up or to put a changed list in its place.
    tenants: RwLock<Tenants>,
}

impl Registry {
    /// Reads the schemas of a data folder, and compiles those that are newest.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
    ) -> Result<Registry, RegistryError> {
        let mut tenants = Tenants::new();
        for (tenant, actions) in file::read(disk.as_ref())? {
            let kept = actions.into_iter().map(|(name, action)| {
                let newest = compile(&name, &action)?;
                Ok((name, Kept { action, newest }))
            });
            tenants.insert(tenant, kept.collect::<Result<_, RegistryError>>()?);
        }
        let (changing, tenants) = (Mutex::new(()), RwLock::new(tenants));
        Ok(Registry { disk, clock, changing, tenants })
    }

    /// Tenants that have schemas.
    pub(crate) fn tenants(&self) -> Vec<String> {
        self.read().keys().cloned().collect()
    }

    /// What a tenant's events are checked by.
    pub(crate) fn in_force(&self, tenant: &str) -> Arc<Schemas> {
        let all = self.read();
        let actions = all.get(tenant).into_iter().flat_map(BTreeMap::values);
        Arc::new(Schemas::new(actions.map(|kept| kept.newest.clone())))
    }

    /// A tenant's actions, without the texts of their schemas.
    pub(crate) fn list(&self, tenant: &str) -> Vec<Shown> {
        let all = self.read();
        let actions = all.get(tenant).into_iter().flatten();
        actions.filter_map(|(name, kept)| shown(name, kept, None, false)).collect()
    }

    /// One version of an action's schema, the newest if none is named.
    pub(crate) fn get(&self, tenant: &str, action: &str, version: Option<u32>) -> Option<Shown> {
        let all = self.read();
        shown(action, all.get(tenant)?.get(action)?, version, true)
    }

    /// Registers a schema or changes what it leads to. Writes to the disk; `apply` puts in force
    /// what then stands there. Says what is now registered, and whether anything changed.
    pub(crate) fn put(
        &self,
        tenant: &str,
        name: &str,
        wish: Wish,
        by: &str,
        apply: impl FnOnce(Arc<Schemas>),
    ) -> Result<(Shown, bool), RegistryError> {
        check_action(name).map_err(RegistryError::Wrong)?;
        let _changing = self.changing.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut all = self.read().clone();
        let actions = all.entry(tenant.to_owned()).or_default();
        let action = changed(actions.get(name), wish, by, self.clock.now(), name)?;
        if actions.get(name).is_some_and(|kept| kept.action == action) {
            return Ok((self.shown(tenant, name)?, false));
        }
        let newest = compile(name, &action)?;
        actions.insert(name.to_owned(), Kept { action, newest });
        check_room(actions)?;
        let stored = |actions: &BTreeMap<String, Kept>| {
            actions.iter().map(|(name, kept)| (name.clone(), kept.action.clone())).collect()
        };
        let stored = all.iter().map(|(tenant, actions)| (tenant.clone(), stored(actions)));
        file::write(self.disk.as_ref(), stored.collect())?;
        *self.tenants.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = all;
        apply(self.in_force(tenant));
        Ok((self.shown(tenant, name)?, true))
    }

    fn shown(&self, tenant: &str, name: &str) -> Result<Shown, RegistryError> {
        let lost = || RegistryError::Wrong(format!("no schema is registered for {name:?}"));
        self.get(tenant, name, None).ok_or_else(lost)
    }

    fn read(&self) -> RwLockReadGuard<'_, Tenants> {
        self.tenants.read().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// The action as it is to be. A version is a text: another enforcement makes no new one.
fn changed(
    was: Option<&Kept>,
    wish: Wish,
    by: &str,
    now: i64,
    name: &str,
) -> Result<Action, RegistryError> {
    let mut action = match was {
        Some(kept) => kept.action.clone(),
        None => Action { enforcement: Enforcement::default(), versions: Vec::new() },
    };
    if let Some(enforcement) = wish.enforcement {
        action.enforcement = enforcement;
    }
    let last = action.versions.last();
    match wish.schema {
        Some(schema) if last.is_none_or(|last| last.schema.get() != schema.get()) => {
            let version = last.map_or(1, |last| last.version + 1);
            let made_at = event::format_time(now);
            action.versions.push(Version { version, made_at, made_by: by.to_owned(), schema });
            if action.versions.len() > VERSIONS_MAX {
                action.versions.remove(0);
            }
        }
        None if last.is_none() => {
            let what = format!("{name} has no schema yet: send one, {{\"schema\": {{…}}}}");
            return Err(RegistryError::Wrong(what));
        }
        _ => {}
    }
    Ok(action)
}

fn compile(name: &str, action: &Action) -> Result<Arc<ActionSchema>, RegistryError> {
    let lost = || RegistryError::Wrong(format!("{name} has no version"));
    let newest = action.versions.last().ok_or_else(lost)?;
    let made = ActionSchema::new(name, newest.version, action.enforcement, newest.schema.get());
    made.map(Arc::new).map_err(|error| RegistryError::Wrong(format!("schema {name}: {error}")))
}

fn check_room(actions: &BTreeMap<String, Kept>) -> Result<(), RegistryError> {
    let wrong = |what: String| Err(RegistryError::Wrong(what));
    if actions.len() > ACTIONS_MAX {
        return wrong(format!("{ACTIONS_MAX} actions have a schema already, and no more may"));
    }
    let bytes: usize = actions.values().map(|kept| kept.action.bytes()).sum();
    if bytes > TENANT_BYTES_MAX {
        return wrong(format!(
            "all schemas with their versions would take {bytes} bytes, {TENANT_BYTES_MAX} are \
             allowed"
        ));
    }
    let in_force = actions.values().filter(|kept| kept.action.enforcement != Enforcement::Off);
    let (parts, patterns) = in_force.fold((0, 0), |(parts, patterns), kept| {
        let weight = kept.newest.weight();
        (parts + weight.parts, patterns + weight.patterns)
    });
    if parts > TENANT_PARTS_MAX || patterns > TENANT_PATTERNS_MAX {
        return wrong(format!(
            "all schemas in force would have {parts} parts and {patterns} patterns; \
             {TENANT_PARTS_MAX} and {TENANT_PATTERNS_MAX} are allowed"
        ));
    }
    Ok(())
}

fn shown(name: &str, kept: &Kept, version: Option<u32>, whole: bool) -> Option<Shown> {
    let Action { enforcement, versions } = &kept.action;
    let newest = versions.last()?;
    let version = version.unwrap_or(newest.version);
    let found = versions.iter().find(|kept| kept.version == version)?;
    let is_newest = found.version == newest.version;
    let (checked, failed) = if is_newest { kept.newest.counts() } else { (0, 0) };
    Some(Shown {
        action: name.to_owned(),
        version,
        enforcement: if is_newest { *enforcement } else { Enforcement::Off },
        made_at: found.made_at.clone(),
        made_by: found.made_by.clone(),
        checked,
        failed,
        versions: versions.iter().map(|kept| kept.version).collect(),
        schema: whole.then(|| found.schema.clone()),
    })
}

#[cfg(test)]
mod tests;

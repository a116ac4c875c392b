//! What the access logs hear of the configuration: `config.load` at a start, `config.change` of
//! each setting and `config.reload` of the whole.
//!
//! A change concerns all tenants and is told to each, but for those of a tenant's own log, which
//! are told to it alone; that nothing changed, or that a reload
//! failed, is told to the tenant of who asked, so that none can fill the logs of others. A signal
//! comes from outside all of them, and each hears of it.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use admit::Statement;
use commit::Purpose;
use event::{Number, Object, Value as Json};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{Asker, ReloadError};
use crate::app::App;
use crate::config::{Change, Loaded, Place, Shown, Value, digest};
use crate::http::error::Failure;

/// Bytes that are kept of why a reload failed.
const WHY_BYTES_MAX: usize = 4 << 10;
/// How long to wait before what a start found is stated again, where there was no room for it.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// Says what a start found: the digest of the configuration, and what differs from the default. An
/// auditor sees here what changed while the server was down. Where the disk has no room for it, the
/// server runs, answers what needs no statement, and says it once there is room.
pub(crate) async fn state_start(app: &Arc<App>) {
    let loaded = app.setup.now();
    if try_state_start(app, &loaded).await.is_ok() {
        return;
    }
    let app = app.clone();
    tokio::spawn(async move {
        while !app.stopping.load(Relaxed) && !app.failed.load(Relaxed) {
            tracing::warn!("the access logs do not take what the configuration is; trying again");
            sleep(TRY_AGAIN_AFTER).await;
            if try_state_start(&app, &loaded).await.is_ok() {
                return;
            }
        }
    });
}

async fn try_state_start(app: &Arc<App>, loaded: &Loaded) -> Result<(), Failure> {
    // The policy names the rules and schemas in force by their digest: files that changed while the
    // server was down show here before the first event is judged by them.
    let say = |tenant: &str| {
        vec![start(&loaded.shown_to(tenant)).noting("policy", app.policies.of(tenant).name.clone())]
    };
    to_tenants(app, None, say).await
}

fn start(shown: &[Shown]) -> Statement {
    let given = shown.iter().filter(|shown| shown.place != Place::Default);
    let given = given.map(|shown| {
        let mut row = Object::new();
        row.set("name", shown.name.clone());
        row.set("value", json(&shown.value));
        row.set("from", shown.place.to_string());
        Json::Object(row)
    });
    Statement::new("config.load", "config", "other")
        .to("configuration", "server")
        .ended("success")
        .noting("digest", digest(shown))
        .noting("given", given.collect::<Vec<_>>())
}

/// Says what will change; returns what ties it to its end.
pub(super) async fn begins(
    app: &Arc<App>,
    asker: &Asker,
    changes: &[Change],
) -> Result<String, Failure> {
    let operation = app.store.world().new_id();
    if !changes.is_empty() {
        let say = |tenant: &str| {
            let own = changes.iter().filter(|change| change.is_for(tenant));
            let one = own.map(|change| of_change(asker, change));
            let all = std::iter::once(whole(asker)).chain(one);
            let attempt = all.map(|statement| {
                let statement = statement.with(&["phase"], "attempt");
                statement.with(&["correlation", "operation_id"], operation.clone())
            });
            attempt.collect()
        };
        to_tenants(app, None, say).await?;
    }
    Ok(operation)
}

/// Says that the changes are in force.
pub(super) async fn ended(
    app: &Arc<App>,
    asker: &Asker,
    changes: &[Change],
    operation: &str,
) -> Result<(), Failure> {
    let loaded = app.setup.now();
    let say = |tenant: &str| {
        let whole = whole(asker).with(&["phase"], "end").ended("success");
        let whole = whole.with(&["correlation", "operation_id"], operation.to_owned());
        let own = changes.iter().filter(|change| change.is_for(tenant)).count();
        let whole = whole.counting("changes", own as u64);
        vec![whole.noting("digest", digest(&loaded.shown_to(tenant)))]
    };
    to_tenants(app, asker.tenant().filter(|_| changes.is_empty()), say).await
}

/// Says that nothing changed, and why.
pub(super) async fn failed(
    app: &Arc<App>,
    asker: &Asker,
    error: &ReloadError,
) -> Result<(), Failure> {
    tracing::warn!(cause = %error, "a reload changed nothing");
    let why = error.told_to_tenant(app);
    let why = &why[..why.floor_char_boundary(WHY_BYTES_MAX)];
    let say = |_: &str| {
        let statement = whole(asker).ended("failure");
        let statement = statement.with(&["outcome", "code"], error.code());
        vec![statement.with(&["outcome", "message"], why.to_owned())]
    };
    to_tenants(app, asker.tenant(), say).await
}

fn whole(asker: &Asker) -> Statement {
    asker.does(Statement::new("config.reload", "config", "update").to("configuration", "server"))
}

/// A setting, with what it was and what it will be.
fn of_change(asker: &Asker, change: &Change) -> Statement {
    let mut values = Object::new();
    values.set("path", "");
    values.set("before", json(&change.old));
    values.set("after", json(&change.new));
    let mut setting = Object::new();
    setting.set("role", "target");
    setting.set("type", "setting");
    setting.set("id", change.name.clone());
    setting.set("changes", vec![Json::Object(values)]);
    let statement = Statement::new("config.change", "config", "update");
    let statement = statement.with(&["resources"], vec![Json::Object(setting)]);
    asker.does(statement).noting("from", change.place.to_string())
}

fn json(value: &Value) -> Json<'static> {
    match value {
        Value::Nothing => Json::Null,
        Value::Flag(flag) => Json::Bool(*flag),
        Value::Count(count) => {
            let count = i64::try_from(*count).ok().and_then(Number::from_integer);
            count.map_or(Json::Null, Json::Number)
        }
        Value::Text(text) => text.clone().into(),
    }
}

/// Commits what is to be said to one tenant's access log, or to all of them at once.
async fn to_tenants(
    app: &Arc<App>,
    only: Option<&str>,
    say: impl Fn(&str) -> Vec<Statement>,
) -> Result<(), Failure> {
    let mut told = JoinSet::new();
    for tenant in app.books.keys().filter(|tenant| only.is_none_or(|only| only == *tenant)) {
        let (app, tenant, statements) = (app.clone(), tenant.clone(), say(tenant));
        told.spawn(async move { app.state_all(&tenant, Purpose::Access, statements).await });
    }
    while let Some(done) = told.join_next().await {
        done.map_err(|error| Failure::internal(&error))??;
    }
    Ok(())
}

impl Asker {
    /// Whose tenant alone hears of what changed nothing.
    fn tenant(&self) -> Option<&str> {
        match self {
            Asker::Signal => None,
            Asker::Principal(principal) => Some(&principal.tenant),
        }
    }

    fn does(&self, statement: Statement) -> Statement {
        match self {
            Asker::Signal => statement.because("a signal, SIGHUP, from the server's machine"),
            Asker::Principal(principal) => principal.does(statement),
        }
    }
}

impl ReloadError {
    /// What a program goes by.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            ReloadError::NoSource | ReloadError::Unusable(_) | ReloadError::Part(..) => "config",
            ReloadError::Restart(_) => "restart",
            ReloadError::Unread(failure)
            | ReloadError::Unstated(failure)
            | ReloadError::InForce(_, failure) => failure.code(),
        }
    }
}

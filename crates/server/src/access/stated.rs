//! Reads and changes, which the access log knows of.
//!
//! Promises: no answer to a read leaves before the access log has, durably, who read what and how
//! it ended; no change is made before the access log has that it is attempted. Where the log
//! cannot be written, nothing is read and nothing is changed. No role and no setting is asked.
//!
//! A principal that reads more than its quota is turned away before anything is read or stated, and
//! that it was is stated once a minute (`quotas.rs`). A change takes as much of it as two
//! reads; a token that can be revoked is, whatever was asked before.
//!
//! Never: states a value of an event that was read. What was asked for stands there: ids, places
//! and the text of searches.

use std::sync::Arc;

use admit::{Statement, number};
use axum::response::Response;
use commit::Purpose;
use query::Scope;

use super::denials::{Fate, Kind};
use super::{Principal, Role};
use crate::app::App;
use crate::http::error::Failure;
use crate::http::request_id::{RequestId, outliving};
use crate::quotas::Want;

/// Bytes that are kept of what was asked for.
const TEXT_BYTES_MAX: usize = 16 << 10;

/// Bytes of a statement for which it counts as one read: so much of the disk each takes at least.
const BLOCK_BYTES: usize = 4 << 10;

/// A read, as the access log will tell it.
pub(crate) struct Access {
    statement: Statement,
    /// The one log that it is about.
    log: Option<String>,
    /// Reads that it counts as.
    counts_as: u16,
}

/// An answer that shows so many events.
pub(crate) struct Answered {
    pub(crate) response: Response,
    pub(crate) events: u64,
}

impl Access {
    /// Such as `events.search` and `list`.
    pub(crate) fn new(action: &str, verb: &str) -> Access {
        Access { statement: Statement::new(action, "audit", verb), log: None, counts_as: 1 }
    }

    /// What is read, by its kind and id.
    pub(crate) fn to(self, kind: &str, id: &str) -> Access {
        Access { statement: self.statement.to(kind, id), ..self }
    }

    /// What is asked for, in words of the search language or of the request.
    pub(crate) fn asking(self, text: &str) -> Access {
        let cut = text.floor_char_boundary(TEXT_BYTES_MAX);
        let statement = self.statement.with(&["statement", "language"], "counterfoil");
        let statement = statement.with(&["statement", "text"], text[..cut].to_owned());
        let statement = match cut < text.len() {
            true => statement.with(&["statement", "truncated"], true),
            false => statement,
        };
        let blocks = u16::try_from(cut / BLOCK_BYTES).unwrap_or(u16::MAX);
        Access { statement, counts_as: blocks.saturating_add(1), ..self }
    }

    /// It is about one log alone, which may be an access log.
    pub(crate) fn of_log(self, name: &str) -> Access {
        Access { log: Some(name.to_owned()), ..self.to("log", name) }
    }
}

/// Reads with the right to, and answers once the access log has it.
pub(crate) async fn read<F>(
    app: &Arc<App>,
    caller: &Principal,
    access: Access,
    read: impl FnOnce(Scope) -> F,
) -> Result<Response, Failure>
where
    F: Future<Output = Result<Answered, Failure>>,
{
    app.room.read()?;
    let scope = match (caller.scope(), &access.log) {
        (Ok(scope), Some(name)) => scope.only(name),
        (Ok(scope), None) => scope,
        (Err(failure), _) => return Err(deny(app, caller, access.statement, failure).await),
    };
    within_quota(app, caller, Want::Reads(access.counts_as))?;
    let is_kept = access.log.as_ref().is_some_and(|name| is_kept_from(app, caller, &scope, name));
    let read = read(scope).await;
    let statement = ended(caller.does(access.statement), &read);
    let statement = match &read {
        Ok(answered) => {
            statement.with(&["outcome", "counts", "succeeded"], number(answered.events))
        }
        Err(_) if is_kept => denying(statement),
        Err(_) => statement,
    };
    app.state(&caller.tenant, Purpose::Access, statement).await?;
    read.map(|answered| answered.response).map_err(Failure::stated)
}

/// Whether somebody still has the right to read that a long read began with.
pub(crate) fn still_may(caller: &Principal, scope: &Scope) -> bool {
    caller.scope().is_ok_and(|now| now == *scope)
}

/// Turns away who may not read, before the request is even understood; the access log has it.
pub(crate) async fn turn_away(
    app: &Arc<App>,
    caller: &Principal,
    access: Access,
) -> Result<(), Failure> {
    match caller.scope() {
        Ok(_) => Ok(()),
        Err(failure) => Err(deny(app, caller, access.statement, failure).await),
    }
}

/// States that somebody was denied something, at a route where the action does not say it. To be
/// answered only once this has returned. After the first of a kind, further ones are counted.
pub(crate) async fn denied(
    app: &Arc<App>,
    caller: &Principal,
    what: Statement,
    route: &str,
) -> Result<(), Failure> {
    app.room.read()?;
    let kind = Kind::new(caller, &what, route);
    let again = || match route {
        "" => caller.is(what.again()),
        route => caller.is(what.again().to("route", route)),
    };
    let (elapsed, now) = (app.clock.elapsed(), app.clock.now());
    if app.denials.enter(elapsed, now, &kind, again) == Fate::Counted {
        return Ok(());
    }
    let denial = denying(caller.does(what).ended("failure"));
    let denial = denial.with(&["outcome", "code"], "role");
    let stated = match within_quota(app, caller, Want::Reads(1)) {
        Ok(()) => app.state(&caller.tenant, Purpose::Access, denial).await,
        Err(failure) => Err(failure),
    };
    if stated.is_err() {
        app.denials.undo(&kind);
    }
    stated
}

/// Whether a principal may have something stated: each takes room on the disk, what it is denied
/// and what changes nothing too.
pub(crate) fn within_quota(app: &App, caller: &Principal, want: Want) -> Result<(), Failure> {
    let now = app.clock.elapsed();
    let asked = app.quotas.ask(now, &caller.tenant, &caller.name, want);
    asked.map_err(Failure::over_read_quota)
}

/// States a denial; what to answer it with.
async fn deny(app: &Arc<App>, caller: &Principal, what: Statement, failure: Failure) -> Failure {
    denied(app, caller, what, "").await.err().unwrap_or_else(|| failure.stated())
}

/// Whether a log is the caller's tenant's own and its role may not read it: it is told that there
/// is none, and the access log that it was denied.
fn is_kept_from(app: &App, caller: &Principal, scope: &Scope, name: &str) -> bool {
    let logs = app.store.logs();
    logs.get(name).is_some_and(|log| log.meta.tenant == caller.tenant && !scope.may_see(&log.meta))
}

/// Changes something, with the right to, as [`carry_out`] does; who has asked too often is turned
/// away before anything is stated.
pub(crate) async fn change<T, F>(
    app: &Arc<App>,
    caller: &Principal,
    right: Result<(), Failure>,
    what: Statement,
    change: impl FnOnce() -> F + Send + 'static,
) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>> + Send + 'static,
    T: Send + 'static,
{
    if let Err(failure) = right {
        return Err(deny(app, caller, what, failure).await);
    }
    within_quota(app, caller, Want::Change)?;
    carry_out(app, caller, what, change).await
}

/// Changes something for somebody who has the right to, whatever was asked before: the attempt is
/// in the access log before it takes force, and how it ended before it is answered, or else the
/// answer says that the log has yet to take it. Who asked may hang up: what was attempted comes to
/// its end, and the log has that too.
pub(crate) async fn carry_out<T, F>(
    app: &Arc<App>,
    caller: &Principal,
    what: Statement,
    change: impl FnOnce() -> F + Send + 'static,
) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>> + Send + 'static,
    T: Send + 'static,
{
    let what = caller.does(what);
    let operation = app.store.world().new_id();
    let what = what.with(&["correlation", "operation_id"], operation);
    app.owed.check()?;
    let (app, tenant, begun) = (app.clone(), caller.tenant.clone(), app.under_way.begin()?);
    let whole = async move {
        let _begun = begun;
        let attempt = what.clone().with(&["phase"], "attempt");
        app.state(&tenant, Purpose::Access, attempt).await?;
        // A crash from here on leaves an attempt without an end, which is what happened.
        let changed = change().await;
        let end = ended(what.with(&["phase"], "end"), &changed);
        let stated = app.state(&tenant, Purpose::Access, end.clone()).await;
        if stated.is_err() {
            app.owed.add(tenant, end);
        }
        answered(changed, stated)
    };
    let changed = outliving(whole).await.map_err(|error| Failure::internal(&error))?;
    changed.map_err(Failure::stated)
}

/// What a change is answered with: one that took force is not to be asked for again.
fn answered<T>(changed: Result<T, Failure>, stated: Result<(), Failure>) -> Result<T, Failure> {
    match (changed, stated) {
        (changed, Ok(())) => changed,
        (Ok(_), Err(_)) => Err(Failure::unended()),
        (Err(_), Err(failure)) => Err(failure),
    }
}

/// How it ended, by the answer.
fn ended<T>(statement: Statement, result: &Result<T, Failure>) -> Statement {
    let Err(failure) = result else { return statement.ended("success") };
    let statement =
        statement.ended("failure").with(&["outcome", "code"], failure.code().to_owned());
    if failure.is_forbidden() { denying(statement) } else { statement }
}

pub(super) fn denying(statement: Statement) -> Statement {
    statement
        .with(&["decision", "effect"], "deny")
        .with(&["decision", "mode"], "enforced")
        .with(&["decision", "engine"], "roles")
}

impl Principal {
    /// Says who it is in a statement. A token that only sends is a service's; who reads or manages
    /// with one is taken for a person.
    pub(crate) fn does(&self, statement: Statement) -> Statement {
        let statement = self.is(statement);
        match RequestId::current() {
            Some(id) => statement.with(&["correlation", "request_id"], id.to_string()),
            None => statement,
        }
    }

    /// The same of several requests.
    fn is(&self, statement: Statement) -> Statement {
        let actor = match self.role {
            Role::Producer | Role::Forwarder => "service",
            Role::Reader | Role::Auditor | Role::Admin => "user",
        };
        statement
            .by(actor, &self.name)
            .with(&["actor", "groups"], vec![self.role.to_string().into()])
            .with(&["authentication", "method"], "token")
            .with(&["authentication", "token_id"], self.token_id.clone())
    }
}

#[cfg(test)]
mod tests;

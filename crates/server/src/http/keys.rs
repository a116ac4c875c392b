//! The signing keys of a log: which there were and what hands each over, and the order for another.
//!
//! A key is replaced by two people: an admin orders it within fifteen minutes after somebody else,
//! such as an auditor, has agreed.

use std::sync::Arc;
use std::time::Duration;

use admit::Statement;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use commit::evidence::{Evidence, EvidenceError, evidence_of_all};
use commit::{KeyError, KeyOrder, KeyPeriod, KeyTurn, OpenError, TOGETHER_MAX};
use query::Scope;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::auth::Caller;
use super::error::Failure;
use super::extract::InPath;
use super::order::{of_tenant, ordered, reason};
use super::read::{failure_of, readable};
use super::shown::answer;
use crate::access::second::{Act, Word};
use crate::access::stated::{self, Access, Answered};
use crate::app::App;
use crate::ingest::{WITH_DISK, work};

/// How long both keys sign where an order does not say.
const TOGETHER_S: u64 = 7 * 86_400;

/// Why a log gets another key, and how long the one before signs on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    why: String,
    together_s: Option<u64>,
}

/// The keys of a log, oldest first.
#[derive(Serialize)]
struct Shown {
    log: String,
    origin: String,
    keys: Vec<ShownKey>,
}

#[derive(Serialize)]
struct ShownKey {
    #[serde(flatten)]
    period: KeyPeriod,
    /// Evidence of the event that states it, under the first checkpoint that it signed and the one
    /// before did too. None of the first key.
    #[serde(skip_serializing_if = "Option::is_none")]
    handover: Option<Evidence>,
    /// Whether that event was lost with what was set aside as damaged.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unreadable: bool,
}

pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
    InPath(name): InPath<String>,
) -> Result<Response, Failure> {
    let access = Access::new("log.keys.read", "read").of_log(&name);
    let read = async |scope: Scope| app.turns.proof(|| keys(&app, &scope, &name)).await;
    stated::read(&app, &caller, access, read).await
}

fn keys(app: &App, scope: &Scope, name: &str) -> Result<Answered, Failure> {
    let log = readable(app, scope, name)?;
    let keys = log.key_periods().into_iter().map(|period| {
        let handover = period
            .handover
            .as_ref()
            .map(|handover| evidence_of_all(&[(&log, &handover.checkpoint, vec![handover.event])]));
        match handover.transpose() {
            Ok(handover) => Ok(ShownKey { period, handover, unreadable: false }),
            // What is lost of one log keeps nobody from the keys of the others.
            Err(_) if log.damaged().is_some() => {
                Ok(ShownKey { period, handover: None, unreadable: true })
            }
            Err(EvidenceError::Read(error)) => Err(failure_of(app, &log, &error)),
            Err(error) => Err(Failure::internal(&error)),
        }
    });
    let keys = keys.collect::<Result<Vec<_>, Failure>>()?;
    let events = keys.iter().filter(|key| key.handover.is_some()).count() as u64;
    let (log, origin) = (name.to_owned(), log.meta.origin.clone());
    Ok(Answered { response: answer(&Shown { log, origin, keys }), events })
}

pub(crate) async fn rotate(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
    InPath(name): InPath<String>,
    request: Request,
) -> Result<Json<Value>, Failure> {
    let right = caller.may_manage();
    let statement = Statement::new("log.key.rotate", "admin", "update").to("log", &name);
    let by = Some(caller.name.clone());
    let order = match ordered::<Asked>(&right, request).await? {
        Some(asked) => KeyOrder { by, ..asked.order()? },
        None => KeyOrder::default(),
    };
    let word = app.second_word(&Act::RotateKey(name.clone()), &caller);
    let statement = Word::stated(word.as_ref(), statement);
    let (app_, tenant, log) = (app.clone(), caller.tenant.clone(), name.clone());
    let rotate = async move || {
        of_tenant(&app_, &tenant, &log)?;
        work(WITH_DISK, move || replace(&app_, &tenant, &log, &order, word)).await?
    };
    let turn = stated::change(&app, &caller, right, statement, rotate).await?;
    Ok(Json(json!({
        "log": name, "old": turn.old, "vkey": turn.new, "together_until": turn.together_until,
        "event": turn.event,
        "note": "give the new vkey to those who verify; what the old one signed verifies as before",
    })))
}

/// Replaces a log's key for the word of a second person, which is spent with that, and only with
/// that: an order that changes nothing may be given again.
fn replace(
    app: &App,
    tenant: &str,
    log: &str,
    order: &KeyOrder,
    word: Option<Word>,
) -> Result<KeyTurn, Failure> {
    // A second person has nothing to agree to where it cannot be done.
    app.store.may_rotate_key(log).map_err(|error| failure(&error))?;
    let Some(word) = word.filter(|word| app.spend_word(word, tenant)) else {
        return Err(Failure::needs_second_person(
            "a log's key is replaced by two: somebody else agrees first, such as an auditor, \
             with POST /v1/logs/{log}/keys/agreement, within 15 minutes before",
        ));
    };
    let turn = app.store.rotate_key(log, order);
    match &turn {
        // Whether the key was changed is found out by the next start.
        Ok(_) | Err(KeyError::Failed) => {}
        Err(_) => app.second.give_back(word, tenant),
    }
    turn.map_err(|error| failure(&error))
}

/// The second pair of eyes: somebody agrees that a log's key be replaced.
pub(crate) async fn agree(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
    InPath(name): InPath<String>,
) -> Result<StatusCode, Failure> {
    let statement = Statement::new("log.key.rotate.agree", "audit", "approve").to("log", &name);
    let (app_, by) = (app.clone(), caller.clone());
    let agree = async move || {
        of_tenant(&app_, &by.tenant, &name)?;
        app_.store.may_rotate_key(&name).map_err(|error| failure(&error))?;
        app_.second.agree(Act::RotateKey(name), &by, app_.clock.now());
        Ok(StatusCode::NO_CONTENT)
    };
    stated::change(&app, &caller, caller.may_oversee(), statement, agree).await
}

impl Asked {
    fn order(self) -> Result<KeyOrder, Failure> {
        let Asked { why, together_s } = self;
        reason(&why)?;
        let together = Duration::from_secs(together_s.unwrap_or(TOGETHER_S));
        if together > TOGETHER_MAX {
            return Err(failure(&KeyError::TooLong));
        }
        Ok(KeyOrder { why, by: None, together })
    }
}

fn failure(error: &KeyError) -> Failure {
    match error {
        KeyError::Absent(_) => Failure::not_found(error.to_string()),
        KeyError::Closed { .. } => Failure::conflict("closed", error.to_string()),
        KeyError::Together { .. } | KeyError::TooMany(_) => {
            Failure::conflict("key_change", error.to_string())
        }
        KeyError::TooLong => Failure::bad_request("schema", format!("together_s: {error}")),
        KeyError::NoRoom => Failure::busy("disk", error.to_string()),
        KeyError::Files(OpenError::Io { source, .. }) => Failure::unkept(source, "another key"),
        KeyError::Files(cause) => Failure::internal(cause),
        KeyError::Failed => Failure::internal(error),
    }
}

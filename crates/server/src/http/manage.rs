//! Health, metrics, refusals, tokens.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use admit::Statement;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use commit::Purpose;
use serde_json::{Value, json};

use super::auth::Caller;
use super::error::Failure;
use super::extract::InPath;
use super::order::ordered;
use crate::access::second::{Act, Word};
use crate::access::{Principal, stated};
use crate::app::App;
use crate::ingest::{WITH_DISK, work};
use crate::metrics::scrape;
use crate::tokens::{NewToken, Revoked, TokenError};

/// Whether this process should go on living: not without a lane that writes.
pub(crate) async fn livez(State(app): State<Arc<App>>) -> Response {
    if app.failed.load(Relaxed) {
        return (StatusCode::SERVICE_UNAVAILABLE, "the journal failed\n").into_response();
    }
    "ok\n".into_response()
}

/// Whether writes are accepted, with every condition; in words, or as JSON for who asks for it.
/// Names no tenant, log or path: it is open to all.
pub(crate) async fn readyz(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let readiness = app.readiness();
    let ready = readiness.is_ready();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if accept.is_some_and(|accept| accept.contains("application/json")) {
        let body = json!({ "ready": ready, "conditions": readiness.conditions });
        return (status, Json(body)).into_response();
    }
    (status, readiness.text()).into_response()
}

/// Prometheus text. Names no tenant and no producer: it is open to all.
pub(crate) async fn metrics(State(app): State<Arc<App>>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], scrape(&app)).into_response()
}

pub(crate) async fn refusals(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
) -> Result<Json<Value>, Failure> {
    caller.may_oversee()?;
    let (counts, last) = app.refusals.of_tenant(&caller.tenant);
    Ok(Json(
        json!({ "counts": counts, "last": last, "quotas": app.quotas.of_tenant(&caller.tenant) }),
    ))
}

pub(crate) async fn create_token(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
    request: Request,
) -> Result<Response, Failure> {
    let right = caller.may_manage();
    let statement = Statement::new("token.create", "audit", "create");
    let new: Option<NewToken> = ordered(&right, request).await?;
    let statement = new.iter().fold(statement, |statement, new| {
        statement.to("token", &new.name).to("role", &new.role.to_string())
    });
    let (app_, tenant) = (app.clone(), caller.tenant.clone());
    let create = async move || {
        let new = new.ok_or_else(|| Failure::internal(&"no token was asked for"))?;
        create(&app_, &tenant, new).await
    };
    let text = stated::change(&app, &caller, right, statement, create).await?;
    let note = "shown once: only its hash is kept";
    Ok((StatusCode::CREATED, Json(json!({ "token": text, "note": note }))).into_response())
}

/// Makes a token; where a tenant has as many as it may, those fall away first that expired.
async fn create(app: &Arc<App>, tenant: &str, new: NewToken) -> Result<String, Failure> {
    loop {
        let (app_, tenant_, new_) = (app.clone(), tenant.to_owned(), new.clone());
        let made = work(WITH_DISK, move || app_.tokens.create(&tenant_, new_)).await?;
        let expired = match &made {
            Err(TokenError::Full(_)) => app.tokens.expired(tenant),
            _ => Vec::new(),
        };
        if expired.is_empty() {
            return made.map_err(failure);
        }
        let statement = Statement::new("token.forget", "audit", "delete")
            .because("they expired, and there was no room for another token");
        let statement = expired.iter().fold(statement, |all, id| all.to("token", id));
        app.state(tenant, Purpose::Access, statement).await?;
        // A crash here leaves tokens that are stated and still listed; they open nothing.
        let app_ = app.clone();
        work(WITH_DISK, move || app_.tokens.forget(&expired)).await?.map_err(failure)?;
    }
}

pub(crate) async fn list_tokens(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
) -> Result<Json<Value>, Failure> {
    caller.may_manage()?;
    let tokens = app.tokens.list(&caller.tenant);
    let shown = tokens.iter().map(|token| {
        json!({
            "id": token.id, "name": token.name, "role": token.role,
            "services": token.services, "created_at": token.created_at,
            "expires_at": token.expires_at, "last_used_at": token.last_used_at,
        })
    });
    Ok(Json(json!({ "tokens": shown.collect::<Vec<_>>() })))
}

pub(crate) async fn revoke_token(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
    InPath(id): InPath<String>,
) -> Result<StatusCode, Failure> {
    let statement = Statement::new("token.revoke", "audit", "revoke").to("token", &id);
    let word = app.second_word(&Act::RevokeToken(id.clone()), &caller);
    let statement = Word::stated(word.as_ref(), statement);
    let right = caller.may_manage();
    let will_be = right.is_ok() && will_revoke(&app, &caller, &id, word.as_ref());
    let (app_, by) = (app.clone(), caller.clone());
    let revoke = async move || {
        let (app, tenant) = (app_.clone(), by.tenant.clone());
        let revoked = work(WITH_DISK, move || revoke(&app, &tenant, &id, word)).await?;
        if will_be && !matches!(revoked, Ok(Revoked::Done)) {
            app_.quotas.revoked_nothing(app_.clock.elapsed(), &by.tenant, &by.name);
        }
        match revoked.map_err(failure)? {
            Revoked::Done => Ok(StatusCode::NO_CONTENT),
            Revoked::Absent => Err(Failure::not_found("no such token")),
            Revoked::NeedsSecondPerson => Err(Failure::needs_second_person(
                "this is the tenant's last admin: somebody else agrees first, an auditor with \
                 POST /v1/tokens/{id}/agreement, within 15 minutes before",
            )),
        }
    };
    match will_be {
        // There are only so many tokens; a stolen one is taken out of force at any time.
        true => stated::carry_out(&app, &caller, statement, revoke).await,
        false => stated::change(&app, &caller, right, statement, revoke).await,
    }
}

/// Whether a revocation is carried out whatever was asked before: the token is there, and the last
/// ones of this caller did revoke something.
fn will_revoke(app: &App, caller: &Principal, id: &str, word: Option<&Word>) -> bool {
    let is_there = match app.tokens.would_revoke(&caller.tenant, id) {
        Revoked::Done => true,
        Revoked::NeedsSecondPerson => word.is_some(),
        Revoked::Absent => false,
    };
    is_there && app.quotas.may_revoke(app.clock.elapsed(), &caller.tenant, &caller.name)
}

/// Revokes a token, for a second person's word where that takes one; the word is spent only with a
/// token that is out of force then.
fn revoke(app: &App, tenant: &str, id: &str, word: Option<Word>) -> Result<Revoked, TokenError> {
    let mut spent = None;
    let is_agreed = || {
        spent = word.filter(|word| app.spend_word(word, tenant));
        spent.is_some()
    };
    let revoked = app.tokens.revoke(tenant, id, is_agreed);
    if let (Err(_), Some(word)) = (&revoked, spent) {
        app.second.give_back(word, tenant);
    }
    revoked
}

/// The second pair of eyes: an auditor agrees that a token be revoked.
pub(crate) async fn agree_to_revoke(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
    InPath(id): InPath<String>,
) -> Result<StatusCode, Failure> {
    let statement = Statement::new("token.revoke.agree", "audit", "approve").to("token", &id);
    let (app_, by) = (app.clone(), caller.clone());
    let agree = async move || {
        if !app_.tokens.has(&by.tenant, &id) {
            return Err(Failure::not_found("no such token"));
        }
        app_.second.agree(Act::RevokeToken(id), &by, app_.clock.now());
        Ok(StatusCode::NO_CONTENT)
    };
    stated::change(&app, &caller, caller.may_oversee(), statement, agree).await
}

fn failure(error: TokenError) -> Failure {
    match error {
        TokenError::Wrong(what) => Failure::bad_request("token", what),
        TokenError::Full(what) => Failure::conflict("token", what),
        // Of a start alone.
        error @ TokenError::Malformed(_) => Failure::internal(&error),
        TokenError::Io(error) => Failure::unkept(&error, "the list of tokens"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Role;
    use crate::tokens::Tokens;
    use platform::SystemEntropy;
    use platform::sim::{SimClock, SimDisk};

    #[test]
    fn without_room_for_a_token_its_caller_hears_of_the_disk() {
        let disk = SimDisk::new(1);
        let (clock, entropy) = (Arc::new(SimClock::new(0)), Arc::new(SystemEntropy));
        let tokens = Tokens::open(Arc::new(disk.clone()), clock, entropy).expect("opens");
        let create = |name: &str| {
            let (name, role, services) = (name.into(), Role::Reader, Vec::new());
            tokens.create("acme", NewToken { name, role, services, expires_in_s: None })
        };
        create("first").expect("there is room");
        disk.fill_at(disk.used());
        let failure = failure(create("second").expect_err("there is none"));
        assert_eq!((failure.code(), failure.into_response().status().as_u16()), ("disk", 503));
        assert_eq!(tokens.list("acme").len(), 1, "what did not fit is not in force");
        disk.fill_at(u64::MAX);
        create("second").expect("there is room again");
    }
}

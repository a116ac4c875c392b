//! What orders have in common: a body that is read of those alone who may give them, and, about a
//! log, a log of who orders it and a reason.

use axum::extract::Request;
use serde::de::DeserializeOwned;

use super::error::Failure;
use super::extract::small_json;
use crate::app::App;

/// Bytes of the reason given.
const WHY_BYTES_MAX: usize = 1_000;

/// What is ordered. The body of somebody without the right to is not read: nothing.
pub(super) async fn ordered<T: DeserializeOwned>(
    right: &Result<(), Failure>,
    request: Request,
) -> Result<Option<T>, Failure> {
    match right {
        Ok(()) => small_json(request).await.map(Some),
        Err(_) => Ok(None),
    }
}

/// Refuses an order about a log that is not there, or another tenant's.
pub(super) fn of_tenant(app: &App, tenant: &str, name: &str) -> Result<(), Failure> {
    match app.store.logs().get(name) {
        Some(log) if log.meta.tenant == tenant => Ok(()),
        _ => Err(Failure::not_found("no such log, or none of this tenant")),
    }
}

/// Refuses an order that says not why.
pub(super) fn reason(why: &str) -> Result<(), Failure> {
    if why.trim().is_empty() || why.len() > WHY_BYTES_MAX {
        let what = format!("why: an order has a reason, of at most {WHY_BYTES_MAX} bytes");
        return Err(Failure::bad_request("schema", what));
    }
    Ok(())
}

//! What every order about a log has: a log of who orders it, and a reason.

use super::error::Failure;
use crate::app::App;

/// Bytes of the reason given.
const WHY_BYTES_MAX: usize = 1_000;

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

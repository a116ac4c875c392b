//! `POST /v1/logs/{log}/rotate`: closes a log and opens the next one of its tenant.

use std::sync::Arc;

use admit::Statement;
use axum::Json;
use axum::extract::{Request, State};
use commit::{OpenError, Order, RotateError};
use serde::Deserialize;
use serde_json::{Value, json};

use super::auth::Caller;
use super::error::Failure;
use super::extract::InPath;
use super::order::{of_tenant, ordered, reason};
use crate::access::stated;
use crate::app::App;
use crate::ingest::{WITH_DISK, work};

/// Why the log is closed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    why: String,
}

pub(crate) async fn rotate(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
    InPath(name): InPath<String>,
    request: Request,
) -> Result<Json<Value>, Failure> {
    let right = caller.may_manage();
    let statement = Statement::new("log.rotate", "admin", "disable").to("log", &name);
    let why = match ordered(&right, request).await? {
        Some(Asked { why }) => reason(&why).map(|()| why)?,
        None => String::new(),
    };
    let order = Order { why, by: Some(caller.name.clone()) };
    let (app_, closing, tenant) = (app.clone(), name.clone(), caller.tenant.clone());
    let rotate = async move || {
        of_tenant(&app_, &tenant, &closing)?;
        let rotated = work(WITH_DISK, move || app_.store.rotate(&closing, &order)).await?;
        rotated.map_err(|error| failure(&error))
    };
    let open = stated::change(&app, &caller, right, statement, rotate).await?;
    Ok(Json(json!({
        "closed": name, "open": open.meta.name(), "origin": open.meta.origin, "vkey": open.vkey(),
        "note": "give the new vkey to those who verify; older receipts verify as before",
    })))
}

fn failure(error: &RotateError) -> Failure {
    match error {
        RotateError::Absent(_) => Failure::not_found(error.to_string()),
        RotateError::Closed { .. } | RotateError::TooMany | RotateError::Name(_) => {
            Failure::conflict("closed", error.to_string())
        }
        RotateError::TooSoon { wait_s, .. } => Failure::too_soon(error.to_string(), *wait_s),
        RotateError::NoRoom => Failure::busy("disk", error.to_string()),
        RotateError::Files(OpenError::Io { source, .. }) => Failure::unkept(source, "another log"),
        RotateError::Files(cause) => Failure::internal(cause),
        RotateError::Failed => Failure::internal(error),
    }
}

//! The configuration in force, and reading it again.
//!
//! Never: shows a tenant which others there are. No setting holds a secret.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::auth::Caller;
use super::error::Failure;
use crate::access::stated;
use crate::app::App;
use crate::config::digest;
use crate::quotas::Want;
use crate::reload::{Asker, ReloadError, Reloaded, reload};

pub(crate) async fn show(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
) -> Result<Json<Value>, Failure> {
    caller.may_configure()?;
    let shown = app.setup.now().shown_to(&caller.tenant);
    Ok(Json(json!({ "digest": digest(&shown), "settings": shown })))
}

pub(crate) async fn again(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
) -> Result<Json<Reloaded>, Failure> {
    if let Err(refused) = caller.may_configure() {
        let what = admit::Statement::new("config.reload", "config", "update");
        return stated::change(&app, &caller, Err(refused), what, nothing).await;
    }
    stated::within_quota(&app, &caller, Want::Change)?;
    let tenant = caller.tenant.clone();
    let done = reload(&app, &Asker::Principal(caller)).await;
    let told = done.map(|reloaded| Json(reloaded.told_to_tenant(&tenant)));
    told.map_err(|error| failure(&app, error))
}

/// What somebody does who may not.
async fn nothing() -> Result<Json<Reloaded>, Failure> {
    Err(Failure::internal(&"a right was lost"))
}

/// What a reload that failed is answered with.
pub(crate) fn failure(app: &App, error: ReloadError) -> Failure {
    match error {
        ReloadError::Unread(failure) | ReloadError::Unstated(failure) => failure,
        ReloadError::InForce(_, ref cause) => cause.saying(error.to_string()),
        error => Failure::conflict(error.code(), error.told_to_tenant(app)),
    }
}

//! The HTTP interface.

mod accept;
mod arrival;
mod auth;
mod body;
mod connection;
mod contract;
mod denials;
pub(crate) mod error;
mod evidence;
mod extract;
mod keys;
mod linger;
mod list;
mod manage;
mod order;
mod owners;
mod pages;
mod peers;
mod read;
mod receipt;
pub(crate) mod request_id;
mod rotate;
mod schemas;
mod scope;
mod seen;
mod session;
pub(crate) mod settings;
mod shown;
mod status;
mod tail;
mod tlog;
mod trace;
mod trials;
mod write;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::Method;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{delete, get, post};

use crate::app::App;
use crate::metrics::observe;
pub(crate) use accept::listen;
use error::Failure;
pub(crate) use seen::Patience;

/// Bytes of a body that holds no events.
const SMALL_BYTES_MAX: usize = 1 << 20;

/// All routes. Those that need no token are in the first block, with the reason.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        // Probes carry no secret and must work before anybody has a token.
        .route("/livez", get(manage::livez))
        .route("/readyz", get(manage::readyz))
        .route("/metrics", get(manage::metrics))
        // What a failure means is no secret, and 401 has a page too.
        .route("/docs/errors", get(pages::index))
        .route("/docs/errors/{code}", get(pages::page))
        // What is answered and what is admitted stands in docs/ as well.
        .route("/openapi.json", get(contract::openapi))
        .route("/v1/schema/event", get(contract::event_schema))
        // Checkpoints and public logs are for strangers; the handler guards the rest.
        .route("/tlog/{log}/{*rest}", get(tlog::serve))
        .route("/v1/events", post(write::events).get(list::search))
        .route("/v1/intake/kubernetes", post(write::kubernetes))
        .route("/v1/intake/cloudtrail", post(write::cloudtrail))
        .route("/v1/events/{id}", get(read::by_id))
        .route("/v1/logs", get(read::logs))
        .route("/v1/logs/{log}/rotate", post(rotate::rotate))
        .route("/v1/logs/{log}/keys", get(keys::list))
        .route("/v1/logs/{log}/keys/rotate", post(keys::rotate))
        .route("/v1/logs/{log}/keys/agreement", post(keys::agree))
        .route("/v1/logs/{log}/events/{seq}", get(read::by_seq))
        .route("/v1/logs/{log}/events/{seq}/receipt", get(read::receipt))
        .route("/v1/traces/{id}", get(read::trace))
        .route("/v1/sessions/{id}", get(session::session))
        .route("/v1/evidence", post(evidence::evidence))
        .route("/v1/tail", get(tail::tail))
        .route("/v1/gaps", get(read::open_gaps))
        .route("/v1/services", get(owners::services))
        .route("/v1/catalogue", get(owners::catalogue))
        .route("/v1/catalogue/reload", post(owners::reload))
        .route("/v1/refusals", get(manage::refusals))
        .route("/v1/status", get(status::status))
        .route("/v1/config", get(settings::show))
        .route("/v1/config/reload", post(settings::again))
        .route("/v1/schema/actions", get(schemas::list))
        .route("/v1/schema/actions/{action}", get(schemas::get).put(schemas::put))
        .route("/v1/schema/test", post(schemas::test))
        .route("/v1/scope", get(scope::show))
        .route("/v1/scope/plan", post(scope::plan))
        .route("/v1/tokens", post(manage::create_token).get(manage::list_tokens))
        .route("/v1/tokens/{id}", delete(manage::revoke_token))
        .route("/v1/tokens/{id}/agreement", post(manage::agree_to_revoke))
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        // Write handlers bound their bodies themselves; this bounds the JSON of the others.
        .layer(DefaultBodyLimit::max(SMALL_BYTES_MAX))
        .layer(from_fn_with_state(app.clone(), denials::state_denials))
        .layer(from_fn(linger::linger))
        .layer(from_fn_with_state(app.request_ids.clone(), request_id::identify))
        // Outermost: what is counted is what the caller gets.
        .layer(from_fn_with_state(app.clone(), observe))
        .with_state(app)
}

async fn no_route() -> Failure {
    Failure::not_found("no such address; docs/api.md lists them")
}

async fn no_method(method: Method) -> Failure {
    Failure::wrong_method(format!("{method} is not understood here; see the header allow"))
}

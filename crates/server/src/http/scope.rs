//! `/v1/scope`: the rules of the audit scope that are in force, what they left out, and a trial of
//! others.

use std::sync::Arc;

use admit::scope::Rules;
use axum::Json;
use axum::extract::{Request, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::auth::Caller;
use super::error::Failure;
use super::extract::small_json;
use super::trials;
use crate::access::stated::{self, Access};
use crate::app::App;
use crate::trial::Past;
use crate::trial::scope::Plan;

/// The rules in force, and by rule and service what is not in the log since the server started.
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
) -> Result<Json<Value>, Failure> {
    caller.overview()?;
    let policy = app.policies.of(&caller.tenant);
    let rules = policy.scope.iter().flat_map(|rules| rules.iter());
    let rules = rules.map(|rule| {
        json!({
            "name": rule.name, "digest": rule.digest, "then": rule.then, "reason": rule.reason,
            "allow_sensitive": rule.allow_sensitive,
        })
    });
    let (services, no_room) = app.left_out.of_tenant(&caller.tenant);
    Ok(Json(json!({
        "policy": policy.name,
        "digest": policy.scope.as_ref().map(|rules| rules.digest()),
        "rules": rules.collect::<Vec<_>>(),
        "services": services,
        "no_room": no_room,
    })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// The text of a rules file.
    rules: String,
    since: Option<String>,
    query: Option<String>,
}

/// What rules would have made of past events; nothing is put in force.
pub(crate) async fn plan(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
    request: Request,
) -> Result<Response, Failure> {
    stated::turn_away(&app, &caller, Access::new("scope.plan", "execute")).await?;
    let asked: Asked = small_json(request).await?;
    let rules = Rules::parse(&asked.rules)
        .map_err(|error| Failure::bad_request("scope_rules", error.to_string()))?;
    let past = Past::new(asked.since, asked.query);
    let filter = past.filter(app.clock.now());
    let filter = filter.map_err(|what| Failure::bad_request("query", what))?;
    let access = Access::new("scope.plan", "execute").asking(&past.to_string());
    trials::answered(&app, &caller, access, &filter, Plan::new(&rules)).await
}

//! Services, and the catalogue of their owners.

use std::sync::Arc;

use admit::Statement;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use catalogue::{Catalogue, Change};
use event::format_time;
use serde::Serialize;
use serde_json::{Value, json};

use super::auth::Caller;
use super::error::Failure;
use super::extract::Parameters;
use super::read::reading;
use super::shown::answer;
use crate::access::{Principal, stated};
use crate::app::App;
use crate::owners::{self, Standing, Taken};
use crate::services::{Known, Question, ROWS_MAX, Table, table};

/// Rows, unless other numbers are asked for.
const ROWS_USUAL: usize = 1_000;

/// The services, and which catalogue their owners stand in.
#[derive(Serialize)]
struct Services<'a> {
    now: String,
    catalogue: Value,
    #[serde(flatten)]
    table: Table<'a>,
}

pub(crate) async fn services(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
    Parameters(parameters): Parameters,
) -> Result<Response, Failure> {
    let scope = caller.overview()?;
    let now = app.clock.now();
    let question = question(&parameters, now)?;
    app.backlog.indexed().await?;
    let standing = app.catalogues.of(&caller.tenant);
    let refusals = app.refusals.by_service(&caller.tenant);
    let left_out = app.left_out.by_service(&caller.tenant);
    let read = || {
        let (activities, losses) = reading(&app, |source| {
            Ok((query::activities(source, &scope), query::losses(source, &scope)))
        })?;
        let nothing = Catalogue::default();
        let catalogue = standing.in_force.as_ref().map_or(&nothing, |now| &now.catalogue);
        let (activities, losses) = (&activities, &losses);
        let (refusals, left_out) = (&refusals, &left_out);
        let known = Known { catalogue, activities, losses, refusals, left_out };
        let table = table(&known, &question);
        Ok(answer(&Services { now: format_time(now), catalogue: about(&standing, &caller), table }))
    };
    app.turns.short(read).await
}

fn question(parameters: &[(String, String)], now: i64) -> Result<Question, Failure> {
    let wrong = |what: String| Failure::bad_request("query", what);
    let mut question = Question { rows_max: ROWS_USUAL, ..Question::default() };
    for (name, value) in parameters {
        let allowed = |what: &str| wrong(format!("{name}={value}: allowed is {what}"));
        match (name.as_str(), value.as_str()) {
            ("owner", team) => question.owner = Some(team.to_owned()),
            ("service", name) => question.service = Some(name.to_owned()),
            ("unowned", "true") => question.unowned = true,
            ("unowned", "false") => question.unowned = false,
            ("unowned", _) => return Err(allowed("true or false")),
            ("silent", text) => {
                let age = query::age(text).ok_or_else(|| allowed("30s, 15m, 24h, 7d or 2w"))?;
                question.silent_since = Some(now.saturating_sub(age).max(0));
            }
            ("limit", text) => {
                let limit = text.parse().ok().filter(|n| (1..=ROWS_MAX).contains(n));
                question.rows_max = limit.ok_or_else(|| allowed("a number from 1 to 10000"))?;
            }
            (name, _) => {
                let known = "owner, unowned, silent, service or limit";
                return Err(wrong(format!("no parameter {name:?}; allowed is {known}")));
            }
        }
    }
    Ok(question)
}

/// Which catalogue is in force, and whether its files could be taken when they were last read.
fn about(standing: &Standing, caller: &Principal) -> Value {
    // Where files stand on the server is for its admins; others hear that they could not be taken.
    let is_admin = caller.may_manage().is_ok();
    let elsewhere = || "its files could not be taken; an admin sees why".to_owned();
    let refused = standing.refused.clone().map(|why| if is_admin { why } else { elsewhere() });
    let source = standing.source.as_ref().filter(|_| is_admin);
    let source = source.map(|path| path.display().to_string());
    match &standing.in_force {
        Some(now) => json!({
            "version": now.version, "as_of": format_time(now.as_of), "digest": now.digest,
            "declared": now.catalogue.len(), "source": source, "refused": refused,
        }),
        None => json!({ "version": 0, "declared": 0, "source": source, "refused": refused }),
    }
}

pub(crate) async fn catalogue(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
    Parameters(parameters): Parameters,
) -> Result<Response, Failure> {
    caller.overview()?;
    if let Some((name, _)) = parameters.first() {
        return Err(Failure::bad_request("query", format!("no parameter {name:?} is known here")));
    }
    let standing = app.catalogues.of(&caller.tenant);
    let mut shown = about(&standing, &caller);
    shown["services"] = match &standing.in_force {
        Some(now) => json!(now.catalogue),
        None => json!({}),
    };
    Ok(answer(&shown))
}

/// Reads the files again; what they say takes force once the access log has it.
pub(crate) async fn reload(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
) -> Result<Json<Value>, Failure> {
    let statement = Statement::new("catalogue.reload", "config", "update");
    let statement = statement.to("catalogue", &caller.tenant);
    let (app_, tenant) = (app.clone(), caller.tenant.clone());
    let take = async move || {
        if app_.catalogues.of(&tenant).source.is_none() {
            let what = "no catalogue is configured for this tenant; set log.catalogue";
            return Err(Failure::bad_request("catalogue", what));
        }
        let taken = owners::try_take(&app_, &tenant).await?;
        taken.map_err(|refused| Failure::bad_request("catalogue", refused.to_string()))
    };
    let taken = stated::change(&app, &caller, caller.may_manage(), statement, take).await?;
    let change = match taken {
        Taken::Same => Change::default(),
        Taken::Changed(_, change) => change,
    };
    let mut shown = about(&app.catalogues.of(&caller.tenant), &caller);
    shown["changed"] = json!({
        "added": change.added.len(), "removed": change.removed.len(),
        "moved": change.moved.len(), "declared": change.declared.len(),
    });
    Ok(Json(shown))
}

//! `/v1/schema/actions` and `/v1/schema/test`: what teams say their own events look like.

use std::sync::Arc;

use admit::Statement;
use admit::schemas::{Compiled, check_action};
use axum::Json;
use axum::extract::{Request, State};
use axum::response::Response;
use commit::hex;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::auth::Caller;
use super::error::Failure;
use super::extract::{InPath, Parameters, small_json};
use super::trials;
use crate::access::stated::{self, Access};
use crate::app::App;
use crate::ingest::{WITH_DISK, work};
use crate::schemas::{RegistryError, Shown, Wish};
use crate::trial::Past;
use crate::trial::schema::SchemaTrial;

/// All of them, without their texts. A sender may see what its events must look like.
pub(crate) async fn list(State(app): State<Arc<App>>, Caller(caller): Caller) -> Json<Value> {
    let policy = app.policies.of(&caller.tenant);
    let actions = app.schemas.list(&caller.tenant);
    Json(json!({ "policy": policy.name, "actions": actions }))
}

pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
    InPath(action): InPath<String>,
    parameters: Parameters,
) -> Result<Json<Shown>, Failure> {
    let version = parameters.only("version", &[])?;
    let wrong = |text: &str| format!("version={text}: allowed is a number from 1");
    let number =
        |text: &str| text.parse::<u32>().map_err(|_| Failure::bad_request("query", wrong(text)));
    let version = version.as_deref().map(number).transpose()?;
    let found = app.schemas.get(&caller.tenant, &action, version);
    let absent =
        || Failure::not_found("no schema is registered for this action, or no such version");
    found.map(Json).ok_or_else(absent)
}

pub(crate) async fn put(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
    InPath(action): InPath<String>,
    request: Request,
) -> Result<Json<Shown>, Failure> {
    let right = caller.may_set_rules();
    let statement = Statement::new("schema.put", "audit", "update").to("schema", &action);
    let (statement, wish) = match &right {
        Ok(()) => {
            check_action(&action).map_err(|what| Failure::bad_request("path", what))?;
            let wish: Wish = small_json(request).await?;
            (told(statement, &wish), Some(wish))
        }
        // The body of somebody who may not do this is not read.
        Err(_) => (statement, None),
    };
    let (app_, tenant, by) = (app.clone(), caller.tenant.clone(), caller.name.clone());
    let change = async move || {
        let wish = wish.ok_or_else(|| Failure::internal(&"no schema was asked for"))?;
        let job = move || {
            let apply = |schemas| {
                app_.policies.change(&tenant, |policy| policy.with_schemas(Some(schemas)));
            };
            app_.schemas.put(&tenant, &action, wish, &by, apply)
        };
        work(WITH_DISK, job).await?.map_err(failure)
    };
    let (shown, _) = stated::change(&app, &caller, right, statement, change).await?;
    Ok(Json(shown))
}

/// What was asked for: the text by its hash, for it may be long, and stands in the registry.
fn told(statement: Statement, wish: &Wish) -> Statement {
    let statement = match &wish.enforcement {
        Some(enforcement) => statement.noting("enforcement", enforcement.to_string()),
        None => statement,
    };
    match &wish.schema {
        Some(schema) => {
            statement.noting("schema_sha256", hex(&Sha256::digest(schema.get().as_bytes())))
        }
        None => statement,
    }
}

fn failure(error: RegistryError) -> Failure {
    match error {
        RegistryError::Wrong(what) => Failure::bad_request("action_schema", what),
        RegistryError::Io(error) => Failure::unkept(&error, "the list of schemas"),
    }
}

/// What is to be tried, and on which events.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    schema: Box<RawValue>,
    action: String,
    since: Option<String>,
    query: Option<String>,
}

/// Asks a schema about past events; nothing is registered.
pub(crate) async fn test(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
    request: Request,
) -> Result<Response, Failure> {
    stated::turn_away(&app, &caller, Access::new("schema.test", "execute")).await?;
    let asked: Asked = small_json(request).await?;
    check_action(&asked.action).map_err(|what| Failure::bad_request("action_schema", what))?;
    let schema = Compiled::new(asked.schema.get())
        .map_err(|error| Failure::bad_request("action_schema", error.to_string()))?;
    let (now, wrong) = (app.clock.now(), |e: query::FilterError| e.to_string());
    let past = Past::new(asked.since, asked.query);
    let filter =
        past.filter(now).and_then(|filter| filter.and("action", &asked.action, now).map_err(wrong));
    let filter = filter.map_err(|what| Failure::bad_request("query", what))?;
    let text = format!("action:{} {}", asked.action, past);
    let access = Access::new("schema.test", "execute").asking(&text);
    trials::answered(&app, &caller, access, &filter, SchemaTrial::new(&schema)).await
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;

    #[test]
    fn without_room_for_a_schema_its_caller_hears_of_the_disk() {
        let code = |kind: ErrorKind| failure(RegistryError::Io(Error::from(kind))).code();
        assert_eq!(code(ErrorKind::StorageFull), "disk");
        assert_eq!(code(ErrorKind::ReadOnlyFilesystem), "unwritable");
        assert_eq!(code(ErrorKind::Other), "internal");
    }
}

//! The first admin token of a tenant, made by a start that finds none in force.
//!
//! Promises: that one is made is stated before it is; where the tenant had logs already, and no
//! token at all, the start says that tokens were lost.

use std::sync::Arc;

use admit::Statement;
use commit::Purpose;

use crate::app::App;
use crate::config::Config;
use crate::start_error::StartError;

/// What a tenant's logs without a token mean: its own are made with the first of them.
const TOKENS_LOST: &str = "the logs are there and no token is: tokens.json was lost, and with it \
                           every token. Put it back from a backup and start again, or go on with \
                           the new admin token alone";

/// Where a tenant has no admin in force, nobody could make a token: it gets one. Who can start the
/// server can have it, and the access log says that it was made so.
pub(crate) async fn first_tokens(
    app: &Arc<App>,
    config: &Config,
    before: &[String],
) -> Result<Vec<(String, String)>, StartError> {
    let mut made = Vec::new();
    for tenant in config.log.iter().map(|log| &log.tenant) {
        if app.tokens.admins(tenant) > 0 {
            continue;
        }
        let is_lost = app.tokens.list(tenant).is_empty() && is_old(app, tenant, before);
        if is_lost {
            tracing::warn!(tenant, "{TOKENS_LOST}");
        }
        let why = match is_lost {
            true => "the tenant had logs and no token at all when the server started",
            false => "the tenant had no admin in force when the server started",
        };
        let taken: Vec<String> = app.tokens.list(tenant).into_iter().map(|t| t.name).collect();
        let mut names =
            std::iter::once("admin".to_owned()).chain((2..).map(|n| format!("admin-{n}")));
        let name = names.find(|name| !taken.contains(name)).unwrap_or_default();
        let statement = Statement::new("token.create", "audit", "create")
            .to("token", &name)
            .to("role", "admin")
            .because(why);
        app.state(tenant, Purpose::Access, statement)
            .await
            .map_err(|failure| StartError::unstated(&failure))?;
        made.push((tenant.clone(), app.tokens.create_first(tenant, name)?));
    }
    Ok(made)
}

/// Whether a tenant had a log before this start.
fn is_old(app: &App, tenant: &str, before: &[String]) -> bool {
    let logs = app.store.logs();
    let mut own = logs.values().filter(|log| log.meta.tenant == tenant);
    own.any(|log| before.iter().any(|name| *name == log.meta.name()))
}

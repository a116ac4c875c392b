//! The first admin token of a tenant, made by a start that finds none in force.
//!
//! Promises: that one is made is stated before it is; where the tenant had logs already, and no
//! token at all, the start says that tokens were lost.

use std::path::Path;
use std::sync::Arc;

use admit::Statement;
use commit::Purpose;
use platform::{RealDisk, SystemClock, SystemEntropy};

use crate::app::App;
use crate::config::{Config, Loaded};
use crate::serve::{check_new, has_logs};
use crate::start_error::StartError;
use crate::tokens::Tokens;

/// What a tenant's logs without a token mean: its own are made with the first of them.
const TOKENS_LOST: &str = "the logs are there and no token is: tokens.json was lost, and with it \
                           every token. Put it back from a backup and start again, or go on with \
                           the new admin token alone";

/// Whose first admin a start would make: their tokens have to be handed to somebody.
pub struct FirstAdmins {
    /// The tenants that have none in force.
    pub tenants: Vec<String>,
    /// Whether the data folder has no log.
    pub is_new: bool,
}

/// Looks whose first admin a start would make. Makes nothing, and refuses to begin anew as that
/// does.
pub fn first_admins(data: &Path, keys: &Path, loaded: &Loaded) -> Result<FirstAdmins, StartError> {
    let in_folders = |error: StartError| error.in_folders(data, keys);
    check_new(data, keys, &loaded.config).map_err(in_folders)?;
    let data_disk = Arc::new(RealDisk::at(data));
    let is_new = !has_logs(&data_disk);
    let keys_disk = Arc::new(RealDisk::at(keys).through_links());
    let (clock, entropy) = (Arc::new(SystemClock::new()), Arc::new(SystemEntropy));
    let tokens = Tokens::of_folders(data_disk, keys_disk, clock, entropy);
    let tokens = tokens.map_err(|error| in_folders(error.into()))?;
    let tenants = loaded.config.log.iter().map(|log| &log.tenant);
    let tenants = tenants.filter(|tenant| tokens.admins(tenant) == 0).cloned().collect();
    Ok(FirstAdmins { tenants, is_new })
}

/// Where a tenant has no admin in force, nobody could make a token: it gets one. Who can start the
/// server can have it, and the access log says that it was made so.
pub(crate) async fn first_tokens(
    app: &Arc<App>,
    config: &Config,
) -> Result<Vec<(String, String)>, StartError> {
    let mut made = Vec::new();
    for tenant in config.log.iter().map(|log| &log.tenant) {
        if app.tokens.admins(tenant) > 0 {
            continue;
        }
        let is_lost = app.tokens.list(tenant).is_empty() && was_started(app, tenant);
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

/// Entries of a log at most whose first start did not come to its end: that it was opened, and that
/// a token was to be made.
const BEGUN_ENTRIES_MAX: u64 = 2;

/// Whether an earlier start came to its end, and so made a token.
fn was_started(app: &App, tenant: &str) -> bool {
    let logs = app.store.logs();
    let mut own = logs.values().filter(|log| log.meta.tenant == tenant);
    own.any(|log| log.checkpoint().size > BEGUN_ENTRIES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::start;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn first_tokens_that_nobody_has_are_made_again() {
        let folder = std::env::temp_dir().join(format!("counterfoil-anew-{}", std::process::id()));
        let (data, keys) = (folder.join("data"), folder.join("keys"));
        let config = Config::parse("origin = \"log.example\"\nlisten = \"127.0.0.1:0\"\n");
        let loaded = Loaded::from(config.expect("a configuration"));
        let admins = || first_admins(&data, &keys, &loaded).expect("a folder").tenants;
        for _ in 0..2 {
            assert_eq!(admins(), ["default"]);
            let running = start(&data, &keys, &loaded, &mut |_, _| {}).await.expect("it starts");
            assert_eq!(running.started.first_tokens.len(), 1);
            running.forget_first_tokens().await.expect("stated");
            running.stop().await.expect("in order");
        }
        let running = start(&data, &keys, &loaded, &mut |_, _| {}).await.expect("it starts");
        running.stop().await.expect("in order");
        assert_eq!(admins(), [""; 0], "somebody has it");
        std::fs::remove_dir_all(folder).expect("removed");
    }
}

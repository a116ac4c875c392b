//! What the server states, in a tenant's own logs.

use std::sync::Arc;

use admit::Statement;
use commit::Purpose;

use crate::app::App;
use crate::http::error::Failure;
use crate::ingest;

impl App {
    /// Commits a statement to a tenant's log. It is durable, signed and findable when this returns.
    pub(crate) async fn state(
        self: &Arc<App>,
        tenant: &str,
        purpose: Purpose,
        statement: Statement,
    ) -> Result<(), Failure> {
        self.state_all(tenant, purpose, vec![statement]).await
    }

    /// Commits several, in one frame or none.
    pub(crate) async fn state_all(
        self: &Arc<App>,
        tenant: &str,
        purpose: Purpose,
        statements: Vec<Statement>,
    ) -> Result<(), Failure> {
        let log = self.open_log(tenant, purpose);
        let log = log.ok_or_else(|| Failure::internal(&"a tenant has no log for statements"))?;
        let now = self.clock.now();
        let admit = |statement: Statement| {
            let admitted = statement.admit(now, tenant, || self.store.world().new_id());
            admitted.map_err(|refusal| {
                Failure::internal(&format!("a statement: {} {}", refusal.path, refusal.reason))
            })
        };
        let admitted = statements.into_iter().map(admit).collect::<Result<Vec<_>, _>>()?;
        ingest::commit(self, &log, admitted, None).await?;
        Ok(())
    }
}

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
        let log = self.open_log(tenant, purpose);
        let log = log.ok_or_else(|| Failure::internal(&"a tenant has no log for statements"))?;
        let admitted = statement.admit(self.clock.now(), tenant, || self.store.world().new_id());
        let admitted = admitted.map_err(|refusal| {
            Failure::internal(&format!("a statement: {} {}", refusal.path, refusal.reason))
        })?;
        ingest::commit(self, &log, vec![admitted], None).await?;
        Ok(())
    }
}

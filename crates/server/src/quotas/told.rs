//! Who was turned away: shown, and stated once a minute.

use std::sync::Arc;
use std::time::Duration;

use admit::Statement;
use commit::Purpose;
use serde::Serialize;

use super::{Key, Quotas, SHARED};
use crate::app::App;

/// How often a principal that was turned away is stated.
const STATED: Duration = Duration::from_secs(60);

/// What those are called that share a bucket.
const OTHERS: &str = "(others)";

/// A principal that was turned away.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct TurnedAway {
    pub(crate) tenant: String,
    pub(crate) principal: String,
    /// Requests to send.
    pub(crate) requests: u64,
    /// Requests to read.
    pub(crate) reads: u64,
}

impl TurnedAway {
    fn new((tenant, principal): &Key, [requests, reads]: [u64; 2]) -> TurnedAway {
        let shared = if principal == SHARED { OTHERS } else { principal };
        TurnedAway { tenant: tenant.clone(), principal: shared.to_owned(), requests, reads }
    }
}

impl Quotas {
    /// Who was turned away and has not been stated, if a minute has passed.
    pub(crate) fn to_state(&self, now: Duration) -> Vec<TurnedAway> {
        let mut kept = self.lock();
        if now.saturating_sub(kept.stated_at) < STATED {
            return Vec::new();
        }
        kept.stated_at = now;
        let away = kept.by_principal.iter_mut().filter(|(_, bucket)| bucket.turned_away != [0; 2]);
        let mut away: Vec<TurnedAway> = away
            .map(|(key, bucket)| TurnedAway::new(key, std::mem::take(&mut bucket.turned_away)))
            .collect();
        away.sort_by(|a, b| (&a.tenant, &a.principal).cmp(&(&b.tenant, &b.principal)));
        away
    }

    /// What could not be stated is stated later.
    pub(super) fn give_back(&self, away: &TurnedAway) {
        let principal = if away.principal == OTHERS { SHARED } else { &away.principal };
        let key = (away.tenant.clone(), principal.to_owned());
        if let Some(bucket) = self.lock().by_principal.get_mut(&key) {
            bucket.turned_away[0] += away.requests;
            bucket.turned_away[1] += away.reads;
        }
    }

    /// The principals of a tenant that were turned away since the start, by name.
    pub(crate) fn of_tenant(&self, tenant: &str) -> Vec<TurnedAway> {
        let kept = self.lock();
        let away = kept.by_principal.iter().filter(|((whose, _), _)| whose == tenant);
        let away = away.filter(|(_, bucket)| bucket.turned_away_ever != [0; 2]);
        let mut away: Vec<TurnedAway> =
            away.map(|(key, bucket)| TurnedAway::new(key, bucket.turned_away_ever)).collect();
        away.sort_by(|a, b| a.principal.cmp(&b.principal));
        away
    }
}

/// States who was turned away, in the logs of their tenants. Called with every pulse.
pub(crate) async fn state(app: &Arc<App>) {
    for away in app.quotas.to_state(app.clock.elapsed()) {
        if app.state(&away.tenant, Purpose::Events, statement(&away)).await.is_err() {
            app.quotas.give_back(&away);
            let tenant = &away.tenant;
            tracing::warn!(tenant, "a quota that was exceeded could not be stated; trying again");
        }
    }
}

/// What is stated of a principal that was turned away.
fn statement(away: &TurnedAway) -> Statement {
    Statement::new("quota.exceeded", "system", "other")
        .because("a principal sent or read more than it may and was told to come again")
        .noting("principal", away.principal.clone())
        .counting("requests", away.requests)
        .counting("reads", away.reads)
}

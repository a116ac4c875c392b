//! Putting the counts into the log.

use std::sync::Arc;

use admit::{Admitted, Statement, number};
use commit::Purpose;
use event::format_time;

use super::{Book, Key, Kind, LeftOut, STATED_EVERY_NS, Tally, Window};
use crate::app::App;
use crate::http::error::Failure;
use crate::ingest;

/// Statements that are committed together.
const TOGETHER_MAX: usize = 500;

/// What is to be stated.
#[derive(Clone, Debug)]
pub(super) enum Due {
    LeftOut(Key, Tally),
    Counted(Kind, Window),
}

impl App {
    /// States what of a tenant's counts is due, or with `all` every one. When this returns they are
    /// durable; where the log cannot be written, they stay and are stated later.
    pub(crate) async fn state_left_out(
        self: &Arc<App>,
        tenant: &str,
        all: bool,
    ) -> Result<(), Failure> {
        let _stating = self.left_out.stating.lock().await;
        let now = self.clock.now();
        let due = self.left_out.due(tenant, now, all);
        let log = self.open_log(tenant, Purpose::Events);
        let log = log.ok_or_else(|| Failure::internal(&"a tenant has no log for statements"))?;
        for due in due.chunks(TOGETHER_MAX) {
            let admitted: Result<Vec<Admitted>, _> = due
                .iter()
                .map(|due| due.statement().admit(now, tenant, || self.store.world().new_id()))
                .collect();
            let admitted = admitted.map_err(|refusal| {
                Failure::internal(&format!("a statement: {} {}", refusal.path, refusal.reason))
            })?;
            ingest::commit(self, &log, admitted, None).await?;
            self.left_out.settle(tenant, now, due);
        }
        Ok(())
    }

    /// States what is due of all tenants; what fails is traced and tried again.
    pub(crate) async fn state_all_left_out(self: &Arc<App>, all: bool) {
        for tenant in self.left_out.tenants() {
            if let Err(failure) = self.state_left_out(&tenant, all).await {
                tracing::warn!(
                    tenant,
                    code = failure.code(),
                    "what was left out is not stated yet"
                );
            }
        }
    }
}

impl LeftOut {
    fn tenants(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    pub(super) fn due(&self, tenant: &str, now: i64, all: bool) -> Vec<Due> {
        let mut books = self.lock();
        let Some(book) = books.get_mut(tenant) else { return Vec::new() };
        book.close_windows(now, all);
        let is_due = |stated_at: Option<i64>| {
            all || stated_at.is_none_or(|at| now - at >= STATED_EVERY_NS || now < at)
        };
        for entry in book.entries.values_mut().filter(|entry| entry.pending.events == 0) {
            // A quiet minute: the next one left out is stated at once again.
            if entry.stated_at.is_some() && is_due(entry.stated_at) {
                entry.stated_at = None;
            }
        }
        let left_out = book
            .entries
            .iter()
            .filter(|(_, entry)| entry.pending.events > 0 && is_due(entry.stated_at));
        let left_out = left_out.map(|(key, entry)| Due::LeftOut(key.clone(), entry.pending));
        let counted = book.ended.iter().cloned().map(|(kind, window)| Due::Counted(kind, window));
        left_out.chain(counted).collect()
    }

    /// Takes off what is in the log.
    pub(super) fn settle(&self, tenant: &str, now: i64, stated: &[Due]) {
        let mut books = self.lock();
        let Some(book) = books.get_mut(tenant) else { return };
        let mut windows = 0;
        for due in stated {
            match due {
                Due::LeftOut(key, tally) => {
                    let Some(entry) = book.entries.get_mut(key) else { continue };
                    let pending = &mut entry.pending;
                    pending.events -= tally.events.min(pending.events);
                    pending.bytes -= tally.bytes.min(pending.bytes);
                    // What came meanwhile came behind the last one stated.
                    pending.first = tally.last;
                    entry.stated_at = Some(now);
                }
                Due::Counted(..) => windows += 1,
            }
        }
        // They are stated in the order in which they ended; new ones stand behind.
        book.ended.drain(..windows.min(book.ended.len()));
    }
}

impl Book {
    /// Moves the windows that are over to those that are to be stated.
    fn close_windows(&mut self, now: i64, all: bool) {
        let is_over = |window: &Window| {
            all || now < window.opened
                || now >= window.opened + i64::from(window.window_s) * 1_000_000_000
        };
        let over: Vec<Kind> = self
            .windows
            .iter()
            .filter(|(_, window)| window.of_request.is_none() && is_over(window))
            .map(|(kind, _)| kind.clone())
            .collect();
        for kind in over {
            let Some(window) = self.windows.remove(&kind) else { continue };
            if window.tally.events > 0 {
                self.ended.push((kind, window));
            }
        }
    }
}

impl Due {
    pub(super) fn statement(&self) -> Statement {
        match self {
            Due::LeftOut((rule, service), tally) => {
                let statement = Statement::new("scope.dropped", "audit", "other");
                told(statement, rule, service, tally)
            }
            Due::Counted(kind, window) => {
                let statement = Statement::new("scope.aggregated", "audit", "other")
                    .with(&["outcome", "counts", "attempted"], number(window.tally.events))
                    .with(&["outcome", "counts", "succeeded"], number(window.succeeded))
                    .with(&["outcome", "counts", "failed"], number(window.failed))
                    .noting("action", kind.action.clone())
                    .counting("window_s", u64::from(window.window_s));
                let statement = match &kind.path {
                    Some(path) => statement.noting("path", path.clone()),
                    None => statement,
                };
                told(statement, &kind.rule, &kind.service, &window.tally)
            }
        }
    }
}

fn told(statement: Statement, rule: &super::Named, service: &str, tally: &Tally) -> Statement {
    statement
        .to("service", service)
        .because(&rule.reason)
        .noting("rule", rule.name.clone())
        .noting("rule_digest", rule.digest.clone())
        .counting("events", tally.events)
        .counting("bytes", tally.bytes)
        .noting("first_at", format_time(tally.first))
        .noting("last_at", format_time(tally.last))
}

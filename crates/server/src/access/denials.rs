//! Denials of a kind: the first of a minute are stated one by one, further ones as a number.
//!
//! Promises: no denial is silent. Of one principal and action (or route) [`SINGLY`] in a minute are
//! stated before they are answered; those after them are counted, and the count is stated when the
//! minute is over, and at a stop. So a client that asks in a loop fills no disk. Where there is no
//! room to count, and where a statement failed, each is stated by itself.
//!
//! KNOWN: a crash loses the count since the last statement, a minute of it at most. That this
//! principal was denied this, the log has.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use admit::{Statement, number};
use commit::Purpose;
use event::format_time;

use super::Principal;
use super::stated::denying;
use crate::app::App;

/// So many of a kind are stated one by one within [`COUNTED_FOR`].
const SINGLY: u32 = 10;
/// Those that come later within this time are counted together.
const COUNTED_FOR: Duration = Duration::from_secs(60);
/// Kinds that are counted at once.
const KINDS_MAX: usize = 10_000;
/// Counts that are stated together.
const TOGETHER_MAX: usize = 500;

/// What was denied, and to whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kind {
    tenant: String,
    token_id: String,
    action: String,
    /// Where the action says nothing of it.
    route: String,
}

impl Kind {
    pub(crate) fn new(caller: &Principal, what: &Statement, route: &str) -> Kind {
        Kind {
            tenant: caller.tenant.clone(),
            token_id: caller.token_id.clone(),
            action: what.action().to_owned(),
            route: route.to_owned(),
        }
    }
}

/// What becomes of a denial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is to be stated by itself.
    State,
    /// It is counted, and will be stated with others.
    Counted,
}

#[derive(Clone, Debug)]
struct Window {
    opened: Duration,
    stated: u32,
    counted: u64,
    /// When the first and the last of those counted came, nanoseconds since 1970.
    first: i64,
    last: i64,
    /// What is said of them.
    statement: Statement,
}

/// Locked for as long as it takes to count.
#[derive(Default)]
pub(crate) struct Denials(Mutex<BTreeMap<Kind, Window>>);

impl Denials {
    /// Takes note of a denial at a moment of the machine (`elapsed`) and of the wall (`now`).
    pub(crate) fn enter(
        &self,
        elapsed: Duration,
        now: i64,
        kind: &Kind,
        again: impl FnOnce() -> Statement,
    ) -> Fate {
        let mut all = self.lock();
        if let Some(window) = all.get_mut(kind) {
            let is_over = elapsed.saturating_sub(window.opened) >= COUNTED_FOR;
            if is_over && window.counted == 0 {
                (window.opened, window.stated) = (elapsed, 0);
            }
            if window.counted == 0 && window.stated < SINGLY {
                window.stated += 1;
                return Fate::State;
            }
            if window.counted == 0 {
                window.first = now;
            }
            window.counted += 1;
            window.last = now;
            return Fate::Counted;
        }
        if all.len() < KINDS_MAX {
            let statement = again();
            let window =
                Window { opened: elapsed, stated: 1, counted: 0, first: now, last: now, statement };
            all.insert(kind.clone(), window);
        }
        Fate::State
    }

    /// The access log did not take a denial that was to be stated: nothing stands for others.
    pub(crate) fn undo(&self, kind: &Kind) {
        if let Some(window) = self.lock().get_mut(kind) {
            window.stated = window.stated.saturating_sub(1);
        }
    }

    /// The counts whose time is over, or with `all` every one; windows that counted nothing go.
    fn due(&self, elapsed: Duration, all: bool) -> Vec<(Kind, Window)> {
        let mut windows = self.lock();
        let is_over = |window: &Window| elapsed.saturating_sub(window.opened) >= COUNTED_FOR;
        windows.retain(|_, window| window.counted > 0 || !is_over(window));
        let due = windows.iter().filter(|(_, window)| window.counted > 0);
        let due = due.filter(|(_, window)| all || is_over(window)).take(TOGETHER_MAX);
        due.map(|(kind, window)| (kind.clone(), window.clone())).collect()
    }

    /// Takes off what the access log has; what came meanwhile stays.
    fn settle(&self, stated: &[(Kind, Window)]) {
        let mut windows = self.lock();
        for (kind, had) in stated {
            let Some(window) = windows.get_mut(kind) else { continue };
            window.counted = window.counted.saturating_sub(had.counted);
            window.first = had.last;
            if window.counted == 0 {
                windows.remove(kind);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Kind, Window>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// States what is due, in the access logs of the tenants; what fails is tried again. Called with
/// every pulse, and with `all` when nobody is answered any more.
pub(crate) async fn state(app: &Arc<App>, all: bool) {
    loop {
        let mut due = app.denials.due(app.clock.elapsed(), all);
        if due.is_empty() {
            return;
        }
        let is_more = due.len() == TOGETHER_MAX;
        while let Some((Kind { tenant, .. }, _)) = due.first() {
            let tenant = tenant.clone();
            let own = due.iter().take_while(|(kind, _)| kind.tenant == tenant).count();
            let rest = due.split_off(own);
            let said = due.iter().map(|(_, window)| window.said()).collect();
            if app.state_all(&tenant, Purpose::Access, said).await.is_err() {
                tracing::warn!(
                    tenant,
                    "denials that were counted could not be stated; trying again"
                );
                return;
            }
            app.denials.settle(&due);
            due = rest;
        }
        if !is_more {
            return;
        }
    }
}

impl Window {
    fn said(&self) -> Statement {
        denying(self.statement.clone().ended("failure"))
            .with(&["outcome", "code"], "role")
            .with(&["outcome", "counts", "attempted"], number(self.counted))
            .with(&["outcome", "counts", "failed"], number(self.counted))
            .because("denied again and again: further ones of a minute are counted")
            .noting("first_at", format_time(self.first))
            .noting("last_at", format_time(self.last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(token: &str) -> Kind {
        let [tenant, token_id, action] = ["t", token, "events.search"].map(str::to_owned);
        Kind { tenant, token_id, action, route: String::new() }
    }

    fn again() -> Statement {
        Statement::new("events.search", "audit", "list")
    }

    struct Bench(Denials);

    impl Bench {
        /// Of so many denials, how many are to be stated.
        fn enter(&self, second: u64, token: &str, times: usize) -> usize {
            let at = Duration::from_secs(second);
            let enter = |_: &usize| self.0.enter(at, second as i64, &kind(token), again);
            (0..times).filter(|nth| enter(nth) == Fate::State).count()
        }

        /// The counts that are stated.
        fn state(&self, second: u64, all: bool) -> Vec<u64> {
            let due = self.0.due(Duration::from_secs(second), all);
            self.0.settle(&due);
            due.iter().map(|(_, window)| window.counted).collect()
        }
    }

    #[test]
    fn the_first_are_stated_and_all_others_are_counted() {
        let bench = Bench(Denials::default());
        assert_eq!(bench.enter(0, "a", 1_000), SINGLY as usize);
        assert_eq!(bench.enter(59, "a", 5), 0);
        assert_eq!(bench.enter(59, "b", 3), 3, "each has its own");
        assert_eq!(bench.state(59, false), [0; 0]);
        assert_eq!(bench.state(60, false), [995]);
        assert_eq!(bench.enter(61, "a", 12), SINGLY as usize, "another minute");
        assert_eq!(bench.state(62, true), [2], "a stop waits for no minute");
        assert_eq!(bench.state(119, true), [0; 0]);
        assert!(bench.0.lock().is_empty(), "what counts nothing is not kept");
    }

    #[test]
    fn what_came_while_it_was_stated_stays_and_what_failed_stands_for_nothing() {
        let bench = Bench(Denials::default());
        bench.enter(0, "a", 11);
        let due = bench.0.due(Duration::from_secs(60), false);
        assert_eq!(bench.enter(60, "a", 2), 0);
        bench.0.settle(&due);
        assert_eq!(bench.state(61, false), [2]);
        assert_eq!(bench.enter(70, "a", 10), 10);
        bench.0.undo(&kind("a"));
        assert_eq!(bench.enter(70, "a", 2), 1, "one more, for the one that failed");
        let said = due[0].1.said().admit(0, "t", || "id".into()).expect("conforms");
        assert_eq!(said.fields().text("[\"outcome\",\"counts\",\"failed\"]"), Some("1"));
    }

    #[test]
    fn where_there_is_no_room_to_count_all_are_stated() {
        let bench = Bench(Denials::default());
        for nth in 0..KINDS_MAX {
            bench.enter(0, &nth.to_string(), 1);
        }
        assert_eq!(bench.enter(0, "one-more", 50), 50);
        assert_eq!(bench.0.lock().len(), KINDS_MAX);
    }
}

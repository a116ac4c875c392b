//! What one principal may send in a second: a bucket for each, which fills with time.
//!
//! Promises: who is over hears 429 `quota` with Retry-After before its body is read, and nothing is
//! lost: it sends the same again. A body is never too large for a quota: what it takes beyond what
//! is there is paid off before the next one. A principal costs the same few bytes whatever it
//! sends, and there are as many as there may be tokens. How often somebody was turned away is
//! stated in its tenant's log, once a minute.
//!
//! Never: refuses what was admitted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use admit::Statement;
use commit::Purpose;
use serde::Serialize;

use crate::app::App;
use crate::config::{Limits, RATE_MAX};

/// As many seconds of its rate as a principal may save up.
const BURST_S: f64 = 10.0;
/// Principals that are kept; as many as there may be tokens.
const PRINCIPALS_MAX: usize = 10_000;
/// How often a principal that was turned away is stated.
const STATED: Duration = Duration::from_secs(60);

/// What all principals have sent.
pub(crate) struct Quotas {
    /// Events and bytes a second; 0 is no bound.
    rates: [f64; 2],
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// By tenant and principal.
    by_principal: HashMap<(String, String), Bucket>,
    stated_at: Duration,
}

#[derive(Clone, Copy)]
struct Bucket {
    /// Events and bytes that may still be sent; below 0 they are owed.
    left: [f64; 2],
    filled_at: Duration,
    /// Requests turned away since they were last stated, and ever.
    turned_away: u64,
    turned_away_ever: u64,
}

/// A principal that was turned away.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct TurnedAway {
    pub(crate) tenant: String,
    pub(crate) principal: String,
    pub(crate) requests: u64,
}

impl Quotas {
    pub(crate) fn new(limits: &Limits) -> Quotas {
        let rate = |max: usize| if max >= RATE_MAX { 0.0 } else { max as f64 };
        let rates = [rate(limits.producer_events_s_max), rate(limits.producer_bytes_s_max)];
        Quotas { rates, kept: Mutex::default() }
    }

    /// Whether a principal may send now; else after how many seconds.
    pub(crate) fn ask(&self, now: Duration, tenant: &str, principal: &str) -> Result<(), u32> {
        if self.is_off() {
            return Ok(());
        }
        let mut kept = self.lock();
        let bucket = self.bucket(&mut kept, now, tenant, principal);
        let Some(wait) = self.wait(bucket) else { return Ok(()) };
        bucket.turned_away += 1;
        bucket.turned_away_ever += 1;
        Err(wait)
    }

    /// Takes what a principal has sent out of its bucket.
    pub(crate) fn take(
        &self,
        now: Duration,
        tenant: &str,
        principal: &str,
        events: usize,
        bytes: usize,
    ) {
        if self.is_off() {
            return;
        }
        let mut kept = self.lock();
        let bucket = self.bucket(&mut kept, now, tenant, principal);
        // What has no bound never fills again: taken from it, a bucket would not count as full.
        for (at, taken) in [events, bytes].into_iter().enumerate() {
            if self.rates[at] > 0.0 {
                bucket.left[at] -= taken as f64;
            }
        }
    }

    /// Who was turned away and has not been stated, if a minute has passed.
    pub(crate) fn to_state(&self, now: Duration) -> Vec<TurnedAway> {
        let mut kept = self.lock();
        if now.saturating_sub(kept.stated_at) < STATED {
            return Vec::new();
        }
        kept.stated_at = now;
        let away = kept.by_principal.iter_mut().filter(|(_, bucket)| bucket.turned_away > 0);
        let mut away: Vec<TurnedAway> = away
            .map(|((tenant, principal), bucket)| TurnedAway {
                tenant: tenant.clone(),
                principal: principal.clone(),
                requests: std::mem::take(&mut bucket.turned_away),
            })
            .collect();
        away.sort_by(|a, b| (&a.tenant, &a.principal).cmp(&(&b.tenant, &b.principal)));
        away
    }

    /// The principals of a tenant that were turned away since the start, by name.
    pub(crate) fn of_tenant(&self, tenant: &str) -> Vec<TurnedAway> {
        let kept = self.lock();
        let away = kept.by_principal.iter().filter(|((whose, _), _)| whose == tenant);
        let away = away.filter(|(_, bucket)| bucket.turned_away_ever > 0);
        let mut away: Vec<TurnedAway> = away
            .map(|((tenant, principal), bucket)| TurnedAway {
                tenant: tenant.clone(),
                principal: principal.clone(),
                requests: bucket.turned_away_ever,
            })
            .collect();
        away.sort_by(|a, b| a.principal.cmp(&b.principal));
        away
    }

    fn is_off(&self) -> bool {
        self.rates == [0.0, 0.0]
    }

    /// The bucket of a principal, filled up to now. Where there are too many, those go that are
    /// full: nothing is known of them that a new one would not say.
    fn bucket<'k>(
        &self,
        kept: &'k mut Kept,
        now: Duration,
        tenant: &str,
        principal: &str,
    ) -> &'k mut Bucket {
        let full = self.rates.map(|rate| rate * BURST_S);
        let key = (tenant.to_owned(), principal.to_owned());
        let all = &mut kept.by_principal;
        if all.len() >= PRINCIPALS_MAX && !all.contains_key(&key) {
            all.retain(|_, bucket| {
                let filled = fill(*bucket, self.rates, now);
                filled.turned_away_ever > 0 || filled.left != full
            });
        }
        let new = Bucket { left: full, filled_at: now, turned_away: 0, turned_away_ever: 0 };
        let bucket = all.entry(key).or_insert(new);
        *bucket = fill(*bucket, self.rates, now);
        bucket
    }

    /// Whole seconds until nothing is owed.
    fn wait(&self, bucket: &Bucket) -> Option<u32> {
        let owed =
            self.rates.iter().zip(bucket.left).filter(|(rate, left)| **rate > 0.0 && *left < 1.0);
        let seconds = owed.map(|(rate, left)| ((1.0 - left) / rate).ceil()).fold(0.0, f64::max);
        (seconds > 0.0).then_some(seconds.min(3_600.0) as u32)
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fill(bucket: Bucket, rates: [f64; 2], now: Duration) -> Bucket {
    let passed = now.saturating_sub(bucket.filled_at).as_secs_f64();
    let filled = |at: usize| (bucket.left[at] + rates[at] * passed).min(rates[at] * BURST_S);
    Bucket { left: [filled(0), filled(1)], filled_at: now.max(bucket.filled_at), ..bucket }
}

/// States who was turned away, in the logs of their tenants. Called with every pulse.
pub(crate) async fn state(app: &Arc<App>) {
    for away in app.quotas.to_state(app.clock.elapsed()) {
        if app.state(&away.tenant, Purpose::Events, statement(&away)).await.is_err() {
            tracing::warn!(tenant = away.tenant, "a quota that was exceeded could not be stated");
        }
    }
}

/// What is stated of a principal that was turned away.
fn statement(away: &TurnedAway) -> Statement {
    Statement::new("quota.exceeded", "system", "other")
        .because("a principal sent more than limits.producer_* allow and was told to come again")
        .noting("principal", away.principal.clone())
        .counting("requests", away.requests)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quotas(events: usize, bytes: usize) -> Quotas {
        let limits = Limits {
            producer_events_s_max: events,
            producer_bytes_s_max: bytes,
            ..Limits::default()
        };
        Quotas::new(&limits)
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn what_is_taken_is_paid_off_with_time() {
        let quotas = quotas(10, 0);
        quotas.take(at(0), "t", "a", 149, 1 << 30);
        assert_eq!(quotas.ask(at(0), "t", "a"), Err(5), "49 owed and one wanted, 10 a second");
        assert_eq!(quotas.ask(at(4), "t", "a"), Err(1));
        assert_eq!(quotas.ask(at(5), "t", "a"), Ok(()));
        assert_eq!(quotas.ask(at(0), "t", "b"), Ok(()), "each has its own");
        assert_eq!(quotas.ask(at(0), "u", "a"), Ok(()));
        let away = TurnedAway { tenant: "t".into(), principal: "a".into(), requests: 2 };
        assert_eq!(quotas.to_state(at(59)), []);
        assert_eq!(quotas.to_state(at(60)), [away]);
        assert_eq!(quotas.to_state(at(120)), [], "stated once");
    }

    #[test]
    fn bytes_have_a_quota_of_their_own_and_none_is_none() {
        let bytes = quotas(0, 1_000);
        bytes.take(at(0), "t", "a", 1 << 20, 12_000);
        assert_eq!(bytes.ask(at(0), "t", "a"), Err(3));
        let off = quotas(0, 0);
        off.take(at(0), "t", "a", 1 << 20, 1 << 30);
        assert_eq!(off.ask(at(0), "t", "a"), Ok(()));
        assert!(off.lock().by_principal.is_empty());
    }

    #[test]
    fn principals_that_are_idle_make_room() {
        let quotas = quotas(10, 0);
        for nth in 0..2 * PRINCIPALS_MAX {
            quotas.take(at(nth as u64), "t", &nth.to_string(), 1, 1);
        }
        assert!(quotas.lock().by_principal.len() <= PRINCIPALS_MAX + 1);
    }
}

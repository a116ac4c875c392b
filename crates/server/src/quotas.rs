//! What one principal may send and read in a second: buckets for each, which fill with time.
//!
//! Promises: who is over hears 429 with Retry-After before its body is read or anything is looked
//! up, and nothing is lost: it asks the same again. A body is never too large for a quota: what it
//! takes beyond what is there is paid off before the next one. Every principal has the usual rates,
//! unless the configuration names others for it; a reload changes them. A principal costs the same
//! few bytes whatever it does, and there are only so many. How often somebody was
//! turned away is stated in its tenant's log, once a minute.
//!
//! Never: refuses what was admitted. Never counts what needs no statement as a read: status,
//! metrics, health.

mod rates;
mod told;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(crate) use rates::Rates;
use rates::{BURST_S, KINDS, Rate};
pub(crate) use told::state;

/// Principals that are kept. Beyond that, those of a tenant share one bucket.
const PRINCIPALS_MAX: usize = 10_000;
/// The name of those that share one; no token has it.
const SHARED: &str = "";

/// What all principals have sent and read.
pub(crate) struct Quotas {
    /// Locked for as long as it takes to count.
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    rates: Rates,
    /// By tenant and principal.
    by_principal: HashMap<Key, Bucket>,
    stated_at: Duration,
}

type Key = (String, String);

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// To send a body.
    Send,
    /// To read what has to be stated; a long question counts as several reads.
    Reads(u16),
    /// To change what has to be stated before and after.
    Change,
}

/// Of what has to be stated, the kind that holds revocations which revoked nothing.
const IDLE: usize = 3;

impl Want {
    /// The kinds of a rate that it is bounded by.
    fn kinds(self) -> Range<usize> {
        match self {
            Want::Send => 0..2,
            Want::Reads(_) | Want::Change => 2..3,
        }
    }

    /// Statements that it comes with, which are taken out of the bucket of reads at once.
    fn statements(self) -> f64 {
        match self {
            Want::Send => 0.0,
            Want::Reads(count) => f64::from(count),
            Want::Change => 2.0,
        }
    }

    /// Where those are counted that were turned away.
    fn counted(self) -> usize {
        usize::from(self != Want::Send)
    }
}

#[derive(Clone, Copy)]
struct Bucket {
    /// What may still be done; below 0 it is owed.
    left: Rate,
    filled_at: Duration,
    /// Requests turned away since they were last stated, and ever; to send and to read.
    turned_away: [u64; 2],
    turned_away_ever: [u64; 2],
}

impl Quotas {
    pub(crate) fn new(rates: Rates) -> Quotas {
        Quotas { kept: Mutex::new(Kept { rates, ..Kept::default() }) }
    }

    /// Puts other rates in force. Where one is another, what was owed under the old is forgiven.
    pub(crate) fn change(&self, rates: Rates) {
        let mut kept = self.lock();
        let was = std::mem::replace(&mut kept.rates, rates);
        let Kept { rates, by_principal, .. } = &mut *kept;
        for (key, bucket) in by_principal {
            let (was, now) = (was.of(key), rates.of(key));
            for kind in (0..KINDS).filter(|kind| was[*kind] != now[*kind]) {
                bucket.left[kind] = now[kind] * BURST_S;
            }
        }
    }

    /// Whether a principal may do something now; else after how many seconds. What is
    /// stated is taken out of its bucket at once, what is sent by [`Quotas::take`].
    pub(crate) fn ask(
        &self,
        now: Duration,
        tenant: &str,
        principal: &str,
        want: Want,
    ) -> Result<(), u32> {
        let mut kept = self.lock();
        if kept.rates.is_off(want.kinds()) {
            return Ok(());
        }
        let (rate, bucket) = kept.bucket(now, tenant, principal);
        let Some(wait) = wait(rate, bucket, want.kinds()) else {
            if rate[2] > 0.0 {
                bucket.left[2] -= want.statements();
            }
            return Ok(());
        };
        bucket.turned_away[want.counted()] += 1;
        bucket.turned_away_ever[want.counted()] += 1;
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
        let mut kept = self.lock();
        if kept.rates.is_off(Want::Send.kinds()) {
            return;
        }
        let (rate, bucket) = kept.bucket(now, tenant, principal);
        // What has no bound never fills again: taken from it, a bucket would not count as full.
        for (kind, taken) in [events, bytes].into_iter().enumerate() {
            if rate[kind] > 0.0 {
                bucket.left[kind] -= taken as f64;
            }
        }
    }

    /// Whether a principal may revoke a token that is there whatever else it has asked for. It may,
    /// unless it has asked in a loop for revocations that revoked nothing.
    pub(crate) fn may_revoke(&self, now: Duration, tenant: &str, principal: &str) -> bool {
        let mut kept = self.lock();
        if kept.rates.is_off(IDLE..IDLE + 1) {
            return true;
        }
        let (rate, bucket) = kept.bucket(now, tenant, principal);
        wait(rate, bucket, IDLE..IDLE + 1).is_none()
    }

    /// A token that was there was not revoked: somebody else was first, or it could not be kept.
    pub(crate) fn revoked_nothing(&self, now: Duration, tenant: &str, principal: &str) {
        let mut kept = self.lock();
        if kept.rates.is_off(IDLE..IDLE + 1) {
            return;
        }
        let (rate, bucket) = kept.bucket(now, tenant, principal);
        if rate[IDLE] > 0.0 {
            bucket.left[IDLE] -= Want::Change.statements();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// The rate and the bucket of a principal, filled up to now.
    fn bucket(&mut self, now: Duration, tenant: &str, principal: &str) -> (Rate, &mut Bucket) {
        let mut key = (tenant.to_owned(), principal.to_owned());
        if self.by_principal.len() >= PRINCIPALS_MAX && !self.by_principal.contains_key(&key) {
            self.make_room(now);
            if self.by_principal.len() >= PRINCIPALS_MAX {
                key.1 = SHARED.to_owned();
            }
        }
        let rate = self.rates.of(&key);
        let full = rate.map(|rate| rate * BURST_S);
        let new =
            Bucket { left: full, filled_at: now, turned_away: [0; 2], turned_away_ever: [0; 2] };
        let bucket = self.by_principal.entry(key).or_insert(new);
        *bucket = fill(*bucket, rate, now);
        (rate, bucket)
    }

    /// Where there are too many, those go that are full, for nothing is known of them that a new
    /// one would not say; then those of whom all is stated.
    fn make_room(&mut self, now: Duration) {
        let Kept { rates, by_principal, .. } = self;
        let is_full = |key: &Key, bucket: &Bucket| {
            let rate = rates.of(key);
            fill(*bucket, rate, now).left == rate.map(|rate| rate * BURST_S)
        };
        by_principal
            .retain(|key, bucket| bucket.turned_away_ever != [0; 2] || !is_full(key, bucket));
        if by_principal.len() >= PRINCIPALS_MAX {
            by_principal
                .retain(|key, bucket| bucket.turned_away != [0; 2] || !is_full(key, bucket));
        }
    }
}

/// Whole seconds until nothing of it is owed.
fn wait(rate: Rate, bucket: &Bucket, kinds: Range<usize>) -> Option<u32> {
    let owed = kinds.filter(|kind| rate[*kind] > 0.0 && bucket.left[*kind] < 1.0);
    let seconds = owed.map(|kind| ((1.0 - bucket.left[kind]) / rate[kind]).ceil());
    let seconds = seconds.fold(0.0, f64::max);
    (seconds > 0.0).then_some(seconds.min(3_600.0) as u32)
}

fn fill(bucket: Bucket, rate: Rate, now: Duration) -> Bucket {
    let passed = now.saturating_sub(bucket.filled_at).as_secs_f64();
    let filled = |kind: usize| (bucket.left[kind] + rate[kind] * passed).min(rate[kind] * BURST_S);
    let left = std::array::from_fn(filled);
    Bucket { left, filled_at: now.max(bucket.filled_at), ..bucket }
}

#[cfg(test)]
mod tests;

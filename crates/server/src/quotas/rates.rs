//! How much in a second, for all and for those that the configuration names.

use std::collections::HashMap;
use std::ops::Range;

use super::Key;
use crate::config::{Config, RATE_MAX};

/// Events, bytes, reads, and statements of revocations that revoked nothing.
pub(super) const KINDS: usize = 4;
/// As many seconds of its rate as a principal may save up.
pub(super) const BURST_S: f64 = 10.0;

/// As many of each kind in a second; 0 is no bound.
pub(super) type Rate = [f64; KINDS];

/// The rates in force.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rates {
    /// Of who is not named.
    usual: Rate,
    /// By tenant and principal. There are as many as the configuration may name.
    own: HashMap<Key, Rate>,
}

impl Rates {
    pub(crate) fn of_config(config: &Config) -> Rates {
        let limits = &config.limits;
        let (events, bytes) = (limits.producer_events_s_max, limits.producer_bytes_s_max);
        // What is stated has one bound for whoever sets it; that of revocations is kept apart, so
        // that no read takes from it.
        let usual = [events, bytes, limits.reads_s_max, limits.reads_s_max];
        let rate = |max: usize| if max >= RATE_MAX { 0.0 } else { max as f64 };
        let own = config.quota.iter().map(|quota| {
            let reads = quota.reads_s_max;
            let own = [quota.events_s_max, quota.bytes_s_max, reads, reads];
            let of = |kind: usize| rate(if own[kind] > 0 { own[kind] } else { usual[kind] });
            ((quota.tenant.clone(), quota.principal.clone()), std::array::from_fn(of))
        });
        Rates { usual: usual.map(rate), own: own.collect() }
    }

    pub(super) fn of(&self, key: &Key) -> Rate {
        self.own.get(key).copied().unwrap_or(self.usual)
    }

    /// Whether nobody has a bound of these kinds.
    pub(super) fn is_off(&self, kinds: Range<usize>) -> bool {
        let is_off = |rate: &Rate| kinds.clone().all(|kind| rate[kind] == 0.0);
        is_off(&self.usual) && self.own.values().all(is_off)
    }
}

//! Numbers about this server for Prometheus.
//!
//! Promises: a page has the same series after ten thousand services as after one: a label takes its
//! values from a list that the code has (routes, methods, codes), never from a sender, and no
//! tenant, service, principal or id stands in one. What a request adds costs a few atomic
//! additions and a read lock. docs/metrics.md says what each is; a test holds it against
//! [`families`].
//!
//! Never: decides anything.

mod families;
#[cfg(test)]
mod packaged;
mod page;
mod requests;
mod scrape;

use commit::Histogram;

pub(crate) use requests::{Coded, Requests, observe};
pub(crate) use scrape::scrape;

use crate::access::strangers::Strangers;

/// Upper bounds of what a sender or reader waits, in microseconds.
const WAIT_MICROS: [u64; 13] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 10_000_000,
];

/// What is counted here and not by the part that it is about.
pub(crate) struct Metrics {
    pub(crate) requests: Requests,
    pub(crate) strangers: Strangers,
    /// From a batch that is handed to the lane to its answer, in microseconds.
    pub(crate) commit_micros: Histogram,
    /// When the process started, in seconds since 1970.
    started_at: f64,
}

impl Metrics {
    pub(crate) fn new(now: i64) -> Metrics {
        Metrics {
            requests: Requests::default(),
            strangers: Strangers::default(),
            commit_micros: Histogram::new(&WAIT_MICROS),
            started_at: now as f64 / 1e9,
        }
    }
}

//! Looks at a server, and what changed between them.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde_json::Value;

use crate::view::{list, text};

/// Looks that are kept: a minute of them.
const KEPT: usize = 60;

/// One look.
#[derive(Clone, Debug, Default)]
pub(super) struct Sample {
    /// When it was taken, from some moment on.
    pub(super) at: Duration,
    pub(super) uptime_s: u64,
    pub(super) ready: bool,
    /// Durable, in all logs of the tenant; the access log is one of them.
    pub(super) entries: u64,
    pub(super) refused: u64,
    pub(super) lag: u64,
    pub(super) waiting: u64,
    pub(super) logs: Vec<(String, u64)>,
    /// Events of the services that were heard last, in each of their logs. A server names no
    /// others, so that one may be missing from a look and be there in the next.
    pub(super) services: BTreeMap<String, BTreeMap<String, u64>>,
    pub(super) refusals: Value,
    pub(super) disk: Value,
    /// Of the whole server.
    pub(super) metrics: BTreeMap<String, f64>,
}

/// The looks of the last minute.
#[derive(Default)]
pub(super) struct History(VecDeque<Sample>);

impl Sample {
    pub(super) fn new(at: Duration, status: &Value, refusals: Value, metrics: &str) -> Sample {
        let number = |value: &Value| value.as_u64().unwrap_or_default();
        let logs = list(&status["logs"]).iter().map(|l| (text(&l["origin"]), number(&l["size"])));
        let logs: Vec<(String, u64)> = logs.collect();
        let mut services = BTreeMap::<_, BTreeMap<_, _>>::new();
        for seen in list(&status["services"]["latest"]) {
            let logs = services.entry(text(&seen["service"])).or_default();
            logs.insert(text(&seen["log"]), number(&seen["events"]));
        }
        Sample {
            at,
            uptime_s: number(&status["uptime_s"]),
            ready: status["ready"] == true,
            entries: logs.iter().map(|(_, size)| size).sum(),
            refused: number(&status["refused"]),
            lag: number(&status["lag_events"]),
            waiting: number(&status["lane_waiting"]),
            logs,
            services,
            refusals,
            disk: status["disk"].clone(),
            metrics: plain(metrics),
        }
    }

    pub(super) fn metric(&self, name: &str) -> f64 {
        self.metrics.get(name).copied().unwrap_or_default()
    }
}

/// So much more, as what came in a second.
fn rate(before: &Sample, after: &Sample, more: f64) -> f64 {
    let seconds = after.at.saturating_sub(before.at).as_secs_f64();
    if seconds > 0.0 { (more / seconds).max(0.0) } else { 0.0 }
}

/// The series that have no label.
fn plain(metrics: &str) -> BTreeMap<String, f64> {
    let lines = metrics.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.split_once(' '));
    pairs.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect()
}

impl History {
    pub(super) fn add(&mut self, sample: Sample) {
        if self.0.len() > KEPT {
            self.0.pop_front();
        }
        self.0.push_back(sample);
    }

    pub(super) fn now(&self) -> Option<&Sample> {
        self.0.back()
    }

    /// What came in a second, from each look to the next; the newest last. A server that began
    /// anew came to less: that is no rate.
    pub(super) fn rates(&self, of: impl Fn(&Sample) -> f64) -> Vec<f64> {
        let pairs = self.0.iter().zip(self.0.iter().skip(1));
        pairs.map(|(before, after)| rate(before, after, of(after) - of(before))).collect()
    }

    /// The newest of them.
    pub(super) fn rate(&self, of: impl Fn(&Sample) -> f64) -> f64 {
        self.rates(of).last().copied().unwrap_or_default()
    }

    /// What came of a service in a second, from the last look but one to the last. None if either
    /// of them had not all that it is made of: all of its events ever are no rate.
    pub(super) fn service_rate(&self, name: &str) -> Option<f64> {
        let (after, before) = (self.0.back()?, self.0.iter().rev().nth(1)?);
        let (now, then) = (after.services.get(name)?, before.services.get(name)?);
        let more = |(log, events): (&String, &u64)| Some(events.saturating_sub(*then.get(log)?));
        Some(rate(before, after, now.iter().map(more).sum::<Option<u64>>()? as f64))
    }

    /// Milliseconds from a batch that is handed over to its answer, on average over the last look.
    pub(super) fn ack_ms(&self) -> Option<f64> {
        let count = self.rate(|s| s.metric("counterfoil_commit_seconds_count"));
        let seconds = self.rate(|s| s.metric("counterfoil_commit_seconds_sum"));
        (count > 0.0).then(|| seconds / count * 1_000.0)
    }
}

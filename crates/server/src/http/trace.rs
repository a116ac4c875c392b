//! A trace as it is answered.

use event::format_time;
use query::{Hop, MissingParent, Skew, Trace};
use serde::Serialize;

use super::error::Failure;
use super::shown::{Place, Shown, ShownGap};

/// A trace; times of hops count from its start.
#[derive(Serialize)]
pub(super) struct ShownTrace<'a> {
    bond: &'static str,
    id: &'a str,
    started_at: String,
    duration_ms: f64,
    services: &'a [String],
    first_failure: Option<Failed<'a>>,
    missing_parents: Vec<Missing<'a>>,
    skew: Vec<ShownSkew<'a>>,
    gaps: Vec<ShownGap<'a>>,
    unreadable: u64,
    more: bool,
    events: Vec<ShownHop<'a>>,
}

#[derive(Serialize)]
struct ShownHop<'a> {
    #[serde(flatten)]
    event: Shown<'a>,
    parent: Option<usize>,
    depth: usize,
    start_ms: f64,
    duration_ms: Option<f64>,
    failed: bool,
}

#[derive(Serialize)]
struct Failed<'a> {
    service: &'a str,
    #[serde(flatten)]
    place: Place<'a>,
}

#[derive(Serialize)]
struct Missing<'a> {
    span_id: &'a str,
    named_by: &'a [usize],
}

#[derive(Serialize)]
pub(super) struct ShownSkew<'a> {
    service: &'a str,
    against: &'a str,
    ahead_ms: f64,
    hops: usize,
}

impl<'a> ShownTrace<'a> {
    pub(super) fn new(trace: &'a Trace) -> Result<ShownTrace<'a>, Failure> {
        let since_start = |at: i64| millis(at.saturating_sub(trace.started_at));
        let hop = |hop: &'a Hop| {
            Ok(ShownHop {
                event: Shown::new(&hop.hit)?,
                parent: hop.parent,
                depth: hop.depth,
                start_ms: since_start(hop.started_at),
                duration_ms: hop.duration_ns.map(millis),
                failed: hop.failed,
            })
        };
        let first_failure = trace.first_failure.and_then(|at| trace.hops.get(at));
        Ok(ShownTrace {
            bond: trace.bond.name(),
            id: &trace.id,
            started_at: format_time(trace.started_at),
            duration_ms: since_start(trace.ended_at),
            services: &trace.services,
            first_failure: first_failure
                .map(|hop| Failed { service: &hop.service, place: Place::new(&hop.hit) }),
            missing_parents: trace.missing.iter().map(missing).collect(),
            skew: trace.skews.iter().map(skew).collect(),
            gaps: ShownGap::all(&trace.gaps),
            unreadable: trace.unreadable,
            more: trace.more,
            events: trace.hops.iter().map(hop).collect::<Result<_, Failure>>()?,
        })
    }
}

fn missing(parent: &MissingParent) -> Missing<'_> {
    Missing { span_id: &parent.span_id, named_by: &parent.named_by }
}

pub(super) fn skew(skew: &Skew) -> ShownSkew<'_> {
    ShownSkew {
        service: &skew.service,
        against: &skew.against,
        ahead_ms: millis(skew.ahead_ns),
        hops: skew.hops,
    }
}

pub(super) fn millis(nanos: i64) -> f64 {
    nanos as f64 / 1e6
}

//! A trace as it is answered.

use event::format_time;
use query::{Hop, Trace};
use serde_json::{Value, json};

use super::error::Failure;
use super::read::{gap, hit};

/// The trace in JSON; times of hops count from the trace's start.
pub(crate) fn answer(trace: &Trace) -> Result<Value, Failure> {
    let since_start = |at: i64| millis(at.saturating_sub(trace.started_at));
    let hops = trace.hops.iter().map(|hop| {
        let mut shown = hit(&hop.hit)?;
        shown["parent"] = hop.parent.into();
        shown["depth"] = hop.depth.into();
        shown["start_ms"] = since_start(hop.started_at).into();
        shown["duration_ms"] = hop.duration_ns.map(millis).into();
        shown["failed"] = hop.failed.into();
        Ok(shown)
    });
    let failure = |hop: &Hop| {
        json!({
            "service": hop.service, "log": hop.hit.log.meta.name(), "seq": hop.hit.seq,
        })
    };
    let first_failure = trace.first_failure.and_then(|at| trace.hops.get(at)).map(failure);
    let missing = trace
        .missing
        .iter()
        .map(|parent| json!({ "span_id": parent.span_id, "named_by": parent.named_by }));
    let skew = trace.skews.iter().map(|skew| {
        json!({
            "service": skew.service, "against": skew.against,
            "ahead_ms": millis(skew.ahead_ns), "hops": skew.hops,
        })
    });
    Ok(json!({
        "bond": trace.bond.name(),
        "id": trace.id,
        "started_at": format_time(trace.started_at),
        "duration_ms": since_start(trace.ended_at),
        "services": trace.services,
        "first_failure": first_failure,
        "missing_parents": missing.collect::<Vec<_>>(),
        "skew": skew.collect::<Vec<_>>(),
        "gaps": trace.gaps.iter().map(gap).collect::<Vec<_>>(),
        "more": trace.more,
        "events": hops.collect::<Result<Vec<_>, Failure>>()?,
    }))
}

fn millis(nanos: i64) -> f64 {
    nanos as f64 / 1e6
}

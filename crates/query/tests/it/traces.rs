//! Traces: order, blame, what is missing, whose clock is off.

use query::{Bond, QueryError, Scope, Trace, trace};

use crate::house::{House, event};

const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A hop: service, span (one digit), parent span or '-', start and duration in ms, more members.
fn hop(service: &str, span: char, parent: char, at: u64, took: u64, more: &str) -> String {
    let span_of = |c: char| c.to_string().repeat(16);
    let parent = match parent {
        '-' => String::new(),
        c => format!(r#","parent_span_id":"{}""#, span_of(c)),
    };
    let more = if more.is_empty() { String::new() } else { format!(",{more}") };
    let more = format!(
        r#""occurred_at":"2026-11-22T13:00:00.{at:03}Z","duration_ns":{},
           "correlation":{{"trace_id":"{ID}","span_id":"{}"{parent}}}{more}"#,
        took * 1_000_000,
        span_of(span),
    );
    event(service, &format!("{service}.{span}"), &more)
}

const FAILED: &str = r#""outcome":{"result":"failure"}"#;
const DENIED: &str = r#""decision":{"effect":"deny"}"#;

fn shape(trace: &Trace) -> Vec<(usize, &str)> {
    trace.hops.iter().map(|hop| (hop.depth, hop.service.as_str())).collect()
}

fn of(events: &[String]) -> Trace {
    let house = House::new(2);
    // Arrival in another order, in two logs of the tenant.
    let (even, odd): (Vec<_>, Vec<_>) =
        events.iter().rev().enumerate().partition(|(n, _)| n % 2 == 0);
    for (log, part) in [("acme-0", even), ("acme-1", odd)] {
        house.write(log, &part.into_iter().map(|(_, e)| e.clone()).collect::<Vec<_>>());
    }
    let scope = Scope::of_tenant("acme");
    assert!(trace(&house.source(), &Scope::of_tenant("other"), ID).expect("ok").is_none());
    trace(&house.source(), &scope, &ID[..8]).expect("answered").expect("found")
}

#[test]
fn causes_stand_before_effects() {
    let found = of(&[
        hop("web", '1', '-', 0, 339, FAILED),
        hop("identity", '2', '1', 10, 21, ""),
        hop("orders", '3', '1', 40, 44, ""),
        hop("payments", '4', '1', 100, 198, DENIED),
        hop("limits", '5', '4', 120, 17, r#""decision":{"effect":"deny","mode":"shadow"}"#),
        hop("mail", '6', '4', 250, 38, ""),
    ]);
    let want =
        [(0, "web"), (1, "identity"), (1, "orders"), (1, "payments"), (2, "limits"), (2, "mail")];
    assert_eq!(shape(&found), want);
    assert_eq!((found.bond, found.id.as_str(), found.more), (Bond::Trace, ID, false));
    assert_eq!(found.first_failure.map(|at| found.hops[at].service.as_str()), Some("payments"));
    assert_eq!(found.services, ["web", "identity", "orders", "payments", "limits", "mail"]);
    assert_eq!(found.ended_at - found.started_at, 339_000_000);
    assert_eq!(found.hops[4].parent, Some(3));
    assert!(found.missing.is_empty() && found.skews.is_empty() && found.gaps.is_empty());
}

#[test]
fn the_earliest_of_the_deepest_failures_is_named() {
    let found = of(&[
        hop("web", '1', '-', 0, 300, FAILED),
        hop("a", '2', '1', 50, 100, FAILED),
        hop("b", '3', '2', 60, 50, FAILED),
        hop("c", '4', '1', 55, 10, FAILED),
    ]);
    assert_eq!(found.first_failure.map(|at| found.hops[at].service.as_str()), Some("c"));
}

#[test]
fn clocks_that_disagree_are_named() {
    let found = of(&[
        hop("web", '1', '-', 100, 100, ""),
        hop("early", '2', '1', 98, 10, ""),
        hop("early", '3', '1', 93, 10, ""),
        hop("late", '4', '1', 150, 52, ""),
        hop("web", '5', '1', 10, 500, ""),
    ]);
    let skews: Vec<_> =
        found.skews.iter().map(|s| (s.service.as_str(), s.ahead_ns / 1_000_000, s.hops)).collect();
    assert_eq!(skews, [("early", -7, 2), ("late", 2, 1)]);
}

#[test]
fn parents_that_did_not_come_are_named() {
    let found = of(&[
        hop("a", '2', '9', 20, 1, ""),
        hop("b", '3', '9', 10, 1, ""),
        hop("c", '4', '2', 30, 1, ""),
    ]);
    assert_eq!(shape(&found), [(0, "b"), (0, "a"), (1, "c")]);
    assert_eq!(found.missing.len(), 1);
    assert_eq!(
        (found.missing[0].span_id.as_str(), &found.missing[0].named_by[..]),
        ("9999999999999999", &[0, 1][..])
    );
}

#[test]
fn circles_end() {
    let found = of(&[
        hop("a", '1', '2', 0, 9, ""),
        hop("b", '2', '1', 1, 5, ""),
        hop("c", '3', '3', 2, 5, ""),
    ]);
    assert_eq!(shape(&found), [(0, "c"), (0, "a"), (1, "b")]);
}

#[test]
fn links_and_events_inside_a_span_find_their_cause() {
    let link = |id: &str| {
        format!(r#""links":[{{"rel":"same_as","id":"x"}},{{"rel":"caused_by","id":"{id}"}}]"#)
    };
    let inside = event(
        "web",
        "inside",
        &format!(
            r#""occurred_at":"2026-11-22T13:00:00.050Z","correlation":{{"trace_id":"{ID}","span_id":"{}"}}"#,
            "1".repeat(16)
        ),
    );
    let found = of(&[
        hop("web", '1', '-', 0, 100, r#""id":"first""#),
        inside,
        hop("batch", '7', '-', 700, 10, &link("first")),
        hop("late", '8', '-', 800, 10, &link("nowhere")),
    ]);
    assert_eq!(shape(&found), [(0, "web"), (1, "web"), (1, "batch"), (0, "late")]);
}

#[test]
fn sessions_and_events_lead_to_their_trace() {
    let house = House::new(2);
    let scope = Scope::of_tenant("acme");
    house.write(
        "acme-0",
        &[
            event("web", "login", r#""id":"e1","correlation":{"session_id":"s-1"}"#),
            event("web", "read", r#""actor":{"type":"user","id":"a","session_id":"s-1"}"#),
            event("web", "b", r#""correlation":{"operation_id":"op","correlation_id":"co"}"#),
            event("web", "lonely", r#""id":"e2""#),
        ],
    );
    let find = |id: &str| trace(&house.source(), &scope, id).expect("answered");
    for (id, bond, count) in [
        ("s-1", Bond::Session, 2),
        ("e1", Bond::Session, 2),
        ("op", Bond::Operation, 1),
        ("co", Bond::Correlation, 1),
    ] {
        let found = find(id).expect(id);
        assert_eq!((found.bond, found.hops.len()), (bond, count), "{id}");
    }
    assert!(find("e2").is_none() && find("deadbeef").is_none() && find("").is_none());
}

#[test]
fn a_short_trace_id_must_be_of_one_trace() {
    let house = House::new(2);
    for tail in ['0', '1'] {
        let id = format!("4bf92f35{}", tail.to_string().repeat(24));
        let more = format!(r#""correlation":{{"trace_id":"{id}"}}"#);
        house.write("acme-0", &[event("web", "a", &more)]);
    }
    let find = |id: &str| trace(&house.source(), &Scope::of_tenant("acme"), id);
    assert!(matches!(find("4bf92f35"), Err(QueryError::Ambiguous { .. })));
    assert!(find("4bf92f350").expect("one").is_some());
}

#[test]
fn gaps_beside_a_trace_are_shown() {
    let numbered = |seq: u64| {
        let producer = format!(r#""producer":{{"id":"p","stream":"s","seq":{seq}}}"#);
        hop("mail", '2', '-', 10 + seq, 1, &producer)
    };
    let house = House::new(2);
    house.write("acme-0", &[numbered(0), numbered(2)]);
    let far = r#""producer":{"id":"p","stream":"s","seq":9}"#;
    house.write("acme-0", &[event("mail", "a", far), event("mail", "b", &far.replace('9', "5"))]);
    let found = trace(&house.source(), &Scope::of_tenant("acme"), ID).expect("ok").expect("found");
    let gaps: Vec<_> = found.gaps.iter().map(|gap| (gap.first, gap.count)).collect();
    assert_eq!(gaps, [(1, 1), (3, 2)]);
}

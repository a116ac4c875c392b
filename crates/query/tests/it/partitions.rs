//! Streams that go on in the next partition: gaps are judged over the whole chain of logs.

use query::{Gap, Scope, StreamState, gaps, services, streams, trace};

use crate::house::{House, event};

fn numbered(stream: &str, seq: u64) -> String {
    let trace = r#""correlation":{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"}"#;
    let producer = format!(r#""producer":{{"id":"mail","stream":"{stream}","seq":{seq}}}"#);
    event("mail", "notify", &format!("{producer},{trace}"))
}

fn write(house: &House, log: &str, stream: &str, seqs: impl IntoIterator<Item = u64>) {
    let events: Vec<String> = seqs.into_iter().map(|seq| numbered(stream, seq)).collect();
    house.write(log, &events);
}

fn scope() -> Scope {
    Scope::of_tenant("other")
}

fn found(house: &House, scope: &Scope) -> Vec<Gap> {
    let found = gaps(&house.source(), scope);
    assert_eq!(found.more, 0);
    found.gaps
}

/// Log, stream, first, count.
fn shown(house: &House) -> Vec<(String, String, u64, u64)> {
    let found = found(house, &scope()).into_iter();
    found.map(|gap| (gap.log, gap.stream, gap.first, gap.count)).collect()
}

fn want(gaps: &[(&str, &str, u64, u64)]) -> Vec<(String, String, u64, u64)> {
    gaps.iter().map(|(log, s, first, n)| ((*log).into(), (*s).into(), *first, *n)).collect()
}

fn state(house: &House, stream: &str) -> StreamState {
    let mut found = streams(&house.source(), &scope());
    found.retain(|state| state.stream == stream);
    assert_eq!(found.len(), 1, "one stream, one state: {found:?}");
    found.remove(0)
}

/// Starts anew and asserts that what is known is the same.
fn restarted(house: House) -> House {
    let known =
        |house: &House| (gaps(&house.source(), &scope()), streams(&house.source(), &scope()));
    let before = known(&house);
    let house = house.restart();
    assert_eq!(known(&house), before);
    house
}

#[test]
fn a_stream_that_goes_on_has_no_gap() {
    let mut house = House::new(4);
    write(&house, "other-0", "s", 0..7);
    house.rotate("other-0");
    assert_eq!(shown(&house), want(&[]));
    write(&house, "other-1", "s", 7..9);
    house.rotate("other-1");
    write(&house, "other-2", "s", 9..20);
    assert_eq!(shown(&house), want(&[]));
    for _ in 0..2 {
        let state = state(&house, "s");
        assert_eq!((state.next, state.missing, state.late, state.repeated), (20, 0, 0, 0));
        assert_eq!(state.log, "other-2");
        house = restarted(house);
    }
}

#[test]
fn a_loss_across_the_border_is_one_gap() {
    let mut house = House::new(4);
    write(&house, "other-0", "s", 0..3);
    house.rotate("other-0");
    write(&house, "other-1", "s", [5]);
    let lost = want(&[("other-1", "s", 3, 2)]);
    assert_eq!(shown(&house), lost);
    house = restarted(house);
    house.rotate("other-1");
    write(&house, "other-2", "s", 6..9);
    write(&house, "other-2", "new", [1]);
    assert_eq!(shown(&house), want(&[("other-2", "new", 0, 1), ("other-1", "s", 3, 2)]));
    write(&house, "other-2", "new", [0]);
    assert_eq!(shown(&house), lost);
    for (log, count) in [("other-0", 0), ("other-1", 1), ("other-2", 0)] {
        assert_eq!(found(&house, &scope().only(log)).len(), count, "{log}");
    }
    assert!(found(&house, &Scope::of_tenant("acme")).is_empty(), "of another tenant");
    restarted(house);
}

#[test]
fn a_gap_is_filled_in_a_later_partition() {
    let mut house = House::new(4);
    write(&house, "other-0", "s", [0, 4]);
    house.rotate("other-0");
    let open = want(&[("other-0", "s", 1, 3)]);
    assert_eq!(shown(&house), open, "a rotation alone changes nothing");
    write(&house, "other-1", "s", [2]);
    assert_eq!(shown(&house), want(&[("other-0", "s", 1, 1), ("other-0", "s", 3, 1)]));
    assert_eq!(found(&house, &scope().only("other-0")).len(), 2);
    write(&house, "other-1", "s", [1]);
    house.rotate("other-1");
    write(&house, "other-2", "s", [3]);
    assert!(found(&house, &scope().only("other-0")).is_empty(), "asked of the closed log alone");
    assert_eq!(shown(&house), want(&[]));
    let state = state(&house, "s");
    assert_eq!((state.next, state.late, state.repeated), (5, 3, 0));
    restarted(house);
}

#[test]
fn a_service_that_goes_on_is_heard_once() {
    let mut house = House::new(4);
    write(&house, "other-0", "s", 0..3);
    house.write("other-0", &[event("quiet", "a", "")]);
    house.rotate("other-0");
    write(&house, "other-1", "s", 3..8);
    for _ in 0..2 {
        let mut found = services(&house.source(), &scope());
        found.retain(|seen| seen.service != "counterfoil");
        let told = found.iter().map(|seen| (&*seen.service, &*seen.log, seen.events));
        assert_eq!(told.collect::<Vec<_>>(), [("mail", "other-1", 8), ("quiet", "other-0", 1)]);
        let first = services(&house.source(), &scope().only("other-0"));
        let mail = first.iter().find(|seen| seen.service == "mail").expect("it is heard");
        assert_eq!((&*mail.log, mail.events), ("other-0", 3), "of that log alone");
        assert!(mail.last_seen < found[0].last_seen);
        house = restarted(house);
    }
}

/// Writes go on while the journal is replayed; so may a rotation.
#[test]
fn a_rotation_before_the_replay_changes_nothing() {
    let mut house = House::new(4);
    write(&house, "other-0", "s", 0..9);
    write(&house, "other-0", "t", [0, 3]);
    house.rotate("other-0");
    write(&house, "other-1", "s", 9..12);
    house = house.restart_and_rotate("other-1");
    assert_eq!(shown(&house), want(&[("other-0", "t", 1, 2)]));
    write(&house, "other-2", "s", 12..14);
    write(&house, "other-2", "t", [1, 2, 4]);
    assert_eq!(shown(&house), want(&[]));
    assert_eq!((state(&house, "s").next, state(&house, "s").late), (14, 0));
    restarted(house);
}

#[test]
fn a_trace_over_two_partitions_shows_a_gap_once() {
    let mut house = House::new(4);
    write(&house, "other-0", "s", [0, 2]);
    house.rotate("other-0");
    write(&house, "other-1", "s", [3, 5]);
    let id = "4bf92f3577b34da6a3ce929d0e0e4736";
    let found = trace(&house.source(), &scope(), id).expect("ok").expect("found");
    let gaps: Vec<_> = found.gaps.iter().map(|gap| (&*gap.log, gap.first, gap.count)).collect();
    assert_eq!(gaps, [("other-0", 1, 1), ("other-1", 4, 1)]);
}

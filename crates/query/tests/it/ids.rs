//! Lookups by id.

use query::{QueryError, Scope, by_id};

use crate::house::{House, event};

#[test]
fn short_ids_find_one_event_or_say_which() {
    let house = House::new(2);
    let ids = [
        "01a20390-809a-7e40-9d1e-40c2a8b3f6d7",
        "01a20390-809a-7e40-9d1e-40c2ffffffff",
        "01a20390-809a-7e40-b7a0-b6e100000000",
        "9d1e40c2",
        "order*7",
    ];
    for id in ids {
        house.write("acme-0", &[event("shop", "a", &format!("\"id\":\"{id}\""))]);
    }
    let of_id = |id: &str| by_id(&house.source(), &Scope::of_tenant("acme"), id);
    let find = |id: &str| of_id(id).map(|found| found.hits);
    for (id, found) in [
        (ids[0], vec![1]),
        ("01A20390-809A-7E40-9D1E-40C2A8B3F6D7", vec![1]),
        ("9d1e40c2a8", vec![1]),
        ("9d1e-40c2f", vec![2]),
        ("b7a0b6e1", vec![3]),
        ("9d1e40c2", vec![4]),
        ("order*7", vec![5]),
        ("order*", vec![]),
        ("01a20390", vec![]),
        ("b7a0b6e", vec![]),
    ] {
        let hits = find(id).expect(id);
        assert_eq!(hits.iter().map(|hit| hit.seq).collect::<Vec<_>>(), found, "{id}");
    }
    let Err(QueryError::Ambiguous { found, .. }) = find("9d1e40c").and_then(|_| find("9d1e-40c2"))
    else {
        panic!("two events have it")
    };
    assert_eq!(found, ids[..2]);
    let other = by_id(&house.source(), &Scope::of_tenant("other"), ids[0]).expect("ok");
    assert!(other.hits.is_empty());
}

#[test]
fn one_id_can_name_several_events() {
    let house = House::new(2);
    for action in ["first", "second", "third"] {
        house.write("acme-0", &[event("shop", action, r#""id":"same""#)]);
    }
    let find = || by_id(&house.source(), &Scope::of_tenant("acme"), "same").expect("found");
    let found = find();
    let actions: Vec<_> =
        found.hits.iter().filter_map(|h| h.fields.string("[\"action\"]")).collect();
    assert_eq!(
        (actions, found.more),
        (["third", "second", "first"].map(str::to_owned).to_vec(), false)
    );
    for (in_all, more) in [(100, false), (101, true)] {
        let have = find().hits.len();
        let again = |nth| event("shop", &format!("again{nth}"), r#""id":"same""#);
        let events = (have..in_all).map(again);
        house.write("acme-0", &events.collect::<Vec<_>>());
        assert_eq!((find().hits.len(), find().more), (100, more), "{in_all} events");
    }
}

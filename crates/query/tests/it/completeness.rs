//! Gaps and services, over a store.

use std::collections::BTreeMap;

use query::{Counts, Losses, Scope, activities, gaps, losses, services, streams};

use crate::house::{House, event};

fn numbered(producer: &str, stream: &str, seq: u64) -> String {
    let more = format!(r#""producer":{{"id":"{producer}","stream":"{stream}","seq":{seq}}}"#);
    event("mail", "notify", &more)
}

fn shown(house: &House) -> Vec<(String, String, u64, u64)> {
    let found = gaps(&house.source(), &Scope::of_tenant("acme"));
    assert_eq!(found.more, 0);
    found.gaps.into_iter().map(|g| (g.producer, g.stream, g.first, g.count)).collect()
}

#[test]
fn gaps_open_and_close() {
    let mut house = House::new(4);
    let gap = |stream: &str, first, count| ("mail".to_owned(), stream.to_owned(), first, count);
    for (stream, seqs, want) in [
        ("1", &[0, 1, 2][..], vec![]),
        ("2", &[0, 2], vec![gap("2", 1, 1)]),
        ("3", &[4, 3], vec![gap("2", 1, 1), gap("3", 0, 3)]),
        ("2", &[1, 5], vec![gap("2", 3, 2), gap("3", 0, 3)]),
        ("3", &[0, 1, 2, 5], vec![gap("2", 3, 2)]),
    ] {
        let events: Vec<String> = seqs.iter().map(|seq| numbered("mail", stream, *seq)).collect();
        house.write("acme-0", &events);
        assert_eq!(shown(&house), want, "{stream} {seqs:?}");
    }
    let before = (shown(&house), streams(&house.source(), &Scope::of_tenant("acme")));
    house = house.restart();
    assert_eq!((shown(&house), streams(&house.source(), &Scope::of_tenant("acme"))), before);
    let second = &before.1[1];
    assert_eq!((second.stream.as_str(), second.next, second.late, second.missing), ("2", 6, 1, 2));
    assert!(gaps(&house.source(), &Scope::of_tenant("other")).gaps.is_empty());
}

#[test]
fn what_producers_dropped_is_counted() {
    let house = House::new(4);
    let more = r#""producer":{"id":"p","stream":"s","seq":0,"dropped_before":3}"#;
    house.write("acme-0", &[event("mail", "a", more)]);
    let found = streams(&house.source(), &Scope::of_tenant("acme"));
    assert_eq!((found[0].dropped, found[0].principal.as_str()), (3, "gate"));
}

/// Of more streams than a list of gaps holds, those of the last producer count like the first's.
#[test]
fn what_is_lost_is_summed_over_all_streams() {
    let mut house = House::new(4_096);
    let stream = |n| {
        let producer = format!(r#""id":"busy","stream":"{n}","seq":1,"dropped_before":2"#);
        event("busy", "a", &format!(r#""producer":{{{producer}}}"#))
    };
    for first in (0..10_500).step_by(500) {
        house.write("acme-0", &(first..first + 500).map(stream).collect::<Vec<_>>());
    }
    let late = r#""producer":{"id":"zeal","stream":"s","seq":7,"dropped_before":3}"#;
    house.write("acme-0", &[event("zeal", "a", late)]);
    let want = [("busy", 10_500, 21_000), ("zeal", 7, 3)]
        .map(|(name, missing, dropped)| (name.to_owned(), Losses { missing, dropped }));
    for _ in 0..2 {
        let found = losses(&house.source(), &Scope::of_tenant("acme"));
        assert_eq!(found, BTreeMap::from(want.clone()));
        assert!(losses(&house.source(), &Scope::of_tenant("other")).is_empty());
        house = house.restart();
    }
}

#[test]
fn services_are_heard() {
    let house = House::new(3);
    for batch in [["web", "web", "mail"], ["mail", "web", "web"]] {
        house.write("acme-0", &batch.map(|service| event(service, "a", "")));
    }
    let found = services(&house.source(), &Scope::of_tenant("acme"));
    let found: Vec<_> = found.iter().map(|s| (s.service.as_str(), s.events)).collect();
    assert_eq!(
        found,
        [("counterfoil", 2), ("mail", 2), ("web", 4)],
        "each of two logs has a first"
    );
}

/// What services did, counted by reading every event.
fn counted_by_reading(house: &House, log: &str) -> BTreeMap<(String, String), Counts> {
    let log = house.log(log);
    let mut found: BTreeMap<(String, String), Counts> = BTreeMap::new();
    for seq in 0..log.checkpoint().size {
        let fields = log.read(seq).expect("readable").fields;
        let [service, action] = ["[\"service\",\"name\"]", "[\"action\"]"]
            .map(|path| fields.string(path).expect("there"));
        let counts = found.entry((service, action)).or_default();
        counts.events += 1;
        counts.bytes += fields.bytes() as u64;
        counts.last_seen = log.published().tree.recorded_at(seq).expect("an entry");
    }
    found
}

#[test]
fn what_services_did_is_what_reading_says() {
    let mut house = House::new(3);
    let batches = [["web", "web", "mail"], ["mail", "w\\u0065b", "web"], ["a\\\"b", "mail", "web"]];
    for (n, batch) in batches.iter().enumerate() {
        let events = batch.map(|service| event(service, ["order.read", "x"][n % 2], ""));
        house.write("acme-0", &events);
    }
    let check = |house: &House| {
        let found = activities(&house.source(), &Scope::of_tenant("other"));
        assert!(!found.services.contains_key("web"), "of another tenant");
        let found = activities(&house.source(), &Scope::of_tenant("acme"));
        let mut by_pair = BTreeMap::new();
        for (name, service) in &found.services {
            let sum: u64 = service.actions.values().map(|counts| counts.events).sum();
            assert_eq!((sum, service.other.events), (service.all.events, 0), "{name}");
            for (action, counts) in service.actions.iter().filter(|_| name != "counterfoil") {
                by_pair.insert((name.clone(), action.clone()), *counts);
            }
        }
        let mut expected = counted_by_reading(house, "acme-0");
        expected.retain(|(service, _), _| service != "counterfoil");
        assert_eq!(by_pair, expected);
        assert_eq!(by_pair.len(), 5);
    };
    check(&house);
    house = house.restart();
    check(&house);
}

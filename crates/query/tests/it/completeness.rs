//! Gaps and services, over a store.

use query::{Scope, gaps, services, streams};

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

#[test]
fn services_are_heard() {
    let house = House::new(3);
    for batch in [["web", "web", "mail"], ["mail", "web", "web"]] {
        house.write("acme-0", &batch.map(|service| event(service, "a", "")));
    }
    let found = services(&house.source(), &Scope::of_tenant("acme"));
    let found: Vec<_> = found
        .iter()
        .filter(|s| s.log == "acme-0")
        .map(|s| (s.service.as_str(), s.events))
        .collect();
    assert_eq!(found, [("counterfoil", 1), ("mail", 2), ("web", 4)]);
}

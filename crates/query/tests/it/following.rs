//! Following: nothing is lost and nothing comes twice, wherever a reader is cut off.

use std::collections::BTreeMap;

use proptest::prelude::*;
use query::{
    Batch, Filter, Followed, Mark, MarkError, Places, Room, Scope, beginnings, ends, follow, newest,
};

use crate::house::{House, NOW, event};

const WIDE: Room = Room { events_max: 1_000, bytes_max: 1 << 20, rows_max: 10_000 };

fn filter(text: &str) -> Filter {
    Filter::parse(text, NOW).expect("a filter")
}

fn acme() -> Scope {
    Scope::of_tenant("acme")
}

fn write(house: &House, log: &str, from: usize, count: usize) {
    let one = |n| event(if n % 3 == 0 { "mail" } else { "shop" }, &format!("a.{n}"), "");
    house.write(log, &(from..from + count).map(one).collect::<Vec<_>>());
}

fn shown(batch: &Batch) -> Vec<(String, u64)> {
    batch.items.iter().map(|item| (item.place().0.to_owned(), item.place().1)).collect()
}

/// Where the events that match stand, by reading all of them.
fn naive(house: &House, filter: &Filter) -> Vec<(String, u64)> {
    let all = house.all(&acme()).into_iter();
    let found = all.filter(|((at, ..), fields)| filter.matches(fields, *at));
    found.map(|((_, log, seq), _)| (log, seq)).collect()
}

#[test]
fn what_comes_is_followed_from_now_on() {
    let house = House::new(8);
    write(&house, "acme-0", 0, 20);
    let (all, mail) = (Filter::all(), filter("service:mail"));
    let now = ends(&house.source(), &acme());
    let batch = follow(&house.source(), &acme(), &all, &now, WIDE).expect("read");
    assert_eq!((batch.items.len(), batch.behind, &batch.end), (0, 0, &now));
    write(&house, "acme-1", 20, 6);
    write(&house, "other-0", 0, 6);
    let batch = follow(&house.source(), &acme(), &mail, &now, WIDE).expect("read");
    assert_eq!(shown(&batch), [("acme-1".to_owned(), 2), ("acme-1".to_owned(), 5)]);
    assert_eq!(batch.end, ends(&house.source(), &acme()));
}

#[test]
fn closed_logs_are_named_until_they_were_seen_to_their_ends() {
    let mut house = House::new(8);
    write(&house, "other-0", 0, 3);
    let other = Scope::of_tenant("other");
    let (all, beginning) = (Filter::all(), Places::new());
    let names = |places: &Places| places.keys().cloned().collect::<Vec<_>>();
    // Cut off in the first log, while others take over from it.
    let few = Room { events_max: 2, ..WIDE };
    let cut = follow(&house.source(), &other, &all, &beginning, few).expect("read");
    for n in 0..30 {
        house.rotate(&format!("other-{n}"));
        write(&house, &format!("other-{}", n + 1), 3 * (n + 1), 3);
    }
    let mut whole = shown(&follow(&house.source(), &other, &all, &beginning, WIDE).expect("read"));
    let (mut got, mut places) = (shown(&cut), cut.end);
    loop {
        let batch = follow(&house.source(), &other, &all, &places, few).expect("read");
        got.extend(shown(&batch));
        // From the text, as who comes again after each of them.
        for places in batch.places() {
            let mark = Mark::new(NOW, &all, places.clone()).to_string();
            let mark: Mark = mark.parse().expect("a mark");
            assert_eq!(mark.places_of(&house.source(), &other, &all), Ok(places));
        }
        places = batch.end;
        if !batch.more {
            break;
        }
    }
    got.sort_unstable();
    whole.sort_unstable();
    assert_eq!(got, whole, "each once");
    assert_eq!(names(&places), ["other-30"]);
    assert_eq!(names(&ends(&house.source(), &other)), ["other-30"]);
    let none = follow(&house.source(), &other, &all, &places, WIDE).expect("read");
    assert_eq!((none.items.len(), none.behind), (0, 0));
    // A log that is closed behind the reader is read on, and the next from its beginning.
    house.rotate("other-30");
    let rest = follow(&house.source(), &other, &all, &places, WIDE).expect("read");
    assert_eq!(shown(&rest).len(), 2, "the end of the one, the beginning of the other");
    assert_eq!(names(&rest.end), ["other-31"]);
}

#[test]
fn a_log_that_the_places_do_not_name_is_followed_from_its_beginning() {
    let house = House::new(8);
    write(&house, "acme-1", 0, 3);
    let mut places = ends(&house.source(), &acme());
    places.remove("acme-1");
    let batch = follow(&house.source(), &acme(), &Filter::all(), &places, WIDE).expect("read");
    assert_eq!(shown(&batch).len(), 4, "three and the log's first");
}

#[test]
fn the_newest_come_first_and_what_follows_them_once() {
    let house = House::new(8);
    write(&house, "acme-0", 0, 12);
    write(&house, "acme-1", 0, 12);
    let mail = filter("service:mail");
    let room = Room { events_max: 3, ..WIDE };
    let batch = newest(&house.source(), &acme(), &mail, room).expect("read");
    let all = naive(&house, &mail);
    assert_eq!(shown(&batch), all[all.len() - 3..]);
    let again = follow(&house.source(), &acme(), &mail, &batch.before(), WIDE).expect("read");
    assert_eq!(shown(&again), shown(&batch), "whoever was cut off before any of them");
    // Whoever was cut off in the middle of them gets the rest of them.
    for (nth, places) in batch.places().iter().enumerate() {
        let rest = follow(&house.source(), &acme(), &mail, places, WIDE).expect("read");
        assert_eq!(shown(&rest), shown(&batch)[nth + 1..]);
    }
}

#[test]
fn a_time_in_the_filter_says_where_to_begin() {
    let house = House::new(8);
    write(&house, "acme-0", 0, 12);
    let source = house.source();
    assert_eq!(beginnings(&source, &acme(), &filter("service:mail")), None);
    let later = beginnings(&source, &acme(), &filter("recorded_since:2027-01-01T00:00:00Z"));
    assert_eq!(later, Some(ends(&source, &acme())));
    let earlier = beginnings(&source, &acme(), &filter("since:1h")).expect("a beginning");
    assert!(earlier.values().all(|seq| *seq == 0), "a clock may have been ahead");
}

#[test]
fn a_mark_is_of_one_filter_and_of_what_is_there() {
    let house = House::new(8);
    let (source, mail) = (house.source(), filter("service:mail"));
    let mark = Mark::new(NOW, &mail, ends(&source, &acme()));
    let text = mark.to_string();
    let read: Mark = text.parse().expect("a mark");
    assert_eq!((&read, read.began), (&mark, NOW));
    assert!(read.places_of(&source, &acme(), &mail).is_ok());
    let other = read.places_of(&source, &acme(), &Filter::all());
    assert_eq!(other, Err(MarkError::Filter));
    for at in 0..text.len() {
        for c in ['0', '1', 'f', '_', '.', 'ü'] {
            let mut changed: Vec<char> = text.chars().collect();
            if changed[at] != c {
                changed[at] = c;
                let changed: String = changed.into_iter().collect();
                assert_eq!(changed.parse::<Mark>(), Err(MarkError::Form), "{changed}");
            }
        }
    }
    for (log, seq, says) in [("acme-0", 99, "has 1"), ("other-0", 0, "not for you")] {
        let mark = Mark::new(NOW, &mail, Places::from([(log.to_owned(), seq)]));
        let refused = mark.places_of(&source, &acme(), &mail).expect_err("refused").to_string();
        assert!(refused.contains(says), "{refused}");
    }
}

#[test]
fn an_entry_that_cannot_be_read_is_passed_and_named() {
    let house = House::new(8);
    let now = ends(&house.source(), &acme());
    write(&house, "acme-0", 0, 5);
    house.overwrite_newest_chunk(&[0xff; 24]);
    let batch = follow(&house.source(), &acme(), &Filter::all(), &now, WIDE).expect("read");
    assert!(batch.items.iter().all(|item| matches!(item, Followed::Unreadable(_))));
    assert_eq!((batch.items.len(), batch.behind), (5, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Writes, batches of any size, and breaks behind any item, in any order.
    #[test]
    fn nothing_is_lost_or_comes_twice(
        steps in prop::collection::vec((0usize..2, 0usize..9, 1usize..6, 0usize..8), 1..24),
        text in prop::sample::select(vec!["", "service:mail", "a.7", "-service:mail"]),
    ) {
        let (house, filter) = (House::new(4), filter(text));
        let mut places = Places::new();
        let mut got = Vec::new();
        for (log, count, events_max, kept) in steps {
            if count > 0 {
                write(&house, ["acme-0", "acme-1"][log], got.len(), count);
            }
            let room = Room { events_max, rows_max: 1 + kept as u64 * 3, ..WIDE };
            let batch = follow(&house.source(), &acme(), &filter, &places, room).expect("read");
            let (shown, behind) = (shown(&batch), batch.places());
            // The connection broke behind item `kept`, or did not.
            let mark = behind.get(kept).unwrap_or(&batch.end);
            got.extend(shown.into_iter().take(kept + 1));
            let text = Mark::new(NOW, &filter, mark.clone()).to_string();
            let mark: Mark = text.parse().expect("a mark");
            places = mark.places_of(&house.source(), &acme(), &filter).expect("of this filter");
        }
        let batch = follow(&house.source(), &acme(), &filter, &places, WIDE).expect("read");
        got.extend(shown(&batch));
        prop_assert!(!batch.more && batch.behind == 0);
        let mut by_log: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        got.iter().for_each(|(log, seq)| by_log.entry(log.clone()).or_default().push(*seq));
        prop_assert!(by_log.values().all(|seqs| seqs.is_sorted()), "in the order of the log");
        got.sort();
        let mut all = naive(&house, &filter);
        all.sort();
        prop_assert_eq!(got, all);
    }
}

//! Pages, cursors, what a reader may see.

use event::Leaf;
use query::{
    Ask, Cursor, Filter, Order, QueryError, ROWS_MAX, Rows, Scope, Source, by_seq, count_exact,
    search,
};

use crate::house::{House, NOW, admitted, event};

fn filled() -> House {
    let house = House::new(8);
    for log in ["acme-0", "acme-1", "other-0"] {
        let events: Vec<String> = (0..20).map(|n| event("shop", &format!("a.{n}"), "")).collect();
        house.write(log, &events);
    }
    house
}

#[test]
fn a_cursor_that_was_changed_is_refused() {
    let house = filled();
    let (scope, filter) = (Scope::of_tenant("acme"), Filter::parse("who:alice", NOW).expect("ok"));
    let ask = Ask { limit: 3, ..Ask::default() };
    let page = search(&house.source(), &scope, &filter, &ask).expect("a page");
    let text = page.next.expect("more").to_string();
    assert!(text.parse::<Cursor>().is_ok());
    for at in 0..text.len() {
        for other in ['0', '1', 'f', 'z', '.', 'ü'] {
            let mut changed: Vec<char> = text.chars().collect();
            if changed[at] != other {
                changed[at] = other;
                let changed: String = changed.into_iter().collect();
                assert!(changed.parse::<Cursor>().is_err(), "{changed}");
            }
        }
        assert!(text[..at].parse::<Cursor>().is_err());
    }
    let cursor: Option<Cursor> = text.parse().ok();
    let other_filter = Filter::parse("who:bob", NOW).expect("ok");
    let ask = Ask { cursor, ..ask };
    let refused = search(&house.source(), &scope, &other_filter, &ask);
    assert!(matches!(refused, Err(QueryError::Cursor(_))));
    let oldest = Ask { order: Order::Oldest, ..ask.clone() };
    let refused = search(&house.source(), &scope, &filter, &oldest);
    assert!(matches!(refused, Err(QueryError::Cursor(_))));
    let later = Filter::parse("who:alice since:1h", NOW).expect("ok");
    assert!(search(&house.source(), &scope, &later, &ask).is_ok(), "ages move with the clock");
}

#[test]
fn tenants_never_see_each_other() {
    let house = filled();
    let own = Scope::of_tenant("other");
    let page = search(&house.source(), &own, &Filter::all(), &Ask::default()).expect("a page");
    assert_eq!(page.hits.len(), 21, "twenty and the log's first");
    assert!(page.hits.iter().all(|hit| hit.log.meta.tenant == "other"));
    for log in ["acme-0", "query.test/tlog/acme-0"] {
        assert!(by_seq(&house.source(), &own, log, 3).expect("answered").is_none());
        let found = by_seq(&house.source(), &Scope::of_tenant("acme"), log, 3).expect("answered");
        assert_eq!(found.map(|hit| hit.seq), Some(3));
    }
    assert!(query::services(&house.source(), &own).iter().all(|seen| seen.log == "other-0"));
    // A cursor from elsewhere gives no authority.
    let ask = Ask { limit: 1, ..Ask::default() };
    let page =
        search(&house.source(), &Scope::of_tenant("acme"), &Filter::all(), &ask).expect("a page");
    let ask = Ask { cursor: page.next, ..Ask::default() };
    let page = search(&house.source(), &own, &Filter::all(), &ask).expect("a page");
    assert!(page.hits.iter().all(|hit| hit.log.meta.tenant == "other"));
    let nobody = Scope::of_tenant("nobody");
    let page = search(&house.source(), &nobody, &Filter::all(), &Ask::default()).expect("a page");
    assert!(page.hits.is_empty() && page.next.is_none());
}

#[test]
fn what_is_not_durable_is_not_seen() {
    let house = filled();
    let log = house.log("acme-0");
    let size = log.checkpoint().size;
    let early = event("early", "too.early", r#""producer":{"id":"p","stream":"s","seq":9}"#);
    let early = admitted(&early, &house.store);
    let rows = Rows::build([early.fields()].into_iter());
    house.hot.add("acme-0", size, &[Leaf { recorded_at: NOW + 99, digest: [0; 32] }], rows);
    let scope = Scope::of_tenant("acme");
    for text in
        ["action:too.*", "service:early", "early", "recorded_since:2026-11-22T14:00:00.00000005Z"]
    {
        let filter = Filter::parse(text, NOW).expect(text);
        let page = search(&house.source(), &scope, &filter, &Ask::default()).expect("a page");
        assert!(page.hits.is_empty(), "{text}");
    }
    assert!(by_seq(&house.source(), &scope, "acme-0", size).expect("answered").is_none());
    assert!(query::gaps(&house.source(), &scope).gaps.is_empty());
    assert!(query::services(&house.source(), &scope).iter().all(|seen| seen.service != "early"));
}

#[test]
fn rows_that_do_not_follow_cost_speed_and_nothing_else() {
    let house = filled();
    let stray = admitted(&event("stray", "x", ""), &house.store);
    for first in [100, 7, 21] {
        let rows = Rows::build([stray.fields()].into_iter());
        house.hot.add("acme-0", first, &[Leaf { recorded_at: 1, digest: [0; 32] }], rows);
        let scope = Scope::of_tenant("acme");
        let filter = Filter::parse("action:a.7", NOW).expect("ok");
        let page = search(&house.source(), &scope, &filter, &Ask::default()).expect("a page");
        let found = page.hits.iter().filter(|hit| hit.log.meta.name() == "acme-0").count();
        assert_eq!(found, 1, "{first}");
    }
}

#[test]
fn what_was_answered_is_found_at_once() {
    let house = House::new(16);
    let scope = Scope::of_tenant("acme");
    std::thread::scope(|threads| {
        for writer in 0..4 {
            let (house, scope) = (&house, &scope);
            threads.spawn(move || {
                let log = ["acme-0", "acme-1"][writer % 2];
                for batch in 0..40 {
                    let name = format!("w{writer}.b{batch}");
                    let events: Vec<String> = (0..3).map(|_| event("shop", &name, "")).collect();
                    house.write(log, &events);
                    let filter = Filter::parse(&format!("action:{name}"), NOW).expect("ok");
                    // Three, and room for a few that only share a hash.
                    let ask = Ask { rows_max: 8, ..Ask::default() };
                    let page = search(&house.source(), scope, &filter, &ask).expect("a page");
                    assert_eq!((page.hits.len(), page.partial), (3, false), "{name}");
                }
            });
        }
    });
}

#[test]
fn an_event_of_many_words_is_found_by_each() {
    let house = House::new(4);
    let words: Vec<String> = (0..5_000).map(|n| format!("w{n}")).collect();
    let long = event("shop", "long", &format!(r#""reason":{{"text":"{}"}}"#, words.join(" ")));
    let short = || (0..6).map(|n| event("shop", &format!("short.{n}"), "")).collect::<Vec<_>>();
    house.write("acme-0", &short());
    house.write("acme-0", &[long]);
    for _ in 0..2 {
        for text in ["w4999", "\"w17 w18\"", "action:long", "why:w0*"] {
            let filter = Filter::parse(text, NOW).expect(text);
            let page = search(&house.source(), &Scope::of_tenant("acme"), &filter, &Ask::default());
            assert_eq!(page.expect("a page").hits.len(), 1, "{text}");
        }
        house.write("acme-0", &short());
        house.write("acme-0", &short());
    }
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_is_found() {
    let house = House::new(4);
    for n in 0..5 {
        house.write("acme-0", &[event("shop", &format!("a.{n}"), "")]);
    }
    house.overwrite_newest_chunk(&[0; 4]);
    for order in [Order::Newest, Order::Oldest] {
        let ask = Ask { order, ..Ask::default() };
        let filter = Filter::parse("service:shop", NOW).expect("ok");
        let page =
            search(&house.source(), &Scope::of_tenant("acme"), &filter, &ask).expect("a page");
        let unreadable: Vec<_> = page.unreadable.iter().map(|u| (u.log.as_str(), u.seq)).collect();
        assert_eq!((page.hits.len(), &unreadable[..]), (4, &[("acme-0", 5)][..]));
    }
}

#[test]
fn what_is_shown_is_what_was_signed() {
    let house = House::new(4);
    house.write("acme-0", &[event("shop", "a.true", "")]);
    house.forge_newest("acme-0", 1, |text, n| text.replace("a.true", &format!("a.{n:04}")));
    let filter = Filter::parse("service:shop", NOW).expect("ok");
    let (source, scope) = (house.source(), Scope::of_tenant("acme"));
    let page = search(&source, &scope, &filter, &Ask::default()).expect("a page");
    assert_eq!((page.hits.len(), page.unreadable.len()), (0, 1));
    let error = by_seq(&source, &scope, "acme-0", 1).expect_err("not shown");
    assert!(format!("{error:?}").contains("not what was committed"), "{error:?}");
}

#[test]
fn a_read_that_has_to_end_says_where_to_go_on() {
    let house = House::new(64);
    let events: Vec<String> = (0..600).map(|n| event("shop", &format!("a.{n}"), "")).collect();
    house.write("acme-0", &events);
    let (scope, source) = (Scope::of_tenant("acme"), house.source());
    let source = Source { is_over: &|| true, ..source };
    // What no index answers: each event is read.
    let filter =
        Filter::parse("-did:a.1* -did:a.2* -did:a.3* -did:a.4* -did:a.5*", NOW).expect("ok");
    let whole = search(&house.source(), &scope, &filter, &Ask { limit: 1000, ..Ask::default() });
    let mut found = Vec::new();
    let (mut ask, mut pages) = (Ask { limit: 1000, ..Ask::default() }, 0);
    loop {
        let page = search(&source, &scope, &filter, &ask).expect("a page");
        found.extend(page.hits.iter().map(|hit| hit.seq));
        pages += 1;
        assert_eq!(page.partial, page.next.is_some());
        ask.cursor = page.next;
        if ask.cursor.is_none() {
            break;
        }
    }
    let whole: Vec<u64> = whole.expect("a page").hits.iter().map(|hit| hit.seq).collect();
    assert_eq!((found, pages), (whole, 3));
    let counted = count_exact(&source, &scope, &filter, 10_000).expect("counted");
    assert!(counted.partial && counted.scanned == 255, "{counted:?}");
}

#[test]
fn limits_hold() {
    let house = filled();
    let scope = Scope::of_tenant("acme");
    for limit in [0, 1001] {
        let ask = Ask { limit, ..Ask::default() };
        let refused = search(&house.source(), &scope, &Filter::all(), &ask);
        assert!(matches!(refused, Err(QueryError::Limit(_))));
    }
    let none = Filter::parse("attributes.x:y", NOW).expect("ok");
    let page = search(&house.source(), &scope, &none, &Ask::default()).expect("a page");
    assert!(page.scanned < ROWS_MAX && !page.partial && page.next.is_none());
}

#[test]
fn an_index_that_is_too_small_forgets_the_oldest() {
    let house = House::new(8);
    let world = house.store.world().clone();
    house.store.close().expect("closes");
    let settings = query::Settings { block_rows: 8, rows_max: 16 };
    let house = House::open(world, settings);
    for n in 0..12 {
        let events: Vec<String> =
            (0..7).map(|m| event("shop", &format!("a.{n}.{m}"), "")).collect();
        house.write("acme-0", &events);
    }
    for action in ["a.0.0", "a.5.3", "a.11.6"] {
        let filter = Filter::parse(&format!("action:{action}"), NOW).expect("ok");
        let page = search(&house.source(), &Scope::of_tenant("acme"), &filter, &Ask::default());
        let page = page.expect("a page");
        assert_eq!(page.hits.len(), 1, "{action}");
        // Two or three blocks of 85 rows are kept, and up to seven rows are in none.
        assert!((85 - 24 - 7..85 - 16).contains(&page.scanned), "{} are read", page.scanned);
    }
}

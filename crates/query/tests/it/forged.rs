//! An event whose texts somebody changed in the journal, so that it does not match any more: it is
//! named wherever it would have been found, and never passed over.

use std::sync::Mutex;

use query::{
    Ask, Filter, QueryError, Scope, Source, Unreadable, by_id, count_exact, search, session, trace,
};

use crate::house::{House, NOW, event};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// An event of alice among others, in rows that are packed so many together, with an id, a trace
/// and a session of its own; then each of these is another one's.
fn forged(block_rows: usize) -> House {
    let house = House::new(block_rows);
    house.write("acme-0", &[event("shop", "a.before", r#""actor":{"type":"user","id":"bob"}"#)]);
    let more = format!(
        r#""id":"pay-7","actor":{{"type":"user","id":"alice","session_id":"session-7"}},
           "correlation":{{"trace_id":"{TRACE}"}},"reason":{{"text":"parcel lost"}}"#
    );
    house.write("acme-0", &[event("shop", "a.true", &more)]);
    house.forge_newest("acme-0", 2, |text, n| {
        let text = text.replace("alice", &format!("x{n:04}")).replace("pay-7", "pay-8");
        let text = text.replace("session-7", "session-8").replace("4bf92f35", "5bf92f35");
        text.replace("parcel", &format!("le{n:04}"))
    });
    house
}

fn is_entry_2(found: &Unreadable) -> bool {
    (found.log.as_str(), found.seq) == ("acme-0", 2)
}

#[test]
fn an_event_that_was_changed_not_to_match_is_named() {
    for block_rows in [1, 2, 64] {
        let house = forged(block_rows);
        let scope = Scope::of_tenant("acme");
        for text in ["who:alice", "id:pay-7", "actor:alice -did:x", "parcel", "session:session-7"] {
            let heard = Mutex::new(Vec::new());
            let hear = |log: &std::sync::Arc<commit::Log>, seq| {
                heard.lock().expect("whole").push((log.meta.name().to_owned(), seq));
            };
            let source = Source { damaged: &hear, ..house.source() };
            let filter = Filter::parse(text, NOW).expect(text);
            let page = search(&source, &scope, &filter, &Ask::default()).expect("a page");
            assert!(page.hits.is_empty(), "{text}");
            let [unreadable] = &page.unreadable[..] else { panic!("{text}: {page:?}") };
            assert!(is_entry_2(unreadable) && unreadable.reason.contains("not what was committed"));
            assert_eq!(*heard.lock().expect("whole"), [("acme-0".to_owned(), 2)], "{text}");
            let count = count_exact(&source, &scope, &filter, 99).expect("counted");
            assert_eq!((count.count, count.unreadable), (0, 1), "{text}");
        }
        let filter = Filter::parse("who:bob", NOW).expect("ok");
        let page = search(&house.source(), &scope, &filter, &Ask::default()).expect("a page");
        assert_eq!((page.hits.len(), page.unreadable.len()), (1, 0), "others are as they were");
    }
}

#[test]
fn what_may_have_been_asked_for_is_not_said_to_be_absent() {
    let house = forged(64);
    let (source, scope) = (house.source(), Scope::of_tenant("acme"));
    let found = by_id(&source, &scope, "pay-7").expect("answered");
    assert!(found.hits.is_empty() && found.unreadable.iter().all(is_entry_2));
    let damaged = |error: &QueryError| matches!(error, QueryError::Damaged(it) if is_entry_2(it));
    let error = found.known().expect_err("it may be there");
    assert!(damaged(&error), "{error}");
    for id in [TRACE, "4bf92f35", "pay-7", "session-7"] {
        let error = trace(&source, &scope, id).expect_err(id);
        assert!(damaged(&error), "{id}: {error}");
    }
    let error = session(&source, &scope, "session-7", 9, None).expect_err("it may be there");
    assert!(damaged(&error), "{error}");
    for absent in ["pay-9", "ffffffff"] {
        assert!(by_id(&source, &scope, absent).expect("answered").unreadable.is_empty());
        assert!(trace(&source, &scope, absent).expect("answered").is_none(), "{absent}");
    }
}

#[test]
fn a_trace_says_that_an_event_of_it_may_be_missing() {
    let house = House::new(64);
    let more = |id: &str| format!(r#""id":"{id}","correlation":{{"trace_id":"{TRACE}"}}"#);
    house.write("acme-0", &[event("shop", "a.first", &more("one"))]);
    house.write("acme-0", &[event("shop", "a.second", &more("two"))]);
    house.forge_newest("acme-0", 2, |text, n| text.replace("4bf92f35", &format!("5bf9{n:04}")));
    let found = trace(&house.source(), &Scope::of_tenant("acme"), TRACE).expect("answered");
    let found = found.expect("one is whole");
    assert_eq!((found.hops.len(), found.unreadable, found.more), (1, 1, true));
}

//! Sessions: one timeline over services, page by page.

use query::{QueryError, Scope, Session, session};

use crate::house::{House, event};

const ID: &str = "5e55-9f31c2a4d0b1-alice";

fn step(service: &str, action: &str, at: u64, more: &str) -> String {
    let more = if more.is_empty() { String::new() } else { format!(",{more}") };
    let more = format!(
        r#""occurred_at":"2026-11-22T13:00:{at:02}Z","correlation":{{"session_id":"{ID}"}}{more}"#
    );
    event(service, action, &more)
}

const FAILED: &str = r#""outcome":{"result":"failure"}"#;
const DENIED: &str = r#""decision":{"effect":"deny"},"outcome":{"result":"failure"}"#;
const MALLORY: &str = r#""actor":{"type":"user","id":"mallory"},"source":{"address":"10.9.9.9"}"#;

fn house() -> House {
    let house = House::new(8);
    let in_actor = format!(
        r#""occurred_at":"2026-11-22T13:00:02Z","actor":{{"type":"user","id":"alice","session_id":"{ID}"}}"#
    );
    let events = [
        step("web", "login", 1, ""),
        step("orders", "order.read", 5, FAILED),
        event("identity", "token.issue", &in_actor),
        event("web", "unrelated", ""),
    ];
    house.write("acme-0", &events);
    let events = [
        step("pay", "refund", 4, DENIED),
        step("pay", "refund", 9, DENIED),
        step("web", "x", 7, MALLORY),
    ];
    house.write("acme-1", &events);
    house.write("other-0", &[step("web", "elsewhere", 3, "")]);
    house
}

fn ask(house: &House, id: &str, limit: usize) -> Result<Option<Session>, QueryError> {
    session(&house.source(), &Scope::of_tenant("acme"), id, limit, None)
}

fn actions(session: &Session) -> Vec<String> {
    let action = |hop: &query::Hop| hop.hit.fields.string("[\"action\"]").expect("an action");
    session.hops.iter().map(action).collect()
}

#[test]
fn a_session_is_one_timeline_over_logs_and_services() {
    let found = ask(&house(), ID, 100).expect("read").expect("found");
    assert_eq!(actions(&found), ["login", "token.issue", "refund", "order.read", "x", "refund"]);
    let services: Vec<_> = found.services.iter().map(|s| (s.what.as_str(), s.events)).collect();
    assert_eq!(services, [("web", 2), ("identity", 1), ("pay", 2), ("orders", 1)]);
    let actors: Vec<_> = found.actors.iter().map(|a| (a.what.1.as_str(), a.events)).collect();
    assert_eq!(actors, [("alice", 5), ("mallory", 1)]);
    assert_eq!(found.addresses[0].what, "10.9.9.9");
    assert_eq!((found.denied, found.first_denied), (2, Some(2)));
    assert_eq!((found.failed, found.first_failed), (1, Some(3)));
    assert_eq!(found.ended_at - found.started_at, 8_000_000_000);
    assert!(!found.partial && found.next.is_none());
}

#[test]
fn a_page_says_that_it_is_a_part() {
    let house = house();
    let mut all = Vec::new();
    let mut cursor = None;
    loop {
        let scope = Scope::of_tenant("acme");
        let page = session(&house.source(), &scope, ID, 2, cursor).expect("read").expect("found");
        assert!(page.partial && page.hops.len() <= 2);
        all.extend(actions(&page));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    // A page is in the order in which it happened; pages follow each other as it was recorded.
    let whole = ask(&house, ID, 100).expect("read").expect("found");
    let mut want = actions(&whole);
    all.sort_unstable();
    want.sort_unstable();
    assert_eq!(all, want, "each once");
}

#[test]
fn a_short_id_finds_its_session_and_no_other_tenants() {
    let house = house();
    let found = ask(&house, "5e55-9f3", 100).expect("read").expect("found");
    assert_eq!((found.id.as_str(), found.hops.len()), (ID, 6));
    assert!(ask(&house, "5e55", 100).expect("read").is_none(), "too short to stand for one");
    assert!(ask(&house, "nobody-of-this-name", 100).expect("read").is_none());
    let twin = step("web", "login", 1, "").replace("-alice", "-bob");
    house.write("acme-0", &[twin]);
    let refused = ask(&house, "5e55-9f3", 100).expect_err("two of them").to_string();
    assert!(refused.contains("short for several") && refused.contains("-bob"), "{refused}");
}

//! The search language: what it means, how it is written back, what it says of mistakes.

use event::{Fields, Value, json};
use proptest::prelude::*;
use query::Filter;

use crate::house::NOW;

fn matches(filter: &str, event: &str) -> bool {
    let Ok(Value::Object(event)) = json::read(event.as_bytes()) else { panic!("{event}") };
    let fields = Fields::flatten(&event).expect("within limits");
    Filter::parse(filter, NOW).expect(filter).matches(&fields, NOW)
}

#[test]
fn filters_mean_what_they_say() {
    let event = r#"{"id":"01a20390-809a-7e40-9d1e-40c2a8b3f6d7","action":"refund.create",
        "actor":{"type":"agent","id":"refund-bot","on_behalf_of":[{"type":"user","id":"alice"}]},
        "service":{"name":"payments"},"decision":{"effect":"deny","rule":"refunds.limit#2"},
        "resources":[{"role":"target","type":"pay","id":"7f31"},{"type":"user","id":"alice"}],
        "reason":{"text":"Parcel lost, see SUP-4812"},"occurred_at":"2026-11-22T13:50:00.000000000Z",
        "attributes":{"http.method":"POST","n":[1,2.5]},"recorded":{"policy":"builtin/1"}}"#;
    for filter in [
        "",
        "   ",
        "who:alice",
        "actor:refund-bot",
        "did:refund.create",
        "action:refund.*",
        "what:7f31",
        "what:pay/7f31",
        "what:pay/*",
        "outcome:denied",
        "-outcome:failure",
        "id:9d1e40c2",
        "id:9d1e-40c2",
        "id:01A20390-809A-7E40-9D1E-40C2A8B3F6D7",
        "since:15m",
        "until:5m",
        "since:2026-11-22",
        "lost",
        "LOST",
        "\"parcel lost\"",
        "sup-4812",
        "parc*",
        "attributes.http.method:POST",
        "attributes.n:2.5",
        "decision.rule:\"refunds.limit#2\"",
        "who:alice -who:bob service:payments",
        "-text:found",
        "-kind:*",
        "recorded.policy:*",
    ] {
        assert!(matches(filter, event), "{filter}");
    }
    for filter in [
        "actor:alice",
        "who:Alice",
        "what:user/7f31",
        "outcome:failure",
        "-who:alice",
        "parc",
        "\"lost parcel\"",
        "since:5m",
        "until:15m",
        "id:40c2a8b3",
        "id:01a20390",
        "builtin",
        "did:refund",
        "kind:*",
        "who:alice who:bob",
        "2026",
    ] {
        assert!(!matches(filter, event), "{filter}");
    }
}

#[test]
fn mistakes_are_explained_where_they_are() {
    for (text, column, reason) in [
        ("actr:alice", 1, "no member \"actr\"; did you mean \"actor\"?"),
        ("who:alice  -outcom.result:x", 13, "did you mean \"outcome.result\"?"),
        ("outcome:fail", 9, "outcome is never \"fail\", only success, failure, unknown; did you"),
        ("kind:admn", 6, "did you mean \"admin\"?"),
        ("source:x", 1, "source has members; name one: source.address"),
        ("who:", 5, "a value is missing"),
        ("who:a*b", 5, "* stands at the end only"),
        ("who:\"alice", 5, "the quotation has no end"),
        ("who:\"alice\"x", 12, "a space must follow"),
        ("since:yesterday", 7, "\"yesterday\" is no time"),
        ("-since:5m", 8, "since takes one time"),
        ("--", 1, "there is no word in it"),
        ("10:30", 1, "no member \"10\"; a time has a T and a zone: since:2026-01-02T10:00:00Z"),
        ("since:2026-11-28 9:00", 18, "since:2026-01-02T09:00:00Z"),
        ("alice OR bob", 7, "there is no OR: clauses stand side by side"),
        ("who:alice AND outcome:failure", 11, "there is no AND"),
        ("NOT who:alice", 1, "there is no NOT"),
        ("(a b)", 1, "there are no parentheses: clauses stand side by side"),
        ("a b)", 3, "there are no parentheses"),
        ("who:(a b)", 5, "there are no parentheses"),
        ("x who=alice", 3, "a clause is name:value, as who:alice; -who:alice is not"),
        ("outcome!=success", 1, "as outcome:success"),
        ("actor.id==", 1, "as actor.id:value"),
        ("since>1h", 1, "as since:1h"),
        ("since:1h until:2h", 10, "is not before until:2026-11-22T12:00:00.000000000Z"),
        ("until:2026-11-22 since:2026-11-22", 18, "so no event can match"),
        ("recorded_since:5m recorded_until:1d", 19, "is not before recorded_until"),
        ("ü who:", 7, "a value is missing"),
    ] {
        let error = Filter::parse(text, NOW).expect_err(text);
        assert_eq!(error.column, column, "{text}: {error}");
        assert!(error.reason.contains(reason), "{text}: {error}");
    }
    assert!(Filter::parse(&"a ".repeat(65), NOW).is_err());
    assert!(Filter::parse(&"a ".repeat(64), NOW).is_ok());
    assert!(Filter::parse(&"a".repeat(5000), NOW).is_err());
}

#[test]
fn filters_have_one_text() {
    for (text, canonical) in [
        ("outcome:denied   -who:\"alice\"", "decision:deny -who:alice"),
        ("did:invoice.*", "did:invoice.*"),
        ("trace:4BF92F35", "trace:4bf92f35*"),
        ("Refund-Bot", "\"refund bot\""),
        ("\"who=alice\" x=1", "\"who alice\" \"x 1\""),
        ("who:\"a b\"* who:*", "who:\"a b\"* who:*"),
        ("since:1h", "since:2026-11-22T13:00:00.000000000Z"),
        ("text:par*", "par*"),
        ("or and not \"OR\" text:AND", "or and not or and"),
        ("\"(a b)\" what:f(x)", "\"a b\" what:\"f(x)\""),
        (r#"who:"a\"b\\c""#, r#"who:"a\"b\\c""#),
        (r#""attributes.aws:x":1"#, r#""attributes.aws:x":1"#),
    ] {
        let filter = Filter::parse(text, NOW).expect(text);
        assert_eq!(filter.to_string(), canonical, "{text}");
        assert_eq!(Filter::parse(canonical, 0).expect(canonical), filter);
    }
}

#[test]
fn parameters_make_the_same_filters() {
    let built = Filter::all()
        .and("who", "a \"b", NOW)
        .and_then(|f| f.and("-action", "invoice.*", NOW))
        .and_then(|f| f.and("since", "1h", NOW))
        .and_then(|f| f.and("text", "parcel lost", NOW))
        .expect("a filter");
    let read = Filter::parse(r#"who:"a \"b" -action:invoice.* since:1h "parcel lost""#, NOW);
    assert_eq!(Ok(built), read);
    assert!(Filter::all().and("whom", "a", NOW).is_err());
    let later = |f: Filter| f.and("until", "2h", NOW);
    assert!(Filter::all().and("since", "1h", NOW).and_then(later).is_err());
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in r#"([a-z.:"*\\ -]|who:|since:|[ -~]|\PC){0,40}"#) {
        if let Ok(filter) = Filter::parse(&text, NOW) {
            let again = Filter::parse(&filter.to_string(), 0);
            prop_assert_eq!(again.as_ref(), Ok(&filter), "{}", filter);
        }
    }

    #[test]
    fn any_parameter_is_read_or_refused(
        name in "-?(who|action|id|text|since|attributes\\.\\PC{1,8}|\\PC{0,8})",
        value in "\\PC{0,16}\\*?",
    ) {
        if let Ok(filter) = Filter::all().and(&name, &value, NOW) {
            let again = Filter::parse(&filter.to_string(), 0);
            prop_assert_eq!(again.as_ref(), Ok(&filter), "{}", filter);
        }
    }
}

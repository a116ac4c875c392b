//! The index changes nothing: a list is what the filter says of every event, whatever the blocks,
//! the pages, the budget and the order, before and after a restart.

use proptest::prelude::*;
use proptest::sample::select;
use query::{Ask, Filter, Order, Scope, count_exact, search};

use crate::house::{House, LOGS, NOW, Place, TENANTS};

const PARTS: &[&[&str]] = &[
    &[
        "",
        r#""id":"01a20390-809a-7e40-9d1e-40c2a8b3f6d7""#,
        r#""id":"01A20390-809A-7E40-9D1E-40C2A8B3F6D8""#,
        r#""id":"9d1e40c2""#,
        r#""id":"pay/7f31*""#,
    ],
    &["", r#""kind":"admin""#, r#""kind":"other","facets":["admin","mesh"]"#, r#""verb":"delete""#],
    &[
        "",
        r#""outcome":{"result":"failure","code":"E7","message":"limit 500 EUR, second \"person\" needed"}"#,
        r#""outcome":{"result":"success"},"decision":{"effect":"deny"}"#,
        r#""decision":{"effect":"allow","mode":"shadow"},"duration_ns":404"#,
    ],
    &[
        "",
        r#""resources":[{"type":"pay","id":"7f31"}]"#,
        r#""resources":[{"id":"7f31","name":"a/b"},{"type":"user","id":"bob"}]"#,
        r#""resources":[{"type":"pay/x","id":"7f31/alice","changes":[{"path":"/a","after":"bob"}]}]"#,
        r#""resources":[{}]"#,
    ],
    &[
        "",
        r#""correlation":{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","session_id":"s1"}"#,
        r#""correlation":{"trace_id":"4BF92F3500000000a3ce929d0e0e4736","correlation_id":"c1"}"#,
        r#""correlation":{"operation_id":"o1","request_id":"r1"}"#,
    ],
    &[
        "",
        r#""attributes":{"n":500,"deep":{"http.method":"GET","x":[1,{"y":"Ärger im Büro"}]}}"#,
        r#""attributes":{"deep.http":{"method":"GET"},"none":null,"e":{},"t":"tab\there \\ \"q\""}"#,
        r#""attributes":{"flag":true,"n":"500","deep":"alice@shop.example","w":"Alice's refund-bot"}"#,
        r#""service":{"name":"payments","environment":"prod"},"where":{"account":"7","region":"eu"}"#,
        r#""producer":{"id":"mail","stream":"2","seq":7}"#,
        r#""reason":{"text":"parcel lost","ticket":"SUP-4812","break_glass":true}"#,
    ],
    &[
        r#""actor":{"type":"user","id":"alice","session_id":"s1"}"#,
        r#""actor":{"type":"agent","id":"refund-bot","on_behalf_of":[{"type":"user","id":"alice","grant":{"id":"bob"}}]}"#,
        r#""actor":{"type":"user","id":"bob","name":"Alice","email":"alice@shop.example"}"#,
        r#""actor":{"type":"anonymous","acting_as":"alice","groups":[]}"#,
    ],
    &[
        r#""occurred_at":"2026-11-22T13:59:59Z""#,
        r#""occurred_at":"2026-11-22T15:30:00+01:30""#,
        r#""occurred_at":"2026-11-20T00:00:00Z","observed_at":"2026-11-22T13:59:59Z""#,
        r#""observed_at":"2026-11-22T12:00:00Z""#,
        r#""occurred_at":"2027-01-01T00:00:00Z""#,
    ],
];

const CLAUSES: &[&str] = &[
    "who:alice",
    "who:ali*",
    "actor:alice",
    "actor.on_behalf_of.id:alice",
    "who:bob",
    "who:*",
    "actor.type:agent",
    "actor.type:a*",
    "actor.groups:[]",
    "actor.id:*",
    "actor.name:Alice",
    "action:invoice.delete",
    "action:invoice.*",
    "did:user.*",
    "action:*",
    "action:nothing*",
    "verb:delete",
    "verb:*",
    "kind:admin",
    "kind:mesh",
    "kind:other",
    "kind:o*",
    "what:7f31",
    "what:pay/7f31",
    "resource:pay/*",
    "what:a/b",
    "what:pay/x/7f31/alice",
    "resources.id:bob",
    "resources.changes.after:bob",
    "resources.type:pay",
    "service:payments",
    "service:pay*",
    "service:shop",
    "outcome:failure",
    "outcome:denied",
    "outcome.result:success",
    "decision:deny",
    "decision.mode:shadow",
    "outcome.code:E*",
    "trace:4bf92f35",
    "trace:4BF92F35*",
    "trace:4bf92f3577b34da6a3ce929d0e0e4736",
    "trace:4b*",
    "correlation.trace_id:4bf92f3577",
    "correlation:c1",
    "session:s1",
    "actor.session_id:s1",
    "operation:o1",
    "request:r1",
    "producer:mail",
    "stream:2",
    "account:7",
    "region:eu",
    "environment:prod",
    "id:9d1e40c2",
    "id:9d1e-40c2a8b3f6d7",
    "id:9D1E40C2A8B3",
    "id:01a20390-809a-7e40-9d1e-40c2a8b3f6d7",
    "id:01a20390*",
    r#"id:"pay/7f31*""#,
    "id:pay*",
    "attributes.deep.http.method:GET",
    "attributes.deep.x.y:*",
    "attributes.n:500",
    "attributes.deep.x:1",
    "attributes.none:null",
    "attributes.e:{}",
    "attributes.flag:true",
    r#"attributes.t:"tab	here \ \"q\"""#,
    "attributes.deep:alice@*",
    "duration_ns:404",
    "reason.ticket:SUP-*",
    "reason.break_glass:true",
    "why:SUP-4812",
    "recorded.identity.id:gate",
    "alice",
    "ali*",
    r#""second person""#,
    r#""second pers"*"#,
    "500",
    "BÜRO",
    "büro",
    "bür*",
    "q",
    "refund-bot",
    "text:parcel",
    "eur",
    "gate",
    "2026",
    "shop.example",
    r#""alice s refund"*"#,
    "since:5m",
    "since:24h",
    "until:5m",
    "since:2026-11-21",
    "until:2027-01-01T00:00:00Z",
    "recorded_since:1m",
    "recorded_until:2026-11-22T14:00:00.000000009Z",
    "recorded_since:2026-11-22T14:00:00.000000012Z",
    "occurred_at:2026-11-20*",
];

fn one_event() -> impl Strategy<Value = String> {
    let parts: Vec<_> = PARTS.iter().map(|choices| select(*choices)).collect();
    (select(&["invoice.delete", "invoice.read", "user.create", "übung.ä"][..]), parts).prop_map(
        |(action, parts)| {
            let mut event = format!(r#"{{"action":"{action}""#);
            for part in parts.iter().filter(|part| !part.is_empty()) {
                event.push(',');
                event.push_str(part);
            }
            if !event.contains("\"service\"") {
                event.push_str(r#","service":{"name":"shop"}"#);
            }
            event + "}"
        },
    )
}

pub fn batches() -> impl Strategy<Value = Vec<(usize, Vec<String>)>> {
    let batch = (0..LOGS.len(), prop::collection::vec(one_event(), 1..24));
    prop::collection::vec(batch, 1..10)
}

pub fn filter_text() -> impl Strategy<Value = String> {
    let clause = (prop::bool::weighted(0.25), select(CLAUSES));
    prop::collection::vec(clause, 0..4).prop_map(|clauses| {
        let clauses = clauses.into_iter().map(|(negated, clause)| {
            let timed = clause.contains("since:") || clause.contains("until:");
            format!("{}{clause}", if negated && !timed { "-" } else { "" })
        });
        let mut clauses: Vec<String> = clauses.collect();
        // A time that ends before it begins is refused.
        let refused = Filter::parse(&clauses.join(" "), NOW).err().map(|error| error.to_string());
        if refused.is_some_and(|why| why.contains("no event can match")) {
            clauses.retain(|clause| !clause.contains("until:"));
        }
        clauses.join(" ")
    })
}

/// All pages of a list, oldest first.
fn listed(house: &House, scope: &Scope, filter: &Filter, ask: &Ask) -> Vec<Place> {
    let (mut found, mut ask, mut pages) = (Vec::new(), ask.clone(), 0);
    loop {
        let page = search(&house.source(), scope, filter, &ask).expect("a page");
        assert!(page.hits.len() <= ask.limit && page.scanned <= ask.rows_max);
        assert!(page.unreadable.is_empty());
        found.extend(
            page.hits.iter().map(|hit| (hit.recorded_at, hit.log.meta.name().to_owned(), hit.seq)),
        );
        pages += 1;
        assert!(pages < 3_000, "pages go on for ever");
        match page.next {
            Some(next) => ask.cursor = Some(next.to_string().parse().expect("our own cursor")),
            None => break,
        }
    }
    if ask.order == Order::Newest {
        found.reverse();
    }
    found
}

pub fn check(house: &House, filters: &[String], limit: usize, rows_max: u64) {
    for scope in TENANTS.map(Scope::of_tenant) {
        let all = house.all(&scope);
        for text in filters {
            let filter = Filter::parse(text, NOW).expect(text);
            let want = all.iter().filter(|(place, fields)| filter.matches(fields, place.0));
            let want: Vec<Place> = want.map(|(place, _)| place.clone()).collect();
            for order in [Order::Newest, Order::Oldest] {
                let ask = Ask { order, limit, rows_max, cursor: None };
                assert_eq!(listed(house, &scope, &filter, &ask), want, "{text} {order:?}");
            }
            let count = count_exact(&house.source(), &scope, &filter, u64::MAX).expect("counted");
            assert_eq!((count.count, count.partial), (want.len() as u64, false), "{text}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn lists_are_what_the_filter_says(
        batches in batches(),
        filters in prop::collection::vec(filter_text(), 6),
        block_rows in select(&[1_usize, 3, 7, 64, 65, 4096][..]),
        limit in 1_usize..9,
        rows_max in select(&[1_u64, 2, 5, 1000][..]),
    ) {
        let house = House::new(block_rows);
        for (log, events) in &batches {
            house.write(LOGS[*log].0, events);
        }
        check(&house, &filters, limit, rows_max);
        let house = house.restart();
        check(&house, &filters, limit, rows_max);
        house.store.close().expect("closes");
    }
}

#[test]
fn every_clause_alone() {
    let house = House::new(16);
    for (log, (name, _)) in LOGS.iter().enumerate() {
        let mut events = Vec::new();
        for (n, part) in PARTS.iter().flat_map(|parts| parts.iter()).enumerate() {
            for other in PARTS[(n + log) % PARTS.len()] {
                let more: Vec<&str> =
                    [*part, *other].into_iter().filter(|p| !p.is_empty()).collect();
                let named = |text: &str| text.split(':').next().unwrap_or_default().to_owned();
                let mut names: Vec<String> = more.iter().map(|p| named(p)).collect();
                names.dedup();
                if names.len() < more.len() || more.concat().contains("\"service\"") {
                    continue;
                }
                events.push(crate::house::event("shop", "invoice.read", &more.join(",")));
            }
        }
        for batch in events.chunks(10) {
            house.write(name, batch);
        }
    }
    let texts: Vec<String> = CLAUSES.iter().map(|clause| (*clause).to_owned()).collect();
    check(&house, &texts, 1000, 10_000);
}

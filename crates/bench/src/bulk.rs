//! Many valid events as lines, for measuring: ~850 bytes and ~29 fields each, as many different
//! actors, resources and traces as a middling company has.
//!
//! Never: two equal ids, a line that admission refuses. Lines are written, not built as trees,
//! so that making them does not drown what is measured.

use event::format_time;

use random::{Random, mix};

/// When the first generated event happened.
pub(crate) const START_NS: i64 = 1_795_356_131_482_000_000;

const ACTORS: u64 = 10_000;
const RESOURCES: u64 = 100_000;
const EVENTS_A_TRACE: u64 = 5;

/// 25 of these …
const NOUNS: [&str; 25] = [
    "account",
    "address",
    "article",
    "basket",
    "budget",
    "carrier",
    "catalogue",
    "claim",
    "contract",
    "coupon",
    "customer",
    "delivery",
    "document",
    "invoice",
    "label",
    "order",
    "parcel",
    "payment",
    "price",
    "refund",
    "report",
    "session",
    "shelf",
    "supplier",
    "voucher",
];
/// … with 8 of these are the 200 actions. Each with its kind.
const VERBS: [(&str, &str); 8] = [
    ("create", "data_change"),
    ("read", "data_read"),
    ("update", "data_change"),
    ("delete", "data_change"),
    ("list", "data_read"),
    ("approve", "admin"),
    ("export", "data_read"),
    ("share", "privacy"),
];
const SERVICES: [&str; 24] = [
    "web",
    "orders",
    "payments",
    "inventory",
    "identity",
    "mail",
    "search",
    "prices",
    "carriers",
    "claims",
    "billing",
    "reports",
    "ledger",
    "catalogue",
    "coupons",
    "returns",
    "suppliers",
    "shelves",
    "labels",
    "documents",
    "sessions",
    "limits",
    "exports",
    "gateway",
];

/// `n` events, the same for the same arguments, a millisecond apart on average.
pub(crate) fn bulk(seed: u64, n: u64, started_at_ns: i64) -> impl Iterator<Item = String> {
    let mut lines = Lines { random: Random::new(seed), seed, started_at_ns, seqs: [0; 24] };
    (0..n).map(move |i| lines.line(i))
}

struct Lines {
    random: Random,
    seed: u64,
    started_at_ns: i64,
    seqs: [u64; SERVICES.len()],
}

impl Lines {
    fn line(&mut self, i: u64) -> String {
        let began_ns = self.started_at_ns.saturating_add_unsigned(i.saturating_mul(1_000_000));
        let occurred_ns = began_ns.saturating_add_unsigned(self.random.below(900_000));
        let observed_ns =
            occurred_ns.saturating_add_unsigned(self.random.within(300_000, 2_000_000));
        let (id, noun) = (self.random.uuid7(occurred_ns), NOUNS[self.some(25)]);
        let (verb, kind) = VERBS[self.random.below(8) as usize];
        let service = self.some(SERVICES.len() as u64);
        let members = [
            format!(r#"{{"id":"{id}","kind":"{kind}""#),
            format!(r#""action":"{noun}.{verb}","verb":"{verb}""#),
            self.outcome().into(),
            format!(r#""occurred_at":"{}""#, format_time(occurred_ns)),
            format!(r#""observed_at":"{}""#, format_time(observed_ns)),
            format!(r#""duration_ns":{}"#, self.random.within(400_000, 90_000_000)),
            self.actor(),
            self.resources(noun, verb),
            service_member(service, i % 3),
            self.correlation(i),
            self.producer(service),
            self.attributes(service),
        ];
        members.join(",")
    }

    /// A number below `n`, the small ones oftener, as few actors do most of the work.
    fn some(&mut self, n: u64) -> usize {
        let within = self.random.below(n) + 1;
        self.random.below(within) as usize
    }

    fn outcome(&mut self) -> &'static str {
        match self.random.below(40) {
            0 => r#""outcome":{"result":"failure","code":"denied"}"#,
            1 => r#""outcome":{"result":"failure","code":"timeout"}"#,
            _ => r#""outcome":{"result":"success"}"#,
        }
    }

    fn actor(&mut self) -> String {
        let number = self.some(ACTORS);
        match number % 10 {
            0 => format!(r#""actor":{{"type":"service","id":"svc-{number}.shop.example"}}"#),
            1 => {
                let user = format!("user-{}@shop.example", number / 10);
                let link = format!(r#"{{"type":"user","id":"{user}","relation":"delegation"}}"#);
                let head = format!(r#""actor":{{"type":"agent","id":"agent-{number}""#);
                format!(r#"{head},"on_behalf_of":[{link}]}}"#)
            }
            _ => {
                let id = format!("user-{number}@shop.example");
                format!(r#""actor":{{"type":"user","id":"{id}","name":"user-{number}"}}"#)
            }
        }
    }

    fn resources(&mut self, noun: &str, verb: &str) -> String {
        let number = self.some(RESOURCES);
        let id = format!("{noun}/{number}");
        let head = format!(r#""resources":[{{"role":"target","type":"{noun}","id":"{id}""#);
        if verb != "update" {
            return head + "}]";
        }
        let before = self.random.within(1, 90);
        let after = before + 1;
        let change = format!(r#"{{"path":"/version","before":{before},"after":{after}}}"#);
        format!(r#"{head},"changes":[{change}]}}]"#)
    }

    /// Where the call came from, and its place in a trace of five calls in a row.
    fn correlation(&self, i: u64) -> String {
        let trace = mix(self.seed ^ mix(i / EVENTS_A_TRACE));
        let depth = i % EVENTS_A_TRACE;
        let parent = match depth {
            0 => String::new(),
            _ => format!(r#","parent_span_id":"{:016x}""#, span(trace, depth - 1)),
        };
        let gateway = format!("spiffe://shop.example/ns/edge/sa/gateway-{}", trace % 240);
        let source = format!(r#""source":{{"service":"gateway","identity":"{gateway}"}}"#);
        let (high, span) = (mix(trace) | 1, span(trace, depth));
        let ids = format!(r#""trace_id":"{high:016x}{trace:016x}","span_id":"{span:016x}""#);
        format!(r#"{source},"correlation":{{{ids}{parent}}}"#)
    }

    fn producer(&mut self, service: usize) -> String {
        let (name, seq) = (SERVICES[service], self.seqs[service]);
        self.seqs[service] += 1;
        format!(r#""producer":{{"id":"{name}","stream":"{name}-1","seq":{seq}}}"#)
    }

    /// The last member, and the end of the event.
    fn attributes(&mut self, service: usize) -> String {
        let amount = self.random.within(1, 900);
        format!(r#""attributes":{{"team":"team-{}","amount":"{amount}.00"}}}}"#, SERVICES[service])
    }
}

fn service_member(service: usize, replica: u64) -> String {
    let (name, minor) = (SERVICES[service], service % 7);
    let run = format!(r#""version":"2.{minor}.1","instance":"{name}-7d4f9b6c58-{replica}""#);
    format!(r#""service":{{"name":"{name}","namespace":"shop",{run},"environment":"prod"}}"#)
}

fn span(trace: u64, depth: u64) -> u64 {
    mix(trace ^ (depth + 1)) | 1
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use event::{Fields, Schema, json};
    use serde_json::Value;

    use super::*;

    /// Fields of a line that admission takes.
    fn conform(line: &str) -> Option<usize> {
        let Ok(event::Value::Object(mut event)) = json::read(line.as_bytes()) else { return None };
        Schema::event().conform(&mut event).ok()?;
        Some(Fields::flatten(&event).ok()?.len())
    }

    #[test]
    fn bulk_is_valid_of_the_right_size_and_diverse() {
        const N: u64 = 20_000;
        let lines: Vec<String> = bulk(1, N, START_NS).collect();
        assert!(lines.iter().eq(bulk(1, N, START_NS).collect::<Vec<_>>().iter()));
        let fields: usize = lines.iter().map(|line| conform(line).unwrap()).sum();
        let bytes: usize = lines.iter().map(String::len).sum();
        let n = N as usize;
        assert!((820..=880).contains(&(bytes / n)), "{} bytes", bytes / n);
        assert!((28..=30).contains(&((fields + n / 2) / n)), "{fields} fields in all");
        let events: Vec<Value> = lines.iter().map(|l| serde_json::from_str(l).unwrap()).collect();
        let distinct = |path: &str| {
            events.iter().filter_map(|e| e.pointer(path)?.as_str()).collect::<BTreeSet<_>>().len()
        };
        assert_eq!(distinct("/id"), n);
        assert_eq!(distinct("/correlation/span_id"), n);
        assert_eq!(distinct("/correlation/trace_id"), n / 5);
        assert_eq!((distinct("/action"), distinct("/service/name")), (200, 24));
        assert!(distinct("/actor/id") > 3_000 && distinct("/resources/0/id") > 10_000);
    }
}

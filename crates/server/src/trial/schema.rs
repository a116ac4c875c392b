//! A schema over past events.

use std::collections::BTreeMap;

use admit::schemas::Compiled;
use event::{PathText, pointer};
use query::{Hit, Order};
use serde::Serialize;

use super::{Trial, sent, service, slot};

/// Kinds of faults that are told apart, services of each, ids of each.
const FAULTS_MAX: usize = 100;
const SERVICES_MAX: usize = 100;
const EVENTS_MAX: usize = 5;

/// What came of it.
#[derive(Serialize)]
pub(crate) struct SchemaTrial<'a> {
    #[serde(skip)]
    schema: &'a Compiled,
    /// Events that it was asked about.
    checked: u64,
    /// Those that it does not let pass.
    failed: u64,
    services: BTreeMap<String, Count>,
    faults: Vec<Fault>,
    /// Faults of kinds beyond those listed.
    more: u64,
}

#[derive(Debug, Default, Serialize)]
struct Count {
    checked: u64,
    failed: u64,
}

/// One kind of fault: a place, a reason. Indices of lists stand as `*`.
#[derive(Debug, Serialize)]
struct Fault {
    path: String,
    reason: String,
    count: u64,
    services: BTreeMap<String, u64>,
    /// Ids of the first events that have it.
    events: Vec<String>,
}

impl SchemaTrial<'_> {
    /// Nothing tried yet.
    pub(crate) fn new(schema: &Compiled) -> SchemaTrial<'_> {
        let (services, faults) = (BTreeMap::new(), Vec::new());
        SchemaTrial { schema, checked: 0, failed: 0, services, faults, more: 0 }
    }

    fn fault(&mut self, path: String, reason: String, service: &str, id: &str) {
        let known = self.faults.iter().position(|f| f.path == path && f.reason == reason);
        let nth = match known {
            Some(nth) => nth,
            None if self.faults.len() == FAULTS_MAX => {
                self.more += 1;
                return;
            }
            None => {
                let (services, events) = (BTreeMap::new(), Vec::new());
                self.faults.push(Fault { path, reason, count: 0, services, events });
                self.faults.len() - 1
            }
        };
        let fault = &mut self.faults[nth];
        fault.count += 1;
        *slot(&mut fault.services, service.to_owned(), SERVICES_MAX) += 1;
        if fault.events.len() < EVENTS_MAX {
            fault.events.push(id.to_owned());
        }
    }
}

impl Trial for SchemaTrial<'_> {
    const ORDER: Order = Order::Newest;

    fn add(&mut self, hit: &Hit) {
        let Some((event, _)) = sent(hit) else { return };
        // What was redacted is not its sender's fault.
        let redacted = redacted(hit);
        let faults = self.schema.faults(&event, &redacted);
        let service = service(&event);
        let count = slot(&mut self.services, service.clone(), SERVICES_MAX);
        count.checked += 1;
        self.checked += 1;
        if faults.is_empty() {
            return;
        }
        count.failed += 1;
        self.failed += 1;
        let mut seen: Vec<(String, String)> =
            faults.into_iter().map(|fault| (general(&fault.path), fault.reason)).collect();
        seen.sort();
        seen.dedup();
        let id = event.str("id").unwrap_or_default();
        for (path, reason) in seen {
            self.fault(path, reason, &service, id);
        }
    }

    fn events(&self, _read: u64) -> u64 {
        self.checked
    }

    /// The most frequent faults first.
    fn judged(mut self) -> Self {
        self.faults.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.path.cmp(&b.path)));
        self
    }
}

/// `/resources/0/id` as `/resources/*/id`.
fn general(path: &str) -> String {
    let step = |step: &str| match step.bytes().all(|b| b.is_ascii_digit()) && !step.is_empty() {
        true => "*".to_owned(),
        false => step.to_owned(),
    };
    path.split('/').map(step).collect::<Vec<_>>().join("/")
}

/// JSON Pointers of what admission redacted in an event.
fn redacted(hit: &Hit) -> Vec<String> {
    let paths =
        (0..).map_while(|nth| hit.fields.string(&format!("[\"recorded\",\"redacted\",{nth}]")));
    let steps = paths.filter_map(|text| PathText::parse(&text));
    steps.map(|steps| pointer(&steps)).collect()
}

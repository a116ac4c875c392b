//! Rules of the audit scope over past events.

use std::collections::BTreeMap;

use admit::scope::{Decision, Rule, Rules, sensitive};
use event::Object;
use query::{Hit, Order};
use serde::Serialize;

use super::{Trial, sent, service, slot};

/// Services that are told apart for one rule.
const SERVICES_MAX: usize = 100;
/// Kinds of events that are counted together at once, as admission would.
const WINDOWS_MAX: usize = 10_000;

/// What came of it.
#[derive(Serialize)]
pub(crate) struct Plan<'a> {
    #[serde(skip)]
    tried: &'a Rules,
    /// Digest of the rules, as `recorded.policy` would name it.
    digest: String,
    /// All events that were looked at, and what would become of them.
    all: Share,
    rules: Vec<RuleShare>,
    /// Events that no rule fits.
    default: BTreeMap<String, Share>,
    /// What looks like a mistake.
    warnings: Vec<String>,
    #[serde(skip)]
    windows: BTreeMap<(usize, String, String, String), i64>,
}

/// One rule, by service.
#[derive(Debug, Serialize)]
struct RuleShare {
    name: String,
    digest: String,
    services: BTreeMap<String, Share>,
    /// Events that it would not store although they were denied, failed, or are of a kind that
    /// rules spare.
    sensitive: u64,
    #[serde(skip)]
    line: usize,
}

/// Events and bytes, and how many of them would be in the log.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Share {
    events: u64,
    bytes: u64,
    kept: u64,
    kept_bytes: u64,
    left_out: u64,
    counted: u64,
    /// Of the kept: those that the rule fits and that are spared.
    spared: u64,
}

#[derive(Clone, Copy)]
enum Fate {
    Kept,
    Spared,
    LeftOut,
    Counted,
}

impl Share {
    fn add(&mut self, fate: Fate, bytes: u64) {
        self.events += 1;
        self.bytes += bytes;
        match fate {
            Fate::Kept | Fate::Spared => {
                self.kept += 1;
                self.kept_bytes += bytes;
                self.spared += u64::from(matches!(fate, Fate::Spared));
            }
            Fate::LeftOut => self.left_out += 1,
            Fate::Counted => self.counted += 1,
        }
    }
}

impl Plan<'_> {
    /// Nothing tried yet.
    pub(crate) fn new(rules: &Rules) -> Plan<'_> {
        let share = |rule: &Rule| RuleShare {
            name: rule.name.clone(),
            digest: rule.digest.clone(),
            services: BTreeMap::new(),
            sensitive: 0,
            line: rule.line,
        };
        Plan {
            tried: rules,
            digest: rules.digest().to_owned(),
            all: Share::default(),
            rules: rules.iter().map(share).collect(),
            default: BTreeMap::new(),
            warnings: rules.warnings(),
            windows: BTreeMap::new(),
        }
    }

    fn is_first(
        &mut self,
        nth: usize,
        rule: &Rule,
        service: &str,
        event: &Object<'_>,
        at: i64,
    ) -> bool {
        let path = event.object("request").and_then(|r| r.str("path")).filter(|_| rule.by_path);
        let action = event.str("action").unwrap_or_default().to_owned();
        let key = (nth, service.to_owned(), action, path.unwrap_or_default().to_owned());
        let end = at.saturating_add(i64::from(rule.window_s) * 1_000_000_000);
        if self.windows.len() >= WINDOWS_MAX {
            self.windows.retain(|_, end| *end > at);
        }
        let has_room = self.windows.len() < WINDOWS_MAX;
        match self.windows.get_mut(&key) {
            Some(open) if at < *open => false,
            Some(open) => {
                *open = end;
                true
            }
            None if !has_room => true,
            None => {
                self.windows.insert(key, end);
                true
            }
        }
    }
}

impl Trial for Plan<'_> {
    // A window opens with the first event of its kind.
    const ORDER: Order = Order::Oldest;

    /// What the server states itself is not subject to rules.
    fn add(&mut self, hit: &Hit) {
        let Some((event, bytes)) = sent(hit) else { return };
        let service = service(&event);
        if service == "counterfoil" {
            return;
        }
        let rules = self.tried;
        let (rule, fate) = match rules.decide(&event) {
            Decision::Default => (None, Fate::Kept),
            Decision::Keep(rule) => (Some(rule), Fate::Kept),
            Decision::Spared(rule) => (Some(rule), Fate::Spared),
            Decision::Drop(rule) => (Some(rule), Fate::LeftOut),
            Decision::Aggregate(rule) => {
                let nth = rules.iter().position(|known| known == rule).unwrap_or_default();
                let is_first = self.is_first(nth, rule, &service, &event, hit.recorded_at);
                (Some(rule), if is_first { Fate::Kept } else { Fate::Counted })
            }
        };
        self.all.add(fate, bytes);
        let Some(share) = rule.and_then(|r| self.rules.iter_mut().find(|s| s.name == r.name))
        else {
            return slot(&mut self.default, service, SERVICES_MAX).add(fate, bytes);
        };
        if matches!(fate, Fate::LeftOut | Fate::Counted) && sensitive(&event).is_some() {
            share.sensitive += 1;
        }
        slot(&mut share.services, service, SERVICES_MAX).add(fate, bytes);
    }

    fn events(&self, read: u64) -> u64 {
        read
    }

    /// With the warnings that only events can tell.
    fn judged(mut self) -> Self {
        for rule in &self.rules {
            let place = format!("line {}: rule \"{}\"", rule.line, rule.name);
            if rule.services.is_empty() {
                self.warnings.push(format!("{place} fits none of these events"));
            }
            if rule.sensitive > 0 {
                self.warnings.push(format!(
                    "{place} would not store {} events that were denied, failed, or are of a kind \
                     that rules spare",
                    rule.sensitive
                ));
            }
        }
        self
    }
}

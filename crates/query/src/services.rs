//! What services did: counted by service and action as completeness takes rows in.
//!
//! Bytes are those of an event's fields, paths and texts, as they are digested: what a service's
//! events weigh before they are compressed, the same on every machine.

use std::collections::BTreeMap;

use crate::heard::Tally;
use crate::scope::Overview;
use crate::search::Source;
use crate::streams::each;

/// Services kept of one log.
const SERVICES_MAX: usize = 16_384;
/// Actions kept of one service.
const SERVICE_ACTIONS_MAX: usize = 1_000;
/// Actions kept of all services of one log.
const ACTIONS_MAX: usize = 65_536;

/// How many events, how heavy, and when the last one was recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events.
    pub events: u64,
    /// Bytes of their fields.
    pub bytes: u64,
    /// When the last of them was recorded, nanoseconds since 1970.
    pub last_seen: i64,
}

/// What a service did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// All of its events.
    pub all: Counts,
    /// By action.
    pub actions: BTreeMap<String, Counts>,
    /// Of actions that are not kept by name.
    pub other: Counts,
}

/// What all services did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activities {
    /// By the service's name, as it claims.
    pub services: BTreeMap<String, Activity>,
    /// Of services that are not kept by name.
    pub other: Counts,
    /// Actions of all services.
    actions: usize,
}

/// What the services of a scope did, over all of its logs.
pub fn activities(source: &Source<'_>, scope: &impl AsRef<Overview>) -> Activities {
    let mut all = Activities::default();
    each(source, scope.as_ref(), |_, tail| {
        all.other.add(&tail.activities.other);
        for (name, found) in &tail.activities.services {
            all.services.entry(name.clone()).or_default().join(found);
        }
    });
    all
}

impl Activities {
    /// Takes in what was heard; `at` is when the last of it was recorded.
    pub(crate) fn take(&mut self, tally: &Tally, at: i64) {
        let new = Counts { events: u64::from(tally.events), bytes: tally.bytes, last_seen: at };
        let name = tally.service.as_ref();
        let is_full = self.services.len() >= SERVICES_MAX;
        let Some(name) = name.filter(|name| !is_full || self.services.contains_key(*name)) else {
            return self.other.add(&new);
        };
        if !self.services.contains_key(name) {
            self.services.insert(name.clone(), Activity::default());
        }
        let Some(service) = self.services.get_mut(name) else { return };
        service.all.add(&new);
        let has_room = service.actions.len() < SERVICE_ACTIONS_MAX && self.actions < ACTIONS_MAX;
        match tally.action.as_ref() {
            Some(action) if service.actions.contains_key(action) => {
                service.actions.entry(action.clone()).or_default().add(&new);
            }
            Some(action) if has_room => {
                self.actions += 1;
                service.actions.insert(action.clone(), new);
            }
            _ => service.other.add(&new),
        }
    }
}

impl Activity {
    fn join(&mut self, other: &Activity) {
        self.all.add(&other.all);
        self.other.add(&other.other);
        for (action, counts) in &other.actions {
            self.actions.entry(action.clone()).or_default().add(counts);
        }
    }
}

impl Counts {
    fn add(&mut self, other: &Counts) {
        self.events = self.events.saturating_add(other.events);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.last_seen = self.last_seen.max(other.last_seen);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(service: Option<&str>, action: Option<&str>) -> Tally {
        let [service, action] = [service, action].map(|name| name.map(str::to_owned));
        Tally { service, action, events: 2, bytes: 10, last: 0 }
    }

    #[test]
    fn what_has_no_room_is_counted_as_other() {
        let mut all = Activities::default();
        for n in 0..SERVICE_ACTIONS_MAX + 5 {
            all.take(&tally(Some("shop"), Some(&n.to_string())), n as i64);
        }
        all.take(&tally(Some("shop"), Some("7")), 9_999);
        all.take(&tally(Some("shop"), None), 0);
        let shop = &all.services["shop"];
        assert_eq!((shop.actions.len(), shop.actions["7"].events), (SERVICE_ACTIONS_MAX, 4));
        assert_eq!(shop.other, Counts { events: 12, bytes: 60, last_seen: 1_004 });
        assert_eq!(shop.all, Counts { events: 2_014, bytes: 10_070, last_seen: 9_999 });
        for n in 0..SERVICES_MAX + 3 {
            all.take(&tally(Some(&format!("s{n}")), Some("a")), 5);
        }
        all.take(&tally(None, Some("a")), 6);
        assert_eq!(all.services.len(), SERVICES_MAX);
        assert_eq!(all.other, Counts { events: 10, bytes: 50, last_seen: 6 });
        all.take(&tally(Some("s0"), Some("b")), 7);
        assert_eq!(all.services["s0"].all.events, 4);
    }

    #[test]
    fn actions_of_all_services_have_a_bound() {
        let mut all = Activities::default();
        for n in 0..ACTIONS_MAX + 2 {
            let (service, action) = (format!("s{}", n % 100), format!("a{n}"));
            all.take(&tally(Some(&service), Some(&action)), 0);
        }
        let kept: usize = all.services.values().map(|service| service.actions.len()).sum();
        let other: u64 = all.services.values().map(|service| service.other.events).sum();
        assert_eq!((kept, other), (ACTIONS_MAX, 4));
    }
}

//! What senders do: new events, retries, more than their quota lets them.

use std::sync::Arc;

use super::house::Answer;
use super::{Day, TENANTS};
use crate::app::App;

const ACTIONS: [&str; 3] = ["invoice.create", "invoice.delete", "invoice.send"];
/// Actors of a tenant.
const ACTORS: u64 = 40;
/// Events that a body of the greedy sender has, and what it may send in a second.
const GREEDY_EVENTS: u64 = 4;
pub(super) const GREEDY_EVENTS_S: u64 = 1;
/// Bodies after which it has spent what it saved up.
const GREEDY_BODIES_MAX: usize = 8;

impl Day {
    /// Sends events, some for a second time.
    pub(super) fn write(&mut self, app: &Arc<App>) {
        let at = self.dice.below(3) as usize;
        let count = 1 + self.dice.below(8);
        let token = self.senders[at].clone();
        self.send(app, at, &token, count);
    }

    /// A principal sends until it is over its quota, hears so, and that is stated.
    pub(super) fn overdraw(&mut self, app: &Arc<App>) {
        if self.is_full {
            return;
        }
        let at = self.dice.below(3) as usize;
        let token = self.greedy[at].clone();
        for nth in 0.. {
            let answer = self.send(app, at, &token, GREEDY_EVENTS);
            if answer.code() == "quota" {
                break;
            }
            if answer.status != 200 {
                return;
            }
            assert!(nth < GREEDY_BODIES_MAX, "it has sent more than its quota");
        }
        // Stated once a minute.
        self.house.pass(61);
        self.house.beat(app);
        let is_certain = self.house.is_alive() && !self.is_full;
        self.seen.count(TENANTS[at], "turned away by a quota", is_certain);
    }

    fn send(&mut self, app: &Arc<App>, at: usize, token: &str, count: u64) -> Answer {
        let tenant = TENANTS[at];
        let is_greedy = self.greedy.iter().any(|greedy| greedy == token);
        let mut ids: Vec<String> = Vec::new();
        for _ in 0..count {
            let again = self.dice.below(self.sent[at].max(1));
            // The same id from somebody else is another event.
            let is_own = self.sent[at] > 0 && !is_greedy && !self.by_greedy.contains(&(at, again));
            let is_retry = is_own && self.dice.chance(1, 8);
            let nth = if is_retry { again } else { self.sent[at] };
            self.sent[at] += u64::from(!is_retry);
            if is_greedy {
                self.by_greedy.insert((at, nth));
            }
            let id = format!("{tenant}-{nth}");
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        let events: Vec<String> = ids.iter().map(|id| event(id)).collect();
        let body = format!("[{}]", events.join(","));
        let answer = self.house.ask(app, "POST /v1/events", token, body);
        let is_too_many = self.events_max.map(|max| ids.len() as u64 > max);
        match (answer.status, answer.code().as_str()) {
            (200, _) => {
                assert_ne!(is_too_many, Some(true), "{} events are too many", ids.len());
                self.kept.take(tenant, &ids, &answer);
            }
            (429, "quota") if is_greedy => {}
            (503, "disk") if self.is_full => self.turned_away += 1,
            (413, _) if is_too_many != Some(false) => self.too_many += 1,
            _ => self.died_of(&answer),
        }
        answer
    }
}

/// Number of an event, which decides all that it says.
pub(super) fn nth(id: &str) -> u64 {
    id.rsplit('-').next().and_then(|nth| nth.parse().ok()).expect("an id of the day")
}

pub(super) fn action(nth: u64) -> &'static str {
    ACTIONS[(nth % ACTIONS.len() as u64) as usize]
}

pub(super) fn actor(nth: u64) -> String {
    format!("user{}", nth % ACTORS)
}

fn event(id: &str) -> String {
    let (action, actor) = (action(nth(id)), actor(nth(id)));
    format!(
        r#"{{"id":"{id}","action":"{action}","actor":{{"type":"user","id":"{actor}"}},
            "service":{{"name":"billing"}},"occurred_at":"2026-01-02T03:04:05Z",
            "attributes":{{"text":"text of {id}"}}}}"#
    )
}

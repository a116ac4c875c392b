//! The newest failures and denials, each once.

use serde_json::Value;

use crate::out::Ink;
use crate::view;

/// What is asked for: the search language has no "or". An event may be both.
pub(super) const QUERIES: [&str; 2] = ["outcome:failure", "decision:deny"];
/// As many are kept.
const KEPT: usize = 50;

/// The newest first, by the log's time.
#[derive(Default)]
pub(super) struct Failures(Vec<Value>);

impl Failures {
    /// Keeps an event, unless it is there, or is no failure after all: a denial that was only
    /// tried out let the thing happen.
    pub(super) fn add(&mut self, hit: Value) {
        let (_, ended) = view::ended(&hit["event"]);
        let is_known = self.0.iter().any(|h| h["log"] == hit["log"] && h["seq"] == hit["seq"]);
        if is_known || !matches!(ended, Ink::Bad) {
            return;
        }
        let time = |hit: &Value| hit["recorded_at"].as_str().unwrap_or_default().to_owned();
        let at = time(&hit);
        let place = self.0.iter().position(|other| time(other) <= at).unwrap_or(self.0.len());
        self.0.insert(place, hit);
        self.0.truncate(KEPT);
    }

    pub(super) fn newest(&self) -> &[Value] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_stands_once_the_newest_first_and_as_many_as_are_kept() {
        let failed = json!({"outcome": {"result": "failure"}});
        let hit = |seq: usize, event: &Value| {
            let time = format!("2026-01-02T03:04:{seq:02}.000000000Z");
            json!({"log": "a", "seq": seq, "recorded_at": time, "event": event})
        };
        let mut failures = Failures::default();
        for seq in [2, 1, 3, 2] {
            failures.add(hit(seq, &failed));
        }
        failures.add(hit(4, &json!({"decision": {"effect": "deny", "mode": "shadow"}})));
        failures.add(hit(5, &json!({"decision": {"effect": "deny"}})));
        let seqs = |all: &Failures| {
            all.newest().iter().map(|hit| hit["seq"].as_u64().expect("a seq")).collect::<Vec<_>>()
        };
        assert_eq!(seqs(&failures), [5, 3, 2, 1]);
        (10..99).for_each(|seq| failures.add(hit(seq, &failed)));
        assert_eq!((failures.newest().len(), seqs(&failures)[0]), (KEPT, 98));
    }
}

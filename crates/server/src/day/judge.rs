//! What senders were told, and `verify`'s word on it.

use std::collections::BTreeMap;

use platform::Disk;
use platform::sim::SimDisk;
use serde_json::Value as Json;
use verify::{Policy, Question, Verdict};

use super::house::Answer;

/// Where an event stands: origin and seq.
pub(super) type Place = (String, u64);

/// Everything that was acknowledged.
#[derive(Default)]
pub(super) struct Kept {
    receipts: Vec<String>,
    /// By tenant and id, oldest first: what could not be read when it was sent again stands twice.
    pub(super) places: BTreeMap<(String, String), Vec<Place>>,
    /// The newest checkpoint of each log, with its size.
    newest: BTreeMap<String, (u64, String)>,
    /// By origin: entries that can be read of logs that were set aside.
    pub(super) readable: BTreeMap<String, u64>,
    /// The same before they were mended.
    pub(super) was_readable: BTreeMap<String, u64>,
}

impl Kept {
    /// Takes a receipt for events of these ids.
    pub(super) fn take(&mut self, tenant: &str, ids: &[String], answer: &Answer) {
        let receipt = answer.json();
        let (events, logs) = (&receipt["events"], &receipt["logs"]);
        assert_eq!(events.as_array().expect("a list").len(), ids.len(), "{receipt}");
        for (id, event) in ids.iter().zip(events.as_array().expect("a list")) {
            let log = &logs[event["log"].as_u64().expect("a place") as usize];
            let place = (text(&log["origin"]), event["seq"].as_u64().expect("a place"));
            assert!(self.can_read(&place), "{id}: it is answered for what cannot be read");
            let is_known = event["duplicate"] == true;
            let key = (tenant.to_owned(), id.clone());
            let newest = self.places.get(&key).and_then(|places| places.last());
            match newest.filter(|newest| self.can_read(newest)) {
                Some(newest) => {
                    assert_eq!((newest, true), (&place, is_known), "{id}: it is stored once");
                }
                None => self.places.entry(key).or_default().push(place),
            }
        }
        for log in logs.as_array().expect("a list") {
            let note = text(&log["checkpoint"]);
            let size = note.lines().nth(1).expect("a size").parse().expect("a size");
            let newest = self.newest.entry(text(&log["origin"])).or_default();
            if *newest <= (size, String::new()) {
                *newest = (size, note);
            }
        }
        self.receipts.push(answer.body.clone());
    }

    /// Whether an entry is not one of those that damage keeps from being read.
    pub(super) fn can_read(&self, (origin, seq): &Place) -> bool {
        self.readable.get(origin).is_none_or(|readable| seq < readable)
    }

    /// Whether an entry could not be read until it was mended.
    pub(super) fn was_lost(&self, (origin, seq): &Place) -> bool {
        self.was_readable.get(origin).is_some_and(|readable| seq >= readable)
    }

    /// Whether an event was acknowledged where it can be read.
    pub(super) fn is_shown(&self, tenant: &str, id: &str) -> bool {
        let places = self.places.get(&(tenant.to_owned(), id.to_owned()));
        places.is_some_and(|places| places.iter().any(|place| self.can_read(place)))
    }

    /// Acknowledged events that cannot be read.
    pub(super) fn lost(&self) -> Vec<(String, String)> {
        let lost = self.places.keys().filter(|(tenant, id)| !self.is_shown(tenant, id));
        lost.cloned().collect()
    }

    /// What `verify` says of the folder against the newest checkpoint of each log.
    pub(super) fn verdicts(&self, disk: &SimDisk, vkeys: &[String]) -> Vec<Verdict> {
        let saved = self.newest.values().map(|(_, note)| Some(note.clone()));
        saved.map(|saved| verdict(disk, vkeys, saved)).collect()
    }

    /// Every receipt verifies.
    pub(super) fn judge_receipts(&self, vkeys: &[String]) {
        for receipt in &self.receipts {
            let question = Question { policy: Some(policy(vkeys)), ..Question::default() };
            let verdict = verify::judge(receipt.as_bytes(), &question).expect("a sound question");
            assert!(verdict.is_verified(), "{}: {}\n{receipt}", verdict.place, verdict.sentence);
        }
    }
}

/// What `verify` says of the folder.
pub(super) fn verdict(disk: &SimDisk, vkeys: &[String], saved: Option<String>) -> Verdict {
    let question = Question { policy: Some(policy(vkeys)), saved, ..Question::default() };
    let folder = Folder(disk.folder("data"));
    let verdict = verify::folder::judge(&folder, &question, &mut |_, _| {});
    verdict.expect("a sound question")
}

fn policy(vkeys: &[String]) -> Policy {
    let lines: String = vkeys.iter().map(|vkey| format!("log {vkey}\n")).collect();
    Policy::parse(format!("{lines}quorum none\n").as_bytes()).expect("keys")
}

/// Where an event that is shown stands.
pub(super) fn place_of(shown: &Json) -> Place {
    (text(&shown["origin"]), shown["seq"].as_u64().expect("a place"))
}

pub(super) fn text(json: &Json) -> String {
    json.as_str().expect("a text").to_owned()
}

/// A simulated disk as the verifier reads it.
struct Folder(SimDisk);

impl verify::folder::Folder for Folder {
    fn list(&self) -> Result<Vec<(String, u64)>, String> {
        Ok(self.0.files())
    }

    fn read(&self, name: &str, offset: u64, buf: &mut [u8]) -> Result<(), String> {
        let file = self.0.open(name).map_err(|error| error.to_string())?;
        file.read_past_cache(offset, buf).map_err(|error| error.to_string())
    }
}

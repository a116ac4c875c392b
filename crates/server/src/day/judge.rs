//! What senders were told, and `verify`'s word on it.

use std::collections::BTreeMap;

use platform::Disk;
use platform::sim::SimDisk;
use serde_json::Value as Json;
use verify::{Policy, Question};

use super::house::Answer;

/// Where an event stands: origin and seq.
pub(super) type Place = (String, u64);

/// Everything that was acknowledged.
#[derive(Default)]
pub(super) struct Kept {
    receipts: Vec<String>,
    /// By tenant and id.
    pub(super) places: BTreeMap<(String, String), Place>,
    /// The newest checkpoint of each log, with its size.
    newest: BTreeMap<String, (u64, String)>,
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
            let is_known = event["duplicate"] == true;
            let known = self.places.insert((tenant.to_owned(), id.clone()), place.clone());
            if let Some(known) = known {
                assert_eq!((known, true), (place, is_known), "{id}: it is stored once");
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

    /// Every receipt verifies, and the folder against the newest checkpoint of every log.
    pub(super) fn judge(&self, disk: &SimDisk, vkeys: &[String]) {
        let lines: String = vkeys.iter().map(|vkey| format!("log {vkey}\n")).collect();
        let policy = || Policy::parse(format!("{lines}quorum none\n").as_bytes()).expect("keys");
        for receipt in &self.receipts {
            let question = Question { policy: Some(policy()), ..Question::default() };
            let verdict = verify::judge(receipt.as_bytes(), &question).expect("a sound question");
            assert!(verdict.is_verified(), "{}: {}\n{receipt}", verdict.place, verdict.sentence);
        }
        for (_, note) in self.newest.values() {
            let saved = Some(note.clone());
            let question = Question { policy: Some(policy()), saved, ..Question::default() };
            let folder = Folder(disk.folder("data"));
            let verdict = verify::folder::judge(&folder, &question, &mut |_, _| {});
            let verdict = verdict.expect("a sound question");
            assert!(verdict.is_verified(), "{}: {}", verdict.place, verdict.sentence);
        }
    }
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

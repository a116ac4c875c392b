//! A witness outside the store: it keeps every receipt and every checkpoint that was ever given
//! out and holds the store to them.
//!
//! It trusts nothing that the store computes: roots, signatures and run proofs are checked with
//! the crate `verify`, the content of events against what was sent.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use admit::Admitted;
use commit::receipt::{Named, ReceiptLog, runs};
use commit::{Answer, Checkpoint, Fate, Log};
use event::{Fields, Hash};
use platform::Disk;
use platform::sim::SimDisk;
use verify::{Policy, Question, Reason, Verdict};

use crate::world::Waiting;

/// What is known of each log, by origin.
#[derive(Clone, Default)]
pub struct Witness {
    logs: BTreeMap<String, Known>,
    /// From which entry on a log that was set aside could not be read: senders could not be told
    /// that these are duplicates.
    lost: BTreeMap<String, u64>,
}

#[derive(Clone, Default)]
struct Known {
    /// Every key that ever signed, oldest first.
    vkeys: Vec<String>,
    /// Root by size, of every checkpoint seen.
    roots: BTreeMap<u64, Hash>,
    newest: Option<Arc<Checkpoint>>,
    /// What was acknowledged, by seq.
    entries: BTreeMap<u64, Entry>,
}

/// Where the events of senders stand: by tenant, id and text.
type Seen = HashMap<(String, Option<String>, String), u64>;

#[derive(Clone)]
struct Entry {
    leaf: Vec<u8>,
    fields: Fields,
}

impl Witness {
    /// Notes an answer; proves a receipt for it.
    pub fn hear(&mut self, waiting: &Waiting, answer: &Answer) {
        let log = &waiting.log;
        self.see(log, &log.checkpoint());
        let Answer::Committed { first, checkpoint } = answer else { return };
        self.see(log, checkpoint);
        waiting.logs.iter().for_each(|log| self.see(log, &log.checkpoint()));
        for (fate, event) in waiting.fates.iter().zip(&waiting.sent) {
            let standing = fate.standing(*first);
            let log = &waiting.logs[standing.place.log as usize];
            let size =
                if standing.place.log == 0 { checkpoint.size } else { log.checkpoint().size };
            assert!(standing.place.seq < size, "the checkpoint covers every event");
            let known = self.logs.get_mut(&log.meta.origin).expect("seen above");
            known.acknowledge(log, standing.place.seq, event);
            if let Some(earlier) = standing.conflict {
                let log = &waiting.logs[earlier.log as usize];
                let (one, _) = log.read_checked(earlier.seq).expect("a conflict names an event");
                assert_eq!(one.string(r#"["id"]"#).as_deref(), Some(event.id()));
                assert_ne!(&one, event.fields(), "equal events are no conflict");
            }
        }
        prove(waiting, checkpoint, *first);
    }

    fn see(&mut self, log: &Arc<Log>, checkpoint: &Arc<Checkpoint>) {
        let known = self.logs.entry(log.meta.origin.clone()).or_default();
        let vkeys: Vec<_> = log.key_periods().into_iter().map(|period| period.vkey).collect();
        // Of one that was set aside, a key may be missing that had signed beside another alone.
        let is_left = log.damaged().is_some() && known.vkeys.starts_with(&vkeys);
        assert!(is_left || vkeys.starts_with(&known.vkeys), "a log keeps the keys it had");
        known.vkeys = if is_left { std::mem::take(&mut known.vkeys) } else { vkeys };
        let root = *known.roots.entry(checkpoint.size).or_insert(checkpoint.root);
        assert_eq!(root, checkpoint.root, "two roots for size {}", checkpoint.size);
        if known.newest.as_ref().is_none_or(|newest| newest.size <= checkpoint.size) {
            known.newest = Some(checkpoint.clone());
        }
    }

    /// Holds the logs to everything that was given out. For after a start.
    pub fn look(&mut self, logs: &BTreeMap<String, Arc<Log>>) {
        for log in logs.values() {
            self.see(log, &log.checkpoint());
        }
        let mut seen = HashMap::new();
        for (origin, known) in &self.logs {
            let log = logs.values().find(|log| log.meta.origin == *origin);
            let log = log.unwrap_or_else(|| panic!("the log {origin} is gone"));
            let lost = self.lost.get(origin).copied().unwrap_or(u64::MAX);
            known.hold(log, lost, &mut seen);
        }
    }

    /// Lets `verify` judge the folder from its bytes, against the newest checkpoints given out.
    pub fn judge_folder(&self, disk: &SimDisk) {
        for verdict in self.verdicts(disk) {
            assert!(verdict.is_verified(), "{}: {}", verdict.place, verdict.sentence);
        }
    }

    /// What `verify` says of the folder, once against the newest checkpoint of each log.
    pub fn verdicts(&self, disk: &SimDisk) -> Vec<Verdict> {
        let verdict = |known: &Known| {
            let saved = known.newest.as_ref().filter(|newest| newest.size > 0);
            let question = Question {
                policy: Some(self.policy()),
                saved: saved.map(|newest| newest.note.clone()),
                ..Question::default()
            };
            let folder = Folder(disk.folder("data"));
            let verdict = verify::folder::judge(&folder, &question, &mut |_, _| {});
            verdict.expect("the question is sound")
        };
        self.logs.values().map(verdict).collect()
    }

    /// The entries of a log from one on could not be read when it was set aside.
    pub fn lose(&mut self, origin: &str, from: u64) {
        self.lost.insert(origin.to_owned(), from);
    }

    /// What a crash tore behind the last whole frame, as `verify` names it: journal file, and the
    /// first byte there that is not zero. What was set aside is not looked at.
    pub fn torn(&self, disk: &SimDisk) -> Option<(String, u64)> {
        let question = Question { policy: Some(self.policy()), ..Question::default() };
        let folder = Living(Folder(disk.folder("data")));
        let verdict = verify::folder::judge(&folder, &question, &mut |_, _| {});
        let findings = verdict.expect("the question is sound").findings;
        let torn = findings.iter().find(|finding| {
            finding.reason == Reason::TornTail && finding.sentence.starts_with("a torn frame")
        });
        let (file, byte) = torn?.place.split_once(", byte ")?;
        Some((file.to_owned(), byte.parse().expect("a place in a file")))
    }

    /// What `verify` says of the folder, without a saved checkpoint.
    pub fn verdict(&self, disk: &SimDisk) -> Verdict {
        judged(disk, self.policy())
    }

    /// What it says to who trusts just these keys.
    pub fn verdict_by(disk: &SimDisk, vkeys: &[&str]) -> verify::Verdict {
        judged(disk, policy(vkeys.iter().copied()))
    }

    fn policy(&self) -> Policy {
        policy(self.logs.values().flat_map(|log| &log.vkeys).map(String::as_str))
    }

    /// How many events were acknowledged.
    pub fn acknowledged(&self) -> usize {
        self.logs.values().map(|log| log.entries.len()).sum()
    }
}

fn policy<'v>(vkeys: impl Iterator<Item = &'v str>) -> Policy {
    let lines: String = vkeys.map(|vkey| format!("log {vkey}\n")).collect();
    Policy::parse(format!("{lines}quorum none\n").as_bytes()).expect("keys make a policy")
}

fn judged(disk: &SimDisk, policy: Policy) -> verify::Verdict {
    let question = Question { policy: Some(policy), ..Question::default() };
    let folder = Folder(disk.folder("data"));
    verify::folder::judge(&folder, &question, &mut |_, _| {}).expect("the question is sound")
}

impl Known {
    fn acknowledge(&mut self, log: &Arc<Log>, seq: u64, event: &Admitted) {
        let leaf = log.published().tree.leaf(seq).expect("an entry that was answered").to_vec();
        let fields = event.fields().clone();
        let entry = self.entries.entry(seq).or_insert_with(|| Entry { leaf, fields });
        assert_eq!(&entry.fields, event.fields(), "seq {seq} was answered for another event");
    }

    fn hold(&self, log: &Arc<Log>, lost: u64, seen: &mut Seen) {
        let published = log.published();
        let (size, mut tree) = (published.checkpoint.size, verify::tree::Frontier::default());
        let newest = self.roots.last_key_value().expect("a log has a checkpoint");
        // Of a log that was set aside, what is left is held to what it was.
        let whole = log.damaged().is_none();
        assert!(!whole || *newest.0 <= size, "{} entries of {} are left", size, newest.0);
        let mut before = i64::MIN;
        for seq in 0..=size {
            if let Some(root) = self.roots.get(&seq) {
                assert_eq!(tree.root(), *root, "the tree of {seq} is not the one signed");
            }
            if seq < size {
                let leaf = published.tree.leaf(seq).expect("inside the tree");
                let at = verify::digest::Leaf::decode(leaf).expect("a leaf").recorded_at;
                assert!(at > before, "recorded_at rises with seq");
                before = at;
                tree.push(verify::tree::leaf_hash(leaf));
            }
        }
        drop(published);
        self.hold_content(log, size, lost, seen);
    }

    /// Every acknowledged event reads as it was sent, and no event of a sender stands twice, in
    /// whatever partition of its tenant, but for those that could not be read once.
    fn hold_content(&self, log: &Arc<Log>, size: u64, lost: u64, seen: &mut Seen) {
        for seq in 0..size {
            let (fields, _) = log.read_checked(seq).expect("every entry can be read");
            if let Some(entry) = self.entries.get(&seq) {
                let leaf = log.published().tree.leaf(seq).expect("inside the tree").to_vec();
                assert_eq!((&leaf, &fields), (&entry.leaf, &entry.fields), "seq {seq}");
            }
            let text = fields.text(r#"["attributes","text"]"#).map(str::to_owned);
            let is_senders = seq < lost && fields.text(r#"["recorded","id_given"]"#).is_none();
            if let Some(text) = text.filter(|_| is_senders) {
                let id = fields.string(r#"["id"]"#);
                let other = seen.insert((log.meta.tenant.clone(), id, text), seq);
                assert_eq!(other, None, "seq {seq} repeats an event");
            }
        }
    }
}

/// Makes the receipt of a batch and lets `verify` judge it.
fn prove(waiting: &Waiting, checkpoint: &Checkpoint, first: u64) {
    let mut named = Named::default();
    let event = |fate: &Fate| {
        let standing = fate.standing(first);
        let place = named.event(standing.place);
        let mut entry = serde_json::json!({"log": place.log, "seq": place.seq});
        if standing.duplicate {
            entry["duplicate"] = true.into();
        }
        if let Some(place) = standing.conflict {
            let place = named.earlier(place);
            entry["conflict"] = serde_json::json!({"log": place.log, "seq": place.seq});
        }
        entry
    };
    let events: Vec<_> = waiting.fates.iter().map(event).collect();
    let mut policy = String::from("quorum none\n");
    let part = |(log, seqs): (usize, Vec<u64>)| {
        let newest = waiting.logs[log].checkpoint();
        let checkpoint = if log == 0 { checkpoint } else { &newest };
        let log = &waiting.logs[log];
        for vkey in log.signers(checkpoint) {
            policy.push_str(&format!("log {vkey}\n"));
        }
        let runs = runs(log, checkpoint, &seqs).expect("the tree bears out what was answered");
        let origin = log.meta.origin.clone();
        ReceiptLog { origin, checkpoint: checkpoint.note.clone(), runs: Some(runs) }
    };
    let logs: Vec<_> = named.logs().into_iter().map(part).collect();
    let receipt = serde_json::json!({
        "format": "counterfoil.receipt/v1", "events": events, "logs": logs,
    });
    let policy = Some(Policy::parse(policy.as_bytes()).expect("keys make a policy"));
    let question = Question { policy, ..Question::default() };
    let verdict = verify::judge(receipt.to_string().as_bytes(), &question);
    let verdict = verdict.expect("the question is sound");
    assert!(verdict.is_verified(), "{}: {}\n{receipt}", verdict.place, verdict.sentence);
}

/// A simulated disk as the verifier reads it.
struct Folder(SimDisk);

impl verify::folder::Folder for Folder {
    fn list(&self) -> Result<Vec<(String, u64)>, String> {
        Ok(self.0.files())
    }

    fn read(&self, name: &str, offset: u64, buf: &mut [u8]) -> Result<(), String> {
        let file = self.0.open(name).map_err(|error| error.to_string())?;
        // After a failed sync the cache shows what the device never got.
        file.read_past_cache(offset, buf).map_err(|error| error.to_string())
    }
}

/// The same without what was set aside in it.
struct Living(Folder);

impl verify::folder::Folder for Living {
    fn list(&self) -> Result<Vec<(String, u64)>, String> {
        let mut files = self.0.list()?;
        files.retain(|(name, _)| !name.starts_with("damaged/"));
        Ok(files)
    }

    fn read(&self, name: &str, offset: u64, buf: &mut [u8]) -> Result<(), String> {
        self.0.read(name, offset, buf)
    }
}

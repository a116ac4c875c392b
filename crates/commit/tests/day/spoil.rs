//! Bytes of a folder that are spoilt while no process lives, and what may be lost by it.
//!
//! What must be readable afterwards is computed here from the bytes as they were, frame by frame:
//! each log up to its first section of which no whole copy is left, as far as a signature that is
//! whole covers it. That, and no less, the server must show; all of it once the bytes are back.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Range, RangeInclusive};

use commit::journal::file::{BLOCK, file_name};
use commit::journal::frame::Frame;
use commit::{Damaged, Stepped};
use event::Fields;
use platform::Disk;
use platform::sim::{Dice, SimDisk, SimEntropy};
use verify::Reason;

use crate::aside::{Written, check_stated, sections_of, written};
use crate::world::{Outside, log_of};

const SLOT_BYTES: u64 = 1 << 20;

/// What was spoilt, and what there was before.
pub struct Spoilt {
    /// It is set aside under this one.
    pub number: u64,
    pub was_closed: bool,
    file: String,
    /// The bytes that are not as they were.
    bytes: [Range<u64>; 2],
    /// Whether the last frame is among them: where it breaks is where the one before ends.
    is_last: bool,
    before: SimDisk,
    logs: BTreeMap<String, Whole>,
    /// Entries that nothing on the disk signed: tenant, and what they say.
    pub unsigned: Vec<(String, u64, Fields)>,
}

/// A log as it was.
#[derive(Default)]
struct Whole {
    /// By first entry: one section may stand there twice, copied by a start.
    sections: BTreeMap<u64, Vec<Written>>,
    /// Entries that a signature on the disk covers.
    signed: u64,
}

impl Spoilt {
    /// Spoils some bytes of journal or head such that a start must find them.
    pub fn strike(outside: &Outside, dice: &mut Dice, number: u64, was_closed: bool) -> Spoilt {
        let before = outside.disk.snapshot();
        let counted = written(&before.snapshot());
        let last = counted.last().map(|s| (s.file.clone(), s.from)).expect("a frame");
        // What breaks a frame that no other follows is taken for a crash, unless there was none.
        let may_be = |s: &&Written| was_closed || (s.file.clone(), s.from) != last;
        let frames: Vec<&Written> = counted.iter().filter(may_be).collect();
        let frame = frames[dice.below(frames.len() as u64) as usize];
        let at = frame.from + dice.below(frame.end - frame.from);
        let len =
            outside.disk.files().into_iter().find(|(n, _)| *n == format!("data/{}", frame.file));
        let len = len.expect("a file of the journal").1;
        let (file, bytes) = match dice.below(5) {
            0 => ("head", [7..8, SLOT_BYTES + 40..SLOT_BYTES + 48]),
            1 => (frame.file.as_str(), [dice.below(40)..40, 0..0]),
            2 => (frame.file.as_str(), [at..(at + 12_000).min(len), 0..0]),
            _ => (frame.file.as_str(), [at..at + 1, 0..0]),
        };
        for at in bytes.iter().cloned().flatten() {
            outside.disk.rot(&format!("data/{file}"), at, 1 << dice.below(8)).expect("it is there");
        }
        let is_last = (frame.file.clone(), frame.from) == last;
        let (file, logs, unsigned) = (file.to_owned(), BTreeMap::new(), Vec::new());
        let mut spoilt =
            Spoilt { number, was_closed, file, bytes, is_last, before, logs, unsigned };
        spoilt.look_back(outside);
        spoilt
    }

    /// Finds out what there was: a start in a copy knows all keys and all entries, `verify` how far
    /// they are signed.
    fn look_back(&mut self, outside: &Outside) {
        for section in every_section(&self.before) {
            let log = self.logs.entry(section.origin.clone()).or_default();
            log.signed = log.signed.max(section.first + section.count);
            log.sections.entry(section.first).or_default().push(section);
        }
        let mut there = outside.copy();
        there.entropy = SimEntropy::new(self.number).into();
        there.disk = self.before.snapshot();
        let stepped = there.open().expect("nothing was wrong with it");
        let verdict = there.witness.verdict(&self.before);
        for finding in verdict.findings.iter().filter(|f| !f.place.starts_with("damaged/")) {
            assert_eq!(finding.reason, Reason::TornTail, "{}: {}", finding.place, finding.sentence);
            let Some(log) = finding.log.as_ref().filter(|_| finding.seq.is_some()) else {
                continue;
            };
            let (signed, whole) = (finding.seq.unwrap(), self.logs.get_mut(log).expect("a log"));
            let log = stepped.logs().values().find(|l| l.meta.origin == *log).cloned().unwrap();
            for seq in signed..whole.signed {
                let (fields, _) = log.read_checked(seq).expect("it was whole");
                self.unsigned.push((log.meta.tenant.clone(), self.number, fields));
            }
            whole.signed = signed;
        }
    }

    /// The start that found it kept all that could be kept, says what is lost, and each log that
    /// goes on states the finding.
    pub fn judge(&self, outside: &mut Outside, stepped: &Stepped, tenants: &[&str]) {
        let aside = &stepped.set_aside()[self.number as usize - 1];
        assert_eq!(aside.number, self.number);
        assert!(aside.file == self.file || self.is_last, "{}: {}", aside.file, self.file);
        let logs = self.damaged(stepped);
        for (origin, whole) in &self.logs {
            let damaged = logs.get(origin).unwrap_or_else(|| panic!("{origin} is not shown"));
            let (readable, signed) = whole.left(self);
            let what = format!("{origin}: {damaged:?}, {readable:?}, {signed:?}");
            assert!(readable.contains(&damaged.readable), "{what}");
            assert!(signed.contains(&damaged.signed), "{what}");
            outside.witness.lose(origin, damaged.readable);
        }
        for tenant in tenants {
            let mut log = log_of(stepped, tenant);
            while log.meta.damage.as_ref().is_none_or(|note| note.number != self.number) {
                log = log.predecessor().expect("a log goes on for each").clone();
            }
            check_stated(&log, log.predecessor().expect("the one it goes on for"));
        }
    }

    /// Entries that a signature covers and that cannot be read, as the counts say.
    pub fn missing(&self, stepped: &Stepped) -> u64 {
        self.damaged(stepped).values().map(|damaged| damaged.signed - damaged.readable).sum()
    }

    /// Puts the bytes back, from the copy.
    pub fn mend(&self, disk: &SimDisk) {
        let from = self.before.folder("data").open(&self.file).expect("it was there");
        let mut bytes = vec![0; from.len().expect("a length") as usize];
        from.read_past_cache(0, &mut bytes).expect("it can be read");
        let to = disk.folder(&format!("data/damaged/{}", self.number));
        (&to as &dyn Disk).replace_small(&self.file, &bytes).expect("it is written");
    }

    /// Mended, each log is shown as far as it was ever signed.
    pub fn judge_mended(&self, stepped: &Stepped) {
        let logs = self.damaged(stepped);
        for (origin, whole) in &self.logs {
            let damaged = &logs[origin];
            let all = (whole.signed, whole.signed);
            assert_eq!((damaged.readable, damaged.signed), all, "{origin}");
        }
    }

    /// The logs that were set aside with it, by origin.
    fn damaged(&self, stepped: &Stepped) -> BTreeMap<String, Damaged> {
        let logs = stepped.logs();
        let of_this = logs.values().filter_map(|log| {
            let damaged = log.damaged().filter(|d| d.aside.number == self.number)?;
            Some((log.meta.origin.clone(), damaged.clone()))
        });
        of_this.collect()
    }

    fn hits(&self, file: &str, range: &Range<u64>) -> bool {
        let meets = |bytes: &Range<u64>| bytes.start < range.end && range.start < bytes.end;
        self.file == file && self.bytes.iter().any(meets)
    }
}

impl Whole {
    /// How many entries must be readable and how many must be counted as signed. Only where a note
    /// itself was hit there is more than one answer: it may have a second line.
    fn left(&self, spoilt: &Spoilt) -> (RangeInclusive<u64>, RangeInclusive<u64>) {
        let is_whole = |s: &Written| !spoilt.hits(&s.file, &(s.from..s.end));
        let has_note = |s: &Written| !spoilt.hits(&s.file, &s.note);
        let mut walked = (0, 0);
        for (first, copies) in &self.sections {
            if *first != walked.1 || !copies.iter().any(is_whole) {
                break;
            }
            walked = (*first, first + copies[0].count);
        }
        let notes = self.sections.iter().filter(|(_, copies)| copies.iter().any(has_note));
        let mut sizes: BTreeSet<u64> = notes.map(|(first, _)| *first).collect();
        if spoilt.file != "head" {
            sizes.insert(self.signed);
        }
        let largest = sizes.last().copied().unwrap_or_default();
        let certain = if sizes.contains(&walked.1) { walked.1 } else { walked.0 };
        (certain..=walked.1.min(self.signed), largest..=self.signed.max(largest))
    }
}

/// Every section of a whole frame, whether it counts or a copy of it does.
fn every_section(disk: &SimDisk) -> Vec<Written> {
    let data = disk.folder("data");
    let mut found = Vec::new();
    for (name, len) in data.files().into_iter().filter(|(name, _)| name.starts_with("journal/")) {
        let mut bytes = vec![0; len as usize];
        let file = data.open(&name).expect("it is there");
        file.read_past_cache(0, &mut bytes).expect("it can be read");
        let mut at = BLOCK;
        while at < bytes.len() {
            let frame = Frame::decode(&bytes[at..]);
            match frame.filter(|frame| file_name(frame.header.file) == name) {
                Some(frame) => {
                    found.extend(sections_of(&frame, &name, at as u64));
                    at += frame.room() as usize;
                }
                None => at += BLOCK,
            }
        }
    }
    found
}

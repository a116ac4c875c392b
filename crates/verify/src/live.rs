//! A live log, judged from its entry bundles alone: rows 2–6 over all its leaves, and row 11.
//!
//! ```text
//! entry bundle of tlog-tiles: ( u16 length ‖ leaf data )*     256 entries, fewer only in the last
//! ```
//!
//! The caller fetches `checkpoint`, gives it to [`LiveLog::new`], then brings bundle after bundle
//! in order. Memory does not grow with the log. With all leaves at hand the tree at the saved
//! checkpoint's size is computed here, so nobody's consistency proof is needed.

use crate::checkpoint::Checkpoint;
use crate::digest::Hash;
use crate::docket::{self, Docket, LogRef};
use crate::error::Usage;
use crate::question::{Question, foreign_saved};
use crate::run::Times;
use crate::tree::{Frontier, leaf_hash};
use crate::trust;
use crate::verdict::{LogSeen, Reason, Verdict};

/// Entries in a full bundle.
const BUNDLE_ENTRIES: u64 = 256;

/// A bundle to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// Where it is, below the log's address.
    pub path: String,
    /// How many entries there are with it. Where there are fewer it was none, and what comes after
    /// it says nothing.
    pub end: u64,
}

/// A judgement under way.
#[derive(Debug)]
pub struct LiveLog {
    note: String,
    checkpoint: Checkpoint,
    saved: Option<Checkpoint>,
    /// Root of the tree at the saved checkpoint's size, once it is that large.
    root_at_saved: Option<Hash>,
    seen: LogSeen,
    docket: Docket,
    tree: Frontier,
    times: Times,
    /// A bundle could not be read: the tree ends before it.
    broken: bool,
}

/// Why a judgement did not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotStarted {
    /// The question is wrong.
    Usage(Usage),
    /// The checkpoint is none, and that is the verdict.
    Verdict(Box<Verdict>),
}

/// The end of a judgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveVerdict {
    /// The verdict.
    pub verdict: Verdict,
    /// The checkpoint to remember: the next judgement should be given it as saved. Only there if
    /// this one found everything as it should be.
    pub remember: Option<String>,
}

impl LiveLog {
    /// Begins with the log's newest checkpoint.
    pub fn new(question: &Question, note: &str) -> Result<LiveLog, NotStarted> {
        let saved = question.saved().map_err(NotStarted::Usage)?;
        let checkpoint = Checkpoint::parse(note)
            .map_err(|fault| NotStarted::Verdict(Box::new(docket::malformed(&fault))))?;
        if let Some(stranger) = saved.as_ref().filter(|saved| saved.origin != checkpoint.origin) {
            return Err(NotStarted::Usage(foreign_saved(stranger)));
        }
        let saved = question.believed(saved);
        let mut docket = Docket::default();
        let log = LogRef { number: 0, origin: &checkpoint.origin };
        let seen = trust::judge(&checkpoint, question.policy.as_ref(), log, &mut docket);
        let mut live = LiveLog {
            note: note.to_owned(),
            checkpoint,
            saved,
            root_at_saved: None,
            seen,
            docket,
            tree: Frontier::default(),
            times: Times::default(),
            broken: false,
        };
        live.note_saved_root();
        Ok(live)
    }

    /// What to fetch, in order.
    pub fn bundles(&self) -> impl Iterator<Item = Bundle> + use<> {
        let size = self.checkpoint.size;
        (0..size.div_ceil(BUNDLE_ENTRIES)).map(move |index| {
            let width = BUNDLE_ENTRIES.min(size - index * BUNDLE_ENTRIES);
            let part = if width < BUNDLE_ENTRIES { format!(".p/{width}") } else { String::new() };
            let path = format!("tile/entries/{}{part}", tile_index(index));
            Bundle { path, end: index * BUNDLE_ENTRIES + width }
        })
    }

    /// Number of entries under the checkpoint: bring them all.
    pub fn expect_entries(&self) -> u64 {
        self.checkpoint.size
    }

    /// Number of entries read so far.
    pub fn entries(&self) -> u64 {
        self.tree.size()
    }

    /// Reads the next bundle. More entries than the checkpoint covers may stand in it; they are of
    /// a later tree and not looked at.
    pub fn push_bundle(&mut self, bytes: &[u8]) {
        let wanted = (self.checkpoint.size - self.tree.size()).min(BUNDLE_ENTRIES);
        let mut rest = bytes;
        for _ in 0..wanted {
            let entry = if self.broken { None } else { split_entry(rest) };
            let Some((data, after)) = entry else { return self.unreadable() };
            rest = after;
            self.push_leaf(data);
        }
    }

    /// Gives the verdict.
    pub fn finish(mut self) -> LiveVerdict {
        if self.tree.size() < self.checkpoint.size {
            self.unreadable();
        } else {
            self.judge_root();
            self.judge_saved();
        }
        self.docket.logs.push(self.seen);
        let verdict = self.docket.verdict();
        let remember = verdict.is_verified().then_some(self.note);
        LiveVerdict { verdict, remember }
    }

    fn push_leaf(&mut self, data: &[u8]) {
        let log = LogRef { number: 0, origin: &self.checkpoint.origin };
        self.times.next(data, log, self.tree.size(), &mut self.docket);
        self.tree.push(leaf_hash(data));
        self.note_saved_root();
    }

    fn note_saved_root(&mut self) {
        if self.saved.as_ref().is_some_and(|saved| saved.size == self.tree.size()) {
            self.root_at_saved = Some(self.tree.root());
        }
    }

    /// A bundle is cut short: row 1, once.
    fn unreadable(&mut self) {
        if std::mem::replace(&mut self.broken, true) {
            return;
        }
        let seq = self.tree.size();
        let log = LogRef { number: 0, origin: &self.checkpoint.origin };
        let place = format!("entry bundle {} of {}", seq / BUNDLE_ENTRIES, log.origin);
        let what = format!("entry {seq} and those after it cannot be read");
        self.docket.add(Reason::Malformed, Some(log), Some(seq), place, what);
    }

    /// Row 5 over the whole tree.
    fn judge_root(&mut self) {
        if self.tree.root() != self.checkpoint.root {
            let log = LogRef { number: 0, origin: &self.checkpoint.origin };
            let size = self.tree.size();
            let what = format!("the {size} entries served are not those under the checkpoint");
            self.docket.entry(Reason::NotInLog, log, 0, what);
        }
    }

    /// Row 11.
    fn judge_saved(&mut self) {
        let Some(saved) = &self.saved else { return };
        let log = LogRef { number: 0, origin: &self.checkpoint.origin };
        let (old, new) = (saved.size, self.checkpoint.size);
        match self.root_at_saved {
            Some(root) if root == saved.root => self.seen.extends_saved = Some(old),
            Some(_) => {
                let what = format!("the first {old} entries are not those of the saved checkpoint");
                self.docket.log(Reason::Fork, log, what);
            }
            None => {
                let what = format!("the saved checkpoint has {old} entries, this log only {new}");
                self.docket.log(Reason::NoConsistency, log, what);
            }
        }
        // A checkpoint of the saved size with another root contradicts it, whatever was served.
        if old == new && saved.root != self.checkpoint.root {
            self.seen.extends_saved = None;
            self.docket.log(Reason::Fork, log, format!("two checkpoints of size {old} differ"));
        }
    }
}

/// The first entry of a bundle, and the rest.
fn split_entry(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))
}

/// 1234067 as `x001/x234/067` (C2SP tlog-tiles).
fn tile_index(index: u64) -> String {
    let (mut text, mut rest) = (format!("{:03}", index % 1_000), index / 1_000);
    while rest > 0 {
        text = format!("x{:03}/{text}", rest % 1_000);
        rest /= 1_000;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_those_of_tlog_tiles() {
        let shown = [0, 67, 4_002, 1_234_067].map(tile_index);
        assert_eq!(shown, ["000", "067", "x004/002", "x001/x234/067"]);
    }
}

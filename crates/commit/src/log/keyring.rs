//! The keys of one log: those that sign, and those that ever did.
//!
//! Promises: at every size one key is the one in force, whose signature a checkpoint of that size
//! must have: the last one that had taken over at a size not above it. During an overlap the key
//! before signs as well.
//!
//! Never: believes a checkpoint because of a key that was not in force at its size.

use std::sync::Arc;

use event::{Hash, format_time};
use serde::Serialize;

use super::checkpoint::sign;
use super::{Checkpoint, LogKey, Vkey, read_unverified};

/// How a key took over from the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handover {
    /// Seq of the event `key.rotate`.
    pub event: u64,
    /// Until when the key before signs as well, Unix nanoseconds.
    pub together_until: i64,
    /// A checkpoint over that event, signed by both.
    pub checkpoint: Checkpoint,
}

/// One key's time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Term {
    pub(crate) vkey: Vkey,
    /// When it began to sign, as the file has it.
    pub(crate) from: String,
    /// None of the first.
    pub(crate) handover: Option<Handover>,
}

impl Term {
    /// The smallest tree that this key answers for.
    fn size(&self) -> u64 {
        self.handover.as_ref().map_or(0, |handover| handover.checkpoint.size)
    }
}

/// One key's time, as others may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyPeriod {
    /// The public key.
    pub vkey: String,
    /// When it began to sign.
    pub from: String,
    /// Until when it signs, or was to sign; none while no other key has taken over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Whether it signs now.
    pub signs: bool,
    /// How it took over from the one before; none of the first.
    #[serde(skip)]
    pub handover: Option<Handover>,
}

/// The keys of one log.
#[derive(Clone)]
pub(crate) struct Keyring {
    /// Oldest first; two while they sign together.
    signing: Vec<Arc<LogKey>>,
    /// Ascending; there is a first one.
    terms: Vec<Term>,
    /// Whether the log has the event that the overlap is over.
    pub(crate) is_end_stated: bool,
    /// Whether the data folder's history has all terms.
    pub(crate) is_saved: bool,
}

impl Keyring {
    pub(crate) fn new(signing: Vec<LogKey>, terms: Vec<Term>) -> Keyring {
        let signing = signing.into_iter().map(Arc::new).collect();
        Keyring { signing, terms, is_end_stated: false, is_saved: true }
    }

    /// Signs a tree.
    pub(crate) fn sign(&self, origin: &str, size: u64, root: Hash) -> Checkpoint {
        sign(self.signing.iter().map(Arc::as_ref), origin, size, root)
    }

    /// Reads a checkpoint that the key in force at its size must have signed.
    pub(crate) fn open(&self, note: &str, origin: &str) -> Result<Checkpoint, &'static str> {
        open(&self.terms, note, origin)
    }

    /// Whether each line behind the text of a note is the signature of a key of this log: of a
    /// broken one that others have to read, no verifier would say which it was.
    pub(crate) fn all_hold(&self, note: &str) -> bool {
        let Some((text, lines)) = note.split_once("\n\n") else { return false };
        let holds = |line: &str| {
            let alone = format!("{text}\n\n{line}\n");
            self.terms.iter().any(|term| term.vkey.signed(&alone))
        };
        lines.lines().all(holds)
    }

    /// The keys whose signature a note has, oldest first.
    pub(crate) fn signers(&self, note: &str) -> Vec<String> {
        let mut all: Vec<&Vkey> = self.terms.iter().map(|term| &term.vkey).collect();
        // A key signs a moment before its term is written down.
        let fresh = self.signing.iter().map(|key| key.public());
        all.extend(fresh.filter(|key| self.terms.iter().all(|term| term.vkey != **key)));
        all.retain(|vkey| vkey.claims(note));
        all.iter().map(ToString::to_string).collect()
    }

    /// The newest key that signs.
    pub(crate) fn newest(&self) -> Option<&Arc<LogKey>> {
        self.signing.last()
    }

    /// The key that signs beside the newest, and until when it is to.
    pub(crate) fn overlap(&self) -> Option<(&Arc<LogKey>, i64)> {
        let [old, _] = &self.signing[..] else { return None };
        // While the handover is not written down yet the overlap has only begun.
        let handover = self.terms.last()?.handover.as_ref();
        let is_of_newest = self.terms.last()?.vkey != *old.public();
        let until = handover.filter(|_| is_of_newest).map_or(i64::MAX, |h| h.together_until);
        Some((old, until))
    }

    /// A key signs beside the newest from here on.
    pub(crate) fn join(&mut self, key: Arc<LogKey>) {
        self.signing.push(key);
    }

    /// A key's term begins; it signs already.
    pub(crate) fn begin(&mut self, term: Term) {
        self.terms.push(term);
        (self.is_saved, self.is_end_stated) = (false, false);
    }

    /// The newest key signs alone from here on.
    pub(crate) fn retire(&mut self) {
        self.signing.drain(..self.signing.len().saturating_sub(1));
        self.is_end_stated = false;
    }

    /// The public keys that sign, oldest first.
    pub(crate) fn signing(&self) -> impl Iterator<Item = &Vkey> {
        self.signing.iter().map(|key| key.public())
    }

    /// Every key's term, ascending.
    pub(crate) fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// Every key's time.
    pub(crate) fn periods(&self) -> Vec<KeyPeriod> {
        let period = |(at, term): (usize, &Term)| {
            let next = self.terms.get(at + 1).and_then(|next| next.handover.as_ref());
            KeyPeriod {
                vkey: term.vkey.to_string(),
                from: term.from.clone(),
                until: next.map(|next| format_time(next.together_until)),
                signs: self.signing.iter().any(|key| *key.public() == term.vkey),
                handover: term.handover.clone(),
            }
        };
        self.terms.iter().enumerate().map(period).collect()
    }
}

/// Reads a checkpoint that the key in force at its size must have signed.
pub(crate) fn open(terms: &[Term], note: &str, origin: &str) -> Result<Checkpoint, &'static str> {
    let size = read_unverified(note, origin).ok_or("is not this log's checkpoint")?.size;
    let in_force = terms.iter().rev().find(|term| term.size() <= size);
    in_force.ok_or("is of a time without a key")?.vkey.open(note)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "audit.example.com/tlog/acme-0";

    fn key(seed: u8) -> LogKey {
        LogKey::new(ORIGIN, &[seed; 32])
    }

    /// The second key took over at size 5, the third at size 9.
    fn ring() -> Keyring {
        let term = |seed: u8, size: u64| {
            let both = [&key(seed.saturating_sub(1)), &key(seed)];
            let handover = Handover {
                event: size - 1,
                together_until: 7,
                checkpoint: sign(both.into_iter(), ORIGIN, size, [0; 32]),
            };
            let vkey = key(seed).public().clone();
            Term { vkey, from: format_time(0), handover: (seed > 1).then_some(handover) }
        };
        Keyring::new(vec![key(2), key(3)], vec![term(1, 1), term(2, 5), term(3, 9)])
    }

    #[test]
    fn a_note_with_a_broken_line_does_not_hold_as_a_whole() {
        let note = ring().sign(ORIGIN, 9, [0; 32]).note;
        assert!(ring().all_hold(&note), "{note}");
        let line = |nth: usize| note.match_indices('\u{2014}').nth(nth).expect("a line").0;
        let (last, middle) = (note.len() - 2, line(1) - 20);
        for at in [last, middle, line(0) + 4, line(1) + ORIGIN.len() + 6] {
            // Another letter of the alphabet, and none of it.
            for other in ["B", "C", " ", "!"] {
                let mut broken = note.clone();
                let to = at + broken[at..].chars().next().map_or(1, char::len_utf8);
                broken.replace_range(at..to, other);
                assert!(broken == note || !ring().all_hold(&broken), "{broken}");
            }
        }
    }

    #[test]
    fn a_key_is_believed_at_sizes_at_which_it_was_in_force() {
        let ring = ring();
        for (size, want) in [
            (0, [true, false, false, false]),
            (4, [true, false, false, false]),
            (5, [false, true, false, false]),
            (8, [false, true, false, false]),
            (9, [false, false, true, false]),
            (u64::MAX, [false, false, true, false]),
        ] {
            let believed = [1, 2, 3, 4]
                .map(|seed| ring.open(&key(seed).sign(size, [1; 32]).note, ORIGIN).is_ok());
            assert_eq!(believed, want, "size {size}");
        }
    }

    #[test]
    fn two_keys_sign_with_a_line_each() {
        let mut ring = ring();
        let note = ring.sign(ORIGIN, 9, [1; 32]).note;
        let vkeys = [2, 3].map(|seed| key(seed).public().to_string());
        assert_eq!((ring.signers(&note), note.lines().count()), (vkeys.to_vec(), 6));
        assert_eq!(ring.overlap().map(|(_, until)| until), Some(7));
        ring.retire();
        let note = ring.sign(ORIGIN, 9, [1; 32]).note;
        assert_eq!((ring.signers(&note), note.lines().count()), (vkeys[1..].to_vec(), 5));
        assert!(ring.overlap().is_none());
        let signs = ring.periods().iter().map(|period| period.signs).collect::<Vec<_>>();
        assert_eq!(signs, [false, false, true]);
    }
}

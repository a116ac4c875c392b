//! One log of a data folder while its sections come by: the tree that grows, and what it must meet.

use super::Judge;
use super::content::{Epochs, Found, Kept};
use super::journal::End;
use super::keys::Keys;
use super::reader::is_zero;
use super::section::Section;
use crate::checkpoint::Checkpoint;
use crate::digest::{Hash, Leaf};
use crate::docket::{Docket, LogRef};
use crate::run::Times;
use crate::tree::{Frontier, leaf_hash};
use crate::trust;
use crate::verdict::Reason;

/// Where the event that opens a log states the digest of its `log.json`.
const LOG_FILE: &str = r#"["attributes","log_file"]"#;
/// Where it states how the log ended that it goes on for.
const BEFORE: [&str; 2] =
    [r#"["attributes","follows","size"]"#, r#"["attributes","follows","root"]"#];

#[derive(Debug)]
pub(super) struct LogState {
    pub(super) number: usize,
    pub(super) origin: String,
    pub(super) saved: Option<Checkpoint>,
    pub(super) keys: Keys,
    /// What the first event must say of `log.json`, as field text.
    pub(super) stated: Option<String>,
    /// Size that something beside the journal shows to have been durable.
    pub(super) durable: u64,
    /// Size and root of the log before, as the first event states them.
    pub(super) before: Option<(u64, Hash)>,
    tree: Frontier,
    times: Times,
    epochs: Epochs,
    bounds: Vec<Bound>,
    /// Largest size of the tree that a signed checkpoint was found to agree with.
    agreed: u64,
    root_at_saved: Option<Hash>,
    /// A section could not be followed: no more are.
    lost: bool,
    /// A key signed of which the folder does not say how it came to, and that was said.
    is_unaccounted: bool,
}

/// A signed checkpoint that the tree must agree with.
#[derive(Debug)]
struct Bound {
    size: u64,
    root: Hash,
    place: String,
    met: bool,
}

impl LogState {
    pub(super) fn new(number: usize, origin: &str) -> LogState {
        LogState {
            number,
            origin: origin.to_owned(),
            saved: None,
            keys: Keys::default(),
            stated: None,
            durable: 0,
            before: None,
            tree: Frontier::default(),
            times: Times::default(),
            epochs: Epochs::default(),
            bounds: Vec::new(),
            agreed: 0,
            root_at_saved: None,
            lost: false,
            is_unaccounted: false,
        }
    }

    pub(super) fn add_bound(&mut self, size: u64, root: Hash, place: String) {
        self.bounds.push(Bound { size, root, place, met: false });
    }

    /// The saved checkpoint's size, if the tree agrees with it.
    pub(super) fn extends_saved(&self) -> Option<u64> {
        let saved = self.saved.as_ref()?;
        (self.root_at_saved == Some(saved.root)).then_some(saved.size)
    }

    /// Is the tree shorter than something signed, saved or known durable?
    pub(super) fn is_truncated(&self) -> bool {
        self.tree.size() < self.must_reach()
    }

    /// Appends a section to the tree and judges all in it.
    pub(super) fn judge_section(
        &mut self,
        section: &Section<'_>,
        place: &str,
        judge: &mut Judge<'_>,
    ) {
        let docket = &mut *judge.docket;
        let place = format!("{place}, {}", self.origin);
        if self.lost || section.first != self.tree.size() {
            if !std::mem::replace(&mut self.lost, true) {
                let (first, size) = (section.first, self.tree.size());
                let what =
                    format!("a section begins at entry {first}, but the log ends before {size}");
                self.add(Reason::Malformed, Some(size), &place, what, docket);
            }
            self.durable = self.durable.max(section.first.saturating_add(section.count as u64));
            return;
        }
        self.check_bounds(&place, docket);
        self.judge_checkpoint(section, &place, judge);
        let docket = &mut *judge.docket;
        self.grow(section, &place, docket);
        if self.tree.root() != *section.root_after {
            let what = "the entries do not lead to the root the section names".to_owned();
            self.add(Reason::NotInLog, Some(section.first), &place, what, docket);
        }
        if let Err(what) = self.judge_content(section, &place, judge) {
            self.add(Reason::Malformed, Some(section.first), &place, what.to_owned(), judge.docket);
        }
    }

    /// The journal is read: the tree must have reached every bound, and be signed to its end.
    pub(super) fn judge_end(&mut self, end: &End, closed_cleanly: bool, docket: &mut Docket) {
        let place = match &end.broken {
            Some(broken) => format!("{}: {}", broken.place, broken.what),
            None => end.place.clone(),
        };
        self.check_bounds(&place, docket);
        let (size, reach) = (self.tree.size(), self.must_reach());
        if size < reach {
            let what = format!("entries {size} to {} of the log are not in the journal", reach - 1);
            self.add(Reason::Truncated, Some(size), &place, what, docket);
        } else if size > self.agreed {
            let whose = match closed_cleanly {
                true => ", in a folder that was closed in order: its server did not write them",
                false => "",
            };
            let count = size - self.agreed;
            let what = format!("{count} entries stand past the newest signed checkpoint{whose}");
            self.add(Reason::TornTail, Some(self.agreed), &place, what, docket);
        }
        self.judge_saved(docket);
    }

    fn must_reach(&self) -> u64 {
        let saved = self.saved.as_ref().map_or(0, |saved| saved.size);
        self.bounds.iter().map(|bound| bound.size).fold(self.durable.max(saved), u64::max)
    }

    /// Row 11.
    fn judge_saved(&mut self, docket: &mut Docket) {
        let Some(saved) = &self.saved else { return };
        let at = LogRef { number: self.number, origin: &self.origin };
        if self.root_at_saved.is_some_and(|root| root != saved.root) {
            let what =
                format!("the first {} entries are not those of the saved checkpoint", saved.size);
            docket.log(Reason::Fork, at, what);
        }
    }

    /// Rows 2 and 3, and agreement with the tree, for the checkpoint that a section carries.
    fn judge_checkpoint(&mut self, section: &Section<'_>, place: &str, judge: &mut Judge<'_>) {
        let docket = &mut *judge.docket;
        let checkpoint = match Checkpoint::parse(section.checkpoint) {
            Ok(checkpoint) => checkpoint,
            Err(fault) => {
                self.add(Reason::Malformed, Some(section.first), place, fault.to_string(), docket);
                return;
            }
        };
        let fits = checkpoint.origin == self.origin && checkpoint.size == section.first;
        if !fits {
            let what = "the checkpoint is not the one before this section".to_owned();
            self.add(Reason::Malformed, Some(section.first), place, what, docket);
            return;
        }
        if !self.believes(&checkpoint, Some(section.first), place, docket) {
            return;
        }
        if checkpoint.root == self.tree.root() {
            self.agreed = self.tree.size();
        } else {
            self.disagrees(place, docket);
        }
    }

    /// Rows 2 and 3 for a checkpoint that is not the log's newest: a key of the policy signed it,
    /// and no line by such a key fails. A log that the policy does not know is named once,
    /// elsewhere.
    pub(super) fn believes(
        &mut self,
        checkpoint: &Checkpoint,
        seq: Option<u64>,
        place: &str,
        docket: &mut Docket,
    ) -> bool {
        let policy = self.keys.policy().filter(|policy| policy.knows(&self.origin));
        let Some(policy) = policy else { return false };
        let trust::Standing { signed_by, broken, .. } = trust::standing(policy, checkpoint);
        for key in &broken {
            let what = format!("the signature of {key} does not verify");
            self.add(Reason::BadSignature, seq, place, what, docket);
        }
        if signed_by.is_empty() {
            let what = "no key of the policy for this log signed its checkpoint".to_owned();
            self.add(Reason::UnknownKey, seq, place, what, docket);
        }
        let is_in_force = self.judge_signers(checkpoint.size, &signed_by, seq, place, docket);
        broken.is_empty() && !signed_by.is_empty() && is_in_force
    }

    /// Whether those who signed a checkpoint are who should have: the key in force, and none of
    /// which the folder does not say how it came to sign.
    pub(super) fn judge_signers(
        &mut self,
        size: u64,
        signed_by: &[String],
        seq: Option<u64>,
        place: &str,
        docket: &mut Docket,
    ) -> bool {
        if self.keys.is_unaccounted(signed_by) && !std::mem::replace(&mut self.is_unaccounted, true)
        {
            let name = self.origin.rsplit('/').next().unwrap_or_default();
            let what = format!("it does not say how a key came to sign that did: {place}");
            self.add(Reason::MissingContent, seq, &format!("logs/{name}/keys.json"), what, docket);
        }
        let Some(what) = self.keys.speaks_against(size, signed_by) else { return true };
        self.add(Reason::UnknownKey, seq, place, what, docket);
        false
    }

    /// Rows 6 and, at every size that something signed names, 5.
    fn grow(&mut self, section: &Section<'_>, place: &str, docket: &mut Docket) {
        let times = section.recorded_at.as_chunks::<8>().0;
        let digests = section.digests.as_chunks::<32>().0;
        for (time, digest) in times.iter().zip(digests) {
            let leaf = Leaf { recorded_at: i64::from_be_bytes(*time), digest: *digest }.encode();
            let at = LogRef { number: self.number, origin: &self.origin };
            self.times.next(&leaf, at, self.tree.size(), docket);
            self.tree.push(leaf_hash(&leaf));
            self.check_bounds(place, docket);
        }
    }

    /// Compares the tree with whatever signed names its present size.
    fn check_bounds(&mut self, place: &str, docket: &mut Docket) {
        let size = self.tree.size();
        if self.root_at_saved.is_none() && self.saved.as_ref().is_some_and(|s| s.size == size) {
            self.root_at_saved = Some(self.tree.root());
        }
        for at in 0..self.bounds.len() {
            let bound = &mut self.bounds[at];
            if bound.size != size || std::mem::replace(&mut bound.met, true) {
                continue;
            }
            if bound.root == self.tree.root() {
                self.agreed = self.agreed.max(size);
            } else {
                let place = format!("{place}, against {}", bound.place);
                self.disagrees(&place, docket);
            }
        }
    }

    /// Row 5: the tree is not the signed one. All up to the last agreement is, so the first wrong
    /// entry is not before it.
    fn disagrees(&mut self, place: &str, docket: &mut Docket) {
        let (from, to) = (self.agreed, self.tree.size());
        let what =
            format!("the entries from {from} up to {to} are not those under a signed checkpoint");
        self.add(Reason::NotInLog, Some(from), place, what, docket);
    }

    /// Rows 7 and 8 for every event of a section, and whether its content is there.
    fn judge_content(
        &mut self,
        section: &Section<'_>,
        place: &str,
        judge: &mut Judge<'_>,
    ) -> Result<(), &'static str> {
        if section.key_id != 0 {
            return Err("the section is encrypted with a key unknown here");
        }
        if !is_zero(section.nonce) {
            return Err("the section has a nonce, though it is not encrypted");
        }
        let sealed = section.open().ok_or("the sealed part is cut short")?;
        self.epochs.add(sealed.epochs).ok_or("the epochs are cut short, or one stands twice")?;
        let at = LogRef { number: self.number, origin: &self.origin };
        let digests = section.digests.as_chunks::<32>().0;
        let docket = &mut *judge.docket;
        let times = section.recorded_at.as_chunks::<8>().0;
        let (mut next, mut stated, mut before) = (0, None, None);
        let history = self.keys.history();
        let opens = |number| section.first == 0 && number == 0;
        let awaits = |seq| history.is_some_and(|history| history.awaits(seq));
        let wanted = |number| opens(number) || awaits(section.first + number as u64);
        let mut found = |found: Result<Found, &'static str>| {
            let seq = section.first + next as u64;
            let kept = found.as_ref().ok().and_then(|event| event.kept.as_ref());
            if opens(next) {
                stated = kept.and_then(|kept| kept.text(LOG_FILE)).map(str::to_owned);
                before = kept.and_then(state_before);
            }
            if let (Some(kept), Some(history), Some(time)) = (kept, history, times.get(next)) {
                history.judge_event(seq, i64::from_be_bytes(*time), kept, at, docket);
            }
            if let Some(digest) = digests.get(next) {
                judge_event(found, digest, at, seq, place, docket);
            }
            next += 1;
        };
        let list = (section.codec, sealed.list, section.list_bytes);
        judge.contents.read(list, &self.epochs, &self.origin, &wanted, &mut found)?;
        self.judge_log_file(stated.as_deref(), judge.docket);
        self.before = self.before.or(before);
        match next == section.count {
            true => Ok(()),
            false => Err("the event list has not one event per entry"),
        }
    }

    /// What the first event says of `log.json` must be true.
    fn judge_log_file(&self, stated: Option<&str>, docket: &mut Docket) {
        let Some(stated) = stated else { return };
        if self.stated.as_deref() != Some(stated) {
            let name = self.origin.rsplit('/').next().unwrap_or_default();
            let what = "it is not the file that the log's first event states".to_owned();
            let place = format!("logs/{name}/log.json");
            self.add(Reason::Malformed, Some(0), &place, what, docket);
        }
    }

    fn add(
        &self,
        reason: Reason,
        seq: Option<u64>,
        place: &str,
        what: String,
        docket: &mut Docket,
    ) {
        let at = LogRef { number: self.number, origin: &self.origin };
        docket.add(reason, Some(at), seq, place.to_owned(), what);
    }
}

/// Size and root that the first event of a log states of the one before.
fn state_before(first: &Kept) -> Option<(u64, Hash)> {
    let [size, root] = BEFORE.map(|path| first.text(path)?.strip_prefix('"')?.strip_suffix('"'));
    let (size, root) = (size?.parse().ok()?, root?);
    let is_hex = root.len() == 64 && root.bytes().all(|b| b.is_ascii_hexdigit());
    let halves = root.split_at_checked(32).filter(|_| is_hex)?;
    let half = |digits| u128::from_str_radix(digits, 16).map(u128::to_be_bytes).ok();
    let root = [half(halves.0)?, half(halves.1)?].concat();
    Some((size, root.try_into().ok()?))
}

fn judge_event(
    found: Result<Found, &'static str>,
    digest: &Hash,
    log: LogRef<'_>,
    seq: u64,
    place: &str,
    docket: &mut Docket,
) {
    let mut add = |reason, what: &str| {
        let sentence = format!("entry {seq}: {what}");
        docket.add(reason, Some(log), Some(seq), format!("{place}, entry {seq}"), sentence);
    };
    let found = match found {
        Ok(found) => found,
        Err(what) => return add(Reason::Malformed, what),
    };
    match found.digest {
        None => add(Reason::Digest, "a field stands twice"),
        Some(stored) if stored != *digest => {
            add(Reason::Digest, "the content stored is not the content that was committed");
        }
        Some(_) => {}
    }
    if let Err(what) = &found.shape {
        add(Reason::TwoOpenings, what);
    }
    if found.gone > 0 {
        add(Reason::MissingContent, "values are gone, and no erasure in the log says why");
    }
    docket.counts.events += 1;
    docket.counts.shown += found.shown;
    docket.counts.named += found.gone;
}

//! Reading what was set aside: all that can still be proved, past what cannot be read.
//!
//! Frames count whose checksums hold, in the order of files and bytes, whatever stands between
//! them. Each log takes its sections as long as they follow for *that* log, so that one that the
//! damage does not touch is whole. What the newest signature that was found does not cover is not
//! shown, so marks of frames are not asked for. Nothing of it keeps a start from going on: what is
//! wrong is told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, RwLock};

use platform::{Disk, File};

use super::notes::notes_in;
use super::{ASIDE, Finding, belongs, finding, numbers};
use crate::folder;
use crate::head;
use crate::journal::Place;
use crate::journal::event_list::LIST_BYTES_MAX;
use crate::journal::file::{BLOCK, file_name};
use crate::journal::frame::Frame;
use crate::journal::section::{EpochRecord, IdTag, Section, sections};
use crate::keys::{self, FoundKeys};
use crate::log::{
    Addition, Checkpoint, ChunkPlace, Files, Keyring, LogMeta, Plan, Published, Sequencer,
    read_unverified,
};
use crate::open::{OpenError, Progress};
use crate::rising::list_place;
use crate::suspect::{self, Suspect};
use crate::world::World;

/// Bytes of a journal file that are read at once.
const PIECE_BYTES: u64 = 1 << 20;
/// A file of more bytes is none of ours: it is read as a whole.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// What cannot be used of a part is told so often.
const TROUBLES_MAX: usize = 10;

/// One folder that was set aside.
pub(crate) struct Part {
    pub(crate) number: u64,
    pub(crate) finding: Result<Finding, String>,
    /// By origin.
    pub(crate) logs: BTreeMap<String, Salvaged>,
    /// Names of all logs that have a folder there.
    pub(crate) names: Vec<String>,
    pub(crate) files: Arc<Files>,
    /// The event that was found wrong before it was set aside.
    pub(crate) suspect: Option<Suspect>,
    /// What of it cannot be used, beside what was found first.
    pub(crate) troubles: Vec<String>,
}

impl Part {
    /// What stands there is none of ours: nothing of it is used, and that is told.
    fn stranger(disk: &dyn Disk, number: u64, what: &str) -> Part {
        let what = format!("{ASIDE}/{number}: {what}; nothing of it is used");
        Part {
            number,
            finding: finding(disk, number),
            logs: BTreeMap::new(),
            names: Vec::new(),
            files: Arc::default(),
            suspect: None,
            troubles: vec![what],
        }
    }
}

/// A log of it.
pub(crate) struct Salvaged {
    pub(crate) meta: LogMeta,
    pub(crate) keys: Keyring,
    /// What can be proved.
    pub(crate) published: Published,
    /// Entries under the newest signature of it that was found anywhere.
    pub(crate) signed: u64,
    /// Whether it had entries, be they readable or not.
    pub(crate) opened: bool,
    /// Entries up to the end of the last whole section, be they readable or not.
    stands: u64,
    sequencer: Sequencer,
    /// What the head has of it, and what stands between frames, signed by its key.
    heads: Vec<Checkpoint>,
    /// The size that the head has.
    in_head: u64,
    /// The checkpoint of the newest section that was taken: of all entries but `pending`.
    before: Option<Checkpoint>,
    /// The largest checkpoint that any section brings, signed or not.
    claimed: Option<Checkpoint>,
    /// The newest section, until something that was signed covers it.
    pending: Option<Pending>,
}

struct Pending {
    plan: Plan,
    tags: Vec<IdTag>,
    epochs: Vec<EpochRecord>,
    list: ChunkPlace,
}

/// Reads all that was set aside, oldest first.
pub(crate) fn read_parts(
    world: &World,
    progress: &mut Progress<'_>,
) -> Result<Vec<Part>, OpenError> {
    let living = belongs::Living::read(world.disk.as_ref())?;
    let mut seen = BTreeSet::new();
    let part = |number| match living.judge(world.disk.as_ref(), number, &mut seen) {
        Ok(()) => read_part(world, number, progress),
        Err(what) => Part::stranger(world.disk.as_ref(), number, &what),
    };
    Ok(numbers(world.disk.as_ref())?.into_iter().map(part).collect())
}

fn read_part(world: &World, number: u64, progress: &mut Progress<'_>) -> Part {
    let disk = world.disk.as_ref();
    let mut troubles = Vec::new();
    let files = open_files(disk, number, &mut troubles);
    let (names, logs) = fixed(world, number, &mut troubles);
    let mut lax = logs;
    let mut is_proved = true;
    read_frames(&files, &mut lax, false, &mut troubles, progress);
    lax.values_mut().for_each(|log| is_proved &= log.settle());
    if !is_proved {
        // Somebody wrote sections that nobody signed: each one's signature is looked at.
        let mut again = Vec::new();
        let (_, mut strict) = fixed(world, number, &mut again);
        read_frames(&files, &mut strict, true, &mut again, progress);
        for log in strict.values_mut() {
            if !log.settle() {
                troubles.push(format!("log {}: no signature covers it", log.meta.name()));
            }
        }
        lax = strict;
    }
    troubles.extend(lax.values().filter_map(Salvaged::unsigned));
    let more = troubles.len().saturating_sub(TROUBLES_MAX);
    if more > 0 {
        troubles.truncate(TROUBLES_MAX);
        troubles.push(format!("{more} more like these"));
    }
    let files = Arc::new(RwLock::new(files));
    let suspect = suspect::read(disk, &format!("{ASIDE}/{number}/")).and_then(Result::ok);
    Part { number, finding: finding(disk, number), logs: lax, names, files, suspect, troubles }
}

/// The logs of a part with nothing read of them yet, and the names of all.
fn fixed(
    world: &World,
    number: u64,
    troubles: &mut Vec<String>,
) -> (Vec<String>, BTreeMap<String, Salvaged>) {
    let disk = world.disk.as_ref();
    let base = format!("{ASIDE}/{number}/");
    let mut names = disk.list(&format!("{base}logs")).unwrap_or_default();
    names.sort_unstable();
    let notes = head::notes(disk, &format!("{base}{}", head::NAME));
    if notes.is_empty() {
        troubles.push(format!("{base}{}: no slot of it can be read", head::NAME));
    }
    let mut logs = BTreeMap::new();
    for name in &names {
        let meta = folder::read_log(disk, &base, name);
        let opened = meta.and_then(|meta| {
            let Some(meta) = meta else { return Ok(None) };
            let FoundKeys { birth, ring, .. } =
                keys::read(disk, world.keys.as_ref(), &base, &meta)?;
            Ok(Some(Salvaged::new(meta, ring, birth, &notes)))
        });
        match opened {
            Ok(Some(log)) => drop(logs.insert(log.meta.origin.clone(), log)),
            Ok(None) => {}
            Err(error) => troubles.push(error.to_string()),
        }
    }
    (names, logs)
}

fn open_files(
    disk: &dyn Disk,
    number: u64,
    troubles: &mut Vec<String>,
) -> BTreeMap<u64, Arc<dyn File>> {
    let folder = format!("{ASIDE}/{number}/journal");
    let mut files = BTreeMap::new();
    for name in disk.list(&folder).unwrap_or_default() {
        let file = u64::from_str_radix(&name, 16).ok();
        let Some(file) = file.filter(|n| file_name(*n) == format!("journal/{name}")) else {
            continue;
        };
        let path = format!("{folder}/{name}");
        match disk.open(&path) {
            Ok(opened) => drop(files.insert(file, opened)),
            Err(error) => troubles.push(format!("{path}: {error}")),
        }
    }
    files
}

/// Gives each whole frame to the logs.
fn read_frames(
    files: &BTreeMap<u64, Arc<dyn File>>,
    logs: &mut BTreeMap<String, Salvaged>,
    strict: bool,
    troubles: &mut Vec<String>,
    progress: &mut Progress<'_>,
) {
    let lens = files.values().map(|file| file.len().unwrap_or_default());
    let (mut done, total) = (0, lens.sum());
    for (number, file) in files {
        let bytes = match read_past_holes(file.as_ref()) {
            Ok(bytes) => bytes,
            Err(what) => {
                troubles.push(format!("{}: {what}", file_name(*number)));
                continue;
            }
        };
        let (mut at, mut hole) = (0, None);
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let frame = Frame::decode(rest).filter(|frame| frame.header.file == *number);
            // No note has zeros, of which the rest of a file is made.
            let is_hole = frame.is_none() && rest.iter().take(BLOCK).any(|byte| *byte != 0);
            if is_hole {
                hole.get_or_insert(at);
            } else if let Some(start) = hole.take() {
                salvage_notes(&bytes[start..at], logs);
            }
            let Some(frame) = frame else {
                at += BLOCK;
                continue;
            };
            let place = Place { file: *number, offset: at as u64 };
            for section in sections(frame.sections, frame.header.sections).unwrap_or_default() {
                if let Some(log) = logs.get_mut(section.origin) {
                    log.visit(&section, place, strict);
                }
            }
            at += frame.room() as usize;
        }
        if let Some(start) = hole {
            salvage_notes(&bytes[start..], logs);
        }
        done += bytes.len() as u64;
        progress(done, total);
    }
}

/// Gives the logs what they signed and what stands where no whole frame does.
fn salvage_notes(hole: &[u8], logs: &mut BTreeMap<String, Salvaged>) {
    for (origin, note) in notes_in(hole) {
        if let Some(log) = logs.get_mut(origin).filter(|log| log.keys.all_hold(&note)) {
            log.heads.extend(log.keys.open(&note, origin));
        }
    }
}

/// The bytes of a file; what the disk does not give is zero.
fn read_past_holes(file: &dyn File) -> Result<Vec<u8>, String> {
    let len = file.len().map_err(|error| error.to_string())?;
    if len > FILE_BYTES_MAX {
        return Err(format!("has {len} bytes, more than any journal file"));
    }
    let mut bytes = vec![0; len as usize];
    for (nth, piece) in bytes.chunks_mut(PIECE_BYTES as usize).enumerate() {
        let at = nth as u64 * PIECE_BYTES;
        if file.read_at(at, piece).is_ok() {
            continue;
        }
        for (nth, block) in piece.chunks_mut(BLOCK).enumerate() {
            if file.read_at(at + (nth * BLOCK) as u64, block).is_err() {
                block.fill(0);
            }
        }
    }
    Ok(bytes)
}

impl Salvaged {
    fn new(
        meta: LogMeta,
        keys: Keyring,
        birth: Checkpoint,
        notes: &[BTreeMap<String, String>],
    ) -> Salvaged {
        let open = |note: &String| keys.open(note, &meta.origin).ok();
        let notes = notes.iter().filter_map(|notes| open(notes.get(&meta.origin)?));
        let heads: Vec<Checkpoint> = notes.collect();
        let signed = heads.iter().map(|head| head.size).max().unwrap_or_default();
        Salvaged {
            meta,
            keys,
            published: Published::new(birth),
            signed,
            opened: signed > 0,
            stands: 0,
            sequencer: Sequencer::default(),
            heads,
            in_head: signed,
            before: None,
            claimed: None,
            pending: None,
        }
    }

    /// Takes a section if it follows what was taken.
    fn visit(&mut self, section: &Section<'_>, place: Place, strict: bool) {
        self.opened = true;
        let Some(before) = read_unverified(section.checkpoint, &self.meta.origin) else { return };
        if self.claimed.as_ref().is_none_or(|claimed| claimed.size < before.size) {
            self.claimed = Some(before.clone());
        }
        if before.size != section.first || section.event_list_raw > LIST_BYTES_MAX {
            return;
        }
        self.stands = self.stands.max(section.first.saturating_add(section.leaves.len() as u64));
        let state = (section.first, before.root);
        let behind = self.pending.as_ref().is_some_and(|p| state == p.end());
        // A section that follows the same as the newest one replaces it: that one was torn or is
        // a copy's original.
        if !behind && state != (self.sequencer.size(), self.sequencer.root()) {
            return;
        }
        let looks = strict || section.first > self.in_head;
        if looks && self.keys.open(section.checkpoint, &self.meta.origin).is_err() {
            return;
        }
        if behind {
            self.flush();
        }
        if section.first > 0 {
            self.before = Some(before);
        }
        if !self.sequencer.accepts(&section.leaves) {
            return;
        }
        let plan = self.sequencer.replay(section.leaves.clone());
        if plan.root != section.root_after {
            return;
        }
        let (tags, epochs) = (section.tags.to_vec(), section.epochs.clone());
        self.pending = Some(Pending { plan, tags, epochs, list: list_place(section, place) });
    }

    /// Takes the newest section in: something that was signed covers it.
    fn flush(&mut self) {
        let Some(Pending { plan, tags, epochs, list }) = self.pending.take() else { return };
        let (leaves, growth) = self.sequencer.apply(plan);
        self.published.chunks.add_list(list);
        let (tags, epochs, chunks) = (&tags[..], &epochs[..], Vec::new());
        self.published.add(Addition { growth, leaves: &leaves, tags, epochs, chunks });
    }

    /// Finds the signature that covers what was taken; says whether there is one.
    fn settle(&mut self) -> bool {
        let claimed = self.claimed.take().filter(|claimed| claimed.size > self.signed);
        if let Some(claimed) =
            claimed.filter(|claimed| self.keys.open(&claimed.note, &self.meta.origin).is_ok())
        {
            self.signed = claimed.size;
        }
        self.signed = self.heads.iter().map(|head| head.size).fold(self.signed, u64::max);
        let covers = |size, root| {
            self.heads.iter().find(|head| (head.size, head.root) == (size, root)).cloned()
        };
        if let Some((size, root)) = self.pending.as_ref().map(Pending::end)
            && let Some(head) = covers(size, root)
        {
            self.flush();
            self.published.checkpoint = Arc::new(head);
            return true;
        }
        let (size, root) = (self.sequencer.size(), self.sequencer.root());
        if size == 0 {
            return true;
        }
        let before = self.before.take().filter(|before| (before.size, before.root) == (size, root));
        let before =
            before.filter(|before| self.keys.open(&before.note, &self.meta.origin).is_ok());
        let Some(newest) = before.or_else(|| covers(size, root)) else { return false };
        self.published.checkpoint = Arc::new(newest);
        true
    }

    /// Says which entries stand there that nothing signed covers: the last ones before a crash,
    /// which a start would have signed, or what somebody put there.
    fn unsigned(&self) -> Option<String> {
        let (name, signed, stands) = (self.meta.name(), self.signed, self.stands);
        let last = stands.checked_sub(1).filter(|last| *last >= signed)?;
        Some(format!(
            "log {name}: no signature that was found covers its entries {signed} to {last}"
        ))
    }
}

impl Pending {
    /// Size and root with it.
    fn end(&self) -> (u64, event::Hash) {
        (self.plan.first + self.plan.leaves.len() as u64, self.plan.root)
    }
}

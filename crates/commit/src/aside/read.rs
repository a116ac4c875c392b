//! Reading what was set aside: all that can still be proved, past what cannot be read.
//!
//! Frames count whose checksums hold, in the order of files and bytes, whatever stands between
//! them; each log takes what is its own. What the newest signature that was found does not cover is
//! not shown, so marks of frames are not asked for. Nothing of it keeps a start from going on: what
//! is wrong is told.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt;
use std::sync::{Arc, RwLock};

use platform::{Disk, File};

use super::notes::notes_in;
use super::salvage::Salvaged;
use super::{ASIDE, Finding, belongs, finding, numbers};
use crate::folder;
use crate::head;
use crate::journal::Place;
use crate::journal::file::{BLOCK, FILE_BYTES, file_name};
use crate::journal::frame::Frame;
use crate::journal::section::sections;
use crate::keys::{self, FoundKeys};
use crate::log::{Files, read_unverified};
use crate::open::{OpenError, Progress};
use crate::signed;
use crate::slots::Checkpoints;
use crate::suspect::{self, Suspect};
use crate::world::World;

/// Bytes of a journal file that are read at once.
const PIECE_BYTES: u64 = 1 << 20;
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
    /// Entries that were signed, by origin, of logs of which none can be read.
    pub(crate) unread: BTreeMap<String, u64>,
    pub(crate) files: Arc<Files>,
    /// The event that was found wrong before it was set aside.
    pub(crate) suspect: Option<Suspect>,
    /// What of it cannot be used, beside what was found first.
    pub(crate) troubles: Vec<String>,
    /// Whether it was set aside from this folder; else nothing of it is used.
    pub(crate) is_ours: bool,
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
            unread: BTreeMap::new(),
            files: Arc::default(),
            suspect: None,
            troubles: vec![what],
            is_ours: false,
        }
    }
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
    let base = format!("{ASIDE}/{number}/");
    let mut troubles = Vec::new();
    let files = open_files(disk, &base, &mut troubles);
    // What stands here may be anybody's: as with the head, the signatures have the say. Who moves a
    // folder here by hand writes none, but cannot take away what the folder of keys has.
    let mut said = head::notes(disk, &format!("{base}{}", signed::NAME));
    let id = folder::present_id(disk, &base).ok().flatten();
    said.extend(id.into_iter().flat_map(|id| signed::kept_of(world.keys.as_ref(), id)));
    let Read { names, logs, unread } =
        read_logs(world, &base, &said, &files, &mut troubles, progress);
    let more = troubles.len().saturating_sub(TROUBLES_MAX);
    if more > 0 {
        troubles.truncate(TROUBLES_MAX);
        troubles.push(format!("{more} more like these"));
    }
    let files = Arc::new(RwLock::new(files));
    let suspect = suspect::read(disk, &base).and_then(Result::ok);
    let finding = finding(disk, number);
    Part { number, finding, logs, names, unread, files, suspect, troubles, is_ours: true }
}

/// Entries of a log that were signed, and how many of them can still be proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) name: String,
    pub(crate) signed: u64,
    pub(crate) readable: u64,
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Left { name, signed, readable } = self;
        write!(f, "log {name} up to size {signed}, of which {readable} can be proved")
    }
}

/// The logs of the living folder of which more was signed than could be read if it were set aside
/// as it is. Changes nothing.
pub(crate) fn would_be_lost(
    world: &World,
    said: Checkpoints,
    progress: &mut Progress<'_>,
) -> Vec<Left> {
    let mut troubles = Vec::new();
    let files = open_files(world.disk.as_ref(), "", &mut troubles);
    let Read { logs, unread, .. } = read_logs(world, "", &[said], &files, &mut troubles, progress);
    let left = |log: &Salvaged| Left {
        name: log.meta.name().to_owned(),
        signed: log.signed,
        readable: log.published.checkpoint.size,
    };
    let gone = |(origin, signed): (String, u64)| Left {
        name: name_of(&origin).to_owned(),
        signed,
        readable: 0,
    };
    let all = logs.values().map(left).chain(unread.into_iter().map(gone));
    all.filter(|left| left.signed > left.readable).collect()
}

/// What is left of the logs of a folder.
struct Read {
    names: Vec<String>,
    logs: BTreeMap<String, Salvaged>,
    unread: BTreeMap<String, u64>,
}

/// Reads the logs of the folder whose name is before `base`'s end. `said`: checkpoints of theirs
/// from elsewhere than its head.
fn read_logs(
    world: &World,
    base: &str,
    said: &[Checkpoints],
    files: &BTreeMap<u64, Arc<dyn File>>,
    troubles: &mut Vec<String>,
    progress: &mut Progress<'_>,
) -> Read {
    let mut notes = head::notes(world.disk.as_ref(), &format!("{base}{}", head::NAME));
    if notes.is_empty() {
        troubles.push(format!("{base}{}: no slot of it can be read", head::NAME));
    }
    notes.extend_from_slice(said);
    let (names, mut logs) = fixed(world, base, &notes, troubles);
    let mut is_proved = true;
    read_frames(files, &mut logs, false, troubles, progress);
    logs.values_mut().for_each(|log| is_proved &= log.settle());
    if !is_proved {
        // Somebody wrote sections that nobody signed: each one's signature is looked at.
        let mut again = Vec::new();
        let (_, mut strict) = fixed(world, base, &notes, &mut again);
        read_frames(files, &mut strict, true, &mut again, progress);
        for log in strict.values_mut() {
            if !log.settle() {
                troubles.push(format!("log {}: no signature covers it", log.meta.name()));
            }
        }
        logs = strict;
    }
    troubles.extend(logs.values().filter_map(Salvaged::unsigned));
    troubles.extend(logs.values().filter_map(Salvaged::forked));
    let unread = unread(world, &names, &logs, &notes);
    let told = |(origin, size): (&String, &u64)| {
        format!("log {}: {size} entries were signed, and none can be read", name_of(origin))
    };
    troubles.extend(unread.iter().map(told));
    Read { names, logs, unread }
}

/// Logs that were signed and cannot be read at all, with their sizes. Where there is no key to ask
/// a log that has a folder here is believed to have been signed: else its loss would not be told.
fn unread(
    world: &World,
    names: &[String],
    logs: &BTreeMap<String, Salvaged>,
    notes: &[Checkpoints],
) -> BTreeMap<String, u64> {
    let mut unread = BTreeMap::new();
    for (origin, note) in notes.iter().flatten().filter(|(origin, _)| !logs.contains_key(*origin)) {
        let Some(signed) = read_unverified(note, origin) else { continue };
        let has_folder = names.iter().any(|name| name == name_of(origin));
        let is_signed = keys::is_signed(world.keys.as_ref(), origin, note).unwrap_or(has_folder);
        if is_signed && signed.size > 0 {
            let size = unread.entry(origin.clone()).or_default();
            *size = signed.size.max(*size);
        }
    }
    unread
}

/// The name of a log by its origin.
pub(super) fn name_of(origin: &str) -> &str {
    origin.rsplit('/').next().unwrap_or(origin)
}

/// The logs of a folder with nothing read of them yet, and the names of all.
fn fixed(
    world: &World,
    base: &str,
    notes: &[Checkpoints],
    troubles: &mut Vec<String>,
) -> (Vec<String>, BTreeMap<String, Salvaged>) {
    let disk = world.disk.as_ref();
    let mut names = listed(disk, &format!("{base}logs"), troubles);
    names.sort_unstable();
    let mut logs = BTreeMap::new();
    for name in &names {
        let meta = folder::read_log(disk, base, name);
        let opened = meta.and_then(|meta| {
            let Some(meta) = meta else { return Ok(None) };
            let FoundKeys { birth, ring, .. } = keys::read(disk, world.keys.as_ref(), base, &meta)?;
            Ok(Some(Salvaged::new(meta, ring, birth, notes)))
        });
        match opened {
            Ok(Some(log)) => drop(logs.insert(log.meta.origin.clone(), log)),
            Ok(None) => {}
            Err(error) => {
                let why = error.source().map(|why| format!(": {why}")).unwrap_or_default();
                troubles.push(format!("log {name}: {error}{why}"));
            }
        }
    }
    (names, logs)
}

/// What a folder holds; that it cannot be read is told.
fn listed(disk: &dyn Disk, folder: &str, troubles: &mut Vec<String>) -> Vec<String> {
    disk.list(folder).unwrap_or_else(|error| {
        troubles.push(format!("{folder}: {error}"));
        Vec::new()
    })
}

fn open_files(
    disk: &dyn Disk,
    base: &str,
    troubles: &mut Vec<String>,
) -> BTreeMap<u64, Arc<dyn File>> {
    let folder = format!("{base}journal");
    let mut files = BTreeMap::new();
    for name in listed(disk, &folder, troubles) {
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
        if let Some(log) = logs.get_mut(origin) {
            log.take_note(&note);
        }
    }
}

/// The bytes of a file; what the disk does not give is zero.
fn read_past_holes(file: &dyn File) -> Result<Vec<u8>, String> {
    let len = file.len().map_err(|error| error.to_string())?;
    if len > FILE_BYTES {
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

//! What was set aside, as others see it: closed logs that answer for what is left of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{ASIDE, Part, Salvaged, chains};
use crate::folder::LogSpec;
use crate::log::{DamageNote, Damaged, Log, LogMeta, ReadError, hex};
use crate::logs::LogMap;
use crate::replay::check_log_file;
use crate::suspect::Suspect;

/// Where the first event of a log states how much of the one before could be read.
const BEFORE_SIZE: &str = r#"["attributes","follows","size"]"#;
const BEFORE_ROOT: &str = r#"["attributes","follows","root"]"#;

/// A folder below `damaged/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// It stands in `damaged/<number>`.
    pub number: u64,
    /// When the damage was found.
    pub found_at: String,
    /// The file that is damaged.
    pub file: String,
    /// The byte at which that was noticed.
    pub offset: u64,
    /// What is wrong there.
    pub what: String,
    /// What else of it cannot be used as it is.
    pub troubles: Vec<String>,
    /// Entries that were signed, of its logs that are not shown at all.
    pub lost: u64,
    /// Those of them, by origin, of which none could be read.
    pub(crate) unread: BTreeMap<String, u64>,
    /// Whether it was set aside from this folder. Somebody put any other there; nothing of it is
    /// used.
    pub is_ours: bool,
}

/// Adds the logs of a part, each closed by the one that follows it; what was never opened is left
/// out.
pub(crate) fn show(part: Part, logs: &mut LogMap) -> SetAside {
    let order: Vec<Vec<String>> = chains(&part)
        .into_iter()
        .map(|chain| chain.into_iter().map(|log| log.meta.origin.clone()).collect())
        .collect();
    let Part { number, finding, logs: mut salvaged, files, suspect, mut troubles, .. } = part;
    let Part { unread, is_ours, .. } = part;
    let unknown = |what| {
        troubles.push(what);
        (String::new(), format!("{ASIDE}/{number}"), 0, "no finding tells".to_owned())
    };
    let found = finding.map(|f| (f.found_at, f.file, f.offset, f.what));
    let (found_at, file, offset, what) = found.unwrap_or_else(unknown);
    let lost = unread.values().copied().fold(0, u64::saturating_add);
    let mut shown =
        SetAside { number, found_at, file, offset, what, troubles, lost, unread, is_ours };
    for chain in order {
        for (nth, origin) in chain.iter().enumerate() {
            let Some(log) = salvaged.remove(origin).filter(|log| nth == 0 || log.opened) else {
                continue;
            };
            let Salvaged { meta, keys, published, signed, .. } = log;
            if logs.contains_key(meta.name()) {
                continue;
            }
            let before = followed(logs, &meta);
            if let Some(before) = &before {
                before.close(meta.name());
            }
            let readable = published.checkpoint.size;
            let name = meta.name().to_owned();
            let log = Log::new(meta, keys, files.clone(), 0, published, before);
            let damaged = Damaged::new(Arc::new(shown.clone()), readable, signed);
            let log = Arc::new(log.damaged_as(damaged));
            if let Some(trouble) = is_other_file(&log) {
                shown.troubles.push(trouble);
                continue;
            }
            let suspect = suspect.as_ref().filter(|suspect| suspect.log == name);
            shown.troubles.extend(suspect.and_then(|suspect| look_again(suspect, &log)));
            logs.insert(name, log);
        }
    }
    shown
}

/// Looks at the event that was found wrong before the folder was set aside: it is one of those
/// that cannot be read, unless it was mended. What else is like it, the comparison finds.
fn look_again(suspect: &Suspect, log: &Arc<Log>) -> Option<String> {
    let error = log.read_checked(suspect.seq).err()?;
    let ReadError::Damaged(seq, _) = error else { return None };
    log.damaged()?.suspect(seq);
    Some(format!("log {}: {error}", log.meta.name()))
}

/// What speaks against showing a log: its `log.json`, which says whose it is, is not the one that
/// its first event states. Where that cannot be read any more, the file's word is taken.
fn is_other_file(log: &Arc<Log>) -> Option<String> {
    let (first, _) = log.read_checked(0).ok()?;
    let error = check_log_file(log, &first).err()?;
    Some(format!("log {}: {error}; it is not shown", log.meta.name()))
}

/// What is gone of the logs that the living ones go on for: taken away, not to be read at all, or
/// other than it was. It is told with the part that it stood in.
pub(crate) fn tell_lost(aside: &mut Vec<SetAside>, logs: &LogMap) {
    let mut told = BTreeSet::new();
    for log in logs.values() {
        let (Some(note), Some(origin)) = (&log.meta.damage, &log.meta.follows) else { continue };
        let Some((what, lost)) = lost_before(logs, log, note, origin) else { continue };
        if !told.insert(origin) {
            continue;
        }
        let part = aside.iter_mut().find(|part| part.number == note.number);
        let part = match part {
            Some(part) => part,
            None => {
                aside.push(gone(note));
                let Some(part) = aside.last_mut() else { continue };
                part
            }
        };
        let counted = part.unread.get(origin).copied().unwrap_or_default();
        part.lost = part.lost.saturating_add(lost.saturating_sub(counted));
        part.troubles.push(what);
    }
}

/// What is missing of the log that this one goes on for, and that no count of that log has: it is
/// not there, or it is an earlier state of it, or another one.
fn lost_before(
    logs: &LogMap,
    log: &Arc<Log>,
    note: &DamageNote,
    origin: &str,
) -> Option<(String, u64)> {
    if followed(logs, &log.meta).is_none() {
        let what = format!("{origin} is not there, or cannot be read: {} entries", note.signed);
        return Some((what, note.signed));
    }
    let before = logs.get(origin.rsplit('/').next()?)?;
    let there = before.damaged()?.signed;
    if there < note.signed {
        let what = format!(
            "{origin} had {} signed entries when it was set aside, and has {there}",
            note.signed
        );
        return Some((what, note.signed - there));
    }
    let (first, _) = log.read_checked(0).ok()?;
    let said = |path: &str| first.string(path);
    let size: u64 = said(BEFORE_SIZE)?.parse().ok()?;
    let root = before.published().tree.root(size)?;
    let is_other = said(BEFORE_ROOT)? != hex(&root);
    let what = || format!("{origin} is not the log that {} goes on for", log.meta.origin);
    is_other.then(|| (what(), size))
}

/// A part of which only the log that goes on tells.
fn gone(note: &DamageNote) -> SetAside {
    let DamageNote { number, file, offset, what, .. } = note.clone();
    let (found_at, troubles, lost, is_ours) = (String::new(), Vec::new(), 0, true);
    let unread = BTreeMap::new();
    SetAside { number, found_at, file, offset, what, troubles, lost, unread, is_ours }
}

/// The log that this one goes on from, if it is there and of the same tenant and purpose: the
/// newest of its chain, for one that could not be read then may be readable again.
pub(crate) fn followed(logs: &LogMap, meta: &LogMeta) -> Option<Arc<Log>> {
    let origin = meta.follows.as_deref()?;
    let first = logs.get(origin.rsplit('/').next()?)?;
    let is_it = first.meta.origin == origin && LogSpec::of(meta).is_of(&first.meta);
    if is_it { newest(logs, first.meta.name()) } else { None }
}

/// The log to which the one of this name leads: itself, or the newest of those that followed it.
pub(crate) fn newest(logs: &LogMap, name: &str) -> Option<Arc<Log>> {
    let mut log = logs.get(name)?;
    while let Some(next) = log.successor().and_then(|next| logs.get(next)) {
        log = next;
    }
    Some(log.clone())
}

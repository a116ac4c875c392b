//! The logs that go on where those end that were set aside.
//!
//! Derived at every start from what stands below `damaged/` and in `logs/` alone, so that a crash
//! between two of them, or between a log and its first entry, needs no state of its own.

use std::collections::{BTreeMap, BTreeSet};

use super::read::name_of;
use super::{ASIDE, Part, Salvaged};
use crate::folder::{self, LogSpec};
use crate::log::{DamageNote, LogMeta};
use crate::open::OpenError;
use crate::rotate::next_name;
use crate::world::World;

/// Those that are missing beside the logs that are there. Makes nothing.
pub(crate) fn plan_next(
    world: &World,
    parts: &[Part],
    there: &[LogMeta],
) -> Result<Vec<LogMeta>, OpenError> {
    let mut living = there.to_vec();
    for (at, part) in parts.iter().enumerate() {
        for chain in chains(part) {
            if is_followed(parts, at, &chain, &living) {
                continue;
            }
            let Some(last) = last_opened(&chain) else { continue };
            living.push(plan(world, parts, part, last, &living)?);
        }
    }
    Ok(living.split_off(there.len()))
}

/// Whether a log that the settings name and that is not there any more is one that another goes on
/// for: it was set aside, and cannot be read there, or was taken away. Made anew it would be a
/// second log of one name.
pub(crate) fn stands_for(living: &[LogMeta], parts: &[Part], spec: &LogSpec) -> bool {
    let salvaged = || parts.iter().flat_map(|part| part.logs.values()).map(|log| &log.meta);
    if parts.iter().any(|part| part.names.contains(&spec.name)) {
        return true;
    }
    let path = format!("/tlog/{}", spec.name);
    let is_followed = |meta: &LogMeta| meta.follows.as_ref().is_some_and(|o| o.ends_with(&path));
    if living.iter().chain(salvaged()).any(|meta| spec.is_of(meta) && is_followed(meta)) {
        return true;
    }
    // One before that: what leads from it to the log that goes on was taken away.
    let is_there =
        |origin: &String| living.iter().chain(salvaged()).any(|meta| meta.origin == *origin);
    let is_gone = |meta: &LogMeta| meta.follows.as_ref().is_some_and(|origin| !is_there(origin));
    living.iter().chain(salvaged()).any(|meta| spec.is_of(meta) && is_gone(meta))
}

/// The logs of a part that follow each other, the first one first.
pub(crate) fn chains(part: &Part) -> Vec<Vec<&Salvaged>> {
    let mut next: BTreeMap<&str, &Salvaged> = BTreeMap::new();
    let mut firsts = Vec::new();
    for log in part.logs.values() {
        // Another tenant's word about what it follows is none.
        let is_it = |before: &&Salvaged| LogSpec::of(&before.meta).is_of(&log.meta);
        let before = log.meta.follows.as_ref().and_then(|origin| part.logs.get(origin));
        let Some(before) = before.filter(is_it) else {
            firsts.push(log);
            continue;
        };
        // Were there two, the one with entries would be it; the other one stands alone.
        let origin = before.meta.origin.as_str();
        match next.get(origin) {
            Some(other) if other.opened || !log.opened => firsts.push(log),
            _ => firsts.extend(next.insert(origin, log)),
        }
    }
    let mut found = Vec::new();
    for first in firsts {
        let mut chain = vec![first];
        let mut last = first;
        while let Some(log) = next.remove(last.meta.origin.as_str()) {
            chain.push(log);
            last = log;
        }
        found.push(chain);
    }
    found
}

/// The log that took events last. One without an entry that follows another was never opened.
fn last_opened<'p>(chain: &[&'p Salvaged]) -> Option<&'p Salvaged> {
    chain.iter().rev().find(|log| log.opened).or(chain.first()).copied()
}

/// Whether a log goes on with this chain, here or in what was set aside later. Where that cannot
/// be seen, because something was taken away, a later log of the same tenant is taken to do so:
/// two open logs would be worse than a gap.
fn is_followed(parts: &[Part], at: usize, chain: &[&Salvaged], living: &[LogMeta]) -> bool {
    let is_in = |follows: &str| chain.iter().any(|log| log.meta.origin == follows);
    let later = parts[at + 1..].iter().flat_map(|part| part.logs.values()).map(|log| &log.meta);
    let follows = |meta: &LogMeta| meta.follows.as_deref().is_some_and(is_in);
    if later.chain(living).any(follows) {
        return true;
    }
    let part = &parts[at];
    let same = |meta: &LogMeta| chain.first().is_some_and(|log| LogSpec::of(&log.meta).is_of(meta));
    let is_whole = part.logs.len() == part.names.len();
    let is_later =
        |note: &DamageNote| note.number > part.number || (!is_whole && note.number == part.number);
    living.iter().any(|meta| same(meta) && meta.damage.as_ref().is_some_and(is_later))
}

fn plan(
    world: &World,
    parts: &[Part],
    part: &Part,
    last: &Salvaged,
    living: &[LogMeta],
) -> Result<LogMeta, OpenError> {
    let set_aside = parts.iter().flat_map(|part| part.names.iter().map(String::as_str));
    // A log of which nothing is left has signed under its name all the same.
    let unread = parts.iter().flat_map(|part| part.unread.keys()).map(|origin| name_of(origin));
    let set_aside = set_aside.chain(unread);
    let taken: BTreeSet<&str> = set_aside.chain(living.iter().map(LogMeta::name)).collect();
    let name = next_name(last.meta.name(), |name| taken.contains(name));
    let name = name.ok_or_else(|| {
        let name = last.meta.name();
        OpenError::Setting(format!("the log name {name} leaves no room for a larger number"))
    })?;
    let (host, _) = last.meta.origin.split_once("/tlog/").unwrap_or_default();
    let spec = LogSpec { name, ..LogSpec::of(&last.meta) };
    let follows = Some(last.meta.origin.clone());
    folder::plan_log(world, host, &spec, follows, Some(note(part, last)))
}

/// What the next log says, for ever, of the one that was damaged.
fn note(part: &Part, log: &Salvaged) -> DamageNote {
    let (file, offset, what) = match &part.finding {
        Ok(finding) => (finding.file.clone(), finding.offset, finding.what.clone()),
        Err(what) => (format!("{ASIDE}/{}/finding.json", part.number), 0, what.clone()),
    };
    let readable = log.published.checkpoint.size;
    DamageNote { number: part.number, file, offset, what, readable, signed: log.signed }
}

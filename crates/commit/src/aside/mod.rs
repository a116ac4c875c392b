//! Setting a damaged folder aside: as a whole, so that nothing of it is changed or lost.
//!
//! ```text
//! damaged/<n>/finding.json   what was found, written first; n counts from 1
//! damaged/<n>/signed         what the folder of keys says of how far the logs were signed
//! damaged/<n>/head           moved first: nothing opens without one, so no start takes what is
//!                            left of a folder for a whole one
//! damaged/<n>/journal/ …     the journal's files, `logs/`, `suspect.json`: one by one
//! damaged/<n>/folder.json    moved last: what is there now is a data folder of its own
//! ```
//!
//! Promises: a crash on the way leaves a folder whose next start goes on with it; once
//! `folder.json` is moved, the data folder begins anew with an id of its own. Everything that
//! follows is derived from what stands below `damaged/`, at every start.
//!
//! Never: writes to what was set aside, or signs with its logs' keys.

mod belongs;
mod next;
mod notes;
mod read;
mod salvage;
mod shown;

use std::io;
use std::ops::RangeInclusive;

use event::format_time;
use platform::Disk;
use serde::{Deserialize, Serialize};

use crate::folder::{self, FOLDER_FILE, SMALL_BYTES_MAX};
use crate::head;
use crate::journal::Damage;
use crate::journal::file::{BLOCK, FileHeader};
use crate::keys;
use crate::log::{LogMeta, hex};
use crate::open::{OnDamage, OpenError};
use crate::signed;
use crate::slots::Slots;
use crate::suspect;
use crate::world::World;

pub(crate) use next::{chains, plan_next, stands_for};
pub(crate) use read::{Left, Part, read_parts, would_be_lost};
pub(crate) use salvage::Salvaged;
pub use shown::SetAside;
pub(crate) use shown::{followed, newest, show, tell_lost};

/// Where damaged folders are set aside.
pub(crate) const ASIDE: &str = "damaged";
/// The numbers of folders that may stand there: each is read at every start.
pub(crate) const NUMBERS: RangeInclusive<u64> = 1..=99;
const FORMAT: &str = "counterfoil.finding/v1";

/// Why a folder was set aside, as `finding.json` says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Finding {
    format: String,
    /// Id of the folder that is set aside; none other is ever moved.
    folder: String,
    pub(crate) found_at: String,
    pub(crate) file: String,
    pub(crate) offset: u64,
    pub(crate) what: String,
}

/// Goes on with what a process that ended had begun, if damage is to be set aside at all. A folder
/// that still has its head was not begun: whatever stands below `damaged/`, nothing is moved.
pub(crate) fn resume(disk: &dyn Disk, on_damage: OnDamage) -> Result<(), OpenError> {
    let Some(id) = folder::present_id(disk, "")?.filter(|_| is_absent(disk, head::NAME)) else {
        return Ok(());
    };
    for number in numbers(disk)? {
        let base = format!("{ASIDE}/{number}");
        let names_this = finding(disk, number).is_ok_and(|found| found.folder == hex(&id));
        let is_whole = !is_absent(disk, &format!("{base}/{FOLDER_FILE}"));
        if !names_this || is_whole || !holds_files(disk, number) {
            continue;
        }
        if on_damage == OnDamage::Refuse {
            let what = format!(
                "the folder was about to be set aside as {base}, and part of it stands there: \
                 start with on_damage = \"new-partition\" to go on, or move all of it back"
            );
            return Err(OpenError::Setting(what));
        }
        return move_all(disk, number);
    }
    Ok(())
}

/// Whether anything but a finding stands in `damaged/<number>`.
fn holds_files(disk: &dyn Disk, number: u64) -> bool {
    let below = |folder: &str| disk.list(folder).unwrap_or_default();
    let base = format!("{ASIDE}/{number}");
    let is_file = |name: &str| !is_absent(disk, &format!("{base}/{name}"));
    let logs = format!("{base}/logs");
    let of_logs = || below(&logs).iter().any(|log| !below(&format!("{logs}/{log}")).is_empty());
    let has_journal = !below(&format!("{base}/journal")).is_empty();
    has_journal || of_logs() || [head::NAME, suspect::NAME, FOLDER_FILE].into_iter().any(is_file)
}

/// Sets the folder aside in which `damage` was found, if it is of a kind that this helps against;
/// else the damage is the answer, or what else keeps the folder from being set aside.
pub(crate) fn set_aside(world: &World, damage: Damage) -> Result<(), OpenError> {
    let disk = world.disk.as_ref();
    if !damage.is_of_journal() {
        return Err(OpenError::Damaged(damage));
    }
    let id = folder::present_id(disk, "")?.ok_or_else(|| OpenError::Damaged(damage.clone()))?;
    if is_another(disk, id)? {
        return Err(OpenError::damaged(
            FOLDER_FILE,
            "has not the id that the head and the journal have: put the right file back",
        ));
    }
    // A folder whose logs are not known could not go on.
    let logs = folder::logs(disk)?;
    for meta in &logs {
        keys::read(disk, world.keys.as_ref(), "", meta)?;
    }
    // Its own head and journal may have less: what was cut off them is lost all the same.
    let said = signed::of(world.keys.as_ref(), id)?;
    let number = free_number(disk, &logs)?;
    let finding = Finding {
        format: FORMAT.into(),
        folder: hex(&id),
        found_at: format_time(world.clock.now()),
        file: damage.file,
        offset: damage.offset,
        what: damage.what,
    };
    let to = format!("{ASIDE}/{number}");
    let failed = |error| OpenError::io(&to, error);
    disk.create_folder(&to).map_err(failed)?;
    disk.sync_folder("").and_then(|()| disk.sync_folder(ASIDE)).map_err(failed)?;
    let text = folder::json_line(&finding);
    disk.replace_small(&format!("{to}/finding.json"), &text).map_err(failed)?;
    // Before anything is moved: the next start gives the file in the folder of keys another name.
    if let Some(said) = said {
        Slots::create(disk, &format!("{to}/{}", signed::NAME), id, &said).map_err(failed)?;
    }
    move_all(disk, number)
}

/// The numbers of what was set aside, ascending; what has no such number is none of ours.
pub(crate) fn numbers(disk: &dyn Disk) -> Result<Vec<u64>, OpenError> {
    let names = match disk.list(ASIDE) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(OpenError::io(ASIDE, error)),
    };
    let number = |name: String| name.parse::<u64>().ok().filter(|n| n.to_string() == name);
    let numbers = names.into_iter().filter_map(number);
    let mut found: Vec<u64> = numbers.filter(|n| NUMBERS.contains(n)).collect();
    found.sort_unstable();
    Ok(found)
}

/// What was found, or why that cannot be told.
pub(crate) fn finding(disk: &dyn Disk, number: u64) -> Result<Finding, String> {
    let name = format!("{ASIDE}/{number}/finding.json");
    let wrong = |what: String| format!("{name}: {what}");
    let bytes = disk.read_small(&name, SMALL_BYTES_MAX).map_err(|e| wrong(e.to_string()))?;
    let finding: Finding = serde_json::from_slice(&bytes).map_err(|e| wrong(e.to_string()))?;
    let known = finding.format == FORMAT;
    if known { Ok(finding) } else { Err(wrong("of an unknown format".into())) }
}

/// The number that comes next, never one that a log names already: what stood there was taken
/// away. A process that ended before it moved anything left a finding alone, which is replaced.
fn free_number(disk: &dyn Disk, logs: &[LogMeta]) -> Result<u64, OpenError> {
    let named = logs.iter().filter_map(|meta| Some(meta.damage.as_ref()?.number)).max();
    let named = named.unwrap_or_default();
    let last = numbers(disk)?.last().copied().unwrap_or_default();
    if last > named && !holds_files(disk, last) {
        return Ok(last);
    }
    let used = last.max(named);
    if used >= *NUMBERS.end() {
        let by = if last == used { "stands there" } else { "is named by a log" };
        let what = format!("{ASIDE}/{used} {by}: there are no more numbers for what is set aside");
        return Err(OpenError::Setting(what));
    }
    Ok(used + 1)
}

/// Whether head and journal agree that this is not their folder.
fn is_another(disk: &dyn Disk, id: [u8; 16]) -> Result<bool, OpenError> {
    let mut ids: Vec<[u8; 16]> = head::ids(disk);
    for name in disk.list("journal").map_err(|error| OpenError::io("journal", error))? {
        let mut block = vec![0; BLOCK];
        let file = disk.open(&format!("journal/{name}"));
        let header = file.and_then(|file| file.read_at(0, &mut block));
        ids.extend(header.ok().and_then(|()| Some(FileHeader::decode(&block).ok()?.folder)));
    }
    let (first, rest) = (ids.first(), ids.get(1..).unwrap_or_default());
    Ok(first.is_some_and(|first| *first != id && rest.iter().all(|other| other == first)))
}

/// Moves what is still here. Each step is durable before the next kind of file is moved; a crash
/// anywhere leaves each file in one of its two places.
fn move_all(disk: &dyn Disk, number: u64) -> Result<(), OpenError> {
    let to = format!("{ASIDE}/{number}");
    let failed = |error| OpenError::io(&to, error);
    move_file(disk, head::NAME, &format!("{to}/{}", head::NAME)).map_err(failed)?;
    disk.sync_folder(&to).and_then(|()| disk.sync_folder("")).map_err(failed)?;
    move_files(disk, "journal", &format!("{to}/journal")).map_err(failed)?;
    for log in disk.list("logs").map_err(failed)? {
        let (from, to) = (format!("logs/{log}"), format!("{to}/logs/{log}"));
        move_files(disk, &from, &to).map_err(failed)?;
    }
    // One that stands in both places was put into one by somebody else; no start hangs on it.
    if is_absent(disk, &format!("{to}/{}", suspect::NAME)) {
        move_file(disk, suspect::NAME, &format!("{to}/{}", suspect::NAME)).map_err(failed)?;
    }
    disk.sync_folder(&to).and_then(|()| disk.sync_folder("")).map_err(failed)?;
    move_file(disk, FOLDER_FILE, &format!("{to}/{FOLDER_FILE}")).map_err(failed)?;
    disk.sync_folder(&to).and_then(|()| disk.sync_folder("")).map_err(failed)
}

fn move_files(disk: &dyn Disk, from: &str, to: &str) -> io::Result<()> {
    let names = match disk.list(from) {
        // What was moved by a process that ended is there, but perhaps not durable.
        Ok(names) if names.is_empty() && disk.list(to).is_err() => return Ok(()),
        Ok(names) => names,
        // A file where a folder belongs is none of ours.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(()),
        Err(error) => return Err(error),
    };
    disk.create_folder(to)?;
    let mut above = to;
    while let Some((parent, _)) = above.rsplit_once('/') {
        disk.sync_folder(parent)?;
        above = parent;
    }
    for name in names {
        move_file(disk, &format!("{from}/{name}"), &format!("{to}/{name}"))?;
    }
    disk.sync_folder(to)?;
    disk.sync_folder(from)
}

/// Moves a file that is here; never over another one.
fn move_file(disk: &dyn Disk, from: &str, to: &str) -> io::Result<()> {
    if is_absent(disk, from) {
        return Ok(());
    }
    if !is_absent(disk, to) {
        let what = format!("{to} stands there already; it is not written over");
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, what));
    }
    disk.rename(from, to)
}

fn is_absent(disk: &dyn Disk, name: &str) -> bool {
    matches!(disk.open(name), Err(error) if error.kind() == io::ErrorKind::NotFound)
}

//! The head: two slots, used in turn, each with the newest signed checkpoint of every log.
//!
//! ```text
//! slot k at k MiB:  0/8 "CFHEAD\0\x01" · 8/8 counter · 16/16 folder id · 32/4 number of logs
//! 36/4 flags (bit 0: closed cleanly) · 40/4 length, CRC included · 44/4 zero
//! 48… per log, ascending by origin: u16 len ‖ origin ‖ u16 len ‖ checkpoint
//! length−4/4 CRC-32C of all before it, then zeros to the slot's end
//! ```
//!
//! Counter n stands in slot n mod 2. The newest is the valid slot with the larger counter. A folder
//! that was closed cleanly has two valid ones; after a crash one may be torn.

use super::Folder;
use super::reader::{Reader, is_zero};
use crate::checkpoint::Checkpoint;
use crate::docket::Docket;
use crate::error::{Malformed, malformed};
use crate::verdict::Reason;

const SLOT_BYTES: usize = 1 << 20;

#[derive(Debug, Default)]
pub(super) struct Head {
    pub(super) newest: Vec<Entry>,
    pub(super) older: Vec<Entry>,
    pub(super) closed_cleanly: bool,
    /// Slots that do not hold, as after a crash.
    pub(super) torn: Vec<String>,
    /// Could at least one slot be read?
    pub(super) is_found: bool,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) origin: String,
    pub(super) checkpoint: Checkpoint,
}

#[derive(Debug)]
struct Slot {
    counter: u64,
    closed_cleanly: bool,
    entries: Vec<Entry>,
}

impl Head {
    pub(super) fn read(folder: &dyn Folder, id: Option<[u8; 16]>, docket: &mut Docket) -> Head {
        let mut slots = Vec::new();
        let mut faults = Vec::new();
        for number in 0..2 {
            let place = format!("head, slot {number}, byte {}", number * SLOT_BYTES);
            match read_slot(folder, number, id) {
                Ok(slot) => slots.push(slot),
                Err(fault) => faults.push((place, fault)),
            }
        }
        slots.sort_by_key(|slot| std::cmp::Reverse(slot.counter));
        let clean = slots.first().is_none_or(|slot| slot.closed_cleanly);
        let mut head =
            Head { closed_cleanly: clean, is_found: !slots.is_empty(), ..Head::default() };
        if clean {
            for (place, fault) in faults {
                docket.add(Reason::Malformed, None, None, place, fault.to_string());
            }
            if let [newest, older] = slots.as_slice()
                && newest.counter - older.counter != 1
            {
                let what = "the two slots do not follow each other".to_owned();
                docket.add(Reason::Malformed, None, None, "head".to_owned(), what);
            }
        } else {
            head.torn =
                faults.into_iter().map(|(place, fault)| format!("{place}: {fault}")).collect();
        }
        let mut slots = slots.into_iter().map(|slot| slot.entries);
        head.newest = slots.next().unwrap_or_default();
        head.older = slots.next().unwrap_or_default();
        head
    }
}

fn read_slot(folder: &dyn Folder, number: usize, id: Option<[u8; 16]>) -> Result<Slot, Malformed> {
    let mut bytes = vec![0; SLOT_BYTES];
    folder.read("head", (number * SLOT_BYTES) as u64, &mut bytes).map_err(malformed)?;
    let bad = || malformed("the slot does not hold");
    let mut head = Reader(&bytes);
    if head.array() != Some(b"CFHEAD\0\x01") {
        return Err(bad());
    }
    let counter = head.u64().ok_or_else(bad)?;
    let folder_id = *head.array::<16>().ok_or_else(bad)?;
    let logs = head.u32().ok_or_else(bad)?;
    let flags = head.u32().ok_or_else(bad)?;
    let length = head.size().ok_or_else(bad)?;
    let zero = head.u32().ok_or_else(bad)?;
    let (slot, tail) = bytes.split_at_checked(length).ok_or_else(bad)?;
    let (body, crc) = slot.split_last_chunk::<4>().ok_or_else(bad)?;
    if crc32c::crc32c(body) != u32::from_be_bytes(*crc) || zero != 0 || flags > 1 || !is_zero(tail)
    {
        return Err(bad());
    }
    if counter % 2 != number as u64 || id.is_some_and(|id| id != folder_id) {
        return Err(malformed("the slot is of another place or folder"));
    }
    let entries = read_entries(body.get(48..).ok_or_else(bad)?, logs)?;
    Ok(Slot { counter, closed_cleanly: flags == 1, entries })
}

fn read_entries(bytes: &[u8], count: u32) -> Result<Vec<Entry>, Malformed> {
    let mut rest = Reader(bytes);
    let mut entries: Vec<Entry> = Vec::new();
    for _ in 0..count {
        let cut = || malformed("the slot's logs are cut short");
        let origin = rest.text().ok_or_else(cut)?;
        let checkpoint = Checkpoint::parse(rest.text().ok_or_else(cut)?)?;
        let ascends = entries.last().is_none_or(|last| last.origin.as_str() < origin);
        if !ascends || checkpoint.origin != origin {
            return Err(malformed("the slot's logs are not in order, or not what they say"));
        }
        entries.push(Entry { origin: origin.to_owned(), checkpoint });
    }
    match rest.is_empty() {
        true => Ok(entries),
        false => Err(malformed("the slot has more than its logs")),
    }
}

//! A file of two slots that says each log's newest signed checkpoint: the head of a data folder,
//! and `signed` in the folder of keys. Two slots of 1 MiB, big-endian:
//!
//! ```text
//!  0  8  "CFHEAD" 0x00 0x01      32  4  number of logs
//!  8  8  counter                 36  4  flags: bit 0 = closed cleanly
//! 16 16  folder id               40  4  length, from the magic to the CRC's end
//!                                44  4  zero
//! 48 ..  per log, ascending by origin: u16 length ‖ origin ‖ u16 length ‖ checkpoint
//! length−4  4  CRC-32C of all before it; zeros to the slot's end
//! ```
//!
//! The slot in use changes only after a sync, so that one of the two is always whole: a write that
//! tears spoils no more than what was not yet synced.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use platform::{Disk, File};

use crate::journal::Damage;
use crate::journal::bytes::{Cursor, Short};

/// Bytes of one slot; the file has two.
pub(crate) const SLOT_BYTES: usize = 1 << 20;
const MAGIC: [u8; 8] = *b"CFHEAD\0\x01";
const FIXED_BYTES: usize = 48;
const FLAG_CLOSED: u32 = 1;

/// Newest signed checkpoint by origin.
pub(crate) type Checkpoints = BTreeMap<String, String>;

/// What a slot says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slot {
    /// Grows with every write; even in slot 0, odd in slot 1.
    pub(crate) counter: u64,
    /// Whether the folder was closed in order.
    pub(crate) closed: bool,
    pub(crate) checkpoints: Checkpoints,
}

/// The file, open for writing.
pub(crate) struct Slots {
    file: Arc<dyn File>,
    folder: [u8; 16],
    counter: u64,
    /// How far the bytes of each slot reach, so that a shorter write leaves nothing behind.
    used: [usize; 2],
    /// Whether the next write may take the other slot.
    synced: bool,
}

/// A slot's bytes, without what follows up to the slot's end.
fn encode(
    counter: u64,
    closed: bool,
    checkpoints: &Checkpoints,
    folder: [u8; 16],
) -> io::Result<Vec<u8>> {
    let mut out = vec![0; FIXED_BYTES];
    out[0..8].copy_from_slice(&MAGIC);
    out[8..16].copy_from_slice(&counter.to_be_bytes());
    out[16..32].copy_from_slice(&folder);
    out[32..36].copy_from_slice(&(checkpoints.len() as u32).to_be_bytes());
    out[36..40].copy_from_slice(&u32::from(closed).to_be_bytes());
    for text in checkpoints.iter().flat_map(|(origin, note)| [origin, note]) {
        let length = u16::try_from(text.len()).map_err(|_| too_large())?;
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(text.as_bytes());
    }
    let length = out.len() + 4;
    if length > SLOT_BYTES {
        return Err(too_large());
    }
    out[40..44].copy_from_slice(&(length as u32).to_be_bytes());
    let crc = crc32c::crc32c(&out);
    out.extend_from_slice(&crc.to_be_bytes());
    Ok(out)
}

fn too_large() -> io::Error {
    io::Error::other("the head has no room for so many logs")
}

impl Slot {
    fn decode(bytes: &[u8], folder: [u8; 16]) -> Result<Slot, &'static str> {
        match Slot::decode_any(bytes)? {
            (id, slot) if id == folder => Ok(slot),
            _ => Err("another folder's head"),
        }
    }

    /// A slot, with the id of the folder it is of.
    fn decode_any(bytes: &[u8]) -> Result<([u8; 16], Slot), &'static str> {
        let short = |_: Short| "shorter than it says";
        let length = Cursor::new(bytes.get(40..44).ok_or("too short")?).u32().map_err(short)?;
        let length = length as usize;
        let inside = (FIXED_BYTES + 4..=bytes.len()).contains(&length);
        if !inside || bytes[length..].iter().any(|b| *b != 0) {
            return Err("no slot of a head, or not zero behind it");
        }
        let (body, crc) = bytes[..length].split_at(length - 4);
        if crc != crc32c::crc32c(body).to_be_bytes() {
            return Err("its checksum does not hold");
        }
        let mut c = Cursor::new(body);
        let (magic, counter) = (c.array().map_err(short)?, c.u64().map_err(short)?);
        let (id, count) = (c.array().map_err(short)?, c.u32().map_err(short)?);
        let (flags, _, zero) =
            (c.u32().map_err(short)?, c.u32().map_err(short)?, c.u32().map_err(short)?);
        if magic != MAGIC || flags & !FLAG_CLOSED != 0 || zero != 0 {
            return Err("of an unknown layout");
        }
        let mut slot = Slot { counter, closed: flags == FLAG_CLOSED, ..Slot::default() };
        for _ in 0..count {
            let mut text = || {
                let length = usize::from(c.u16()?);
                Ok::<_, Short>(String::from_utf8_lossy(c.take(length)?).into_owned())
            };
            let (origin, note) = (text().map_err(short)?, text().map_err(short)?);
            slot.checkpoints.insert(origin, note);
        }
        if !c.is_done() {
            return Err("longer than it says");
        }
        Ok((id, slot))
    }
}

/// The slots of a file that nobody writes, as far as they can be read, each with the id of the
/// folder that it is of.
pub(crate) fn read(disk: &dyn Disk, name: &str) -> [Option<([u8; 16], Slot)>; 2] {
    let Ok(file) = disk.open_to_read(name) else { return [None, None] };
    let mut bytes = vec![0; SLOT_BYTES];
    [0, 1].map(|nth| {
        file.read_at((nth * SLOT_BYTES) as u64, &mut bytes).ok()?;
        Slot::decode_any(&bytes).ok()
    })
}

/// Whether so much of a slot has room for logs with origins of so many bytes, whatever their sizes,
/// each signed by two keys.
pub(crate) fn has_room(origins: impl Iterator<Item = usize>, percent: usize) -> bool {
    // Name, size and root, each with its newline, an empty line, and two signatures: dash, name,
    // and 68 bytes in base64.
    let note = |origin: usize| origin + 1 + 20 + 1 + 44 + 1 + 1 + 2 * (4 + origin + 1 + 92 + 1);
    let logs: usize = origins.map(|origin| 4 + origin + note(origin)).sum();
    FIXED_BYTES + logs + 4 <= SLOT_BYTES / 100 * percent
}

impl Slots {
    /// Makes the file, both slots whole and alike.
    pub(crate) fn create(
        disk: &dyn Disk,
        name: &str,
        folder: [u8; 16],
        checkpoints: &Checkpoints,
    ) -> io::Result<()> {
        let mut bytes = vec![0; 2 * SLOT_BYTES];
        for counter in 0..2 {
            let slot = encode(counter, false, checkpoints, folder)?;
            let start = counter as usize * SLOT_BYTES;
            bytes[start..start + slot.len()].copy_from_slice(&slot);
        }
        disk.replace_small(name, &bytes)
    }

    /// Opens the file and reads its newest slot, past the page cache. A folder that was closed in
    /// order has two whole slots; after a crash one may be torn.
    pub(crate) fn open(
        disk: &dyn Disk,
        name: &str,
        folder: [u8; 16],
    ) -> io::Result<Result<(Slots, Slot), Damage>> {
        let damage = |offset: usize, what: &str| Damage {
            file: name.into(),
            offset: offset as u64,
            what: what.into(),
        };
        let file = match disk.open(name) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Err(damage(0, "is missing")));
            }
            Err(error) => return Err(error),
        };
        if file.len()? != 2 * SLOT_BYTES as u64 {
            return Ok(Err(damage(0, "has not the size of a head, 2 MiB")));
        }
        // What a killed process wrote and did not sync could be read here and lost later.
        file.sync()?;
        let mut bytes = vec![0; 2 * SLOT_BYTES];
        file.read_past_cache(0, &mut bytes)?;
        let read = [0, 1].map(|i| {
            let slot = Slot::decode(&bytes[i * SLOT_BYTES..(i + 1) * SLOT_BYTES], folder)?;
            if slot.counter % 2 == i as u64 { Ok(slot) } else { Err("holds the other slot") }
        });
        let slot = match read {
            [Ok(a), Ok(b)] => {
                if a.counter > b.counter {
                    a
                } else {
                    b
                }
            }
            [Ok(a), Err(what)] if a.closed => return Ok(Err(damage(SLOT_BYTES, what))),
            [Err(what), Ok(b)] if b.closed => return Ok(Err(damage(0, what))),
            [Ok(slot), Err(_)] | [Err(_), Ok(slot)] => slot,
            [Err(what), Err(_)] => return Ok(Err(damage(0, what))),
        };
        // A closed slot is written over: the other has the same checkpoints, and were that one
        // torn instead, it would look like damage to a folder that was closed in order.
        let (counter, synced) = (slot.counter, !slot.closed);
        Ok(Ok((Slots { file, folder, counter, used: [SLOT_BYTES; 2], synced }, slot)))
    }

    /// Whether everything written is durable.
    pub(crate) fn is_synced(&self) -> bool {
        self.synced
    }

    /// Writes newer checkpoints; not durable before [`Slots::sync`].
    pub(crate) fn write(&mut self, checkpoints: &Checkpoints, closed: bool) -> io::Result<()> {
        // The other slot is taken only once this one is known to be durable.
        self.counter += if self.synced { 1 } else { 2 };
        let index = (self.counter % 2) as usize;
        let mut bytes = encode(self.counter, closed, checkpoints, self.folder)?;
        let length = bytes.len();
        bytes.resize(length.max(self.used[index]), 0);
        self.synced = false;
        self.file.write_at((index * SLOT_BYTES) as u64, &bytes)?;
        self.used[index] = length;
        Ok(())
    }

    /// Makes what was written durable.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        self.file.sync()?;
        self.synced = true;
        Ok(())
    }
}

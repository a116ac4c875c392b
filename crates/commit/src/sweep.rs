//! What start-up leaves behind: bytes of the journal that no longer count.

use std::io;
use std::sync::Arc;

use platform::{Disk, File};

use crate::journal::file::{BLOCK, file_name};
use crate::journal::{Found, Place};
use crate::open::OpenError;

/// Bytes that are zeroed at once.
const PIECE_BYTES: usize = 1 << 20;
/// What a disk writes as a whole; many write more.
const SECTOR_BYTES: usize = 512;

/// What is to be zeroed or removed once the last frame is copied and what was cut is stated. A
/// crash before, between and after leaves a journal that reads the same.
pub(crate) struct Sweep {
    files: Vec<(u64, Arc<dyn File>)>,
    /// To be zeroed from here to the end of the file.
    dead: Vec<Place>,
    /// Files without a frame that counts.
    idle: Vec<u64>,
}

impl Sweep {
    /// What is dead in `found` once its last frame was copied.
    pub(crate) fn new(found: &Found) -> Sweep {
        let (mut dead, mut idle) = (found.dead.clone(), found.idle.clone());
        if let Some(last) = &found.last {
            dead.push(last.place);
            if last.place.offset == BLOCK as u64 {
                idle.push(last.place.file);
            }
        }
        Sweep { files: found.files.clone(), dead, idle }
    }

    pub(crate) fn run(&self, disk: &dyn Disk) -> Result<(), OpenError> {
        for (number, file) in &self.files {
            let name = file_name(*number);
            let dead = self.dead.iter().filter(|place| place.file == *number);
            let swept = if self.idle.contains(number) {
                disk.remove(&name)
            } else if let Some(from) = dead.map(|place| place.offset).min() {
                zero(file.as_ref(), from)
            } else {
                Ok(())
            };
            swept.map_err(|error| OpenError::io(&name, error))?;
        }
        disk.sync_folder("journal").map_err(|error| OpenError::io("journal", error))
    }
}

/// The first sector goes last, for a disk writes a sector as a whole: as long as the header of a
/// frame that was copied stands there, what is behind that frame is all that could be torn.
fn zero(file: &dyn File, from: u64) -> io::Result<()> {
    let zeros = vec![0; PIECE_BYTES];
    let (mut at, end) = (from + SECTOR_BYTES as u64, file.len()?);
    while at < end {
        let piece = (end - at).min(PIECE_BYTES as u64);
        file.write_at(at, &zeros[..piece as usize])?;
        at += piece;
    }
    file.sync()?;
    file.write_at(from, &zeros[..SECTOR_BYTES])?;
    file.sync()
}

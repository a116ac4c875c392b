//! Writing frames.

use std::io;
use std::sync::Arc;

use platform::{Disk, File};

use super::file::{BLOCK, FileHeader};
use super::frame::{FrameHeader, HEADER_BYTES};
use super::mark::FrameKey;
use super::scan::Found;
use super::spare::{Spare, Spares, make};

/// Where something stands in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// File number.
    pub file: u64,
    /// Bytes from the file's start.
    pub offset: u64,
}

/// Why a frame was not written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk has no room for another file. Nothing was written; a later try may succeed.
    #[error("no journal file could be made ready")]
    NoRoom(#[source] io::Error),
    /// A write or sync failed: what is on the disk is not known. The process must end.
    #[error("the journal could not be written")]
    Fatal(#[source] io::Error),
}

/// The journal, open for writing.
pub struct Journal {
    /// The file frames go to.
    file: Arc<dyn File>,
    header: FileHeader,
    /// Where the next frame goes.
    at: u64,
    /// The number of the next frame.
    next: u64,
    /// The trailer of the last frame.
    before: u32,
    key: FrameKey,
    spares: Spares,
}

impl Journal {
    /// Goes on after what a scan found, in a fresh file that begins with a copy of the last
    /// frame: that frame alone may have come from the page cache, so nothing is signed over it
    /// before it is durable for certain. `key` marks what is written from here on, that copy too;
    /// `ahead`: make further files in a thread.
    pub fn start(
        disk: &Arc<dyn Disk>,
        folder: [u8; 16],
        file_bytes: u64,
        found: &Found,
        key: FrameKey,
        ahead: bool,
    ) -> io::Result<(Journal, Option<Place>)> {
        // Were files larger when the last frame was written, it still has to fit.
        let copy = found.last.as_ref().map_or(0, |last| u64::from(last.header.length));
        let size = file_bytes.max(copy.next_multiple_of(BLOCK as u64) + 2 * BLOCK as u64);
        let header = FileHeader { folder, number: found.next_file, size };
        let Spare { file, .. } = make(disk.as_ref(), header)?;
        let next_file = FileHeader { number: header.number + 1, ..header };
        let mut journal = Journal {
            file,
            header,
            at: BLOCK as u64,
            next: found.next_frame,
            before: found.last_crc,
            key,
            spares: if ahead {
                Spares::ahead(disk.clone(), next_file)?
            } else {
                Spares::inline(disk.clone(), next_file)
            },
        };
        let copied = match &found.last {
            Some(last) => Some(journal.copy(&last.sections, last.header)?),
            None => None,
        };
        Ok((journal, copied))
    }

    fn copy(&mut self, sections: &[u8], header: FrameHeader) -> io::Result<Place> {
        let place = Place { file: self.header.number, offset: self.at };
        let mut bytes = vec![0; HEADER_BYTES];
        bytes.extend_from_slice(sections);
        let header = FrameHeader { file: place.file, copied: true, ..header };
        let crc = self.key.finish(&mut bytes, header);
        self.file.write_at(self.at, &bytes)?;
        // A crash before this returns leaves the old frame in force: the copy is not whole, or it
        // is and says the same.
        self.file.sync()?;
        self.before = crc;
        self.at += bytes.len() as u64;
        Ok(place)
    }

    /// Bytes of the file that frames go to.
    pub fn file_bytes(&self) -> u64 {
        self.header.size
    }

    /// How many bytes of sections one frame can hold.
    pub fn sections_bytes_max(&self) -> u64 {
        self.header.size - (2 * BLOCK + HEADER_BYTES) as u64
    }

    /// Makes sure that a frame of `bytes` fits in the file at hand; says whether that is a new one.
    pub fn make_room(&mut self, bytes: usize) -> Result<bool, JournalError> {
        let room = (bytes + 4).next_multiple_of(BLOCK) as u64;
        if self.at + room <= self.header.size {
            return Ok(false);
        }
        if room > self.header.size - BLOCK as u64 {
            let what = format!("a frame of {bytes} bytes is larger than a journal file");
            return Err(JournalError::NoRoom(io::Error::other(what)));
        }
        let spare = self.spares.take().map_err(JournalError::NoRoom)?;
        self.header.number = spare.number;
        self.file = spare.file;
        self.at = BLOCK as u64;
        Ok(true)
    }

    /// Writes a frame; `bytes` holds [`HEADER_BYTES`] and then the sections, for which
    /// [`Journal::make_room`] made room. Durable once [`Journal::sync`] has returned.
    pub fn write(
        &mut self,
        bytes: &mut Vec<u8>,
        sections: u16,
        written_at: i64,
    ) -> Result<Place, JournalError> {
        let place = Place { file: self.header.number, offset: self.at };
        let header = FrameHeader {
            length: 0,
            file: place.file,
            number: self.next,
            written_at,
            before: self.before,
            sections,
            copied: false,
            mark: None,
        };
        let crc = self.key.finish(bytes, header);
        assert!(self.at + bytes.len() as u64 <= self.header.size, "make_room made room");
        self.file.write_at(self.at, bytes).map_err(JournalError::Fatal)?;
        self.at += bytes.len() as u64;
        self.next += 1;
        self.before = crc;
        Ok(place)
    }

    /// Makes the frames written durable.
    pub fn sync(&self) -> Result<(), JournalError> {
        self.file.sync().map_err(JournalError::Fatal)
    }

    /// The file that frames go to, with its number: for those who read what was just written.
    pub fn file(&self) -> (u64, &Arc<dyn File>) {
        (self.header.number, &self.file)
    }
}

//! The header block of a journal file.
//!
//! ```text
//!    0  8  "CFJRNL" 0x00 0x01, the last byte the layout's version
//!    8 16  folder id, random at creation
//!   24  8  file number, from 1, never used again
//!   32  8  file size
//!   40 ..  zero
//! 4092  4  CRC-32C of bytes 0 to 4091
//! ```

use super::bytes::Cursor;

/// Frames start on multiples of this; the header fills the first.
pub const BLOCK: usize = 4096;
/// Bytes of a journal file, unless a test says otherwise; none has more.
pub const FILE_BYTES: u64 = 64 << 20;
/// The largest number of a file that is read; no journal comes to it.
pub const FILE_NUMBER_MAX: u64 = u64::MAX >> 1;
const MAGIC: [u8; 8] = *b"CFJRNL\0\x01";

/// What the header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileHeader {
    /// The data folder this file belongs to.
    pub folder: [u8; 16],
    /// The file's number.
    pub number: u64,
    /// The file's size in bytes.
    pub size: u64,
}

impl FileHeader {
    /// The header block.
    pub fn encode(&self) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        block[0..8].copy_from_slice(&MAGIC);
        block[8..24].copy_from_slice(&self.folder);
        block[24..32].copy_from_slice(&self.number.to_be_bytes());
        block[32..40].copy_from_slice(&self.size.to_be_bytes());
        let crc = crc32c::crc32c(&block[..BLOCK - 4]);
        block[BLOCK - 4..].copy_from_slice(&crc.to_be_bytes());
        block
    }

    /// Reads a header block; the error says what is wrong with it.
    pub fn decode(block: &[u8]) -> Result<FileHeader, &'static str> {
        let body = block.get(..BLOCK - 4).ok_or("shorter than a header block")?;
        let mut cursor = Cursor::new(block);
        let mut read = || {
            let magic: [u8; 8] = cursor.array()?;
            let folder = cursor.array()?;
            let header = FileHeader { folder, number: cursor.u64()?, size: cursor.u64()? };
            let rest = cursor.take(BLOCK - 44)?;
            Ok::<_, super::bytes::Short>((magic, header, rest, cursor.u32()?))
        };
        let (magic, header, rest, crc) = read().map_err(|_| "shorter than a header block")?;
        if magic != MAGIC {
            return Err("does not begin with CFJRNL and layout version 1");
        }
        if crc != crc32c::crc32c(body) {
            return Err("the checksum of the header does not hold");
        }
        if rest.iter().any(|b| *b != 0) {
            return Err("reserved bytes of the header are not zero");
        }
        Ok(header)
    }
}

/// The name of the file with this number.
pub fn file_name(number: u64) -> String {
    format!("journal/{number:016x}")
}

//! Journal files and frames, as bytes.
//!
//! ```text
//! file header, block 0:  0/8 "CFJRNL\0\x01" · 8/16 folder id · 24/8 file number · 32/8 file size
//!                        40/4052 zero · 4092/4 CRC-32C of bytes 0–4091
//! frame, on 4,096:       0/4 "CFRM" · 4/4 length · 8/8 file number · 16/8 frame number
//!                        24/8 written_at · 32/4 trailer CRC of the frame before
//!                        36/2 sections · 38/2 flags (bit 0: copied, bit 1: marked)
//!                        40/16 mark, zero where there is none · 56/4 zero
//!                        60/4 CRC-32C of bytes 0–59 · 64… sections, each padded to 8
//!                        length−4/4 CRC-32C of all before · zeros to the next 4,096
//! ```
//!
//! Whether a mark holds only the server's own key of frames says, which a judge does not have: its
//! bytes are under the CRC, and nothing that is proved rests on them.

use super::reader::{Reader, is_zero};

pub(super) const BLOCK: usize = 4096;
const HEADER: usize = 64;
const TRAILER: usize = 4;
const COPIED: u16 = 1;
const MARKED: u16 = 2;

/// A frame whose CRCs hold and whose zeros are zero.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    pub(super) number: u64,
    /// Byte of the file at which it stands.
    pub(super) offset: usize,
    pub(super) crc_before: u32,
    pub(super) crc: u32,
    pub(super) copied: bool,
    pub(super) sections: u16,
    /// From magic to trailer.
    pub(super) bytes: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Reads the frame at `offset` of a file, or says why there is none.
    pub(super) fn at(
        file: &'a [u8],
        offset: usize,
        file_number: u64,
    ) -> Result<Frame<'a>, &'static str> {
        let rest = file.get(offset..).ok_or("it is past the file's end")?;
        let mut header = Reader(rest.get(..HEADER).ok_or("the header is cut short")?);
        let crc_of_header = crc32c::crc32c(&rest[..HEADER - 4]);
        let frame = Frame::header(&mut header, offset).ok_or("the header is cut short")?;
        let (frame, length, named_file, flags) = frame;
        if !rest.starts_with(b"CFRM") || header.u32() != Some(crc_of_header) {
            return Err("the header's magic or CRC does not hold");
        }
        let zeros = if flags & MARKED == 0 { &rest[40..60] } else { &rest[56..60] };
        if flags & !(COPIED | MARKED) != 0 || !is_zero(zeros) || named_file != file_number {
            return Err("the header has unknown flags or is of another file");
        }
        if length < HEADER + TRAILER || length > rest.len() {
            return Err("its length does not fit");
        }
        let (bytes, behind) = rest.split_at(length);
        let (body, crc) = bytes.split_last_chunk::<4>().ok_or("its length does not fit")?;
        let crc = u32::from_be_bytes(*crc);
        if crc32c::crc32c(body) != crc {
            return Err("its CRC does not hold");
        }
        let padding = length.next_multiple_of(BLOCK) - length;
        if !behind.get(..padding).is_some_and(is_zero) {
            return Err("the bytes behind it are not zero");
        }
        Ok(Frame { crc, bytes, ..frame })
    }

    fn header(header: &mut Reader<'_>, offset: usize) -> Option<(Frame<'a>, usize, u64, u16)> {
        header.take(4)?;
        let length = header.size()?;
        let file = header.u64()?;
        let number = header.u64()?;
        header.u64()?;
        let crc_before = header.u32()?;
        let sections = header.u16()?;
        let flags = header.u16()?;
        header.take(20)?;
        let copied = flags & COPIED != 0;
        let frame = Frame { number, offset, crc_before, crc: 0, copied, sections, bytes: &[] };
        Some((frame, length, file, flags))
    }

    /// The byte at which the next frame stands.
    pub(super) fn end(&self) -> usize {
        self.offset + self.bytes.len().next_multiple_of(BLOCK)
    }

    /// What stands between header and trailer.
    pub(super) fn body(&self) -> &'a [u8] {
        &self.bytes[HEADER..self.bytes.len() - TRAILER]
    }
}

/// Checks block 0 of a journal file. `Err` says what is wrong, and whether its frames count all the
/// same: those of another folder or file do not.
pub(super) fn check_header(
    block: &[u8],
    number: u64,
    size: u64,
    id: Option<[u8; 16]>,
) -> Result<(), (&'static str, bool)> {
    let cut = ("the file is cut short", false);
    let (body, crc) = block.split_last_chunk::<4>().filter(|_| block.len() == BLOCK).ok_or(cut)?;
    if crc32c::crc32c(body) != u32::from_be_bytes(*crc) {
        return Err(("the file header's CRC does not hold", true));
    }
    let mut header = Reader(body);
    if header.array() != Some(b"CFJRNL\0\x01") || !is_zero(&body[40..]) {
        return Err(("the file header is of another layout", false));
    }
    let of_folder = header.array::<16>().copied();
    let named = (header.u64(), header.u64());
    let here = (Some(number), Some(size));
    if id.is_some_and(|id| of_folder != Some(id)) || named != here {
        return Err(("the file is of another folder, number or size", false));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An empty frame of file 1 whose checksums hold, `change` made to its header before them.
    fn read(change: impl FnOnce(&mut [u8])) -> Result<bool, &'static str> {
        let mut file = vec![0; BLOCK];
        file[..4].copy_from_slice(b"CFRM");
        file[7] = (HEADER + TRAILER) as u8;
        file[15] = 1;
        change(&mut file);
        for end in [HEADER - 4, HEADER] {
            let crc = crc32c::crc32c(&file[..end]);
            file[end..end + 4].copy_from_slice(&crc.to_be_bytes());
        }
        Frame::at(&file, 0, 1).map(|frame| frame.copied)
    }

    #[test]
    fn a_mark_is_any_bytes_where_the_flag_is_and_zero_elsewhere() {
        for (flags, copied) in [(0, false), (1, true), (2, false), (3, true)] {
            assert_eq!(read(|file| file[39] = flags), Ok(copied));
            for at in 40..60 {
                let whole = read(|file| (file[39], file[at]) = (flags, 1));
                assert_eq!(whole.is_ok(), flags >= 2 && at < 56, "flags {flags}, byte {at}");
            }
        }
        for (at, flags) in [(39, 4), (39, 0x80), (38, 1)] {
            assert!(read(|file| file[at] = flags).is_err(), "byte {at}: {flags}");
        }
    }
}

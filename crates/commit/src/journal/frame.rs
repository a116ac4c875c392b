//! Frames: what one write and one fdatasync make durable.
//!
//! ```text
//!  0  4  "CFRM"                     24  8  i64 written_at, ns
//!  4  4  length, magic to trailer   32  4  trailer CRC of the frame before, 0 for frame 1
//!  8  8  file number                36  2  number of sections
//! 16  8  frame number, from 1       38  2  flags: bit 0 = copied at start-up, bit 1 = marked
//! 40 16  mark, else zero            56  4  zero
//! 60  4  CRC-32C of bytes 0 to 59
//! 64 ..  sections, each padded with zeros to 8
//! length−4  4  trailer: CRC-32C of all before it; then zeros to the next 4,096
//! ```

use super::bytes::{Cursor, Short};
use super::file::BLOCK;

/// Bytes of a frame's header.
pub const HEADER_BYTES: usize = 64;
const MAGIC: [u8; 4] = *b"CFRM";
const FLAG_COPIED: u16 = 1;
const FLAG_MARKED: u16 = 2;

/// What whoever has the key of frames puts into a frame: see [`super::mark`].
pub type Mark = [u8; 16];

/// What a frame's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// Bytes from the magic to the trailer's end.
    pub length: u32,
    /// The file the frame stands in.
    pub file: u64,
    /// The frame's number over the lane's life.
    pub number: u64,
    /// When it was written, nanoseconds since 1970.
    pub written_at: i64,
    /// The trailer of the frame before, as accepted.
    pub before: u32,
    /// How many sections follow.
    pub sections: u16,
    /// Whether start-up copied it here from an older file.
    pub copied: bool,
    /// Its mark, if it has one.
    pub mark: Option<Mark>,
}

impl FrameHeader {
    /// The header's bytes.
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        out[0..4].copy_from_slice(&MAGIC);
        out[4..8].copy_from_slice(&self.length.to_be_bytes());
        out[8..16].copy_from_slice(&self.file.to_be_bytes());
        out[16..24].copy_from_slice(&self.number.to_be_bytes());
        out[24..32].copy_from_slice(&self.written_at.to_be_bytes());
        out[32..36].copy_from_slice(&self.before.to_be_bytes());
        out[36..38].copy_from_slice(&self.sections.to_be_bytes());
        let marked = if self.mark.is_some() { FLAG_MARKED } else { 0 };
        let copied = if self.copied { FLAG_COPIED } else { 0 };
        out[38..40].copy_from_slice(&(copied | marked).to_be_bytes());
        out[40..56].copy_from_slice(&self.mark.unwrap_or_default());
        let crc = crc32c::crc32c(&out[..60]);
        out[60..].copy_from_slice(&crc.to_be_bytes());
        out
    }

    /// Reads a frame header. `None` if these bytes are none.
    pub fn decode(bytes: &[u8]) -> Option<FrameHeader> {
        let head = bytes.get(..HEADER_BYTES)?;
        let read = || {
            let mut c = Cursor::new(head);
            let magic: [u8; 4] = c.array()?;
            let (length, file, number) = (c.u32()?, c.u64()?, c.u64()?);
            let (written_at, before, sections, flags) = (c.i64()?, c.u32()?, c.u16()?, c.u16()?);
            let (mark, zero, crc): (Mark, _, _) = (c.array()?, c.u32()?, c.u32()?);
            let (copied, marked) = (flags & FLAG_COPIED != 0, flags & FLAG_MARKED != 0);
            let plain = magic == MAGIC
                && crc == crc32c::crc32c(&head[..60])
                && flags & !(FLAG_COPIED | FLAG_MARKED) == 0
                && zero == 0
                && (marked || mark == [0; 16]);
            let mark = marked.then_some(mark);
            let header =
                FrameHeader { length, file, number, written_at, before, sections, copied, mark };
            Ok::<_, Short>(plain.then_some(header))
        };
        read().ok().flatten()
    }
}

/// A frame whose checksums hold.
#[derive(Clone, Debug)]
pub struct Frame<'a> {
    /// Its header.
    pub header: FrameHeader,
    /// Its sections.
    pub sections: &'a [u8],
    /// Its trailer.
    pub crc: u32,
}

impl<'a> Frame<'a> {
    /// Reads the frame at the start of `bytes`; `None` if there is none whose checksums hold.
    pub fn decode(bytes: &'a [u8]) -> Option<Frame<'a>> {
        let header = FrameHeader::decode(bytes)?;
        let length = header.length as usize;
        let body = bytes.get(..length)?;
        let sections = body.get(HEADER_BYTES..length.checked_sub(4)?)?;
        let crc = u32::from_be_bytes(body[length - 4..].try_into().ok()?);
        let padding = bytes.get(length..length.next_multiple_of(BLOCK))?;
        let holds = crc == crc32c::crc32c(&body[..length - 4]) && padding.iter().all(|b| *b == 0);
        holds.then_some(Frame { header, sections, crc })
    }

    /// Bytes the frame takes in its file, padding included.
    pub fn room(&self) -> u64 {
        (self.header.length as usize).next_multiple_of(BLOCK) as u64
    }
}

/// Finishes the frame in `out`, which holds [`HEADER_BYTES`] of anything and then the sections:
/// fills in header, trailer and padding. Returns the trailer. The mark is the header's.
pub fn finish(out: &mut Vec<u8>, mut header: FrameHeader) -> u32 {
    header.length = length(out);
    out[..HEADER_BYTES].copy_from_slice(&header.encode());
    let crc = crc32c::crc32c(out);
    out.extend_from_slice(&crc.to_be_bytes());
    out.resize(out.len().next_multiple_of(BLOCK), 0);
    crc
}

/// The length of the frame that [`finish`] makes of `out`.
///
/// # Panics
/// If the frame is longer than 4 GiB; the lane keeps it below a file's size.
pub(super) fn length(out: &[u8]) -> u32 {
    u32::try_from(out.len() + 4).expect("a frame is smaller than its file")
}

/// A header for tests.
#[cfg(test)]
pub(super) const EXAMPLE: FrameHeader = FrameHeader {
    length: 0,
    file: 3,
    number: 9,
    written_at: 7,
    before: 5,
    sections: 1,
    copied: false,
    mark: None,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_comes_back_and_no_flipped_bit_does() {
        for (copied, mark) in [(true, None), (false, Some([9; 16])), (true, Some([0; 16]))] {
            let mut bytes = vec![0; HEADER_BYTES];
            bytes.extend_from_slice(b"sections");
            let header = FrameHeader { copied, mark, ..EXAMPLE };
            let crc = finish(&mut bytes, header);
            let frame = Frame::decode(&bytes).expect("whole");
            assert_eq!((frame.sections, frame.crc, frame.room()), (&b"sections"[..], crc, 4096));
            assert_eq!(frame.header, FrameHeader { length: 76, ..header });
            for bit in 0..bytes.len() * 8 {
                bytes[bit / 8] ^= 1 << (bit % 8);
                assert!(Frame::decode(&bytes).is_none(), "bit {bit}");
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
        }
    }

    /// Header bytes with a checksum that holds, `change` made before it.
    fn header_with(change: impl FnOnce(&mut [u8])) -> Option<FrameHeader> {
        let header = FrameHeader {
            length: 68,
            file: 1,
            number: 1,
            written_at: 0,
            before: 0,
            sections: 0,
            copied: false,
            mark: None,
        };
        let mut bytes = header.encode();
        change(&mut bytes);
        let crc = crc32c::crc32c(&bytes[..60]);
        bytes[60..].copy_from_slice(&crc.to_be_bytes());
        FrameHeader::decode(&bytes)
    }

    #[test]
    fn flags_and_zeros_are_checked() {
        assert!(header_with(|_| {}).is_some_and(|header| header.mark.is_none()));
        assert!(header_with(|bytes| bytes[39] = 2).is_some_and(|h| h.mark == Some([0; 16])));
        for flags in [4_u16, 0x8000, 0x0103] {
            let change = |bytes: &mut [u8]| bytes[38..40].copy_from_slice(&flags.to_be_bytes());
            assert!(header_with(change).is_none(), "{flags:x}");
        }
        for at in 40..60 {
            assert!(header_with(|bytes| bytes[at] = 1).is_none(), "no mark, byte {at}");
            let marked = header_with(|bytes| (bytes[39], bytes[at]) = (2, 1));
            assert_eq!(marked.is_some(), at < 56, "a mark, byte {at}");
        }
    }
}

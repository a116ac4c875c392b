//! A section: events of one log in one frame.
//!
//! ```text
//! 0/2 kind (1; bit 15: may be skipped) · 2/2 codec (1: zstd) · 4/4 length
//! 8/8 first seq · 16/4 count · 20/4 key id (0: not encrypted) · 24/12 nonce
//! 36/4 bytes of the sealed part · 40/4 bytes of the event list · 44/2 bytes of origin
//! 46/2 bytes of the checkpoint of size `first` · 48/32 root after
//! 80… origin ‖ checkpoint ‖ zeros to 8 ‖ recorded_at 8·count ‖ digests 32·count
//!     ‖ id tags 16·count ‖ sealed part
//! sealed part: u32 ‖ epochs (number u32, class u16, key 32)… ‖ u32 ‖ producers' state ‖ event list
//! ```

use super::Judge;
use super::frame::Frame;
use super::log::LogState;
use super::reader::{Reader, is_zero};
use crate::error::{Malformed, malformed};
use crate::verdict::Reason;

const HEAD: usize = 80;
const KIND_EVENTS: u16 = 1;
const KIND_MAY_BE_SKIPPED: u16 = 1 << 15;

/// A section of events, its parts found but not believed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Section<'a> {
    pub(super) origin: &'a str,
    pub(super) first: u64,
    pub(super) count: usize,
    pub(super) codec: u16,
    pub(super) key_id: u32,
    /// Zero in a section that is not encrypted.
    pub(super) nonce: &'a [u8],
    pub(super) list_bytes: usize,
    pub(super) root_after: &'a [u8; 32],
    pub(super) checkpoint: &'a str,
    pub(super) recorded_at: &'a [u8],
    pub(super) digests: &'a [u8],
    pub(super) sealed: &'a [u8],
}

/// Epochs and event list of a section that is not encrypted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sealed<'a> {
    pub(super) epochs: &'a [u8],
    /// As stored, perhaps compressed.
    pub(super) list: &'a [u8],
}

/// Judges every section of a frame that counts.
pub(super) fn judge_frame(
    frame: &Frame<'_>,
    file: &str,
    logs: &mut [LogState],
    judge: &mut Judge<'_>,
) {
    let place = format!("{file}, byte {} (frame {})", frame.offset, frame.number);
    let sections = split(frame).unwrap_or_else(|fault| {
        judge.docket.add(Reason::Malformed, None, None, place.clone(), fault.to_string());
        Vec::new()
    });
    for section in sections {
        match logs.iter_mut().find(|log| log.origin == section.origin) {
            Some(log) => log.judge_section(&section, &place, judge),
            None => {
                let what = format!("events of {}, a log the folder does not know", section.origin);
                judge.docket.add(Reason::Malformed, None, None, place.clone(), what);
            }
        }
    }
}

/// The tree sizes that a frame's sections lead to.
pub(super) fn sizes(frame: &Frame<'_>) -> Vec<(String, u64)> {
    let sections = split(frame).unwrap_or_default();
    let size = |s: &Section<'_>| (s.origin.to_owned(), s.first.saturating_add(s.count as u64));
    sections.iter().map(size).collect()
}

/// All sections of a frame, but those of kinds that may be skipped.
fn split<'a>(frame: &Frame<'a>) -> Result<Vec<Section<'a>>, Malformed> {
    let mut rest = Reader(frame.body());
    let mut sections = Vec::new();
    for _ in 0..frame.sections {
        let cut = || malformed("a section is cut short");
        let length = rest.0.get(4..8).and_then(|bytes| Reader(bytes).size()).ok_or_else(cut)?;
        let bytes = rest.take(length).ok_or_else(cut)?;
        let padding = rest.take(length.next_multiple_of(8) - length).ok_or_else(cut)?;
        if !is_zero(padding) {
            return Err(malformed("the bytes behind a section are not zero"));
        }
        match Reader(bytes).u16() {
            Some(KIND_EVENTS) => sections.push(Section::parse(bytes).ok_or_else(cut)?),
            Some(kind) if kind & KIND_MAY_BE_SKIPPED != 0 => {}
            _ => return Err(malformed("a section is of an unknown kind")),
        }
    }
    match rest.is_empty() {
        true => Ok(sections),
        false => Err(malformed("the frame has more than its sections")),
    }
}

impl<'a> Section<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Section<'a>> {
        let mut head = Reader(bytes.get(..HEAD)?);
        head.u16()?;
        let codec = head.u16()?;
        head.u32()?;
        let first = head.u64()?;
        let count = head.size().filter(|&count| count > 0)?;
        let key_id = head.u32()?;
        let nonce = head.take(12)?;
        let sealed_bytes = head.size()?;
        let list_bytes = head.size()?;
        let origin_bytes = usize::from(head.u16()?);
        let checkpoint_bytes = usize::from(head.u16()?);
        let root_after = head.array()?;
        let mut rest = Reader(&bytes[HEAD..]);
        let origin = std::str::from_utf8(rest.take(origin_bytes)?).ok()?;
        let checkpoint = std::str::from_utf8(rest.take(checkpoint_bytes)?).ok()?;
        let texts = HEAD + origin_bytes + checkpoint_bytes;
        let padding = rest.take(texts.next_multiple_of(8) - texts)?;
        let recorded_at = rest.take(count.checked_mul(8)?)?;
        let digests = rest.take(count.checked_mul(32)?)?;
        rest.take(count.checked_mul(16)?)?;
        let sealed = rest.take(sealed_bytes)?;
        let section = Section {
            origin,
            first,
            count,
            codec,
            key_id,
            nonce,
            list_bytes,
            root_after,
            checkpoint,
            recorded_at,
            digests,
            sealed,
        };
        (is_zero(padding) && rest.is_empty()).then_some(section)
    }

    /// Splits the sealed part.
    pub(super) fn open(&self) -> Option<Sealed<'a>> {
        let mut rest = Reader(self.sealed);
        let epochs = rest.counted()?;
        rest.counted()?;
        Some(Sealed { epochs, list: rest.0 })
    }
}

//! Sections: the events that one frame adds to one log.
//!
//! ```text
//!  0  2  kind: 1 = events of one log      36  4  bytes of the sealed part
//!  2  2  codec: 1 = zstd                  40  4  bytes of the event list before compression
//!  4  4  section length                   44  2  bytes of origin
//!  8  8  first seq = tree size before     46  2  bytes of the checkpoint of size `first`
//! 16  4  count, at least 1                48 32  root after
//! 20  4  key id, 0 = not encrypted        24 12  nonce
//! 80 ..  origin ‖ checkpoint ‖ zeros to 8
//! ..     recorded_at 8·count ‖ event digests 32·count ‖ id tags 16·count
//! ..     sealed part: u32 n ‖ epochs ‖ u32 n ‖ producers ‖ event list
//! ```

use event::{Hash, Leaf};

use super::bytes::{Cursor, Short, pad8};
use super::event_list::Chunk;

const HEAD_BYTES: usize = 80;
const KIND_EVENTS: u16 = 1;
const KIND_SKIPPABLE: u16 = 0x8000;
const CODEC_ZSTD: u16 = 1;
/// Bytes of one epoch in the sealed part.
const EPOCH_BYTES: usize = 38;

/// First half of HMAC-SHA-256(id key, u16 len ‖ tenant ‖ u16 len ‖ producer ‖ id).
pub type IdTag = [u8; 16];

/// A key from which event keys are made, as the journal keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct EpochRecord {
    /// Number, unique in its log.
    pub number: u32,
    /// Retention class.
    pub class: u16,
    /// The key.
    pub key: [u8; 32],
}

/// What a section is written from.
pub struct SectionDraft<'a> {
    /// The tree's size before.
    pub first: u64,
    /// The log's origin.
    pub origin: &'a str,
    /// The signed checkpoint of size `first`.
    pub checkpoint: &'a str,
    /// The tree's root with these events.
    pub root_after: Hash,
    /// Leaves, in order.
    pub leaves: &'a [Leaf],
    /// Id tags, in the same order.
    pub tags: &'a [IdTag],
    /// Epochs that no section of this log has listed yet.
    pub epochs: &'a [EpochRecord],
    /// The events, compressed in pieces.
    pub chunks: &'a [Chunk],
}

impl SectionDraft<'_> {
    /// Appends the section to a frame under construction. Returns where in `out` the event list
    /// begins.
    ///
    /// # Panics
    /// If a part is longer than its length field; the lane bounds a frame by its file's size.
    pub fn encode(&self, out: &mut Vec<u8>) -> usize {
        let start = out.len();
        let fixed = "a section is smaller than its frame";
        let event_list: usize = self.chunks.iter().map(|c| c.bytes.len()).sum();
        let raw: usize = self.chunks.iter().map(|c| c.raw_bytes as usize).sum();
        let sealed = 4 + self.epochs.len() * EPOCH_BYTES + 4 + event_list;
        let named = pad8(HEAD_BYTES + self.origin.len() + self.checkpoint.len());
        let length = named + self.leaves.len() * (8 + 32 + 16) + sealed;
        let put32 = |out: &mut Vec<u8>, n: usize| {
            out.extend_from_slice(&u32::try_from(n).expect(fixed).to_be_bytes());
        };
        let put16 = |out: &mut Vec<u8>, n: usize| {
            out.extend_from_slice(&u16::try_from(n).expect(fixed).to_be_bytes());
        };
        out.extend_from_slice(&KIND_EVENTS.to_be_bytes());
        out.extend_from_slice(&CODEC_ZSTD.to_be_bytes());
        put32(out, length);
        out.extend_from_slice(&self.first.to_be_bytes());
        put32(out, self.leaves.len());
        out.extend_from_slice(&[0; 4 + 12]);
        put32(out, sealed);
        put32(out, raw);
        put16(out, self.origin.len());
        put16(out, self.checkpoint.len());
        out.extend_from_slice(&self.root_after);
        out.extend_from_slice(self.origin.as_bytes());
        out.extend_from_slice(self.checkpoint.as_bytes());
        out.resize(start + named, 0);
        for leaf in self.leaves {
            out.extend_from_slice(&leaf.recorded_at.to_be_bytes());
        }
        for leaf in self.leaves {
            out.extend_from_slice(&leaf.digest);
        }
        out.extend_from_slice(self.tags.as_flattened());
        put32(out, self.epochs.len() * EPOCH_BYTES);
        for epoch in self.epochs {
            out.extend_from_slice(&epoch.number.to_be_bytes());
            out.extend_from_slice(&epoch.class.to_be_bytes());
            out.extend_from_slice(&epoch.key);
        }
        put32(out, 0);
        let event_list_at = out.len();
        for chunk in self.chunks {
            out.extend_from_slice(&chunk.bytes);
        }
        out.resize(start + pad8(out.len() - start), 0);
        event_list_at
    }
}

/// A section as read back.
#[derive(Clone)]
pub struct Section<'a> {
    /// The tree's size before.
    pub first: u64,
    /// The log's origin.
    pub origin: &'a str,
    /// The signed checkpoint of size `first`.
    pub checkpoint: &'a str,
    /// The tree's root with these events.
    pub root_after: Hash,
    /// The leaves.
    pub leaves: Vec<Leaf>,
    /// Id tags.
    pub tags: &'a [IdTag],
    /// Epochs first used here.
    pub epochs: Vec<EpochRecord>,
    /// The event list, compressed.
    pub event_list: &'a [u8],
    /// Where the event list begins, from the start of the sections.
    pub event_list_at: usize,
    /// Its bytes before compression.
    pub event_list_raw: u32,
}

/// Why a section whose frame's checksum holds cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectionError(pub &'static str);

impl From<Short> for SectionError {
    fn from(_: Short) -> Self {
        SectionError("a section is shorter than it says")
    }
}

/// Reads all sections of a frame.
pub fn sections(bytes: &[u8], count: u16) -> Result<Vec<Section<'_>>, SectionError> {
    let mut cursor = Cursor::new(bytes);
    let mut found = Vec::new();
    for _ in 0..count {
        let start = cursor.at();
        let mut head = cursor.clone();
        let (kind, codec, length) = (head.u16()?, head.u16()?, head.u32()? as usize);
        let body = cursor.take(length)?;
        if cursor.take(pad8(length) - length)?.iter().any(|b| *b != 0) {
            return Err(SectionError("padding of a section is not zero"));
        }
        match (kind, codec) {
            (KIND_EVENTS, CODEC_ZSTD) => found.push(section(body, start)?),
            (KIND_EVENTS, _) => return Err(SectionError("unknown codec of a section")),
            (kind, _) if kind & KIND_SKIPPABLE != 0 => {}
            _ => return Err(SectionError("unknown kind of section; a newer version wrote it")),
        }
    }
    if !cursor.is_done() {
        return Err(SectionError("bytes behind the last section"));
    }
    Ok(found)
}

fn section(body: &[u8], start: usize) -> Result<Section<'_>, SectionError> {
    let text = |bytes| {
        std::str::from_utf8(bytes).map_err(|_| SectionError("origin or checkpoint is not UTF-8"))
    };
    let mut c = Cursor::new(body);
    c.take(8)?;
    let (first, count, key) = (c.u64()?, c.u32()? as usize, c.u32()?);
    if key != 0 || c.take(12)?.iter().any(|b| *b != 0) {
        return Err(SectionError("encrypted with a key that is not known"));
    }
    let (sealed_bytes, event_list_raw) = (c.u32()? as usize, c.u32()?);
    let (origin_bytes, checkpoint_bytes) = (usize::from(c.u16()?), usize::from(c.u16()?));
    let root_after = c.array()?;
    let origin = text(c.take(origin_bytes)?)?;
    let checkpoint = text(c.take(checkpoint_bytes)?)?;
    if c.take(pad8(c.at()) - c.at())?.iter().any(|b| *b != 0) {
        return Err(SectionError("padding inside a section is not zero"));
    }
    let (times, digests) = (c.take(count.saturating_mul(8))?, c.take(count.saturating_mul(32))?);
    let (tags, _) = c.take(count.saturating_mul(16))?.as_chunks::<16>();
    let sealed_at = c.at();
    let epoch_bytes = c.u32()? as usize;
    let epochs = epochs(c.take(epoch_bytes)?)?;
    let producers = c.u32()? as usize;
    c.take(producers)?;
    let event_list_at = start + c.at();
    let event_list = c.rest();
    if count == 0 || body.len() - sealed_at != sealed_bytes {
        return Err(SectionError("the counts of a section do not agree"));
    }
    let leaves = (times.as_chunks::<8>().0.iter())
        .zip(digests.as_chunks::<32>().0)
        .map(|(time, digest)| Leaf { recorded_at: i64::from_be_bytes(*time), digest: *digest })
        .collect();
    Ok(Section {
        first,
        origin,
        checkpoint,
        root_after,
        leaves,
        tags,
        epochs,
        event_list,
        event_list_at,
        event_list_raw,
    })
}

fn epochs(bytes: &[u8]) -> Result<Vec<EpochRecord>, SectionError> {
    let mut c = Cursor::new(bytes);
    let mut found = Vec::new();
    while !c.is_done() {
        found.push(EpochRecord { number: c.u32()?, class: c.u16()?, key: c.array()? });
    }
    Ok(found)
}

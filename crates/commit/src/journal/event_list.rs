//! The event list: what the events say, compressed.
//!
//! Per event: `u32 length of what follows ‖ epoch u32 ‖ counter u64 ‖ u16 n`, then per field in
//! path order `u16 length ‖ path text ‖ u8 form ‖ u32 length ‖ bytes`, form 0 = the value's text.
//!
//! The list is cut into chunks of at most [`CHUNK_EVENTS`] events, each one zstd frame of its own:
//! one behind the other they are still one zstd stream, and reading one event unpacks one chunk.

use std::cell::RefCell;
use std::ops::Range;

use event::Fields;

use super::bytes::{Cursor, Short};

/// Events in one chunk.
pub const CHUNK_EVENTS: usize = 64;
/// A chunk is closed when it has so many bytes before compression.
const CHUNK_BYTES: usize = 128 << 10;
/// zstd level: the one at which compression costs about as much as digesting.
const LEVEL: i32 = 1;
const FORM_TEXT: u8 = 0;

/// Consecutive events, compressed together.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// One zstd frame.
    pub bytes: Vec<u8>,
    /// Bytes before compression.
    pub raw_bytes: u32,
    /// How many events.
    pub events: u32,
}

/// Where an event's salts come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SaltPlace {
    /// Number of the epoch.
    pub epoch: u32,
    /// The event's counter in it.
    pub counter: u64,
}

/// An event as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Where its salts come from.
    pub salts: SaltPlace,
    /// What it says.
    pub fields: Fields,
}

/// Why a stored event cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventListError(pub &'static str);

const BROKEN: EventListError = EventListError("the event list cannot be unpacked");

impl From<Short> for EventListError {
    fn from(_: Short) -> Self {
        EventListError("an event is shorter than it says")
    }
}

/// Collects events into chunks.
#[derive(Default)]
pub struct ChunkWriter {
    raw: Vec<u8>,
    events: u32,
    done: Vec<Chunk>,
}

thread_local! {
    /// A compressor's tables are large; each thread keeps one.
    static COMPRESSOR: RefCell<Option<zstd::bulk::Compressor<'static>>> =
        const { RefCell::new(None) };
    /// The same for reading.
    static DECOMPRESSOR: RefCell<Option<zstd::bulk::Decompressor<'static>>> =
        const { RefCell::new(None) };
}

impl ChunkWriter {
    /// Adds one event.
    ///
    /// # Panics
    /// If a field is longer than its length field; admission's limits are far below.
    pub fn push(&mut self, fields: &Fields, salts: SaltPlace) {
        let fixed = "admission bounds fields and their lengths";
        let start = self.raw.len();
        self.raw.extend_from_slice(&[0; 4]);
        self.raw.extend_from_slice(&salts.epoch.to_be_bytes());
        self.raw.extend_from_slice(&salts.counter.to_be_bytes());
        self.raw.extend_from_slice(&u16::try_from(fields.len()).expect(fixed).to_be_bytes());
        for field in fields.iter() {
            let path = u16::try_from(field.path.len()).expect(fixed);
            let text = u32::try_from(field.text.len()).expect(fixed);
            self.raw.extend_from_slice(&path.to_be_bytes());
            self.raw.extend_from_slice(field.path.as_bytes());
            self.raw.push(FORM_TEXT);
            self.raw.extend_from_slice(&text.to_be_bytes());
            self.raw.extend_from_slice(field.text.as_bytes());
        }
        let length = u32::try_from(self.raw.len() - start - 4).expect(fixed);
        self.raw[start..start + 4].copy_from_slice(&length.to_be_bytes());
        self.events += 1;
        if self.events as usize == CHUNK_EVENTS || self.raw.len() >= CHUNK_BYTES {
            self.close();
        }
    }

    fn close(&mut self) {
        let bytes = COMPRESSOR.with_borrow_mut(|compressor| {
            let compressor = compressor.get_or_insert_with(|| {
                zstd::bulk::Compressor::new(LEVEL).expect("zstd has memory for its tables")
            });
            compressor.compress(&self.raw).expect("zstd compresses into a buffer it sizes itself")
        });
        let raw_bytes = u32::try_from(self.raw.len()).expect("a chunk is a few MiB at most");
        self.done.push(Chunk { bytes, raw_bytes, events: self.events });
        self.raw.clear();
        self.events = 0;
    }

    /// The chunks.
    pub fn finish(mut self) -> Vec<Chunk> {
        if self.events > 0 {
            self.close();
        }
        self.done
    }
}

/// Bytes of an event list, unpacked: readers need not believe more.
pub const LIST_BYTES_MAX: u32 = 64 << 20;
/// Up to this size a list is unpacked in one go, by a decompressor that each thread keeps.
const WHOLE_BYTES_MAX: u32 = 4 << 20;

/// Unpacks one chunk, or a whole event list, of known size.
pub fn unpack(bytes: &[u8], raw_bytes: u32) -> Result<Vec<u8>, EventListError> {
    if raw_bytes > LIST_BYTES_MAX {
        return Err(EventListError("the event list is longer than 64 MiB"));
    }
    let raw = if raw_bytes <= WHOLE_BYTES_MAX {
        DECOMPRESSOR.with_borrow_mut(|kept| {
            if kept.is_none() {
                *kept = zstd::bulk::Decompressor::new().ok();
            }
            let decompressor = kept.as_mut().ok_or(BROKEN)?;
            decompressor.decompress(bytes, raw_bytes as usize).map_err(|_| BROKEN)
        })?
    } else {
        unpack_piecewise(bytes, raw_bytes).map_err(|_| BROKEN)?
    };
    if raw.len() != raw_bytes as usize {
        return Err(EventListError("the event list has another size than it says"));
    }
    Ok(raw)
}

/// Allocates as the bytes come, so that a size that lies costs nothing.
fn unpack_piecewise(bytes: &[u8], raw_bytes: u32) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let mut raw = Vec::new();
    let decoder = zstd::stream::read::Decoder::with_buffer(bytes)?;
    // One byte more than announced is asked for, so that a longer list is noticed.
    decoder.take(u64::from(raw_bytes) + 1).read_to_end(&mut raw)?;
    Ok(raw)
}

/// Reads the events of an unpacked list, one after the other.
pub fn events(raw: &[u8]) -> impl Iterator<Item = Result<StoredEvent, EventListError>> + '_ {
    let mut cursor = Cursor::new(raw);
    std::iter::from_fn(move || {
        if cursor.is_done() {
            return None;
        }
        let event = event_bytes(&mut cursor).and_then(decode);
        if event.is_err() {
            cursor.rest();
        }
        Some(event)
    })
}

/// A chunk, unpacked.
pub struct Unpacked {
    /// How many events of its list stand before it.
    pub before: u64,
    /// Its bytes.
    pub raw: Vec<u8>,
    /// Where in them each event stands, for [`decode`].
    pub events: Vec<Range<usize>>,
}

/// The chunk that holds the event at `nth` of a list of `raw_bytes` in all. What stands before it
/// is unpacked and thrown away; a list of one chunk has nothing before it.
pub fn chunk_with(list: &[u8], raw_bytes: u32, nth: u64) -> Result<Unpacked, EventListError> {
    let (mut rest, mut left, mut before) = (list, raw_bytes, 0);
    while !rest.is_empty() {
        let (size, plain) = frame_lengths(rest)?;
        left = left.checked_sub(plain).ok_or(BROKEN)?;
        let raw = unpack(&rest[..size], plain)?;
        let events = event_ranges(&raw)?;
        let count = events.len() as u64;
        if nth < before + count {
            return Ok(Unpacked { before, raw, events });
        }
        before += count;
        rest = &rest[size..];
    }
    Err(EventListError("there are not as many events as entries"))
}

/// The lengths of the zstd frames in an event list and how many events each holds, for reading
/// single events later.
pub fn chunk_lengths(list: &[u8], raw: &[u8]) -> Result<Vec<(u32, u32, u32)>, EventListError> {
    let (mut rest, mut raw_at, mut found) = (list, 0, Vec::new());
    while !rest.is_empty() {
        let (size, plain) = frame_lengths(rest)?;
        let end = raw_at + plain as usize;
        let events = event_ranges(raw.get(raw_at..end).ok_or(BROKEN)?)?;
        found.push((size as u32, plain, events.len() as u32));
        rest = &rest[size..];
        raw_at = end;
    }
    Ok(found)
}

/// Bytes of the first zstd frame, compressed and not.
fn frame_lengths(list: &[u8]) -> Result<(usize, u32), EventListError> {
    let size = zstd::zstd_safe::find_frame_compressed_size(list).map_err(|_| BROKEN)?;
    let plain = zstd::zstd_safe::get_frame_content_size(list).ok().flatten().ok_or(BROKEN)?;
    Ok((size.min(list.len()), u32::try_from(plain).map_err(|_| BROKEN)?))
}

fn event_ranges(raw: &[u8]) -> Result<Vec<Range<usize>>, EventListError> {
    let (mut cursor, mut found) = (Cursor::new(raw), Vec::with_capacity(CHUNK_EVENTS));
    while !cursor.is_done() {
        let start = cursor.at() + 4;
        event_bytes(&mut cursor)?;
        found.push(start..cursor.at());
    }
    Ok(found)
}

fn event_bytes<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], EventListError> {
    let length = cursor.u32()? as usize;
    Ok(cursor.take(length)?)
}

/// Reads one event.
pub fn decode(bytes: &[u8]) -> Result<StoredEvent, EventListError> {
    let text = |bytes| {
        std::str::from_utf8(bytes).map_err(|_| EventListError("a path or a text is not UTF-8"))
    };
    let mut c = Cursor::new(bytes);
    let salts = SaltPlace { epoch: c.u32()?, counter: c.u64()? };
    let count = c.u16()?;
    let mut stored = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        let path_bytes = usize::from(c.u16()?);
        let path = text(c.take(path_bytes)?)?;
        if c.u8()? != FORM_TEXT {
            return Err(EventListError("a field has a form that is not known"));
        }
        let text_bytes = c.u32()? as usize;
        stored.push((path, text(c.take(text_bytes)?)?));
    }
    if !c.is_done() {
        return Err(EventListError("bytes behind the last field of an event"));
    }
    let fields = Fields::from_stored(stored.iter().copied())
        .map_err(|_| EventListError("the fields of an event are not in order"))?;
    Ok(StoredEvent { salts, fields })
}

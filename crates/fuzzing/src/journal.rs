//! The journal's layers, each given hostile bytes directly, so that no checksum stands before it.

use commit::journal::event_list::{self, ChunkWriter};
use commit::journal::file::{BLOCK, FileHeader};
use commit::journal::frame::{Frame, FrameHeader, HEADER_BYTES, finish};
use commit::journal::section::{Section, SectionDraft, sections};
use event::{Fields, Value};

/// Bytes to which an event list may unpack here.
const RAW_BYTES_MAX: u32 = 1 << 20;

/// File headers, frames and sections. The first two bytes are the number of sections announced.
pub fn frame(bytes: &[u8]) {
    if let Ok(header) = FileHeader::decode(bytes) {
        assert_eq!(&header.encode()[..], &bytes[..BLOCK]);
    }
    decode(bytes);
    let Some((count, rest)) = bytes.split_first_chunk::<2>() else { return };
    let count = u16::from_be_bytes(*count);
    if let Ok(found) = sections(rest, count) {
        found.iter().for_each(section);
    }
    decode(&framed(rest, count));
}

fn decode(bytes: &[u8]) {
    let Some(frame) = Frame::decode(bytes) else { return };
    assert!(frame.room() as usize <= bytes.len());
    let _ = sections(frame.sections, frame.header.sections);
}

/// A frame around some sections whose checksums hold.
fn framed(sections: &[u8], count: u16) -> Vec<u8> {
    let mut out = vec![0; HEADER_BYTES];
    out.extend_from_slice(sections);
    let header = FrameHeader {
        length: 0,
        file: 1,
        number: 1,
        written_at: 0,
        before: 0,
        sections: count,
        copied: false,
        mark: None,
    };
    finish(&mut out, header);
    assert_eq!(Frame::decode(&out).expect("whole").sections, sections);
    out
}

/// What a section says can be written again and says the same.
fn section(section: &Section<'_>) {
    let raw_bytes = section.event_list_raw;
    let chunk = event_list::Chunk { bytes: section.event_list.to_vec(), raw_bytes, events: 0 };
    let draft = SectionDraft {
        first: section.first,
        origin: section.origin,
        checkpoint: section.checkpoint,
        root_after: section.root_after,
        leaves: &section.leaves,
        tags: section.tags,
        epochs: &section.epochs,
        chunks: &[chunk],
    };
    let mut out = Vec::new();
    draft.encode(&mut out);
    let again = sections(&out, 1).expect("what was written can be read");
    let [again] = &again[..] else { panic!("one section was written") };
    assert_eq!((again.first, again.origin), (section.first, section.origin));
    assert_eq!((&again.leaves, again.tags), (&section.leaves, section.tags));
    assert!(again.epochs == section.epochs && again.event_list == section.event_list);
    if raw_bytes <= RAW_BYTES_MAX {
        unpacked(section.event_list, raw_bytes);
    }
}

/// Event lists, packed and not.
pub fn event_list(bytes: &[u8]) {
    plain(bytes);
    if let Some((raw_bytes, list)) = bytes.split_first_chunk::<2>() {
        unpacked(list, u32::from(u16::from_be_bytes(*raw_bytes)));
    }
}

fn unpacked(list: &[u8], raw_bytes: u32) {
    let Ok(raw) = event_list::unpack(list, raw_bytes) else { return };
    assert_eq!(raw.len(), raw_bytes as usize);
    if let Ok(lengths) = event_list::chunk_lengths(list, &raw) {
        chunks(list, &raw, &lengths);
    }
    plain(&raw);
}

/// Each event is where the lengths say.
fn chunks(list: &[u8], raw: &[u8], lengths: &[(u32, u32, u32)]) {
    let (mut before, mut raw_at) = (0, 0);
    for (_, raw_bytes, count) in lengths {
        // A chunk of no event holds none to ask for.
        for nth in [before, (before + u64::from(*count)).saturating_sub(1)]
            .into_iter()
            .filter(|_| *count > 0)
        {
            let chunk = event_list::chunk_with(list, raw.len() as u32, nth).expect("it is there");
            assert_eq!((chunk.before, chunk.events.len()), (before, *count as usize));
            assert_eq!(chunk.raw, raw[raw_at..][..*raw_bytes as usize]);
        }
        (before, raw_at) = (before + u64::from(*count), raw_at + *raw_bytes as usize);
    }
    assert!(event_list::chunk_with(list, raw.len() as u32, before).is_err());
}

/// Events that can be read are written as the bytes that they were.
fn plain(raw: &[u8]) {
    let found: Result<Vec<_>, _> = event_list::events(raw).collect();
    let Ok(found) = found else { return };
    let mut writer = ChunkWriter::default();
    for event in &found {
        if let Ok(object) = event.fields.to_value() {
            let fields = Fields::flatten(&object).expect("as many fields as stored");
            let back = fields.to_value().expect("fields of an event");
            // In whatever spelling a number was stored, it is one number.
            assert_eq!(Value::Object(back).to_json(), Value::Object(object).to_json());
        }
        writer.push(&event.fields, event.salts);
    }
    let written: Vec<u8> = writer.finish().iter().flat_map(unpack).collect();
    assert_eq!(written, raw);
}

fn unpack(chunk: &event_list::Chunk) -> Vec<u8> {
    event_list::unpack(&chunk.bytes, chunk.raw_bytes).expect("it was packed here")
}

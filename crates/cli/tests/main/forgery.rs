//! A journal file changed as somebody would who knows its layout (docs/formats/journal.md) and has
//! no key: one event says something else, and the checksum of its frame is what it was, so that no
//! later frame need be changed. Four bytes of an id tag, which no
//! signature covers, make up for the change.

const BLOCK: usize = 4096;
const HEADER: usize = 64;

/// Where the frame stands that has the event whose text contains `mark`.
pub fn frame_of(file: &[u8], mark: &str) -> Option<usize> {
    frames(file).into_iter().find(|at| list_of(frame(file, *at), mark).is_some())
}

/// Changes one letter of the text that contains `mark`.
pub fn change(file: &mut [u8], mark: &str) {
    let at = frame_of(file, mark).expect("a frame has it");
    let List { from, to, tags_end, raw } = list_of(frame(file, at), mark).expect("found above");
    let list = at + from..at + to;
    let wanted = |other: &[u8]| other.len() == raw.len() && is_other_text(&raw, other);
    let bits = (0..list.len() * 8).map(|bit| (list.start + bit / 8, 1_u8 << (bit % 8)));
    let found = bits.into_iter().find(|(at, bit)| {
        file[*at] ^= bit;
        let other = zstd::bulk::decompress(&file[list.clone()], raw.len());
        file[*at] ^= bit;
        other.is_ok_and(|other| wanted(&other))
    });
    let (place, bit) = found.expect("some bit of the list is one of a letter");
    file[place] ^= bit;
    let end = at + frame(file, at).len();
    make_up(&mut file[at..end], tags_end - 4);
}

/// Where in a frame an event list stands, where the id tags before it end, and what it unpacks to.
struct List {
    from: usize,
    to: usize,
    tags_end: usize,
    raw: Vec<u8>,
}

/// Letters alone differ: the layout within is as it was.
fn is_other_text(raw: &[u8], other: &[u8]) -> bool {
    let mut pairs = raw.iter().zip(other).filter(|(a, b)| a != b).peekable();
    let differs = pairs.peek().is_some();
    differs && pairs.all(|(a, b)| a.is_ascii_lowercase() && b.is_ascii_lowercase())
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn frames(file: &[u8]) -> Vec<usize> {
    let (mut at, mut found) = (BLOCK, Vec::new());
    while file.get(at..).is_some_and(|rest| rest.starts_with(b"CFRM")) {
        found.push(at);
        at += (u32_at(file, at + 4) as usize).next_multiple_of(BLOCK);
    }
    found
}

fn frame(file: &[u8], at: usize) -> &[u8] {
    &file[at..at + u32_at(file, at + 4) as usize]
}

/// The event list that contains `mark`.
fn list_of(frame: &[u8], mark: &str) -> Option<List> {
    let mut at = HEADER;
    while at + 8 < frame.len() - 4 {
        let (length, sealed) = (u32_at(frame, at + 4) as usize, u32_at(frame, at + 36) as usize);
        let (end, raw_bytes) = (at + length, u32_at(frame, at + 40) as usize);
        let epochs = u32_at(frame, end - sealed) as usize;
        let from = end - sealed + 4 + epochs + 4;
        if let Ok(raw) = zstd::bulk::decompress(&frame[from..end], raw_bytes)
            && raw.windows(mark.len()).any(|window| window == mark.as_bytes())
        {
            return Some(List { from, to: end, tags_end: end - sealed, raw });
        }
        at += length.next_multiple_of(8);
    }
    None
}

/// Changes the four bytes at `place` so that the trailer holds again. A CRC is linear: each bit of
/// them that is flipped flips certain bits of it, and together they can flip any.
fn make_up(frame: &mut [u8], place: usize) {
    let (body, trailer) = frame.split_last_chunk_mut::<4>().expect("a frame has a trailer");
    let is = crc32c::crc32c(body);
    let mut wanted = is ^ u32::from_be_bytes(*trailer);
    // By its highest bit: what can be flipped, and by which bits of the four bytes.
    let mut ways = [None; 32];
    for bit in 0..32 {
        body[place + bit / 8] ^= 1 << (bit % 8);
        let (mut flips, mut by) = (crc32c::crc32c(body) ^ is, 1_u32 << bit);
        body[place + bit / 8] ^= 1 << (bit % 8);
        while let Some((other, more)) = flips.checked_ilog2().and_then(|top| ways[top as usize]) {
            (flips, by) = (flips ^ other, by ^ more);
        }
        if let Some(top) = flips.checked_ilog2() {
            ways[top as usize] = Some((flips, by));
        }
    }
    while let Some(top) = wanted.checked_ilog2() {
        let (flips, by): (u32, u32) = ways[top as usize].expect("four bytes flip any");
        wanted ^= flips;
        by.to_le_bytes().iter().enumerate().for_each(|(nth, bits)| body[place + nth] ^= bits);
    }
    assert_eq!(crc32c::crc32c(body), u32::from_be_bytes(*trailer));
}

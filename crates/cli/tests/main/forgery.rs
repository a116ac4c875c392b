//! A journal file changed as somebody would who knows its layout (docs/formats/journal.md) and has
//! no key: one event says something else, and every checksum is made to fit.

const BLOCK: usize = 4096;
const HEADER: usize = 64;

/// Where the frame stands that has the event whose text contains `mark`.
pub fn frame_of(file: &[u8], mark: &str) -> Option<usize> {
    frames(file).into_iter().find(|at| list_of(frame(file, *at), mark).is_some())
}

/// Changes one letter of the text that contains `mark`, and mends all checksums from there on.
pub fn change(file: &mut [u8], mark: &str) {
    let at = frame_of(file, mark).expect("a frame has it");
    let (from, to, raw) = list_of(frame(file, at), mark).expect("found above");
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
    mend(file, at);
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

fn put(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
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

/// The event list that contains `mark`: where in the frame it stands, and what it unpacks to.
fn list_of(frame: &[u8], mark: &str) -> Option<(usize, usize, Vec<u8>)> {
    let mut at = HEADER;
    while at + 8 < frame.len() - 4 {
        let (length, sealed) = (u32_at(frame, at + 4) as usize, u32_at(frame, at + 36) as usize);
        let (end, raw_bytes) = (at + length, u32_at(frame, at + 40) as usize);
        let epochs = u32_at(frame, end - sealed) as usize;
        let from = end - sealed + 4 + epochs + 4;
        if let Ok(raw) = zstd::bulk::decompress(&frame[from..end], raw_bytes)
            && raw.windows(mark.len()).any(|window| window == mark.as_bytes())
        {
            return Some((from, end, raw));
        }
        at += length.next_multiple_of(8);
    }
    None
}

/// Each frame names the trailer of the one before.
fn mend(file: &mut [u8], from: usize) {
    let mut before = None;
    for at in frames(file).into_iter().filter(|at| *at >= from) {
        if let Some(before) = before {
            put(file, at + 32, before);
            let header = crc32c::crc32c(&file[at..at + 60]);
            put(file, at + 60, header);
        }
        let end = at + u32_at(file, at + 4) as usize - 4;
        let trailer = crc32c::crc32c(&file[at..end]);
        put(file, end, trailer);
        before = Some(trailer);
    }
}

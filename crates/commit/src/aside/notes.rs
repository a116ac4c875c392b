//! Signed checkpoints that stand in bytes that are no frame any more.
//!
//! A signature proves itself, wherever it stands: a frame that a flipped bit broke may still bring
//! the checkpoint of all that was written before it.

/// What stands between the text of a signed note and its first signature line: a newline, an empty
/// line, an em dash and a space.
const SIGNED: &[u8] = b"\n\n\xe2\x80\x94 ";
/// Bytes of a signature line, name included.
const LINE_BYTES_MAX: usize = 512;

/// What looks like a checkpoint of a log and its signature: origin and note.
pub(super) fn notes_in(bytes: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    let starts = bytes.windows(SIGNED.len()).enumerate();
    let starts = starts.filter(|(_, window)| *window == SIGNED);
    starts.filter_map(move |(at, _)| note_around(bytes, at))
}

fn note_around(bytes: &[u8], at: usize) -> Option<(&str, &str)> {
    let line = bytes.get(at + SIGNED.len()..)?;
    let line = &line[..line.len().min(LINE_BYTES_MAX)];
    let line = &line[..line.iter().position(|b| *b == b'\n')?];
    let origin = &line[..line.iter().position(|b| *b == b' ')?];
    let end = at + SIGNED.len() + line.len() + 1;
    // Before it stand the root, the size and the origin, each on its line.
    let mut start = at;
    for _ in 0..2 {
        start = bytes[..start].iter().rposition(|b| *b == b'\n')?;
    }
    let start = start.checked_sub(origin.len())?;
    let origin = std::str::from_utf8(origin).ok()?;
    Some((origin, std::str::from_utf8(bytes.get(start..end)?).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::LogKey;

    #[test]
    fn notes_are_found_among_other_bytes() {
        let origin = "audit.example.com/tlog/acme-0";
        let key = LogKey::new(origin, &[7; 32]);
        let note = key.sign(9, [3; 32]).note;
        let noise = "\n\n\u{2014} \0\n\n\u{2014} x y\n\u{1}";
        let bytes = [noise, &note, noise, &note].concat();
        let found: Vec<_> = notes_in(bytes.as_bytes()).collect();
        let found = found.iter().filter(|found| key.public().open(found.1).is_ok());
        assert_eq!(found.collect::<Vec<_>>(), [&(origin, &note[..]); 2]);
        for cut in 0..bytes.len() {
            // Whatever it looks like, nothing panics.
            let text = &bytes.as_bytes()[cut..];
            assert!(notes_in(text).count() <= notes_in(bytes.as_bytes()).count());
        }
    }
}

//! Signed checkpoints that stand in bytes that are no frame any more.
//!
//! A signature proves itself, wherever it stands: a frame that a flipped bit broke may still bring
//! the checkpoint of all that was written before it.

/// What stands between the text of a signed note and its first signature line: a newline, an empty
/// line, an em dash and a space.
const SIGNED: &[u8] = b"\n\n\xe2\x80\x94 ";
/// Bytes of a signature line, name included.
const LINE_BYTES_MAX: usize = 512;

/// Keys that sign one checkpoint at most: while one gives way to the next, both do.
const LINES_MAX: usize = 2;

/// What looks like a checkpoint of a log and its signatures: origin and note. One with two lines
/// stands here as a whole first, and then with each line alone, for a flipped bit may have broken
/// the other.
pub(super) fn notes_in(bytes: &[u8]) -> impl Iterator<Item = (&str, String)> {
    let starts = bytes.windows(SIGNED.len()).enumerate();
    let starts = starts.filter(|(_, window)| *window == SIGNED);
    starts.flat_map(move |(at, _)| notes_around(bytes, at).unwrap_or_default())
}

fn notes_around(bytes: &[u8], at: usize) -> Option<Vec<(&str, String)>> {
    let first = line(bytes, at + SIGNED.len())?;
    let origin = std::str::from_utf8(&first[..first.iter().position(|b| *b == b' ')?]).ok()?;
    // Before it stand the root, the size and the origin, each on its line.
    let mut start = at;
    for _ in 0..2 {
        start = bytes[..start].iter().rposition(|b| *b == b'\n')?;
    }
    let start = start.checked_sub(origin.len())?;
    let body = std::str::from_utf8(bytes.get(start..at + 2)?).ok()?;
    let lines = signature_lines(bytes, at + 2, origin);
    let alone = lines.iter().filter(|_| lines.len() > 1).map(|line| (*line).to_owned());
    let notes = std::iter::once(lines.concat()).chain(alone);
    Some(notes.map(|lines| (origin, format!("{body}{lines}"))).collect())
}

/// The lines at a place that look like signatures of a log, each with its newline.
fn signature_lines<'b>(bytes: &'b [u8], mut at: usize, origin: &str) -> Vec<&'b str> {
    let begins = format!("\u{2014} {origin} ");
    let mut found = Vec::new();
    while found.len() < LINES_MAX {
        let Some(line) = line(bytes, at).and_then(|line| std::str::from_utf8(line).ok()) else {
            break;
        };
        if !line.starts_with(&begins) {
            break;
        }
        at += line.len();
        found.push(line);
    }
    found
}

/// The line at a place, with its newline, if it is not too long.
fn line(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let rest = bytes.get(at..)?;
    let rest = &rest[..rest.len().min(LINE_BYTES_MAX)];
    Some(&rest[..=rest.iter().position(|b| *b == b'\n')?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Keyring, LogKey};

    const ORIGIN: &str = "audit.example.com/tlog/acme-0";

    #[test]
    fn notes_are_found_among_other_bytes() {
        let key = LogKey::new(ORIGIN, &[7; 32]);
        let note = key.sign(9, [3; 32]).note;
        let noise = "\n\n\u{2014} \0\n\n\u{2014} x y\n\u{1}";
        let bytes = [noise, &note, noise, &note].concat();
        let found: Vec<_> = notes_in(bytes.as_bytes()).collect();
        let found = found.iter().filter(|found| key.public().open(&found.1).is_ok());
        assert_eq!(found.collect::<Vec<_>>(), [&(ORIGIN, note.clone()), &(ORIGIN, note)]);
        for cut in 0..bytes.len() {
            // Whatever it looks like, nothing panics.
            let text = &bytes.as_bytes()[cut..];
            assert!(notes_in(text).count() <= notes_in(bytes.as_bytes()).count());
        }
    }

    #[test]
    fn what_two_keys_signed_is_found_whole_and_by_each_of_them() {
        let keys = [1, 2].map(|seed| LogKey::new(ORIGIN, &[seed; 32]));
        let alone = keys.each_ref().map(|key| key.sign(9, [3; 32]).note);
        let both = Keyring::new(keys.into(), Vec::new()).sign(ORIGIN, 9, [3; 32]).note;
        let found = |bytes: &[u8]| notes_in(bytes).map(|(_, note)| note).collect::<Vec<_>>();
        assert_eq!(found(both.as_bytes()), [&both[..], &alone[0], &alone[1]]);
        let last = both.trim_end().rfind('\n').expect("more lines than one");
        let mut bytes = both.into_bytes();
        bytes[last - 9] ^= 1;
        let found = found(&bytes);
        assert_eq!(found[2], alone[1], "the other line is whole");
    }
}

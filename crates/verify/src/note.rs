//! C2SP signed-note: a text and the signature lines under it.
//!
//! ```text
//! text, ending in a newline
//! (empty line)
//! — <key name> base64( u32 key id ‖ signature )
//! ```
//!
//! Parsing is strict and believes nothing: whether a signature holds is asked of a [`Vkey`].
//!
//! [`Vkey`]: crate::vkey::Vkey

use crate::base64;
use crate::error::{Malformed, malformed};

/// Signature lines that a note may carry; signed-note asks for at least 16.
const SIGNATURES_MAX: usize = 128;

/// Bytes that a note may have.
const NOTE_BYTES_MAX: usize = 1 << 20;

/// A parsed note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The signed text, with its final newline.
    pub text: String,
    /// The signature lines, in order.
    pub signatures: Vec<Signature>,
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The key's name.
    pub name: String,
    /// The key's id.
    pub id: u32,
    /// What follows the id: for Ed25519 64 bytes, for a cosignature time and 64 bytes.
    pub bytes: Vec<u8>,
}

impl Note {
    /// Reads a note, or says what is wrong with it.
    pub fn parse(note: &str) -> Result<Note, Malformed> {
        if note.len() > NOTE_BYTES_MAX {
            return Err(malformed("the note is longer than 1 MiB"));
        }
        if note.bytes().any(|b| b < 0x20 && b != b'\n') {
            return Err(malformed("the note has a control character"));
        }
        let gap = note.rfind("\n\n").ok_or_else(|| malformed("the note has no empty line"))?;
        let (text, lines) = (&note[..=gap], &note[gap + 2..]);
        let lines = lines.strip_suffix('\n').ok_or_else(|| malformed("the note is cut short"))?;
        if lines.split('\n').count() > SIGNATURES_MAX {
            return Err(malformed("the note has more than 128 signatures"));
        }
        let signatures = lines.split('\n').map(Signature::parse).collect::<Result<_, _>>()?;
        Ok(Note { text: text.to_owned(), signatures })
    }
}

impl Signature {
    fn parse(line: &str) -> Result<Signature, Malformed> {
        let bad = || malformed("the note has a line that is no signature");
        let (name, bytes) =
            line.strip_prefix("— ").and_then(|rest| rest.split_once(' ')).ok_or_else(bad)?;
        if !is_key_name(name) {
            return Err(bad());
        }
        let bytes = base64::decode(bytes, "a signature")?;
        match bytes.split_first_chunk::<4>() {
            Some((id, rest)) if !rest.is_empty() => Ok(Signature {
                name: name.to_owned(),
                id: u32::from_be_bytes(*id),
                bytes: rest.to_vec(),
            }),
            _ => Err(malformed("a signature is cut short")),
        }
    }
}

/// Not empty, without Unicode spaces and without `+`.
pub(crate) fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c == '+' || c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_may_have_empty_lines() {
        let note = Note::parse("a\n\nb\n\n— x AAAAAQI=\n— y AAAAAgM=\n").unwrap();
        assert_eq!(note.text, "a\n\nb\n");
        assert_eq!(note.signatures.len(), 2);
        assert_eq!(note.signatures[1], Signature { name: "y".into(), id: 2, bytes: vec![3] });
    }

    #[test]
    fn what_is_no_note_is_refused() {
        for bad in [
            "",
            "a\n",
            "a\n\n",
            "a\n\n— x AAAAAQI=",
            "a\n\n- x AAAAAQI=\n",
            "a\n\n— x AAAAAQI=\n\n",
            "a\n\n— x AAAAAQ==\n",
            "a\n\n— x AAAAAQI\n",
            "a\n\n—  x AAAAAQI=\n",
            "a\n\n— x+y AAAAAQI=\n",
            "a\r\n\n— x AAAAAQI=\n",
            "a\n\n— x AAAAAQI= \n",
            "a\n\n— x\u{a0}y AAAAAQI=\n",
            "a\n\n—  AAAAAQI=\n",
            "a\n— x AAAAAQI=\n",
        ] {
            assert!(Note::parse(bad).is_err(), "{bad:?}");
        }
    }
}

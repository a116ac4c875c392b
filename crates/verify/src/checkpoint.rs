//! C2SP tlog-checkpoint: a signed note that says how large a log's tree is and what its root is.
//!
//! ```text
//! <origin>
//! <tree size>
//! <base64 of the root>
//! ```
//!
//! Extension lines, which the specification lets a log add, are refused: ours have none, and what
//! nobody reads nobody should sign.

use crate::base64;
use crate::digest::Hash;
use crate::error::{Malformed, malformed};
use crate::json::NUMBER_LIMIT;
use crate::note::{Note, Signature};

const ORIGIN_BYTES_MAX: usize = 255;

/// A parsed checkpoint. Nothing in it is believed before its signatures were checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's identity.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
    /// The signed text.
    pub text: String,
    /// The signature lines under it.
    pub signatures: Vec<Signature>,
}

impl Checkpoint {
    /// Reads a signed checkpoint.
    pub fn parse(note: &str) -> Result<Checkpoint, Malformed> {
        let Note { text, signatures } = Note::parse(note)?;
        let bad = || malformed("the note is no checkpoint");
        let mut lines = text.strip_suffix('\n').ok_or_else(bad)?.split('\n');
        let origin = lines.next().filter(|o| !o.is_empty()).ok_or_else(bad)?.to_owned();
        if origin.len() > ORIGIN_BYTES_MAX {
            return Err(malformed("the checkpoint's origin is longer than 255 bytes"));
        }
        let size = lines.next().and_then(decimal).ok_or_else(bad)?;
        let root = base64::decode_exact(lines.next().ok_or_else(bad)?, "the checkpoint's root")?;
        if lines.next().is_some() {
            return Err(malformed("the checkpoint has a line after its root"));
        }
        Ok(Checkpoint { origin, size, root, text, signatures })
    }
}

/// An ASCII decimal below 2^53 without leading zeros.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !plain || (text.len() > 1 && text.starts_with('0')) {
        return None;
    }
    text.parse().ok().filter(|&number| number < NUMBER_LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Result<Checkpoint, Malformed> {
        Checkpoint::parse(&format!("{body}\n— x AAAAAQI=\n"))
    }

    const ROOT: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

    #[test]
    fn read() {
        let checkpoint = parse(&format!("o\n0\n{ROOT}\n")).unwrap();
        assert_eq!((checkpoint.origin.as_str(), checkpoint.size), ("o", 0));
        assert_eq!(checkpoint.root, crate::tree::empty_root());
        assert!(parse(&format!("o\n9007199254740991\n{ROOT}\n")).is_ok());
    }

    #[test]
    fn refused() {
        assert!(parse(&format!("o\n1\n{ROOT}\nextension\n")).is_err());
        for size in ["", "00", "01", "+1", "-1", "9007199254740992", "99999999999999999999", "1 "] {
            assert!(parse(&format!("o\n{size}\n{ROOT}\n")).is_err(), "{size}");
        }
        assert!(parse(&format!("\n1\n{ROOT}\n")).is_err());
        assert!(parse("o\n1\n").is_err());
        assert!(parse("o\n1\nAAAA\n").is_err());
        assert!(parse(&format!("o\n1\n{ROOT}\n\nx\n")).is_err());
        assert!(parse(&format!("{}\n1\n{ROOT}\n", "o".repeat(256))).is_err());
    }
}

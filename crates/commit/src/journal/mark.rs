//! The mark of a frame: whoever has the key of frames wrote it.
//!
//! Promises: a frame with a mark that holds is, byte for byte, one that the key's holder wrote for
//! this folder, at this number, in this file. What a start is about to sign has nothing else that
//! says so.
//!
//! Never: says that a frame is the only one of its number that was written. Signatures bind what
//! is below them; a mark does not replace one.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::frame::{self, FrameHeader, HEADER_BYTES, Mark};

/// What every input to the key begins with; one zero byte follows.
const LABEL: &[u8] = b"counterfoil/frame/v1\0";
/// Where a header's checksum stands. The mark is under both checksums, so they are zero for it.
const HEADER_CRC: usize = 60;
const NO_CRC: [u8; 4] = [0; 4];

/// The key that marks the frames of one folder, from one frame on.
#[derive(Clone)]
pub struct FrameKey {
    /// Label and folder are taken in already.
    begun: Hmac<Sha256>,
    first: u64,
}

impl FrameKey {
    /// From 32 secret bytes; frames are marked from number `first` on.
    pub fn new(key: &[u8; 32], folder: [u8; 16], first: u64) -> FrameKey {
        let mut begun: Hmac<Sha256> =
            Hmac::new_from_slice(key).expect("HMAC takes keys of any length");
        begun.update(LABEL);
        begun.update(&folder);
        FrameKey { begun, first }
    }

    /// The number of the first frame that has a mark.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// Finishes the frame in `out` as [`frame::finish`] does, with its mark if it is to have one.
    pub fn finish(&self, out: &mut Vec<u8>, mut header: FrameHeader) -> u32 {
        header.length = frame::length(out);
        let is_marked = header.number >= self.first;
        header.mark = is_marked.then(|| self.mark(header, &out[HEADER_BYTES..]));
        frame::finish(out, header)
    }

    /// Whether a frame's mark holds; compared in constant time.
    pub fn holds(&self, header: FrameHeader, sections: &[u8]) -> bool {
        let mark = |mark: Mark| self.over(header, sections).verify_truncated_left(&mark).is_ok();
        header.mark.is_some_and(mark)
    }

    fn mark(&self, header: FrameHeader, sections: &[u8]) -> Mark {
        let whole: [u8; 32] = self.over(header, sections).finalize().into_bytes().into();
        std::array::from_fn(|i| whole[i])
    }

    /// The frame with its mark and both checksums as zero. A header has one spelling, so what was
    /// read is what is encoded here.
    fn over(&self, header: FrameHeader, sections: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.begun.clone();
        mac.update(&FrameHeader { mark: Some([0; 16]), ..header }.encode()[..HEADER_CRC]);
        mac.update(&NO_CRC);
        mac.update(sections);
        mac.update(&NO_CRC);
        mac
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::frame::{EXAMPLE, Frame};
    use super::*;

    fn written(key: &FrameKey, header: FrameHeader) -> Vec<u8> {
        let mut bytes = vec![0; HEADER_BYTES];
        bytes.extend_from_slice(b"sections");
        key.finish(&mut bytes, header);
        bytes
    }

    #[test]
    fn a_mark_holds_for_these_bytes_of_this_folder_alone() {
        let key = FrameKey::new(&[7; 32], [1; 16], 9);
        let bytes = written(&key, EXAMPLE);
        let Frame { header, sections, .. } = Frame::decode(&bytes).expect("whole");
        assert!(key.holds(header, sections));
        assert!(!FrameKey::new(&[8; 32], [1; 16], 9).holds(header, sections), "another key");
        assert!(!FrameKey::new(&[7; 32], [2; 16], 9).holds(header, sections), "another folder");
        assert!(!key.holds(FrameHeader { mark: None, ..header }, sections));
        // Everything but the two checksums.
        for at in (0..HEADER_CRC).chain(HEADER_BYTES..HEADER_BYTES + sections.len()) {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            let end = bytes[4..8].try_into().map_or(0, u32::from_be_bytes) as usize;
            let Some(body) = end.checked_sub(4).and_then(|end| bytes.get(HEADER_BYTES..end)) else {
                continue;
            };
            let body = body.to_vec();
            let crc = crc32c::crc32c(&bytes[..HEADER_CRC]).to_be_bytes();
            bytes[HEADER_CRC..HEADER_BYTES].copy_from_slice(&crc);
            let changed = FrameHeader::decode(&bytes);
            assert!(changed.is_none_or(|header| !key.holds(header, &body)), "byte {at}");
        }
    }

    #[test]
    fn frames_before_the_first_have_none() {
        let key = FrameKey::new(&[7; 32], [1; 16], 10);
        let marked = |number| {
            let bytes = written(&key, FrameHeader { number, mark: Some([1; 16]), ..EXAMPLE });
            FrameHeader::decode(&bytes).expect("whole").mark.is_some()
        };
        assert!(!marked(9) && marked(10) && marked(11));
    }

    #[test]
    fn frames_are_those_of_the_vector() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/formats/vectors/frame.json");
        let vector: Value =
            serde_json::from_slice(&std::fs::read(path).expect("the vector")).expect("JSON");
        let bytes = |value: &Value| -> Vec<u8> {
            let text = value.as_str().expect("hexadecimal");
            let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal");
            (0..text.len()).step_by(2).map(byte).collect()
        };
        let array = |name: &str| bytes(&vector[name]);
        let key: [u8; 32] = array("key").try_into().expect("a key");
        let key = FrameKey::new(&key, array("folder").try_into().expect("an id"), 1);
        let frames = vector["frames"].as_array().expect("a list");
        assert!(frames.len() >= 2);
        for case in frames {
            let frame = bytes(&case["frame"]);
            let mut padded = frame.clone();
            padded.resize(frame.len().next_multiple_of(4096), 0);
            let Frame { header, sections, .. } = Frame::decode(&padded).expect("whole");
            assert_eq!(header.mark.map(|mark| mark.to_vec()), Some(bytes(&case["mark"])));
            assert!(key.holds(header, sections));
            let mut out = vec![0; HEADER_BYTES];
            out.extend_from_slice(sections);
            key.finish(&mut out, FrameHeader { mark: None, length: 0, ..header });
            assert_eq!(out, padded);
        }
    }
}

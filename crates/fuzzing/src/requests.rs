//! What the server reads of a request before it knows what it is about.

use server::encoding::{DecodeError, Encoding};
use server::tile_path::Resource;

/// Bytes that may come out of a body.
const BYTES_MAX: usize = 256 << 10;

/// The first byte names an encoding, the rest is a body in it. What comes out is bounded, and room
/// was there for all of it.
pub fn encoding(bytes: &[u8]) {
    let Some((first, body)) = bytes.split_first() else { return };
    let encoding = [Encoding::Identity, Encoding::Gzip, Encoding::Zstd][usize::from(*first) % 3];
    let mut granted = 0;
    let decoded = encoding.decode(body.to_vec(), BYTES_MAX, |bytes| {
        assert!(bytes > granted && bytes <= BYTES_MAX);
        granted = bytes;
        true
    });
    match decoded {
        Ok(out) if encoding == Encoding::Identity => assert_eq!(out, body),
        Ok(out) => assert_eq!(out.len(), granted),
        Err(error) => assert_ne!(error, DecodeError::NoRoom),
    }
    let full = encoding.decode(body.to_vec(), BYTES_MAX, |_| false);
    let takes_no_room = granted == 0 || encoding == Encoding::Identity;
    assert_eq!(full == Err(DecodeError::NoRoom), !takes_no_room);
    let _ = Encoding::named(body);
}

/// A file has one path.
pub fn tile_path(bytes: &[u8]) {
    let Ok(path) = std::str::from_utf8(bytes) else { return };
    if let Some(resource) = Resource::parse(path) {
        assert_eq!(resource.to_string(), path);
    }
}

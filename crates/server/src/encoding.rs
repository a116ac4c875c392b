//! Content encodings of bodies: gzip (RFC 1952, several members too), zstd (RFC 8878), identity.
//!
//! Promises: never more than a bound comes out, and each step of it is asked for before it is
//! taken; a frame that asks for a larger window than the bound is refused.

use std::io::{self, Read};

use flate2::bufread::GzDecoder;

/// Room is asked for in steps of this.
pub(crate) const STEP_BYTES: usize = 64 << 10;
/// A zstd frame may ask for a window of 2 to the power of this, 16 MiB, which is kept while it is
/// read.
const WINDOW_LOG_MAX: u32 = 24;

/// Members of a gzip body.
const MEMBERS_MAX: u32 = 65_536;

/// How a body is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    Identity,
    /// gzip.
    Gzip,
    /// zstd.
    Zstd,
}

/// Why a body was not decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// It is not what its encoding says.
    Broken,
    /// More comes out than a body may have.
    TooLarge,
    /// There is no room for it now.
    NoRoom,
}

impl Encoding {
    /// The encoding that the value of a header `content-encoding` names; `None` if it is none of
    /// ours.
    pub fn named(value: &[u8]) -> Option<Encoding> {
        match &value.to_ascii_lowercase()[..] {
            b"identity" => Some(Encoding::Identity),
            b"gzip" | b"x-gzip" => Some(Encoding::Gzip),
            b"zstd" => Some(Encoding::Zstd),
            _ => None,
        }
    }

    /// Decodes a body to at most `bytes_max` bytes. `room` says whether as many bytes in all may be
    /// held, the encoded ones not counted.
    pub fn decode(
        self,
        body: Vec<u8>,
        bytes_max: usize,
        room: impl FnMut(usize) -> bool,
    ) -> Result<Vec<u8>, DecodeError> {
        match self {
            Encoding::Identity => Ok(body),
            Encoding::Gzip => unpack(Members::new(&body), bytes_max, room),
            Encoding::Zstd => {
                let broken = |_| DecodeError::Broken;
                let mut decoder =
                    zstd::stream::read::Decoder::with_buffer(&body[..]).map_err(broken)?;
                decoder.window_log_max(WINDOW_LOG_MAX).map_err(broken)?;
                unpack(decoder, bytes_max, room)
            }
        }
    }
}

/// The members of a gzip body, one after the other. Empty ones cost as much as others and take no
/// room, so their number has a bound of its own.
struct Members<'b> {
    current: GzDecoder<&'b [u8]>,
    left: u32,
}

impl<'b> Members<'b> {
    fn new(body: &'b [u8]) -> Members<'b> {
        Members { current: GzDecoder::new(body), left: MEMBERS_MAX }
    }
}

impl Read for Members<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.current.read(out)?;
            let rest = *self.current.get_ref();
            if count > 0 || rest.is_empty() {
                return Ok(count);
            }
            self.left = self.left.checked_sub(1).ok_or(io::ErrorKind::InvalidData)?;
            self.current = GzDecoder::new(rest);
        }
    }
}

fn unpack(
    mut decoder: impl Read,
    bytes_max: usize,
    mut room: impl FnMut(usize) -> bool,
) -> Result<Vec<u8>, DecodeError> {
    let mut out = Vec::new();
    let mut piece = vec![0; STEP_BYTES];
    loop {
        let count = decoder.read(&mut piece).map_err(|_| DecodeError::Broken)?;
        if count == 0 {
            return Ok(out);
        }
        // A bomb ends here, having been given no more room than an honest body.
        if out.len() + count > bytes_max {
            return Err(DecodeError::TooLarge);
        }
        if !room(out.len() + count) {
            return Err(DecodeError::NoRoom);
        }
        out.extend_from_slice(&piece[..count]);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(body).expect("in memory");
        writer.finish().expect("in memory")
    }

    #[test]
    fn what_was_encoded_comes_out_and_no_more_than_allowed() {
        let body = vec![b'x'; 3 * STEP_BYTES + 1];
        let zstd = zstd::bulk::compress(&body, 1).expect("in memory");
        for (encoding, encoded) in [(Encoding::Gzip, gzip(&body)), (Encoding::Zstd, zstd)] {
            let decode = |bytes_max, room: usize| {
                encoding.decode(encoded.clone(), bytes_max, |bytes| bytes <= room)
            };
            assert_eq!(decode(body.len(), body.len()).as_ref(), Ok(&body));
            assert_eq!(decode(body.len() - 1, body.len()), Err(DecodeError::TooLarge));
            assert_eq!(decode(body.len(), body.len() - 1), Err(DecodeError::NoRoom));
            let cut = encoded[..encoded.len() - 1].to_vec();
            assert_eq!(encoding.decode(cut, body.len(), |_| true), Err(DecodeError::Broken));
            let plain = encoding.decode(body.clone(), body.len(), |_| true);
            assert_eq!(plain, Err(DecodeError::Broken));
        }
    }

    #[test]
    fn several_gzip_members_are_one_body() {
        let members = [gzip(b"one "), gzip(b"two")].concat();
        assert_eq!(Encoding::Gzip.decode(members, 7, |_| true), Ok(b"one two".to_vec()));
        let empty = gzip(b"");
        let many = |count: u32| Encoding::Gzip.decode(empty.repeat(count as usize), 7, |_| true);
        assert_eq!(many(MEMBERS_MAX), Ok(Vec::new()));
        assert_eq!(many(MEMBERS_MAX + 2), Err(DecodeError::Broken));
    }
}

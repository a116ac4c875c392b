//! Reading a request body: bounded as it arrives, bounded again as it is decompressed.

use std::io::Read;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt;

use super::arrival::Late;
use super::error::Failure;
use crate::permits::Permit;

/// Room is taken from the permit in steps of this.
const STEP_BYTES: usize = 64 << 10;
/// A zstd frame may ask for a window of 2 to the power of this, as much as a body may have.
const WINDOW_LOG_MAX: u32 = 24;

/// Reads a body of at most `bytes_max` bytes, compressed and decompressed. The permit grows with
/// what is held.
pub(crate) async fn read(
    headers: &HeaderMap,
    body: Body,
    bytes_max: usize,
    permit: &mut Permit,
) -> Result<Vec<u8>, Failure> {
    let encoding = Encoding::of(headers)?;
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|bytes| bytes > bytes_max) {
        return Err(too_large(bytes_max));
    }
    // What cannot have room is refused before it is sent; room is taken for what is here alone.
    if !permit.has_room_for(announced.unwrap_or_default()) {
        return Err(no_room());
    }
    let mut room = Room { permit, taken: 0 };
    let mut bytes = Vec::with_capacity(announced.unwrap_or_default().min(STEP_BYTES));
    let mut body = body;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| unended(&error))?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > bytes_max {
            return Err(too_large(bytes_max));
        }
        room.need(bytes.len() + data.len())?;
        bytes.extend_from_slice(&data);
    }
    match encoding {
        Encoding::Plain => Ok(bytes),
        Encoding::Gzip => {
            decompress(flate2::read::MultiGzDecoder::new(&bytes[..]), bytes_max, room)
        }
        Encoding::Zstd => {
            let mut decoder =
                zstd::stream::read::Decoder::with_buffer(&bytes[..]).map_err(|_| broken())?;
            decoder.window_log_max(WINDOW_LOG_MAX).map_err(|_| broken())?;
            decompress(decoder, bytes_max, room)
        }
    }
}

enum Encoding {
    Plain,
    Gzip,
    Zstd,
}

impl Encoding {
    fn of(headers: &HeaderMap) -> Result<Encoding, Failure> {
        let value = headers.get(header::CONTENT_ENCODING);
        match value.map(|v| v.as_bytes().to_ascii_lowercase()).as_deref() {
            None | Some(b"identity") => Ok(Encoding::Plain),
            Some(b"gzip" | b"x-gzip") => Ok(Encoding::Gzip),
            Some(b"zstd") => Ok(Encoding::Zstd),
            Some(_) => Err(Failure::unsupported("content-encoding must be gzip, zstd or identity")),
        }
    }
}

/// What a body holds of its permit.
struct Room<'p> {
    permit: &'p mut Permit,
    taken: usize,
}

impl Room<'_> {
    fn need(&mut self, bytes: usize) -> Result<(), Failure> {
        if bytes <= self.taken {
            return Ok(());
        }
        let more = (bytes - self.taken).next_multiple_of(STEP_BYTES);
        if !self.permit.grow(more) {
            return Err(no_room());
        }
        self.taken += more;
        Ok(())
    }
}

fn decompress(
    decoder: impl Read,
    bytes_max: usize,
    mut room: Room<'_>,
) -> Result<Vec<u8>, Failure> {
    let compressed = room.taken;
    let mut out = Vec::new();
    let mut decoder = decoder.take(bytes_max as u64 + 1);
    let mut piece = vec![0; STEP_BYTES];
    loop {
        let count = decoder.read(&mut piece).map_err(|_| broken())?;
        if count == 0 {
            return Ok(out);
        }
        // A bomb ends here, having been given no more room than an honest body.
        if out.len() + count > bytes_max {
            return Err(too_large(bytes_max));
        }
        room.need(compressed + out.len() + count)?;
        out.extend_from_slice(&piece[..count]);
    }
}

fn unended(error: &axum::Error) -> Failure {
    let cut = || Failure::bad_request("body", "the body ended before what its headers announce");
    Late::behind(error).map_or_else(cut, Failure::late)
}

fn no_room() -> Failure {
    Failure::busy("busy", "too many bytes are in flight; retry soon")
}

fn broken() -> Failure {
    Failure::bad_request("encoding", "the body is not what its content-encoding says")
}

fn too_large(bytes_max: usize) -> Failure {
    Failure::too_large(format!("a body has at most {bytes_max} bytes, decompressed; send several"))
}

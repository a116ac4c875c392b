//! Reading a request body: bounded as it arrives, bounded again as it is decoded, which is work for
//! another thread.

use axum::body::Body;
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt;

use super::arrival::Late;
use super::error::Failure;
use crate::encoding::{DecodeError, Encoding, STEP_BYTES};
use crate::permits::Permit;

/// How many bytes hardly ever come out of one.
const RATIO_USUAL_MAX: usize = 64;

/// Reads a body of at most `bytes_max` bytes as they are sent. The permit grows with what is held.
pub(crate) async fn read(
    headers: &HeaderMap,
    body: Body,
    bytes_max: usize,
    permit: &mut Permit,
) -> Result<Arrived, Failure> {
    let encoding = encoding(headers)?;
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
    Ok(Arrived { bytes, encoding })
}

/// A whole body, as it was sent.
pub(crate) struct Arrived {
    bytes: Vec<u8>,
    encoding: Encoding,
}

impl Arrived {
    /// What work on it may weigh: bytes, some of which are yet to come out.
    pub(crate) fn weight(&self) -> usize {
        match self.encoding {
            Encoding::Identity => self.bytes.len(),
            _ => self.bytes.len().saturating_mul(RATIO_USUAL_MAX),
        }
    }

    /// Decodes it; the permit grows with what comes out.
    pub(crate) fn decode(self, bytes_max: usize, permit: &mut Permit) -> Result<Vec<u8>, Failure> {
        let mut room = Room { permit, taken: 0 };
        let decoded = self.encoding.decode(self.bytes, bytes_max, |bytes| room.need(bytes).is_ok());
        decoded.map_err(|error| match error {
            DecodeError::Broken => broken(),
            DecodeError::TooLarge => too_large(bytes_max),
            DecodeError::NoRoom => no_room(),
        })
    }
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, Failure> {
    let Some(value) = headers.get(header::CONTENT_ENCODING) else { return Ok(Encoding::Identity) };
    let unknown = || Failure::unsupported("content-encoding must be gzip, zstd or identity");
    Encoding::named(value.as_bytes()).ok_or_else(unknown)
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

fn unended(error: &axum::Error) -> Failure {
    let cut = || Failure::bad_request("body", "the body ended before what its headers announce");
    Late::behind(error).map_or_else(cut, Failure::late)
}

fn no_room() -> Failure {
    Failure::busy("busy", "too many bytes are in flight; retry soon")
}

fn broken() -> Failure {
    Failure::bad_request(
        "encoding",
        "the body is not what its content-encoding says, or a zstd window of more than 16 MiB",
    )
}

fn too_large(bytes_max: usize) -> Failure {
    Failure::too_large(format!("a body has at most {bytes_max} bytes, decompressed; send several"))
}

//! Base64 of RFC 4648 §4, strict: padding required, unused bits zero, nothing else in between.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::{Malformed, malformed};

pub(crate) fn decode(text: &str, what: &str) -> Result<Vec<u8>, Malformed> {
    STANDARD.decode(text).map_err(|_| malformed(format!("{what} is not base64")))
}

pub(crate) fn decode_exact<const N: usize>(text: &str, what: &str) -> Result<[u8; N], Malformed> {
    let bytes = decode(text, what)?;
    bytes.try_into().map_err(|_| malformed(format!("{what} is not {N} bytes")))
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict() {
        assert_eq!(decode("YQ==", "x").unwrap(), b"a");
        for bad in ["YQ", "YQ=", "YR==", "YQ==\n", "Y Q==", "YQ==YQ==", "-_==", "Y"] {
            assert!(decode(bad, "x").is_err(), "{bad}");
        }
    }
}

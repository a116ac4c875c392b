//! Looking for what a JSON string must not hold unescaped, eight bytes at a time.

/// How many bytes stand before the first quotation mark, backslash or control character.
pub(crate) fn plain(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(eight) = bytes[at..].first_chunk::<8>() {
        let marks = special(u64::from_le_bytes(*eight));
        if marks != 0 {
            return at + (marks.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    at + bytes[at..].iter().take_while(|b| !matches!(b, b'"' | b'\\' | 0..=0x1f)).count()
}

/// The high bit of the first byte that is special is the lowest bit set; bits above it may be set
/// by a borrow and say nothing.
fn special(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 0xff;
    const HIGH: u64 = ONES * 0x80;
    let zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    let quote = zero(word ^ (ONES * b'"' as u64));
    let backslash = zero(word ^ (ONES * b'\\' as u64));
    (control | quote | backslash) & HIGH
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one_by_one(bytes: &[u8]) -> usize {
        let special = |b: &u8| matches!(b, b'"' | b'\\' | 0..=0x1f);
        bytes.iter().position(special).unwrap_or(bytes.len())
    }

    #[test]
    fn every_byte_at_every_place() {
        for byte in 0..=255 {
            for at in 0..17 {
                for around in [b' ', b'!', b'#', b'[', b']', 0x7f, 0x80, 0xff] {
                    let mut bytes = [around; 17];
                    bytes[at] = byte;
                    assert_eq!(plain(&bytes), one_by_one(&bytes), "{byte} at {at}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn looks_as_one_by_one(bytes: Vec<u8>) {
            prop_assert_eq!(plain(&bytes), one_by_one(&bytes));
        }
    }
}

//! Numbers that look random and come again with the same seed (SplitMix64, Steele and others 2014).
//!
//! Promises: the same seed gives the same numbers on every machine, so that what was made up can be
//! made up again.
//!
//! Never: keys, salts or tokens. Whoever knows the seed knows every number.

/// A sequence of numbers fixed by its seed.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence that a seed begins.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// The next number.
    #[expect(clippy::should_implement_trait, reason = "it never ends, so it is no iterator")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `limit`; 0 if that is 0. The bias is below 2^-32 for limits used here.
    pub fn below(&mut self, limit: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(limit);
        (wide >> 64) as u64
    }

    /// A number from `low` up to and without `high`.
    pub fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low))
    }

    /// One of `items`, which are never none.
    pub fn pick<'t, T: ?Sized>(&mut self, items: &[&'t T]) -> &'t T {
        items[self.below(items.len() as u64) as usize]
    }

    /// A W3C trace id: 32 hexadecimal digits, never all zero.
    pub fn trace_id(&mut self) -> String {
        format!("{:016x}{:016x}", self.next(), self.next() | 1)
    }

    /// A W3C span id: 16 hexadecimal digits, never all zero.
    pub fn span_id(&mut self) -> String {
        format!("{:016x}", self.next() | 1)
    }

    /// A UUIDv7 (RFC 9562) made at this time.
    pub fn uuid7(&mut self, at_ns: i64) -> String {
        let tail = self.next();
        self.uuid7_with(at_ns, tail)
    }

    /// A UUIDv7 whose last 62 bits are given.
    pub fn uuid7_with(&mut self, at_ns: i64, tail: u64) -> String {
        let ms = (at_ns / 1_000_000) as u64 & 0xffff_ffff_ffff;
        let tail = tail & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000;
        format!(
            "{:08x}-{:04x}-7{:03x}-{:04x}-{:012x}",
            ms >> 16,
            ms & 0xffff,
            self.below(0x1000),
            tail >> 48,
            tail & 0xffff_ffff_ffff
        )
    }
}

/// The finishing step of SplitMix64, by itself a way to make one number of another.
pub fn mix(n: u64) -> u64 {
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers() {
        let mut random = Random::new(0);
        assert_eq!(random.next(), 0xe220_a839_7b1d_cdaf);
        assert_eq!(random.next(), 0x6e78_9e6a_a1b9_65f4);
        assert_eq!(random.below(0), 0);
    }

    #[test]
    fn ids_have_their_shape() {
        let mut random = Random::new(7);
        let id = random.uuid7_with(1_795_356_131_482_000_000, 0x9d1e_40c2_a8b3_f6d7);
        assert_eq!(&id[..14], "01a20390-809a-");
        assert_eq!(&id[14..15], "7");
        assert_eq!(&id[18..], "-9d1e-40c2a8b3f6d7");
        assert_eq!((random.trace_id().len(), random.span_id().len()), (32, 16));
    }
}

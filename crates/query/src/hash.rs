//! Hashes of the index. They only lead to candidates, every one of which is read and compared: a
//! collision costs a read, never a wrong answer.

/// What a term of the index is about. Several members share a column where one filter asks for
/// all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Column {
    /// `id`, unless it has the shape of a UUID.
    Id = 1,
    /// The first eight of the last sixteen digits of an `id` that is a UUID.
    ShortId,
    /// Everybody in the identity chain.
    Who,
    /// `action`
    Action,
    /// `verb`
    Verb,
    /// `kind` and `facets`
    Kind,
    /// Ids and names of resources.
    Resource,
    /// `service.name`
    Service,
    /// `outcome.result`
    Outcome,
    /// `decision.effect`
    Decision,
    /// The first eight digits of the trace id.
    Trace,
    /// `correlation.correlation_id`
    Correlation,
    /// `correlation.session_id` and `actor.session_id`
    Session,
    /// `correlation.operation_id`
    Operation,
    /// `correlation.request_id`
    Request,
    /// `producer.id`
    Producer,
    /// `producer.stream`
    Stream,
    /// `where.account`
    Account,
}

const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// The term of a value in a column; `text` is the value's JSON text.
pub(crate) fn term(column: Column, text: &[u8]) -> u32 {
    hash(column as u64, text, 0)
}

/// The hash of a word, whatever the case of its ASCII letters.
pub(crate) fn word_hash(word: &[u8]) -> u32 {
    // This bit tells ASCII letters' cases apart and is set in every ASCII digit.
    hash(0, word, 0x2020_2020_2020_2020)
}

/// 64 bits of some bytes, for checks that guard against accidents.
pub(crate) fn check(bytes: &[u8]) -> u64 {
    fold(bytes, MULTIPLIER, 0)
}

fn hash(seed: u64, bytes: &[u8], set: u64) -> u32 {
    let h = fold(bytes, seed.wrapping_mul(MULTIPLIER) ^ MULTIPLIER.rotate_left(17), set);
    (h >> 32) as u32
}

fn fold(bytes: &[u8], seed: u64, set: u64) -> u64 {
    let mut h = seed ^ (bytes.len() as u64).wrapping_mul(0xd6e8_feb8_6659_fd93);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        h = mix(h ^ (u64::from_le_bytes(*word) | set));
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    mix(mix(h ^ (u64::from_le_bytes(last) | set)))
}

fn mix(h: u64) -> u64 {
    let h = h.wrapping_mul(MULTIPLIER);
    h ^ h >> 29
}

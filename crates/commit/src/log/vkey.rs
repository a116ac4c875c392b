//! Public keys of a log, as a note or a file names them: `<origin>+<key id>+<base64>`.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::VerifyingKey;
use sha2::{Digest, Sha256};

use super::{Checkpoint, hex, read_unverified};

/// The signature type of a log's Ed25519 key.
pub(super) const ED25519: u8 = 0x01;

/// A key that signed, or signs, the checkpoints of one log.
#[derive(Clone, PartialEq, Eq)]
pub struct Vkey {
    origin: String,
    id: [u8; 4],
    key: VerifyingKey,
}

/// As others need it.
impl fmt::Display for Vkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![ED25519];
        bytes.extend_from_slice(self.key.as_bytes());
        write!(f, "{}+{}+{}", self.origin, hex(&self.id), BASE64.encode(bytes))
    }
}

impl fmt::Debug for Vkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vkey({self})")
    }
}

impl Vkey {
    pub(super) fn new(origin: &str, key: VerifyingKey) -> Vkey {
        let id = Sha256::new()
            .chain_update(origin)
            .chain_update(b"\n")
            .chain_update([ED25519])
            .chain_update(key.as_bytes())
            .finalize();
        Vkey { origin: origin.to_owned(), id: [id[0], id[1], id[2], id[3]], key }
    }

    /// Reads a key of this origin, in its one spelling.
    pub fn parse(text: &str, origin: &str) -> Option<Vkey> {
        let rest = text.strip_prefix(origin)?.strip_prefix('+')?;
        let (_, key) = rest.split_once('+')?;
        let bytes = BASE64.decode(key).ok()?;
        let (&ED25519, key) = bytes.split_first()? else { return None };
        let key = VerifyingKey::from_bytes(key.try_into().ok()?).ok()?;
        let vkey = Vkey::new(origin, key);
        (vkey.to_string() == text).then_some(vkey)
    }

    /// What a signature line begins with.
    pub(super) fn id(&self) -> [u8; 4] {
        self.id
    }

    /// The SHA-256 of its text, as events name it: `sha256:<hex>`.
    pub fn digest_text(&self) -> String {
        format!("sha256:{}", hex(&Sha256::digest(self.to_string())))
    }

    /// Whether a note has a line that claims to be by this key.
    pub fn claims(&self, note: &str) -> bool {
        self.signatures(note).next().is_some()
    }

    /// The id by which a line of a note claims to be of a key of `origin` that is none of `known`.
    pub fn stranger(note: &str, origin: &str, known: &[&Vkey]) -> Option<String> {
        let is_known = |id: &[u8; 4]| known.iter().any(|key| key.id == *id);
        lines(note, origin).map(|(id, _)| id).find(|id| !is_known(id)).map(|id| hex(&id))
    }

    /// Whether this key signed a note.
    pub fn signed(&self, note: &str) -> bool {
        let Some((text, _)) = note.split_once("\n\n") else { return false };
        let message = format!("{text}\n");
        let holds = |signature: &[u8]| {
            let signature = ed25519_dalek::Signature::from_slice(signature);
            signature.is_ok_and(|s| self.key.verify_strict(message.as_bytes(), &s).is_ok())
        };
        self.signatures(note).any(|signature| holds(&signature))
    }

    /// Reads a checkpoint that this key must have signed.
    pub fn open(&self, note: &str) -> Result<Checkpoint, &'static str> {
        let checkpoint =
            read_unverified(note, &self.origin).ok_or("is not this log's checkpoint")?;
        if self.signed(note) { Ok(checkpoint) } else { Err("is not signed by this log's key") }
    }

    fn signatures<'a>(&self, note: &'a str) -> impl Iterator<Item = Vec<u8>> + use<'a> {
        let id = self.id;
        let own = lines(note, &self.origin).filter(move |(found, _)| *found == id);
        own.map(|(_, signature)| signature)
    }
}

fn lines<'a>(note: &'a str, origin: &str) -> impl Iterator<Item = ([u8; 4], Vec<u8>)> + use<'a> {
    let start = format!("— {origin} ");
    let (_, lines) = note.split_once("\n\n").unwrap_or_default();
    lines.lines().filter_map(move |line| {
        let bytes = BASE64.decode(line.strip_prefix(&start)?).ok()?;
        let (id, signature) = bytes.split_first_chunk::<4>()?;
        Some((*id, signature.to_vec()))
    })
}

#[cfg(test)]
mod tests {
    use super::super::LogKey;
    use super::super::checkpoint::sign;
    use super::*;

    const ORIGIN: &str = "audit.example.com/tlog/acme-0";

    #[test]
    fn a_line_of_a_key_that_the_log_never_had_is_noticed() {
        let [a, b, c] = [1, 2, 3].map(|seed| LogKey::new(ORIGIN, &[seed; 32]));
        let by = |keys: &[&LogKey]| sign(keys.iter().copied(), ORIGIN, 9, [1; 32]).note;
        let stranger = |note: &str| Vkey::stranger(note, ORIGIN, &[a.public(), b.public()]);
        assert_eq!(stranger(&by(&[&a, &b])), None);
        assert_eq!(stranger(&by(&[&b, &c])), Some(hex(&c.public().id())));
        // A witness has another name.
        let witness = by(&[&c]).replace("— audit.example.com/tlog/acme-0", "— witness.example");
        assert_eq!(stranger(&witness), None);
    }
}

//! Checkpoints and the keys that sign them (C2SP tlog-checkpoint, signed-note).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signer, SigningKey};
use event::Hash;

use super::vkey::{ED25519, Vkey};

/// A log's size and root, signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Number of entries.
    pub size: u64,
    /// Root of the tree of that size.
    pub root: Hash,
    /// The signed note.
    pub note: String,
}

/// Signs the checkpoints of one log.
pub struct LogKey {
    origin: String,
    key: SigningKey,
    public: Vkey,
}

/// A key file that cannot be used; never says what stands in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadKey(&'static str);

impl fmt::Display for BadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogKey({})", self.public)
    }
}

impl LogKey {
    /// The key made of 32 secret bytes.
    pub fn new(origin: &str, seed: &[u8; 32]) -> LogKey {
        let key = SigningKey::from_bytes(seed);
        let public = Vkey::new(origin, key.verifying_key());
        LogKey { origin: origin.to_owned(), key, public }
    }

    /// A line of the secret key file: `PRIVATE+KEY+<origin>+<key id>+<base64>`.
    pub fn to_secret(&self) -> String {
        let mut bytes = vec![ED25519];
        bytes.extend_from_slice(self.key.as_bytes());
        format!("PRIVATE+KEY+{}+{}+{}\n", self.origin, hex(&self.public.id()), BASE64.encode(bytes))
    }

    /// Reads a line of a secret key file back; it must be of this origin.
    pub fn from_secret(text: &str, origin: &str) -> Result<LogKey, BadKey> {
        let other = BadKey("is the key of another log");
        let rest = text.trim_end().strip_prefix("PRIVATE+KEY+").ok_or(BadKey("is no key file"))?;
        let rest = rest.strip_prefix(origin).and_then(|r| r.strip_prefix('+')).ok_or(other)?;
        let (id, seed) = rest.split_once('+').ok_or(BadKey("is no key file"))?;
        let seed = BASE64.decode(seed).map_err(|_| BadKey("is no key file"))?;
        let Some((&ED25519, seed)) = seed.split_first() else {
            return Err(BadKey("is not an Ed25519 key"));
        };
        let seed = seed.try_into().map_err(|_| BadKey("has not 32 secret bytes"))?;
        let key = LogKey::new(origin, seed);
        if hex(&key.public.id()) != id {
            return Err(BadKey("has a key id that is not its own"));
        }
        Ok(key)
    }

    /// The public key.
    pub fn public(&self) -> &Vkey {
        &self.public
    }

    /// Signs a tree.
    pub fn sign(&self, size: u64, root: Hash) -> Checkpoint {
        sign([self].into_iter(), &self.origin, size, root)
    }

    fn line(&self, body: &str) -> String {
        let mut signature = self.public.id().to_vec();
        signature.extend_from_slice(&self.key.sign(body.as_bytes()).to_bytes());
        format!("— {} {}\n", self.origin, BASE64.encode(signature))
    }
}

/// Signs a tree with several keys of one log, a line for each.
pub fn sign<'k>(
    keys: impl Iterator<Item = &'k LogKey>,
    origin: &str,
    size: u64,
    root: Hash,
) -> Checkpoint {
    let body = body(origin, size, &root);
    let lines: String = keys.map(|key| key.line(&body)).collect();
    Checkpoint { size, root, note: format!("{body}\n{lines}") }
}

/// Reads size and root of a checkpoint without looking at its signature.
pub fn read_unverified(note: &str, origin: &str) -> Option<Checkpoint> {
    let (text, _) = note.split_once("\n\n")?;
    let mut lines = text.split('\n');
    let (name, size, root) = (lines.next()?, lines.next()?, lines.next()?);
    let size: u64 = size.parse().ok()?;
    let root: Hash = BASE64.decode(root).ok()?.try_into().ok()?;
    let whole = name == origin && format!("{text}\n") == body(origin, size, &root);
    whole.then(|| Checkpoint { size, root, note: note.to_owned() })
}

fn body(origin: &str, size: u64, root: &Hash) -> String {
    format!("{origin}\n{size}\n{}\n", BASE64.encode(root))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vector V3 of docs/formats.
    #[test]
    fn key_and_signature_are_those_of_the_vector() {
        let seed = std::array::from_fn(|i| i as u8);
        let key = LogKey::new("audit.example.com/tlog/acme-0", &seed);
        assert_eq!(
            key.public().to_string(),
            "audit.example.com/tlog/acme-0+fc0f7e8b+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
        );
        let root = "cc0ed0bedf36704317984e305935ca5d5025120f44287bf99ec4508451a985ac";
        let root: Vec<u8> =
            (0..32).map(|i| u8::from_str_radix(&root[2 * i..2 * i + 2], 16).unwrap()).collect();
        let checkpoint = key.sign(3, root.try_into().unwrap());
        assert!(checkpoint.note.ends_with(
            "\n\n— audit.example.com/tlog/acme-0 /A9+iz8tHpVWlz1l6la8vhENJEzXPOoVVP5Gny/os4JEqfTM/ilpMc1elH7B/AxkqAqupKDnp9i+kZPtgM9NQJVHFwE=\n"
        ));
        assert_eq!(key.public().open(&checkpoint.note).as_ref(), Ok(&checkpoint));
        let forged = checkpoint.note.replace("\n3\n", "\n4\n");
        assert_eq!(key.public().open(&forged), Err("is not signed by this log's key"));
        let secret = key.to_secret();
        assert_eq!(
            LogKey::from_secret(&secret, "audit.example.com/tlog/acme-0").unwrap().public(),
            key.public()
        );
        assert!(LogKey::from_secret(&secret, "audit.example.com/tlog/acme").is_err());
    }
}

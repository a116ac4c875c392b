//! Verifier keys of signed-note: `<name>+<8 hex: key id>+base64( u8 type ‖ public key )`.
//!
//! Two types can verify here: Ed25519 (0x01), with which logs sign, and cosignature/v1 (0x04), with
//! which witnesses do. A key of any other type is kept by name and verifies nothing.

use std::fmt;

use ed25519_dalek::VerifyingKey;
use sha2::{Digest as _, Sha256};

use crate::base64;
use crate::error::{Malformed, malformed};
use crate::note::{Signature, is_key_name};

const ED25519: u8 = 0x01;
const COSIGNATURE_V1: u8 = 0x04;

/// What a key can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// Ed25519 over the note's text.
    Log,
    /// Ed25519 over a time and the note's text (cosignature/v1).
    Witness,
    /// A type unknown here.
    Other,
}

/// A public key with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vkey {
    name: String,
    id: u32,
    kind: KeyKind,
    /// `None` for a key of another type.
    key: Option<VerifyingKey>,
    /// Type and public key, as written.
    material: Vec<u8>,
}

impl Vkey {
    /// Reads a vkey. For the two known types the key id must be the one that name and key give.
    pub fn parse(text: &str) -> Result<Vkey, Malformed> {
        let bad = || malformed("a vkey has the form name+id+base64");
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(bad());
        };
        if !is_key_name(name) || id.len() != 8 || !id.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(bad());
        }
        let id = u32::from_str_radix(id, 16).map_err(|_| bad())?;
        let material = base64::decode(key, "the key of a vkey")?;
        let (&algorithm, public) = material.split_first().ok_or_else(bad)?;
        let kind = match algorithm {
            ED25519 => KeyKind::Log,
            COSIGNATURE_V1 => KeyKind::Witness,
            _ => KeyKind::Other,
        };
        let key = match kind {
            KeyKind::Other => None,
            _ if id != key_id(name, &material) => {
                return Err(malformed(format!("the id of vkey {name} does not fit its key")));
            }
            _ => Some(verifying_key(name, public)?),
        };
        Ok(Vkey { name: name.to_owned(), id, kind, key, material })
    }

    /// The key's name; for a log its origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the key can do.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Is this a line by this key, to be verified?
    pub fn made(&self, signature: &Signature) -> bool {
        self.key.is_some() && signature.id == self.id && signature.name == self.name
    }

    /// Verifies a line under `text`. A witness's line gives the time it names, in Unix seconds,
    /// a log's line 0; `None` if the signature does not hold.
    pub fn verify(&self, text: &str, signature: &Signature) -> Option<u64> {
        let key = self.key.as_ref()?;
        if self.kind == KeyKind::Log {
            return holds(key, text.as_bytes(), &signature.bytes).then_some(0);
        }
        let (time, bytes) = signature.bytes.split_first_chunk::<8>()?;
        let time = u64::from_be_bytes(*time);
        let message = format!("cosignature/v1\ntime {time}\n{text}");
        (i64::try_from(time).is_ok() && holds(key, message.as_bytes(), bytes)).then_some(time)
    }

    /// Do both wrap one public key, whatever their names?
    pub(crate) fn same_key(&self, other: &Vkey) -> bool {
        self.material.get(1..) == other.material.get(1..)
    }
}

/// Name and id, as people compare them.
impl fmt::Display for Vkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{:08x}", self.name, self.id)
    }
}

/// The first four bytes of SHA-256( name ‖ newline ‖ type ‖ public key ).
pub fn key_id(name: &str, material: &[u8]) -> u32 {
    let hash = Sha256::new_with_prefix(name).chain_update(b"\n").chain_update(material).finalize();
    u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])
}

fn verifying_key(name: &str, public: &[u8]) -> Result<VerifyingKey, Malformed> {
    let public: Option<&[u8; 32]> = public.try_into().ok();
    let key = public.and_then(|bytes| VerifyingKey::from_bytes(bytes).ok());
    key.filter(|key| !key.is_weak())
        .ok_or_else(|| malformed(format!("vkey {name} holds no Ed25519 public key")))
}

fn holds(key: &VerifyingKey, message: &[u8], signature: &[u8]) -> bool {
    let Ok(signature) = ed25519_dalek::Signature::from_slice(signature) else { return false };
    key.verify_strict(message, &signature).is_ok()
}

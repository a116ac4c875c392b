//! What the tests share: keys, checkpoints, trees and files of evidence, written from the format's
//! text and not with the crate under test.

pub(crate) mod folder;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

pub(crate) type Hash = [u8; 32];

pub(crate) const ORIGIN: &str = "audit.example.com/tlog/acme-0";
pub(crate) const VKEY: &str =
    "audit.example.com/tlog/acme-0+fc0f7e8b+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";

pub(crate) fn b64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(crate) fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

pub(crate) fn sha(parts: &[&[u8]]) -> Hash {
    Sha256::digest(parts.concat()).into()
}

/// A key with a name; type 1 signs for a log, type 4 for a witness.
pub(crate) struct Key {
    name: String,
    kind: u8,
    key: SigningKey,
}

impl Key {
    pub(crate) fn new(name: &str, kind: u8, seed: u8) -> Key {
        let seed: [u8; 32] = std::array::from_fn(|i| seed.wrapping_add(i as u8));
        Key { name: name.into(), kind, key: SigningKey::from_bytes(&seed) }
    }

    /// The log of the vectors: seed 00 01 … 1f.
    pub(crate) fn vector() -> Key {
        Key::new(ORIGIN, 1, 0)
    }

    fn material(&self) -> Vec<u8> {
        [&[self.kind][..], self.key.verifying_key().as_bytes()].concat()
    }

    fn id(&self) -> [u8; 4] {
        let hash = sha(&[self.name.as_bytes(), b"\n", &self.material()]);
        hash[..4].try_into().unwrap()
    }

    pub(crate) fn vkey(&self) -> String {
        format!("{}+{:08x}+{}", self.name, u32::from_be_bytes(self.id()), b64(&self.material()))
    }

    pub(crate) fn line(&self, text: &str) -> String {
        let signature = self.key.sign(text.as_bytes()).to_bytes();
        format!("— {} {}\n", self.name, b64(&[&self.id()[..], &signature].concat()))
    }

    pub(crate) fn cosign(&self, text: &str, time: u64) -> String {
        let message = format!("cosignature/v1\ntime {time}\n{text}");
        let signature = self.key.sign(message.as_bytes()).to_bytes();
        let bytes = [&self.id()[..], &time.to_be_bytes(), &signature].concat();
        format!("— {} {}\n", self.name, b64(&bytes))
    }
}

pub(crate) fn body(origin: &str, size: u64, root: &Hash) -> String {
    format!("{origin}\n{size}\n{}\n", b64(root))
}

/// A note of the log's key alone.
pub(crate) fn checkpoint(key: &Key, size: u64, root: &Hash) -> String {
    let body = body(&key.name, size, root);
    format!("{body}\n{}", key.line(&body))
}

pub(crate) fn leaf_hash(leaf: &[u8]) -> Hash {
    sha(&[&[0], leaf])
}

pub(crate) fn node(left: &Hash, right: &Hash) -> Hash {
    sha(&[&[1], left, right])
}

pub(crate) fn root(leaves: &[Vec<u8>]) -> Hash {
    match leaves {
        [] => sha(&[]),
        [leaf] => leaf_hash(leaf),
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node(&root(left), &root(right))
        }
    }
}

/// The proof of leaves [a, b), left to right.
pub(crate) fn run_proof(leaves: &[Vec<u8>], a: usize, b: usize) -> Vec<Hash> {
    if a >= leaves.len() || b == 0 {
        return vec![root(leaves)];
    }
    if a == 0 && b >= leaves.len() || leaves.len() == 1 {
        return vec![];
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let k = left.len();
    let mut proof = if a < k { run_proof(left, a, b) } else { vec![root(left)] };
    proof.extend(if b > k {
        run_proof(right, a.saturating_sub(k), b - k)
    } else {
        vec![root(right)]
    });
    proof
}

/// RFC 6962 §2.1.2.
pub(crate) fn consistency(leaves: &[Vec<u8>], m: usize, whole: bool) -> Vec<Hash> {
    if m == leaves.len() {
        return if whole { vec![] } else { vec![root(leaves)] };
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let k = left.len();
    let (mut proof, other) = match m <= k {
        true => (consistency(left, m, whole), right),
        false => (consistency(right, m - k, false), left),
    };
    proof.push(root(other));
    proof
}

pub(crate) fn b64s(hashes: &[Hash]) -> Value {
    hashes.iter().map(|hash| b64(hash)).collect()
}

/// A field of an event: path text, value text.
pub(crate) type Pair = (String, String);

pub(crate) fn pair(path: &str, text: &str) -> Pair {
    (path.to_owned(), text.to_owned())
}

/// V1's fields, in path order.
pub(crate) fn vector_fields() -> Vec<Pair> {
    [
        ("[\"action\"]", "\"invoice.delete\""),
        ("[\"actor\",\"id\"]", "\"alice\""),
        ("[\"actor\",\"type\"]", "\"user\""),
        ("[\"attributes\",\"a/b~c\",0]", "\"x\""),
        ("[\"attributes\",\"a/b~c\",1,\"0\"]", "1.5"),
        ("[\"attributes\",\"empty\"]", "{}"),
        ("[\"attributes\",\"none\"]", "null"),
        ("[\"attributes\",\"u\"]", "\"\u{e9}\u{2028}\\\"\\u001f\""),
        ("[\"id\"]", "\"01890a5d-ac96-774b-bcce-b302099a8057\""),
        ("[\"occurred_at\"]", "\"2026-01-02T03:04:05.000000006Z\""),
        ("[\"service\",\"name\"]", "\"billing\""),
    ]
    .map(|(path, text)| pair(path, text))
    .to_vec()
}

pub(crate) fn vector_salt(path: &str) -> [u8; 16] {
    sha(&[b"counterfoil vector 1", path.as_bytes()])[..16].try_into().unwrap()
}

pub(crate) fn commitment(salt: &[u8], text: &str) -> Hash {
    sha(&[&[2], salt, text.as_bytes()])
}

pub(crate) fn field_digest(commitment: &Hash, path: &str) -> Hash {
    sha(&[&[3], commitment, path.as_bytes()])
}

pub(crate) fn event_digest(origin: &str, mut fields: Vec<Hash>) -> Hash {
    fields.sort();
    let head = [
        b"\x04counterfoil/event/v1\0".as_slice(),
        &(origin.len() as u16).to_be_bytes(),
        origin.as_bytes(),
        &(fields.len() as u32).to_be_bytes(),
    ];
    sha(&[&head.concat(), &fields.concat()])
}

pub(crate) fn leaf(time: i64, digest: &Hash) -> Vec<u8> {
    [&[1], &time.to_be_bytes()[..], digest].concat()
}

/// An event under `vector_salt`s.
pub(crate) fn vector_event(fields: &[Pair]) -> Hash {
    let digests = fields.iter().map(|(p, t)| field_digest(&commitment(&vector_salt(p), t), p));
    event_digest(ORIGIN, digests.collect())
}

pub(crate) fn shown((path, text): &Pair) -> Value {
    let parts: Value = serde_json::from_str(path).unwrap();
    json!({"path": parts, "text": text, "salt": b64(&vector_salt(path))})
}

pub(crate) fn named((path, text): &Pair) -> Value {
    let parts: Value = serde_json::from_str(path).unwrap();
    json!({"path": parts, "commitment": b64(&commitment(&vector_salt(path), text))})
}

pub(crate) fn hidden((path, text): &Pair) -> Value {
    json!({"digest": b64(&field_digest(&commitment(&vector_salt(path), text), path))})
}

pub(crate) const TIME: i64 = 1_767_323_045_000_000_007;

/// V3: V1's leaf, then two of other events; with `four`, V3b's fourth.
pub(crate) fn vector_leaves(four: bool) -> Vec<Vec<u8>> {
    let mut leaves = vec![leaf(TIME, &vector_event(&vector_fields()))];
    for (i, name) in [b"b", b"c", b"d"].iter().enumerate().take(if four { 3 } else { 2 }) {
        leaves.push(leaf(TIME + 1 + i as i64, &sha(&[*name])));
    }
    leaves
}

/// Evidence of V1's event in V3's tree, all fields shown.
pub(crate) fn vector_evidence() -> Value {
    let leaves = vector_leaves(false);
    let fields: Value = vector_fields().iter().map(shown).collect();
    let (data, proof) = (b64(&leaves[0]), b64s(&run_proof(&leaves, 0, 1)));
    json!({
        "format": "counterfoil.evidence/v1",
        "claim": {"kind": "events"},
        "logs": [{"origin": ORIGIN, "checkpoint": checkpoint(&Key::vector(), 3, &root(&leaves))}],
        "runs": [{
            "log": 0, "first": 0, "leaves": [data], "proof": proof,
            "events": [{"fields": fields}],
        }],
    })
}

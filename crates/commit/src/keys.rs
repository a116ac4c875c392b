//! The files that say which keys sign a log.
//!
//! ```text
//! keys: <log>.key              the secret that signs; two lines, old and new, while both do
//! data: logs/<log>/keys.json   the public keys that ever signed; absent while there was but one
//! ```
//!
//! The key file is the authority for who signs. The history is a chain: each key but the first
//! stands there with a checkpoint that the key before and this one signed, so whoever has the data
//! folder and no secret can put none in. A history that does not chain, or whose newest key is not
//! the key file's, is refused by name.

use std::io;
use std::sync::Arc;

use event::{format_time, parse_time};
use platform::Disk;
use serde::{Deserialize, Serialize};

use crate::folder::SMALL_BYTES_MAX;
use crate::log::{Checkpoint, Handover, Keyring, LogKey, LogMeta, Term, Vkey, read_unverified};
use crate::open::OpenError;

/// Keys that one log may have in its life.
pub const KEYS_MAX: usize = 100;
/// Bytes of the largest history: each key stands in it with its name, and with a checkpoint that
/// has two lines of signatures.
const HISTORY_BYTES_MAX: u64 = 256 << 10;
const FORMAT: &str = "counterfoil.keys/v1";

/// What the folders say of a log's keys, before its journal is read.
pub(crate) struct FoundKeys {
    /// The log's checkpoint of size 0.
    pub(crate) birth: Checkpoint,
    pub(crate) ring: Keyring,
    /// A key that was made to take over; whether it did, the log knows.
    pub(crate) begun: Option<Arc<LogKey>>,
}

impl FoundKeys {
    /// The id of a key by which a checkpoint of this log claims to be signed and that is in neither
    /// file: one that took over, and that somebody undid.
    pub(crate) fn stranger(&self, note: &str, origin: &str) -> Option<String> {
        let terms = self.ring.terms().iter().map(|term| &term.vkey);
        let known: Vec<_> = terms.chain(self.begun.iter().map(|key| key.public())).collect();
        Vkey::stranger(note, origin, &known)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HistoryFile {
    format: String,
    keys: Vec<HistoryKey>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HistoryKey {
    vkey: String,
    from: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    together_until: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    handover: Option<String>,
}

/// Name of a log's key file.
pub(crate) fn secret_name(log: &str) -> String {
    format!("{log}.key")
}

pub(crate) fn history_name(log: &str) -> String {
    format!("logs/{log}/keys.json")
}

/// Replaces a log's key file.
pub(crate) fn write_secrets(keys: &dyn Disk, log: &str, secrets: &[&LogKey]) -> io::Result<()> {
    let text: String = secrets.iter().map(|key| key.to_secret()).collect();
    keys.replace_small(&secret_name(log), text.as_bytes())
}

/// Replaces a log's history.
pub(crate) fn write_history(disk: &dyn Disk, log: &str, terms: &[Term]) -> io::Result<()> {
    disk.replace_small(&history_name(log), history_text(terms).as_bytes())
}

/// Reads what the folders say of a log's keys; the data folder's name is before `base`'s end.
/// Changes nothing.
pub(crate) fn read(
    disk: &dyn Disk,
    keys: &dyn Disk,
    base: &str,
    meta: &LogMeta,
) -> Result<FoundKeys, OpenError> {
    let mut secrets = read_secrets(keys, &meta.origin)?;
    let history = read_history(disk, base, meta)?;
    let (birth, is_first) = (read_birth(disk, base, meta)?, history.is_none());
    let first =
        || Term { vkey: secrets[0].public().clone(), from: meta.opened_at.clone(), handover: None };
    let terms = history.unwrap_or_else(|| vec![first()]);
    if !terms[0].vkey.signed(&birth.note) {
        let path = format!("{base}logs/{}/birth", meta.name());
        return Err(match is_first {
            true => not_of_birth(keys, meta, &path),
            false => OpenError::damaged(&path, "is not signed by the first key of keys.json"),
        });
    }
    let begun =
        stands(&secrets, &terms).map_err(|what| OpenError::key(&secret_name(meta.name()), what))?;
    let begun = begun.then(|| secrets.pop()).flatten().map(Arc::new);
    Ok(FoundKeys { birth, ring: Keyring::new(secrets, terms), begun })
}

/// The key is another log's of the same name, most likely: what stands beside it may be the right
/// one, put there when a log was made anew.
fn not_of_birth(keys: &dyn Disk, meta: &LogMeta, path: &str) -> OpenError {
    let name = secret_name(meta.name());
    let start = format!("{name}.");
    let is_kept = |found: &String| {
        let number = found.strip_prefix(&start).unwrap_or_default();
        !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
    };
    let mut beside = keys.list("").unwrap_or_default();
    beside.retain(is_kept);
    beside.sort_unstable();
    let beside = match &beside[..] {
        [] => String::new(),
        kept => format!(" (beside it stands {})", kept.join(", ")),
    };
    let what = format!(
        "did not sign {path}, nor is there a keys.json with one that did: it is not the key of \
         this log, or that file is not what it was; put the right one in its place{beside}"
    );
    OpenError::key(&name, &what)
}

/// Whether the last secret is one that is yet to take over; an error if the secrets are not those
/// of the newest keys.
fn stands(secrets: &[LogKey], terms: &[Term]) -> Result<bool, &'static str> {
    let place = |secret: &LogKey| terms.iter().position(|term| term.vkey == *secret.public());
    let newest = terms.len() - 1;
    let places: Vec<_> = secrets.iter().map(place).collect();
    match places[..] {
        [Some(at)] if at == newest => Ok(false),
        [Some(at), Some(next)] if at + 1 == next && next == newest => Ok(false),
        [Some(at), None] if at == newest => Ok(true),
        [Some(_)] => Err("holds a key that another one took over from"),
        [None] => Err("holds a key that is not in the log's keys.json"),
        _ => Err("holds two keys that are not the log's newest and the one before, old first"),
    }
}

/// Whether a key that signs for a log signed this checkpoint; `None` if there is none to ask.
pub(crate) fn is_signed(keys: &dyn Disk, origin: &str, note: &str) -> Option<bool> {
    let secrets = read_secrets(keys, origin).ok()?;
    Some(secrets.iter().any(|key| key.public().open(note).is_ok()))
}

fn read_secrets(keys: &dyn Disk, origin: &str) -> Result<Vec<LogKey>, OpenError> {
    let name = secret_name(origin.rsplit('/').next().unwrap_or(origin));
    let text = keys
        .read_small(&name, SMALL_BYTES_MAX)
        .map_err(|error| OpenError::io(&format!("keys/{name}"), error))?;
    let text = String::from_utf8(text).map_err(|_| OpenError::key(&name, "is not text"))?;
    let key = |line| LogKey::from_secret(line, origin);
    let secrets: Result<Vec<_>, _> = text.trim_end().lines().map(key).collect();
    let secrets = secrets.map_err(|bad| OpenError::key(&name, &bad.to_string()))?;
    match &secrets[..] {
        [_] => Ok(secrets),
        [old, new] if old.public() != new.public() => Ok(secrets),
        [_, _] => Err(OpenError::key(&name, "holds one key twice")),
        [] => Err(OpenError::key(&name, "is no key file")),
        _ => Err(OpenError::key(&name, "holds more than two keys")),
    }
}

fn read_birth(disk: &dyn Disk, base: &str, meta: &LogMeta) -> Result<Checkpoint, OpenError> {
    let path = format!("{base}logs/{}/birth", meta.name());
    let birth =
        disk.read_small(&path, SMALL_BYTES_MAX).map_err(|error| OpenError::io(&path, error))?;
    let birth = String::from_utf8(birth).map_err(|_| OpenError::damaged(&path, "is not text"))?;
    let birth = read_unverified(&birth, &meta.origin)
        .ok_or_else(|| OpenError::damaged(&path, "is not this log's checkpoint"))?;
    match birth.size {
        0 => Ok(birth),
        _ => Err(OpenError::damaged(&path, "is not of size 0")),
    }
}

/// The history, if the log has one: whole, in its one spelling, and chained.
fn read_history(
    disk: &dyn Disk,
    base: &str,
    meta: &LogMeta,
) -> Result<Option<Vec<Term>>, OpenError> {
    let path = format!("{base}{}", history_name(meta.name()));
    let bytes = match disk.read_small(&path, HISTORY_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(OpenError::io(&path, error)),
    };
    let folder = format!("{base}logs/{}", meta.name());
    // As with log.json: what is relied on from here must not go with the power.
    disk.sync_folder(&folder).map_err(|error| OpenError::io(&folder, error))?;
    let terms = history(&bytes, meta).map_err(|what| OpenError::damaged(&path, &what))?;
    Ok(Some(terms))
}

fn history(bytes: &[u8], meta: &LogMeta) -> Result<Vec<Term>, String> {
    let file: HistoryFile = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if file.format != FORMAT || file.keys.len() < 2 || file.keys.len() > KEYS_MAX {
        return Err(format!("is not a history of 2 to {KEYS_MAX} keys"));
    }
    let mut terms: Vec<Term> = Vec::with_capacity(file.keys.len());
    for (nth, key) in file.keys.into_iter().enumerate() {
        let term = next_term(key, terms.last(), meta);
        terms.push(term.map_err(|what| format!("key {}: {what}", nth + 1))?);
    }
    if history_text(&terms).as_bytes() != bytes {
        return Err("is not spelt as a history is".to_owned());
    }
    Ok(terms)
}

fn next_term(key: HistoryKey, before: Option<&Term>, meta: &LogMeta) -> Result<Term, &'static str> {
    let vkey = Vkey::parse(&key.vkey, &meta.origin).ok_or("is no key of this log")?;
    let HistoryKey { from, event, together_until, handover, .. } = key;
    let handed = event.zip(together_until).zip(handover);
    let handover = match (before, handed) {
        (None, None) if from == meta.opened_at => None,
        (None, _) => return Err("does not begin when the log was opened"),
        (Some(_), None) => return Err("has no handover"),
        (Some(before), Some(((event, until), note))) => {
            let checkpoint = vkey.open(&note).map_err(|_| "its handover is not signed by it")?;
            before.vkey.open(&note).map_err(|_| "its handover is not signed by the key before")?;
            let earlier = before.handover.as_ref().map_or(0, |earlier| earlier.checkpoint.size);
            if !(earlier..checkpoint.size).contains(&event) {
                return Err("its handover does not cover its event");
            }
            let together_until = parse_time(&until).map_err(|_| "its times are none")?;
            Some(Handover { event, together_until, checkpoint })
        }
    };
    Ok(Term { vkey, from, handover })
}

fn history_text(terms: &[Term]) -> String {
    let key = |term: &Term| {
        let handover = term.handover.as_ref();
        HistoryKey {
            vkey: term.vkey.to_string(),
            from: term.from.clone(),
            event: handover.map(|handover| handover.event),
            together_until: handover.map(|handover| format_time(handover.together_until)),
            handover: handover.map(|handover| handover.checkpoint.note.clone()),
        }
    };
    let file = HistoryFile { format: FORMAT.to_owned(), keys: terms.iter().map(key).collect() };
    serde_json::to_string(&file).expect("plain strings and numbers") + "\n"
}

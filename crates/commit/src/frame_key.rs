//! The key of frames: which data folder it belongs to, and from which frame on it marks.
//!
//! ```text
//! keys: frame.key   {"format":"counterfoil.frame-key/v1",
//!                    "folder":"<32 hex>","from":n,"key":"<64 hex>"}
//! ```
//!
//! Promises: the file is made with the data folder. A folder of an earlier build gets it at its
//! first start, once a checkpoint that covers all of its frames is durable; so from then on
//! whatever no checkpoint covers has a mark. Whoever has the data folder alone cannot take that
//! back: neither by another folder id nor by frames without marks.
//!
//! Never: replaces a key. One that belongs to another folder, beside a folder that is new, gets
//! another name, for that other folder may come back.

use std::io;

use platform::{Disk, Entropy};
use serde::{Deserialize, Serialize};

use crate::folder::{self, SMALL_BYTES_MAX, json_line, keep_key, unhex};
use crate::head::Head;
use crate::journal::mark::FrameKey;
use crate::log::hex;
use crate::open::OpenError;
use crate::world::World;

/// The key's file, in the folder of keys.
pub(crate) const NAME: &str = "frame.key";
/// What the file holds if its key is lost and another one is to be made.
const ANEW: &[u8] = b"anew\n";
const FORMAT: &str = "counterfoil.frame-key/v1";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    format: String,
    folder: String,
    from: u64,
    key: String,
}

/// What the folder of keys has for a data folder.
pub(crate) enum Found {
    /// The folder's own key.
    Own(FrameKey),
    /// None, and the data folder has nothing yet that could have been marked.
    New,
    /// None. `is_lost`: there was one, and somebody said that another is to be made.
    None { is_lost: bool },
}

/// The key to go on with.
pub(crate) struct Current {
    pub(crate) key: FrameKey,
    unwritten: Option<Vec<u8>>,
}

/// Reads the key of frames of a data folder; `None` is one that is yet to be made. Changes nothing.
pub(crate) fn look(
    keys: &dyn Disk,
    folder: Option<[u8; 16]>,
    is_new: bool,
) -> Result<Found, OpenError> {
    match (read_file(keys)?, folder) {
        (File::Anew, _) => Ok(Found::None { is_lost: true }),
        (File::Of(of, key), Some(id)) if of == id => {
            // A process that was killed may have named it and not come to sync the name.
            keys.sync_folder("").map_err(failed)?;
            Ok(Found::Own(key))
        }
        (File::Of(of, _), Some(id)) if !is_new => Err(foreign(of, id)),
        (File::Absent, _) if !is_new => Ok(Found::None { is_lost: false }),
        _ => Ok(Found::New),
    }
}

/// Whether the key of frames, if there is one, is that of this data folder. Changes nothing.
pub(crate) fn check(disk: &dyn Disk, keys: &dyn Disk) -> Result<(), OpenError> {
    match (read_file(keys)?, folder::present_id(disk, "")?) {
        (File::Of(of, _), Some(folder)) if of != folder => Err(foreign(of, folder)),
        _ => Ok(()),
    }
}

enum File {
    Absent,
    Anew,
    Of([u8; 16], FrameKey),
}

fn read_file(keys: &dyn Disk) -> Result<File, OpenError> {
    let bytes = match keys.read_small(NAME, SMALL_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(File::Absent),
        Err(error) => return Err(failed(error)),
    };
    if bytes == ANEW {
        return Ok(File::Anew);
    }
    let what = "is not spelt as a key of frames is (docs/formats/folder.md)";
    let (of, key) = read_frame_key(&bytes).ok_or_else(|| OpenError::key(NAME, what))?;
    Ok(File::Of(of, key))
}

fn failed(error: io::Error) -> OpenError {
    OpenError::io("keys/frame.key", error)
}

fn foreign(of: [u8; 16], folder: [u8; 16]) -> OpenError {
    let (of, folder) = (hex(&of), hex(&folder));
    let what = format!(
        "belongs to the data folder {of}, and this one is {folder}: put the one back that belongs \
         to it"
    );
    OpenError::key(NAME, &what)
}

impl Found {
    /// The key by which frames are checked.
    pub(crate) fn key(&self) -> Option<&FrameKey> {
        match self {
            Found::Own(key) => Some(key),
            Found::New | Found::None { .. } => None,
        }
    }

    /// Whether somebody said that there was one.
    pub(crate) fn is_lost(&self) -> bool {
        matches!(self, Found::None { is_lost: true })
    }

    /// The key to go on with. A data folder that has nothing yet gets it here, before it has a log;
    /// else one is made that marks frame `next` first, to be kept later.
    pub(crate) fn or_make(
        self,
        world: &World,
        folder: [u8; 16],
        next: u64,
    ) -> Result<Current, OpenError> {
        let (keys, is_new) = (world.keys.as_ref(), matches!(self, Found::New));
        if let Found::Own(key) = self {
            return Ok(Current { key, unwritten: None });
        }
        let (key, text) = make(world.entropy.as_ref(), folder, next);
        let mut current = Current { key, unwritten: Some(text) };
        if is_new {
            keep_key(keys, NAME).map_err(failed)?;
            current.keep(keys)?;
            current.unwritten = None;
        }
        Ok(current)
    }
}

impl Current {
    /// Writes a key that was made. To be called once all frames before its first are under a
    /// checkpoint that is durable, and before that first one is written: a crash before leaves a
    /// folder without a key and without a mark, after it one whose tail has marks alone.
    pub(crate) fn keep(&self, keys: &dyn Disk) -> Result<(), OpenError> {
        let Some(text) = &self.unwritten else { return Ok(()) };
        keys.replace_small(NAME, text).map_err(failed)
    }
}

/// Whether a data folder has nothing that could have been marked or signed: it is being made, or
/// was set aside and begins anew. `None` is one that is yet to be made.
pub(crate) fn is_new(
    disk: &dyn Disk,
    folder: Option<&([u8; 16], Head)>,
) -> Result<bool, OpenError> {
    let Some((_, head)) = folder else { return Ok(true) };
    let files = disk.list("journal").map_err(|error| OpenError::io("journal", error))?;
    Ok(files.is_empty() && head.slot().checkpoints.is_empty() && folder::logs(disk)?.is_empty())
}

fn make(entropy: &dyn Entropy, folder: [u8; 16], from: u64) -> (FrameKey, Vec<u8>) {
    let mut key = [0; 32];
    entropy.fill(&mut key);
    (FrameKey::new(&key, folder, from), text(&key, folder, from))
}

fn text(key: &[u8; 32], folder: [u8; 16], from: u64) -> Vec<u8> {
    json_line(&KeyFile { format: FORMAT.into(), folder: hex(&folder), from, key: hex(key) })
}

/// The folder and the key of a file of the key of frames, in its one spelling.
pub fn read_frame_key(bytes: &[u8]) -> Option<([u8; 16], FrameKey)> {
    let file: KeyFile = serde_json::from_slice(bytes).ok()?;
    let (folder, key) = (unhex(&file.folder)?, unhex(&file.key)?);
    let is_spelt = file.from > 0 && bytes == text(&key, folder, file.from);
    is_spelt.then(|| (folder, FrameKey::new(&key, folder, file.from)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_one_spelling() {
        let own = text(&[7; 32], [1; 16], 12);
        let page = include_str!("../../../docs/formats/folder.md");
        let shown = String::from_utf8(own.clone()).expect("text");
        assert!(page.contains(shown.trim_end()), "{shown}");
        assert!(
            read_frame_key(&own)
                .is_some_and(|(folder, key)| folder == [1; 16] && key.first() == 12)
        );
        let upper = hex(&[0xab; 32]).to_uppercase();
        for (from, to) in [
            ("\n", ""),
            ("\n", "\n\n"),
            (":12", ":012"),
            (":12", ": 12"),
            (":12", ":12.0"),
            (":12", ":0"),
            (":12", ":-1"),
            ("/v1", "/v2"),
            (&hex(&[7; 32])[..], &upper[..]),
            (&hex(&[7; 32]), &hex(&[7; 31])),
            (&hex(&[1; 16]), &hex(&[1; 17])),
            ("}", ",\"more\":1}"),
        ] {
            let other = shown.replacen(from, to, 1);
            assert!(other != shown && read_frame_key(other.as_bytes()).is_none(), "{other}");
        }
    }
}

//! The data folder and the folder of keys: what is made once and then fixed.
//!
//! ```text
//! folder.json            {"format":"counterfoil.folder/v1","id":"<32 hex>"}
//! lock                   empty; held while a process has the folder
//! head                   the newest checkpoints
//! id.check               the mark of the key of id tags
//! journal/<16 hex>       the journal's files
//! logs/<log>/log.json    what is fixed for a log
//! logs/<log>/birth       its signed checkpoint of size 0
//! logs/<log>/keys.json   its public keys, once it had more than one (crate::keys)
//! damaged/<n>/           a folder that was set aside, see `aside`
//! suspect.json           an event that was found wrong, see `suspect`
//!
//! keys: <log>.key        the log's signing key; id.key: the key of id tags; frame.key: the key
//!                        of frames (crate::frame_key)
//! ```

use std::io;

use event::format_time;
use platform::{Disk, Entropy};
use serde::{Deserialize, Serialize};

use crate::aside;
use crate::frame_key;
use crate::head::{self, Head};
use crate::id_key;
use crate::keys;
use crate::log::{DamageNote, Frontier, LogKey, LogMeta, Purpose, hex};
use crate::open::OpenError;
use crate::signed;
use crate::world::World;

/// Bytes of the largest small file that is read.
pub(crate) const SMALL_BYTES_MAX: u64 = 64 << 10;

/// Who a data folder is.
pub(crate) const FOLDER_FILE: &str = "folder.json";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FolderFile {
    format: String,
    id: String,
}

/// A log to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSpec {
    /// Short name, `[a-z0-9-]{1,63}`.
    pub name: String,
    /// Whose events it takes.
    pub tenant: String,
    /// Whether anybody may read its tiles.
    pub public: bool,
    /// What it is for.
    pub purpose: Purpose,
}

impl LogSpec {
    /// What another partition of a log is made from, its name to be changed.
    pub(crate) fn of(meta: &LogMeta) -> LogSpec {
        let (name, tenant) = (meta.name().to_owned(), meta.tenant.clone());
        LogSpec { name, tenant, public: meta.public, purpose: meta.purpose }
    }

    /// Whether a log is as this one is to be.
    pub(crate) fn is_of(&self, meta: &LogMeta) -> bool {
        (&self.tenant, self.public, self.purpose) == (&meta.tenant, meta.public, meta.purpose)
    }

    /// Checks the name.
    pub fn check(&self) -> Result<(), String> {
        let name = &self.name;
        let known = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if (1..=63).contains(&name.len()) && name.bytes().all(known) {
            return Ok(());
        }
        Err(format!("the log name {name:?} must be 1 to 63 of a-z, 0-9 and '-'"))
    }
}

/// Reads the folder's id; none of one that is yet to be made. Makes nothing.
pub(crate) fn known_id(disk: &dyn Disk) -> Result<Option<[u8; 16]>, OpenError> {
    const NAME: &str = FOLDER_FILE;
    match disk.read_small(NAME, SMALL_BYTES_MAX) {
        Ok(bytes) => {
            // A process that was killed may have named it and not come to sync the name.
            disk.sync_folder("").map_err(|error| OpenError::io(NAME, error))?;
            let id = read_folder_file(&bytes);
            id.map(Some).ok_or_else(|| OpenError::damaged(NAME, "unreadable"))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // It is durable before any log is made: going on would start the logs anew.
            let left = left(disk)?.map(|left| format!("missing, though {left}"));
            left.map_or(Ok(None), |what| Err(OpenError::damaged(NAME, &what)))
        }
        Err(error) => Err(OpenError::io(NAME, error)),
    }
}

/// What stands there of a data folder beside the file that says who it is. A crash while it was
/// made leaves empty folders, and a head without a log.
fn left(disk: &dyn Disk) -> Result<Option<&'static str>, OpenError> {
    if !names(disk, "journal")?.is_empty() {
        return Ok(Some("there is a journal"));
    }
    if !logs(disk)?.is_empty() {
        return Ok(Some("there are logs"));
    }
    let has_logs = head::notes(disk, head::NAME).iter().any(|notes| !notes.is_empty());
    Ok(has_logs.then_some("the head has logs"))
}

/// Makes the folder.
pub(crate) fn make(disk: &dyn Disk, entropy: &dyn Entropy) -> Result<[u8; 16], OpenError> {
    let failed = |error| OpenError::io("the new data folder", error);
    disk.create_folder("journal").map_err(failed)?;
    disk.create_folder("logs").map_err(failed)?;
    let mut id = [0; 16];
    entropy.fill(&mut id);
    Head::create(disk, id).map_err(failed)?;
    let file = FolderFile { format: "counterfoil.folder/v1".into(), id: hex(&id) };
    // Written last: a crash before leaves a folder that is made anew.
    disk.replace_small(FOLDER_FILE, &json_line(&file)).map_err(failed)?;
    Ok(id)
}

/// Refuses to begin anew beside the key of a log that would be made: no key of a log is made before
/// its data folder is, so the right one is elsewhere, on a volume that is not mounted perhaps.
/// Makes nothing; neither folder need be there.
pub fn check_new(disk: &dyn Disk, keys: &dyn Disk, logs: &[LogSpec]) -> Result<(), OpenError> {
    let is_there = present_id(disk, "")?.is_some() || disk.open(FOLDER_FILE).is_ok();
    if is_there || !aside::numbers(disk)?.is_empty() || left(disk)?.is_some() {
        return Ok(());
    }
    let there = names(keys, "")?;
    let of_logs = logs.iter().map(|log| keys::secret_name(&log.name));
    let key = of_logs.into_iter().find(|key| there.contains(key));
    key.map_or(Ok(()), |key| Err(OpenError::Anew { key }))
}

/// Refuses to make a log whose key stands there, in a folder that has nothing yet and that the keys
/// do not belong to: it was put in the place of the right one. A log that goes on for one that was
/// set aside may have the name of one that was given up. Makes nothing.
pub(crate) fn check_unused(keys: &dyn Disk, to_make: &[LogMeta]) -> Result<(), OpenError> {
    let there = names(keys, "")?;
    let begun = to_make.iter().filter(|meta| meta.damage.is_none());
    let of_logs = begun.map(|meta| keys::secret_name(meta.name()));
    let key = of_logs.into_iter().find(|key| there.contains(key));
    key.map_or(Ok(()), |key| Err(OpenError::Anew { key }))
}

/// What a folder holds; nothing, if it is not there.
pub(crate) fn names(disk: &dyn Disk, folder: &str) -> Result<Vec<String>, OpenError> {
    match disk.list(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        listed => listed.map_err(|error| OpenError::io(folder, error)),
    }
}

/// The id of the folder whose names begin with `base`, if it has one that can be read. Makes
/// nothing.
pub(crate) fn present_id(disk: &dyn Disk, base: &str) -> Result<Option<[u8; 16]>, OpenError> {
    let name = format!("{base}{FOLDER_FILE}");
    match disk.read_small(&name, SMALL_BYTES_MAX) {
        Ok(bytes) => Ok(read_folder_file(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(OpenError::io(&name, error)),
    }
}

fn read_folder_file(bytes: &[u8]) -> Option<[u8; 16]> {
    let file: FolderFile = serde_json::from_slice(bytes).ok()?;
    if file.format == "counterfoil.folder/v1" { unhex(&file.id) } else { None }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// The bytes that lower-case hexadecimal digits say, exactly as many as asked for.
pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digits.iter().try_fold(0, |byte, digit| Some(byte << 4 | nibble(*digit)?))?;
    }
    Some(bytes)
}

/// The logs that are there.
pub(crate) fn logs(disk: &dyn Disk) -> Result<Vec<LogMeta>, OpenError> {
    names(disk, "logs")?.iter().filter_map(|name| log_at(disk, name).transpose()).collect()
}

/// The log of a name, if there is one.
pub(crate) fn log_at(disk: &dyn Disk, name: &str) -> Result<Option<LogMeta>, OpenError> {
    let Some(meta) = read_log(disk, "", name)? else { return Ok(None) };
    // As with folder.json: what is relied on from here must not go with the power.
    let folder = format!("logs/{name}");
    disk.sync_folder(&folder).map_err(|error| OpenError::io(&folder, error))?;
    Ok(Some(meta))
}

/// What is fixed for the log of this name in the folder whose name is before `base`'s end; nothing
/// if a crash interrupted its making: it was never used, and is made anew.
pub(crate) fn read_log(
    disk: &dyn Disk,
    base: &str,
    name: &str,
) -> Result<Option<LogMeta>, OpenError> {
    let path = format!("{base}logs/{name}/log.json");
    let bytes = match disk.read_small(&path, SMALL_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(OpenError::io(&path, error)),
    };
    let meta: LogMeta = serde_json::from_slice(&bytes)
        .map_err(|error| OpenError::damaged(&path, &error.to_string()))?;
    if meta.format != LogMeta::FORMAT || meta.name() != name {
        return Err(OpenError::damaged(&path, "is not of this log"));
    }
    let numbers = aside::NUMBERS;
    if meta.damage.as_ref().is_some_and(|note| !numbers.contains(&note.number)) {
        let (first, last) = numbers.into_inner();
        let what = format!("names no part that was set aside: they have numbers {first} to {last}");
        return Err(OpenError::damaged(&path, &what));
    }
    Ok(Some(meta))
}

/// Gives a key that stands where a new one goes another name. A crash while a log was made leaves
/// one; so does a wrong data folder beside the right keys, and then the key is all there is of a
/// log's authority.
pub(crate) fn keep_key(keys: &dyn Disk, name: &str) -> io::Result<()> {
    let names = keys.list("")?;
    if !names.iter().any(|found| found == name) {
        return Ok(());
    }
    let free = (1..u32::MAX).map(|n| format!("{name}.{n}")).find(|kept| !names.contains(kept));
    let free = free.ok_or_else(|| io::Error::other("too many old keys"))?;
    keys.rename(name, &free)?;
    keys.sync_folder("")
}

/// Keeps a secret that is about to be dropped from its log's key file, under another name; says
/// which, or nothing if a file has it already.
pub(crate) fn keep_secret(keys: &dyn Disk, log: &str, key: &LogKey) -> io::Result<Option<String>> {
    let (name, text) = (keys::secret_name(log), key.to_secret());
    let there = keys.list("")?;
    let all = || (1..u32::MAX).map(|n| format!("{name}.{n}"));
    for kept in all().take_while(|kept| there.contains(kept)) {
        if keys.read_small(&kept, SMALL_BYTES_MAX)? == text.as_bytes() {
            return Ok(None);
        }
    }
    let free = all().find(|kept| !there.contains(kept));
    let free = free.ok_or_else(|| io::Error::other("too many old keys"))?;
    keys.replace_small(&free, text.as_bytes())?;
    Ok(Some(free))
}

/// What is to be fixed for a log. Makes nothing.
pub(crate) fn plan_log(
    world: &World,
    host: &str,
    spec: &LogSpec,
    follows: Option<String>,
    damage: Option<DamageNote>,
) -> Result<LogMeta, OpenError> {
    spec.check().map_err(OpenError::Setting)?;
    let origin = format!("{host}/tlog/{}", spec.name);
    if origin.len() > 255 {
        return Err(OpenError::Setting(format!("the origin {origin} has more than 255 bytes")));
    }
    Ok(LogMeta {
        format: LogMeta::FORMAT.into(),
        origin,
        tenant: spec.tenant.clone(),
        public: spec.public,
        opened_at: format_time(world.clock.now()),
        follows,
        damage,
        purpose: spec.purpose,
    })
}

/// Makes a log: its key, its birth checkpoint and, last, what is fixed.
pub(crate) fn make_log(world: &World, meta: &LogMeta) -> Result<(), OpenError> {
    let name = meta.name();
    let folder = format!("logs/{name}");
    let failed = |error| OpenError::io(&folder, error);
    let mut seed = [0; 32];
    world.entropy.fill(&mut seed);
    let key = LogKey::new(&meta.origin, &seed);
    keep_key(world.keys.as_ref(), &keys::secret_name(name)).map_err(failed)?;
    keys::write_secrets(world.keys.as_ref(), name, &[&key]).map_err(failed)?;
    world.disk.create_folder(&folder).map_err(failed)?;
    world.disk.sync_folder("logs").map_err(failed)?;
    let birth = key.sign(0, Frontier::default().root());
    world.disk.replace_small(&format!("{folder}/birth"), birth.note.as_bytes()).map_err(failed)?;
    // Written last: a crash before leaves a log that is made anew, with a new key.
    world.disk.replace_small(&format!("{folder}/log.json"), &meta.file_text()).map_err(failed)
}

/// A log's origin, and what its keys are worth: an error if they are not those that signed it.
pub type KeyCheck<E> = (String, Result<KeysFound, E>);

/// What was found of a log's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeysFound {
    /// One key signs.
    One,
    /// Two sign together, until then if the log's history has it.
    Two(Option<i64>),
}

/// Whether the keys of each log that is there are those that signed it; by origin. Last, by their
/// names, the key of frames, if it cannot be used, and what says how far the logs were signed, if
/// the head has less. Changes nothing.
pub fn check_keys(disk: &dyn Disk, keys: &dyn Disk) -> Result<Vec<KeyCheck<OpenError>>, OpenError> {
    let check = |meta: &LogMeta| {
        let found = keys::read(disk, keys, "", meta)?;
        let overlap = found.ring.overlap().map(|(_, until)| KeysFound::Two(Some(until)));
        let begun = found.begun.map(|_| KeysFound::Two(None));
        Ok(begun.or(overlap).unwrap_or(KeysFound::One))
    };
    let mut found: Vec<_> =
        logs(disk)?.into_iter().map(|meta| (meta.origin.clone(), check(&meta))).collect();
    let frame_key = frame_key::check(disk, keys);
    found.extend(frame_key.err().map(|error| (frame_key::NAME.to_owned(), Err(error))));
    let signed = signed::check(disk, keys);
    found.extend(signed.err().map(|error| (signed::NAME.to_owned(), Err(error))));
    Ok(found)
}

/// Why a start would refuse the folder's own files: its id, its head, the key of id tags and its
/// mark. None, if it would refuse none. Changes nothing; reading settles what is read on the disk.
pub fn check_files(disk: &dyn Disk, keys: &dyn Disk, entropy: &dyn Entropy) -> Vec<OpenError> {
    let head = known_id(disk).and_then(|id| id.map_or(Ok(()), |id| head::open(disk, id).map(drop)));
    let id_key = id_key::id_key(disk, keys, entropy).map(drop);
    [head, id_key].into_iter().filter_map(Result::err).collect()
}

pub(crate) fn json_line(value: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(value).expect("plain strings and booleans");
    line.push(b'\n');
    line
}

//! How far each log was signed, told beside the keys that signed it.
//!
//! ```text
//! keys: signed              the checkpoints of the head that was synced last (slots.rs)
//!       signed.accepted     the same, renamed by hand: going back behind it is on purpose
//! ```
//!
//! A data folder that was put back to an older state is whole in itself, and whoever signs on in it
//! signs a second history of the same sizes. This file is what tells.
//!
//! Promises: it never says more than what is durable in the data folder, for it is written behind
//! each sync of the head, with what that has. So a crash refuses no start.
//!
//! Never: believed for more than a claim about this folder; a start checks no signature in it, for
//! whoever can write to the folder of keys can sign anything. Of a folder that was set aside it
//! tells how far its logs went, and there the signatures are checked: they cover what is shown.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use platform::{Disk, may_not_write};
use sha2::{Digest, Sha256};

use crate::folder::{self, keep_key};
use crate::head::{self, Head};
use crate::log::{hex, read_unverified};
use crate::open::OpenError;
use crate::put_back::{self, Accepted, PutBack};
use crate::rising::Rising;
use crate::slots::{self, Checkpoints, SLOT_BYTES, Slots};

/// Its name in the folder of keys.
pub(crate) const NAME: &str = "signed";
/// What somebody calls it who goes back on purpose.
const ACCEPTED: &str = "signed.accepted";

/// What the folder of keys says of how far the logs of a data folder were signed.
pub(crate) enum Said {
    /// The newest checkpoint of each.
    Kept(Checkpoints),
    /// Nothing, for the data folder has nothing yet: what stands there is another folder's.
    New,
    /// Nothing: it is an earlier build's.
    Nothing,
    /// What somebody took back, if it can be read, and a name for it.
    Accepted(Option<Checkpoints>, [u8; 32]),
}

/// Reads what is said of a data folder; `None` is one that is yet to be made. Changes nothing.
pub(crate) fn look(
    keys: &dyn Disk,
    folder: Option<[u8; 16]>,
    is_new: bool,
) -> Result<Said, OpenError> {
    match (read(keys, NAME)?, folder) {
        (File::Absent, _) => {}
        (File::Of(of, checkpoints), Some(id)) if of == id => return Ok(Said::Kept(checkpoints)),
        _ if is_new => return Ok(Said::New),
        (File::Of(of, _), id) => return Err(foreign(of, id)),
        (File::Unreadable, _) => return Err(OpenError::Signed(UNREADABLE.into())),
    }
    let checkpoints = match read(keys, ACCEPTED)? {
        File::Of(of, checkpoints) if Some(of) == folder => Some(checkpoints),
        _ if is_new => return Ok(Said::New),
        File::Absent => return Ok(Said::Nothing),
        File::Of(..) | File::Unreadable => None,
    };
    if !keys.is_writable() {
        // It could not be given another name, and would be good for every start to come.
        let what = "is taken back by signed.accepted, which takes a folder of keys that can be \
                    written";
        return Err(OpenError::Signed(what.into()));
    }
    Ok(Said::Accepted(checkpoints, name_of_accepted(keys)?))
}

/// What is said of a data folder that is damaged, if anything is. Changes nothing.
pub(crate) fn of(keys: &dyn Disk, folder: [u8; 16]) -> Result<Option<Checkpoints>, OpenError> {
    match read(keys, NAME)? {
        File::Of(of, checkpoints) if of == folder => Ok(Some(checkpoints)),
        File::Absent | File::Of(..) => Ok(None),
        File::Unreadable => Err(OpenError::Signed(UNREADABLE.into())),
    }
}

/// What is said of a folder that was set aside: since then the file has another name. Nothing that
/// was taken back is among it. Changes nothing.
pub(crate) fn kept_of(keys: &dyn Disk, folder: [u8; 16]) -> Vec<Checkpoints> {
    let number = |name: &String| {
        let number = name.strip_prefix(NAME)?.strip_prefix('.')?;
        number.bytes().all(|b| b.is_ascii_digit()).then_some(())
    };
    let mut names = folder::names(keys, "").unwrap_or_default();
    names.retain(|name| name == NAME || number(name).is_some());
    let of_it = |name: &String| match read(keys, name) {
        Ok(File::Of(of, checkpoints)) if of == folder => Some(checkpoints),
        _ => None,
    };
    names.iter().filter_map(of_it).collect()
}

/// Tells one going back from another, by those that were before it and by what was taken back.
fn name_of_accepted(keys: &dyn Disk) -> Result<[u8; 32], OpenError> {
    let before = folder::names(keys, "")?;
    let before = before.iter().filter(|name| name.starts_with(ACCEPTED)).count();
    let bytes = match keys.read_small(ACCEPTED, 2 * SLOT_BYTES as u64) {
        // More than it can have: it cannot be read as what it should be, either.
        Err(error) if error.kind() == ErrorKind::InvalidData => Vec::new(),
        bytes => bytes.map_err(|error| failed(ACCEPTED, error))?,
    };
    Ok(Sha256::new().chain_update(before.to_be_bytes()).chain_update(bytes).finalize().into())
}

const UNREADABLE: &str = "cannot be read: put it back from a backup of that folder, an older one \
                          will do. If there is none, make sure that the data folder is the newest \
                          one, and rename the file to signed.accepted \
                          (docs/operations/put-back.md)";

fn foreign(of: [u8; 16], folder: Option<[u8; 16]>) -> OpenError {
    let folder = folder.map(|id| hex(&id)).unwrap_or_default();
    OpenError::Signed(format!(
        "belongs to the data folder {}, and this one is {folder}: put the one back that belongs \
         to it",
        hex(&of)
    ))
}

enum File {
    Absent,
    Unreadable,
    Of([u8; 16], Checkpoints),
}

/// The newest slot that can be read. What is not yet durable is no less true.
fn read(keys: &dyn Disk, name: &str) -> Result<File, OpenError> {
    let len = match keys.open_to_read(name).and_then(|file| file.len()) {
        Ok(len) => len,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(File::Absent),
        Err(error) => return Err(failed(name, error)),
    };
    if len != 2 * SLOT_BYTES as u64 {
        return Ok(File::Unreadable);
    }
    let found = slots::read(keys, name).into_iter().zip(0..);
    let found = found.filter_map(|(slot, nth)| slot.filter(|(_, it)| it.counter % 2 == nth));
    let newest = found.max_by_key(|(_, slot)| slot.counter);
    Ok(newest.map_or(File::Unreadable, |(of, slot)| File::Of(of, slot.checkpoints)))
}

fn failed(name: &str, error: io::Error) -> OpenError {
    OpenError::io(&format!("keys/{name}"), error)
}

impl Said {
    /// Compares it with what the journal has; refuses a folder that has less, or something else.
    /// Answers what is to be stated where somebody took it back.
    pub(crate) fn judge(
        &self,
        rising: &BTreeMap<String, Rising>,
    ) -> Result<Option<Accepted>, OpenError> {
        match self {
            Said::Kept(checkpoints) => match put_back::compare(checkpoints, rising) {
                Some(all) if all.is_empty() => Ok(None),
                Some(all) => Err(OpenError::PutBack(all)),
                None => Err(OpenError::Signed(UNREADABLE.into())),
            },
            Said::Accepted(checkpoints, name) => {
                let logs = checkpoints.as_ref().and_then(|all| put_back::compare(all, rising));
                Ok(Some(Accepted { name: *name, logs }))
            }
            Said::New | Said::Nothing => Ok(None),
        }
    }

    /// Gives what is of another folder another name, before this one has a log. A crash behind it
    /// leaves a folder of which nothing is said.
    pub(crate) fn keep_elsewhere(&self, keys: &dyn Disk) -> Result<(), OpenError> {
        let names: &[&str] = if matches!(self, Said::New) { &[NAME, ACCEPTED] } else { &[] };
        let mut kept = names.iter().map(|name| (name, keep_key(keys, name)));
        kept.try_for_each(|(name, kept)| kept.map_err(|error| failed(name, error)))
    }
}

/// Whether what is said fits the data folder's head, as far as that tells. Changes nothing. A
/// server may be writing both: what does not fit twice does not fit.
pub(crate) fn check(disk: &dyn Disk, keys: &dyn Disk) -> Result<(), OpenError> {
    check_once(disk, keys).or_else(|_| check_once(disk, keys))
}

fn check_once(disk: &dyn Disk, keys: &dyn Disk) -> Result<(), OpenError> {
    let Some(id) = folder::present_id(disk, "")? else { return Ok(()) };
    let (said, head) = match read(keys, NAME)? {
        File::Absent => return Ok(()),
        File::Unreadable => return Err(OpenError::Signed(UNREADABLE.into())),
        File::Of(of, _) if of != id => return Err(foreign(of, Some(id))),
        // In this order: what the head has is never less than what was said before.
        File::Of(_, said) => (said, head::notes(disk, head::NAME)),
    };
    let mut behind = Vec::new();
    for (origin, note) in &said {
        let read = |notes: &Checkpoints| read_unverified(notes.get(origin)?, origin);
        let newest = head.iter().filter_map(read).max_by_key(|newest| newest.size);
        let Some(signed) = read_unverified(note, origin) else { continue };
        let is_older = newest.as_ref().is_none_or(|newest| newest.size < signed.size);
        let is_other = newest
            .as_ref()
            .is_some_and(|newest| newest.size == signed.size && newest.root != signed.root);
        if !head.is_empty() && (is_older || is_other) {
            let found = newest.map(|newest| (newest.size, newest.root));
            let signed = (signed.size, signed.root);
            behind.push(PutBack { origin: origin.clone(), signed, found });
        }
    }
    if behind.is_empty() { Ok(()) } else { Err(OpenError::PutBack(behind)) }
}

/// The file, open for writing.
#[derive(Default)]
pub(crate) struct Signed {
    /// With its folder; `None` where it is not kept: during a start, or in a folder that cannot be
    /// written.
    file: Option<(Slots, Arc<dyn Disk>)>,
}

impl Signed {
    /// Writes or makes the file with what the head has, which is synced. What was taken back gets
    /// another name last: a crash before leaves both, and the file has the say.
    pub(crate) fn begin(
        keys: &Arc<dyn Disk>,
        folder: [u8; 16],
        said: &Said,
        head: &Head,
    ) -> Result<(Signed, Option<String>), OpenError> {
        let checkpoints = &head.slot().checkpoints;
        let made = match said {
            Said::Kept(_) => Ok(()),
            _ => Slots::create(keys.as_ref(), NAME, folder, checkpoints),
        };
        match made.and_then(|()| Slots::open(keys.as_ref(), NAME, folder)) {
            Ok(Ok((file, _))) => {
                let mut signed = Signed { file: Some((file, keys.clone())) };
                if matches!(said, Said::Kept(_)) {
                    signed.keep(head).map_err(|error| failed(NAME, error))?;
                }
                keep_key(keys.as_ref(), ACCEPTED).map_err(|error| failed(ACCEPTED, error))?;
                Ok((signed, None))
            }
            Ok(Err(damage)) => Err(OpenError::Signed(damage.what)),
            Err(error) if may_not_write(&error) => {
                let remark = "the folder of keys cannot be written: nothing there says how far the \
                              logs are signed, and a data folder that is put back to an older \
                              state is not found";
                Ok((Signed::default(), Some(remark.to_owned())))
            }
            Err(error) => Err(failed(NAME, error)),
        }
    }

    /// Says what the head has, which was synced just now.
    pub(crate) fn keep(&mut self, head: &Head) -> io::Result<()> {
        let Some((file, keys)) = &mut self.file else { return Ok(()) };
        debug_assert!(head.is_synced(), "what is not durable is not said");
        if !keys.is_here() {
            let what = "the folder of keys does not stand where it was opened any more";
            return Err(io::Error::new(ErrorKind::NotFound, what));
        }
        file.write(&head.slot().checkpoints, false)?;
        file.sync()
    }
}

//! What the comparison of events with their entries, or a read, found wrong, kept for the next
//! start: a process that ends because of it would else take writes after each start until it is
//! found again.
//!
//! ```text
//! suspect.json   {"format":"counterfoil.suspect/v1","found_at":"…Z","log":"…","seq":…,
//!                 "file":"…","offset":…,"what":"…"}
//! ```
//!
//! Promises: it names an event that the next start looks at before it takes anything; that event
//! alone decides. A file that cannot be read, or names what is not there, keeps no start from
//! going on. It goes away when a folder opens, and along with one that is set aside.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;

use event::format_time;
use platform::Disk;
use serde::{Deserialize, Serialize};

use crate::folder::{self, SMALL_BYTES_MAX};
use crate::journal::Damage;
use crate::journal::file::file_name;
use crate::log::{Log, ReadError};
use crate::open::OpenError;
use crate::replay::Unreadable;
use crate::rising::Rising;
use crate::world::World;

/// Where it stands.
pub(crate) const NAME: &str = "suspect.json";
const FORMAT: &str = "counterfoil.suspect/v1";

/// An event that is not what its signed entry says, or cannot be read at all.
pub struct Unfit {
    /// Its log.
    pub log: Arc<Log>,
    /// Its place there.
    pub seq: u64,
    /// What is wrong, and in which file.
    pub error: OpenError,
}

/// It, as the file names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Suspect {
    format: String,
    found_at: String,
    /// The log's name.
    pub(crate) log: String,
    pub(crate) seq: u64,
    file: String,
    offset: u64,
    what: String,
}

impl fmt::Debug for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unfit({}, {}: {})", self.log.meta.name(), self.seq, self.error)
    }
}

impl Unfit {
    /// Looks once more at an entry that a read found wrong; nothing if it is as it was signed, if
    /// it could not be read at all, or stands in a log that was set aside.
    pub fn look(log: &Arc<Log>, seq: u64) -> Option<Unfit> {
        if log.damaged().is_some() {
            return None;
        }
        let Err(ReadError::Damaged(_, what)) = log.read_checked(seq) else { return None };
        let place = log.place_of(seq)?;
        let error = OpenError::Damaged(Damage {
            file: file_name(place.file),
            offset: place.offset,
            what: format!("log {}, entries from {seq}: {what}", log.meta.name()),
        });
        Some(Unfit { log: log.clone(), seq, error })
    }
}

impl From<Unreadable> for Unfit {
    fn from(unreadable: Unreadable) -> Unfit {
        let Unreadable { log, first: seq, error, .. } = unreadable;
        Unfit { log, seq, error }
    }
}

impl From<Unfit> for OpenError {
    fn from(unfit: Unfit) -> OpenError {
        unfit.error
    }
}

/// Keeps what was found, if it is damage: a disk that did not answer may answer again. A crash
/// leaves it kept or not, and then it is found again.
pub(crate) fn keep(world: &World, unfit: &Unfit) -> io::Result<()> {
    let OpenError::Damaged(damage) = &unfit.error else { return Ok(()) };
    let suspect = Suspect {
        format: FORMAT.into(),
        found_at: format_time(world.clock.now()),
        log: unfit.log.meta.name().to_owned(),
        seq: unfit.seq,
        file: damage.file.clone(),
        offset: damage.offset,
        what: damage.what.clone(),
    };
    world.disk.replace_small(NAME, &folder::json_line(&suspect))
}

/// What is kept below `base`, or why it cannot be used; `None` if there is nothing.
pub(crate) fn read(disk: &dyn Disk, base: &str) -> Option<Result<Suspect, String>> {
    let bytes = match disk.read_small(&format!("{base}{NAME}"), SMALL_BYTES_MAX) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        bytes => bytes,
    };
    let suspect = bytes.map_err(|error| error.to_string()).and_then(|bytes| {
        let suspect: Suspect = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
        let is_known = suspect.format == FORMAT;
        if is_known { Ok(suspect) } else { Err("it is of an unknown format".into()) }
    });
    Some(suspect)
}

/// What is kept, if something is: the journal is read with an eye on the event that it names.
pub(crate) fn look_for(
    disk: &dyn Disk,
    rising: &mut BTreeMap<String, Rising>,
) -> Option<Result<Suspect, String>> {
    let kept = read(disk, "");
    if let Some(Ok(suspect)) = &kept {
        let mut logs = rising.values_mut();
        let named = logs.find(|log| log.meta.name() == suspect.log);
        named.into_iter().for_each(|log| log.suspect = Some(suspect.seq));
    }
    kept
}

/// Removes it, for the folder is open and nothing is wrong with what it names; says what became of
/// it. One that stays does no harm, for the next start looks again.
pub(crate) fn forget(disk: &dyn Disk, told: &str) -> String {
    match disk.remove(NAME).and_then(|()| disk.sync_folder("")) {
        Ok(()) => format!("{told}; it is removed"),
        Err(error) => format!("{told}; it cannot be removed: {error}"),
    }
}

/// What became of it, once the journal is read and nothing in it is wrong.
pub(crate) fn told(kept: &Result<Suspect, String>, rising: &BTreeMap<String, Rising>) -> String {
    let is_there = |log: &Rising| log.suspect.is_some_and(|seq| seq < log.sequencer.size());
    match kept {
        Ok(Suspect { log, seq, file, offset, .. }) if rising.values().any(is_there) => format!(
            "entry {seq} of the log {log}, in which damage was found ({file}, byte {offset}) \
             as {NAME} says, is as it was signed"
        ),
        Ok(Suspect { log, seq, .. }) => {
            format!("{NAME} names entry {seq} of the log {log}, which is not there")
        }
        Err(what) => format!("{NAME} cannot be used: {what}"),
    }
}

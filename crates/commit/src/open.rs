//! Start-up, which is recovery: there is no other path.
//!
//! First all is read and judged (`look`); a folder that is refused stays as it is, byte for byte.
//! Then it goes on: what is missing is made, the last frame is copied and synced, the logs' keys
//! and histories are brought together, and all that was found is signed.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};

use crate::aside::{self, Left, SetAside};
use crate::fair::Fair;
use crate::folder::{self, LogSpec};
use crate::front::{Before, PartitionLimits};
use crate::head::{self, Head};
use crate::id_key;
use crate::journal::file::{FILE_BYTES, file_name};
use crate::journal::mark::FrameKey;
use crate::journal::{Damage, Found, Journal, Scan};
use crate::lane::{Lane, LaneLog};
use crate::log::{Log, ReadError};
use crate::logs::Logs;
use crate::look::{self, Looked, Ready, look};
use crate::measures::Measures;
use crate::put_back::{self, Accepted, PutBack};
use crate::rising::Rising;
use crate::settle::settle;
use crate::signed::{self, Said, Signed};
use crate::suspect;
use crate::sweep::Sweep;
use crate::world::World;

/// What a folder is opened with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Host part of the origin of logs that are made now.
    pub host: String,
    /// The logs to have; those that are not there are made.
    pub logs: Vec<LogSpec>,
    /// Bytes of a journal file.
    pub file_bytes: u64,
    /// Whether journal files are made ahead by a thread.
    pub files_ahead: bool,
    /// The program's version: if given, each open log states every start of it and every orderly
    /// stop.
    pub version: Option<String>,
    /// When a log is closed without an order, and the next one opened.
    pub partitions: PartitionLimits,
    /// What is done about a journal or a head that is damaged.
    pub on_damage: OnDamage,
}

/// What a start does that finds a journal or a head damaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDamage {
    /// It opens nothing and says where the damage is.
    #[default]
    Refuse,
    /// It sets the folder aside and goes on in new logs, which state the finding.
    NewPartition,
}

impl Settings {
    /// With journal files of the usual size, made ahead.
    pub fn new(host: &str, logs: Vec<LogSpec>) -> Settings {
        let host = host.to_owned();
        Settings {
            host,
            logs,
            file_bytes: FILE_BYTES,
            files_ahead: true,
            version: None,
            partitions: PartitionLimits::default(),
            on_damage: OnDamage::default(),
        }
    }
}

/// Why a folder cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// What was signed is not there any more, or is not what it was.
    #[error("the data folder is damaged: {0}")]
    Damaged(Damage),
    /// The disk did not answer.
    #[error("cannot use {what}")]
    Io {
        /// The file or folder.
        what: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A key file cannot be used.
    #[error("the key file {name} {what}")]
    Key {
        /// Its name in the folder of keys.
        name: String,
        /// What is wrong with it.
        what: String,
    },
    /// The folder would be made anew beside keys that have one.
    #[error(
        "the data folder is new, though the folder of keys has {key}, the key of a log that would \
         be made in it"
    )]
    Anew {
        /// Its name in the folder of keys.
        key: String,
    },
    /// The folder has not what was signed: it is an older copy, or has another history.
    #[error("{}", put_back::refusal(.0))]
    PutBack(Vec<PutBack>),
    /// What says how far the logs were signed cannot be used.
    #[error("the file signed in the folder of keys {0}; nothing was changed")]
    Signed(String),
    /// A setting is wrong.
    #[error("{0}")]
    Setting(String),
}

impl OpenError {
    pub(crate) fn io(what: &str, source: io::Error) -> OpenError {
        OpenError::Io { what: what.to_owned(), source }
    }

    pub(crate) fn damaged(file: &str, what: &str) -> OpenError {
        OpenError::Damaged(Damage { file: file.to_owned(), offset: 0, what: what.to_owned() })
    }

    /// A log could not be read back.
    pub(crate) fn read(log: &Log, error: &ReadError) -> OpenError {
        let name = log.meta.name();
        OpenError::io(&format!("the log {name}"), io::Error::other(error.to_string()))
    }

    pub(crate) fn key(name: &str, what: &str) -> OpenError {
        OpenError::Key { name: name.to_owned(), what: what.to_owned() }
    }
}

impl From<Scan> for OpenError {
    fn from(scan: Scan) -> OpenError {
        match scan {
            Scan::Io(what, source) => OpenError::Io { what, source },
            Scan::Damaged(damage) => OpenError::Damaged(damage),
        }
    }
}

/// Hears bytes done and bytes in all.
pub type Progress<'p> = dyn FnMut(u64, u64) + 'p;

/// An opened folder.
pub(crate) struct Opened {
    /// Its id.
    pub(crate) folder: [u8; 16],
    pub(crate) lane: Lane,
    pub(crate) logs: Logs,
    /// How the process before left the folder.
    pub(crate) before: Before,
    /// What the folder of keys says of how far the logs were signed.
    pub(crate) said: Said,
    /// What is left to clear once the cut is stated.
    pub(crate) sweep: Sweep,
    /// What was set aside, now or before.
    pub(crate) aside: Vec<SetAside>,
    /// What whoever started it should hear.
    pub(crate) remarks: Vec<String>,
}

/// Opens a folder. One that is damaged is left as it is, or set aside as a whole and begun anew.
pub(crate) fn open(
    world: &World,
    settings: &Settings,
    progress: &mut Progress<'_>,
) -> Result<Opened, OpenError> {
    aside::resume(world.disk.as_ref(), settings.on_damage)?;
    match open_whole(world, settings, progress) {
        Err(OpenError::Damaged(damage)) if settings.on_damage == OnDamage::NewPartition => {
            aside::set_aside(world, damage)?;
            open_whole(world, settings, progress)
        }
        Err(OpenError::Damaged(damage)) => Err(refused(world, damage, progress)),
        opened => opened,
    }
}

/// Logs that one refusal names.
const TOLD_MAX: usize = 3;

/// The damage, with what would be lost of what the folder of keys says was signed: whoever is about
/// to have the folder set aside has to know.
fn refused(world: &World, mut damage: Damage, progress: &mut Progress<'_>) -> OpenError {
    let id = folder::present_id(world.disk.as_ref(), "").ok().flatten();
    let said = id.and_then(|id| signed::of(world.keys.as_ref(), id).ok().flatten());
    let said = said.filter(|_| damage.is_of_journal());
    let lost = said.map(|said| aside::would_be_lost(world, said, progress)).unwrap_or_default();
    if !lost.is_empty() {
        let mut told: Vec<_> = lost.iter().take(TOLD_MAX).map(Left::to_string).collect();
        let more = lost.len().saturating_sub(TOLD_MAX);
        told.extend((more > 0).then(|| format!("{more} logs more")));
        damage.what += &format!("; more was signed than can be read here: {}", told.join(", "));
    }
    OpenError::Damaged(damage)
}

/// Opens a folder that is not damaged. Nothing of one that is refused is changed.
fn open_whole(
    world: &World,
    settings: &Settings,
    progress: &mut Progress<'_>,
) -> Result<Opened, OpenError> {
    let looked = look(world, settings, progress)?;
    let Looked { folder, frame_key, said, accepted, mut found, files, mut logs, .. } = looked;
    let Looked { mut ready, to_make, mut aside, cleared, .. } = looked;
    let disk = &world.disk;
    // Nothing but the disk refuses from here on, and the folder is changed.
    id_key::keep(disk.as_ref(), world.keys.as_ref(), &world.id_key)?;
    let (folder, mut head) = match folder {
        Some(known) => known,
        None => {
            let id = folder::make(disk.as_ref(), world.entropy.as_ref())?;
            (id, head::open(disk.as_ref(), id)?)
        }
    };
    // The key first: without its own, and with what is said of it still there, no folder starts.
    let frame_key = frame_key.or_make(world, folder, found.next_frame)?;
    said.keep_elsewhere(world.keys.as_ref())?;
    for meta in to_make {
        folder::make_log(world, &meta)?;
        ready.push(look::ready(Rising::new(world, None, meta)?, &files, &mut logs)?);
    }
    let closed = begin(&mut head)?;
    // A full disk must not keep a folder from opening that would free some of it.
    found.drop_blank(disk.as_ref())?;
    let journal = go_on(world, settings, folder, &found, &frame_key.key, &ready)?;
    let (number, file) = journal.file();
    files.write().unwrap_or_else(PoisonError::into_inner).insert(number, file.clone());
    let measures = measured(&found, &journal)?;
    let (mut newest, mut remarks, mut opened) = (Vec::new(), Vec::new(), BTreeMap::new());
    for Ready { log, sequencer, epochs, due } in ready {
        remarks.extend(settle(world, &log, due));
        newest.push((log.meta.origin.clone(), log.checkpoint().note.clone()));
        opened.insert(log.meta.name().to_owned(), LaneLog { log, sequencer, epochs });
    }
    let written = head.write(newest, false).and_then(|()| head.sync());
    written.map_err(|error| OpenError::io("head", error))?;
    frame_key.keep(world.keys.as_ref())?;
    if let Some(remark) = cleared {
        remarks.push(suspect::forget(disk.as_ref(), &remark));
    }
    remarks.extend(accepted.iter().flat_map(Accepted::remarks));
    aside::tell_lost(&mut aside, &logs);
    // A log without an entry that follows another one is opened when that one is closed.
    let logs = Logs::new(logs);
    opened.retain(|_, log| log.log.is_open());
    let lane = Lane {
        disk: disk.clone(),
        journal,
        head,
        // From the end of the start on: till then it says what it said.
        signed: Signed::default(),
        clock: world.clock.clone(),
        logs: opened,
        files,
        head_synced_at: world.clock.elapsed(),
        waiting: Fair::default(),
        rotations: VecDeque::new(),
        shown: logs.clone(),
        frame: Vec::new(),
        measures: Arc::new(measures),
    };
    let cut = found.torn.map(|place| (file_name(place.file), place.offset));
    let before = Before { closed, cut, accepted };
    let sweep = Sweep::new(&found);
    Ok(Opened { folder, lane, logs, before, said, sweep, aside, remarks })
}

/// Says whether the folder was closed in order. From here on a crash leaves one that was not.
fn begin(head: &mut Head) -> Result<bool, OpenError> {
    let closed = head.slot().closed;
    if closed {
        let written = head.write([], false).and_then(|()| head.sync());
        written.map_err(|error| OpenError::io("head", error))?;
    }
    Ok(closed)
}

/// Goes on in a fresh file that begins with a copy of the last frame.
fn go_on(
    world: &World,
    settings: &Settings,
    folder: [u8; 16],
    found: &Found,
    key: &FrameKey,
    ready: &[Ready],
) -> Result<Journal, OpenError> {
    let (disk, bytes, ahead) = (&world.disk, settings.file_bytes, settings.files_ahead);
    let started = Journal::start(disk, folder, bytes, found, key.clone(), ahead);
    let (journal, copied) = started.map_err(|error| {
        let needed = format!("journal: it goes on in a new file of {} MiB", bytes >> 20);
        let is_full = error.kind() == io::ErrorKind::StorageFull;
        OpenError::io(if is_full { &needed } else { "journal" }, error)
    })?;
    if let (Some(last), Some(copied)) = (&found.last, copied) {
        for Ready { log, .. } in ready {
            log.moved(last.place, copied);
        }
    }
    Ok(journal)
}

/// What the lane counts, with what is there already.
fn measured(found: &Found, journal: &Journal) -> Result<Measures, OpenError> {
    let measures = Measures::default();
    let mut bytes = journal.file_bytes();
    for (number, file) in &found.files {
        bytes += file.len().map_err(|error| OpenError::io(&file_name(*number), error))?;
    }
    measures.journal_bytes.store(bytes, Relaxed);
    Ok(measures)
}

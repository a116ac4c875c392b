//! Start-up, which is recovery: there is no other path.
//!
//! Frames are read past the page cache and run through the very sequencer that made them; what
//! they add up to is compared with the head. Only what lies beyond everything that was signed can
//! be a torn tail; all else is damage, and start-up refuses it by name and offset.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, RwLock};

use event::OriginDigest;

use crate::aside::{self, Part, SetAside};
use crate::fair::Fair;
use crate::folder::{self, LogSpec};
use crate::front::{Before, PartitionLimits};
use crate::head::Head;
use crate::journal::file::{FILE_BYTES, file_name};
use crate::journal::frame::Frame;
use crate::journal::{Damage, Found, Journal, Place, Scan, scan};
use crate::keys;
use crate::lane::{Lane, LaneLog};
use crate::log::{Files, Log, Published, ReadError, Sequencer, read_unverified};
use crate::logs::{LogMap, Logs};
use crate::measures::Measures;
use crate::partitions;
use crate::rising::{Rising, visit_frame};
use crate::settle::{self, Awaited, settle};
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
    pub(crate) lane: Lane,
    pub(crate) logs: Logs,
    /// How the process before left the folder.
    pub(crate) before: Before,
    /// What is left to clear once the cut is stated.
    pub(crate) sweep: Sweep,
    /// What was set aside, now or before.
    pub(crate) aside: Vec<SetAside>,
}

/// Opens a folder. One that is damaged is left as it is, or set aside as a whole and begun anew.
pub(crate) fn open(
    world: &World,
    settings: &Settings,
    progress: &mut Progress<'_>,
) -> Result<Opened, OpenError> {
    aside::resume(world.disk.as_ref())?;
    match open_whole(world, settings, progress) {
        Err(OpenError::Damaged(damage)) if settings.on_damage == OnDamage::NewPartition => {
            aside::set_aside(world, damage)?;
            open_whole(world, settings, progress)
        }
        opened => opened,
    }
}

/// Opens a folder that is not damaged. Nothing of a damaged one is changed.
fn open_whole(
    world: &World,
    settings: &Settings,
    progress: &mut Progress<'_>,
) -> Result<Opened, OpenError> {
    let disk = &world.disk;
    let folder = folder::folder_id(disk.as_ref(), world.entropy.as_ref())?;
    let mut head = Head::open(disk.as_ref(), folder)
        .map_err(|e| OpenError::io("head", e))?
        .map_err(OpenError::Damaged)?;
    let parts = aside::read_parts(world, progress)?;
    let mut rising = rise(world, settings, &head, &parts)?;
    let mut visit = |frame: &Frame<'_>, place: Place| visit_frame(&mut rising, frame, place);
    let mut found = scan(disk.as_ref(), folder, &mut visit, progress)?;
    settle::check_signers(&head, &rising)?;
    check_head(&head, &rising, &found)?;
    let closed = begin(&mut head, &found, &rising)?;
    // A full disk must not keep a folder from opening that would free some of it.
    found.drop_blank(disk.as_ref())?;
    let journal = go_on(world, settings, folder, &found, &mut rising)?;
    let files = readable(&found, &journal);
    let measures = measured(&found, &journal)?;
    let mut opened = BTreeMap::new();
    let mut newest = Vec::new();
    let mut logs = LogMap::new();
    let aside = parts.into_iter().map(|part| aside::show(part, &mut logs)).collect();
    for origin in partitions::in_order(&rising)? {
        let Some(log) = rising.remove(&origin) else { continue };
        let size = log.sequencer.size();
        let name = log.meta.name().to_owned();
        let predecessor = log.meta.follows.as_deref();
        let predecessor = predecessor.and_then(|origin| aside::newest(&logs, origin));
        let is_open = size > 0 || log.meta.damage.is_some();
        if let Some(closed) = predecessor.as_ref().filter(|_| is_open) {
            closed.close(&name);
            opened.remove(closed.meta.name());
        }
        let Rising { meta, keys, awaited, next_epoch, published, sequencer, epochs, .. } = log;
        let seen = awaited.and_then(|awaited| awaited.seq);
        let log = Log::new(meta, keys.ring, files.clone(), next_epoch, published, predecessor);
        let log = Arc::new(log);
        settle(world, &log, keys.begun, seen)?;
        newest.push((origin, log.checkpoint().note.clone()));
        logs.insert(name.clone(), log.clone());
        opened.insert(name, LaneLog { log, sequencer, epochs });
    }
    let written = head.write(newest, false).and_then(|()| head.sync());
    written.map_err(|error| OpenError::io("head", error))?;
    // A log without an entry that follows another one is opened when that one is closed.
    let logs = Logs::new(logs);
    opened.retain(|_, log| !log.log.is_waiting());
    let lane = Lane {
        journal,
        head,
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
    let before = Before { closed, cut };
    Ok(Opened { lane, logs, before, sweep: Sweep::new(&found), aside })
}

/// Says whether the folder was closed in order. From here on a crash leaves one that was not.
fn begin(
    head: &mut Head,
    found: &Found,
    rising: &BTreeMap<String, Rising>,
) -> Result<bool, OpenError> {
    let closed = head.slot().closed;
    if closed {
        check_closed(found, rising)?;
        let written = head.write([], false).and_then(|()| head.sync());
        written.map_err(|error| OpenError::io("head", error))?;
    }
    Ok(closed)
}

/// The logs that are there, and those that the settings ask for, before any frame is read.
fn rise(
    world: &World,
    settings: &Settings,
    head: &Head,
    parts: &[Part],
) -> Result<BTreeMap<String, Rising>, OpenError> {
    let mut metas = folder::logs(world.disk.as_ref())?;
    aside::make_next(world, parts, &mut metas)?;
    // The host of the first log holds for all: it was fixed when the folder was made.
    let host = metas.first().and_then(|meta| Some(meta.origin.split_once("/tlog/")?.0.to_owned()));
    let host = host.unwrap_or_else(|| settings.host.clone());
    for spec in &settings.logs {
        let set_aside = parts.iter().flat_map(|part| part.logs.values()).map(|log| &log.meta);
        let mut all = metas.iter().chain(set_aside);
        match all.find(|meta| meta.name() == spec.name) {
            Some(meta) if !spec.is_of(meta) => {
                let reason = "a log's tenant, whether it is public and what it is for are fixed \
                              when it is created";
                return Err(OpenError::Setting(format!("log {}: {reason}", spec.name)));
            }
            Some(_) => {}
            None if aside::stands_for(&metas, parts, spec) => {}
            None => {
                // A log that was lost must not be made anew over what is left of it.
                let path = format!("/tlog/{}", spec.name);
                if head.slot().checkpoints.keys().any(|origin| origin.ends_with(&path)) {
                    let file = format!("logs/{}/log.json", spec.name);
                    return Err(OpenError::damaged(
                        &file,
                        "is missing, though the head has its log",
                    ));
                }
                metas.push(folder::create_log(world, &host, spec, None, None)?);
            }
        }
    }
    let mut rising = BTreeMap::new();
    for meta in metas {
        let found = keys::read(world.disk.as_ref(), world.keys.as_ref(), "", &meta)?;
        let slot = head.slot();
        // That the signature holds is checked once the journal is read.
        let newest = slot.checkpoints.get(&meta.origin);
        let signed = newest.and_then(|note| read_unverified(note, &meta.origin));
        let log = Rising {
            awaited: Awaited::new(world, &meta, &found),
            signed: signed.map_or(0, |signed| signed.size),
            stranger: None,
            digest: OriginDigest::new(&meta.origin),
            sequencer: Sequencer::default(),
            published: Published::new(found.birth.clone()),
            keys: found,
            epochs: HashSet::new(),
            next_epoch: 0,
            meta,
        };
        rising.insert(log.meta.origin.clone(), log);
    }
    Ok(rising)
}

/// Compares the journal with what the head says was signed.
fn check_head(
    head: &Head,
    rising: &BTreeMap<String, Rising>,
    found: &Found,
) -> Result<(), OpenError> {
    let damaged = |what: String| {
        let end = found.end.unwrap_or(Place { file: 1, offset: 0 });
        let file = file_name(end.file);
        OpenError::Damaged(Damage { file, offset: end.offset, what })
    };
    for (origin, note) in &head.slot().checkpoints {
        let log = rising.get(origin).ok_or_else(|| {
            let name = origin.rsplit('/').next().unwrap_or(origin);
            let what = format!("is missing, though the head has the log {origin}");
            OpenError::damaged(&format!("logs/{name}/log.json"), &what)
        })?;
        let signed = log
            .keys
            .ring
            .open(note, origin)
            .map_err(|what| OpenError::damaged("head", &format!("{origin}: {what}")))?;
        let size = log.sequencer.size();
        if size < signed.size {
            let last = signed.size - 1;
            return Err(damaged(format!(
                "log {}: entries {size} to {last} were signed and are missing from here on",
                log.meta.name()
            )));
        }
        if log.published.tree.root(signed.size) != Some(signed.root) {
            let what = format!("{origin}: the journal is not the one that was signed");
            return Err(OpenError::damaged("head", &what));
        }
    }
    Ok(())
}

/// A folder that was closed in order was swept before, its last frame was whole, and the head has
/// the checkpoint of all of it.
fn check_closed(found: &Found, rising: &BTreeMap<String, Rising>) -> Result<(), OpenError> {
    let damaged = |place: Place, what: String| {
        let file = file_name(place.file);
        Err(OpenError::Damaged(Damage { file, offset: place.offset, what }))
    };
    if let Some(place) = found.dead.first() {
        let what = "bytes that are no frame, though the folder was closed in order";
        return damaged(*place, what.to_owned());
    }
    let more = rising.values().find(|log| log.sequencer.size() > log.signed);
    let (Some(log), Some(last)) = (more, &found.last) else { return Ok(()) };
    let what = format!(
        "log {}: entries from {} on were never signed, though the folder was closed in order: \
         somebody else wrote them",
        log.meta.name(),
        log.signed
    );
    damaged(last.place, what)
}

/// Goes on in a fresh file that begins with a copy of the last frame.
fn go_on(
    world: &World,
    settings: &Settings,
    folder: [u8; 16],
    found: &Found,
    rising: &mut BTreeMap<String, Rising>,
) -> Result<Journal, OpenError> {
    let (disk, bytes, ahead) = (&world.disk, settings.file_bytes, settings.files_ahead);
    let (journal, copied) = Journal::start(disk, folder, bytes, found, ahead).map_err(|error| {
        let needed = format!("journal: it goes on in a new file of {} MiB", bytes >> 20);
        let is_full = error.kind() == io::ErrorKind::StorageFull;
        OpenError::io(if is_full { &needed } else { "journal" }, error)
    })?;
    if let (Some(last), Some(copied)) = (&found.last, copied) {
        for log in rising.values_mut() {
            log.published.chunks.moved(last.place, copied);
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

/// The files that events are read from.
fn readable(found: &Found, journal: &Journal) -> Arc<Files> {
    let mut files: BTreeMap<_, _> = found.files.iter().cloned().collect();
    let (number, file) = journal.file();
    files.insert(number, file.clone());
    Arc::new(RwLock::new(files))
}

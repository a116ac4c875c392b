//! What a start reads and judges before it changes anything.
//!
//! Frames are read past the page cache and run through the very sequencer that made them; what
//! they add up to is compared with the head. Only what lies beyond everything that was signed can
//! be a torn tail; all else is damage, refused by name and offset.
//!
//! Promises: whatever can refuse a start, but for the disk, is asked here.
//!
//! Never: writes. Who is refused finds both folders byte for byte as they were.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, RwLock};

use crate::aside::{self, Part, SetAside};
use crate::folder::{self, LogSpec};
use crate::frame_key;
use crate::head::{self, Head};
use crate::journal::file::file_name;
use crate::journal::frame::Frame;
use crate::journal::{Damage, Found, Place, scan};
use crate::log::{Files, Log, LogMeta, Sequencer};
use crate::logs::LogMap;
use crate::marks::Marks;
use crate::open::{OpenError, Progress, Settings};
use crate::partitions;
use crate::put_back::Accepted;
use crate::replay;
use crate::rising::{Rising, visit_frame};
use crate::settle::{self, Due};
use crate::signed::{self, Said};
use crate::slots;
use crate::suspect;
use crate::world::World;

/// What is told of parts that were set aside, in one refusal.
const TROUBLES_MAX: usize = 3;

/// A folder that nothing refuses.
pub(crate) struct Looked {
    /// Its id and its head; none of one that is yet to be made.
    pub(crate) folder: Option<([u8; 16], Head)>,
    pub(crate) frame_key: frame_key::Found,
    /// What the folder of keys says of how far the logs were signed.
    pub(crate) said: Said,
    /// What it had said, where somebody took that back.
    pub(crate) accepted: Option<Accepted>,
    pub(crate) found: Found,
    /// The files that events are read from.
    pub(crate) files: Arc<Files>,
    /// The logs that are there, and those that were set aside.
    pub(crate) logs: LogMap,
    /// The former.
    pub(crate) ready: Vec<Ready>,
    /// The logs that are missing.
    pub(crate) to_make: Vec<LogMeta>,
    pub(crate) aside: Vec<SetAside>,
    /// What became of an event that the process before found wrong: `suspect.json` is to go.
    pub(crate) cleared: Option<String>,
}

/// A log that was judged.
pub(crate) struct Ready {
    pub(crate) log: Arc<Log>,
    pub(crate) sequencer: Sequencer,
    /// Epochs that the journal has.
    pub(crate) epochs: HashSet<u32>,
    /// What is to be done about its keys.
    pub(crate) due: Due,
}

/// Reads a folder and judges it.
pub(crate) fn look(
    world: &World,
    settings: &Settings,
    progress: &mut Progress<'_>,
) -> Result<Looked, OpenError> {
    let disk = world.disk.as_ref();
    let folder = match folder::known_id(disk)? {
        Some(id) => Some((id, head::open(disk, id)?)),
        None => None,
    };
    folder::check_new(disk, world.keys.as_ref(), &settings.logs)?;
    let head = folder.as_ref().map(|(_, head)| head);
    let id = folder.as_ref().map(|(id, _)| *id);
    let is_new = frame_key::is_new(disk, folder.as_ref())?;
    let frame_key = frame_key::look(world.keys.as_ref(), id, is_new)?;
    let said = signed::look(world.keys.as_ref(), id, is_new)?;
    let parts = aside::read_parts(world, progress)?;
    let (there, to_make) = logs(world, settings, head, &parts)?;
    if is_new && frame_key.key().is_none() {
        folder::check_unused(world.keys.as_ref(), &to_make)?;
    }
    let rise = |meta: LogMeta| Ok((meta.origin.clone(), Rising::new(world, head, meta)?));
    let mut rising: BTreeMap<_, _> =
        there.into_iter().map(rise).collect::<Result<_, OpenError>>()?;
    let suspect = suspect::look_for(disk, &mut rising);
    let (mut found, mut accepted) = (Found::nothing(), None);
    if let Some((id, head)) = &folder {
        let mut marks = Marks::new(frame_key.key());
        let mut visit =
            |frame: &Frame<'_>, place: Place| visit_frame(&mut rising, &mut marks, frame, place);
        found = scan(disk, *id, &mut visit, progress)?;
        settle::check_signers(head, &rising)?;
        marks.finish(&found, frame_key.is_lost())?;
        check_head(head, &rising, &found)?;
        // Behind damage, which the folder itself shows: an older copy is whole.
        accepted = said.judge(&rising)?;
        if head.slot().closed {
            check_closed(&found, &rising)?;
        }
    }
    let cleared = suspect.map(|kept| suspect::told(&kept, &rising));
    let files = readable(&found);
    let mut logs = LogMap::new();
    let show = |part| aside::show(part, &mut logs);
    let aside: Vec<SetAside> = parts.into_iter().map(show).collect();
    let mut judged = Vec::with_capacity(rising.len());
    for origin in partitions::in_order(&rising)? {
        let Some(log) = rising.remove(&origin) else { continue };
        judged.push(ready(log, &files, &mut logs)?);
    }
    let ready = judged;
    check_open(settings, &ready, &to_make, &aside)?;
    Ok(Looked {
        folder,
        frame_key,
        said,
        accepted,
        found,
        files,
        logs,
        ready,
        to_make,
        aside,
        cleared,
    })
}

/// A log as others see it, once what it says of itself was compared with its files.
pub(crate) fn ready(
    log: Rising,
    files: &Arc<Files>,
    logs: &mut LogMap,
) -> Result<Ready, OpenError> {
    let size = log.sequencer.size();
    let name = log.meta.name().to_owned();
    let predecessor = aside::followed(logs, &log.meta);
    let is_open = size > 0 || log.meta.damage.is_some();
    if let Some(closed) = predecessor.as_ref().filter(|_| is_open) {
        closed.close(&name);
    }
    let Rising { meta, keys, awaited, next_epoch, published, sequencer, epochs, .. } = log;
    let seen = awaited.and_then(|awaited| awaited.seq);
    let log = Log::new(meta, keys.ring, files.clone(), next_epoch, published, predecessor);
    let log = Arc::new(log);
    if size > 0 {
        replay::check_log_file(&log, &settle::read(&log, 0)?)?;
    }
    let due = settle::judge(&log, keys.begun, seen)?;
    logs.insert(name, log.clone());
    Ok(Ready { log, sequencer, epochs, due })
}

/// Refuses a folder in which a log of the settings would end without one that takes events: what it
/// leads to was set aside and cannot be read there, for want of a key perhaps.
fn check_open(
    settings: &Settings,
    ready: &[Ready],
    to_make: &[LogMeta],
    aside: &[SetAside],
) -> Result<(), OpenError> {
    let there = ready.iter().filter(|ready| ready.log.is_open()).map(|ready| &ready.log.meta);
    let open: Vec<&LogMeta> = there.chain(to_make).collect();
    let takes = |spec: &LogSpec, meta: &LogMeta| {
        (&spec.tenant, spec.purpose) == (&meta.tenant, meta.purpose)
    };
    let closed = settings.logs.iter().find(|spec| !open.iter().any(|meta| takes(spec, meta)));
    let Some(spec) = closed else { return Ok(()) };
    let mut troubles: Vec<&String> = aside.iter().flat_map(|part| &part.troubles).collect();
    let own = format!("log {}: ", spec.name);
    troubles.sort_by_key(|trouble| !trouble.starts_with(&own));
    let told: String =
        troubles.iter().take(TROUBLES_MAX).map(|trouble| format!("; {trouble}")).collect();
    Err(OpenError::Setting(format!(
        "log {}: no log would be open that takes its events, for what it leads to stands below \
         {} and cannot be read{told}; put back what is missing there or in the folder of keys",
        spec.name,
        aside::ASIDE
    )))
}

/// The logs that are there, and those that are missing beside them.
fn logs(
    world: &World,
    settings: &Settings,
    head: Option<&Head>,
    parts: &[Part],
) -> Result<(Vec<LogMeta>, Vec<LogMeta>), OpenError> {
    let there = folder::logs(world.disk.as_ref())?;
    let mut to_make = aside::plan_next(world, parts, &there)?;
    // The host of the first log holds for all: it was fixed when the folder was made.
    let first = there.first().or(to_make.first());
    let host = first.and_then(|meta| Some(meta.origin.split_once("/tlog/")?.0.to_owned()));
    let host = host.unwrap_or_else(|| settings.host.clone());
    for spec in &settings.logs {
        let living: Vec<LogMeta> = there.iter().chain(&to_make).cloned().collect();
        let set_aside = parts.iter().flat_map(|part| part.logs.values()).map(|log| &log.meta);
        // Of what was set aside the log that goes on has the say: its file is stated in the log.
        let goes_on = |meta: &LogMeta| {
            let follows = |next: &&LogMeta| next.follows.as_ref() == Some(&meta.origin);
            living.iter().filter(follows).any(|next| spec.is_of(next))
        };
        match living.iter().chain(set_aside).find(|meta| meta.name() == spec.name) {
            Some(meta) if !spec.is_of(meta) && !goes_on(meta) => {
                let reason = "a log's tenant, whether it is public and what it is for are fixed \
                              when it is created";
                return Err(OpenError::Setting(format!("log {}: {reason}", spec.name)));
            }
            Some(_) => {}
            None if aside::stands_for(&living, parts, spec) => {}
            None => {
                // A log that was lost must not be made anew over what is left of it.
                let path = format!("/tlog/{}", spec.name);
                let mut signed = head.iter().flat_map(|head| head.slot().checkpoints.keys());
                if signed.any(|origin| origin.ends_with(&path)) {
                    let file = format!("logs/{}/log.json", spec.name);
                    let what = "is missing, though the head has its log";
                    return Err(OpenError::damaged(&file, what));
                }
                to_make.push(folder::plan_log(world, &host, spec, None, None)?);
            }
        }
    }
    let origins = there.iter().chain(&to_make).map(|meta| meta.origin.len());
    if !to_make.is_empty() && !slots::has_room(origins, 100) {
        let what = format!("{} logs more are too many for one folder", to_make.len());
        return Err(OpenError::Setting(what));
    }
    Ok((there, to_make))
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

/// The files that events are read from; those that are about to be removed are let go.
fn readable(found: &Found) -> Arc<Files> {
    let read = found.files.iter().filter(|(number, _)| !found.blank.contains(number));
    Arc::new(RwLock::new(read.cloned().collect()))
}

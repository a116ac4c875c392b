//! What a start does about a log's keys, once it has read the journal.
//!
//! The key file says who signs; the log says which key took over, and until when both sign. A
//! process that ended in between left the one ahead of the other, and this brings them together:
//! a key that no event names never signed and is dropped; one that the log names takes over.

use std::collections::BTreeMap;
use std::sync::Arc;

use event::{Fields, format_time, parse_time};

use crate::head::{self, Head};
use crate::journal::Damage;
use crate::journal::file::file_name;
use crate::journal::section::IdTag;
use crate::keys::{self, FoundKeys};
use crate::log::{Handover, Log, LogKey, LogMeta, ReadError, Term, Vkey};
use crate::open::OpenError;
use crate::own::{self, KEY_RETIRE, KEY_ROTATE};
use crate::rekey::begin;
use crate::rising::{Rising, Stranger};
use crate::world::World;

/// The event about a log's keys that the journal may have.
pub(crate) struct Awaited {
    tag: IdTag,
    pub(crate) seq: Option<u64>,
}

impl Awaited {
    /// What to look for, if a change of keys is under way.
    pub(crate) fn new(world: &World, meta: &LogMeta, found: &FoundKeys) -> Option<Awaited> {
        let (action, key) = match (&found.begun, found.ring.overlap()) {
            (Some(new), _) => (KEY_ROTATE, new.public()),
            (None, Some((old, _))) => (KEY_RETIRE, old.public()),
            (None, None) => return None,
        };
        let tag = own::key_event_tag(world, &meta.tenant, action, key);
        Some(Awaited { tag, seq: None })
    }

    /// Looks at the tags of a section.
    pub(crate) fn look(&mut self, first: u64, tags: &[IdTag]) {
        let at = || tags.iter().position(|tag| *tag == self.tag);
        self.seq = self.seq.or_else(|| Some(first + at()? as u64));
    }
}

/// Brings key file, history and log together. What cannot be written is tried again at a tick.
pub(crate) fn settle(
    world: &World,
    log: &Arc<Log>,
    begun: Option<Arc<LogKey>>,
    seen: Option<u64>,
) -> Result<(), OpenError> {
    let (ring, name) = (log.keys(), log.meta.name());
    check_terms(log, ring.terms())?;
    match (begun, seen, ring.newest()) {
        (Some(new), Some(event), _) => take_over(world, log, new, event)?,
        (Some(_), None, Some(old)) => {
            // The next change, or the next start, writes it again if it fails here.
            let _ = keys::write_secrets(&*world.keys, name, &[old]);
        }
        (None, Some(_), Some(new)) if ring.overlap().is_some() => {
            let dropped = keys::write_secrets(&*world.keys, name, &[new]);
            log.change_keys(|ring| match dropped {
                Ok(()) => ring.retire(),
                Err(_) => ring.is_end_stated = true,
            });
        }
        _ => {}
    }
    log.sign_found();
    Ok(())
}

/// The key that the log names takes over, as it was about to.
fn take_over(world: &World, log: &Arc<Log>, new: Arc<LogKey>, event: u64) -> Result<(), OpenError> {
    let ring = log.keys();
    let Some(old) = ring.newest() else { return Ok(()) };
    let together_until = stated(log, event, old.public(), new.public())?;
    let vkey = new.public().clone();
    log.change_keys(|ring| ring.join(new));
    log.sign_found();
    let checkpoint = (*log.checkpoint()).clone();
    begin(log, vkey, Handover { event, together_until, checkpoint });
    let written = keys::write_history(&*world.disk, log.meta.name(), log.keys().terms());
    log.change_keys(|ring| ring.is_saved = written.is_ok());
    Ok(())
}

/// Refuses files of keys of which one is missing that signed: it took over, and whoever put an
/// older key file back and took `keys.json` away would undo that.
pub(crate) fn check_signers(
    head: &Head,
    rising: &BTreeMap<String, Rising>,
) -> Result<(), OpenError> {
    for (origin, log) in rising {
        let in_head = head.slot().checkpoints.get(origin).and_then(|note| {
            let id = log.keys.stranger(note, origin)?;
            Some(Stranger { id, size: log.signed, file: head::NAME.to_owned() })
        });
        let Some(Stranger { id, size, file }) = log.stranger.as_ref().or(in_head.as_ref()) else {
            continue;
        };
        let name = log.meta.name();
        let what = format!(
            "has not all that signed this log: its checkpoint of size {size} in {file} is signed \
             by the key {id}, which neither it nor {} has; put back both as they were",
            keys::history_name(name)
        );
        return Err(OpenError::key(&keys::secret_name(name), &what));
    }
    Ok(())
}

/// The history must be of this very tree, and the log must say each key's turn just so: who holds
/// one secret could claim that another key took over.
fn check_terms(log: &Arc<Log>, terms: &[Term]) -> Result<(), OpenError> {
    let path = keys::history_name(log.meta.name());
    for (nth, pair) in terms.windows(2).enumerate() {
        let [before, term] = pair else { continue };
        let Some(handover) = &term.handover else { continue };
        let wrong = |what: &str| OpenError::damaged(&path, &format!("key {}: {what}", nth + 2));
        let (size, root) = (handover.checkpoint.size, handover.checkpoint.root);
        let from = {
            let published = log.published();
            if published.tree.root(size) != Some(root) {
                return Err(wrong("its handover is not of this log's tree"));
            }
            published.tree.recorded_at(handover.event)
        };
        if from.map(format_time).as_ref() != Some(&term.from) {
            return Err(wrong("it did not begin with its event"));
        }
        if stated(log, handover.event, &before.vkey, &term.vkey)? != handover.together_until {
            return Err(wrong("the overlap is not what its event says"));
        }
    }
    Ok(())
}

/// Until when both sign, as the event says that states this key. No sender can make such an event.
fn stated(log: &Arc<Log>, event: u64, old: &Vkey, new: &Vkey) -> Result<i64, OpenError> {
    let fields = read(log, event)?;
    let text = |path| fields.string(path).unwrap_or_default();
    let is_it = text(r#"["action"]"#) == KEY_ROTATE
        && text(r#"["recorded","identity","kind"]"#) == "local"
        && text(r#"["attributes","vkey"]"#) == new.to_string()
        && text(r#"["attributes","old_vkey"]"#) == old.digest_text();
    let until = parse_time(&text(r#"["attributes","together_until"]"#)).ok();
    until.filter(|_| is_it).ok_or_else(|| {
        let path = keys::history_name(log.meta.name());
        OpenError::damaged(&path, &format!("entry {event} does not say that this key took over"))
    })
}

/// What an event says that its entry proves.
fn read(log: &Arc<Log>, seq: u64) -> Result<Fields, OpenError> {
    let read = log.read_checked(seq).map(|(fields, _)| fields);
    read.map_err(|error| match log.place_of(seq) {
        Some(place) if matches!(error, ReadError::Damaged(..)) => OpenError::Damaged(Damage {
            file: file_name(place.file),
            offset: place.offset,
            what: format!("log {}: {error}", log.meta.name()),
        }),
        _ => OpenError::read(log, &error),
    })
}

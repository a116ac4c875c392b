//! What a start does about a log's keys, once it has read the journal.
//!
//! The key file says who signs; the log says which key took over, and until when both sign. A
//! process that ended in between left the one ahead of the other, and this brings them together:
//! a key that no event names never signed and is dropped; one that the log names takes over.

use std::sync::Arc;

use event::{format_time, parse_time};

use crate::journal::section::IdTag;
use crate::keys::{self, FoundKeys};
use crate::log::{Handover, Log, LogKey, LogMeta, Term};
use crate::open::OpenError;
use crate::own::{self, KEY_RETIRE, KEY_ROTATE};
use crate::rekey::begin;
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
    let together_until = stated(log, event, &new.public().to_string())?;
    let vkey = new.public().clone();
    log.change_keys(|ring| ring.join(new));
    log.sign_found();
    let checkpoint = (*log.checkpoint()).clone();
    begin(log, vkey, Handover { event, together_until, checkpoint });
    let written = keys::write_history(&*world.disk, log.meta.name(), log.keys().terms());
    log.change_keys(|ring| ring.is_saved = written.is_ok());
    Ok(())
}

/// The history must be of this very tree; and while two keys sign, the log says until when.
fn check_terms(log: &Arc<Log>, terms: &[Term]) -> Result<(), OpenError> {
    let path = keys::history_name(log.meta.name());
    for (nth, term) in terms.iter().enumerate() {
        let Some(handover) = &term.handover else { continue };
        let wrong = |what: &str| OpenError::damaged(&path, &format!("key {}: {what}", nth + 1));
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
        let is_newest = nth + 1 == terms.len();
        let is_together = is_newest && log.keys().overlap().is_some();
        if is_together
            && stated(log, handover.event, &term.vkey.to_string())? != handover.together_until
        {
            return Err(wrong("the overlap is not what its event says"));
        }
    }
    Ok(())
}

/// Until when both sign, as the event says that states this key.
fn stated(log: &Arc<Log>, event: u64, vkey: &str) -> Result<i64, OpenError> {
    let (fields, _) = log.read_checked(event).map_err(|error| OpenError::read(log, &error))?;
    let text = |path| fields.string(path).unwrap_or_default();
    let is_it = text(r#"["action"]"#) == KEY_ROTATE && text(r#"["attributes","vkey"]"#) == vkey;
    let until = parse_time(&text(r#"["attributes","together_until"]"#)).ok();
    until.filter(|_| is_it).ok_or_else(|| {
        let path = keys::history_name(log.meta.name());
        OpenError::damaged(&path, &format!("entry {event} does not say that this key took over"))
    })
}

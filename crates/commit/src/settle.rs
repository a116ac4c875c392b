//! What a start does about a log's keys, once it has read the journal.
//!
//! The key file says who signs; the log says which key took over, and until when both sign. A
//! process that ended in between left the one ahead of the other, and this brings them together:
//! a key that no event names is taken out and kept; one that the log names takes over.

use std::collections::BTreeMap;
use std::sync::Arc;

use event::{Fields, format_time, parse_time};

use crate::folder;
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

/// What is to be done about a log's keys.
pub(crate) enum Due {
    Nothing,
    /// The key that the log names takes over, as it was about to.
    TakesOver {
        new: Arc<LogKey>,
        event: u64,
        together_until: i64,
    },
    /// A second secret that no event names: it never signed what this folder has.
    IsUnnamed(Arc<LogKey>),
    /// The overlap is over, as the log says.
    Retires,
}

/// Decides what is to be done; an error if key file, history and log contradict each other. Changes
/// nothing.
pub(crate) fn judge(
    log: &Arc<Log>,
    begun: Option<Arc<LogKey>>,
    seen: Option<u64>,
) -> Result<Due, OpenError> {
    let ring = log.keys();
    check_terms(log, ring.terms())?;
    Ok(match (begun, seen, ring.newest()) {
        (Some(new), Some(event), Some(old)) => {
            let together_until = stated(log, event, old.public(), new.public())?;
            Due::TakesOver { new, event, together_until }
        }
        (Some(new), None, _) => Due::IsUnnamed(new),
        (None, Some(_), _) if ring.overlap().is_some() => Due::Retires,
        _ => Due::Nothing,
    })
}

/// Brings key file, history and log together, and signs what was found. What cannot be written is
/// tried again at a tick or the next start. Answers what the operator should hear.
pub(crate) fn settle(world: &World, log: &Arc<Log>, due: Due) -> Option<String> {
    let (ring, name) = (log.keys(), log.meta.name());
    let mut remark = None;
    match (due, ring.newest()) {
        (Due::TakesOver { new, event, together_until }, _) => {
            remark = take_over(world, log, new, event, together_until);
        }
        (Due::IsUnnamed(new), Some(old)) => remark = set_by(world, name, old, &new),
        (Due::Retires, Some(new)) => {
            let dropped = keys::write_secrets(&*world.keys, name, &[new]);
            log.change_keys(|ring| match dropped {
                Ok(()) => ring.retire(),
                Err(_) => ring.is_end_stated = true,
            });
        }
        _ => {}
    }
    log.sign_found();
    remark
}

/// Takes a key out of the key file that no event names, and keeps it. A crash left it there before
/// it signed, most likely; but the data may be an older copy, and then it is the key in force.
fn set_by(world: &World, name: &str, old: &LogKey, new: &LogKey) -> Option<String> {
    let keys = &*world.keys;
    let file = keys::secret_name(name);
    // A crash in between leaves it in both files, and the next start finds it kept.
    let kept = folder::keep_secret(keys, name, new);
    let taken = kept.and_then(|kept| keys::write_secrets(keys, name, &[old]).map(|()| kept));
    match taken {
        Ok(kept) => kept.map(|kept| {
            format!(
                "{file} had a second key, {}, which no event of the log names: it is kept as \
                 {kept}. A crash leaves such a one; so does a data folder that was put back to an \
                 older state, which must not go on",
                new.public()
            )
        }),
        Err(error) => Some(format!("{file}: its second key could not be taken out: {error}")),
    }
}

fn take_over(
    world: &World,
    log: &Arc<Log>,
    new: Arc<LogKey>,
    event: u64,
    together_until: i64,
) -> Option<String> {
    let vkey = new.public().clone();
    log.change_keys(|ring| ring.join(new));
    log.sign_found();
    let checkpoint = (*log.checkpoint()).clone();
    begin(log, vkey, Handover { event, together_until, checkpoint });
    let written = keys::write_history(&*world.disk, log.meta.name(), log.keys().terms());
    log.change_keys(|ring| ring.is_saved = written.is_ok());
    let name = log.meta.name();
    let told = |error| {
        format!(
            "logs/{name}/keys.json could not be written: {error}; it is tried again every second, \
             and until then verify cannot tell how the new key came to sign"
        )
    };
    written.err().map(told)
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
pub(crate) fn read(log: &Arc<Log>, seq: u64) -> Result<Fields, OpenError> {
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

//! A log's signing key gives way to a new one, while writes go on.
//!
//! Promises: from the event `key.rotate` on every checkpoint is signed by the new key; until the
//! stated time the old one signs beside it; then its secret is gone from the key file. After a
//! crash at any step the next start goes on from there, or takes back what nobody could know of.
//!
//! Never: signs with a key that the log itself does not name; takes a second new key before the
//! first is alone.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use admit::Admitted;
use event::format_time;

use crate::front::Front;
use crate::keys::{self, KEYS_MAX};
use crate::log::{Checkpoint, Handover, Log, LogKey, Term, Vkey};
use crate::open::OpenError;
use crate::own;
use crate::submission::{Answer, Submission};

/// The longest time that two keys may sign together.
pub const TOGETHER_MAX: Duration = Duration::from_secs(366 * 86_400);

/// Why a log gets a new key, who wants it, and how long the old one signs on.
#[derive(Clone, Debug, Default)]
pub struct KeyOrder {
    /// A sentence for the event.
    pub why: String,
    /// Who gave the order, if anybody did.
    pub by: Option<String>,
    /// How long both sign; at most [`TOGETHER_MAX`]. Zero for a secret that others may have.
    pub together: Duration,
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyTurn {
    /// The key before.
    pub old: String,
    /// The key that took over.
    pub new: String,
    /// Until when both sign.
    pub together_until: String,
    /// Seq of the event that says so.
    pub event: u64,
}

/// Why a log's key was not changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is none of this name.
    #[error("there is no log {0}")]
    Absent(String),
    /// Nothing more is written to it.
    #[error("the log {log} is closed, and no key of it signs anything new; {open} is open")]
    Closed {
        /// The log.
        log: String,
        /// The one that is open.
        open: String,
    },
    /// The key before last still signs.
    #[error("two keys of the log {log} sign together until {until}; one change at a time")]
    Together {
        /// The log.
        log: String,
        /// The end of the overlap.
        until: String,
    },
    /// It has had as many keys as a log may have.
    #[error("the log {0} has had {KEYS_MAX} keys, the most there may be; rotate the log")]
    TooMany(String),
    /// The overlap is too long.
    #[error("two keys sign together for at most {} days", TOGETHER_MAX.as_secs() / 86_400)]
    TooLong,
    /// A file of keys could not be written.
    #[error("a file of keys could not be written")]
    Files(#[source] OpenError),
    /// The disk has no room; nothing was changed. A later try may succeed.
    #[error("the disk has no room")]
    NoRoom,
    /// Writing failed: the process must end, and a start finds out how far it came.
    #[error("the journal failed; whether the key was changed is not known")]
    Failed,
}

/// Hands a batch to the lane and waits for its answer.
pub(crate) type Commit<'c> = dyn FnMut(Submission, Receiver<Answer>) -> Answer + 'c;

impl Front {
    /// Makes a new key and has it take over. Who calls this holds `rotating`.
    pub(crate) fn rotate_key(
        &self,
        name: &str,
        order: &KeyOrder,
        commit: &mut Commit<'_>,
    ) -> Result<KeyTurn, KeyError> {
        if order.together > TOGETHER_MAX {
            return Err(KeyError::TooLong);
        }
        let log = self.to_rekey(name)?;
        let old = log.keys().newest().cloned().ok_or(KeyError::Failed)?;
        let mut seed = [0; 32];
        self.world.entropy.fill(&mut seed);
        let new = Arc::new(LogKey::new(&log.meta.origin, &seed));
        let together = i64::try_from(order.together.as_nanos()).map_err(|_| KeyError::TooLong)?;
        let until = self.world.clock.now().saturating_add(together);
        // A crash before the event is durable leaves a key that never signed: a start drops it.
        self.write_secrets(&log, &[&old, &new])?;
        let event = own::key_rotated(&self.world, &log.meta, order, [&old, &new], until);
        let (joined, key) = (log.clone(), new.clone());
        let durable = Box::new(move || joined.change_keys(|ring| ring.join(key)));
        let (event, checkpoint) = match self.state_in(&log, event, Some(durable), commit) {
            Err(KeyError::NoRoom) => {
                self.write_secrets(&log, &[&old])?;
                return Err(KeyError::NoRoom);
            }
            other => other?,
        };
        // A crash from here on leaves the event and two secrets: a start does the rest.
        let checkpoint = (*checkpoint).clone();
        let handover = Handover { event, together_until: until, checkpoint };
        begin(&log, new.public().clone(), handover);
        if let Err(KeyError::Failed) = self.finish_keys(&log, commit) {
            return Err(KeyError::Failed);
        }
        // What else cannot be written now is written, or told of, at the next tick.
        Ok(KeyTurn {
            old: old.public().to_string(),
            new: new.public().to_string(),
            together_until: format_time(until),
            event,
        })
    }

    /// Logs whose history has to be written or whose overlap is over, and what keeps them from it.
    /// Who calls this holds `rotating`.
    pub(crate) fn tick_keys(&self, commit: &mut Commit<'_>) -> Vec<(String, KeyError)> {
        let mut failed = Vec::new();
        for (name, log) in self.logs.all().iter() {
            let Err(error) = self.finish_keys(log, commit) else { continue };
            let is_over = matches!(error, KeyError::Failed);
            failed.push((name.clone(), error));
            // The process ends: nothing more may be written.
            if is_over {
                break;
            }
        }
        failed
    }

    /// Does what is due: the history is written, and after the overlap the new key signs alone.
    fn finish_keys(&self, log: &Arc<Log>, commit: &mut Commit<'_>) -> Result<(), KeyError> {
        let ring = log.keys();
        if !ring.is_saved {
            let written = keys::write_history(&*self.world.disk, log.meta.name(), ring.terms());
            written.map_err(|error| files("keys.json", error))?;
            log.change_keys(|ring| ring.is_saved = true);
        }
        let (Some((old, until)), Some(new)) = (ring.overlap(), ring.newest()) else {
            return Ok(());
        };
        if self.world.clock.now() < until {
            return Ok(());
        }
        // A log that is closed takes no more events, and signs nothing more.
        if !ring.is_end_stated && log.successor().is_none() {
            let event = own::key_retired(&self.world, &log.meta, [old, new]);
            self.state_in(log, event, None, commit)?;
            log.change_keys(|ring| ring.is_end_stated = true);
        }
        // A crash here leaves the event and two secrets: a start drops the old one.
        self.write_secrets(log, &[new])?;
        log.change_keys(|ring| ring.retire());
        Ok(())
    }

    /// The log that is to have another key, if it may have one.
    pub(crate) fn to_rekey(&self, name: &str) -> Result<Arc<Log>, KeyError> {
        let absent = || KeyError::Absent(name.to_owned());
        let log = self.logs.all().get(name).cloned().ok_or_else(absent)?;
        if log.successor().is_some() {
            let open = self.newest(name).ok_or_else(absent)?.meta.name().to_owned();
            return Err(KeyError::Closed { log: name.to_owned(), open });
        }
        let ring = log.keys();
        if let Some((_, until)) = ring.overlap() {
            let until = format_time(until);
            return Err(KeyError::Together { log: name.to_owned(), until });
        }
        if ring.terms().len() >= KEYS_MAX {
            return Err(KeyError::TooMany(name.to_owned()));
        }
        Ok(log)
    }

    /// Commits a statement of the log's own; `durable` is done before its checkpoint is signed.
    /// Answers its seq and that checkpoint.
    fn state_in(
        &self,
        log: &Arc<Log>,
        event: Admitted,
        durable: Option<Box<dyn FnOnce() + Send>>,
        commit: &mut Commit<'_>,
    ) -> Result<(u64, Arc<Checkpoint>), KeyError> {
        let batch = self.own_batch(log, &[event]);
        let (prepared, index) =
            batch.map_err(|error| KeyError::Files(OpenError::read(log, &error)))?;
        let (give, answers) = channel();
        let reply = Box::new(move |answer| drop(give.send(answer)));
        let submission = Submission { prepared, index, reply, durable };
        match commit(submission, answers) {
            Answer::Committed { first, checkpoint } => Ok((first, checkpoint)),
            Answer::NoRoom => Err(KeyError::NoRoom),
            Answer::Stale | Answer::Unknown => Err(KeyError::Failed),
        }
    }

    fn write_secrets(&self, log: &Log, secrets: &[&LogKey]) -> Result<(), KeyError> {
        let name = log.meta.name();
        let written = keys::write_secrets(&*self.world.keys, name, secrets);
        written.map_err(|error| files(&format!("{name}.key"), error))
    }
}

/// A key's term begins, with the event that states it.
pub(crate) fn begin(log: &Log, vkey: Vkey, handover: Handover) {
    let from = log.published().tree.recorded_at(handover.event).unwrap_or_default();
    let term = Term { vkey, from: format_time(from), handover: Some(handover) };
    log.change_keys(|ring| ring.begin(term));
}

fn files(name: &str, error: std::io::Error) -> KeyError {
    if error.kind() == std::io::ErrorKind::StorageFull {
        return KeyError::NoRoom;
    }
    KeyError::Files(OpenError::io(name, error))
}

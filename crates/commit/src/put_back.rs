//! Logs that the data folder has less of than was signed, or another history of.
//!
//! Promises: where going back is on purpose, each log that it concerns states it, once: whoever
//! finds the fork finds why. A crash on the way changes nothing of that, for the event's id is
//! made of what had been signed, and a log that has it does not state it again.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use admit::{Admitted, Statement};
use event::Hash;
use sha2::{Digest, Sha256};

use crate::log::{Log, hex, read_unverified};
use crate::own;
use crate::rising::Rising;
use crate::slots::Checkpoints;
use crate::world::World;

/// The event of a log that was put back.
const ACTION: &str = "log.put_back";
/// Logs that one error names.
const TOLD_MAX: usize = 3;

/// A log of which the folder has not what was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutBack {
    /// The log's origin.
    pub origin: String,
    /// Size and root that were signed.
    pub signed: (u64, Hash),
    /// Size and root that are there; nothing if there is no such log.
    pub found: Option<(u64, Hash)>,
}

/// What had been signed, where somebody takes that back.
pub(crate) struct Accepted {
    /// Tells it from any other.
    pub(crate) name: [u8; 32],
    /// The logs that are put back; `None` if what had been signed cannot be read.
    pub(crate) logs: Option<Vec<PutBack>>,
}

impl PutBack {
    /// The log's name.
    fn name(&self) -> &str {
        self.origin.rsplit('/').next().unwrap_or(&self.origin)
    }
}

impl fmt::Display for PutBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, (size, root)) = (self.name(), self.signed);
        write!(f, "log {name} was signed up to size {size} (root {}), and here ", hex(&root))?;
        match self.found {
            None => f.write_str("is no such log"),
            Some((found, root)) if found < size => {
                write!(f, "it has size {found} (root {})", hex(&root))
            }
            Some(_) => f.write_str("that size has another root"),
        }
    }
}

/// The logs of which the journal has not what was signed; `None` if that cannot be told.
pub(crate) fn compare(
    checkpoints: &Checkpoints,
    rising: &BTreeMap<String, Rising>,
) -> Option<Vec<PutBack>> {
    let mut all = Vec::new();
    for (origin, note) in checkpoints {
        let signed = read_unverified(note, origin)?;
        let log = rising.get(origin);
        let root = log.and_then(|log| log.published.tree.root(signed.size));
        if root != Some(signed.root) {
            let found = log.map(|log| (log.sequencer.size(), log.sequencer.root()));
            let signed = (signed.size, signed.root);
            all.push(PutBack { origin: origin.clone(), signed, found });
        }
    }
    Some(all)
}

/// Why such a folder is refused, and the ways on.
pub(crate) fn refusal(logs: &[PutBack]) -> String {
    let told: Vec<String> = logs.iter().take(TOLD_MAX).map(PutBack::to_string).collect();
    let more = match logs.len().saturating_sub(TOLD_MAX) {
        0 => String::new(),
        more => format!("; {more} more logs are like these"),
    };
    format!(
        "the data folder is not what was signed last: {}{more}; nothing was changed. It is an \
         older copy, or another one: put the newest back. If that is lost and going back is on \
         purpose, rename signed in the folder of keys to signed.accepted: \
         docs/operations/put-back.md",
        told.join("; ")
    )
}

impl Accepted {
    /// What the operator should hear.
    pub(crate) fn remarks(&self) -> Vec<String> {
        let Some(logs) = &self.logs else {
            return vec![
                "how far the logs had been signed could not be read; going on was \
                         accepted, and each open log states it"
                    .into(),
            ];
        };
        let remark = |log| format!("{log}; going back was accepted: {ACTION} states it");
        logs.iter().map(remark).collect()
    }

    /// What an open log has to state of it and has not stated. `newest` knows which log took over
    /// from another.
    pub(crate) fn events(
        &self,
        world: &World,
        log: &Log,
        newest: &dyn Fn(&str) -> Option<Arc<Log>>,
    ) -> Vec<Admitted> {
        let meta = &log.meta;
        let is_here = |it: &&PutBack| {
            let open = newest(it.name()).filter(|open| open.is_open());
            it.origin == meta.origin || open.is_some_and(|open| open.meta.origin == meta.origin)
        };
        let statements = match &self.logs {
            None => vec![self.unknown(&meta.origin)],
            Some(logs) => logs.iter().filter(is_here).map(|it| self.state(it)).collect(),
        };
        let published = log.published();
        let events = statements.into_iter().map(|it| own::admitted(world, it, &meta.tenant));
        let is_stated = |event: &Admitted| {
            let tag = world.id_key.tag(&meta.tenant, event.producer(), event.id());
            published.ids.get(&tag).next().is_some()
        };
        events.filter(|event| !is_stated(event)).collect()
    }

    fn state(&self, log: &PutBack) -> Statement {
        let (size, root) = log.signed;
        let statement = self
            .about(&log.origin)
            .because(&format!("the data folder was put back on purpose: {log}"))
            .with(&["attributes", "signed", "size"], size.to_string())
            .with(&["attributes", "signed", "root"], hex(&root));
        match log.found {
            None => statement,
            Some((size, root)) => statement
                .with(&["attributes", "found", "size"], size.to_string())
                .with(&["attributes", "found", "root"], hex(&root)),
        }
    }

    fn unknown(&self, origin: &str) -> Statement {
        self.about(origin).because(
            "how far this log had been signed could not be read; somebody said that the data \
             folder is to be gone on with",
        )
    }

    fn about(&self, origin: &str) -> Statement {
        let of: Hash = Sha256::new().chain_update(self.name).chain_update(origin).finalize().into();
        Statement::new(ACTION, "admin", "restore")
            .with(&["id"], format!("{ACTION}/{}", hex(&of[..16])))
            .noting("origin", origin.to_owned())
    }
}

//! What was set aside, as others see it: closed logs that answer for what is left of them.

use std::sync::Arc;

use super::{ASIDE, Part, Salvaged, chains};
use crate::log::{Damaged, Log, ReadError};
use crate::logs::LogMap;
use crate::suspect::Suspect;

/// A folder that was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// It stands in `damaged/<number>`.
    pub number: u64,
    /// When the damage was found.
    pub found_at: String,
    /// The file that is damaged.
    pub file: String,
    /// The byte at which that was noticed.
    pub offset: u64,
    /// What is wrong there.
    pub what: String,
    /// What else of it cannot be used as it is.
    pub troubles: Vec<String>,
}

/// Adds the logs of a part, each closed by the one that follows it; what was never opened is left
/// out.
pub(crate) fn show(part: Part, logs: &mut LogMap) -> SetAside {
    let order: Vec<Vec<String>> = chains(&part)
        .into_iter()
        .map(|chain| chain.into_iter().map(|log| log.meta.origin.clone()).collect())
        .collect();
    let Part { number, finding, logs: mut salvaged, files, suspect, mut troubles, .. } = part;
    let unknown = |what| {
        troubles.push(what);
        (String::new(), format!("{ASIDE}/{number}"), 0, "no finding tells".to_owned())
    };
    let found = finding.map(|f| (f.found_at, f.file, f.offset, f.what));
    let (found_at, file, offset, what) = found.unwrap_or_else(unknown);
    let mut shown = SetAside { number, found_at, file, offset, what, troubles };
    for chain in order {
        for (nth, origin) in chain.iter().enumerate() {
            let Some(log) = salvaged.remove(origin).filter(|log| nth == 0 || log.opened) else {
                continue;
            };
            let Salvaged { meta, keys, published, signed, .. } = log;
            if logs.contains_key(meta.name()) {
                continue;
            }
            let before = meta.follows.as_deref().and_then(|origin| newest(logs, origin));
            if let Some(before) = &before {
                before.close(meta.name());
            }
            let readable = published.checkpoint.size;
            let name = meta.name().to_owned();
            let log = Log::new(meta, keys, files.clone(), 0, published, before);
            let damaged = Damaged::new(Arc::new(shown.clone()), readable, signed);
            let log = Arc::new(log.damaged_as(damaged));
            let suspect = suspect.as_ref().filter(|suspect| suspect.log == name);
            shown.troubles.extend(suspect.and_then(|suspect| look_again(suspect, &log)));
            logs.insert(name, log);
        }
    }
    shown
}

/// Looks at the event that was found wrong before the folder was set aside: it is one of those
/// that cannot be read, unless it was mended. What else is like it, the comparison finds.
fn look_again(suspect: &Suspect, log: &Arc<Log>) -> Option<String> {
    let error = log.read_checked(suspect.seq).err()?;
    let ReadError::Damaged(seq, _) = error else { return None };
    log.damaged()?.suspect(seq);
    Some(format!("log {}: {error}", log.meta.name()))
}

/// The log that a later one goes on from, if that one says it follows `origin`: the newest of its
/// chain, for one that could not be read then may be readable again.
pub(crate) fn newest(logs: &LogMap, origin: &str) -> Option<Arc<Log>> {
    let mut log = logs.get(origin.rsplit('/').next()?)?;
    while let Some(next) = log.successor().and_then(|next| logs.get(next)) {
        log = next;
    }
    Some(log.clone())
}

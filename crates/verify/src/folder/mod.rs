//! A data folder at rest, judged from its bytes alone.
//!
//! ```text
//! folder.json   head   journal/<16 hex>   logs/<log>/{log.json,birth,keys.json}
//! ```
//!
//! Everything the journal holds is computed anew: salts, commitments, digests, leaves, roots. What
//! it must agree with are the signed checkpoints in the head, in the sections and at each log's
//! birth, and the judge's saved one. CRCs find accidents and say how far the journal reaches;
//! digests, roots and signatures find people.
//!
//! Never writes, and reads only through [`Folder`]. Holds one journal file in memory at a time.
//! What is fixed for a log stands in its first event, as the digest of its `log.json`.
//! KNOWN: the hashed access tokens are not read. A whole folder put back to an older state shows
//! only against a saved checkpoint or a witness.

mod aside;
mod content;
mod frame;
mod head;
mod history;
mod journal;
mod keys;
mod layout;
mod log;
mod reader;
mod section;

use std::collections::BTreeMap;

use crate::checkpoint::Checkpoint;
use crate::docket::{Docket, LogRef};
use crate::error::Usage;
use crate::question::{Question, foreign_saved};
use crate::trust;
use crate::verdict::{LogSeen, Reason, Verdict};
use aside::{Ends, Inside};
use content::Contents;
use head::{Entry, Head};
use journal::{Break, End};
use keys::Keys;
use layout::Layout;
use log::LogState;

/// A folder to read from.
pub trait Folder {
    /// All files below it: name relative to the folder, parts joined by `/`, and size.
    fn list(&self) -> Result<Vec<(String, u64)>, String>;
    /// Fills `buf` with the bytes at `offset` of a file.
    fn read(&self, name: &str, offset: u64, buf: &mut [u8]) -> Result<(), String>;
}

/// What every section is judged with.
struct Judge<'a> {
    docket: &'a mut Docket,
    contents: Contents,
}

/// Judges a data folder. `progress` hears how many bytes of the journal are done, of how many.
/// Every field is needed here, so [`Question::need`] and [`Question::required`] are not asked.
pub fn judge(
    folder: &dyn Folder,
    question: &Question,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Verdict, Usage> {
    let saved = question.saved()?;
    let (mut parts, mut ends) = (BTreeMap::new(), Ends::default());
    let mut is_known = saved.is_none();
    // The newest first: its logs say how far those go that they go on for.
    for number in [0].into_iter().chain(aside::numbers(folder).into_iter().rev()) {
        let mut part = Part::open(folder, number);
        ends.bind(number, &mut part.logs);
        is_known |= part.judge(question, saved.as_ref(), progress);
        ends.add(&part.layout, &part.logs);
        parts.insert(number, part);
    }
    if let Some(stranger) = saved.filter(|_| !is_known) {
        return Err(foreign_saved(&stranger));
    }
    let (mut docket, mut layouts) = (Docket::default(), BTreeMap::new());
    for (number, part) in parts {
        docket.absorb(part.docket, &part.inside.base);
        layouts.insert(number, part.layout);
    }
    aside::judge(folder, &layouts, &mut docket);
    Ok(docket.verdict())
}

/// One folder, without what was set aside in it.
struct Part<'f> {
    inside: Inside<'f>,
    layout: Layout,
    head: Head,
    logs: Vec<LogState>,
    docket: Docket,
}

impl<'f> Part<'f> {
    fn open(folder: &'f dyn Folder, number: u64) -> Part<'f> {
        let inside = Inside::new(folder, number);
        let mut docket = Docket::default();
        let layout = Layout::read(&inside, &mut docket);
        let head = Head::read(&inside, layout.id, &mut docket);
        let logs = open_logs(&layout, &head);
        Part { inside, layout, head, logs, docket }
    }

    /// Says whether the saved checkpoint is of one of its logs.
    fn judge(
        &mut self,
        question: &Question,
        saved: Option<&Checkpoint>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> bool {
        let Part { inside, layout, head, logs, docket } = self;
        let is_known = saved.is_some_and(|s| logs.iter().any(|log| log.origin == s.origin));
        let saved = question.believed(saved.cloned());
        if logs.is_empty() && question.policy.is_none() {
            docket.whole(Reason::UnknownLog, "no policy and no key was given to judge by");
        }
        let seen = judge_checkpoints(logs, layout, head, question, docket);
        for log in logs.iter_mut() {
            log.saved = saved.clone().filter(|saved| saved.origin == log.origin);
        }
        let mut judge = Judge { docket, contents: Contents::default() };
        let end = journal::read(inside, layout, progress, &mut |frame, file| {
            section::judge_frame(frame, file, logs, &mut judge);
        });
        judge_ends(logs, &end, head, docket);
        judge_tail(logs, &end, head, docket);
        for (mut seen, log) in seen.into_iter().zip(logs.iter()) {
            seen.extends_saved = log.extends_saved();
            docket.logs.push(seen);
        }
        is_known
    }
}

/// The state of every log that the layout or the head names, in the order of origins.
fn open_logs(layout: &Layout, head: &Head) -> Vec<LogState> {
    let mut origins: Vec<&str> = layout.births.keys().map(String::as_str).collect();
    origins.extend(head.newest.iter().map(|entry| entry.origin.as_str()));
    origins.sort_unstable();
    origins.dedup();
    let state = |(number, origin): (usize, &&str)| {
        let mut log = LogState::new(number, origin);
        log.stated = layout.stated.get(*origin).cloned();
        log
    };
    origins.iter().enumerate().map(state).collect()
}

/// Rows 2–4 for every signed checkpoint outside the journal; each becomes a bound of its log. The
/// newest of a log is what its part of the verdict rests on.
fn judge_checkpoints(
    logs: &mut [LogState],
    layout: &Layout,
    head: &Head,
    question: &Question,
    docket: &mut Docket,
) -> Vec<LogSeen> {
    logs.iter_mut().map(|log| judge_log_checkpoints(log, layout, head, question, docket)).collect()
}

fn judge_log_checkpoints(
    log: &mut LogState,
    layout: &Layout,
    head: &Head,
    question: &Question,
    docket: &mut Docket,
) -> LogSeen {
    let origin = log.origin.clone();
    let at = LogRef { number: log.number, origin: &origin };
    let in_head = |entries: &[Entry]| {
        entries.iter().find(|entry| entry.origin == origin).map(|entry| entry.checkpoint.clone())
    };
    let (newest, older) = (in_head(&head.newest), in_head(&head.older));
    if !layout.births.contains_key(&origin) {
        let what = format!("the folder of {origin} is missing");
        docket.add(Reason::Malformed, Some(at), None, "logs/".to_owned(), what);
    }
    if newest.is_none() && head.is_found && head.closed_cleanly {
        let what = format!("{origin} is not in the head");
        docket.add(Reason::Malformed, Some(at), None, "head".to_owned(), what);
    }
    let birth = layout.births.get(&origin).cloned().flatten();
    log.keys = keys_of(&origin, layout, birth.as_ref(), question);
    log.keys.judge_handovers(at, docket);
    for (place, checkpoint) in log.keys.bounds() {
        log.add_bound(checkpoint.size, checkpoint.root, place);
    }
    let judged = newest.clone().or(birth.clone());
    let seen = judged.as_ref().map(|it| {
        let mut seen = trust::judge(it, log.keys.policy(), at, docket);
        log.judge_signers(
            it.size,
            &seen.signed_by,
            None,
            &format!("checkpoint of {origin}"),
            docket,
        );
        seen.led_from = log.keys.led_from(&seen.signed_by);
        seen
    });
    let places = [("head, newest slot", newest), ("head, older slot", older), ("birth", birth)];
    for (place, checkpoint) in places {
        let Some(checkpoint) = checkpoint else { continue };
        let place = format!("{place}, {origin}");
        if judged.as_ref() != Some(&checkpoint) {
            log.believes(&checkpoint, None, &place, docket);
        }
        log.add_bound(checkpoint.size, checkpoint.root, place);
    }
    seen.unwrap_or_else(|| LogSeen { origin: origin.clone(), ..LogSeen::default() })
}

/// Whom the judge believes about a log.
fn keys_of(origin: &str, layout: &Layout, birth: Option<&Checkpoint>, question: &Question) -> Keys {
    let policy = question.policy.as_ref();
    let signed_birth = policy.zip(birth).map(|(policy, birth)| trust::standing(policy, birth));
    let signed_birth = signed_birth.map(|standing| standing.signed_by).unwrap_or_default();
    Keys::new(policy, layout.histories.get(origin), signed_birth)
}

/// What each log's tree must reach, and how far it is signed.
fn judge_ends(logs: &mut [LogState], end: &End, head: &Head, docket: &mut Docket) {
    for (origin, size) in &end.later_sizes {
        if let Some(log) = logs.iter_mut().find(|log| log.origin == *origin) {
            log.durable = log.durable.max(*size);
        }
    }
    for log in logs {
        log.judge_end(end, head.closed_cleanly, docket);
    }
}

/// What stands behind the last frame.
fn judge_tail(logs: &[LogState], end: &End, head: &Head, docket: &mut Docket) {
    for (place, what) in &end.faults {
        docket.add(Reason::Malformed, None, None, place.clone(), what.clone());
    }
    for place in &end.replaced {
        let what = match head.closed_cleanly {
            true => "bytes that no longer count, in a folder that was closed cleanly",
            false => "what a start-up replaced and did not come to clear",
        };
        docket.add(left_behind(head), None, None, place.clone(), what.to_owned());
    }
    for place in &head.torn {
        let what = "a head slot does not hold, as after a crash".to_owned();
        docket.add(Reason::TornTail, None, None, place.clone(), what);
    }
    let Some(Break { first, what, .. }) = &end.broken else { return };
    if logs.iter().any(LogState::is_truncated) {
        return;
    }
    let what = match head.closed_cleanly {
        true => format!("bytes after the last frame of a folder that was closed cleanly: {what}"),
        false => format!("a torn frame after the last whole one: {what}"),
    };
    docket.add(left_behind(head), None, None, first.clone(), what);
}

/// What bytes are called that stand where zeros belong: closing leaves none.
fn left_behind(head: &Head) -> Reason {
    match head.closed_cleanly {
        true => Reason::Malformed,
        false => Reason::TornTail,
    }
}

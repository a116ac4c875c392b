//! A log's partition is closed and the next one opened, while writes go on.
//!
//! Promises: both are one frame, so that no crash leaves a log with two ends or none; the closed
//! log's last event names its successor, the first event of that one names it, with its last size
//! and root. What was prepared for the closed log is sent back and prepared again.
//!
//! Never: takes anything from a closed log. It goes on answering for what it has.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use event::Hash;

use crate::folder::{self, LogSpec};
use crate::front::Front;
use crate::keys::{self, FoundKeys};
use crate::lane::LaneLog;
use crate::log::{Log, LogMeta, Published};
use crate::open::OpenError;
use crate::own;
use crate::slots;
use crate::submission::{Answer, Submission};

/// Why a log is closed, and who wants it.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// A sentence for the two events.
    pub why: String,
    /// Who gave the order, if anybody did.
    pub by: Option<String>,
}

/// Logs that one chain is given by hand, and by its limits, in a day; then by its limits alone.
pub const ORDERS_DAY_MAX: usize = 24;
const DAY_NS: i64 = 86_400 * 1_000_000_000;
/// What orders by hand may fill of the head; the rest is for limits that close a log.
const ORDERS_PERCENT: usize = 75;

/// Why a log was not closed.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// There is none of this name.
    #[error("there is no log {0}")]
    Absent(String),
    /// It takes no events any more.
    #[error("the log {log} is closed; {open} takes its tenant's events")]
    Closed {
        /// The log.
        log: String,
        /// The one that is open.
        open: String,
    },
    /// It was closed too often of late.
    #[error(
        "{log} and the logs before it were opened within a day, {ORDERS_DAY_MAX} of them, and more \
         are not opened by hand; come again in {wait_s} s"
    )]
    TooSoon {
        /// The log.
        log: String,
        /// Seconds until it may be closed.
        wait_s: u32,
    },
    /// The head has no room for another log.
    #[error(
        "the data folder has as many logs as its head has room for; orders by hand leave a quarter \
         of it alone"
    )]
    TooMany,
    /// A name with the next number would have more than 63 characters.
    #[error("the log name {0} leaves no room for a larger number")]
    Name(String),
    /// The new log's files could not be made.
    #[error("the new log could not be made")]
    Files(#[source] OpenError),
    /// The disk has no room; nothing was changed. A later try may succeed.
    #[error("the disk has no room")]
    NoRoom,
    /// Writing failed: the process must end, and a start finds out how far it came.
    #[error("the journal failed; whether the log is closed is not known")]
    Failed,
}

/// Makes the new log's first batch, once the closed one's last size and root are known.
pub(crate) type Opening = Box<dyn FnOnce(u64, Hash) -> Option<Submission> + Send>;

/// A rotation on its way to the lane.
pub(crate) struct Rotation {
    pub(crate) closing: Arc<Log>,
    pub(crate) next: LaneLog,
    /// The last batch of the log that is closed.
    pub(crate) close: Submission,
    pub(crate) open: Opening,
}

impl Front {
    /// Makes the next log's files and what the lane needs. A crash after that leaves a log without
    /// an entry, which the next start opens; so does the next order, if the disk was full.
    pub(crate) fn rotation(
        self: &Arc<Front>,
        name: &str,
        order: &Order,
    ) -> Result<(Rotation, Receiver<Answer>), RotateError> {
        let absent = || RotateError::Absent(name.to_owned());
        let closing = self.logs.all().get(name).cloned().ok_or_else(absent)?;
        if closing.successor().is_some() || closing.damaged().is_some() {
            let newest = self.newest(name).ok_or_else(absent)?;
            let open = newest.meta.name().to_owned();
            return Err(RotateError::Closed { log: name.to_owned(), open });
        }
        let next = match self.prepared(&closing) {
            Some(prepared) => prepared,
            None => {
                let is_by_hand = order.by.is_some();
                if is_by_hand {
                    may_order(&closing, self.world.clock.now())?;
                }
                self.next(&closing, is_by_hand)?
            }
        };
        let next = self.unused(&closing, next).map_err(RotateError::Files)?;
        let (give, take) = channel();
        let broken = |error| RotateError::Files(OpenError::read(&closing, &error));
        let events = [own::closed(&self.world, &closing.meta, order, &next)];
        let (prepared, index) = self.own_batch(&closing, &events).map_err(broken)?;
        let reply = Box::new(move |answer| drop(give.send(answer)));
        let close = Submission { prepared, index, reply, durable: None };
        let open = self.opening(&closing, &next, order);
        let next = LaneLog::new(next);
        Ok((Rotation { closing, next, close, open }, take))
    }

    /// What the lane's answer means.
    pub(crate) fn rotated(&self, name: &str, answer: &Answer) -> Result<Arc<Log>, RotateError> {
        let newest = self.newest(name).ok_or_else(|| RotateError::Absent(name.to_owned()))?;
        match answer {
            Answer::Committed { .. } => Ok(newest),
            Answer::NoRoom => Err(RotateError::NoRoom),
            Answer::Unknown => Err(RotateError::Failed),
            Answer::Stale => {
                let open = newest.meta.name().to_owned();
                Err(RotateError::Closed { log: name.to_owned(), open })
            }
        }
    }

    fn opening(self: &Arc<Front>, closing: &Arc<Log>, next: &Arc<Log>, order: &Order) -> Opening {
        let (front, closing, next, order) =
            (self.clone(), closing.clone(), next.clone(), order.clone());
        Box::new(move |size, root| {
            let before = own::Before { origin: &closing.meta.origin, size, root };
            let events = [own::opened(&front.world, &next.meta, &order, Some(&before))];
            let (prepared, index) = front.own_batch(&next, &events).ok()?;
            Some(Submission { prepared, index, reply: Box::new(|_| {}), durable: None })
        })
    }

    /// A log that start-up found to follow this one, and that was never used.
    fn prepared(&self, closing: &Log) -> Option<LogMeta> {
        let logs = self.logs.all();
        logs.values().find(|log| log.meta.is_behind(&closing.meta)).map(|log| log.meta.clone())
    }

    /// Makes the log that follows, or takes the one that an order made for which there was no
    /// room. Only the name that it must have is looked at, however many logs there are.
    fn next(&self, closing: &Log, is_by_hand: bool) -> Result<LogMeta, RotateError> {
        let logs = self.logs.all();
        let name = next_name(closing.meta.name(), |name| logs.contains_key(name));
        let name = name.ok_or_else(|| RotateError::Name(closing.meta.name().to_owned()))?;
        let made = folder::log_at(self.world.disk.as_ref(), &name).map_err(RotateError::Files)?;
        if let Some(made) = made.filter(|made| made.is_behind(&closing.meta)) {
            return Ok(made);
        }
        let (host, _) = closing.meta.origin.split_once("/tlog/").unwrap_or_default();
        let living = logs.values().filter(|log| log.damaged().is_none());
        let origins = living.map(|log| log.meta.origin.len());
        let origins = origins.chain([host.len() + "/tlog/".len() + name.len()]);
        if !slots::has_room(origins, if is_by_hand { ORDERS_PERCENT } else { 100 }) {
            return Err(RotateError::TooMany);
        }
        let spec = LogSpec { name, ..LogSpec::of(&closing.meta) };
        let follows = Some(closing.meta.origin.clone());
        let meta = folder::plan_log(&self.world, host, &spec, follows, None);
        let made = meta.and_then(|meta| folder::make_log(&self.world, &meta).map(|()| meta));
        made.map_err(RotateError::Files)
    }

    fn unused(&self, closing: &Arc<Log>, meta: LogMeta) -> Result<Arc<Log>, OpenError> {
        let (disk, keys) = (&*self.world.disk, &*self.world.keys);
        let FoundKeys { birth, ring, .. } = keys::read(disk, keys, "", &meta)?;
        let published = Published::new(birth);
        let files = closing.files.clone();
        Ok(Arc::new(Log::new(meta, ring, files, 0, published, Some(closing.clone()))))
    }
}

/// Whether an order by hand may close a log: each log costs every start, every head and every
/// reader something, for ever.
fn may_order(closing: &Arc<Log>, now: i64) -> Result<(), RotateError> {
    let mut at = Some(closing);
    for _ in 1..ORDERS_DAY_MAX {
        at = at.and_then(|log| log.predecessor());
    }
    // A log without an entry, or a clock that was set back, holds up nobody.
    let opened = at.and_then(|log| log.published().tree.recorded_at(0)).unwrap_or(i64::MIN);
    let wait = DAY_NS.saturating_sub(now.saturating_sub(opened));
    if !(1..=DAY_NS).contains(&wait) {
        return Ok(());
    }
    let wait_s = u32::try_from(wait / 1_000_000_000 + 1).unwrap_or(u32::MAX);
    Err(RotateError::TooSoon { log: closing.meta.name().to_owned(), wait_s })
}

/// The name with the next number: `acme-0` is followed by `acme-1`, `acme` too.
pub(crate) fn next_name(name: &str, is_taken: impl Fn(&str) -> bool) -> Option<String> {
    let numbered = name.rsplit_once('-').and_then(|(base, number)| {
        let plain = number == "0" || !number.starts_with('0');
        Some((base, number.parse::<u32>().ok().filter(|_| plain)?))
    });
    let (base, number) = numbered.unwrap_or((name, 0));
    let mut names = (number.checked_add(1)?..u32::MAX).map(|n| format!("{base}-{n}"));
    names.find(|name| !is_taken(name)).filter(|name| name.len() <= 63)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_numbered() {
        let next = |name| next_name(name, |name| name == "b-4").unwrap_or_default();
        let names = ["acme-0", "acme-9", "acme", "b-3", "x-07", "a-b-1"].map(next);
        assert_eq!(names, ["acme-1", "acme-10", "acme-1", "b-5", "x-07-1", "a-b-2"]);
        assert_eq!(next(&format!("{}-9", "a".repeat(61))), "");
    }
}
